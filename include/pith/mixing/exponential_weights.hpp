// A linear mixture of experts whose weights follow the code lengths that each would have given.
// Exponential weights after Vovk (1990) and Littlestone and Warmuth (1994), for experts that may be silent
// (Freund, Schapire, Singer, Warmuth, 1997); with the power 1 it is Bayes' rule, Nacrith uses 1/2.
#pragma once

#include <array>
#include <cstddef>

#include <pith/core/exact.hpp>
#include <pith/core/exact_math.hpp>

namespace pith::inline v1::mixing {

/// Weights of N experts. Exact: through core/exact alone.
template <std::size_t N>
requires(N >= 2) class exponential_weights {
  public:
    using values = std::array<float, N>;
    using flags = std::array<bool, N>;

    /// start: positive weights. share: the part of each weight that is dealt out again evenly after each
    /// symbol (Herbster and Warmuth, 1998), so that an expert that was bad for long can come back.
    explicit constexpr exponential_weights(values start, float power = 0.5F, float share = 0.0F) noexcept
        : start_(start), weights_(start), power_(power), share_(share) {}

    constexpr void reset() noexcept { weights_ = start_; }

    /// The weights of those that speak, with the sum 1, zero for the others. At least one must speak.
    [[nodiscard]] constexpr values among(const flags& speaks) const noexcept {
        values out{};
        const float sum = sum_of(speaks);
        for (std::size_t j = 0; j < N; ++j)
            if (speaks[j]) out[j] = weights_[j] / sum;
        return out;
    }

    /// w_j ~ w_j P_j^power among those that spoke, where P_j is what expert j gave the symbol that came; what
    /// they weigh together stays.
    constexpr void update(const values& p, const flags& speaks) noexcept {
        const float before = sum_of(speaks);
        float count = 0.0F;
        for (std::size_t j = 0; j < N; ++j) {
            if (!speaks[j]) continue;
            const float floor = p[j] > 0x1p-30F ? p[j] : 0x1p-30F;
            weights_[j] = exact::mul(weights_[j], exact::exp(exact::mul(power_, exact::log(floor))));
            count = count + 1.0F;
        }
        if (count == 0.0F) return;
        const float scale = before / sum_of(speaks);
        const float even = exact::mul(before, share_) / count;
        for (std::size_t j = 0; j < N; ++j) {
            if (!speaks[j]) continue;
            const float w = exact::mul(exact::mul(weights_[j], scale), 1.0F - share_) + even;
            weights_[j] = w > 0x1p-40F ? w : 0x1p-40F;  // far from subnormal numbers
        }
    }

  private:
    [[nodiscard]] constexpr float sum_of(const flags& speaks) const noexcept {
        float sum = 0.0F;
        for (std::size_t j = 0; j < N; ++j) sum = sum + (speaks[j] ? weights_[j] : 0.0F);
        return sum;
    }

    values start_;
    values weights_;
    float power_;
    float share_;
};

}  // namespace pith::inline v1::mixing
