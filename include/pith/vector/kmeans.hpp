// k-means clustering: the same codebook from the same seed on every machine and any number of threads.
// Lloyd (1957) after k-means++ (Arthur, Vassilvitskii, 2007), on batches that double, each holding the one
// before (Newling, Fleuret, 2016): the early rounds, in which everything moves, need few points.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/nearest.hpp>
#include <pith/vector/balanced.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/codebook.hpp>

namespace pith::inline v1::vector {

struct kmeans_options {
    std::size_t rounds = 8;            ///< of Lloyd's, over all sampled points, fewer once they gain nothing
    std::size_t rounds_per_batch = 2;  ///< over each smaller batch before
    std::size_t points_per_entry = 256;  ///< points looked at, chosen at random, but 8192 at least; 0: all
    bool balanced = false;               ///< no cluster larger than the mean size, rounded up
    std::uint64_t seed = 1;
};

namespace detail {

/// Points as tiles, in a random order, relative to their mean.
class tiled_points {
  public:
    tiled_points(view_2d<const float> points, std::size_t count, random_sequence& random)
        : count_(count), dimension_(points.columns()) {
        std::vector<std::uint32_t> order(points.rows());
        std::iota(order.begin(), order.end(), 0U);
        for (std::size_t i = 0; i < count; ++i)
            std::swap(order[i], order[i + random.below(static_cast<std::uint32_t>(order.size() - i))]);
        order.resize(count);
        find_mean(points, order);
        fill(points, order);
    }

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
    [[nodiscard]] const std::vector<float>& mean() const noexcept { return mean_; }
    [[nodiscard]] std::span<const float> tile(std::size_t t) const noexcept {
        return {values_.data() + t * tile_size(), tile_size()};
    }
    [[nodiscard]] float coordinate(std::size_t i, std::size_t j) const noexcept {
        return values_[i / simd::tile_points * tile_size() + simd::tile_points * j + i % simd::tile_points];
    }
    /// Half the squared norm of point i.
    [[nodiscard]] float half_norm(std::size_t i) const noexcept { return half_norms_[i]; }

  private:
    [[nodiscard]] std::size_t tile_size() const noexcept { return simd::tile_points * dimension_; }
    void find_mean(view_2d<const float> points, const std::vector<std::uint32_t>& order) {
        std::vector<double> sum(dimension_);
        for (const std::uint32_t i : order)
            for (std::size_t j = 0; j < dimension_; ++j) sum[j] += static_cast<double>(points(i, j));
        mean_.resize(dimension_);
        for (std::size_t j = 0; j < dimension_; ++j)
            mean_[j] = static_cast<float>(sum[j] / static_cast<double>(count_));
    }
    void fill(view_2d<const float> points, const std::vector<std::uint32_t>& order) {
        const std::size_t tiles = (count_ + simd::tile_points - 1) / simd::tile_points;
        values_.resize(tiles * tile_size());
        half_norms_.resize(tiles * simd::tile_points);
        for (std::size_t i = 0; i < count_; ++i) {
            float* to = values_.data() + i / simd::tile_points * tile_size() + i % simd::tile_points;
            float norm = 0;
            for (std::size_t j = 0; j < dimension_; ++j) {
                const float x = points(order[i], j) - mean_[j];
                to[simd::tile_points * j] = x;
                norm += exact::mul(x, x);
            }
            half_norms_[i] = norm / 2;
        }
    }

