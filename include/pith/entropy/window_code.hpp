// Window code: groups of bytes as short fixed-width offsets from a base, with escapes for what lies outside.
// Own work on the fixed-width exponent codes of ZipServ (2026) and others; escapes of four bits are new here.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::entropy {

/// Most bytes in a group, and how far apart the bit planes of a group stand in memory.
inline constexpr std::size_t window_group = 1024;
inline constexpr std::size_t window_pitch = window_group / 8;

/// Bytes to bit planes and back, W = 2^bits - 1, n a multiple of 32 up to window_group:
///   encode: code = symbol - base if that is in [0, W), else W, and the symbol is appended to `escapes`;
///           bit j of code i is bit i of plane j. Gives their number. May write 32 bytes beyond the last.
///   decode: the inverse; gives the number of escapes used. May read 32 bytes beyond the last.
///   spell:  n bytes of two nibbles, the lower first, to 2 n bytes of a table of 16, but the next byte of
///   `far` for each nibble 15. Gives how many of these it used; may read 32 bytes beyond the last. Writes no
///   more.
/// Law: equal to portable_windows.
template <class K>
concept window_kernel = requires(const std::uint8_t* in, std::uint8_t* out, std::uint8_t* more, std::size_t n,
                                 std::uint8_t base, unsigned bits) {
    { K::encode(in, n, base, bits, out, more) }
    noexcept->std::same_as<std::size_t>;
    { K::decode(in, n, base, bits, in, out) }
    noexcept->std::same_as<std::size_t>;
    { K::spell(in, n, in, in, out) }
    noexcept->std::same_as<std::size_t>;
};

