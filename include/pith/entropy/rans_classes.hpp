// Interleaved rANS over bytes of up to 16 classes, each with a table of its own; who decodes knows the
// classes. Source: F. Giesen, 2014 (arXiv:1402.3392) for lanes and words, see rans_lanes.hpp; classes are own
// work.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/rans_lanes.hpp>
#include <pith/entropy/rans_tables.hpp>

namespace pith::inline v1::entropy {

/// Rounds over `Lanes` states as in rans_rounds, where symbol i is of class classes[i]: its slot words begin
/// at slots + (class << Precision), its records at symbols + 1024 * class. Law: equal to scalar_class_rounds.
template <class R>
concept class_rounds = requires(std::uint32_t* states, const std::uint32_t* slots,
                                const std::uint8_t* classes, const std::uint8_t*& in,
                                const std::uint8_t* in_end, std::uint8_t* out, std::size_t rounds,
                                std::uint8_t* out_begin, std::uint8_t*& out_at) {
    { R::template decode<64, 10>(states, slots, classes, in, in_end, out, rounds) }
    noexcept->std::same_as<std::size_t>;
    { R::template encode<64>(states, slots, classes, in_end, out_begin, out_at, rounds) }
    noexcept->std::same_as<std::size_t>;
};

/// The reference: one lane after the other, any machine.
struct scalar_class_rounds {
    template <unsigned Lanes, unsigned Precision>
    static std::size_t decode(std::uint32_t* states, const std::uint32_t* slots, const std::uint8_t* classes,
                              const std::uint8_t*& in, const std::uint8_t* in_end, std::uint8_t* out,
                              std::size_t rounds) noexcept {
        const std::uint8_t* at = in;
        std::size_t done = 0;
        for (; done < rounds && static_cast<std::size_t>(in_end - at) >= 2 * Lanes; ++done) {
#pragma GCC unroll 4
            for (unsigned lane = 0; lane < Lanes; ++lane) {
                const std::uint32_t y = scalar_rounds::step<Precision>(
                    states[lane], slots + (std::size_t{classes[lane]} << Precision), out[lane]);
                // All ones where a word is needed: a branch would be mispredicted every few symbols.
                const std::uint32_t low = 0U - static_cast<std::uint32_t>(y < rans32::low);
                states[lane] = y << (low & 16) | (low & load_le<std::uint16_t>(at));
                at += low & 2;
            }
            out += Lanes;
            classes += Lanes;
        }
        in = at;
        return done;
    }
    /// Backwards from `in_end` and `classes_end`.
    template <unsigned Lanes>
    static std::size_t encode(std::uint32_t* states, const std::uint32_t* symbols,
                              const std::uint8_t* classes_end, const std::uint8_t* in_end,
                              std::uint8_t* out_begin, std::uint8_t*& out_at, std::size_t rounds) noexcept {
        std::size_t done = 0;
        for (; done < rounds && static_cast<std::size_t>(out_at - out_begin) >= 2 * Lanes; ++done) {
            in_end -= Lanes;
            classes_end -= Lanes;
            for (unsigned lane = Lanes; lane-- > 0;)
                scalar_rounds::push(
                    states[lane],
                    symbols + 1024 * std::size_t{classes_end[lane]} + 4 * std::size_t{in_end[lane]}, out_at);
        }
        return done;
    }
};
static_assert(class_rounds<scalar_class_rounds>);

/// Encodes `in` onto the end of `out`, as rans_encode_lanes does. classes.size() == in.size().
template <unsigned Lanes, class_rounds Rounds>
requires(Lanes >= 1 && Lanes <= 128) result<std::size_t> rans_encode_classes(byte_view in, byte_view classes,
                                                                             const std::uint32_t* symbols,
                                                                             byte_span out)
noexcept {
    const error too_small{error_code::output_too_small, out.size(), "the destination is too small"};
    std::uint32_t states[Lanes];
    for (std::uint32_t& x : states) x = rans32::low;
    std::uint8_t* const begin = out.data();
    std::uint8_t* at = begin + out.size();
    const auto push = [&](std::size_t i) {
        scalar_rounds::push(states[i % Lanes],
                            symbols + 1024 * std::size_t{classes[i]} + 4 * std::size_t{in[i]}, at);
    };
    const std::size_t rounds = in.size() / Lanes;
    for (std::size_t i = in.size(); i-- > rounds * Lanes;) {
        if (at - begin < 2) return too_small;
        push(i);
    }
    std::size_t done = Rounds::template encode<Lanes>(states, symbols, classes.data() + rounds * Lanes,
                                                      in.data() + rounds * Lanes, begin, at, rounds);
    done += scalar_class_rounds::encode<Lanes>(states, symbols, classes.data() + (rounds - done) * Lanes,
                                               in.data() + (rounds - done) * Lanes, begin, at, rounds - done);
    for (std::size_t i = (rounds - done) * Lanes; i-- > 0;) {
        if (at - begin < 2) return too_small;
        push(i);
    }
    if (static_cast<std::size_t>(at - begin) < 4 * Lanes) return too_small;
    at -= 4 * Lanes;
    for (unsigned lane = 0; lane < Lanes; ++lane) store_le<std::uint32_t>(at + 4 * lane, states[lane]);
    return out.size() - static_cast<std::size_t>(at - begin);
}

/// Decodes the whole of `in` to `out`; classes[i] selects a table that there is. Errors: truncated,
/// bad_stream, trailing_data.
template <unsigned Lanes, unsigned Precision, class_rounds Rounds>
requires(Lanes >= 1 && Lanes <= 128) result<void> rans_decode_classes(byte_view in, byte_view classes,
                                                                      const std::uint32_t* slots,
                                                                      byte_span out)
noexcept {
    std::uint32_t states[Lanes];
    if (const result<void> opened = rans_read_states(in, states); !opened) return opened;
    const std::uint8_t* at = in.data() + 4 * Lanes;
    const std::uint8_t* const end = in.data() + in.size();
    const std::size_t rounds = out.size() / Lanes;
    std::size_t done =
        Rounds::template decode<Lanes, Precision>(states, slots, classes.data(), at, end, out.data(), rounds);
    done += scalar_class_rounds::decode<Lanes, Precision>(states, slots, classes.data() + done * Lanes, at,
                                                          end, out.data() + done * Lanes, rounds - done);
    for (std::size_t i = done * Lanes; i < out.size(); ++i) {
        std::uint32_t& x = states[i % Lanes];
        x = scalar_rounds::step<Precision>(x, slots + (std::size_t{classes[i]} << Precision), out[i]);
        if (x >= rans32::low) continue;
        if (end - at < 2)
            return error{error_code::truncated, in.size(), "the input ends inside an rANS stream"};
        x = x << 16 | load_le<std::uint16_t>(at);
        at += 2;
    }
    return rans_check_end(in, at, states);
}

}  // namespace pith::inline v1::entropy