    std::size_t count_, dimension_;
    std::vector<float> mean_, values_, half_norms_;
};

/// Entries chosen one after the other, each point with a chance in proportion to its squared distance from
/// the entries before. `count` points are looked at.
template <simd::instruction_set Arch>
[[nodiscard]] inline std::vector<float> spread_entries(const tiled_points& points, std::size_t count,
                                                       std::size_t entries, random_sequence& random) {
    const std::size_t d = points.dimension();
    const std::size_t tiles = (count + simd::tile_points - 1) / simd::tile_points;
    std::vector<float> out, distance(tiles * simd::tile_points, std::numeric_limits<float>::max());
    out.reserve(entries * d);
    std::size_t chosen = random.below(static_cast<std::uint32_t>(count));
    for (std::size_t k = 0;; ++k) {
        for (std::size_t j = 0; j < d; ++j) out.push_back(points.coordinate(chosen, j));
        if (k + 1 == entries) return out;
        const float offset = points.half_norm(chosen);
        const simd::scored_entries one{std::span(out).subspan(k * d, d), std::span(&offset, 1), d};
        double total = 0;
        for (std::size_t t = 0; t < tiles; ++t) {
            float score[simd::tile_points];
            simd::score_tile<Arch>(points.tile(t), one, score);
            for (std::size_t l = 0; l < simd::tile_points && t * simd::tile_points + l < count; ++l) {
                const std::size_t i = t * simd::tile_points + l;
                distance[i] = std::min(distance[i], std::max(0.0F, score[l] + points.half_norm(i)));
                total += static_cast<double>(distance[i]);
            }
        }
        double draw = exact::mul(random.uniform_double(), total);
        for (chosen = 0; chosen + 1 < count; ++chosen) {
            draw -= static_cast<double>(distance[chosen]);
            if (draw < 0) break;
        }
    }
}

/// One clustering: points, their entries and who belongs to whom.
template <simd::instruction_set Arch>
class lloyd {
  public:
    lloyd(const tiled_points& points, codebook& book)
        : points_(&points), book_(&book), index_(points.size()), distance_(points.size()) {}

    /// Assigns the first `count` points; gives the sum of half their squared distances.
    template <parallel_policy Policy>
    double assign(std::size_t count, const Policy& policy) {
        constexpr std::size_t tiles_per_task = 64;
        const std::size_t tiles = (count + simd::tile_points - 1) / simd::tile_points;
        const simd::scored_entries entries = book_->scored();
        for_each_index(policy, (tiles + tiles_per_task - 1) / tiles_per_task,
                       [&](std::size_t task, std::size_t) {
                           const std::size_t end = std::min(tiles, (task + 1) * tiles_per_task);
                           for (std::size_t t = task * tiles_per_task; t < end; ++t)
                               assign_tile(t, count, entries);
                       });
        return std::accumulate(distance_.begin(), distance_.begin() + static_cast<std::ptrdiff_t>(count), 0.0,
                               [](double sum, float x) { return sum + static_cast<double>(x); });
    }
    void assign_balanced(std::size_t count) {
        const auto score = [&](std::size_t t, std::span<float> scores) {
            simd::score_tile<Arch>(points_->tile(t), book_->scored(), scores);
        };
        detail::assign_balanced(count, book_->size(), score, index_);
    }
    /// Moves every entry to the mean of its points; entries without points go to the points that lie worst.
    void move_entries(std::size_t count) {
        const std::size_t d = points_->dimension();
        std::vector<double> sum(book_->size() * d);
        std::vector<std::uint32_t> members(book_->size());
        for (std::size_t i = 0; i < count; ++i) {
            ++members[index_[i]];
            double* const to = sum.data() + index_[i] * d;
            for (std::size_t j = 0; j < d; ++j) to[j] += static_cast<double>(points_->coordinate(i, j));
        }
        book_->update([&](std::span<float> entries) {
            std::vector<std::size_t> empty;
            for (std::size_t k = 0; k < members.size(); ++k) {
                if (members[k] == 0) empty.push_back(k);
                for (std::size_t j = 0; j < d && members[k] != 0; ++j)
                    entries[k * d + j] = static_cast<float>(sum[k * d + j] / members[k]);
            }
            if (!empty.empty()) fill_empty(count, empty, entries);
        });
    }

