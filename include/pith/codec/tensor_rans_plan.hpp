// What the encoder of the rANS tier decides: the difference to a base, and how each plane of a tensor is
// coded. Own work. Counts are exact, choices are made on rough costs; all of it is integers, so that files
// agree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/codec/tensor_classes.hpp>
#include <pith/codec/tensor_delta.hpp>
#include <pith/codec/tensor_stream.hpp>
#include <pith/core/bytes.hpp>
#include <pith/simd/histogram.hpp>
#include <pith/simd/narrow_histogram.hpp>

namespace pith::inline v1::codec {

/// One value; one table; a table for each class of rows and columns, of the highest plane only; as it is.
enum class plane_coding : std::uint8_t { constant = 0, table = 1, classes = 2, raw = 3 };

struct rans_plan {
    std::array<plane_coding, 8> coding{};
    std::array<std::uint8_t, 8> value{};  // of constant planes
    scale_classes classes;
};

namespace detail {

inline constexpr std::size_t plan_piece = 1 << 14;

/// Calls each(first value, planes, n) for pieces of up to plan_piece values, planes plan_piece apart; of
/// every `step` pieces one.
template <class Each>
void for_pieces(const plane_view& view, byte_view values, byte_view base, std::size_t step, Each each) {
    const std::size_t width = size_of(view.type);
    std::vector<std::uint8_t> memory((view.delta == delta_kind::none ? 1 : 2) * width * plan_piece);
    for (std::size_t at = 0; at < values.size(); at += step * width * plan_piece) {
        const std::size_t left = values.size() - at;
        const std::size_t size = left < width * plan_piece ? left : width * plan_piece;
        const byte_view other = base.empty() ? base : base.subspan(at, size);
        view.split(values.subspan(at, size), other, memory.data(), plan_piece,
                   memory.data() + width * plan_piece);
        each(at / width, memory.data(), size / width);
    }
}

/// The kind of difference whose planes have the least entropy, on some pieces of the tensor.
[[nodiscard]] inline delta_kind choose_delta(const tensor_geometry& g, byte_view values, byte_view base) {
    if (base.empty()) return delta_kind::none;
    const std::size_t pieces = values.size() / g.width() / plan_piece + 1;
    std::uint64_t least = ~std::uint64_t{0};
    delta_kind best = delta_kind::none;
    for (unsigned k = 0; k < delta_kinds; ++k) {
        const plane_view view{g.type, static_cast<delta_kind>(k)};
        std::array<std::array<std::uint32_t, 256>, 8> counts{};
        for_pieces(view, values, base, pieces / 4 + 1,
                   [&](std::size_t, const std::uint8_t* planes, std::size_t n) {
                       for (std::size_t p = 0; p < g.width(); ++p)
                           simd::histogram<>(byte_view(planes + p * plan_piece, n), counts[p]);
                   });
        std::uint64_t cost = 0;
        for (std::size_t p = 0; p < g.width(); ++p) cost += rough_cost(counts[p].data(), 256);
        if (cost < least) least = cost, best = view.delta;
    }
    return best;
}

/// Plans one tensor. The tensor must stay in memory meanwhile.
class rans_planner {
  public:
    rans_planner(const plane_view& view, const tensor_geometry& g, byte_view values, byte_view base) noexcept
        : view_(view), geometry_(g), values_(values), base_(base) {}

    void plan(rans_plan& out) {
        count_planes();
        for (std::size_t p = 0; p < geometry_.width(); ++p) plan_plane(p, out);
        plan_classes(out);
    }
    [[nodiscard]] std::span<const std::uint32_t> counts(std::size_t plane) const noexcept {
        return counts_[plane];
    }
    [[nodiscard]] std::span<const std::uint32_t> counts_of_class(unsigned c) const noexcept {
        return by_class_[c];
    }
    /// Bytes that the plan saves, without its parameters.
    [[nodiscard]] std::uint64_t saved() const noexcept {
        std::uint64_t bits = 0;
        for (const std::uint64_t s : saved_) bits += s >> 16;
        return bits / 8;
    }

