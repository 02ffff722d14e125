// Interleaved order-1 rANS over bytes: the block is cut in N segments, lane j codes segment j, and the byte
// before a byte in its segment is its context. All lanes share one stream of 16-bit words, as in
// rans_lanes.hpp. Source: J. Bonfield, 2014 (order-1 rANS with segments); rounds of N symbols are a policy
// (simd/rans_order1.hpp).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/rans.hpp>
#include <pith/entropy/rans_lanes.hpp>
#include <pith/entropy/rans_order1_tables.hpp>

namespace pith::inline v1::entropy {

/// Rounds go through a tile in which lane j's bytes stand in row j: lanes a power of two apart would else
/// fight for one cache set. Rows are `order1_pitch` bytes apart.
inline constexpr unsigned order1_tile_rounds = 64;
inline constexpr unsigned order1_pitch = 96;

/// Up to order1_tile_rounds rounds over `Lanes` states. decode goes forwards from byte 0 of each row of the
/// tile, contexts[j] being the byte before; encode goes backwards from byte `rounds` of each row to byte 1,
/// byte 0 being the first one's context. Both do as many rounds as they can without touching bytes outside
/// [in, in_end) or [out_begin, out_at), and return how many they did; doing none is allowed. decode may spoil
/// the rest of the rows' first order1_tile_rounds bytes. Law: the result equals scalar_order1_rounds'.
template <class R>
concept order1_rounds = requires(std::uint32_t* states, std::uint8_t* contexts, const std::uint32_t* table,
                                 const std::uint8_t*& in_at, const std::uint8_t* in, std::uint8_t* out,
                                 std::uint8_t*& out_at, std::size_t n) {
    { R::template decode<32, 10>(states, contexts, table, in_at, in, out, n) }
    noexcept->std::same_as<std::size_t>;
    { R::template encode<32>(states, table, in, out, out_at, n) }
    noexcept->std::same_as<std::size_t>;
};

/// The reference: one lane after the other, any machine.
struct scalar_order1_rounds {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, std::uint8_t* contexts, const std::uint32_t* slots,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* tile,
                              std::size_t rounds) noexcept {
        constexpr unsigned group = scalar_rounds::group_of<Lanes>;
        std::uint32_t x[Lanes];
        std::uint32_t c[Lanes];  // the context, shifted to its table
        for (unsigned lane = 0; lane < Lanes; ++lane) {
            x[lane] = states[lane];
            c[lane] = std::uint32_t{contexts[lane]} << Precision;
        }
        const std::uint8_t* at = in;
        std::size_t done = 0;
        for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done, ++tile) {
            for (unsigned lane = 0; lane < Lanes; lane += group) {
                std::uint32_t y[group];
#pragma GCC unroll 8
                for (unsigned k = 0; k < group; ++k) {
                    y[k] = step<Precision>(x[lane + k], c[lane + k], slots);
                    tile[(lane + k) * order1_pitch] = static_cast<std::uint8_t>(c[lane + k] >> Precision);
                }
#pragma GCC unroll 8
                for (unsigned k = 0; k < group; ++k) {
                    const std::uint32_t low = 0U - static_cast<std::uint32_t>(y[k] < rans32::low);
                    x[lane + k] = y[k] << (low & 16) | (low & load_le<std::uint16_t>(at));
                    at += low & 2;
                }
            }
        }
        in = at;
        for (unsigned lane = 0; lane < Lanes; ++lane) {
            states[lane] = x[lane];
            contexts[lane] = static_cast<std::uint8_t>(c[lane] >> Precision);
        }
        return done;
    }

    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* records, const std::uint8_t* tile,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        constexpr unsigned group = scalar_rounds::group_of<Lanes>;
        std::uint32_t x[Lanes];
        for (unsigned lane = 0; lane < Lanes; ++lane) x[lane] = states[lane];
        std::uint8_t* at = out_at;
        std::size_t done = 0;
        for (; done < rounds && static_cast<std::size_t>(at - out_begin) >= 2 * Lanes; ++done) {
            const std::uint8_t* const pairs = tile + (rounds - done - 1);
            for (unsigned lane = Lanes; lane > 0; lane -= group) {
#pragma GCC unroll 8
                for (unsigned k = 1; k <= group; ++k) {
                    const std::size_t pair = load_le<std::uint16_t>(pairs + (lane - k) * order1_pitch);
                    scalar_rounds::push(x[lane - k], records + 4 * pair, at);
                }
            }
        }
        out_at = at;
        for (unsigned lane = 0; lane < Lanes; ++lane) states[lane] = x[lane];
        return done;
    }

    /// One symbol off a state, without renormalisation; `context` (shifted by Precision) becomes the symbol.
    template <unsigned Precision>
    static std::uint32_t step(std::uint32_t x, std::uint32_t& context, const std::uint32_t* slots) noexcept {
        using word = order1_slot_word<Precision>;
        const std::uint32_t slot = slots[context | (x & word::slot_mask)];
        context = slot & word::symbol_mask;
        return (x >> Precision) * (slot >> 20) + (slot & word::slot_mask);
    }
};

