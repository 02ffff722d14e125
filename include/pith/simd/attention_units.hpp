// The unit of packed attention: 128 codes of 2, 3, 4 or 8 bits, as four vectors of 32 bytes.
// Own work: one shift and one mask bring a vector out with its codes in order, on 32-byte registers as on
// 16-byte ones; keys and values differ only in what the 128 places mean (simd/attention_dots.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/simd/arch.hpp>
#include <pith/simd/intrinsics.hpp>

namespace pith::inline v1::simd {

/// Widths that units exist for.
template <unsigned Bits>
concept unit_width = Bits == 2 || Bits == 3 || Bits == 4 || Bits == 8;

/// Codes in a unit: vector v of 0..3, lane l of 0..31.
inline constexpr std::size_t unit_codes = 128;
inline constexpr std::size_t unit_lanes = 32;
/// Bytes of a unit.
template <unsigned Bits>
requires unit_width<Bits>
inline constexpr std::size_t unit_bytes = 16 * Bits;

/// What the codes of 2, 3 and 4 bits stand for, each 0..127. Codes of 8 bits stand for themselves, as two's
/// complement of -127..127.
using code_levels = std::array<std::uint8_t, 16>;

/// How the kernels read units: `Table` false means that codes of 2 to 4 bits are their own levels, which is
/// faster. `Halves` 2: the other factors come in two bytes each, upper ones first.
template <unsigned Bits, bool Table, unsigned Halves>
concept attention_kernel = unit_width<Bits> &&(Halves == 1 || Halves == 2) && (Bits != 8 || !Table);

/// What the upper byte of a weight counts: both bytes of weights for 8-bit codes stay below 128, so that two
/// products fit sixteen bits. Those of queries count 256, the lower byte signed.
template <unsigned Bits>
inline constexpr std::int32_t weight_radix = Bits == 8 ? 128 : 256;
inline constexpr std::int32_t query_radix = 256;

/// The largest head in vectors of 32 channels.
inline constexpr std::size_t max_key_vectors = 32;
/// Tokens for which value_sums cannot overflow: 65535 * 127 * 256 < 2^31.
inline constexpr std::size_t max_value_groups = 16;
/// Queries that may share one reading of the codes.
inline constexpr std::size_t max_shared_queries = 8;

// Where code (v, l) lies:
//   2 bits: byte l, shift 2 v.        3 bits: so its lower two; the upper one in byte 32 + l % 16, shift 2 v
//   + l / 16. 4 bits: byte 32 (v % 2) + l, shift 4 (v / 2).                    8 bits: byte 32 v + l.

namespace twin {

/// Code l of vector v.
template <unsigned Bits>
requires unit_width<Bits>
[[nodiscard]] inline std::uint8_t unit_code(const std::uint8_t* unit, std::size_t v, std::size_t l) noexcept {
    if constexpr (Bits == 8) return unit[32 * v + l];
    const auto bits = [unit](std::size_t byte, std::size_t shift, unsigned mask) {
        return static_cast<std::uint8_t>(unsigned{unit[byte]} >> shift & mask);
    };
    if constexpr (Bits == 4) return bits(32 * (v % 2) + l, 4 * (v / 2), 15);
    std::uint8_t code = bits(l, 2 * v, 3);
    if constexpr (Bits == 3)
        code = static_cast<std::uint8_t>(code | bits(32 + l % 16, 2 * v + l / 16, 1) << 2);
    return code;
}

/// A unit from 32 codes for each of its vectors. Precondition: codes below 2^Bits.
template <unsigned Bits, instruction_set Arch>
requires unit_width<Bits>
inline void pack_unit(const std::uint8_t* const (&vectors)[4], std::uint8_t* unit) noexcept {
    std::memset(unit, 0, unit_bytes<Bits>);
    const auto add = [&](std::size_t byte, unsigned value) {
        unit[byte] = static_cast<std::uint8_t>(unit[byte] | value);
    };
    for (std::size_t v = 0; v < 4; ++v)
        for (std::size_t l = 0; l < unit_lanes; ++l) {
            const unsigned code = vectors[v][l];
            if constexpr (Bits == 8) add(32 * v + l, code);
            if constexpr (Bits == 4) add(32 * (v % 2) + l, code << 4 * (v / 2));
            if constexpr (Bits < 4) add(l, (code & 3U) << 2 * v);
            if constexpr (Bits == 3) add(32 + l % 16, (code >> 2) << (2 * v + l / 16));
        }
}

/// The codes of a unit, vector after vector.
template <unsigned Bits, instruction_set Arch>
requires unit_width<Bits>
inline void unpack_unit(const std::uint8_t* unit, std::uint8_t* codes) noexcept {
    for (std::size_t v = 0; v < 4; ++v)
        for (std::size_t l = 0; l < unit_lanes; ++l) codes[unit_lanes * v + l] = unit_code<Bits>(unit, v, l);
}

/// Four rows of 32 bytes, a to d, as 32 times abcd: four vectors of eight columns each.
template <instruction_set Arch>
inline void interleave_rows(const std::uint8_t* const (&rows)[4], std::uint8_t* const (&out)[4]) noexcept {
    for (std::size_t c = 0; c < unit_lanes; ++c)
        for (std::size_t r = 0; r < 4; ++r) out[c / 8][4 * (c % 8) + r] = rows[r][c];
}

}  // namespace twin

/// Instruction sets with kernels of their own for units; the others run the scalar twins.
template <instruction_set Arch>
inline constexpr bool has_units = covers<Arch, avx2> || covers<Arch, neon>;

namespace detail {

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)

/// 32 bytes in a register of AVX2, which AVX-512 machines use here too: wider ones gain nothing (the loads
/// are short and the shuffles within 16 bytes the same).
struct byte_vector {
    __m256i v;
    [[nodiscard, gnu::always_inline]] static byte_vector load(const std::uint8_t* p) noexcept {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))};
    }
    /// The same 16 bytes twice.
    [[nodiscard, gnu::always_inline]] static byte_vector load_twice(const std::uint8_t* p) noexcept {
        return {_mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
    }
    [[nodiscard, gnu::always_inline]] static byte_vector all(std::uint8_t b) noexcept {
        return {_mm256_set1_epi8(static_cast<char>(b))};
    }
    [[gnu::always_inline]] void store(std::uint8_t* p) const noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
    }
    /// Shifts in units of 16 bits: bits that cross from byte to byte are masked away by the caller.
    template <int Count>
    [[nodiscard, gnu::always_inline]] byte_vector right() const noexcept {
        return {_mm256_srli_epi16(v, Count)};
    }
    template <int Count>
    [[nodiscard, gnu::always_inline]] byte_vector left() const noexcept {
        return {_mm256_slli_epi16(v, Count)};
    }
    /// The upper sixteen bytes moved right by one bit, in units of 64 bits; the lower ones as they are.
    [[nodiscard, gnu::always_inline]] byte_vector upper_half_right() const noexcept {
        return {_mm256_srlv_epi64(v, _mm256_setr_epi64x(0, 0, 1, 1))};
    }
    [[nodiscard, gnu::always_inline]] byte_vector operator&(byte_vector b) const noexcept {
        return {_mm256_and_si256(v, b.v)};
    }
    [[nodiscard, gnu::always_inline]] byte_vector operator|(byte_vector b) const noexcept {
        return {_mm256_or_si256(v, b.v)};
    }
    /// table[b % 16] for bytes below 128; the table lies in both halves.
    [[nodiscard, gnu::always_inline]] byte_vector looked_up_in(byte_vector table) const noexcept {
        return {_mm256_shuffle_epi8(table.v, v)};
    }
    [[nodiscard, gnu::always_inline]] byte_vector operator-(byte_vector b) const noexcept {
        return {_mm256_sub_epi8(v, b.v)};
    }
};

