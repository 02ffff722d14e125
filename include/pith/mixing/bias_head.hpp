// An online correction of a frozen model: one multiplier per symbol, p proportional to p0 * m.
// The adaptive bias head of Nacrith (Tacconelli, 2026), p ~ p0 exp(b), b -= rate (p - onehot). Here m = e^b
// is kept, and e^x of each small step is 1 + x, so that an update needs no exponentials.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/mixing/softmax.hpp>

namespace pith::inline v1::mixing {

/// Exact: through core/exact alone.
class bias_head {
  public:
    /// rate in (0, 0.5].
    explicit bias_head(std::size_t alphabet, float rate = 0.001F)
        : multipliers_(alphabet, 1.0F), rate_(rate) {
        PITH_ASSERT(rate > 0.0F && rate <= 0.5F);
    }

    void reset() noexcept {
        for (float& m : multipliers_) m = 1.0F;
    }

    /// p becomes p * m, scaled to the sum 1.
    void apply(std::span<float> p) const noexcept {
        PITH_ASSERT(p.size() == multipliers_.size());
        multiply(p, multipliers_);
        normalize(p);
    }

    /// A step down the gradient of the code length. p: what apply gave for the symbol that came.
    void update(std::span<const float> p, std::uint32_t symbol) noexcept {
        PITH_ASSERT(p.size() == multipliers_.size() && symbol < p.size());
        for (std::size_t i = 0; i < p.size(); ++i)
            multipliers_[i] = limited(multipliers_[i] * exact::sealed(1.0F - exact::mul(rate_, p[i])));
        const float step = exact::sealed(1.0F + rate_);
        multipliers_[symbol] = limited(multipliers_[symbol] * step);
    }

  private:
    // e^+-13.9: where a symbol of the alphabet never comes, it must still be found by a decoder.
    static constexpr float limited(float m) noexcept {
        return m < 0x1p-20F ? 0x1p-20F : m > 0x1p20F ? 0x1p20F : m;
    }

    std::vector<float> multipliers_;
    float rate_;
};

}  // namespace pith::inline v1::mixing
