// Significance bit planes of quantized residuals: an embedded stream, from the highest plane to the lowest.
// Source: Shapiro 1993 and Taubman 2000 (significance, sign, refinement), without neighbours; differs in that
// refinement bits are conditioned on the two highest bits of the magnitude, which is what order-0 coding
// of the values can win. Also planes as they are, 64 values a word.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::entropy {

/// A binary coder under probabilities of a one in 16-bit fixed point, 1..65535. Minimal model:
///   struct bits_of { std::vector<bool>* to; void put(bool bit, std::uint32_t) { to->push_back(bit); } };
template <class C>
concept bit_encoder = requires(C c, bool bit, std::uint32_t p) {
    c.put(bit, p);
};
/// Law: get(p) gives the bits in the order and under the probabilities in which put took them.
template <class C>
concept bit_decoder = requires(C c, std::uint32_t p) {
    { c.get(p) } -> std::same_as<bool>;
};

/// A bit_predictor: the frequency of ones so far, that is, it learns at rate 1/(n + 2) after n bits, from
/// then on, when n has reached Memory, at the last rate. On a stationary source that costs less than two
/// fixed rates do; a small Memory follows a source that drifts. Exact.
template <unsigned Memory = 255>
requires(Memory >= 1 && Memory <= 1023) class frequency_predictor {
  public:
    [[nodiscard]] std::uint32_t probability_of_one() const noexcept {
        const std::uint32_t p = ones_ >> 16;
        return p == 0 ? 1 : p;
    }
    void update(bool bit) noexcept {
        const std::uint64_t rate = 65536 / (seen_ + 2);  // <= 1/2, so the steps below stay in range
        if (bit) {
            ones_ += static_cast<std::uint32_t>((~ones_ * rate) >> 16);
        } else {
            ones_ -= static_cast<std::uint32_t>((ones_ * rate) >> 16);
        }
        seen_ += seen_ < Memory ? 1U : 0U;
    }

  private:
    std::uint32_t ones_ = std::uint32_t{1} << 31;  // probability in units of 2^-32
    std::uint32_t seen_ = 0;
};

/// Codes the magnitudes' bits plane by plane; a value's sign follows its highest one bit. Encoder and decoder
/// call the same planes in the same order, falling from planes_of(values) - 1 or above, with the same values;
/// a decoder may stop after any plane. In the highest plane of all only the most negative value has a one: it
/// is complete with that, so that neither its sign nor its lower bits are coded, and values have one form.
template <std::signed_integral Value = std::int8_t, bit_predictor Predictor = frequency_predictor<>>
class bit_plane_coder {
  public:
    using magnitude = std::make_unsigned_t<Value>;
    static constexpr unsigned max_planes = sizeof(Value) * 8;

    /// |v|, also of the most negative value.
    [[nodiscard]] static constexpr magnitude magnitude_of(Value v) noexcept {
        return v < 0 ? static_cast<magnitude>(magnitude{0} - static_cast<magnitude>(v))
                     : static_cast<magnitude>(v);
    }
    /// Number of planes that hold a one: those from it on need not be coded.
    [[nodiscard]] static unsigned planes_of(std::span<const Value> values) noexcept {
        magnitude all = 0;
        for (const Value v : values) all = static_cast<magnitude>(all | magnitude_of(v));
        return static_cast<unsigned>(std::bit_width(all));
    }
    /// What a decoder holds after plane `lowest`: v with the lower bits of its magnitude cleared, which is
    /// the quantizer of step 2^lowest with a zero bin twice as wide.
    [[nodiscard]] static constexpr Value truncated(Value v, unsigned lowest) noexcept {
        const auto kept = static_cast<magnitude>(magnitude_of(v) >> lowest << lowest);
        return signed_value(kept, v < 0);
    }

    /// Codes plane `plane` (0 is the lowest bit). Exact.
    template <bit_encoder Encoder>
    void encode_plane(std::span<const Value> values, unsigned plane, Encoder& encoder) {
        PITH_ASSERT(plane < max_planes);
        for (const Value v : values) {
            const magnitude m = magnitude_of(v);
            if (complete(m, plane)) continue;
            const auto known = static_cast<magnitude>(known_bits(m, plane));
            const bool bit = (m >> plane & 1) != 0;
            Predictor& predictor = context(known, plane);
            encoder.put(bit, predictor.probability_of_one());
            predictor.update(bit);
            if (known == 0 && bit && plane != max_planes - 1) encoder.put(v < 0, sign_probability);
        }
    }

