// Prediction of the next point of a scan from those before it: along rows, across rows, along the ray.
// The place of the predictor of LiZIP (Shibu, Karim, Zito, 2026); integers on the lattice of decoded points,
// so that nothing drifts. Own choice of candidates; the one that erred least of late predicts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>

namespace pith::inline v1::vector {

/// A point in steps of the lattice.
using scan_place = std::array<std::int32_t, 3>;

/// Coordinates beyond this are refused: products of two of them fit 64 bits, differences an index.
inline constexpr std::int32_t max_scan_place = (1 << 21) - 1;

namespace detail {

/// Finds the point of the row before that is next to the last point, the row being about `stride` points
/// long.
class row_follower {
  public:
    explicit row_follower(std::size_t stride) noexcept : stride_(stride) {}

    /// The neighbour of points.back(), or none: its number + 1.
    [[nodiscard]] std::size_t follow(std::span<const scan_place> points) noexcept {
        const std::size_t last = points.size() - 1;
        const std::size_t slack = stride_ / 4;  // rows differ by so much where returns are missing
        if (stride_ < 8 || last < stride_ + slack + 8) return 0;
        const std::size_t middle = last - stride_;
        std::size_t guess = at_ == 0 ? middle : at_;  // one behind the neighbour of the point before
        if (guess + slack < middle || guess > middle + slack) guess = middle;
        std::size_t best = guess;
        std::int64_t least = distance(points[guess], points[last]);
        for (std::size_t d = 1; d <= 3; ++d)
            for (const std::size_t other : {guess - d, guess + d})
                if (const std::int64_t far = distance(points[other], points[last]); far < least) {
                    least = far;
                    best = other;
                }
        at_ = best + 1;
        return at_;
    }

  private:
    /// At most 3 (2^22)^2.
    [[nodiscard]] static std::int64_t distance(const scan_place& a, const scan_place& b) noexcept {
        std::int64_t sum = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            const std::int64_t d = std::int64_t{a[k]} - b[k];
            sum += d * d;
        }
        return sum;
    }
    std::size_t stride_;
    std::size_t at_ = 0;
};

/// Which of several candidates erred least of late. Errors in sixteenths, averaged over about 16 points.
template <std::size_t N>
class best_candidate {
  public:
    [[nodiscard]] std::size_t place() const noexcept {
        std::size_t best = 0;
        for (std::size_t k = 1; k < N; ++k)
            if (errors_[k] < errors_[best]) best = k;
        return best;
    }
    void update(const std::array<std::int32_t, N>& candidates, std::int32_t value) noexcept {
        const std::int32_t cap =
            64 + 4 * (errors_[place()] >> 4);  // an edge of the scene is not held against any
        for (std::size_t k = 0; k < N; ++k) {
            const std::int32_t d = candidates[k] < value ? value - candidates[k] : candidates[k] - value;
            errors_[k] += (16 * (d < cap ? d : cap) - errors_[k]) / 16;
        }
    }

  private:
    std::array<std::int32_t, N> errors_{};
};

}  // namespace detail

/// Predicts the coordinates of the next point in an order that it states, each when those before it are
/// known. Exact: integers.
class scan_predictor {
  public:
    /// A row has about `stride` points; 0: there are no rows.
    explicit scan_predictor(std::size_t stride) noexcept : rows_(stride) {}