static_assert(order1_rounds<scalar_order1_rounds>);

namespace detail {

/// Copies rounds [begin, begin + rounds) of each lane, and the byte before, to the rows of a tile.
template <unsigned Lanes>
void load_order1_tile(const std::uint8_t* in, std::size_t stride, std::size_t begin, std::size_t rounds,
                      std::uint8_t first, std::uint8_t* tile) noexcept {
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
        const std::uint8_t* const from = in + lane * stride + begin;
        std::uint8_t* const row = tile + lane * order1_pitch;
        row[0] = begin == 0 ? first : *(from - 1);
        if (rounds == order1_tile_rounds) {
            std::memcpy(row + 1, from, order1_tile_rounds);  // of a known size: no call
        } else {
            std::memcpy(row + 1, from, rounds);
        }
    }
}

template <unsigned Lanes>
void store_order1_tile(const std::uint8_t* tile, std::size_t rounds, std::uint8_t* out,
                       std::size_t stride) noexcept {
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
        const std::uint8_t* const row = tile + lane * order1_pitch;
        if (rounds == order1_tile_rounds) {
            std::memcpy(out + lane * stride, row, order1_tile_rounds);
        } else {
            std::memcpy(out + lane * stride, row, rounds);
        }
    }
}

/// Pushes what is left of a tile with a check before each word; false where the room ends.
template <unsigned Lanes>
[[nodiscard]] bool encode_order1_tile_checked(std::uint32_t* states, const std::uint32_t* records,
                                              const std::uint8_t* tile, std::size_t rounds,
                                              const std::uint8_t* begin, std::uint8_t*& at) noexcept {
    for (std::size_t round = rounds; round-- > 0;) {
        for (std::size_t lane = Lanes; lane-- > 0;) {
            if (at - begin < 2) return false;
            const std::size_t pair = load_le<std::uint16_t>(tile + lane * order1_pitch + round);
            scalar_rounds::push(states[lane], records + 4 * pair, at);
        }
    }
    return true;
}

/// Takes one symbol off a lane with a check for the word; false where the words end.
template <unsigned Precision>
[[nodiscard]] bool decode_order1_checked(std::uint32_t& x, std::uint8_t& context, const std::uint32_t* slots,
                                         const std::uint8_t*& at, const std::uint8_t* end) noexcept {
    std::uint32_t c = std::uint32_t{context} << Precision;
    x = scalar_order1_rounds::step<Precision>(x, c, slots);
    context = static_cast<std::uint8_t>(c >> Precision);
    if (x >= rans32::low) return true;
    if (end - at < 2) return false;
    x = x << 16 | load_le<std::uint16_t>(at);
    at += 2;
    return true;
}

/// Decodes a tile; false where the words end before it.
template <unsigned Lanes, unsigned Precision, order1_rounds Rounds>
[[nodiscard]] bool decode_order1_tile(std::uint32_t* states, std::uint8_t* contexts,
                                      const std::uint32_t* slots, const std::uint8_t*& at,
                                      const std::uint8_t* end, std::uint8_t* tile,
                                      std::size_t rounds) noexcept {
    std::size_t done =
        Rounds::template decode<Lanes, Precision>(states, contexts, slots, at, end, tile, rounds);
    done += scalar_order1_rounds::decode<Lanes, Precision>(states, contexts, slots, at, end, tile + done,
                                                           rounds - done);
    for (; done < rounds; ++done) {
        for (std::size_t lane = 0; lane < Lanes; ++lane) {
            if (!decode_order1_checked<Precision>(states[lane], contexts[lane], slots, at, end)) return false;
            tile[lane * order1_pitch + done] = contexts[lane];
        }
    }
    return true;
}

}  // namespace detail

