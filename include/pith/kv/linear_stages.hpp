// Stages that subtract means, scale channels, rotate rows, and take pairs to polar coordinates.
// Means before rotations are no publication of their own; the query-balanced scale is MiKV (Yang et al.,
// 2024), the root of the largest magnitude ZipCache (He et al., 2024), polar pairs PolarQuant (Wu et al.,
// 2025).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/exact.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/kv/block_part.hpp>
#include <pith/transform/concepts.hpp>
#include <pith/transform/matrix_rotation.hpp>

namespace pith::inline v1::kv {

/// Subtracts of each channel its mean over the block's tokens, kept as a half: 16 / tokens bits a value.
struct mean_removed {
    static constexpr const char* name = "mean";

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        matrix rest(x);
        for (std::size_t c = 0; c < x.columns() && x.rows() != 0; ++c) {
            double sum = 0;
            for (std::size_t r = 0; r < x.rows(); ++r) sum += double{x(r, c)};
            const auto mean = static_cast<float>(sum / static_cast<double>(x.rows()));
            put_half(out, mean);
            for (std::size_t r = 0; r < x.rows(); ++r) rest(r, c) -= as_half(mean);
        }
        inner.write(std::as_const(rest).view(), scope, out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        std::vector<float> means(y.rows() == 0 ? 0 : y.columns());
        if (const auto done = read_halves(in, means); !done) return done.error();
        if (const auto done = inner.read(in, scope, y); !done) return done.error();
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < y.columns(); ++c) y(r, c) += means[c];
        return {};
    }
};

/// Divides each channel by sqrt(largest |x|), or, where the scope has queries and ByQueries is set, by
/// sqrt(largest |x| / largest |q|), so that an error in a channel weighs what the queries make of it. The
/// factor is a half.
template <bool ByQueries = false>
struct channel_scaled {
    static constexpr const char* name = "scale";
    static constexpr bool uses_queries = ByQueries;

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        matrix rest(x);
        for (std::size_t c = 0; c < x.columns() && x.rows() != 0; ++c) {
            float largest = 0;
            for (std::size_t r = 0; r < x.rows(); ++r) largest = std::max(largest, std::abs(x(r, c)));
            const float queried = ByQueries ? largest_query(scope, c, x.columns()) : 1;
            float factor = as_half(std::sqrt(queried > 0 ? largest / queried : largest));
            if (!(factor > 0)) factor = 1;
            put_half(out, factor);
            for (std::size_t r = 0; r < x.rows(); ++r) rest(r, c) /= factor;
        }
        inner.write(std::as_const(rest).view(), scope, out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        std::vector<float> factors(y.rows() == 0 ? 0 : y.columns());
        if (const auto done = read_halves(in, factors); !done) return done.error();
        for (const float f : factors)
            if (!(f > 0)) return in.fail(error_code::bad_stream, "a factor that is not above zero");
        if (const auto done = inner.read(in, scope, y); !done) return done.error();
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < y.columns(); ++c) y(r, c) *= factors[c];
        return {};
    }

  private:
    /// Over all query heads that read the channel; 0 without queries.
    [[nodiscard]] static float largest_query(const block_scope& scope, std::size_t channel,
                                             std::size_t columns) {
        const std::size_t d = scope.shape.head_size, group = scope.shape.queries_per_head(),
                          head = channel / d;
        if (columns != scope.channels() || scope.queries.columns() != group * columns) return 0;
        float largest = 0;
        for (std::size_t r = 0; r < scope.queries.rows(); ++r)
            for (std::size_t g = 0; g < group; ++g)
                largest = std::max(largest, std::abs(scope.queries(r, (head * group + g) * d + channel % d)));
        return largest;
    }
};

/// Rotates runs of rotation.input_size() values of each row; what follows sees the rotated rows. The rotation
/// is shared by copies. Precondition: the columns are a multiple of it, and rotation.size() == input_size().
template <transform::rotation Rotation>
class rotated {
  public:
    static constexpr const char* name = "rotation";

