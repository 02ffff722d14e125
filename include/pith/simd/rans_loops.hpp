// The loops over rounds that all vector kernels of interleaved rANS share: states in, rounds for as long as
// the streams have room for the largest one, states out. A kernel adds what one vector of states does.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pith::inline v1::simd::detail {

/// Rounds of pushing symbols; records(done, first)(i) is the record of what lane first + i pushes when `done`
/// rounds are done. A round puts at most 2 * Lanes bytes, and its last store, of 2 * width bytes, begins with
/// the last of them.
template <class Kernel, unsigned Lanes, class Records>
std::size_t push_rounds(std::uint32_t* states, std::uint8_t* out_begin, std::uint8_t*& out_at,
                        std::size_t rounds, const Records& records) noexcept {
    constexpr unsigned vectors = Lanes / Kernel::width;
    typename Kernel::vector x[vectors];
    std::memcpy(x, states, sizeof x);
    std::uint8_t* at = out_at;
    std::size_t done = 0;
    for (; done < rounds && static_cast<std::size_t>(at - out_begin) >= 2 * Lanes; ++done) {
#pragma GCC unroll 16
        for (unsigned k = 1; k <= vectors; ++k) {
            const unsigned v = vectors - k;
            x[v] = Kernel::push(x[v], records(done, v * Kernel::width), at);
        }
    }
    out_at = at;
    std::memcpy(states, x, sizeof x);
    return done;
}

/// A model of entropy::rans_rounds over a kernel of order 0.
///   vector, width                                         // of a vector of 32-bit states, in lanes
///   round<Lanes, Precision>(x, slots, at, out)            // a symbol of every lane of x to out
///   push(x, record, at)                                   // record(i): of lane i of the vector
/// A round takes at most 2 * Lanes bytes, and its last load, of 2 * width bytes, ends with the last of them.
template <class Kernel>
struct rans_loops {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, const std::uint32_t* slots, const std::uint8_t*& in,
                              const std::uint8_t* in_end, std::uint8_t* out, std::size_t rounds) noexcept {
        if constexpr (Lanes < 32) {
            return 0;
        } else {
            typename Kernel::vector x[Lanes / Kernel::width];
            std::memcpy(x, states, sizeof x);
            const std::uint8_t* at = in;
            std::size_t done = 0;
            for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done, out += Lanes)
                Kernel::template round<Lanes, Precision>(x, slots, at, out);
            in = at;
            std::memcpy(states, x, sizeof x);
            return done;
        }
    }
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* symbols, const std::uint8_t* in_end,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        if constexpr (Lanes < 32)
            return 0;
        else
            return push_rounds<Kernel, Lanes>(
                states, out_begin, out_at, rounds, [=](std::size_t done, unsigned first) {
                    const std::uint8_t* const from = in_end - (done + 1) * Lanes + first;
                    return [from, symbols](unsigned i) { return symbols + 4 * std::size_t{from[i]}; };
                });
    }
};

/// A model of entropy::order1_rounds over a kernel of order 1, which has besides vector, width and push
///   load_contexts<Lanes, Precision>(contexts, e)          // bytes to slot words that hold them
///   round<Lanes, Precision>(x, e, slots, at, row)         // a symbol of every lane to row; e: slot words
///   turn<Lanes>(turned, tile)                             // rounds, a row each, to the rows of lanes
/// The bound on what a round takes is as for order 0.
template <class Kernel, unsigned TileRounds, unsigned Pitch>
struct order1_loops {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, std::uint8_t* contexts, const std::uint32_t* slots,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* tile,
                              std::size_t rounds) noexcept {
        if constexpr (Lanes < 32) {
            return 0;
        } else {
            typename Kernel::vector x[Lanes / Kernel::width], e[Lanes / Kernel::width];
            std::memcpy(x, states, sizeof x);
            Kernel::template load_contexts<Lanes, Precision>(contexts, e);
            alignas(64) std::uint8_t turned[TileRounds * Lanes];
            const std::uint8_t* at = in;
            std::size_t done = 0;
            for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done)
                Kernel::template round<Lanes, Precision>(x, e, slots, at, turned + done * Lanes);
            if (done != 0) std::memcpy(contexts, turned + (done - 1) * Lanes, Lanes);
            std::memset(turned + done * Lanes, 0, sizeof turned - done * Lanes);
            Kernel::template turn<Lanes>(turned, tile);
            in = at;
            std::memcpy(states, x, sizeof x);
            return done;
        }
    }
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* records, const std::uint8_t* tile,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        if constexpr (Lanes < 32)
            return 0;
        else
            return push_rounds<Kernel, Lanes>(
                states, out_begin, out_at, rounds, [=](std::size_t done, unsigned first) {
                    const std::uint8_t* const from = tile + (rounds - done - 1) + std::size_t{first} * Pitch;
                    return [from, records](unsigned i) {
                        std::uint16_t pair;  // a byte and the one before
                        std::memcpy(&pair, from + i * Pitch, 2);
                        return records + 4 * std::size_t{pair};
                    };
                });
    }
};

}  // namespace pith::inline v1::simd::detail
