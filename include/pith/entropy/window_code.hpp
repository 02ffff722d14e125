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
///   encode: code = symbol - base if that is in [0, W), else W, and the symbol is appended to `escapes`; bit
///   j
///           of code i is bit i of plane j. Gives the number of escapes. May write 32 bytes beyond the last.
///   decode: the inverse; gives the number of escapes used. May read 32 bytes beyond the last.
///   spell:  n bytes of two nibbles, the lower first, to 2 n bytes of a table of 16. Writes no more.
/// Law: equal to portable_windows.
template <class K>
concept window_kernel = requires(const std::uint8_t* in, std::uint8_t* out, std::uint8_t* more, std::size_t n,
                                 std::uint8_t base, unsigned bits) {
    { K::encode(in, n, base, bits, out, more) }
    noexcept->std::same_as<std::size_t>;
    { K::decode(in, n, base, bits, in, out) }
    noexcept->std::same_as<std::size_t>;
    { K::spell(in, n, in, out) }
    noexcept;
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
    static void spell(const std::uint8_t* nibbles, std::size_t n, const std::uint8_t* table,
                      std::uint8_t* out) noexcept {
        for (std::size_t i = 0; i < n; ++i) {
            out[2 * i] = table[nibbles[i] & 15];
            out[2 * i + 1] = table[nibbles[i] >> 4];
        }
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
    explicit window_census(const std::uint16_t (&counts)[256]) noexcept : zeros_(counts[0]) {
        const auto four_are_zero = [&](unsigned v) {
            std::uint64_t four;
            std::memcpy(&four, counts + v, sizeof four);
            return four == 0;
        };
        while (lowest_ < 252 && four_are_zero(lowest_)) lowest_ += 4;
        while (lowest_ < 255 && counts[lowest_] == 0) ++lowest_;
        while (highest_ > 3 && four_are_zero(highest_ - 3)) highest_ -= 4;
        while (highest_ > lowest_ && counts[highest_] == 0) --highest_;
        // Zeros have an escape of their own: windows are looked for among the other values.
        start_ = lowest_ == 0 ? 1 : lowest_;
        while (start_ < highest_ && counts[start_] == 0) ++start_;
        for (unsigned v = lowest_; v <= highest_; ++v) {
            sums_[v] = static_cast<std::uint16_t>(total_);
            total_ += counts[v];
            largest_ = counts[v] > largest_ ? counts[v] : largest_;
        }
        sums_[highest_ + 1] = static_cast<std::uint16_t>(total_);
    }
    [[nodiscard]] bool constant() const noexcept { return lowest_ == highest_; }
    [[nodiscard]] std::uint8_t lowest() const noexcept { return static_cast<std::uint8_t>(lowest_); }
    [[nodiscard]] std::uint32_t total() const noexcept { return total_; }
    /// False where no window of up to 5 bits can hold enough.
    [[nodiscard]] bool skewed() const noexcept { return 48 * largest_ > total_; }

    /// The cheapest base for a width, and the cost in bits of the counted values.
    [[nodiscard]] std::uint32_t best_base(unsigned bits, std::uint8_t& base) const noexcept {
        const unsigned width = (1U << bits) - 1;
        std::uint32_t best = ~std::uint32_t{0};
        const unsigned last = highest_ + width <= 256 ? highest_ : 256 - width;
        const unsigned first = zeros_ * 2 > total_ ? 0 : start_ < last ? start_ : last;
        for (unsigned b = first; b <= last; b = b == 0 && start_ > 1 && start_ <= last ? start_ : b + 1) {
            const std::uint32_t inside = below(b + width) - below(b);
            std::uint32_t near = below(b);
            if (b > detail::window_near) near += zeros_ - below(b - detail::window_near);
            const std::uint32_t cost = 12 * (total_ - inside) - 8 * near;  // 12 far, 4 near
            if (cost >= best) continue;
            best = cost;
            base = static_cast<std::uint8_t>(b);
        }
        return best + bits * total_;
    }

  private:
    /// How many of the counted values are below v.
    [[nodiscard]] std::uint32_t below(unsigned v) const noexcept {
        return sums_[v < lowest_ ? lowest_ : v > highest_ ? highest_ + 1 : v];
    }

    unsigned lowest_ = 0, highest_ = 255, start_ = 0;
    std::uint32_t zeros_, largest_ = 0, total_ = 0;
    std::uint16_t sums_[257];  // of the counts below a value, from the lowest to behind the highest
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
    for (std::size_t i = 0; i < count; i += 2)
        nibbles[i / 2] = static_cast<std::uint8_t>(nibbles[i] | nibbles[i + 1] << 4);
    sink.append(byte_view(nibbles, (count + 1) / 2));
    sink.append(byte_view(escapes, far));
}

}  // namespace detail

/// Scratch of the functions below.
struct window_scratch {
    alignas(64) std::uint8_t planes[7 * window_pitch];
    alignas(64) std::uint8_t escapes[window_group + 64] = {};
    alignas(64) std::uint8_t symbols[window_group];
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

/// Escapes in nibbles to values in s.escapes. Errors: truncated, bad_stream.
template <window_kernel Kernel>
[[nodiscard]] result<void> read_window_escapes(byte_reader& in, std::size_t count, window_form form,
                                               window_scratch& s) noexcept {
    const result<byte_view> nibbles = in.read_bytes((count + 1) / 2);
    if (!nibbles) return nibbles.error();
    const error bad = in.fail(error_code::bad_stream, "an escape that no encoder writes");
    if (!escapes_are_known(*nibbles, count, form.base) || (count % 2 != 0 && nibbles->back() >> 4 != 0))
        return bad;
    std::uint8_t value_of[16] = {};
    for (unsigned d = 0; d < window_near; ++d) value_of[d] = static_cast<std::uint8_t>(form.base - 1U - d);
    Kernel::spell(nibbles->data(), nibbles->size(), value_of, s.escapes);
    const result<byte_view> values = in.read_bytes(count_far(*nibbles));
    if (!values) return values.error();
    std::size_t i = 0;
    for (const std::uint8_t v : *values) {
        const unsigned offset = (v - unsigned{form.base}) & 0xFF;
        if (offset < (1U << form.bits) - 1 || window_escape(v, form.base) != window_far) return bad;
        while (((*nibbles)[i / 2] >> (i % 2 * 4) & 15) != window_far) ++i;
        s.escapes[i++] = v;
    }
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