/// Encodes `in` onto the end of `out`: words, and below them the states, lane 0 lowest. Lane j codes bytes
/// j * S to (j + 1) * S - 1, S = floor(size / Lanes), the last lane also what is left after them. Record (c,
/// s) is at records + 4 * (s << 8 | c); segments begin in context `first`. Gives the number of bytes, which
/// are then the last ones of `out`, or output_too_small. in.size() >= Lanes. Never allocates. Exact.
template <unsigned Lanes, order1_rounds Rounds>
requires(Lanes >= 1 &&
         Lanes <= 128) result<std::size_t> order1_encode_lanes(byte_view in, const std::uint32_t* records,
                                                               std::uint8_t first, byte_span out)
noexcept {
    const error too_small{error_code::output_too_small, out.size(), "the destination is too small"};
    PITH_ASSERT(in.size() >= Lanes);
    std::uint32_t states[Lanes];
    for (std::uint32_t& x : states) x = rans32::low;
    std::uint8_t tile[Lanes * order1_pitch];
    std::uint8_t* const begin = out.data();
    std::uint8_t* at = begin + out.size();
    const std::size_t stride = in.size() / Lanes;
    for (std::size_t i = in.size(); i-- > stride * Lanes;) {
        if (at - begin < 2) return too_small;
        scalar_rounds::push(states[Lanes - 1], records + 4 * (std::size_t{in[i]} << 8 | in[i - 1]), at);
    }
    for (std::size_t end = stride; end > 0;) {
        const std::size_t rounds = (end - 1) % order1_tile_rounds + 1;
        end -= rounds;
        detail::load_order1_tile<Lanes>(in.data(), stride, end, rounds, first, tile);
        std::size_t left = rounds;
        left -= Rounds::template encode<Lanes>(states, records, tile, begin, at, left);
        left -= scalar_order1_rounds::encode<Lanes>(states, records, tile, begin, at, left);
        if (!detail::encode_order1_tile_checked<Lanes>(states, records, tile, left, begin, at))
            return too_small;
    }
    if (static_cast<std::size_t>(at - begin) < 4 * Lanes) return too_small;
    at -= 4 * Lanes;
    for (unsigned lane = 0; lane < Lanes; ++lane) store_le<std::uint32_t>(at + 4 * lane, states[lane]);
    return out.size() - static_cast<std::size_t>(at - begin);
}

/// Decodes what order1_encode_lanes wrote, all of `in` to all of `out`; slots as order1_slot_word says, for
/// every context that can be met. out.size() >= Lanes. Never allocates. Exact.
/// Errors: truncated, bad_stream (a state out of range, or not back at its start), trailing_data.
template <unsigned Lanes, unsigned Precision, order1_rounds Rounds>
requires(Lanes >= 1 && Lanes <= 128) result<void> order1_decode_lanes(byte_view in,
                                                                      const std::uint32_t* slots,
                                                                      std::uint8_t first, byte_span out)
noexcept {
    const error truncated{error_code::truncated, in.size(), "the input ends inside an rANS stream"};
    PITH_ASSERT(out.size() >= Lanes);
    std::uint32_t states[Lanes];
    const result<void> opened = rans_read_states(in, states);
    if (!opened) return opened;
    std::uint8_t contexts[Lanes];
    for (std::uint8_t& c : contexts) c = first;
    std::uint8_t tile[Lanes * order1_pitch];
    const std::uint8_t* at = in.data() + 4 * Lanes;
    const std::uint8_t* const end = in.data() + in.size();
    const std::size_t stride = out.size() / Lanes;
    for (std::size_t done = 0; done < stride;) {
        const std::size_t left = stride - done;
        const std::size_t rounds = left < order1_tile_rounds ? left : order1_tile_rounds;
        if (!detail::decode_order1_tile<Lanes, Precision, Rounds>(states, contexts, slots, at, end, tile,
                                                                  rounds)) {
            return truncated;
        }
        detail::store_order1_tile<Lanes>(tile, rounds, out.data() + done, stride);
        done += rounds;
    }
    for (std::size_t i = stride * Lanes; i < out.size(); ++i) {
        if (!detail::decode_order1_checked<Precision>(states[Lanes - 1], contexts[Lanes - 1], slots, at, end))
            return truncated;
        out[i] = contexts[Lanes - 1];
    }
    return rans_check_end(in, at, states);
}

}  // namespace pith::inline v1::entropy