[[gnu::always_inline]] inline void interleave(byte_vector a, byte_vector b, byte_vector c, byte_vector d,
                                              std::uint8_t* const (&out)[4]) noexcept {
    const __m256i ab_low = _mm256_unpacklo_epi8(a.v, b.v), cd_low = _mm256_unpacklo_epi8(c.v, d.v);
    const __m256i ab_high = _mm256_unpackhi_epi8(a.v, b.v), cd_high = _mm256_unpackhi_epi8(c.v, d.v);
    const __m256i p = _mm256_unpacklo_epi16(ab_low, cd_low);    // columns 0-3 and 16-19
    const __m256i q = _mm256_unpackhi_epi16(ab_low, cd_low);    // 4-7, 20-23
    const __m256i r = _mm256_unpacklo_epi16(ab_high, cd_high);  // 8-11, 24-27
    const __m256i s = _mm256_unpackhi_epi16(ab_high, cd_high);  // 12-15, 28-31
    byte_vector{_mm256_permute2x128_si256(p, q, 0x20)}.store(out[0]);
    byte_vector{_mm256_permute2x128_si256(r, s, 0x20)}.store(out[1]);
    byte_vector{_mm256_permute2x128_si256(p, q, 0x31)}.store(out[2]);
    byte_vector{_mm256_permute2x128_si256(r, s, 0x31)}.store(out[3]);
}