    /// Looks at all points so far; then axis() and predict() are for the first coordinate of the next point.
    void start(std::span<const scan_place> points) {
        gather(points);
        const scan_place& from = near_[2];
        first_ = 0;
        for (std::size_t k = 1; k < 3; ++k)
            if (size_of(from[k]) > size_of(from[first_])) first_ = k;
        known_ = 0;
        choose();
    }
    /// Which coordinate is next.
    [[nodiscard]] std::size_t axis() const noexcept { return (first_ + known_) % 3; }
    /// Its prediction, at most max_scan_place in size.
    [[nodiscard]] std::int32_t predict() const noexcept { return candidates_[places_[known_].place()]; }
    /// How far candidates are from each other: how uncertain the prediction is.
    [[nodiscard]] std::uint32_t spread() const noexcept {
        const std::int32_t a = candidates_[0], b = candidates_[2];
        return static_cast<std::uint32_t>(a < b ? b - a : a - b);
    }
    /// What it was.
    void update(std::int32_t value) noexcept {
        places_[known_].update(candidates_, value);
        if (known_ == 0) anchor_ = value;
        if (++known_ < 3) choose();
    }

  private:
    static constexpr std::size_t ways = 7;

    [[nodiscard]] static std::int32_t size_of(std::int32_t v) noexcept { return v < 0 ? -v : v; }
    [[nodiscard]] static std::int32_t kept(std::int64_t v) noexcept {
        return static_cast<std::int32_t>(v < -max_scan_place  ? -max_scan_place
                                         : v > max_scan_place ? max_scan_place
                                                              : v);
    }

    /// The last point, the one before it; of the row before the point beside the next one, the one before
    /// that; and the one beside the next two rows back.
    void gather(std::span<const scan_place> points) {
        near_.fill({});
        if (points.empty()) return;
        const scan_place& last = points.back();
        near_.fill(last);
        if (points.size() > 1) near_[1] = points[points.size() - 2];
        const std::size_t next = rows_.follow(points);
        after_.push_back(next);
        if (next == 0) return;
        near_[2] = near_[4] = points[next];
        near_[3] = points[next - 1];
        if (const std::size_t beyond = after_[next - 1]; beyond != 0) near_[4] = points[beyond];
    }
    /// Candidates for the coordinate: those of five ways to go on from the points near by, and the same ways
    /// on these points moved along their rays from the origin to where the first coordinate fits. Noise of
    /// the distance does not touch the latter.
    void choose() noexcept {
        const std::size_t k = axis();
        std::array<std::int64_t, 5> plain{}, along{};  // in sixteenths
        for (std::size_t c = 0; c < 5; ++c) {
            const std::int64_t v = near_[c][k], base = near_[c][first_];
            plain[c] = along[c] = 16 * v;
            if (known_ != 0 && (base > 16 || base < -16)) along[c] = rounded(16 * v * anchor_, base);
        }
        go_on(along, 0);
        go_on(plain, ways);
    }
    /// Sixteenths are below 2^46 in size.
    void go_on(const std::array<std::int64_t, 5>& v, std::size_t at) noexcept {
        const std::array<std::int64_t, ways> sums{
            v[0],
            2 * v[0] - v[1],
            v[2],
            v[0] + v[2] - v[3],
            2 * v[2] - v[4],
            (v[0] + 2 * v[2] - v[3]) >> 1,
            (v[0] + v[2]) >> 1,
        };
        for (std::size_t c = 0; c < ways; ++c) candidates_[at + c] = kept((sums[c] + 8) >> 4);
    }
    /// a / b to the nearest, halves away from zero. |a| < 2^46.
    [[nodiscard]] static std::int64_t rounded(std::int64_t a, std::int64_t b) noexcept {
        const std::int64_t size = b < 0 ? -b : b;
        const bool negative = (a < 0) != (b < 0);
        const std::int64_t q = ((a < 0 ? -a : a) + size / 2) / size;
        return negative ? -q : q;
    }

    detail::row_follower rows_;
    std::vector<std::size_t> after_{};  ///< of each point the one behind its neighbour, 0 for none
    std::array<scan_place, 5> near_{};
    std::array<std::int32_t, 2 * ways> candidates_{};
    std::array<detail::best_candidate<2 * ways>, 3> places_{};
    std::size_t first_ = 0, known_ = 0;
    std::int32_t anchor_ = 0;
};

}  // namespace pith::inline v1::vector
