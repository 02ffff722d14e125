// Finds the step at which an entropy-coded quantizer writes a wanted number of bits.
// Bits fall by one for each doubling of the step at high rate, so that a secant in the logarithm converges in
// a few encodings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/core/exact_math.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>

namespace pith::inline v1::quant {

/// Options of a rate search.
struct rate_target {
    double bits_per_value = 2;
    double tolerance = 0.002;  ///< of a bit per value, never above the target
    int encodings = 12;        ///< at most
};

/// The mean square of the values, about zero; 1 if that is no normal float.
[[nodiscard]] inline double mean_square(view_2d<const float> x) noexcept {
    double sum = 0;
    for (std::size_t r = 0; r < x.rows(); ++r)
        for (std::size_t c = 0; c < x.columns(); ++c) sum += double{x(r, c)} * double{x(r, c)};
    const double mean = x.empty() ? 0 : sum / static_cast<double>(x.size());
    return mean > 1e-60 && mean < 1e60 ? mean : 1;
}

/// encode(step) gives the stream for a step, or an error. The result is the largest stream found that has at
/// most target.bits_per_value * values bits; an error if there is none. Encoder-side.
template <class Encode>
[[nodiscard]] inline result<std::vector<std::uint8_t>> encode_to_rate(Encode&& encode, double first_step,
                                                                      std::size_t values,
                                                                      rate_target target) {
    const double wanted = target.bits_per_value * static_cast<double>(values);
    const double slack = target.tolerance * static_cast<double>(values) + 8;
    double step = first_step, small = 0, large = 0;  // steps that gave too many bits, and few enough
    bool found = false;
    std::vector<std::uint8_t> best;
    for (int i = 0; i < target.encodings; ++i) {
        auto stream = encode(static_cast<float>(step));
        const double bits = stream ? 8.0 * static_cast<double>(stream->size()) : wanted + double(values);
        if (bits <= wanted) {
            large = step;
            if (!found || stream->size() > best.size()) best = *std::move(stream);
            found = true;
            if (wanted - bits <= slack) break;
        } else {
            small = step;
        }
        const double excess = values == 0 ? 0 : (bits - wanted + slack / 2) / static_cast<double>(values);
        step *= exact::exp2(excess > 8 ? 8 : excess < -8 ? -8 : excess);
        if (small > 0 && large > 0 && !(step > small && step < large)) step = exact::sqrt(small * large);
    }
    if (!found) return error{error_code::unsupported_parameter, 0, "no step reaches so few bits"};
    return best;
}

}  // namespace pith::inline v1::quant
