// Published lossless systems as block coders: each one line over policies of the other modules.
#pragma once

#include <cstdint>

#include <pith/mixing/byte_match.hpp>
#include <pith/mixing/byte_mixture.hpp>
#include <pith/mixing/denoiser.hpp>
#include <pith/mixing/high_orders.hpp>
#include <pith/mixing/linear_blend.hpp>
#include <pith/mixing/ppm.hpp>
#include <pith/mixing/word_trie.hpp>

namespace pith::inline v1::systems {

namespace detail {
struct midicoth_identity {
    static constexpr std::uint32_t recipe = 0x50;
    static constexpr const char* name = "midicoth";
};
}  // namespace detail

// Tacconelli, "Midicoth" (2026): PPM, match, word and long contexts, calibrated by a "Tweedie denoiser".
// Model: PPM orders 0-4, then match, words and orders 5-8 blended in; calibration: three passes of the
// denoiser. Not reproduced: its bytes, dense counts (ours are sparse), totals of 2^14 (ours 2^24), doubles
// (ours integers).
using midicoth = mixing::byte_mixture<detail::midicoth_identity,
                                      mixing::linear_blend<mixing::ppm<4>, mixing::byte_match<>,
                                                           mixing::word_trie<>, mixing::high_orders<5, 8>>,
                                      mixing::denoiser<>>;

}  // namespace pith::inline v1::systems