#elif !defined(PITH_NO_SIMD) && defined(__aarch64__)

/// 32 bytes in two registers.
struct byte_vector {
    uint8x16_t lo, hi;
    [[nodiscard, gnu::always_inline]] static byte_vector load(const std::uint8_t* p) noexcept {
        return {vld1q_u8(p), vld1q_u8(p + 16)};
    }
    [[nodiscard, gnu::always_inline]] static byte_vector load_twice(const std::uint8_t* p) noexcept {
        return {vld1q_u8(p), vld1q_u8(p)};
    }
    [[nodiscard, gnu::always_inline]] static byte_vector all(std::uint8_t b) noexcept {
        return {vdupq_n_u8(b), vdupq_n_u8(b)};
    }
    [[gnu::always_inline]] void store(std::uint8_t* p) const noexcept {
        vst1q_u8(p, lo);
        vst1q_u8(p + 16, hi);
    }
    template <int Count>
    [[nodiscard, gnu::always_inline]] byte_vector right() const noexcept {
        return {vshrq_n_u8(lo, Count), vshrq_n_u8(hi, Count)};
    }
    template <int Count>
    [[nodiscard, gnu::always_inline]] byte_vector left() const noexcept {
        return {vshlq_n_u8(lo, Count), vshlq_n_u8(hi, Count)};
    }
    [[nodiscard, gnu::always_inline]] byte_vector upper_half_right() const noexcept {
        return {lo, vshrq_n_u8(hi, 1)};
    }
    [[nodiscard, gnu::always_inline]] byte_vector operator&(byte_vector b) const noexcept {
        return {vandq_u8(lo, b.lo), vandq_u8(hi, b.hi)};
    }
    [[nodiscard, gnu::always_inline]] byte_vector operator|(byte_vector b) const noexcept {
        return {vorrq_u8(lo, b.lo), vorrq_u8(hi, b.hi)};
    }
    [[nodiscard, gnu::always_inline]] byte_vector looked_up_in(byte_vector table) const noexcept {
        const uint8x16_t low = vdupq_n_u8(15);
        return {vqtbl1q_u8(table.lo, vandq_u8(lo, low)), vqtbl1q_u8(table.lo, vandq_u8(hi, low))};
    }
    [[nodiscard, gnu::always_inline]] byte_vector operator-(byte_vector b) const noexcept {
        return {vsubq_u8(lo, b.lo), vsubq_u8(hi, b.hi)};
    }
};

[[gnu::always_inline]] inline void interleave(byte_vector a, byte_vector b, byte_vector c, byte_vector d,
                                              std::uint8_t* const (&out)[4]) noexcept {
    const auto half = [&](uint8x16_t w, uint8x16_t x, uint8x16_t y, uint8x16_t z, std::size_t first) {
        const uint8x16_t sixteen[4] = {w, x, y, z};
        const uint8x16x4_t all{{sixteen[0], sixteen[1], sixteen[2], sixteen[3]}};
        std::uint8_t bytes[64];
        vst4q_u8(bytes, all);
        std::memcpy(out[first], bytes, 32);
        std::memcpy(out[first + 1], bytes + 32, 32);
    };
    half(a.lo, b.lo, c.lo, d.lo, 0);
    half(a.hi, b.hi, c.hi, d.hi, 2);
}

