// A vector quantizer without training: rotate, give each coordinate a grid index, store one scalar beside
// them. TurboQuant-mse (Zandieh et al., 2025) with scalar::norm; scalar::factor stores RaBitQ's (Gao and
// Long, 2024) rescale in the norm's place, which makes inner products unbiased at no cost in bits.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/number_format.hpp>
#include <pith/simd/dot_exact.hpp>
#include <pith/simd/pack.hpp>
#include <pith/simd/reduce.hpp>
#include <pith/transform/concepts.hpp>
#include <pith/vector/assignment.hpp>

namespace pith::inline v1::vector {

/// What multiplies the levels l of a rotated vector y of D coordinates.
enum class side_scalar : std::uint8_t {
    norm,   ///< |y| / sqrt(D): as published
    gain,   ///< <y,l> / <l,l>: the least squared error
    factor  ///< <y,y> / <y,l>: unbiased inner products under a Haar rotation, as <l, y> is met exactly
};

struct rotation_options {
    side_scalar scalar = side_scalar::factor;
    quant::number_format format = quant::number_format::fp32;  ///< of the scalar; not fp8
    bool keep_norm = false;                                    ///< store |x| too, for distances
    friend constexpr bool operator==(const rotation_options&, const rotation_options&) = default;
};

/// A scoring_quantizer. A code is packed indices of D = rotated_dimension() coordinates, lowest bits first,
/// then the side scalar and, if kept, the norm. Codes are the same bytes and decoded values the same bits on
/// every machine where the rotation is exact.
template <assignment Assignment, transform::rotation Rotation, rotation_options Options = rotation_options{},
          simd::instruction_set Arch = simd::native>
requires(Options.format != quant::number_format::fp8) class rotation_code {
  public:
    static constexpr unsigned bits = Assignment::bits;
    static constexpr rotation_options options = Options;
    /// A rotated query.
    using query = std::vector<float>;

    /// Precondition: rotation.size() in 1..max_dimension.
    explicit rotation_code(Rotation rotation)
        : rotation_(std::move(rotation)),
          assignment_(rotation_.size()),
          root_(exact::sqrt(static_cast<float>(rotation_.size()))) {
        PITH_ASSERT(rotation_.size() >= 1 && rotation_.size() <= max_dimension);
    }

    [[nodiscard]] const Rotation& rotation() const noexcept { return rotation_; }
    [[nodiscard]] const auto& codebook() const noexcept { return assignment_.codebook(); }
    [[nodiscard]] std::size_t dimension() const noexcept { return rotation_.input_size(); }
    [[nodiscard]] std::size_t rotated_dimension() const noexcept { return rotation_.size(); }
    /// Bytes of packed indices, at the front of a code.
    [[nodiscard]] std::size_t index_size() const noexcept {
        return simd::packed_size(rotated_dimension(), bits);
    }
    [[nodiscard]] std::size_t code_size() const noexcept {
        return index_size() + (Options.keep_norm ? 2 : 1) * scalar_size;
    }
    [[nodiscard]] quant::rational stored_bits() const noexcept { return {8 * code_size(), dimension()}; }

    /// Error: a value that is not finite. Precondition: x.size() == dimension(), code.size() == code_size().
    [[nodiscard]] result<void> encode_into(std::span<const float> x, byte_span code) const noexcept {
        PITH_ASSERT(x.size() == dimension() && code.size() == code_size());
        alignas(64) std::array<float, max_dimension> buffer;
        const auto y = std::span(buffer).first(rotated_dimension());
        rotation_.forward_into(x, y);
        return encode_rotated(x, y, simd::dot_exact<Arch>(y, y), code);
    }
    /// Vectors one behind the other, and their codes: faster than each by itself, as the rotation of one need
    /// not wait for the norm of the one before. Error: as above; its offset counts values. Precondition:
    /// rows.size() == n * dimension(), codes.size() == n * code_size().
    [[nodiscard]] result<void> encode_rows_into(std::span<const float> rows, byte_span codes) const noexcept {
        const std::size_t d = dimension(), turned = rotated_dimension(), n = codes.size() / code_size();
        PITH_ASSERT(rows.size() == n * d && codes.size() == n * code_size());
        alignas(64) std::array<float, max_dimension> buffer;
        std::array<float, rows_at_once> energy;
        const std::size_t fit = max_dimension / turned, step = fit < rows_at_once ? fit : rows_at_once;
        for (std::size_t first = 0; first < n; first += step) {
            const std::size_t some = n - first < step ? n - first : step;
            const auto y = [&](std::size_t i) { return std::span(buffer).subspan(i * turned, turned); };
            for (std::size_t i = 0; i < some; ++i) {
                rotation_.forward_into(rows.subspan((first + i) * d, d), y(i));
                energy[i] = simd::dot_exact<Arch>(y(i), y(i));
            }
            for (std::size_t i = 0; i < some; ++i) {
                const auto done = encode_rotated(rows.subspan((first + i) * d, d), y(i), energy[i],
                                                 codes.subspan((first + i) * code_size(), code_size()));
                if (!done) return done.error().shifted_by(std::uint64_t{first + i} * d);
            }
        }
        return {};
    }
    /// Error: bytes that no encoder writes. Precondition: sizes as above.
    [[nodiscard]] result<void> decode_into(byte_view code, std::span<float> x) const noexcept {
        PITH_ASSERT(x.size() == dimension() && code.size() == code_size());
        alignas(64) std::array<float, max_dimension> buffer;
        const auto y = std::span(buffer).first(rotated_dimension());
        if (const auto done = rotated_into(code, y); !done) return done.error();
        rotation_.inverse_into(y, x);
        return {};
    }
    /// The decoded vector before it is rotated back: what a rotated query is compared with.
    [[nodiscard]] result<void> rotated_into(byte_view code, std::span<float> y) const noexcept {
        const float side = side_of(code);
        if (!(side >= 0 && side <= largest_scale))
            return error{error_code::bad_stream, index_size(), "a scale that no encoder writes"};
        if (const unsigned used = rotated_dimension() * bits % 8; used != 0 && code[index_size() - 1] >> used)
            return error{error_code::bad_stream, index_size() - 1, "bits behind the last index are set"};
        alignas(64) std::array<std::uint8_t, max_dimension> buffer;
        const auto codes = std::span(buffer).first(rotated_dimension());
        simd::unpack<bits, Arch>(code.first(index_size()), codes);
        codebook().template decode_into<Arch>(codes, side, y);
        return {};
    }

    /// Error: a value that is not finite. Precondition: q.size() == dimension().
    [[nodiscard]] result<query> prepare(std::span<const float> q) const {
        PITH_ASSERT(q.size() == dimension());
        if (!all_finite(q)) return quant::not_finite();
        query out(rotated_dimension());
        rotation_.forward_into(q, out);
        return out;
    }
    /// An estimate of <q, x>: the inner product of the rotated query and the decoded vector; 0 for a code
    /// that no encoder writes.
    [[nodiscard]] float score(const query& q, byte_view code) const noexcept {
        alignas(64) std::array<float, max_dimension> buffer;
        const auto y = std::span(buffer).first(rotated_dimension());
        if (!rotated_into(code, y)) return 0;
        return simd::dot_exact<Arch>(q, y);
    }
    /// The scalar that multiplies the levels.
    [[nodiscard]] float side_of(byte_view code) const noexcept {
        return quant::load_number(Options.format, code.data() + index_size());
    }
    /// |x| as stored.
    [[nodiscard]] float norm_of(byte_view code) const noexcept requires(Options.keep_norm) {
        return quant::load_number(Options.format, code.data() + index_size() + scalar_size);
    }

  private:
    static constexpr std::size_t scalar_size = quant::bytes_of(Options.format);
    static constexpr std::size_t rows_at_once = 16;

    [[nodiscard]] result<void> encode_rotated(std::span<const float> x, std::span<float> y, float energy,
                                              byte_span code) const noexcept {
        if (energy > 0x1p-90F && energy < 0x1p90F) return encode_scaled(y, energy, 1, code);
        return encode_extreme(x, y, code);
    }
    /// y and its energy are those of the vector divided by `unit`.
    [[nodiscard]] result<void> encode_scaled(std::span<const float> y, float energy, float unit,
                                             byte_span code) const noexcept {
        alignas(64) std::array<std::uint8_t, max_dimension> code_buffer;
        const auto codes = std::span(code_buffer).first(y.size());
        const float norm = exact::sqrt(energy);
        const float rms = norm / root_;
        if (energy > 0)
            assignment_.template assign<Arch>(y, rms, codes);
        else
            std::memset(codes.data(), 0, codes.size());
        simd::pack<bits, Arch>(codes, code.first(index_size()));
        const float side = energy > 0 ? side_scalar_of(y, codes, energy, rms) * unit : 0;
        constexpr float limit = quant::largest_of(Options.format) < largest_scale
                                    ? quant::largest_of(Options.format)
                                    : largest_scale;
        if (!(side <= limit && (!Options.keep_norm || norm * unit <= limit)))
            return error{error_code::unsupported_parameter, 0, "a norm is too large for its stored format"};
        quant::store_number(Options.format, side, code.data() + index_size());
        if constexpr (Options.keep_norm)
            quant::store_number(Options.format, norm * unit, code.data() + index_size() + scalar_size);
        return {};
    }
    [[nodiscard]] float side_scalar_of(std::span<const float> y, std::span<const std::uint8_t> codes,
                                       float energy, float rms) const noexcept {
        if constexpr (Options.scalar == side_scalar::norm) return rms;
        alignas(64) std::array<float, max_dimension> buffer;
        const auto levels = std::span(buffer).first(y.size());
        codebook().template decode_into<Arch>(codes, 1.0F, levels);
        const float product = simd::dot_exact<Arch>(y, levels);
        if constexpr (Options.scalar == side_scalar::gain)
            return product / simd::dot_exact<Arch>(levels, levels);
        return energy / product;  // > 0: every level has the sign of its coordinate, up to the smallest ones
    }
    /// Vectors whose squares leave the range of float, zeros and what is not finite.
    [[nodiscard]] result<void> encode_extreme(std::span<const float> x, std::span<float> y,
                                              byte_span code) const noexcept {
        if (!all_finite(x)) return quant::not_finite();
        const float largest = simd::reduce<simd::reduction::absmax, Arch>(x);
        if (largest == 0) {
            for (float& v : y) v = 0;
            return encode_scaled(y, 0, 1, code);
        }
        // A power of two that is a float, as is its inverse: 2^-126 for all below the normal range.
        const std::uint32_t exponent = std::bit_cast<std::uint32_t>(largest) >> 23;
        const std::uint32_t bounded = exponent < 1 ? 1 : exponent > 253 ? 253 : exponent;
        const float unit = std::bit_cast<float>(bounded << 23);
        const float inverse = std::bit_cast<float>((254 - bounded) << 23);
        alignas(64) std::array<float, max_dimension> buffer;
        const auto scaled = std::span(buffer).first(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) scaled[i] = x[i] * inverse;
        rotation_.forward_into(scaled, y);
        return encode_scaled(y, simd::dot_exact<Arch>(y, y), unit, code);
    }

    Rotation rotation_;
    Assignment assignment_;
    float root_;  // of the number of rotated coordinates
};

}  // namespace pith::inline v1::vector
