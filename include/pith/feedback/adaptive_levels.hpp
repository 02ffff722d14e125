// Signed levels -most .. most by adaptive arithmetic coding: zero or not, sign, order of magnitude, the rest.
// The binarisation of Exp-Golomb codes (Teuhola, 1978) with a counting probability at each decision.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>

namespace pith::inline v1::feedback {

/// What both sides of the code share. Level magnitudes below 2^16. Bytes, for n levels: at most 5 n + 16.
class level_model {
  public:
    template <class Coder>
    [[nodiscard]] int code(Coder& coder, int level) noexcept {
        const auto size = static_cast<std::uint32_t>(level < 0 ? -level : level);
        const bool some = coder.bit(zero_[before_], size != 0);
        if (!some) return before_ = 0, 0;
        const bool minus = coder.fair_bit(level < 0);
        unsigned order = 0;  // of the magnitude: floor(log2), at most 15
        const unsigned wanted = static_cast<unsigned>(std::bit_width(size | 1)) - 1;
        while (order < 15 && coder.bit(order_[before_][order], wanted > order)) ++order;
        std::uint32_t node = 1;
        for (unsigned k = order; k-- > 0;) {
            // The two bits below the leading one have probabilities of their own; lower ones are near even.
            const bool bit = size >> k & 1;
            const bool got = k + 2 >= order ? coder.bit(rest_[order][node], bit) : coder.fair_bit(bit);
            node = 2 * node + got;
        }
        before_ = node == 1 ? 1 : 2;
        return minus ? -static_cast<int>(node) : static_cast<int>(node);
    }

  private:
    using predictor = entropy::adaptive_bit<entropy::bit_rates{.fast = 7, .start = 1}>;
    std::array<predictor, 3> zero_{};
    std::array<std::array<predictor, 16>, 3> order_{};
    std::array<std::array<predictor, 4>, 16> rest_{};
    std::size_t before_ = 0;  // of the level before: 0, 1, or more
};

/// Writes levels. finish() writes what is held.
class level_encoder {
  public:
    explicit level_encoder(span_sink& sink) noexcept : encoder_(sink) {}
    void put(int level) noexcept { (void)model_.code(*this, level); }
    void finish() noexcept { encoder_.finish(); }

    template <class Predictor>
    bool bit(Predictor& p, bool b) noexcept {
        encoder_.put(b, p.probability_of_one());
        p.update(b);
        return b;
    }
    bool fair_bit(bool b) noexcept { return encoder_.put(b, 1U << 15), b; }

  private:
    entropy::binary_encoder<span_sink> encoder_;
    level_model model_;
};

/// Reads levels. finish() says whether an encoder may have written the bytes.
class level_decoder {
  public:
    explicit level_decoder(byte_view in) noexcept : decoder_(in) {}
    [[nodiscard]] int get() noexcept { return model_.code(*this, 0); }
    [[nodiscard]] result<void> finish() const noexcept { return decoder_.finish(); }

    template <class Predictor>
    bool bit(Predictor& p, bool) noexcept {
        const bool b = decoder_.get(p.probability_of_one());
        p.update(b);
        return b;
    }
    bool fair_bit(bool) noexcept { return decoder_.get(1U << 15); }

  private:
    entropy::binary_decoder<> decoder_;
    level_model model_;
};

}  // namespace pith::inline v1::feedback