  private:
    /// Exact counts where a plane may be coded; of others a part, which shows that it may not.
    void count_planes() {
        const std::size_t width = geometry_.width();
        std::array<bool, 8> skip{};
        for_pieces(
            view_, values_, base_, 1, [&](std::size_t first, const std::uint8_t* planes, std::size_t n) {
                for (std::size_t p = 0; p < width; ++p) {
                    if (skip[p]) continue;
                    const byte_view plane(planes + p * plan_piece, n);
                    p + 1 == width ? count_narrow(plane, counts_[p]) : simd::histogram<>(plane, counts_[p]);
                    seen_[p] += n;
                    // After two pieces a plane within 3 % of raw, tables aside, is not looked at further.
                    if (first == plan_piece && rough_cost(counts_[p].data(), 256) > worth(seen_[p], 30))
                        skip[p] = true;
                }
            });
    }
    /// Adds the number of each value; exponents span few.
    static void count_narrow(byte_view plane, std::array<std::uint32_t, 256>& counts) noexcept {
        constexpr std::size_t most = 1024;
        for (std::size_t at = 0; at < plane.size(); at += most) {
            std::uint16_t more[256];
            const std::size_t n = plane.size() - at < most ? plane.size() - at : most;
            const simd::value_range r = simd::narrow_histogram<1>(plane.data() + at, n, more);
            counts[0] += more[0];
            if (r.highest == 0) continue;
            for (unsigned v = r.lowest; v <= r.highest; ++v) counts[v] += more[v];
        }
    }
    /// 2^-16 bits of so many raw bytes less one part in `part`.
    [[nodiscard]] static std::uint64_t worth(std::uint64_t bytes, std::uint64_t part) noexcept {
        const std::uint64_t raw = bytes << 19;  // bytes < 2^40 here
        return raw - raw / part;
    }
    void plan_plane(std::size_t p, rans_plan& out) noexcept {
        out.coding[p] = plane_coding::raw;
        costs_[p] = geometry_.values << 19;
        if (seen_[p] != geometry_.values) return;
        unsigned used = 0;
        for (unsigned v = 0; v < 256; ++v)
            if (counts_[p][v] != 0) ++used, out.value[p] = static_cast<std::uint8_t>(v);
        const std::uint64_t cost = rough_cost(counts_[p].data(), 256);
        if (used == 1) {
            out.coding[p] = plane_coding::constant;
            saved_[p] = geometry_.values << 19;
        } else if (cost < worth(geometry_.values, 32) && geometry_.values >> 32 == 0) {
            out.coding[p] = plane_coding::table;
            saved_[p] = (geometry_.values << 19) - cost;
            costs_[p] = cost;
        }
    }
    void plan_classes(rans_plan& out) {
        const std::size_t top = geometry_.width() - 1;
        if (out.coding[top] != plane_coding::table || geometry_.values < 2048) return;
        unsigned highest = 255;
        while (highest > 0 && counts_[top][highest] == 0) --highest;
        class_search search;
        if (!search.start(geometry_, static_cast<std::uint8_t>(highest))) return;
        for_pieces(view_, values_, base_, 1, [&](std::size_t, const std::uint8_t* planes, std::size_t n) {
            search.add(byte_view(planes + top * plan_piece, n));
        });
        for (const std::int64_t step : {8}) {
            scale_classes classes = search.levels(step);
            std::vector<std::uint32_t> by_sum(256 * scale_classes::sums);
            std::vector<class_search::histogram> by_class;
            count_sums(classes, top, by_sum);
            const std::uint64_t cost = class_search::choose(classes, by_sum, by_class);
            if (cost + cost / 128 >= costs_[top]) continue;
            saved_[top] = (geometry_.values << 19) - cost;
            costs_[top] = cost + cost / 1024;  // the second step must be better by more than noise
            out.coding[top] = plane_coding::classes;
            out.classes = std::move(classes);
            by_class_ = std::move(by_class);
        }
    }
    void count_sums(scale_classes& classes, std::size_t top, std::vector<std::uint32_t>& by_sum) const {
        for (std::size_t s = 0; s < classes.class_of.size(); ++s)
            classes.class_of[s] = static_cast<std::uint8_t>(s);  // the sums themselves
        // Two tables in turn: of equal values in a row each would wait for its own counter.
        std::uint32_t* const even = by_sum.data();
        std::vector<std::uint32_t> odd(by_sum.size());
        for_pieces(view_, values_, base_, 1,
                   [&](std::size_t first, const std::uint8_t* planes, std::size_t n) {
                       const std::uint8_t* const symbols = planes + top * plan_piece;
                       for (std::size_t at = 0; at < n; at += few)
                           count_pairs(classes, first + at, symbols + at, n - at < few ? n - at : few, even,
                                       odd.data());
                   });
        for (std::size_t k = 0; k < odd.size(); ++k) even[k] += odd[k];
    }
    /// n <= few values in tables of 256 counters for each sum.
    static void count_pairs(const scale_classes& sums_of, std::size_t first, const std::uint8_t* symbols,
                            std::size_t n, std::uint32_t* even, std::uint32_t* odd) noexcept {
        std::uint8_t sums[few];
        std::uint16_t pairs[few];
        sums_of.fill(first, byte_span(sums, n));
        for (std::size_t i = 0; i < n; ++i) pairs[i] = static_cast<std::uint16_t>(sums[i] << 8 | symbols[i]);
        std::size_t i = 0;
        for (; i + 4 <= n; i += 4) {
            ++even[pairs[i]];
            ++odd[pairs[i + 1]];
            ++even[pairs[i + 2]];
            ++odd[pairs[i + 3]];
        }
        for (; i < n; ++i) ++even[pairs[i]];
    }

    static constexpr std::size_t few = 2048;
    plane_view view_;
    tensor_geometry geometry_;
    byte_view values_, base_;
    std::array<std::array<std::uint32_t, 256>, 8> counts_{};
    std::array<std::uint64_t, 8> seen_{}, costs_{}, saved_{};
    std::vector<class_search::histogram> by_class_;
};

}  // namespace detail
}  // namespace pith::inline v1::codec