#endif

#if !defined(PITH_NO_SIMD) && (defined(__AVX2__) || defined(__aarch64__))

/// The vectors of a unit, named: g++ -O2 keeps an array in memory.
struct unit_vectors {
    byte_vector a, b, c, d;
};

/// Three-bit codes of vectors a and c, b and d together: a code in either half of a byte.
struct code_pairs {
    byte_vector ac, bd;

    [[nodiscard, gnu::always_inline]] static code_pairs load(const std::uint8_t* p) noexcept {
        const byte_vector x = byte_vector::load(p), pairs = byte_vector::all(0x33),
                          bits = byte_vector::all(0x44);
        const byte_vector up = byte_vector::load_twice(p + 32).upper_half_right();
        return {(x & pairs) | (up.left<2>() & bits), (x.right<2>() & pairs) | (up & bits)};
    }
};

template <unsigned Bits>
[[nodiscard, gnu::always_inline]] inline unit_vectors load_unit(const std::uint8_t* p) noexcept {
    if constexpr (Bits == 3) {
        const code_pairs x = code_pairs::load(p);
        const byte_vector low = byte_vector::all(7);
        return {x.ac & low, x.bd & low, x.ac.right<4>() & low, x.bd.right<4>() & low};
    }
    const byte_vector x = byte_vector::load(p);
    if constexpr (Bits == 8)
        return {x, byte_vector::load(p + 32), byte_vector::load(p + 64), byte_vector::load(p + 96)};
    if constexpr (Bits == 4) {
        const byte_vector y = byte_vector::load(p + 32), low = byte_vector::all(15);
        return {x & low, y & low, x.right<4>() & low, y.right<4>() & low};
    }
    const byte_vector low = byte_vector::all(3);
    return {x & low, x.right<2>() & low, x.right<4>() & low, x.right<6>() & low};
}

/// The levels of codes; of 2-bit codes, those of the lower and of the upper one of two in four bits.
struct level_tables {
    byte_vector lower, upper;

