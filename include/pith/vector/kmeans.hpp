// k-means clustering: the same codebook from the same seed on every machine and any number of threads.
// Lloyd (1957) after k-means++ (Arthur, Vassilvitskii, 2007), on batches that double, each holding the one
// before (Newling, Fleuret, 2016): the early rounds, in which everything moves, need few points.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
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
#include <pith/vector/near_tiles.hpp>

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
        const std::vector<float> rows = gathered(points, order);
        find_mean(rows);
        fill([&](std::size_t i, std::size_t j) { return rows[i * dimension_ + j] - mean_[j]; });
    }
    /// Some of these points, in another order.
    [[nodiscard]] tiled_points chosen(const std::vector<std::uint32_t>& numbers) const {
        return tiled_points(*this, numbers);
    }

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
    [[nodiscard]] const std::vector<float>& mean() const noexcept { return mean_; }
    [[nodiscard]] std::span<const float> tile(std::size_t t) const noexcept {
        return {values_.data() + t * tile_size(), tile_size()};
    }
    [[nodiscard]] std::span<const float> tiles() const noexcept { return values_; }
    [[nodiscard]] float coordinate(std::size_t i, std::size_t j) const noexcept {
        return values_[i / simd::tile_points * tile_size() + simd::tile_points * j + i % simd::tile_points];
    }
    /// Half the squared norm of point i.
    [[nodiscard]] float half_norm(std::size_t i) const noexcept { return half_norms_[i]; }

  private:
    [[nodiscard]] std::size_t tile_size() const noexcept { return simd::tile_points * dimension_; }
    tiled_points(const tiled_points& from, const std::vector<std::uint32_t>& numbers)
        : count_(numbers.size()), dimension_(from.dimension_), mean_(from.mean_) {
        fill([&](std::size_t i, std::size_t j) { return from.coordinate(numbers[i], j); });
    }
    /// Row after row of the chosen ones: the only pass that jumps about in memory.
    [[nodiscard]] static std::vector<float> gathered(view_2d<const float> points,
                                                     const std::vector<std::uint32_t>& order) {
        std::vector<float> rows(order.size() * points.columns());
        for (std::size_t i = 0; i < order.size(); ++i) {
            if (i + 16 < order.size()) __builtin_prefetch(&points(order[i + 16], 0));
            for (std::size_t j = 0; j < points.columns(); ++j)
                rows[i * points.columns() + j] = points(order[i], j);
        }
        return rows;
    }
    void find_mean(const std::vector<float>& rows) {
        std::vector<double> sum(dimension_);
        for (std::size_t i = 0; i < count_; ++i)
            for (std::size_t j = 0; j < dimension_; ++j)
                sum[j] += static_cast<double>(rows[i * dimension_ + j]);
        mean_.resize(dimension_);
        for (std::size_t j = 0; j < dimension_; ++j)
            mean_[j] = static_cast<float>(sum[j] / static_cast<double>(count_));
    }
    template <class At>
    void fill(At at) {
        const std::size_t tiles = (count_ + simd::tile_points - 1) / simd::tile_points;
        values_.resize(tiles * tile_size());
        half_norms_.resize(tiles * simd::tile_points);
        for (std::size_t i = 0; i < count_; ++i) {
            float* to = values_.data() + i / simd::tile_points * tile_size() + i % simd::tile_points;
            float norm = 0;
            for (std::size_t j = 0; j < dimension_; ++j) {
                const float x = at(i, j);
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

/// One clustering: points, their entries and who belongs to whom. Begins with no points.
template <simd::instruction_set Arch>
class lloyd {
  public:
    lloyd(const tiled_points& all, codebook& book) : all_(&all), book_(&book) {}

    /// Works on the first `count` points from now on.
    void use(std::size_t count) {
        index_.assign(count, 0);
        distance_.assign(count, 0);
        points_ = all_;
        if (!near_tiles<Arch>::pays(book_->size(), all_->dimension())) return;
        if (order_.empty())
            order_ = placed_order(all_->size(), all_->dimension(),
                                  [this](std::size_t i, std::size_t j) { return all_->coordinate(i, j); });
        std::vector<std::uint32_t> first;
        first.reserve(count);
        for (const std::uint32_t i : order_)
            if (i < count) first.push_back(i);
        points_ = &chosen_.emplace(all_->chosen(first));
        near_.emplace(points_->tiles(), points_->dimension());
    }
    /// Assigns the points; gives the sum of half their squared distances.
    template <parallel_policy Policy>
    double assign(const Policy& policy) {
        if (near_)
            assign_near(policy);
        else
            assign_all(policy);
        double sums[4] = {};
        for (std::size_t i = 0; i < distance_.size(); ++i) sums[i % 4] += static_cast<double>(distance_[i]);
        return (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
    void assign_balanced() {
        const auto score = [&](std::size_t t, std::span<float> scores) {
            simd::score_tile<Arch>(points_->tile(t), book_->scored(), scores);
        };
        detail::assign_balanced(index_.size(), book_->size(), score, index_);
    }
    /// Moves every entry to the mean of its points; entries without points go to the points that lie worst.
    void move_entries() {
        const std::size_t d = points_->dimension();
        // Neighbors often have the same entry: two sums for each, so that an addition need not wait.
        const std::size_t places = book_->size();
        std::vector<double> sum(2 * places * d);
        std::vector<std::uint32_t> members(2 * places);
        for (std::size_t i = 0; i < index_.size(); ++i) {
            const std::size_t k = index_[i] + i % 2 * places;
            ++members[k];
            double* const to = sum.data() + k * d;
            for (std::size_t j = 0; j < d; ++j) to[j] += static_cast<double>(points_->coordinate(i, j));
        }
        for (std::size_t k = 0; k < places; ++k) members[k] += members[places + k];
        for (std::size_t k = 0; k < places * d; ++k) sum[k] += sum[places * d + k];
        book_->update([&](std::span<float> entries) {
            std::vector<std::size_t> empty;
            for (std::size_t k = 0; k < places; ++k) {
                if (members[k] == 0) empty.push_back(k);
                for (std::size_t j = 0; j < d && members[k] != 0; ++j)
                    entries[k * d + j] = static_cast<float>(sum[k * d + j] / members[k]);
            }
            if (!empty.empty()) fill_empty(empty, entries);
        });
    }

  private:
    template <parallel_policy Policy>
    void assign_all(const Policy& policy) {
        constexpr std::size_t tiles_per_task = 64;
        const std::size_t tiles = (index_.size() + simd::tile_points - 1) / simd::tile_points;
        const simd::scored_entries entries = book_->scored();
        for_each_index(policy, (tiles + tiles_per_task - 1) / tiles_per_task,
                       [&](std::size_t task, std::size_t) {
                           const std::size_t end = std::min(tiles, (task + 1) * tiles_per_task);
                           for (std::size_t t = task * tiles_per_task; t < end; ++t) {
                               simd::nearest_entries found;
                               simd::nearest_in_tile<Arch>(points_->tile(t), entries, found);
                               keep(t, found);
                           }
                       });
    }
    /// The same for points in order of their places.
    template <parallel_policy Policy>
    void assign_near(const Policy& policy) {
        const typename near_tiles<Arch>::target entries(book_->scored());
        for_each_index(policy, near_->groups(), [&](std::size_t group, std::size_t) {
            near_->search(group, entries,
                          [&](std::size_t t, const simd::nearest_entries& found) { keep(t, found); });
        });
    }
    void keep(std::size_t t, const simd::nearest_entries& found) noexcept {
        const std::size_t first = t * simd::tile_points;
        for (std::size_t l = 0; l < simd::tile_points && first + l < index_.size(); ++l) {
            index_[first + l] = found.index[l];
            distance_[first + l] = std::max(0.0F, found.score[l] + points_->half_norm(first + l));
        }
    }
    void fill_empty(const std::vector<std::size_t>& empty, std::span<float> entries) {
        std::vector<std::uint32_t> worst(index_.size());
        std::iota(worst.begin(), worst.end(), 0U);
        const std::size_t wanted = std::min(empty.size(), worst.size());
        const auto farther = [&](std::uint32_t a, std::uint32_t b) {
            return distance_[a] != distance_[b] ? distance_[a] > distance_[b] : a < b;
        };
        std::partial_sort(worst.begin(), worst.begin() + static_cast<std::ptrdiff_t>(wanted), worst.end(),
                          farther);
        const std::size_t d = points_->dimension();
        for (std::size_t e = 0; e < wanted && distance_[worst[e]] > 0; ++e)
            for (std::size_t j = 0; j < d; ++j) entries[empty[e] * d + j] = points_->coordinate(worst[e], j);
    }

    const tiled_points* all_;
    const tiled_points* points_ = nullptr;  // those in use
    codebook* book_;
    std::vector<std::uint32_t> index_;
    std::vector<float> distance_;
    std::vector<std::uint32_t> order_;    // of all points by place
    std::optional<tiled_points> chosen_;  // the points in use in that order
    std::optional<near_tiles<Arch>> near_;
};

/// k-means of arguments that are known to be sound.
template <simd::instruction_set Arch, parallel_policy Policy>
[[nodiscard]] inline codebook cluster(view_2d<const float> points, std::size_t entries,
                                      const kmeans_options& options, const Policy& policy) {
    const std::size_t wanted = std::max<std::size_t>(options.points_per_entry * entries, 8192);
    const std::size_t bound = options.points_per_entry == 0 ? points.rows() : wanted;
    random_sequence random(options.seed);
    const tiled_points tiles(points, std::min(points.rows(), bound), random);
    std::size_t batch = std::min(tiles.size(), 16 * entries);
    codebook book(spread_entries<Arch>(tiles, batch, entries, random), tiles.mean());
    lloyd<Arch> state(tiles, book);
    for (; batch < tiles.size(); batch = std::min(tiles.size(), 2 * batch)) {
        state.use(batch);
        for (std::size_t round = 0; round < options.rounds_per_batch; ++round) {
            state.assign(policy);
            state.move_entries();
        }
    }
    state.use(batch);
    double before = std::numeric_limits<double>::infinity();
    for (std::size_t round = 0; round < options.rounds; ++round) {
        const double now = state.assign(policy);
        if (options.balanced) state.assign_balanced();
        // Nothing moves any more. The factor is a constant of the method, exact in binary.
        if (!options.balanced && now >= exact::mul(before, 1 - 0x1p-12)) break;
        before = now;
        state.move_entries();
    }
    return book;
}

/// The errors of kmeans but for coordinates that are not finite.
[[nodiscard]] inline result<void> check_clustering(std::size_t rows, std::size_t columns,
                                                   std::size_t entries) noexcept {
    const auto refused = [](const char* text) { return error{error_code::unsupported_parameter, 0, text}; };
    if (rows == 0 || rows >> 31 != 0) return refused("k-means wants 1 to 2^31 - 1 points");
    if (entries == 0 || entries > std::size_t{1} << 24) return refused("k-means gives 1 to 2^24 entries");
    if (columns == 0 || columns > max_codebook_dimension)
        return refused("a codebook has dimension 1 to 1024");
    return {};
}

}  // namespace detail

/// A codebook of `entries` entries for the rows of `points`, least squares. With fewer distinct points than
/// entries, some entries are equal. Errors (unsupported_parameter): no points, 2^31 or more of them, no
/// entries or more than 2^24, a dimension of 0 or above max_codebook_dimension, coordinates that are not
/// finite. Exact: equal on every machine, whatever the policy.
template <simd::instruction_set Arch = simd::native, parallel_policy Policy = serial>
[[nodiscard]] inline result<codebook> kmeans(view_2d<const float> points, std::size_t entries,
                                             const kmeans_options& options = {}, const Policy& policy = {}) {
    if (const auto sizes = detail::check_clustering(points.rows(), points.columns(), entries); !sizes)
        return sizes.error();
    if (const auto finite = check_finite(points); !finite) return finite.error();
    return detail::cluster<Arch>(points, entries, options, policy);
}

}  // namespace pith::inline v1::vector