/// The definition, in plain C++.
struct portable_windows {
    static std::size_t encode(const std::uint8_t* symbols, std::size_t n, std::uint8_t base, unsigned bits,
                              std::uint8_t* planes, std::uint8_t* escapes) noexcept {
        const unsigned outside = (1U << bits) - 1;
        std::size_t count = 0;
        for (std::size_t i = 0; i < n; i += 8) {
            std::uint64_t codes = 0;  // one in each byte
            for (unsigned k = 0; k < 8; ++k) {
                const unsigned offset = (symbols[i + k] - unsigned{base}) & 0xFF;
                const unsigned code = offset < outside ? offset : outside;
                escapes[count] = symbols[i + k];
                count += code == outside ? 1 : 0;
                codes |= std::uint64_t{code} << (8 * k);
            }
            for (unsigned j = 0; j < bits; ++j) {
                // The lowest bits of eight bytes to one byte: bit 8 k goes to bit 56 + k.
                const std::uint64_t low = codes >> j & 0x0101'0101'0101'0101;
                planes[j * window_pitch + i / 8] =
                    static_cast<std::uint8_t>(low * 0x0102'0408'1020'4080 >> 56);
            }
        }
        return count;
    }
    static std::size_t decode(const std::uint8_t* planes, std::size_t n, std::uint8_t base, unsigned bits,
                              const std::uint8_t* escapes, std::uint8_t* out) noexcept {
        const unsigned outside = (1U << bits) - 1;
        std::size_t used = 0;
        for (std::size_t i = 0; i < n; i += 8) {
            std::uint64_t codes = 0;
            for (unsigned j = 0; j < bits; ++j) {
                // Bit k of the byte to bit 8 k: copies of the byte, one bit of each kept, moved down.
                const std::uint64_t copies =
                    (planes[j * window_pitch + i / 8] * 0x0101'0101'0101'0101U) & 0x8040'2010'0804'0201U;
                codes |= ((copies + 0x7F7F'7F7F'7F7F'7F7FU - (copies >> 7 & 0x0101'0101'0101'0101U)) >> 7 &
                          0x0101'0101'0101'0101U)
                         << j;
            }
            for (unsigned k = 0; k < 8; ++k) {
                const auto code = static_cast<unsigned>(codes >> (8 * k) & 0xFF);
                out[i + k] = static_cast<std::uint8_t>(code == outside ? escapes[used] : code + base);
                used += code == outside ? 1 : 0;
            }
        }
        return used;
    }
    static std::size_t spell(const std::uint8_t* nibbles, std::size_t n, const std::uint8_t* table,
                             const std::uint8_t* far, std::uint8_t* out) noexcept {
        std::size_t used = 0;
        for (std::size_t i = 0; i < 2 * n; ++i) {
            const unsigned nibble = nibbles[i / 2] >> (i % 2 * 4) & 15;
            out[i] = nibble == 15 ? far[used] : table[nibble];
            used += nibble == 15 ? 1 : 0;
        }
        return used;
    }
};
static_assert(window_kernel<portable_windows>);

/// How a group is coded: bits 0 is one value repeated, 8 the bytes as they are, else a window from `base` on.
struct window_form {
    unsigned bits = 8;
    std::uint8_t base = 0;
};

namespace detail {

inline constexpr unsigned window_near = 14;  // distances below the base with an escape of their own
inline constexpr unsigned window_zero = 14;  // the escape of the value 0
inline constexpr unsigned window_far = 15;   // the value follows as a byte

/// The escape of a value outside a window.
[[nodiscard]] constexpr unsigned window_escape(unsigned value, unsigned base) noexcept {
    if (value < base && base - 1 - value < window_near) return base - 1 - value;
    return value == 0 ? window_zero : window_far;
}

}  // namespace detail

/// Counts of a group's values, or of a part of them, for the choice of a window.
class window_census {
  public:
    explicit window_census(const std::uint16_t (&counts)[256]) noexcept {
        const auto four_are_zero = [&](unsigned v) {
            std::uint64_t four;
            std::memcpy(&four, counts + v, sizeof four);
            return four == 0;
        };
        unsigned lowest = 1, highest = 255;
        while (lowest < 252 && four_are_zero(lowest)) lowest += 4;
        while (lowest < 255 && counts[lowest] == 0) ++lowest;
        while (highest > 3 && four_are_zero(highest - 3)) highest -= 4;
        while (highest > 0 && counts[highest] == 0) --highest;
        add_up(counts, highest == 0 ? 1 : lowest, highest);
    }
    /// Where the lowest and the highest counted value besides 0 are known; 0 where there is none.
    window_census(const std::uint16_t (&counts)[256], std::uint8_t lowest, std::uint8_t highest) noexcept {
        add_up(counts, highest == 0 ? 1U : lowest, highest);
    }
    [[nodiscard]] bool constant() const noexcept { return lowest_ == highest_; }
    [[nodiscard]] std::uint8_t lowest() const noexcept { return static_cast<std::uint8_t>(lowest_); }
    [[nodiscard]] std::uint32_t total() const noexcept { return total_; }
    /// False where no window of up to 5 bits can hold enough.
    [[nodiscard]] bool skewed() const noexcept { return 48 * largest_ > total_; }

    /// The cheapest base for a width, the lowest of equals, and the cost in bits of the counted values.
    [[nodiscard]] std::uint32_t best_base(unsigned bits, std::uint8_t& base) const noexcept {
        const unsigned width = (1U << bits) - 1;
        const unsigned last = highest_ + width <= 256 ? highest_ : 256 - width;
        unsigned first = start_ < last ? start_ : last;
        std::uint16_t best = 0xFFFF, cost[lanes];
        if (zeros_ * 2 > total_) {
            if (start_ > last) first = 1;
            costs(0, 0, width, cost);
            best = cost[0];
            base = 0;
        }
        for (unsigned b = first; b <= last; b += lanes) {
            costs(b, last, width, cost);
            std::uint16_t least = best;
            for (unsigned k = 0; k < lanes; ++k) least = cost[k] < least ? cost[k] : least;
            if (least == best) continue;
            best = least;
            unsigned k = 0;
            while (cost[k] != least) ++k;
            base = static_cast<std::uint8_t>(b + k);
        }
        return best + bits * total_;
    }

  private:
    static constexpr unsigned lanes = 16;
    static constexpr unsigned before = 16;                          // places below the value 0
    static constexpr unsigned behind = before + 256 + 127 + lanes;  // the end of what a window may reach

    /// Zeros have an escape of their own: windows are looked for among the other values, from `start` on.
    void add_up(const std::uint16_t (&counts)[256], unsigned start, unsigned highest) noexcept {
        start_ = start;
        highest_ = highest;
        zeros_ = largest_ = total_ = counts[0];
        lowest_ = zeros_ != 0 ? 0 : start;
        std::memset(sums_, 0, 2 * (before + 1));
        for (unsigned v = before + 1; v < before + start; ++v) sums_[v] = counts[0];
        for (unsigned v = start; v <= highest; ++v) {
            sums_[before + v] = static_cast<std::uint16_t>(total_);
            total_ += counts[v];
            largest_ = counts[v] > largest_ ? counts[v] : largest_;
        }
        for (unsigned v = before + highest + 1; v < behind; ++v)
            sums_[v] = static_cast<std::uint16_t>(total_);
    }
    /// What escapes cost with each of 16 bases up to `last`, 12 bits far and 4 near, at most 12 * 1024;
    /// beyond it 2^16 - 1. Of a constant length, for vectors.
    void costs(unsigned base, unsigned last, unsigned width, std::uint16_t (&out)[lanes]) const noexcept {
        const std::uint16_t* const low = sums_ + before + base;
        const std::uint16_t* const high = low + width;
        const std::uint16_t* const near = low - detail::window_near;
        for (unsigned k = 0; k < lanes; ++k) {
            const unsigned zeros = base + k > detail::window_near ? zeros_ : 0U;
            const unsigned inside = unsigned{high[k]} - low[k];
            const unsigned close = unsigned{low[k]} - near[k] + zeros;
            const unsigned cost = 12 * (total_ - inside) - 8 * close;
            out[k] = static_cast<std::uint16_t>(base + k > last ? 0xFFFFU : cost);
        }
    }

    unsigned lowest_, highest_, start_;
    std::uint32_t zeros_, largest_, total_;
    std::uint16_t sums_[behind];  // of the counts below each value, from 16 below 0 on
};

/// The cheapest form; only widths from `least` to `most` bits are tried besides the forms of constants and of
/// bytes as they are. Exact.
[[nodiscard]] inline window_form choose_window(const window_census& census, unsigned least,
                                               unsigned most) noexcept {
    if (census.constant()) return {0, census.lowest()};
    std::uint32_t cost = 8 * census.total();
    window_form best;
    for (unsigned bits = least; bits <= most; ++bits) {
        std::uint8_t base = 0;
        const std::uint32_t c = census.best_base(bits, base);
        if (c < cost) cost = c, best = {bits, base};
    }
    return best;
}

namespace detail {

/// Appends escapes as nibbles and far values; `escapes` is used up, and has window_group + 64 bytes.
template <byte_sink Sink>
void put_window_escapes(Sink& sink, std::uint8_t* escapes, std::size_t count, unsigned base) noexcept {
    alignas(32) std::uint8_t nibbles[window_group + 32];
    for (std::size_t i = 0; i < count; i += 32)
        for (std::size_t k = 0; k < 32; ++k) {  // of a constant length, for vectors
            const std::uint8_t v = escapes[i + k];
            const auto d = static_cast<std::uint8_t>(base - 1 - v);
            const auto other = static_cast<std::uint8_t>(v == 0 ? window_zero : window_far);
            nibbles[i + k] = v < static_cast<std::uint8_t>(base) && d < window_near ? d : other;
        }
    std::size_t far = 0;
    for (std::size_t i = 0; i < count; ++i) {
        escapes[far] = escapes[i];  // far <= i
        far += nibbles[i] == window_far ? 1 : 0;
    }
    nibbles[count] = 0;
    for (std::size_t i = 0; i < count; i += 32) {
        std::uint8_t two[32];
        std::memcpy(two, nibbles + i, sizeof two);
        for (std::size_t k = 0; k < 16; ++k)
            nibbles[i / 2 + k] = static_cast<std::uint8_t>(two[2 * k] | two[2 * k + 1] << 4);
    }
    sink.append(byte_view(nibbles, (count + 1) / 2));
    sink.append(byte_view(escapes, far));
}

}  // namespace detail

/// Scratch of the functions below.
struct window_scratch {
    alignas(64) std::uint8_t planes[7 * window_pitch];
    alignas(64) std::uint8_t escapes[window_group + 64] = {};
    alignas(64) std::uint8_t symbols[window_group];
    alignas(64) std::uint8_t far[window_group + 64];
};

/// Appends a group in a form that fits it: bits, then for a constant its value; for bytes as they are those;
/// for a window its base, the number of escapes (u16), the planes, each in whole bytes, the escapes in
/// nibbles and the far values. n in 1..window_group.
template <window_kernel Kernel, byte_sink Sink>
void put_window_group(Sink& sink, const std::uint8_t* symbols, std::size_t n, window_form form,
                      window_scratch& s) noexcept {
    sink.put(static_cast<std::uint8_t>(form.bits));
    if (form.bits == 8) return sink.append(byte_view(symbols, n));
    sink.put(form.base);
    if (form.bits == 0) return;
    const std::size_t padded = (n + 31) / 32 * 32;
    if (padded != n) {
        std::memcpy(s.symbols, symbols, n);
        std::memset(s.symbols + n, form.base, padded - n);
        symbols = s.symbols;
    }
    const std::size_t count = Kernel::encode(symbols, padded, form.base, form.bits, s.planes, s.escapes);
    put_le<std::uint16_t>(sink, static_cast<std::uint16_t>(count));
    for (unsigned j = 0; j < form.bits; ++j) sink.append(byte_view(s.planes + j * window_pitch, (n + 7) / 8));
    detail::put_window_escapes(sink, s.escapes, count, form.base);
}

namespace detail {

/// The number of nibbles that are 15.
[[nodiscard]] inline std::size_t count_far(byte_view nibbles) noexcept {
    std::size_t out = 0;
    for (std::size_t i = 0; i < nibbles.size(); i += 8) {
        std::uint64_t v = 0;
        if (nibbles.size() - i >= 8) {
            v = load_le<std::uint64_t>(nibbles.data() + i);
        } else {
            std::memcpy(&v, nibbles.data() + i, nibbles.size() - i);
        }
        v &= v >> 1;
        v &= v >> 2;
        out += static_cast<unsigned>(std::popcount(v & 0x1111'1111'1111'1111U));
    }
    return out;
}
/// False where an escape that the base does not have is among `count` nibbles.
[[nodiscard]] inline bool escapes_are_known(byte_view nibbles, std::size_t count, unsigned base) noexcept {
    if (base > window_near) return true;
    for (std::size_t i = 0; i < count; ++i) {
        const unsigned e = nibbles[i / 2] >> (i % 2 * 4) & 15;
        if (e != window_far && e >= base) return false;
    }
    return true;
}

/// False where a value among n that are far could have been told by a shorter escape or by the window.
[[nodiscard]] inline bool far_values_are_far(const std::uint8_t* values, std::size_t n,
                                             window_form form) noexcept {
    const auto width = static_cast<std::uint8_t>((1U << form.bits) - 1);
    unsigned bad = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t v = values[i];
        const auto above = static_cast<std::uint8_t>(v - form.base);
        const auto under = static_cast<std::uint8_t>(form.base - 1 - v);
        const unsigned near = (v < form.base ? 1U : 0U) & (under < window_near ? 1U : 0U);
        bad |= (above < width ? 1U : 0U) | near | (v == 0 ? 1U : 0U);
    }
    return bad == 0;
}

/// Escapes in nibbles to values in s.escapes. Errors: truncated, bad_stream.
template <window_kernel Kernel>
[[nodiscard]] result<void> read_window_escapes(byte_reader& in, std::size_t count, window_form form,
                                               window_scratch& s) noexcept {
    const result<byte_view> nibbles = in.read_bytes((count + 1) / 2);
    if (!nibbles) return nibbles.error();
    const error bad = in.fail(error_code::bad_stream, "an escape that no encoder writes");
    if (!escapes_are_known(*nibbles, count, form.base) || (count % 2 != 0 && nibbles->back() >> 4 != 0))
        return bad;
    const result<byte_view> values = in.read_bytes(count_far(*nibbles));
    if (!values) return values.error();
    if (!far_values_are_far(values->data(), values->size(), form)) return bad;
    std::memcpy(s.far, values->data(), values->size());
    std::uint8_t value_of[16] = {};
    for (unsigned d = 0; d < window_near; ++d) value_of[d] = static_cast<std::uint8_t>(form.base - 1U - d);
    Kernel::spell(nibbles->data(), nibbles->size(), value_of, s.far, s.escapes);
    return {};
}

/// The planes of a group; of a short one a copy that is padded with zero bits.
[[nodiscard]] inline result<const std::uint8_t*> window_planes(byte_reader& in, std::size_t n, unsigned bits,
                                                               window_scratch& s) noexcept {
    const std::size_t pitch = (n + 7) / 8;
    const result<byte_view> planes = in.read_bytes(bits * pitch);
    if (!planes) return planes.error();
    if (n == window_group) return planes->data();
    for (unsigned j = 0; j < bits; ++j) {
        std::uint8_t* const row = s.planes + j * window_pitch;
        std::memset(row, 0, window_pitch);
        std::memcpy(row, planes->data() + j * pitch, pitch);
        if (n % 8 != 0 && row[pitch - 1] >> (n % 8) != 0)
            return in.fail(error_code::bad_stream, "padding that is not zero");
    }
    return static_cast<const std::uint8_t*>(s.planes);
}

}  // namespace detail

/// Reads a group of n values: gives where they stand, in the input or in `out`, which has window_group bytes.
/// Errors: truncated, bad_header, bad_stream.
template <window_kernel Kernel>
[[nodiscard]] result<const std::uint8_t*> get_window_group(byte_reader& in, std::size_t n, std::uint8_t* out,
                                                           window_scratch& s) noexcept {
    const result<std::uint8_t> bits = in.read_le<std::uint8_t>();
    if (!bits) return bits.error();
    if (*bits > 8) return in.fail(error_code::bad_header, "a window of more than 8 bits");
    if (*bits == 8) {
        const result<byte_view> raw = in.read_bytes(n);
        return raw ? result<const std::uint8_t*>(raw->data()) : result<const std::uint8_t*>(raw.error());
    }
    const result<std::uint8_t> base = in.read_le<std::uint8_t>();
    if (!base) return base.error();
    if (*bits == 0) {
        std::memset(out, *base, n);
        return static_cast<const std::uint8_t*>(out);
    }
    const window_form form{*bits, *base};
    const result<std::uint16_t> count = in.read_le<std::uint16_t>();
    if (!count) return count.error();
    if (*base + (1U << *bits) > 257 || *count > n)
        return in.fail(error_code::bad_header, "a window beyond the values there are");
    const result<const std::uint8_t*> planes = detail::window_planes(in, n, *bits, s);
    if (!planes) return planes.error();
    if (const auto read = detail::read_window_escapes<Kernel>(in, *count, form, s); !read)
        return read.error();
    const std::size_t used = Kernel::decode(*planes, (n + 31) / 32 * 32, *base, *bits, s.escapes, out);
    if (used != *count) return in.fail(error_code::bad_stream, "escapes that do not fit the codes");
    return static_cast<const std::uint8_t*>(out);
}

}  // namespace pith::inline v1::entropy
