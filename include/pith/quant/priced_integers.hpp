// Values as multiples of a step under Exp-Golomb codes, each rounded by its error and the price of its bits.
// BackSlash (Wu and others, 2025): weights follow a generalized Gaussian, for which Exp-Golomb codes are near
// the entropy, and the rate is part of the objective. Here the rate-constrained rounding of finished weights,
// exact for every value; not reproduced: training under the rate.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/golomb.hpp>

namespace pith::inline v1::quant {

/// |value| < 2^30 - 1 steps. price: squared steps that a bit is worth, >= 0; 0 rounds to the nearest.
struct priced_integers {
    float step = 1;
    double price = 0;
    unsigned order = 0;  ///< of the code, at most 20; 2^order values of either sign share the shortest word

    /// Bits of q's word.
    [[nodiscard]] constexpr unsigned bits_of(std::int32_t q) const noexcept {
        return 2 * static_cast<unsigned>(std::bit_width((zigzag(q) >> order) + 1)) - 1 + order;
    }
    /// The integer of least squared error plus price times bits: of each length of words only the nearest one
    /// can be it. Of equals the nearest to x.
    [[nodiscard]] constexpr std::int32_t operator()(double x) const noexcept {
        const auto nearest = static_cast<std::int32_t>(x < 0 ? x - 0.5 : x + 0.5);
        std::int32_t best = nearest;
        double least = cost(x, nearest);
        for (std::int32_t q = nearest; q != 0;) {
            const std::uint32_t shorter = std::bit_floor((zigzag(q) >> order) + 1);
            if (shorter == 1) break;
            // The largest folded number of the next shorter length, and the integer of x's sign below it.
            const std::uint32_t folded = ((shorter - 1) << order) - 1;
            q = x < 0 ? -static_cast<std::int32_t>((folded + 1) / 2) : static_cast<std::int32_t>(folded / 2);
            const double c = cost(x, q);
            if (c < least) {
                best = q;
                least = c;
            }
        }
        return best;
    }

    /// Stream: the number of values (varint), the step (float), the order (a byte), the words, zero padding.
    /// Errors: values or a step that are not finite, values too large for the step. Encoder-side.
    [[nodiscard]] result<std::vector<std::uint8_t>> encode(std::span<const float> values) const {
        if (!(step > 0 && step <= 0x1p90F) || !(price >= 0 && price <= 1e9) || order > 20)
            return error{error_code::unsupported_parameter, 0, "no step, price or order"};
        std::vector<std::uint8_t> out;
        vector_sink sink(out);
        put_varint(sink, values.size());
        put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(step));
        sink.put(static_cast<std::uint8_t>(order));
        bit_writer<vector_sink> bits(sink);
        for (const float v : values) {
            const double x = double{v} / double{step};
            if (!(x < 0x1p30 - 1 && x > 1 - 0x1p30))
                return error{error_code::unsupported_parameter, 0, "a value that is no number of 2^30 steps"};
            entropy::put_exp_golomb(bits, zigzag((*this)(x)), order);
        }
        bits.finish();
        return out;
    }
    /// Errors: of outside bytes, limit_exceeded.
    [[nodiscard]] static result<std::vector<float>> decode(byte_view in, const limits& most = {}) {
        byte_reader reader(in);
        const auto count = reader.read_varint();
        if (!count) return count.error();
        const auto stored = reader.read_le<std::uint32_t>();
        if (!stored) return stored.error();
        const auto k = reader.read_le<std::uint8_t>();
        if (!k) return k.error();
        const auto scale = std::bit_cast<float>(*stored);
        if (!(scale > 0 && scale <= 0x1p90F) || *k > 20)
            return reader.fail(error_code::bad_header, "no step or order that an encoder writes");
        if (*count > most.max_output / sizeof(float))
            return reader.fail(error_code::limit_exceeded, "more values than allowed");
        if (*count > 8 * std::uint64_t{reader.remaining()})  // a word has a bit at least
            return reader.fail(error_code::truncated, "fewer words than values");
        const byte_view words = reader.rest();
        bit_reader bits(words);
        std::vector<float> out;
        for (std::uint64_t i = 0; i < *count; ++i) {
            const auto folded = entropy::get_exp_golomb(bits, *k);
            if (!folded) return folded.error();
            if (*folded > 0x7FFF'FFFF)
                return reader.fail(error_code::bad_stream, "an integer that no encoder writes");
            out.push_back(static_cast<float>(unzigzag(static_cast<std::uint32_t>(*folded))) * scale);
        }
        if (bits.byte_position() != words.size())
            return reader.fail(error_code::trailing_data, "bytes behind the last word");
        if (!bits.padding_is_zero()) return reader.fail(error_code::bad_stream, "padding that is not zero");
        return out;
    }

  private:
    [[nodiscard]] constexpr double cost(double x, std::int32_t q) const noexcept {
        const double e = x - static_cast<double>(q);
        return e * e + price * static_cast<double>(bits_of(q));
    }
};

}  // namespace pith::inline v1::quant
