// Adaptive binary coding of quantizer indices: zero, sign and a unary magnitude, each bit under the counts of
// its place.
// The binarization of video coders (Marpe, Schwarz, Wiegand, 2003); counts instead of shifts, because indices
// of one quantizer are stationary.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/exact_math.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::quant {

/// A bit_predictor that averages all bits seen, up to the last 2^12 or so. Exact: integers.
class counted_bit {
  public:
    [[nodiscard]] constexpr std::uint32_t probability_of_one() const noexcept {
        const std::uint32_t p = ones_ >> 8;  // ones_ < 2^24
        return p == 0 ? 1 : p;
    }
    constexpr void update(bool bit) noexcept {
        // The distance to the bit is below 2^24; at least one unit of probability stays on either side.
        const auto target = static_cast<std::int32_t>(bit ? (1U << 24) - 1 : 1U);
        const std::int32_t distance = target - static_cast<std::int32_t>(ones_);
        ones_ = static_cast<std::uint32_t>(static_cast<std::int32_t>(ones_) + 2 * distance / (2 * seen_ + 3));
        if (seen_ < limit) ++seen_;
    }
    friend constexpr bool operator==(const counted_bit&, const counted_bit&) = default;

  private:
    static constexpr std::int32_t limit = 4095;
    std::uint32_t ones_ = 1U << 23;
    std::int32_t seen_ = 0;
};
static_assert(entropy::bit_predictor<counted_bit>);

/// Indices beyond this are refused: index times step is then exact to half a step.
inline constexpr std::int32_t max_index = (1 << 22) - 1;

/// What one context has learned of the indices in it. Indices of -max_index ... max_index.
class index_model {
    static constexpr unsigned unary = 14;
    static constexpr unsigned prefixes = 24;

  public:
    /// Calls code(predictor or null for an even bit, bit) for each bit of the index, updating the predictors.
    template <class Code>
    void put(std::int32_t index, Code&& code) {
        const auto learn = [&](counted_bit& p, bool bit) {
            code(&p, bit);
            p.update(bit);
        };
        learn(zero_, index == 0);
        if (index == 0) return;
        learn(negative_, index < 0);
        const auto size = static_cast<std::uint32_t>(index < 0 ? -index : index);
        for (unsigned i = 0; i < unary; ++i) {
            learn(more_[i], size > i + 1);
            if (size == i + 1) return;
        }
        const std::uint32_t rest = size - unary;  // >= 1
        unsigned bits = 0;
        for (; rest >> (bits + 1) != 0; ++bits) learn(longer_[bits], true);
        learn(longer_[bits], false);
        for (unsigned b = bits; b-- > 0;) code(static_cast<counted_bit*>(nullptr), (rest >> b & 1) != 0);
    }
    /// The inverse: bit(predictor or null) gives the next bit.
    template <class Bit>
    [[nodiscard]] result<std::int32_t> get(Bit&& bit) {
        const auto learn = [&](counted_bit& p) {
            const bool b = bit(&p);
            p.update(b);
            return b;
        };
        if (learn(zero_)) return 0;
        const bool negative = learn(negative_);
        std::uint32_t size = 1;
        while (size <= unary && learn(more_[size - 1])) ++size;
        if (size > unary) {
            unsigned bits = 0;
            while (bits + 1 < prefixes && learn(longer_[bits])) ++bits;
            std::uint32_t rest = 1;
            for (unsigned b = 0; b < bits; ++b) rest = 2 * rest + bit(static_cast<counted_bit*>(nullptr));
            size = unary + rest;
            if (size > static_cast<std::uint32_t>(max_index))
                return error{error_code::bad_stream, 0, "an index that no encoder writes"};
        }
        return negative ? -static_cast<std::int32_t>(size) : static_cast<std::int32_t>(size);
    }
    /// Bits that the index costs at present; learns nothing. Encoder-side.
    [[nodiscard]] double cost(std::int32_t index) const noexcept {
        index_model copy = *this;
        double bits = 0;
        copy.put(index, [&](const counted_bit* p, bool b) {
            const double one = p == nullptr ? 0.5 : p->probability_of_one() / 65536.0;
            bits -= exact::log(b ? one : 1 - one) * 1.4426950408889634;
        });
        return bits;
    }

  private:
    counted_bit zero_, negative_;
    std::array<counted_bit, unary> more_;
    std::array<counted_bit, prefixes> longer_;
};

/// Writes indices into a binary arithmetic coder.
template <byte_sink Sink>
class index_encoder {
  public:
    explicit index_encoder(Sink& sink) noexcept : coder_(sink) {}
    /// Precondition: |index| <= max_index.
    void put(index_model& model, std::int32_t index) {
        PITH_ASSERT(index >= -max_index && index <= max_index);
        model.put(index, [&](const counted_bit* p, bool bit) {
            coder_.put(bit, p == nullptr ? 32768 : p->probability_of_one());
        });
    }
    void put(counted_bit& model, bool bit) {
        coder_.put(bit, model.probability_of_one());
        model.update(bit);
    }
    /// The lowest `bits` bits of v as they are, the highest first.
    void put_even(std::uint32_t v, unsigned bits) {
        for (unsigned b = bits; b-- > 0;) coder_.put((v >> b & 1) != 0, 32768);
    }
    void finish() { coder_.finish(); }

  private:
    entropy::binary_encoder<Sink> coder_;
};

/// Reads them again. Errors say that no encoder wrote this, as far as that shows.
class index_decoder {
  public:
    explicit index_decoder(byte_view in) noexcept : coder_(in) {}
    [[nodiscard]] result<std::int32_t> get(index_model& model) noexcept {
        return model.get(
            [&](const counted_bit* p) { return coder_.get(p == nullptr ? 32768 : p->probability_of_one()); });
    }
    [[nodiscard]] bool get(counted_bit& model) noexcept {
        const bool bit = coder_.get(model.probability_of_one());
        model.update(bit);
        return bit;
    }
    [[nodiscard]] std::uint32_t get_even(unsigned bits) noexcept {
        std::uint32_t v = 0;
        for (unsigned b = 0; b < bits; ++b) v = v << 1 | (coder_.get(32768) ? 1U : 0U);
        return v;
    }
    [[nodiscard]] result<void> finish() const noexcept { return coder_.finish(); }

  private:
    entropy::binary_decoder<> coder_;
};

}  // namespace pith::inline v1::quant