  private:
    void assign_tile(std::size_t t, std::size_t count, const simd::scored_entries& entries) {
        simd::nearest_entries found;
        simd::nearest_in_tile<Arch>(points_->tile(t), entries, found);
        for (std::size_t l = 0; l < simd::tile_points && t * simd::tile_points + l < count; ++l) {
            const std::size_t i = t * simd::tile_points + l;
            index_[i] = found.index[l];
            distance_[i] = std::max(0.0F, found.score[l] + points_->half_norm(i));
        }
    }
    void fill_empty(std::size_t count, const std::vector<std::size_t>& empty, std::span<float> entries) {
        std::vector<std::uint32_t> worst(count);
        std::iota(worst.begin(), worst.end(), 0U);
        const std::size_t wanted = std::min(empty.size(), count);
        const auto farther = [&](std::uint32_t a, std::uint32_t b) {
            return distance_[a] != distance_[b] ? distance_[a] > distance_[b] : a < b;
        };
        std::partial_sort(worst.begin(), worst.begin() + static_cast<std::ptrdiff_t>(wanted), worst.end(),
                          farther);
        const std::size_t d = points_->dimension();
        for (std::size_t e = 0; e < wanted && distance_[worst[e]] > 0; ++e)
            for (std::size_t j = 0; j < d; ++j) entries[empty[e] * d + j] = points_->coordinate(worst[e], j);
    }

    const tiled_points* points_;
    codebook* book_;
    std::vector<std::uint32_t> index_;
    std::vector<float> distance_;
};

}  // namespace detail

/// A codebook of `entries` entries for the rows of `points`, least squares. With fewer distinct points than
/// entries, some entries are equal. Errors (unsupported_parameter): no points, 2^31 or more of them, no
/// entries or more than 2^24, a dimension of 0 or above max_codebook_dimension, coordinates that are not
/// finite. Exact: equal on every machine, whatever the policy.
template <simd::instruction_set Arch = simd::native, parallel_policy Policy = serial>
[[nodiscard]] inline result<codebook> kmeans(view_2d<const float> points, std::size_t entries,
                                             const kmeans_options& options = {}, const Policy& policy = {}) {
    const auto refused = [](const char* text) { return error{error_code::unsupported_parameter, 0, text}; };
    if (points.rows() == 0 || points.rows() >> 31 != 0) return refused("k-means wants 1 to 2^31 - 1 points");
    if (entries == 0 || entries > std::size_t{1} << 24) return refused("k-means gives 1 to 2^24 entries");
    if (points.columns() == 0 || points.columns() > max_codebook_dimension)
        return refused("a codebook has dimension 1 to 1024");
    if (const auto finite = check_finite(points); !finite) return finite.error();

    const std::size_t wanted = std::max<std::size_t>(options.points_per_entry * entries, 8192);
    const std::size_t bound = options.points_per_entry == 0 ? points.rows() : wanted;
    random_sequence random(options.seed);
    const detail::tiled_points tiles(points, std::min(points.rows(), bound), random);
    std::size_t batch = std::min(tiles.size(), 16 * entries);
    codebook book(detail::spread_entries<Arch>(tiles, batch, entries, random), tiles.mean());
    detail::lloyd<Arch> state(tiles, book);
    for (; batch < tiles.size(); batch = std::min(tiles.size(), 2 * batch))
        for (std::size_t round = 0; round < options.rounds_per_batch; ++round) {
            state.assign(batch, policy);
            state.move_entries(batch);
        }
    double before = std::numeric_limits<double>::infinity();
    for (std::size_t round = 0; round < options.rounds; ++round) {
        const double now = state.assign(batch, policy);
        if (options.balanced) state.assign_balanced(batch);
        // Nothing moves any more. The factor is a constant of the method, exact in binary.
        if (!options.balanced && now >= exact::mul(before, 1 - 0x1p-12)) break;
        before = now;
        state.move_entries(batch);
    }
    return book;
}

}  // namespace pith::inline v1::vector
