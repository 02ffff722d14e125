// k places drawn by a generator that both sides share: only values are sent, scaled so that the mean is
// right. Konecny et al. (2016), Stich et al. (2018).
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/random.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/kept_values.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// A compressor: n / k times the values at k places, zero elsewhere; the places follow from seed and message
/// number. Unbiased with w = n / k - 1 when Values are floats. 4 k bytes. Memory: 4 n + n / 8 bytes.
template <value_code Values = float_values>
class random_k {
  public:
    /// size < 2^32, 1 <= kept <= size, or both 0.
    random_k(std::size_t size, std::size_t kept, std::uint64_t seed)
        : size_(size), kept_(kept), seed_(seed), at_(kept), taken_(size / 64 + 1), scaled_(size) {
        PITH_ASSERT(kept <= size && (kept >= 1 || size == 0) && size < 0xFFFF'FFFFU);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return Values::value_bytes(kept_); }
    [[nodiscard]] double variance() const noexcept requires std::same_as<Values, float_values> {
        return (scale() - 1) * (1 + 1e-6);
    }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t message, byte_span out) noexcept {
        PITH_ASSERT(x.size() == size_);
        if (!all_finite(x)) return not_finite(x);
        if (out.size() < max_encoded_size()) return no_room(out);
        draw(message);
        bool fits = true;
        for (const std::uint32_t i : at_) {
            scaled_[i] = static_cast<float>(double{x[i]} * scale());
            fits = fits && is_finite(scaled_[i]);
        }
        if (!fits) return too_large();
        if (const auto put = values_.put(scaled_, at_, out.first(max_encoded_size())); !put)
            return put.error();
        return max_encoded_size();
    }
    result<void> decode_into(byte_view in, std::uint64_t message, std::span<float> y) noexcept {
        PITH_ASSERT(y.size() == size_);
        if (in.size() != max_encoded_size()) return wrong_length(in, max_encoded_size());
        draw(message);
        std::fill(y.begin(), y.end(), 0.0F);
        return values_.get(in, at_, y);
    }

  private:
    [[nodiscard]] double scale() const noexcept {
        return kept_ == 0 ? 1 : static_cast<double>(size_) / static_cast<double>(kept_);
    }
    /// Draws the smaller of the taken and the free places until they are enough: 1.4 draws each on average.
    void draw(std::uint64_t message) noexcept {
        random_sequence random(seed_, message);
        std::fill(taken_.begin(), taken_.end(), std::uint64_t{0});
        const bool inverted = kept_ > size_ / 2;
        for (std::size_t left = inverted ? size_ - kept_ : kept_; left != 0;) {
            const std::uint32_t i = random.below(static_cast<std::uint32_t>(size_));
            const std::uint64_t bit = std::uint64_t{1} << (i % 64);
            left -= (taken_[i / 64] & bit) == 0;
            taken_[i / 64] |= bit;
        }
        std::size_t found = 0;
        for (std::size_t word = 0; word < taken_.size(); ++word) {
            const std::size_t here = std::min<std::size_t>(64, size_ - word * 64);
            const std::uint64_t valid = here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
            for (std::uint64_t w = (inverted ? ~taken_[word] : taken_[word]) & valid; w != 0; w &= w - 1)
                at_[found++] =
                    static_cast<std::uint32_t>(word * 64 + static_cast<unsigned>(std::countr_zero(w)));
        }
        PITH_ASSERT(found == kept_);
    }

    std::size_t size_;
    std::size_t kept_;
    std::uint64_t seed_;
    Values values_{};
    std::vector<std::uint32_t> at_;
    std::vector<std::uint64_t> taken_;
    std::vector<float> scaled_;
};

/// A compressor: an unbiased one of variance w divided by 1 + w, which is contractive with d = 1 / (1 + w).
template <unbiased_compressor Inner>
class damped {
  public:
    explicit damped(Inner inner) : inner_(std::move(inner)) {}

    [[nodiscard]] std::size_t size() const noexcept { return inner_.size(); }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return inner_.max_encoded_size(); }
    [[nodiscard]] double contraction() const noexcept { return (1 - 1e-6) / (1 + inner_.variance()); }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t message, byte_span out) noexcept {
        return inner_.encode_into(x, message, out);
    }
    result<void> decode_into(byte_view in, std::uint64_t message, std::span<float> y) noexcept {
        if (const auto got = inner_.decode_into(in, message, y); !got) return got.error();
        const double factor = 1 / (1 + inner_.variance());
        for (float& v : y) v = static_cast<float>(double{v} * factor);
        return {};
    }

  private:
    Inner inner_;
};

}  // namespace pith::inline v1::feedback
