// Published lossless systems, each a composition of the library's parts.
#pragma once

#include <cstdint>

#include <pith/codec/token_coder.hpp>
#include <pith/container/recipe.hpp>
#include <pith/mixing/rank_coding.hpp>
#include <pith/mixing/symbol_coding.hpp>
#include <pith/mixing/token_ensemble.hpp>
#include <pith/transform/tokenizer.hpp>

namespace pith::inline v1::systems {

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

}  // namespace pith::inline v1::systems
