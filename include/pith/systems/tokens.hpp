// Published systems for tokens, each one alias over policies of the library.
// Above each: the publication, which slot realises which idea, and what is not reproduced.
#pragma once

#include <pith/transform/bpe_training.hpp>
#include <pith/transform/meta_tokens.hpp>

namespace pith::inline v1::systems {

// Byte-pair encoding as published (Sennrich, Haddow, Birch, 2016). Criterion: the pair's count.
using plain_bpe = transform::bpe_trainer<transform::pair_count>;

// Compression-aware byte-pair encoding. Criterion: the bits that a merge saves under an ideal coder of order
// 0, and one bit for each token less. Not reproduced: criteria of higher orders; vocabularies that are pruned
// again.
using compression_aware_bpe = transform::bpe_trainer<transform::order0_gain<>>;

// Meta-tokens (Harvill and others, 2025): substitution as in LZ77 over token sequences, the longest phrases
// first. Not reproduced: models that are trained to read what comes out.
using meta_tokens = transform::meta_tokens;

}  // namespace pith::inline v1::systems
