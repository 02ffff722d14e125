// The published lossless systems as aliases over the policies of the other folders.
#pragma once

#include <pith/mixing/circuit_records.hpp>

namespace pith::inline v1::systems {

// Liu, Mandt and Van den Broeck, "Lossless Compression with Probabilistic Circuits" (ICLR 2022).
// circuit_tree: hidden Chow-Liu tree rooted at a centroid; circuit_learner: mini-batch, then full EM;
// circuit_walk: the conditionals, by 2 (D - 1) messages a record where the paper's order takes D log D.
// Not reproduced: mixtures of several trees, circuits as priors of integer flows, training on a GPU.
template <mixing::circuit_layout Layout = mixing::circuit_layout{}>
using probabilistic_circuits = mixing::circuit_records<Layout>;

}  // namespace pith::inline v1::systems