    explicit rotated(Rotation rotation) : rotation_(std::make_shared<const Rotation>(std::move(rotation))) {
        PITH_ASSERT(rotation_->size() == rotation_->input_size() && rotation_->size() != 0);
    }

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        const std::size_t n = rotation_->size();
        PITH_ASSERT(x.columns() % n == 0);
        matrix turned(x.rows(), x.columns());
        std::vector<float> run(n);
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); c += n) {
                for (std::size_t i = 0; i < n; ++i) run[i] = x(r, c + i);
                rotation_->forward_into(run, turned.row(r).subspan(c, n));
            }
        inner.write(std::as_const(turned).view(), scope, out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        const std::size_t n = rotation_->size();
        PITH_ASSERT(y.columns() % n == 0);
        if (const auto done = inner.read(in, scope, y); !done) return done.error();
        std::vector<float> turned(n), plain(n);
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < y.columns(); c += n) {
                for (std::size_t i = 0; i < n; ++i) turned[i] = y(r, c + i);
                rotation_->inverse_into(turned, plain);
                for (std::size_t i = 0; i < n; ++i) y(r, c + i) = plain[i];
            }
        return {};
    }

    /// Of the rotated vector 1, 2, 3, ...
    [[nodiscard]] std::uint64_t fingerprint() const {
        std::vector<float> ramp(rotation_->size()), turned(ramp.size());
        for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i + 1);
        rotation_->forward_into(ramp, turned);
        return detail::mark{}.add(turned).value();
    }

  private:
    std::shared_ptr<const Rotation> rotation_;
};

/// The orthonormal discrete cosine transform (type II) of n values as a matrix.
[[nodiscard]] inline transform::matrix_rotation<> cosine_rotation(std::size_t n) {
    std::vector<float> rows(n * n);
    for (std::size_t k = 0; k < n; ++k) {
        const double size = exact::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(n));
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t quarters = (2 * i + 1) * k % (4 * n);  // whole turns left out
            const double turns = static_cast<double>(quarters) / static_cast<double>(4 * n);
            rows[k * n + i] = static_cast<float>(size * exact::cos_of_turns(turns));
        }
    }
    return {std::move(rows), n, n};
}

/// Takes pairs of channels of a head to radius and angle: the first half of a head's channels become radii,
/// the second half angles in turns, [-1/2, 1/2). A pair is channels j and j + d/2 when `halves` is set, else
/// 2j and 2j + 1, as the rotary embedding pairs them. Precondition: an even head size, whole heads.
struct polar_pairs {
    static constexpr const char* name = "polar";
    bool halves = true;

    [[nodiscard]] std::uint64_t fingerprint() const noexcept { return halves ? 1 : 2; }
    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        matrix polar(x.rows(), x.columns());
        for_each_pair(scope, x.columns(),
                      [&](std::size_t a, std::size_t b, std::size_t radius, std::size_t angle) {
                          for (std::size_t r = 0; r < x.rows(); ++r) {
                              polar(r, radius) = std::hypot(x(r, a), x(r, b));
                              polar(r, angle) = std::atan2(x(r, b), x(r, a)) * 0.15915494F;
                          }
                      });
        inner.write(std::as_const(polar).view(), scope, out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        matrix polar(y.rows(), y.columns());
        if (const auto done = inner.read(in, scope, polar.view()); !done) return done.error();
        for_each_pair(scope, y.columns(),
                      [&](std::size_t a, std::size_t b, std::size_t radius, std::size_t angle) {
                          for (std::size_t r = 0; r < y.rows(); ++r) {
                              const double turns = double{polar(r, angle)};
                              y(r, a) = polar(r, radius) * static_cast<float>(exact::cos_of_turns(turns));
                              y(r, b) = polar(r, radius) * static_cast<float>(exact::sin_of_turns(turns));
                          }
                      });
        return {};
    }

  private:
    template <class Each>
    void for_each_pair(const block_scope& scope, std::size_t columns, Each each) const {
        const std::size_t d = scope.shape.head_size, n = d / 2;
        PITH_ASSERT(d != 0 && d % 2 == 0 && columns % d == 0);
        for (std::size_t h = 0; h < columns; h += d)
            for (std::size_t j = 0; j < n; ++j)
                each(h + (halves ? j : 2 * j), h + (halves ? j + n : 2 * j + 1), h + j, h + n + j);
    }
};

}  // namespace pith::inline v1::kv