    /// Adds plane `plane` to values, which hold the planes above it (zeros before the first). Exact.
    template <bit_decoder Decoder>
    void decode_plane(std::span<Value> values, unsigned plane, Decoder& decoder) {
        PITH_ASSERT(plane < max_planes);
        for (Value& v : values) {
            const magnitude m = magnitude_of(v);
            if (complete(m, plane)) continue;
            const auto known = static_cast<magnitude>(known_bits(m, plane));
            Predictor& predictor = context(known, plane);
            const bool bit = decoder.get(predictor.probability_of_one());
            predictor.update(bit);
            if (!bit) continue;
            const bool negative =
                plane == max_planes - 1 || (known == 0 ? decoder.get(sign_probability) : v < 0);
            v = signed_value(static_cast<magnitude>(m | magnitude{1} << plane), negative);
        }
    }

  private:
    static constexpr std::uint32_t sign_probability = 32768;

    static constexpr Value signed_value(magnitude m, bool negative) noexcept {
        return static_cast<Value>(negative ? static_cast<magnitude>(magnitude{0} - m) : m);
    }
    /// True below the highest plane for the most negative value, whose magnitude is that plane's bit alone.
    static constexpr bool complete(magnitude m, unsigned plane) noexcept {
        return plane != max_planes - 1 && m >> (max_planes - 1) != 0;
    }
    /// The magnitude's bits above the plane, as a number.
    static constexpr magnitude known_bits(magnitude m, unsigned plane) noexcept {
        return plane + 1 < max_planes ? static_cast<magnitude>(m >> (plane + 1)) : magnitude{0};
    }
    Predictor& context(magnitude known, unsigned plane) noexcept {
        const unsigned width = static_cast<unsigned>(std::bit_width(known));
        const unsigned second = width >= 2 ? static_cast<unsigned>(known >> (width - 2) & 1) : 0;
        return predictors_[plane][2 * width + second];
    }

    Predictor predictors_[max_planes][2 * max_planes];
};

/// Appends bit `plane` of each byte: eight values a byte, the first in the lowest bit; the last byte is
/// filled with zeros. (n + 7) / 8 bytes.
template <byte_sink Sink>
void put_raw_plane(Sink& sink, byte_view values, unsigned plane) {
    PITH_ASSERT(plane < 8);
    constexpr std::uint64_t ones = 0x0101010101010101;
    std::size_t i = 0;
    // The product moves bit 8j of the word to bit 56 + j; no two terms meet, so nothing carries.
    for (; i + 8 <= values.size(); i += 8) {
        const std::uint64_t word = load_le<std::uint64_t>(values.data() + i) >> plane & ones;
        sink.put(static_cast<std::uint8_t>(word * 0x0102040810204080 >> 56));
    }
    if (i == values.size()) return;
    unsigned last = 0;
    for (unsigned j = 0; i + j < values.size(); ++j) last |= (unsigned{values[i + j]} >> plane & 1U) << j;
    sink.put(static_cast<std::uint8_t>(last));
}

/// Sets bit `plane` of each byte of `values` where put_raw_plane found it set; the bit must be clear before.
/// Errors: truncated; bad_stream when the filling is not zero.
[[nodiscard]] inline result<void> get_raw_plane(byte_reader& reader, byte_span values,
                                                unsigned plane) noexcept {
    PITH_ASSERT(plane < 8);
    const result<byte_view> plane_bytes = reader.read_bytes((values.size() + 7) / 8);
    if (!plane_bytes) return plane_bytes.error();
    const std::uint8_t* from = plane_bytes->data();
    std::size_t i = 0;
    for (; i + 8 <= values.size(); i += 8) {
        // Byte j keeps bit j of the eight; adding 127 carries a set bit of any place into bit 7.
        const std::uint64_t spread = *from++ * 0x0101010101010101U & 0x8040201008040201U;
        const std::uint64_t bits = (spread + 0x7F7F7F7F7F7F7F7FU) >> 7 & 0x0101010101010101U;
        store_le<std::uint64_t>(values.data() + i, load_le<std::uint64_t>(values.data() + i) | bits << plane);
    }
    if (i == values.size()) return {};
    unsigned last = *from;
    for (; i < values.size(); ++i, last >>= 1)
        values[i] = static_cast<std::uint8_t>(values[i] | (last & 1U) << plane);
    if (last != 0) return reader.fail(error_code::bad_stream, "a bit plane is not filled with zeros");
    return {};
}

}  // namespace pith::inline v1::entropy
