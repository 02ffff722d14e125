// Adam, the optimiser that scales each step by running means of the gradient and its square.
// Source: Kingma and Ba, 2015; weights are kept within a bound, so that no stream of data makes them
// infinite.
#pragma once

#include <cstddef>

#include <pith/core/exact.hpp>
#include <pith/mixing/float_lanes.hpp>

namespace pith::inline v1::mixing {

/// What Adam is told: rates as in the paper, and the bound on weights.
struct adam_rates {
    float step = 0.004F;
    float mean = 0.9F;
    float square = 0.999F;
    float epsilon = 1e-8F;
    float bound = 16.0F;
    float floor = 0.1F;    ///< the step falls from `step` to floor step ...
    float fall = 0.0001F;  ///< ... by this part of the distance in each update
};

/// The state that all weights share: how far the running means are from having forgotten their start. Exact.
template <float_lanes Lanes>
class adam {
  public:
    explicit adam(const adam_rates& rates) noexcept : rates_(rates), step_(rates.step) {}

    /// Begins an update of any number of weights.
    void advance() noexcept {
        mean_left_ = exact::mul(mean_left_, rates_.mean);
        square_left_ = exact::mul(square_left_, rates_.square);
        scale_ = exact::mul(step_, exact::sqrt(1.0F - square_left_)) / (1.0F - mean_left_);
        step_ = step_ - exact::mul(rates_.fall, step_ - exact::mul(rates_.step, rates_.floor));
    }

    /// One step on n weights (a multiple of 8) against their gradient, which is then zero.
    void update(float* weight, float* gradient, float* mean, float* square, std::size_t n) const noexcept {
        using L = Lanes;
        const auto scale = L::all(scale_), epsilon = L::all(rates_.epsilon);
        const auto one_less_mean = L::all(1.0F - rates_.mean), one_less_square = L::all(1.0F - rates_.square);
        const auto top = L::all(rates_.bound), bottom = L::all(-rates_.bound);
        for (std::size_t i = 0; i < n; i += L::width) {
            const auto g = L::load(gradient + i);
            const auto old_mean = L::load(mean + i), old_square = L::load(square + i);
            const auto m = old_mean + L::product(one_less_mean, g - old_mean);
            const auto s = old_square + L::product(one_less_square, L::product(g, g) - old_square);
            const auto w = L::load(weight + i) - L::product(scale, m) / (L::root(s) + epsilon);
            L::store(mean + i, m);
            L::store(square + i, s);
            L::store(weight + i, L::smaller(L::larger(w, bottom), top));
            L::store(gradient + i, L::all(0.0F));
        }
    }

  private:
    adam_rates rates_;
    float step_;
    float scale_ = 0;
    float mean_left_ = 1;
    float square_left_ = 1;
};

}  // namespace pith::inline v1::mixing
