// How alike two texts are, told by a compressor: distances and choices without any training.
// Normalized compression distance (Cilibrasi, Vitanyi, 2005); ZIP-FIT (Obbad and others, 2024) picks training
// data by it, few-shot classification by compression (Jiang and others, 2023) labels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/container/concepts.hpp>
#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::systems {

/// (C(ab) - min(C(a), C(b))) / max(C(a), C(b)) with C the bytes of one block of Codec: near 0 for equal
/// texts, near 1 for strangers; 0 for two empty ones. Of use with a codec that looks back far enough to see a
/// while it codes b. Not reproduced of ZIP-FIT: gzip, a target of many texts joined.
template <container::block_codec Codec>
class compression_distance {
  public:
    explicit compression_distance(Codec codec = {}) noexcept : codec_(std::move(codec)) {}

    /// Errors: what the codec reports.
    [[nodiscard]] result<double> operator()(byte_view a, byte_view b) {
        const auto first = size_of(a, {}), second = size_of(b, {}), both = size_of(a, b);
        if (!first) return first.error();
        if (!second) return second.error();
        if (!both) return both.error();
        const auto [low, high] = std::minmax(*first, *second);
        if (high == 0) return 0.0;
        return (static_cast<double>(*both) - static_cast<double>(low)) / static_cast<double>(high);
    }

    /// The number of the example that is nearest to x, the first of equals. Precondition: there is one.
    [[nodiscard]] result<std::size_t> nearest(byte_view x, std::span<const byte_view> examples) {
        PITH_ASSERT(!examples.empty());
        std::size_t best = 0;
        double least = 0;
        for (std::size_t i = 0; i < examples.size(); ++i) {
            const auto d = (*this)(examples[i], x);
            if (!d) return d.error();
            if (i == 0 || *d < least) {
                best = i;
                least = *d;
            }
        }
        return best;
    }

  private:
    [[nodiscard]] result<std::size_t> size_of(byte_view a, byte_view b) {
        std::vector<std::uint8_t> joined(a.begin(), a.end());
        joined.insert(joined.end(), b.begin(), b.end());
        if (joined.empty()) return std::size_t{0};
        std::vector<std::uint8_t> out(Codec::max_encoded_size(joined.size()));
        return codec_.encode_into(joined, out);
    }
    Codec codec_;
};

// Obbad and others, "ZIP-FIT" (2024), and few-shot classification by compression: the codec is free there
// too.
template <container::block_codec Codec>
using zip_fit = compression_distance<Codec>;

}  // namespace pith::inline v1::systems
