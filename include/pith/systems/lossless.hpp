// Published lossless systems, each one alias over policies of the library.
// Above each: the publication, which slot realises which idea, and what is not reproduced.
#pragma once

#include <cstdint>

#include <pith/codec/phrases.hpp>
#include <pith/codec/token_coder.hpp>
#include <pith/container/recipe.hpp>
#include <pith/mixing/bitwise_coder.hpp>
#include <pith/mixing/byte_match.hpp>
#include <pith/mixing/byte_mixture.hpp>
#include <pith/mixing/circuit_records.hpp>
#include <pith/mixing/denoiser.hpp>
#include <pith/mixing/high_orders.hpp>
#include <pith/mixing/linear_blend.hpp>
#include <pith/mixing/online_ensemble.hpp>
#include <pith/mixing/ppm.hpp>
#include <pith/mixing/rank_coding.hpp>
#include <pith/mixing/ssm_network.hpp>
#include <pith/mixing/symbol_coding.hpp>
#include <pith/mixing/token_ensemble.hpp>
#include <pith/mixing/word_trie.hpp>
#include <pith/simd/float_lanes.hpp>
#include <pith/transform/tokenizer.hpp>

namespace pith::inline v1::systems {

// --- Midicoth --------------------------------------------------------------------------------------------

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

// --- Language models ------------------------------------------------------------------------------------
// The model and its tokenizer are the program's own: so is the recipe's id. Made as
//   nacrith<my_model, my_tokenizer>(tokenizer, mixing::token_ensemble<my_model>(model, options)).

// Nacrith (Tacconelli, 2026). Predictor: the frozen model; token_ensemble: bias head, n-grams of orders 1 to
// 4, repeats, weights by success, skipping; coding: totals of 2^24; fallback: the binary parts of the
// container. Not reproduced: SmolLM2-135M itself, llama.cpp's batching, LZMA and gzip for binary parts.
template <mixing::symbol_predictor Model, transform::tokenizer Tokenizer = transform::byte_tokenizer,
          std::uint32_t Recipe = container::recipes::first_of_users>
using nacrith = codec::token_coder<Tokenizer, mixing::token_ensemble<Model>, mixing::cdf_coding<24>,
                                   entropy::adaptive_nibble<1>, Recipe>;

// LLMZip (Valmeekam, Narayanan, Kalathil, Chamberland, Shakkottai, 2023). Predictor: the model; coding: the
// rank of the true token, here under adaptive bits where the publication has zlib. Not reproduced: LLaMA-7B;
// a fixed context of M tokens that is computed anew for each token.
template <mixing::symbol_predictor Model, transform::tokenizer Tokenizer = transform::byte_tokenizer,
          std::uint32_t Recipe = container::recipes::first_of_users + 1>
using llmzip = codec::token_coder<Tokenizer, Model, mixing::rank_coding, entropy::adaptive_nibble<1>, Recipe>;

// Language Modeling Is Compression (Deletang et al., 2023), LMCompress (Li, Huang, Wang et al., 2025), and
// LLMZip's arithmetic coding. Predictor: the model; coding: arithmetic under its distribution, totals of
// 2^24. Not reproduced: the models of billions of parameters, and those for images, sound and video.
template <mixing::symbol_predictor Model, transform::tokenizer Tokenizer = transform::byte_tokenizer,
          std::uint32_t Recipe = container::recipes::first_of_users + 2>
using language_model_coder =
    codec::token_coder<Tokenizer, Model, mixing::cdf_coding<24>, entropy::adaptive_nibble<1>, Recipe>;

// --- Probabilistic circuits -----------------------------------------------------------------------------

// Liu, Mandt and Van den Broeck, "Lossless Compression with Probabilistic Circuits" (ICLR 2022).
// circuit_tree: hidden Chow-Liu tree rooted at a centroid; circuit_learner: mini-batch, then full EM;
// circuit_walk: the conditionals, by 2 (D - 1) messages a record where the paper's order takes D log D.
// Not reproduced: mixtures of several trees, circuits as priors of integer flows, training on a GPU.
template <mixing::circuit_layout Layout = mixing::circuit_layout{}>
using probabilistic_circuits = mixing::circuit_records<Layout>;

// --- Quasicryth -----------------------------------------------------------------------------------------

// Tacconelli, "Quasicryth" (2026): quasi-periodic tilings as the places where phrases of words may start.
// transform::word_cut: words, case flags; transform::tiling: supertiles of 2 to 144 places, twelve tilings
// laid over each other; phrase_parse: books, deepest first; phrase_model: levels, indexes, escapes, under
// mixed contexts. Not reproduced: the 24 tilings that are not golden, move-to-front caches and word-level
// LZ77, whose work the contexts do, LZMA for escapes and books; books have phrases from 13 words on, as
// shorter ones no longer pay.
using quasicryth = codec::phrases<codec::fibonacci_tilings<12>>;

}  // namespace pith::inline v1::systems
