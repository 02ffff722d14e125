// Interleaved rANS over bytes: N states take turns over one shared stream of 16-bit words.
// Source: F. Giesen, 2014 (arXiv:1402.3392). Symbol i belongs to lane i mod N; nothing but the N final states
// is stored, and the bytes do not depend on who computes them: rounds of N symbols are a policy
// (simd/rans.hpp).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/rans.hpp>
#include <pith/entropy/rans_tables.hpp>

namespace pith::inline v1::entropy {

/// Full rounds over `Lanes` states, raw memory in and out. Both functions do as many of `rounds` rounds as
/// they can without touching bytes outside [in, in_end) or [out_begin, out_at), and return how many they did;
/// doing none is allowed. Law: what they do equals rans_push and rans_pop lane by lane.
template <class R>
concept rans_rounds = requires(std::uint32_t* states, const std::uint32_t* slots, const std::uint8_t*& in,
                               const std::uint8_t* in_end, std::uint8_t* out, std::size_t rounds,
                               const std::uint32_t* symbols, std::uint8_t* out_begin, std::uint8_t*& out_at) {
    { R::template decode<32, 12>(states, slots, in, in_end, out, rounds) }
    noexcept->std::same_as<std::size_t>;
    { R::template encode<32>(states, symbols, in_end, out_begin, out_at, rounds) }
    noexcept->std::same_as<std::size_t>;
};

/// The reference: one lane after the other, any machine.
struct scalar_rounds {
    /// Lanes that advance together, so that the work of one hides what another waits for; divides Lanes.
    template <unsigned Lanes>
    static constexpr unsigned group_of = Lanes % 8 == 0   ? 8
                                         : Lanes % 4 == 0 ? 4
                                                          : 1;

    /// Decodes forwards to out[0 .. rounds * Lanes), taking words from `in` on.
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, const std::uint32_t* slots, const std::uint8_t*& in,
                              const std::uint8_t* in_end, std::uint8_t* out, std::size_t rounds) noexcept {
        constexpr unsigned group = group_of<Lanes>;
        std::uint32_t x[Lanes];  // a copy that `out` cannot alias
        for (unsigned lane = 0; lane < Lanes; ++lane) x[lane] = states[lane];
        const std::uint8_t* at = in;
        std::size_t done = 0;
        for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done, out += Lanes) {
            for (unsigned lane = 0; lane < Lanes; lane += group) {
                std::uint32_t y[group];
#pragma GCC unroll 8
                for (unsigned k = 0; k < group; ++k)
                    y[k] = step<Precision>(x[lane + k], slots, out[lane + k]);
#pragma GCC unroll 8
                for (unsigned k = 0; k < group; ++k) {
                    // All ones where a word is needed: a branch would be mispredicted every few symbols.
                    const std::uint32_t low = 0U - static_cast<std::uint32_t>(y[k] < rans32::low);
                    x[lane + k] = y[k] << (low & 16) | (low & load_le<std::uint16_t>(at));
                    at += low & 2;
                }
            }
        }
        in = at;
        for (unsigned lane = 0; lane < Lanes; ++lane) states[lane] = x[lane];
        return done;
    }

    /// Encodes backwards the rounds that end at `in_end`, putting words below `out_at`.
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* symbols, const std::uint8_t* in_end,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        constexpr unsigned group = group_of<Lanes>;
        std::uint32_t x[Lanes];  // a copy that `at` cannot alias
        for (unsigned lane = 0; lane < Lanes; ++lane) x[lane] = states[lane];
        std::uint8_t* at = out_at;
        std::size_t done = 0;
        for (; done < rounds && static_cast<std::size_t>(at - out_begin) >= 2 * Lanes; ++done) {
            for (unsigned lane = Lanes; lane > 0; lane -= group, in_end -= group) {
#pragma GCC unroll 8
                for (unsigned k = 1; k <= group; ++k) {
                    push(x[lane - k], symbols + 4 * std::size_t{*(in_end - k)}, at);
                }
            }
        }
        out_at = at;
        for (unsigned lane = 0; lane < Lanes; ++lane) states[lane] = x[lane];
        return done;
    }

    /// One symbol off a state, without renormalisation.
    template <unsigned Precision>
    static std::uint32_t step(std::uint32_t x, const std::uint32_t* slots, std::uint8_t& symbol) noexcept {
        const std::uint32_t slot = slots[x & ((std::uint32_t{1} << Precision) - 1)];
        symbol = static_cast<std::uint8_t>(slot);
        return (x >> Precision) * (slot >> 20) + ((slot >> 8) & 0xFFF);
    }

    /// One symbol (its four words) onto a state; at least 2 bytes must be free below `at`.
    static void push(std::uint32_t& x, const std::uint32_t* symbol, std::uint8_t*& at) noexcept {
        const std::uint32_t v = x;
        const std::uint32_t full = 0U - static_cast<std::uint32_t>(v > symbol[1]);
        store_le<std::uint16_t>(at - 2, static_cast<std::uint16_t>(v));
        at -= full & 2;
        const std::uint32_t y = v >> (full & 16);
        const std::uint32_t q =
            static_cast<std::uint32_t>((std::uint64_t{y} * symbol[0]) >> 32) >> (symbol[2] >> 16);
        x = y + (symbol[2] & 0xFFFF) + q * symbol[3];
    }
};

