// Published lossless systems, each one alias over policies of the library.
// Above each: the publication, which slot realises which idea, and what is not reproduced.
#pragma once

#include <cstdint>

#include <pith/mixing/bitwise_coder.hpp>
#include <pith/mixing/online_ensemble.hpp>
#include <pith/mixing/ssm_network.hpp>
#include <pith/simd/float_lanes.hpp>

namespace pith::inline v1::systems {

// --- StateSMix ------------------------------------------------------------------------------------------

namespace detail {
#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
using fastest_lanes = simd::float_lanes<>;
#else
using fastest_lanes = mixing::portable_lanes;
#endif
}  // namespace detail

struct statesmix_identity {
    static constexpr std::uint32_t recipe = 0x51;
    static constexpr const char* name = "statesmix";
};

/// Bytes before the next one, the same over a gap, the word so far, and the word before it.
inline constexpr mixing::ngram_contexts<10> statesmix_contexts{.of = {{{1},
                                                                       {2},
                                                                       {3},
                                                                       {4},
                                                                       {5},
                                                                       {7},
                                                                       {.bytes = 2, .skip = 1},
                                                                       {.words = 1},
                                                                       {.bytes = 1, .words = 1},
                                                                       {.words = 2}}},
                                                               .memory = std::size_t{1} << 27};

// StateSMix: online state space model and n-grams without pre-training (Tacconelli, 2026).
// ssm_network: the Mamba-type model trained by Adam on each chunk that has been coded; ngrams, long_ngram:
// the sparse tables and long contexts; the ensemble's gate: entropy-adaptive scaling, learned; calibration
// replaces smoothing. Not reproduced: the BPE vocabulary of 49,152 tokens (bytes are the tokens here, their
// bits are coded one by one), learned rates of decay, several passes over the first chunks, fixed weights of
// the n-grams.
template <mixing::float_lanes Lanes = detail::fastest_lanes,
          mixing::ensemble_parts Parts = mixing::ensemble_parts{}>
using statesmix = mixing::bitwise_coder<
    mixing::online_ensemble<
        mixing::ssm_network<mixing::ssm_shape{.model = 32, .inner = 64, .state = 8, .layers = 2}, Lanes>,
        mixing::ngrams<statesmix_contexts>, Lanes, Parts>,
    statesmix_identity>;

}  // namespace pith::inline v1::systems
