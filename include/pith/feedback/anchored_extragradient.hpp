// Extragradient steps around a reference point, for variational inequalities with compressed messages.
// MASHA1 and MASHA2 (Beznosikov, Richtarik et al., 2021); the iterate only: messages are those of other
// schemes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/random.hpp>

namespace pith::inline v1::feedback {

struct anchored_options {
    float step = 0.1F;
    float stay = 0.9F;  ///< tau: the reference moves with probability 1 - tau in each round
    std::uint64_t seed = 0;
};

/// The server's iterate z and reference w. A round: the workers evaluate F_i at half_point(F(w)), send
/// C(F_i(half) - F_i(w)), and advance() takes the mean. When it says that the reference has moved, the
/// workers evaluate and send F_i(reference()) whole. With plain messages of an unbiased compressor this is
/// MASHA1, with error feedback over a contractive one MASHA2.
class anchored_extragradient {
  public:
    anchored_extragradient(std::span<const float> start, anchored_options options)
        : options_(options),
          random_(options.seed),
          iterate_(start.begin(), start.end()),
          reference_(iterate_),
          half_(iterate_) {}

    [[nodiscard]] std::span<const float> iterate() const noexcept { return iterate_; }
    [[nodiscard]] std::span<const float> reference() const noexcept { return reference_; }

    /// tau z + (1 - tau) w - step F(w).
    std::span<const float> half_point(std::span<const float> at_reference) noexcept {
        PITH_ASSERT(at_reference.size() == iterate_.size());
        for (std::size_t i = 0; i < half_.size(); ++i)
            half_[i] = options_.stay * iterate_[i] + (1 - options_.stay) * reference_[i] -
                       options_.step * at_reference[i];
        return half_;
    }
    /// z = half - step * correction. True when the reference has moved to the new z.
    [[nodiscard]] bool advance(std::span<const float> correction) noexcept {
        PITH_ASSERT(correction.size() == iterate_.size());
        for (std::size_t i = 0; i < half_.size(); ++i) iterate_[i] = half_[i] - options_.step * correction[i];
        const bool moves = random_.uniform() >= options_.stay;
        if (moves) std::copy(iterate_.begin(), iterate_.end(), reference_.begin());
        return moves;
    }

  private:
    anchored_options options_;
    random_sequence random_;
    std::vector<float> iterate_;
    std::vector<float> reference_;
    std::vector<float> half_;
};

}  // namespace pith::inline v1::feedback
