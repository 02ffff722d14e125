// Entropy-coded scalar quantization: a uniform quantizer and an adaptive arithmetic coder.
// At 1.53 dB from the rate-distortion bound of a Gaussian source at every rate above 1.3 bits (Gish and
// Pierce, 1968), where the best fixed-rate scalar quantizer loses 2.7 to 4 dB.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/index_coder.hpp>
#include <pith/quant/rate_control.hpp>

namespace pith::inline v1::quant {

namespace detail {

/// x / step to the nearest integer, or an error where that is beyond max_index. step > 0.
[[nodiscard]] inline result<std::int32_t> uniform_index(float x, float step) noexcept {
    const double place = double{x} / double{step};
    if (!(place > -max_index && place < max_index))
        return error{error_code::unsupported_parameter, 0, "a value is too large for its step"};
    return static_cast<std::int32_t>(place < 0 ? place - 0.5 : place + 0.5);
}
/// Fits size = slope (|k| - shift / 512) to the sizes of values in steps, k their indices.
class magnitude_fit {
  public:
    void add(std::int32_t k, double place) noexcept {
        if (k == 0) return;
        const double index = k < 0 ? -k : k;
        const double size = k < 0 ? -place : place;
        count_ += 1, k_ += index, kk_ += index * index, x_ += size, kx_ += index * size;
    }
    struct line {
        double slope;
        std::uint8_t shift;
    };
    /// Without two different magnitudes the slope is 1. Slopes stay in 1/2 ... 2.
    [[nodiscard]] line solve() const noexcept {
        if (count_ == 0) return {1, 0};
        const double spread = count_ * kk_ - k_ * k_;
        double slope = spread > 1e-9 * count_ * kk_ ? (count_ * kx_ - k_ * x_) / spread : 1;
        slope = slope < 0.5 ? 0.5 : slope > 2 ? 2 : slope;
        const double shift = (k_ - x_ / slope) / count_ * 512 + 0.5;
        return {slope, static_cast<std::uint8_t>(shift < 0 ? 0 : shift > 255 ? 255 : shift)};
    }

  private:
    double count_ = 0, k_ = 0, kk_ = 0, x_ = 0, kx_ = 0;
};

/// Reads the four bytes of a step: finite and positive.
[[nodiscard]] inline result<float> read_step(byte_reader& in) noexcept {
    const auto raw = in.read_le<std::uint32_t>();
    if (!raw) return raw.error();
    const float step = std::bit_cast<float>(*raw);
    if (!(step > 0 && step <= 0x1p100F)) return error{error_code::bad_header, 0, "a step that is no step"};
    return step;
}

}  // namespace detail

struct scalar_options {
    bool per_column = false;  ///< a model for each column: coordinates of different variance
    friend constexpr bool operator==(const scalar_options&, const scalar_options&) = default;
};

/// Stream: step (fp32), shift (a byte), then the arithmetic code of the indices, row after row. Index k
/// decodes to sign(k) (|k| - shift / 512) step. The stored step and shift are those of least squared error:
/// the mean of a cell falls short of its middle, in proportion to k for a Gaussian, by a constant for a
/// Laplacian.
/// Indices are exact; decoded values are the same bits on every machine.
template <scalar_options Options = scalar_options{}>
struct entropy_coded_scalar {
    /// Error: values that are not finite, or beyond max_index steps. Precondition: step > 0, finite.
    [[nodiscard]] static result<std::vector<std::uint8_t>> encode(view_2d<const float> x, float step) {
        PITH_ASSERT(step > 0 && step <= 0x1p100F);
        if (!all_finite(x)) return not_finite();
        std::vector<std::uint8_t> out(5);
        vector_sink sink(out);
        index_encoder<vector_sink> coder(sink);
        std::vector<index_model> models(Options.per_column ? x.columns() : 1);
        detail::magnitude_fit fit;
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) {
                const auto index = detail::uniform_index(x(r, c), step);
                if (!index) return index.error();
                coder.put(models[Options.per_column ? c : 0], *index);
                fit.add(*index, double{x(r, c)} / double{step});
            }
        coder.finish();
        const auto line = fit.solve();
        store_le<std::uint32_t>(out.data(),
                                std::bit_cast<std::uint32_t>(static_cast<float>(line.slope) * step));
        out[4] = line.shift;
        return out;
    }
    /// The stream whose size comes closest from below to a number of bits per value.
    [[nodiscard]] static result<std::vector<std::uint8_t>> encode_to(view_2d<const float> x,
                                                                     rate_target target) {
        if (!all_finite(x)) return not_finite();
        const double step = exact::sqrt(mean_square(x)) * 4.13 * exact::exp2(-target.bits_per_value);
        return encode_to_rate([&](float s) { return encode(x, s); }, step, x.size(), target);
    }
    /// Error: bytes that no encoder writes for a matrix of this shape, as far as that shows.
    [[nodiscard]] static result<void> decode_into(byte_view in, view_2d<float> out) {
        byte_reader reader(in);
        const auto step = detail::read_step(reader);
        if (!step) return step.error();
        const auto shift = reader.read_le<std::uint8_t>();
        if (!shift) return shift.error();
        const float less = static_cast<float>(*shift) * 0x1p-9F;
        index_decoder coder(reader.rest());
        std::vector<index_model> models(Options.per_column ? out.columns() : 1);
        for (std::size_t r = 0; r < out.rows(); ++r)
            for (std::size_t c = 0; c < out.columns(); ++c) {
                const auto index = coder.get(models[Options.per_column ? c : 0]);
                if (!index) return index.error().shifted_by(reader.position());
                const auto place = static_cast<float>(*index);
                out(r, c) = (*index < 0 ? place + less : *index > 0 ? place - less : 0.0F) * *step;
            }
        if (const auto end = coder.finish(); !end) return end.error().shifted_by(reader.position());
        return {};
    }
};

}  // namespace pith::inline v1::quant
