// A vector quantizer without training: rotate, code the coordinates on a bitshift trellis, store one scalar.
// QTIP (Tseng et al., 2024) for single vectors: at 2 bits 2.3 dB below the error of TurboQuant's grid, at a
// thousand times its cost of encoding. The scalar is RaBitQ's factor or the gain (see rotation_code.hpp).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/number_format.hpp>
#include <pith/simd/dot_exact.hpp>
#include <pith/simd/reduce.hpp>
#include <pith/transform/concepts.hpp>
#include <pith/vector/bitshift_trellis.hpp>
#include <pith/vector/rotation_code.hpp>

namespace pith::inline v1::vector {

namespace detail {

/// Values of each circle when `values` of them are cut evenly: whole bytes, but for the last circle.
[[nodiscard]] constexpr std::size_t circle_length(std::size_t values, std::size_t most) noexcept {
    const std::size_t circles = (values + most - 1) / most;
    return ((values + circles - 1) / circles + 7) / 8 * 8;
}

/// Codes of `Trellis` for any number of values, circle after circle.
template <class Trellis>
void decode_circles(byte_view codes, float scale, std::span<float> out) noexcept {
    if (out.empty()) return;
    const std::size_t length = circle_length(out.size(), Trellis::max_values);
    for (std::size_t i = 0; i < out.size(); i += length) {
        const std::size_t count = out.size() - i < length ? out.size() - i : length;
        Trellis::decode_into(codes.subspan(i / 8 * Trellis::bits, Trellis::bytes_of(count)), scale,
                             out.subspan(i, count));
    }
}
/// Their encoder-side inverse; place(i) gives value i in units of levels.
template <class Trellis, class Place>
void encode_circles(bitshift_search<Trellis>& search, std::size_t values, const Place& place,
                    byte_span codes) {
    for (std::uint8_t& byte : codes) byte = 0;
    if (values == 0) return;
    const std::size_t length = circle_length(values, Trellis::max_values);
    std::array<std::uint8_t, Trellis::max_values> chosen;
    for (std::size_t i = 0; i < values; i += length) {
        const std::size_t count = values - i < length ? values - i : length;
        search.find([&](std::size_t k) { return place(i + k); }, std::span(chosen).first(count));
        for (std::size_t k = 0; k < count; ++k) {
            const std::size_t bit = (i + k) * Trellis::bits;
            const unsigned shifted = unsigned{chosen[k]} << bit % 8;
            codes[bit / 8] = static_cast<std::uint8_t>(codes[bit / 8] | shifted);
            if (bit / 8 + 1 < codes.size())
                codes[bit / 8 + 1] = static_cast<std::uint8_t>(codes[bit / 8 + 1] | shifted >> 8);
        }
    }
}

}  // namespace detail

/// A code is the circles of D = rotated_dimension() coordinates, Bits bits each, then the side scalar in
/// halves. Decoded values are the same bits on every machine where the rotation is exact; codes are
/// encoder-side. What centred_code takes. Short circles are dear: their ends have to meet.
template <unsigned Bits, transform::rotation Rotation, side_scalar Scalar = side_scalar::factor,
          unsigned Window = 16, simd::instruction_set Arch = simd::native>
requires(Scalar != side_scalar::norm) class trellis_code {
  public:
    using trellis_type = bitshift_trellis<Bits, Window>;

    /// Precondition: rotation.size() in 1..max_dimension.
    explicit trellis_code(Rotation rotation) : rotation_(std::move(rotation)) {
        PITH_ASSERT(rotation_.size() >= 1 && rotation_.size() <= max_dimension);
    }

    [[nodiscard]] const Rotation& rotation() const noexcept { return rotation_; }
    [[nodiscard]] std::size_t dimension() const noexcept { return rotation_.input_size(); }
    [[nodiscard]] std::size_t rotated_dimension() const noexcept { return rotation_.size(); }
    [[nodiscard]] std::size_t index_size() const noexcept {
        return trellis_type::bytes_of(rotated_dimension());
    }
    [[nodiscard]] std::size_t code_size() const noexcept { return index_size() + quant::bytes_of(format); }
    [[nodiscard]] quant::rational stored_bits() const noexcept { return {8 * code_size(), dimension()}; }

    /// Vectors one behind the other. Errors: a value that is not finite, or a norm beyond the range of
    /// halves. Memory: 4 * 257 * 2^(Window - Bits) bytes. Precondition: as many codes as vectors.
    [[nodiscard]] result<void> encode_rows_into(std::span<const float> rows, byte_span codes) const {
        const std::size_t d = dimension(), size = code_size();
        PITH_ASSERT(rows.size() % d == 0 && codes.size() == rows.size() / d * size);
        bitshift_search<trellis_type> search;
        for (std::size_t r = 0; r * d < rows.size(); ++r)
            if (const auto done = encode(rows.subspan(r * d, d), codes.subspan(r * size, size), search);
                !done)
                return done.error().shifted_by(std::uint64_t{r} * d);
        return {};
    }
    /// One vector. Precondition: x.size() == dimension(), code.size() == code_size().
    [[nodiscard]] result<void> encode_into(std::span<const float> x, byte_span code) const {
        return encode_rows_into(x, code);
    }

    /// Error: bytes that no encoder writes. Precondition: sizes as above.
    [[nodiscard]] result<void> decode_into(byte_view code, std::span<float> x) const noexcept {
        PITH_ASSERT(x.size() == dimension());
        std::array<float, max_dimension> buffer;
        const auto y = std::span(buffer).first(rotated_dimension());
        if (const auto done = rotated_into(code, y); !done) return done.error();
        rotation_.inverse_into(y, x);
        return {};
    }
    /// The decoded vector before it is rotated back: what a rotated query is compared with.
    [[nodiscard]] result<void> rotated_into(byte_view code, std::span<float> y) const noexcept {
        PITH_ASSERT(code.size() == code_size() && y.size() == rotated_dimension());
        const float side = quant::load_number(format, code.data() + index_size());
        if (!(side >= 0 && side <= quant::largest_of(format)))
            return error{error_code::bad_stream, index_size(), "a scale that no encoder writes"};
        if (const std::size_t used = rotated_dimension() * Bits % 8;
            used != 0 && code[index_size() - 1] >> used)
            return error{error_code::bad_stream, index_size() - 1, "bits behind the last index are set"};
        detail::decode_circles<trellis_type>(code.first(index_size()), side * unit, y);
        return {};
    }

  private:
    static constexpr auto format = quant::number_format::fp16;
    /// The stored scalar is about the root mean square of the coordinates.
    static constexpr float unit = 1 / trellis_type::deviation;

    [[nodiscard]] result<void> encode(std::span<const float> x, byte_span code,
                                      bitshift_search<trellis_type>& search) const {
        PITH_ASSERT(x.size() == dimension() && code.size() == code_size());
        if (!all_finite(x)) return quant::not_finite();
        for (std::uint8_t& byte : code) byte = 0;
        const float largest = simd::reduce<simd::reduction::absmax, Arch>(x);
        if (largest < 0x1p-60F) return {};  // the scalar would be zero
        if (largest > 0x1p30F) return too_large();
        std::array<float, max_dimension> buffer, decoded;
        const auto y = std::span(buffer).first(rotated_dimension());
        rotation_.forward_into(x, y);
        const float energy = simd::dot_exact<Arch>(y, y);
        const float to_levels =
            trellis_type::deviation * exact::sqrt(static_cast<float>(y.size())) / exact::sqrt(energy);
        const byte_span indices = code.first(index_size());
        detail::encode_circles<trellis_type>(
            search, y.size(), [&](std::size_t i) { return y[i] * to_levels; }, indices);
        const auto levels = std::span(decoded).first(y.size());
        detail::decode_circles<trellis_type>(indices, unit, levels);
        const float side = scalar_of(y, levels, energy);
        if (!(side <= quant::largest_of(format))) return too_large();
        quant::store_number(format, side, code.data() + index_size());
        return {};
    }
    [[nodiscard]] static constexpr error too_large() noexcept {
        return {error_code::unsupported_parameter, 0, "a norm is too large for its stored format"};
    }
    [[nodiscard]] static float scalar_of(std::span<const float> y, std::span<const float> levels,
                                         float energy) noexcept {
        const float product = simd::dot_exact<Arch>(y, levels);
        if (!(product > 0)) return 0;  // no path of the trellis follows y: in very short circles
        if constexpr (Scalar == side_scalar::factor) return energy / product;
        return product / simd::dot_exact<Arch>(levels, levels);
    }

    Rotation rotation_;
};

}  // namespace pith::inline v1::vector
