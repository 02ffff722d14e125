// Levels of a uniform grid under the vector's norm, rounded at random so that the mean is right, then coded.
// QSGD (Alistarh et al., 2017) with adaptive arithmetic coding in place of Elias codes.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/random.hpp>
#include <pith/feedback/adaptive_levels.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// What level `levels` stands for.
enum class level_norm : std::uint8_t {
    euclidean,  ///< few values differ from zero: the sparse regime of the paper
    largest,    ///< the largest magnitude: the grid is used whole
};

/// A compressor: norm * round(levels |x| / norm) / levels with random rounding. Unbiased, with
/// w = min(n / levels^2, sqrt(n) / levels) under the Euclidean norm, n / (4 levels^2) under the largest
/// magnitude. 4 bytes and about the entropy of the levels.
class stochastic_uniform {
  public:
    /// 1 <= levels <= 65535.
    stochastic_uniform(std::size_t size, unsigned levels, std::uint64_t seed,
                       level_norm norm = level_norm::euclidean) noexcept
        : size_(size), levels_(levels), seed_(seed), norm_(norm) {
        PITH_ASSERT(levels >= 1 && levels <= 65535);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Codes seldom take more than a bit over log2(2 levels + 1); what adaptation can lose at worst is 5
    /// bytes.
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return 4 + 5 * size_ + 16; }
    [[nodiscard]] double variance() const noexcept {
        const auto n = static_cast<double>(size_);
        const double s = levels_;
        const double w =
            norm_ == level_norm::largest ? n / (4 * s * s) : std::min(n / (s * s), std::sqrt(n) / s);
        return w * (1 + 1e-5) + 1e-12;  // the norm and the values are rounded to float
    }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t message, byte_span out) noexcept {
        PITH_ASSERT(x.size() == size_);
        if (!all_finite(x)) return not_finite(x);
        const double norm = norm_ == level_norm::largest ? double{largest_magnitude(x)} : rounded_norm(x);
        if (!(norm <= 0x1.fffffep127)) return too_large();
        if (out.size() < 4) return no_room(out);
        store_float(out.data(), static_cast<float>(norm));
        if (norm == 0) return std::size_t{4};
        span_sink sink(out.subspan(4));
        level_encoder encoder(sink);
        random_sequence random(seed_, message);
        const double scale = levels_ / norm;
        for (const float v : x) {
            const double size = exact::mul(std::fabs(double{v}), scale);  // <= levels, but for one rounding
            auto level = static_cast<unsigned>(size);
            level += double{random.uniform()} < size - level;
            if (level > levels_) level = levels_;
            encoder.put(v < 0 ? -static_cast<int>(level) : static_cast<int>(level));
        }
        encoder.finish();
        return sink.overflowed() ? result<std::size_t>(no_room(out)) : result<std::size_t>(4 + sink.size());
    }
    result<void> decode_into(byte_view in, std::uint64_t, std::span<float> y) noexcept {
        PITH_ASSERT(y.size() == size_);
        if (in.size() < 4) return wrong_length(in, 4);
        const float norm = load_float(in.data());
        if (std::bit_cast<std::uint32_t>(norm) >= 0x7F80'0000U)
            return bad_message(0, "a norm is negative or not finite");
        if (norm == 0) {
            for (float& v : y) v = 0;
            return in.size() == 4 ? result<void>() : result<void>(wrong_length(in, 4));
        }
        level_decoder decoder(in.subspan(4));
        bool valid = true;
        for (float& v : y) {
            const int level = decoder.get();
            valid = valid && static_cast<unsigned>(level < 0 ? -level : level) <= levels_;
            v = static_cast<float>(double{norm} * level / levels_);
        }
        if (!valid) return bad_message(4, "a level is out of range");
        if (const auto end = decoder.finish(); !end) return end.error().shifted_by(4);
        return {};
    }

  private:
    /// The norm as the float that is sent, never below the true one.
    [[nodiscard]] static double rounded_norm(std::span<const float> x) noexcept {
        const double norm = std::sqrt(squared_norm(x));
        const auto sent = static_cast<float>(norm);
        return double{sent} >= norm ? double{sent} : double{std::nextafter(sent, HUGE_VALF)};
    }

    std::size_t size_;
    unsigned levels_;
    std::uint64_t seed_;
    level_norm norm_;
};

}  // namespace pith::inline v1::feedback
