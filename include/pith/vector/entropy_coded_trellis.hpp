// Dependent (trellis-coded) quantization behind an adaptive arithmetic coder: which of two quantizers codes a
// value depends on the parities of the indices before it.
// Entropy-coded trellis-coded quantization (Fischer and Wang, 1992; Marcellin and Fischer, 1990) in the form
// of video coders (Schwarz et al., 2019), without the zero of the odd quantizer, which costs 0.3 dB at 2
// bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/entropy_coded_scalar.hpp>
#include <pith/quant/index_coder.hpp>
#include <pith/quant/rate_control.hpp>
#include <pith/vector/trellis.hpp>

namespace pith::inline v1::vector {

/// Stream: half-step (fp32), shift (a byte), then the arithmetic code of the indices, row after row; models
/// by quantizer, and by column if wanted. m half-steps decode to sign(m) (|m| - shift / 512) half-steps. For
/// rates from about 0.9 bits a value. Decoded values are the same bits on every machine.
template <unsigned States = 8, quant::scalar_options Options = quant::scalar_options{}>
requires(States == 4 || States == 8) struct entropy_coded_trellis {
    /// The half-step is half the distance between neighbours in one quantizer. Error: values that are not
    /// finite, or too large for the step. Precondition: half_step > 0, finite. Memory: five bytes a value.
    [[nodiscard]] static result<std::vector<std::uint8_t>> encode(view_2d<const float> x, float half_step) {
        PITH_ASSERT(half_step > 0 && half_step <= 0x1p100F);
        if (!all_finite(x)) return quant::not_finite();
        const auto place = [&](std::size_t i) {
            return double{x(i / x.columns(), i % x.columns())} / double{half_step};
        };
        trellis_search<States> search(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double p = place(i);
            if (!(p > -quant::max_index && p < quant::max_index))
                return error{error_code::unsupported_parameter, 0, "a value is too large for its step"};
            search.add(p);
        }
        return write(search.indices(place), x.columns(), half_step, place);
    }
    /// The stream whose size comes closest from below to a number of bits per value.
    [[nodiscard]] static result<std::vector<std::uint8_t>> encode_to(view_2d<const float> x,
                                                                     quant::rate_target target) {
        if (!all_finite(x)) return quant::not_finite();
        const double step = exact::sqrt(quant::mean_square(x)) * 2.1 * exact::exp2(-target.bits_per_value);
        return quant::encode_to_rate([&](float s) { return encode(x, s); }, step, x.size(), target);
    }
    /// Error: bytes that no encoder writes for a matrix of this shape, as far as that shows.
    [[nodiscard]] static result<void> decode_into(byte_view in, view_2d<float> out) {
        byte_reader reader(in);
        const auto step = quant::detail::read_step(reader);
        if (!step) return step.error();
        const auto shift = reader.read_le<std::uint8_t>();
        if (!shift) return shift.error();
        const float less = static_cast<float>(*shift) * 0x1p-9F;
        quant::index_decoder coder(reader.rest());
        std::vector<quant::index_model> models(model_count(out.columns()));
        unsigned state = 0;
        for (std::size_t r = 0; r < out.rows(); ++r)
            for (std::size_t c = 0; c < out.columns(); ++c) {
                const bool odd = machine::odd(state);
                const auto index = coder.get(models[model_of(c, odd)]);
                if (!index) return index.error().shifted_by(reader.position());
                if (odd && *index == 0)
                    return error{error_code::bad_stream, reader.position(),
                                 "an index that no encoder writes"};
                const auto m = static_cast<float>(half_steps(*index, odd));
                out(r, c) = (m < 0 ? m + less : m > 0 ? m - less : 0.0F) * *step;
                state = machine::next[state][*index & 1];
            }
        if (const auto end = coder.finish(); !end) return end.error().shifted_by(reader.position());
        return {};
    }

  private:
    using machine = trellis<States>;

    [[nodiscard]] static constexpr std::size_t model_count(std::size_t columns) noexcept {
        return 2 * (Options.per_column ? columns : 1);
    }
    [[nodiscard]] static constexpr std::size_t model_of(std::size_t column, bool odd) noexcept {
        return 2 * (Options.per_column ? column : 0) + odd;
    }
    template <class Place>
    [[nodiscard]] static std::vector<std::uint8_t> write(const std::vector<std::int32_t>& indices,
                                                         std::size_t columns, float half_step, Place place) {
        std::vector<std::uint8_t> out(5);
        vector_sink sink(out);
        quant::index_encoder<vector_sink> coder(sink);
        std::vector<quant::index_model> models(model_count(columns));
        quant::detail::magnitude_fit fit;
        unsigned state = 0;
        for (std::size_t i = 0; i < indices.size(); ++i) {
            const bool odd = machine::odd(state);
            coder.put(models[model_of(i % columns, odd)], indices[i]);
            fit.add(half_steps(indices[i], odd), place(i));
            state = machine::next[state][indices[i] & 1];
        }
        coder.finish();
        const auto line = fit.solve();
        store_le<std::uint32_t>(out.data(),
                                std::bit_cast<std::uint32_t>(static_cast<float>(line.slope) * half_step));
        out[4] = line.shift;
        return out;
    }
};

}  // namespace pith::inline v1::vector