    /// Levels less `offset`.
    template <unsigned Bits, bool Table>
    [[nodiscard, gnu::always_inline]] static level_tables of(const code_levels& levels,
                                                             std::uint8_t offset) noexcept {
        if constexpr (!Table) return {byte_vector::all(0), byte_vector::all(0)};
        const byte_vector all = byte_vector::load_twice(levels.data()) - byte_vector::all(offset);
        if constexpr (Bits != 2) return {all, all};
        constexpr std::uint8_t low[16] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
        constexpr std::uint8_t high[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
        return {byte_vector::load_twice(low).looked_up_in(all),
                byte_vector::load_twice(high).looked_up_in(all)};
    }
};

/// A unit's levels: its codes themselves, or from tables.
template <unsigned Bits, bool Table>
[[nodiscard, gnu::always_inline]] inline unit_vectors load_levels(const std::uint8_t* p,
                                                                  const level_tables& t) noexcept {
    if constexpr (!Table) {
        return load_unit<Bits>(p);
    } else if constexpr (Bits == 2) {
        const byte_vector x = byte_vector::load(p), low = byte_vector::all(15);
        const byte_vector ab = x & low, cd = x.right<4>() & low;
        return {ab.looked_up_in(t.lower), ab.looked_up_in(t.upper), cd.looked_up_in(t.lower),
                cd.looked_up_in(t.upper)};
    } else if constexpr (Bits == 3) {
        const code_pairs x = code_pairs::load(p);  // bits 3 and 7 are zero, also after the shift
        return {x.ac.looked_up_in(t.lower), x.bd.looked_up_in(t.lower), x.ac.right<4>().looked_up_in(t.lower),
                x.bd.right<4>().looked_up_in(t.lower)};
    } else {
        const unit_vectors x = load_unit<Bits>(p);
        return {x.a.looked_up_in(t.lower), x.b.looked_up_in(t.lower), x.c.looked_up_in(t.lower),
                x.d.looked_up_in(t.lower)};
    }
}

template <unsigned Bits>
[[gnu::always_inline]] inline void store_unit(const unit_vectors& u, std::uint8_t* p) noexcept {
    if constexpr (Bits == 8) {
        u.a.store(p), u.b.store(p + 32), u.c.store(p + 64), u.d.store(p + 96);
    } else if constexpr (Bits == 4) {
        (u.a | u.c.left<4>()).store(p);
        (u.b | u.d.left<4>()).store(p + 32);
    } else {
        const byte_vector low = byte_vector::all(3);
        ((u.a & low) | (u.b & low).left<2>() | (u.c & low).left<4>() | (u.d & low).left<6>()).store(p);
        if constexpr (Bits == 3) {
            // The upper bits of lanes l and l + 16 in one byte: bits 0, 2, 4, 6 and 1, 3, 5, 7.
            const byte_vector bit = byte_vector::all(4);
            const byte_vector even =
                (u.a & bit).right<2>() | (u.b & bit) | (u.c & bit).left<2>() | (u.d & bit).left<4>();
            std::uint8_t halves[32];
            even.store(halves);
            for (std::size_t i = 0; i < 16; i += 8) {
                std::uint64_t low_lanes, high_lanes;
                std::memcpy(&low_lanes, halves + i, 8);
                std::memcpy(&high_lanes, halves + 16 + i, 8);
                low_lanes |= high_lanes << 1;  // odd bits of each byte are free
                std::memcpy(p + 32 + i, &low_lanes, 8);
            }
        }
    }
}

#endif

}  // namespace detail

/// A unit from 32 codes for each of its vectors. Precondition: codes below 2^Bits. Exact.
template <unsigned Bits, instruction_set Arch = native>
requires unit_width<Bits>
inline void pack_unit(const std::uint8_t* const (&vectors)[4], std::uint8_t* unit) noexcept {
#if !defined(PITH_NO_SIMD) && (defined(__AVX2__) || defined(__aarch64__))
    if constexpr (has_units<Arch>) {
        using detail::byte_vector;
        return detail::store_unit<Bits>({byte_vector::load(vectors[0]), byte_vector::load(vectors[1]),
                                         byte_vector::load(vectors[2]), byte_vector::load(vectors[3])},
                                        unit);
    }
#endif
    twin::pack_unit<Bits, Arch>(vectors, unit);
}

/// The 128 codes of a unit, vector after vector. Exact.
template <unsigned Bits, instruction_set Arch = native>
requires unit_width<Bits>
inline void unpack_unit(const std::uint8_t* unit, std::uint8_t* codes) noexcept {
#if !defined(PITH_NO_SIMD) && (defined(__AVX2__) || defined(__aarch64__))
    if constexpr (has_units<Arch>) {
        const detail::unit_vectors u = detail::load_unit<Bits>(unit);
        u.a.store(codes), u.b.store(codes + 32), u.c.store(codes + 64), u.d.store(codes + 96);
        return;
    }
#endif
    twin::unpack_unit<Bits, Arch>(unit, codes);
}

/// Four rows of 32 bytes, a to d, as 32 times abcd: out[i] gets columns 8 i to 8 i + 7. Exact.
template <instruction_set Arch = native>
inline void interleave_rows(const std::uint8_t* const (&rows)[4], std::uint8_t* const (&out)[4]) noexcept {
#if !defined(PITH_NO_SIMD) && (defined(__AVX2__) || defined(__aarch64__))
    if constexpr (has_units<Arch>) {
        using detail::byte_vector;
        return detail::interleave(byte_vector::load(rows[0]), byte_vector::load(rows[1]),
                                  byte_vector::load(rows[2]), byte_vector::load(rows[3]), out);
    }
#endif
    twin::interleave_rows<Arch>(rows, out);
}

}  // namespace pith::inline v1::simd
