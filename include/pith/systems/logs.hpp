// Published systems for logs, each one alias over policies of the library.
// Above each: the publication, which slot realises which idea, and what is not reproduced.
#pragma once

#include <pith/codec/logs.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::systems {

// Logzip (Liu, Zhu, He, He, Zheng, Lyu, 2019). log_templates: iterative clustering, on all lines in place of
// a sample; log_columns: columns of parameters, one list of words for all of them, numbers in words apart;
// Coder: the back end, where the publication has gzip, bzip2 or LZMA. Not reproduced: a format of the lines
// given by the user (their head is found), the hierarchy by level and component, the longest common
// subsequence (wild words never stand for several), lossy levels, worker processes.
template <entropy::block_coder Coder = entropy::adaptive_nibble<2>>
using logzip = codec::logs<Coder>;

}  // namespace pith::inline v1::systems
