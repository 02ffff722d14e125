// Published codes that are not files: windows for networks that read codes, couplings of distributions.
// Above each alias: the publication, which slot realises which idea, and what is not reproduced.
#pragma once

#include <pith/entropy/coupling.hpp>
#include <pith/mixing/equal_information.hpp>
#include <pith/mixing/window_models.hpp>

namespace pith::inline v1::systems {

// Equal-info windows (Lester, Lee, Alemi, Pennington, Roberts, Sohl-Dickstein, Constant, 2024). windows: Bits
// bits of arithmetic code each, coder and context anew in each one. Model: a table learned from text
// beforehand here, any language model as window_symbols_model. Not reproduced: their model of 3 million
// parameters, and its bytes (there a window ends by padding, here every code of it is of use).
template <mixing::window_model Model = mixing::primed_bytes_model<2>, unsigned Bits = 16>
using equal_info_windows = mixing::equal_information_windows<Model, Bits>;

// Minimum entropy coupling (Kocaoglu, Dimakis, Vishwanath, Hassibi, 2017): coupling::greedy.
using minimum_entropy_coupling = entropy::coupling;

// Minimum entropy coupling with bottleneck, MEC-B (Ebrahimi, Chen, Khisti, 2024). code: a deterministic map
// of bounded entropy; code_to_out: the greedy coupling behind it. Not reproduced: the search near the bound
// by maps that draw, and the experiments on images.
using mec_b = entropy::bottleneck_coupling;

}  // namespace pith::inline v1::systems
