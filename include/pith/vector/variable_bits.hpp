// Principal coordinates with as many bits each as their variances deserve, packed across the borders of
// bytes. SQUASH's OSQ (Oakley, Ferhatosmanoglu, 2024): levels fitted to each coordinate, bits shared out
// under a total. Here greedily by what one more bit of a Gaussian coordinate saves, which is the optimum, as
// that falls from bit to bit.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/view.hpp>
#include <pith/transform/principal_axes.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/kmeans.hpp>
#include <pith/vector/mixed_storage.hpp>
#include <pith/vector/stored_axes.hpp>

namespace pith::inline v1::vector {

/// 0 to 8 bits for each of the coordinates of these variances, `total` in all or as many as have a use.
[[nodiscard]] inline std::vector<std::uint8_t> share_bits(std::span<const float> variances,
                                                          std::size_t total) {
    // Distortions of Gaussian values with 0 to 8 bits (Max, 1960), and 9 as a bound.
    constexpr std::array<float, 10> left = {1,      .3634F,   .1175F,    .03454F,   .009497F,
                                            .0025F, .000642F, .0001625F, .0000409F, .0000409F};
    std::vector<std::uint8_t> bits(variances.size());
    for (std::size_t used = 0; used < total; ++used) {
        std::size_t best = 0;
        float most = 0;
        for (std::size_t j = 0; j < bits.size(); ++j) {
            const float saved = variances[j] * (left[bits[j]] - left[bits[j] + std::size_t{1}]);
            if (saved > most) most = saved, best = j;
        }
        if (!(most > 0)) break;
        ++bits[best];
    }
    return bits;
}

/// A code is the index of each coordinate in its own levels, lowest bits first, coordinates in falling order
/// of variance. Exact given the parameters, which are encoder-side.
template <simd::instruction_set Arch = simd::native>
class variable_bits {
  public:
    /// Axes, then the bits of each, then the levels of each, rising. Precondition: they agree in number, and
    /// every axis has 1 to 8 bits.
    variable_bits(mean_and_axes<Arch> axes, std::vector<std::uint8_t> bits, std::vector<float> levels)
        : axes_(std::move(axes)), bits_(std::move(bits)), levels_(std::move(levels)) {
        PITH_ASSERT(bits_.size() == axes_.rank());
        for (const std::uint8_t b : bits_) {
            first_.push_back(entries_);
            entries_ += std::size_t{1} << b;
            total_ += b;
        }
        PITH_ASSERT(levels_.size() == entries_);
    }

    /// With `total` bits a vector, or fewer where coordinates have no variance. `even` gives every coordinate
    /// the same bits, as far as they go: what the shared-out ones are compared with. Errors: no rows, no
    /// bits, a dimension above 4096, coordinates that are not finite.
    template <parallel_policy Policy = serial>
    [[nodiscard]] static result<variable_bits> fit(view_2d<const float> rows, std::size_t total,
                                                   bool even = false, const Policy& policy = {}) {
        const std::size_t d = rows.columns();
        if (rows.rows() == 0 || total == 0 || d == 0 || d > mean_and_axes<Arch>::max_dimension_stored)
            return error{error_code::unsupported_parameter, 0,
                         "variable bits want vectors of 1 to 4096 coordinates, and bits"};
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        auto found = transform::fit_principal_axes<Arch>(rows);
        std::vector<float> variances = found.variances;
        for (float& v : variances) v = even ? 1.0F : v;
        std::vector<std::uint8_t> bits = share_bits(variances, total);
        bits[0] = std::max(bits[0], std::uint8_t{1});  // where all vectors are equal
        std::size_t rank = 0;                          // variances fall, and so do bits
        while (rank < d && bits[rank] != 0) ++rank;
        bits.resize(rank);
        std::vector<float> matrix;
        for (std::size_t r = 0; r < rank; ++r) {
            const auto row = found.rotation.row(r);
            matrix.insert(matrix.end(), row.begin(), row.end());
        }
        const auto mean = found.mean.mean();
        mean_and_axes<Arch> axes({mean.begin(), mean.end()},
                                 transform::matrix_rotation<Arch>(std::move(matrix), rank, d));
        auto levels = fit_levels(axes.coordinates(rows), rows.rows(), bits, policy);
        if (!levels) return levels.error();
        return variable_bits(std::move(axes), std::move(bits), std::move(*levels));
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return axes_.dimension(); }
    /// Bits of each coded coordinate; the others have none.
    [[nodiscard]] std::span<const std::uint8_t> bits() const noexcept { return bits_; }
    [[nodiscard]] std::size_t code_size() const noexcept { return (total_ + 7) / 8; }
    [[nodiscard]] std::size_t parameter_bytes() const noexcept {
        return axes_.parameter_bytes() + bits_.size() + sizeof(float) * levels_.size();
    }

