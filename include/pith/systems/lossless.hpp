// The published lossless systems as aliases over the policies of the other folders.
#pragma once

#include <pith/codec/phrases.hpp>
#include <pith/mixing/circuit_records.hpp>

namespace pith::inline v1::systems {

// Liu, Mandt and Van den Broeck, "Lossless Compression with Probabilistic Circuits" (ICLR 2022).
// circuit_tree: hidden Chow-Liu tree rooted at a centroid; circuit_learner: mini-batch, then full EM;
// circuit_walk: the conditionals, by 2 (D - 1) messages a record where the paper's order takes D log D.
// Not reproduced: mixtures of several trees, circuits as priors of integer flows, training on a GPU.
template <mixing::circuit_layout Layout = mixing::circuit_layout{}>
using probabilistic_circuits = mixing::circuit_records<Layout>;

// Tacconelli, "Quasicryth" (2026): quasi-periodic tilings as the places where phrases of words may start.
// transform::words: words, case flags; transform::tiling: supertiles of 2 to 144 places, twelve tilings laid
// over each other; phrase_parse: books, deepest first; phrase_model: levels, indexes, escapes, under mixed
// contexts. Not reproduced: the 24 tilings that are not golden, move-to-front caches and word-level LZ77,
// whose work the contexts do, LZMA for escapes and books; books have phrases from 13 words on, as shorter
// ones no longer pay.
using quasicryth = codec::phrases<codec::fibonacci_tilings<12>>;

}  // namespace pith::inline v1::systems
