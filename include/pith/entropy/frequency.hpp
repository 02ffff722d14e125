// Frequencies of static models: counting, optimal normalisation to a power of two, and the compact table
// header. Normalisation is exact (integers only); being separable and concave, its optimum is where no
// exchange of one slot between two symbols gains (Gross, 1956: marginal allocation).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/golomb.hpp>

namespace pith::inline v1::entropy {

/// Counts of the 256 byte values. `counts` is overwritten. in.size() < 2^32.
inline void count_bytes(byte_view in, std::span<std::uint32_t, 256> counts) noexcept {
    PITH_ASSERT(in.size() <= 0xFFFF'FFFFU);
    // Four tables: runs of one value would else wait for the store of the count before.
    std::uint32_t tables[4][256] = {};
    std::size_t i = 0;
    for (; i + 8 <= in.size(); i += 8) {
        const std::uint64_t w = load_le<std::uint64_t>(in.data() + i);
        for (unsigned k = 0; k < 8; ++k) ++tables[k & 3][(w >> (8 * k)) & 0xFF];
    }
    for (; i < in.size(); ++i) ++tables[0][in[i]];
    for (std::size_t s = 0; s < 256; ++s)
        counts[s] = tables[0][s] + tables[1][s] + tables[2][s] + tables[3][s];
}

namespace detail {

/// 2^32 * log2(1 + 1/f), f >= 1; exact to 2^-29 relative for small f, 2^-15 at f = 2^15. Never rises with f.
[[nodiscard]] constexpr std::uint64_t log2_step(std::uint32_t f) noexcept {
    if (f == 1) return std::uint64_t{1} << 32;
    // ln(1 + 1/f) = 2 artanh(z), z = 1/(2f + 1) <= 1/5: the term in z^11 is below 2^-28.
    const std::uint64_t z = (std::uint64_t{1} << 32) / (2 * std::uint64_t{f} + 1);
    const std::uint64_t z2 = (z * z) >> 32;
    std::uint64_t power = z;
    std::uint64_t sum = z;
    for (std::uint64_t k = 3; k <= 9; k += 2) {
        power = (power * z2) >> 32;
        sum += power / k;
    }
    constexpr std::uint64_t two_over_ln2 = 12'392'656'037;  // 2^32 * 2 / ln 2
    return (sum * two_over_ln2) >> 32;                      // sum < 0.21 * 2^32: no overflow
}

/// 2^24 * log2(v), v >= 1, by repeated squaring of the mantissa; error below 2^-15.
[[nodiscard]] constexpr std::uint64_t log2_fixed(std::uint32_t v) noexcept {
    const unsigned whole = static_cast<unsigned>(std::bit_width(v)) - 1;
    std::uint64_t mantissa = std::uint64_t{v} << (31 - whole);  // in [2^31, 2^32)
    std::uint64_t fraction = 0;
    for (unsigned i = 0; i < 16; ++i) {
        mantissa = (mantissa * mantissa) >> 31;  // in [2^31, 2^33)
        const std::uint64_t carry = mantissa >> 32;
        fraction = (fraction << 1) | carry;
        mantissa >>= carry;
    }
    return (std::uint64_t{whole} << 24) | (fraction << 8);
}

/// Marginal values of one slot more or less for each symbol, and the symbols at the extremes.
class slot_market {
  public:
    slot_market(std::span<const std::uint32_t> counts, std::span<std::uint16_t> frequencies) noexcept
        : counts_(counts), frequencies_(frequencies) {
        for (std::size_t s = 0; s < counts_.size(); ++s) price(s);
    }
    /// The symbol that gains most from one slot more (lowest index wins ties).
    [[nodiscard]] std::size_t best_buyer() const noexcept {
        std::size_t best = 0;
        for (std::size_t s = 1; s < counts_.size(); ++s) best = gain_[s] > gain_[best] ? s : best;
        return best;
    }
    /// The symbol that loses least from one slot less; all ones where none can give.
    [[nodiscard]] std::size_t best_seller() const noexcept {
        std::size_t best = 0;
        for (std::size_t s = 1; s < counts_.size(); ++s) best = loss_[s] < loss_[best] ? s : best;
        return best;
    }
    void buy(std::size_t s) noexcept { ++frequencies_[s], price(s); }
    void sell(std::size_t s) noexcept { --frequencies_[s], price(s); }
    [[nodiscard]] bool exchange_pays(std::size_t buyer, std::size_t seller) const noexcept {
        return gain_[buyer] > loss_[seller];
    }

  private:
    void price(std::size_t s) noexcept {
        const std::uint32_t f = frequencies_[s];
        gain_[s] = f == 0 ? 0 : counts_[s] * log2_step(f);  // < 2^32 * 2^32
        loss_[s] = f <= 1 ? ~std::uint64_t{0} : counts_[s] * log2_step(f - 1);
    }
    std::span<const std::uint32_t> counts_;
    std::span<std::uint16_t> frequencies_;
    std::uint64_t gain_[256];
    std::uint64_t loss_[256];
};

}  // namespace detail

/// Frequencies with sum 2^precision and the fewest coded bits for `counts`; every symbol that occurs gets at
/// least 1, every other 0. Up to 256 symbols, at least one occurring and no more than 2^precision of them;
/// precision in 1..15; the counts' sum below 2^32. Exact.
inline void normalize_frequencies(std::span<const std::uint32_t> counts, std::span<std::uint16_t> frequencies,
                                  unsigned precision) noexcept {
    PITH_ASSERT(counts.size() == frequencies.size() && counts.size() <= 256 && precision >= 1 &&
                precision <= 15);
    std::uint64_t total = 0;
    for (const std::uint32_t c : counts) total += c;
    PITH_ASSERT(total > 0 && total <= 0xFFFF'FFFFU);
    const std::int64_t slots = std::int64_t{1} << precision;
    std::int64_t left = slots;
    for (std::size_t s = 0; s < counts.size(); ++s) {
        const std::uint64_t share = (std::uint64_t{counts[s]} << precision) / total;
        frequencies[s] = static_cast<std::uint16_t>(counts[s] == 0 ? 0 : (share == 0 ? 1 : share));
        left -= frequencies[s];
    }
    detail::slot_market market(counts, frequencies);
    for (; left > 0; --left) market.buy(market.best_buyer());
    for (; left < 0; ++left) market.sell(market.best_seller());
    // Each exchange lowers the total cost, so this ends; a handful at most, as both ends start near the
    // optimum.
    for (;;) {
        const std::size_t buyer = market.best_buyer();
        const std::size_t seller = market.best_seller();
        if (buyer == seller || !market.exchange_pays(buyer, seller)) break;
        market.sell(seller);
        market.buy(buyer);
    }
}

/// Coded size in bits (rounded down) of `counts` under `frequencies` of the given precision. Exact.
[[nodiscard]] inline std::uint64_t coded_bits(std::span<const std::uint32_t> counts,
                                              std::span<const std::uint16_t> frequencies,
                                              unsigned precision) noexcept {
    std::uint64_t bits = 0;  // 2^-24 bit; < 2^32 symbols * 15 * 2^24 < 2^60
    for (std::size_t s = 0; s < counts.size(); ++s) {
        if (counts[s] == 0) continue;
        bits += counts[s] * ((std::uint64_t{precision} << 24) - detail::log2_fixed(frequencies[s]));
    }
    return bits >> 24;
}

namespace detail {

/// Exp-Golomb parameter that follows the size of the frequencies seen so far.
class frequency_scale {
  public:
    explicit frequency_scale(unsigned precision) noexcept
        : mean_(std::uint32_t{16} << (precision > 6 ? precision - 6 : 0)) {}
    [[nodiscard]] unsigned parameter() const noexcept {
        const unsigned width = static_cast<unsigned>(std::bit_width(mean_ >> 4));
        return width > 1 ? width - 2 : 0;
    }
    void update(std::uint32_t f) noexcept { mean_ += (f << 2) - (mean_ >> 2); }

  private:
    std::uint32_t mean_;  // 16 * mean; f < 2^15 keeps it below 2^19
};

}  // namespace detail

/// Writes the table: the last occurring symbol, then the frequencies before it, each in an Exp-Golomb code
/// whose parameter follows the sizes seen; a zero is followed by the number of zeros after it. The last one
/// is implied.
template <byte_sink Sink>
void write_frequencies(Sink& sink, std::span<const std::uint16_t> frequencies, unsigned precision) {
    PITH_ASSERT(!frequencies.empty() && frequencies.size() <= 256);
    std::size_t last = frequencies.size() - 1;
    while (last > 0 && frequencies[last] == 0) --last;
    bit_writer writer(sink);
    writer.put(last, 8);
    detail::frequency_scale scale(precision);
    for (std::size_t s = 0; s < last; ++s) {
        const std::uint32_t f = frequencies[s];
        const bool after_run = s > 0 && frequencies[s - 1] == 0;  // then f > 0 is known
        put_exp_golomb(writer, after_run ? f - 1 : f, scale.parameter());
        if (f != 0) {
            scale.update(f);
            continue;
        }
        std::size_t end = s + 1;
        while (frequencies[end] == 0) ++end;
        put_exp_golomb(writer, static_cast<std::uint32_t>(end - s - 1), 0);
        s = end - 1;
    }
    writer.finish();
}

/// Reads a table that write_frequencies wrote, and its bytes from `reader`. All of `frequencies` is set.
/// Errors: truncated; bad_model where the frequencies do not fill 2^precision exactly or name a symbol beyond
/// frequencies.size(). Every valid table has one form.
[[nodiscard]] inline result<void> read_frequencies(byte_reader& reader, std::span<std::uint16_t> frequencies,
                                                   unsigned precision) noexcept {
    const error bad =
        reader.fail(error_code::bad_model, "the frequency table is not one that an encoder writes");
    const error cut = reader.fail(error_code::truncated, "the input ends inside a frequency table");
    bit_reader bits(reader.rest());
    const std::size_t last = static_cast<std::size_t>(bits.get(8));
    if (last >= frequencies.size()) return bad;
    std::uint32_t left = std::uint32_t{1} << precision;
    detail::frequency_scale scale(precision);
    for (std::uint16_t& f : frequencies) f = 0;
    bool after_run = false;
    for (std::size_t s = 0; s < last; ++s) {
        const result<std::uint64_t> coded = get_exp_golomb(bits, scale.parameter());
        if (!coded || *coded >= left) return bits.overrun() ? cut : bad;
        const auto f = static_cast<std::uint32_t>(*coded) + (after_run ? 1U : 0U);
        if (f >= left) return bad;  // one slot stays for the last symbol
        frequencies[s] = static_cast<std::uint16_t>(f);
        left -= f;
        after_run = f == 0;
        if (f != 0) {
            scale.update(f);
            continue;
        }
        const result<std::uint64_t> more = get_exp_golomb(bits, 0);
        if (!more || *more >= last - s) return bits.overrun() ? cut : bad;
        s += static_cast<std::size_t>(*more);
    }
    frequencies[last] = static_cast<std::uint16_t>(left);
    if (bits.overrun()) return cut;
    if (!bits.padding_is_zero()) return bad;
    return reader.read_bytes(bits.byte_position()) ? result<void>() : result<void>(bad);
}

}  // namespace pith::inline v1::entropy