    /// Precondition: codes.size() == rows.rows() * code_size(), rows.columns() == dimension().
    [[nodiscard]] result<void> encode_into(view_2d<const float> rows, std::span<std::uint8_t> codes) const {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        const std::vector<float> y = axes_.coordinates(rows);
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            span_sink sink(codes.subspan(r * code_size(), code_size()));
            bit_writer out(sink);
            for (std::size_t j = 0; j < bits_.size(); ++j)
                out.put(nearest(levels_of(j), y[r * bits_.size() + j]), bits_[j]);
            out.finish();
        }
        return {};
    }
    /// Precondition: as encode_into.
    void decode_into(byte_view codes, view_2d<float> rows) const {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        std::vector<float> y(rows.rows() * bits_.size());
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            bit_reader in(codes.subspan(r * code_size(), code_size()));
            for (std::size_t j = 0; j < bits_.size(); ++j)
                y[r * bits_.size() + j] = levels_of(j)[static_cast<std::size_t>(in.get(bits_[j]))];
        }
        axes_.expand(y, rows);
    }

    /// The cost of each level of each coordinate, and what is common to all codes.
    [[nodiscard]] std::size_t table_size() const noexcept { return entries_ + 1; }
    void fill_tables(view_2d<const float> queries, metric by, std::span<float> tables) const {
        PITH_ASSERT(tables.size() == queries.rows() * table_size());
        const bool distance = by == metric::squared_distance;
        const std::vector<float> y = axes_.coordinates(queries, !distance);
        for (std::size_t q = 0; q < queries.rows(); ++q) {
            const auto table = tables.subspan(q * table_size(), table_size());
            float common = 0;
            for (std::size_t j = 0; j < dimension(); ++j) {
                const float x = queries(q, j), apart = x - axes_.mean()[j];
                common += distance ? exact::mul(apart, apart) : -exact::mul(x, axes_.mean()[j]);
            }
            for (std::size_t j = 0; j < bits_.size(); ++j) {
                const float at = y[q * bits_.size() + j];
                if (distance) common -= exact::mul(at, at);  // the part along this axis is in its table
                const auto levels = levels_of(j);
                for (std::size_t k = 0; k < levels.size(); ++k) {
                    const float apart = at - levels[k];
                    table[first_[j] + k] = distance ? exact::mul(apart, apart) : -exact::mul(at, levels[k]);
                }
            }
            table.back() = distance && common < 0 ? 0 : common;
        }
    }
    void costs(std::span<const float> table, byte_view codes, std::span<float> out) const noexcept {
        PITH_ASSERT(codes.size() == out.size() * code_size() && table.size() == table_size());
        std::size_t i = 0;
        for (; i + 4 <= out.size(); i += 4) add_costs<4>(table, codes.data() + i * code_size(), &out[i]);
        for (; i < out.size(); ++i) add_costs<1>(table, codes.data() + i * code_size(), &out[i]);
    }

    template <byte_sink Sink>
    void save(Sink& sink) const {
        axes_.save(sink);
        for (const std::uint8_t b : bits_) sink.put(b);
        put_floats(sink, levels_);
    }
    [[nodiscard]] static result<variable_bits> load(byte_reader& from, const limits& bound = {}) {
        auto axes = mean_and_axes<Arch>::load(from, bound);
        if (!axes) return axes.error();
        const auto raw = from.read_bytes(axes->rank());
        if (!raw) return raw.error();
        std::vector<std::uint8_t> bits(raw->begin(), raw->end());
        std::size_t entries = 0;  // at most 2^12 coordinates of 2^8 levels
        for (const std::uint8_t b : bits) {
            if (b < 1 || b > 8) return from.fail(error_code::bad_header, "a coordinate has 1 to 8 bits");
            entries += std::size_t{1} << b;
        }
        if (axes->rank() == 0) return from.fail(error_code::bad_header, "no coordinate has bits");
        auto levels = read_floats(from, entries);
        if (!levels) return levels.error();
        std::size_t at = 0;
        for (const std::uint8_t b : bits) {
            const auto own = std::span<const float>(*levels).subspan(at, std::size_t{1} << b);
            if (!std::is_sorted(own.begin(), own.end()))
                return from.fail(error_code::bad_model, "levels do not rise");
            at += own.size();
        }
        return variable_bits(std::move(*axes), std::move(bits), std::move(*levels));
    }

  private:
    [[nodiscard]] std::span<const float> levels_of(std::size_t j) const noexcept {
        return std::span(levels_).subspan(first_[j], std::size_t{1} << bits_[j]);
    }
    /// The costs of Count codes, one behind the other: their sums need not wait for each other.
    template <std::size_t Count>
    void add_costs(std::span<const float> table, const std::uint8_t* code, float* out) const noexcept {
        const std::size_t size = code_size();
        float sum[Count];
        for (float& s : sum) s = table.back();
        std::size_t bit = 0;
        for (std::size_t j = 0; j < bits_.size(); bit += bits_[j++])
            for (std::size_t l = 0; l < Count; ++l)
                sum[l] += table[first_[j] + bits_at(code + l * size, size, bit, bits_[j])];
        for (std::size_t l = 0; l < Count; ++l) out[l] = sum[l];
    }
    /// The index of the nearest of rising levels, the lowest among equals.
    [[nodiscard]] static std::uint64_t nearest(std::span<const float> levels, float x) noexcept {
        const auto above = std::lower_bound(levels.begin(), levels.end(), x);
        if (above == levels.begin()) return 0;
        auto best = above - 1;
        if (above != levels.end() && *above - x < x - *best) best = above;
        return static_cast<std::uint64_t>(std::lower_bound(levels.begin(), levels.end(), *best) -
                                          levels.begin());
    }
    template <class Policy>
    [[nodiscard]] static result<std::vector<float>> fit_levels(const std::vector<float>& y, std::size_t n,
                                                               const std::vector<std::uint8_t>& bits,
                                                               const Policy& policy) {
        std::vector<std::size_t> first;
        std::size_t entries = 0;
        for (const std::uint8_t b : bits) {
            first.push_back(entries);
            entries += std::size_t{1} << b;
        }
        std::vector<float> levels(entries);
        std::vector<std::uint8_t> failed(bits.size());
        for_each_index(policy, bits.size(), [&](std::size_t j, std::size_t) {
            const std::size_t count = std::size_t{1} << bits[j];
            const view_2d<const float> column(y.data() + j, n, 1, bits.size());
            const auto book = kmeans<Arch>(column, count, {.rounds = 24});
            failed[j] = book ? 0 : 1;
            if (!book) return;
            for (std::size_t k = 0; k < count; ++k) levels[first[j] + k] = book->at(k, 0);
            const auto begin = levels.begin() + static_cast<std::ptrdiff_t>(first[j]);
            std::sort(begin, begin + static_cast<std::ptrdiff_t>(count));
        });
        for (const std::uint8_t f : failed)
            if (f != 0) return error{error_code::unsupported_parameter, 0, "levels cannot be fitted"};
        return levels;
    }

    mean_and_axes<Arch> axes_;
    std::vector<std::uint8_t> bits_;
    std::vector<float> levels_;
    std::vector<std::size_t> first_;  // of each coordinate's levels
    std::size_t entries_ = 0, total_ = 0;
};

}  // namespace pith::inline v1::vector