static_assert(rans_rounds<scalar_rounds>);

/// Encodes `in` onto the end of `out`: words, and below them the states, lane 0 lowest. Gives the number of
/// bytes, which are then the last ones of `out`, or output_too_small. Never allocates. Exact.
template <unsigned Lanes, unsigned Precision, rans_rounds Rounds>
requires(Lanes >= 1 && Lanes <= 128) result<std::size_t> rans_encode_lanes(
    byte_view in, const rans_symbol_table<Precision>& table, byte_span out)
noexcept {
    const error too_small{error_code::output_too_small, out.size(), "the destination is too small"};
    std::uint32_t states[Lanes];
    for (std::uint32_t& x : states) x = rans32::low;
    const std::uint32_t* const symbols = table.words;
    std::uint8_t* const begin = out.data();
    std::uint8_t* at = begin + out.size();
    const std::size_t rounds = in.size() / Lanes;
    for (std::size_t i = in.size(); i-- > rounds * Lanes;) {
        if (at - begin < 2) return too_small;
        scalar_rounds::push(states[i % Lanes], symbols + 4 * std::size_t{in[i]}, at);
    }
    std::size_t done =
        Rounds::template encode<Lanes>(states, symbols, in.data() + rounds * Lanes, begin, at, rounds);
    done += scalar_rounds::template encode<Lanes>(states, symbols, in.data() + (rounds - done) * Lanes, begin,
                                                  at, rounds - done);
    for (std::size_t i = (rounds - done) * Lanes; i-- > 0;) {
        if (at - begin < 2) return too_small;
        scalar_rounds::push(states[i % Lanes], symbols + 4 * std::size_t{in[i]}, at);
    }
    if (static_cast<std::size_t>(at - begin) < 4 * Lanes) return too_small;
    at -= 4 * Lanes;
    for (unsigned lane = 0; lane < Lanes; ++lane) store_le<std::uint32_t>(at + 4 * lane, states[lane]);
    return out.size() - static_cast<std::size_t>(at - begin);
}

/// Reads the states at the start of a stream. Errors: truncated, bad_stream (a state out of range).
template <std::size_t Lanes>
result<void> rans_read_states(byte_view in, std::uint32_t (&states)[Lanes]) noexcept {
    if (in.size() < 4 * Lanes) {
        return error{error_code::truncated, in.size(), "the input ends inside an rANS stream"};
    }
    for (std::size_t lane = 0; lane < Lanes; ++lane) {
        states[lane] = load_le<std::uint32_t>(in.data() + 4 * lane);
        if (states[lane] < rans32::low || states[lane] >> 31 != 0) {
            return error{error_code::bad_stream, 4 * lane, "an rANS state is out of range"};
        }
    }
    return {};
}

/// Success where every state is back at its start and `at` at the end of `in`; else bad_stream or
/// trailing_data.
template <std::size_t Lanes>
result<void> rans_check_end(byte_view in, const std::uint8_t* at,
                            const std::uint32_t (&states)[Lanes]) noexcept {
    const std::uint64_t offset = static_cast<std::uint64_t>(at - in.data());
    for (const std::uint32_t x : states) {
        if (x != rans32::low)
            return error{error_code::bad_stream, offset, "an rANS state does not end where it began"};
    }
    if (offset != in.size()) return error{error_code::trailing_data, offset, "bytes follow an rANS stream"};
    return {};
}

/// Decodes what rans_encode_lanes wrote, all of `in` to all of `out`. Never allocates. Exact.
/// Errors: truncated, bad_stream (a state out of range, or not back at its start), trailing_data.
template <unsigned Lanes, unsigned Precision, rans_rounds Rounds>
requires(Lanes >= 1 && Lanes <= 128) result<void> rans_decode_lanes(byte_view in,
                                                                    const rans_slot_table<Precision>& table,
                                                                    byte_span out)
noexcept {
    const error truncated{error_code::truncated, in.size(), "the input ends inside an rANS stream"};
    std::uint32_t states[Lanes];
    const result<void> opened = rans_read_states(in, states);
    if (!opened) return opened;
    const std::uint8_t* at = in.data() + 4 * Lanes;
    const std::uint8_t* const end = in.data() + in.size();
    const std::size_t rounds = out.size() / Lanes;
    std::size_t done =
        Rounds::template decode<Lanes, Precision>(states, table.words, at, end, out.data(), rounds);
    done += scalar_rounds::template decode<Lanes, Precision>(states, table.words, at, end,
                                                             out.data() + done * Lanes, rounds - done);
    for (std::size_t i = done * Lanes; i < out.size(); ++i) {
        std::uint32_t& x = states[i % Lanes];
        x = scalar_rounds::step<Precision>(x, table.words, out[i]);
        if (x >= rans32::low) continue;
        if (end - at < 2) return truncated;
        x = x << 16 | load_le<std::uint16_t>(at);
        at += 2;
    }
    return rans_check_end(in, at, states);
}

}  // namespace pith::inline v1::entropy
