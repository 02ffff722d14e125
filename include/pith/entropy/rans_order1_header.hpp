// The tables of an order-1 block as bits of an adaptive arithmetic coder: each frequency's width is predicted
// by the widths that its symbol had in the tables before and by its neighbour's. The coder is the carry-less
// one of M. Mahoney's paq (2002); what it saves over Exp-Golomb codes is a third of the tables.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::entropy::detail {

/// Writes bits of given probabilities; the range [low, high] always holds more than one value.
template <byte_sink Sink>
class table_bit_writer {
  public:
    explicit table_bit_writer(Sink& sink) noexcept : sink_(&sink) {}
    /// `one`: the probability of a 1, in 1..65535 of 65536.
    bool bit(std::uint32_t one, bool value) {
        const std::uint32_t middle =
            low_ + static_cast<std::uint32_t>((std::uint64_t{high_ - low_} * one) >> 16);
        (value ? high_ : low_) = value ? middle : middle + 1;
        for (; (low_ ^ high_) >> 24 == 0; low_ <<= 8, high_ = high_ << 8 | 0xFF)
            sink_->put(static_cast<std::uint8_t>(high_ >> 24));
        return value;
    }
    void finish() {
        for (unsigned shift = 32; shift > 0; shift -= 8)
            sink_->put(static_cast<std::uint8_t>(low_ >> (shift - 8)));
    }

  private:
    Sink* sink_;
    std::uint32_t low_ = 0;
    std::uint32_t high_ = ~std::uint32_t{0};
};

/// Reads what table_bit_writer wrote; zeros after the end.
class table_bit_reader {
  public:
    explicit table_bit_reader(byte_view in) noexcept : in_(in) {
        for (unsigned i = 0; i < 4; ++i) take();
    }
    bool bit(std::uint32_t one, bool = false) noexcept {
        const std::uint32_t middle =
            low_ + static_cast<std::uint32_t>((std::uint64_t{high_ - low_} * one) >> 16);
        const bool value = code_ <= middle;
        (value ? high_ : low_) = value ? middle : middle + 1;
        for (; (low_ ^ high_) >> 24 == 0; low_ <<= 8, high_ = high_ << 8 | 0xFF) take();
        return value;
    }
    [[nodiscard]] std::size_t position() const noexcept { return at_; }
    [[nodiscard]] bool overrun() const noexcept { return at_ > in_.size(); }
    /// True where the writer finished here.
    [[nodiscard]] bool finished() const noexcept { return code_ == low_; }

  private:
    void take() noexcept {
        code_ = code_ << 8 | (at_ < in_.size() ? in_[at_] : 0U);
        ++at_;
    }
    byte_view in_;
    std::size_t at_ = 0;
    std::uint32_t low_ = 0;
    std::uint32_t high_ = ~std::uint32_t{0};
    std::uint32_t code_ = 0;
};

/// Probability of a 1: about the mean of the bits seen, of the last thirty or so when there were more.
class table_bit_chance {
  public:
    [[nodiscard]] std::uint32_t one() const noexcept { return one_; }
    void update(bool value) noexcept {
        // Weights 2^16 * 2 / (2 n + 3) of the bit that follows n others.
        constexpr std::uint16_t weights[31] = {43690, 26214, 18724, 14563, 11915, 10082, 8738, 7710,
                                               6898,  6241,  5698,  5242,  4854,  4519,  4228, 3971,
                                               3744,  3542,  3360,  3196,  3048,  2912,  2788, 2674,
                                               2570,  2473,  2383,  2299,  2221,  2148,  2080};
        const std::int64_t target = value ? 65472 : 64;
        one_ = static_cast<std::uint16_t>(one_ + (((target - one_) * weights[seen_]) >> 16));
        seen_ = static_cast<std::uint16_t>(seen_ < 30 ? seen_ + 1 : 30);
    }

  private:
    std::uint16_t one_ = 32768;  // stays in 64..65472
    std::uint16_t seen_ = 0;
};

/// Codes rows of frequencies, in both directions: with a writer the values are written, with a reader they
/// are overwritten by what is read. A row sums to 2^precision, after it was scaled from its own, smaller
/// precision: rare contexts need not tell more about themselves than they know.
class order1_row_coder {
  public:
    explicit order1_row_coder(unsigned precision) noexcept : precision_(precision) {
        for (std::uint8_t& w : expected_) w = unknown;
    }

    /// Frequencies with sum 2^own, own in 0..precision, not all of them even; they are scaled by
    /// 2^(precision - own), and none may then exceed 4095. False where a reader meets another row.
    template <class Bits>
    [[nodiscard]] bool code(Bits& bits, unsigned own, std::span<std::uint16_t> frequencies) {
        unsigned shift = 0;
        while (shift < precision_ && code_bit(bits, coarser_[shift], shift < precision_ - own)) ++shift;
        std::uint32_t left = std::uint32_t{1} << (precision_ - shift);
        std::uint32_t all = 0;
        unsigned before = 0;
        for (std::size_t s = 0; s < frequencies.size(); ++s) {
            std::uint32_t f = frequencies[s];
            if (left == 0) {
                f = 0;
            } else if (s + 1 == frequencies.size()) {
                f = left;
            } else {
                f = code_one(bits, expected_[s], before, left, f);
            }
            if (f > left || f << shift > 4095) return false;
            left -= f;
            all |= f;
            before = static_cast<unsigned>(std::bit_width(f));
            learn(expected_[s], before);
            frequencies[s] = static_cast<std::uint16_t>(f << shift);
        }
        return (all & 1) != 0;
    }

  private:
    static constexpr std::uint8_t unknown = 255;

    static void learn(std::uint8_t& expected, unsigned width) noexcept {  // 16 times the mean, at most 192
        const int target = static_cast<int>(16 * width);
        expected =
            static_cast<std::uint8_t>(expected == unknown ? target : expected + (target - expected) * 4 / 16);
    }

    template <class Bits>
    bool code_bit(Bits& bits, table_bit_chance& chance, bool value) {
        value = bits.bit(chance.one(), value);
        chance.update(value);
        return value;
    }
    template <class Bits>
    std::uint32_t code_one(Bits& bits, unsigned expected, unsigned before, std::uint32_t left,
                           std::uint32_t f) {
        const unsigned e = expected == unknown ? 25 : (expected + 4) / 8;
        const unsigned neighbour = before == 0 ? 0 : before < 3 ? 1 : 2;
        const unsigned room = static_cast<unsigned>(std::bit_width(left));
        const unsigned wanted = static_cast<unsigned>(std::bit_width(f));
        if (!code_bit(bits, occurs_[e][neighbour][room / 2], f != 0)) return 0;
        unsigned width = 1;
        while (width < room && width < 12 && code_bit(bits, wider_[e / 2][width], wanted > width)) ++width;
        std::uint32_t value = 1;
        for (unsigned k = width - 1; k-- > 0;) {
            const bool bit = (f >> k & 1) != 0;
            const bool read = k + 2 == width ? code_bit(bits, second_[width], bit) : bits.bit(32768, bit);
            value = value << 1 | (read ? 1U : 0U);
        }
        return value;
    }

    unsigned precision_;
    std::uint8_t expected_[256];
    table_bit_chance coarser_[12];
    table_bit_chance occurs_[26][3][7];
    table_bit_chance wider_[13][13];
    table_bit_chance second_[13];
};

}  // namespace pith::inline v1::entropy::detail
