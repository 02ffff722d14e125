// Wavelet packets: bands are split again and again, the high ones too, as a tree says; the tree of least
// cost. Coifman, Meyer, Quake, Wickerhauser (1990); best basis by Coifman and Wickerhauser (1992). Everything
// in place: the values of a band that is still to be split lie where its packets will.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/transform/concepts.hpp>
#include <pith/transform/wavelets.hpp>

namespace pith::inline v1::transform {

/// Which bands of `size` values are split: a mark for each band of two values or more, a band before its low
/// half and that before its high half. Stored with one bit a mark.
class packet_tree {
  public:
    /// Splits every band `depth` times, as far as it has two values; only the lowest one if `dyadic`.
    packet_tree(std::size_t size, unsigned depth, bool dyadic = false) : size_(size) {
        PITH_ASSERT(size <= std::size_t{1} << 31);
        grow(size, depth, dyadic);
    }
    /// From marks as above. Precondition: as many as the tree asks for.
    packet_tree(std::size_t size, std::vector<bool> marks) : size_(size), marks_(std::move(marks)) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const std::vector<bool>& marks() const noexcept { return marks_; }
    /// The sizes of the packets, in the order of their values.
    [[nodiscard]] std::vector<std::size_t> packets() const {
        std::vector<std::size_t> out;
        std::size_t at = 0;
        walk(
            at, {0, 1, size_}, [](const auto&) {}, [&](const auto& leaf) { out.push_back(leaf.count); });
        return out;
    }
    template <byte_sink Sink>
    void save(Sink& sink) const {
        bit_writer bits(sink);
        for (const bool mark : marks_) bits.put(mark ? 1 : 0, 1);
        bits.finish();
    }
    /// What save wrote for bands of `size` values. Precondition: as the first constructor.
    [[nodiscard]] static result<packet_tree> load(byte_reader& from, std::size_t size) {
        packet_tree out(size, 0);
        out.marks_.clear();
        bit_reader bits(from.rest());
        if (!out.read(size, bits)) return from.fail(error_code::truncated, "the input ends inside a tree");
        const auto used = from.read_bytes(bits.byte_position());
        if (!used) return used.error();
        if (!bits.padding_is_zero())
            return from.fail(error_code::bad_header, "bits behind a tree of packets are set");
        return out;
    }
    friend bool operator==(const packet_tree&, const packet_tree&) = default;

    /// The values first, first + stride, ... of an input, `count` of them.
    struct band {
        std::size_t first, stride, count;
        [[nodiscard]] band low() const noexcept { return {first, 2 * stride, count - count / 2}; }
        [[nodiscard]] band high() const noexcept { return {first + stride, 2 * stride, count / 2}; }
    };
    /// Calls split(band) for bands that are split, before what lies below, and leaf(band) for packets.
    template <class Split, class Leaf>
    void for_each(Split&& split, Leaf&& leaf) const {
        std::size_t at = 0;
        walk(at, {0, 1, size_}, split, leaf);
    }

  private:
    // Depth is below 32: bands halve.
    void grow(std::size_t count, unsigned depth, bool dyadic) {
        if (count < 2) return;
        marks_.push_back(depth != 0);
        if (depth == 0) return;
        grow(count - count / 2, depth - 1, dyadic);
        grow(count / 2, dyadic ? 0 : depth - 1, dyadic);
    }
    [[nodiscard]] bool read(std::size_t count, bit_reader& bits) {
        if (count < 2) return true;
        const bool split = bits.get(1) != 0;
        if (bits.overrun()) return false;
        marks_.push_back(split);
        return !split || (read(count - count / 2, bits) && read(count / 2, bits));
    }
    template <class Split, class Leaf>
    void walk(std::size_t& at, const band& node, Split&& split, Leaf&& leaf) const {
        if (node.count < 2 || !marks_[at++]) return leaf(node);
        split(node);
        walk(at, node.low(), split, leaf);
        walk(at, node.high(), split, leaf);
    }

    std::size_t size_;
    std::vector<bool> marks_;
};

namespace detail {
template <class T>
struct placed_line {
    T* values;
    const std::uint32_t* place;
    packet_tree::band band;
    [[nodiscard]] T& operator[](std::size_t i) const noexcept {
        return values[place[band.first + i * band.stride]];
    }
};
template <class T>
struct strided_line {
    T* values;
    packet_tree::band band;
    [[nodiscard]] T& operator[](std::size_t i) const noexcept { return values[band.first + i * band.stride]; }
};
}  // namespace detail

/// Packets one behind the other, low before high. A rotation with Haar and Daubechies-4; lossless with
/// lifting_5_3. Exact. Memory: four bytes a value.
template <wavelet Wavelet>
class wavelet_packets {
  public:
    using value_type = typename Wavelet::value_type;
    static constexpr bool orthogonal = Wavelet::orthogonal;

    explicit wavelet_packets(packet_tree tree) : tree_(std::move(tree)), place_(tree_.size()) {
        std::uint32_t next = 0;
        tree_.for_each([&](const auto& band) { splits_.push_back(band); },
                       [&](const auto& leaf) {
                           for (std::size_t i = 0; i < leaf.count; ++i)
                               place_[leaf.first + i * leaf.stride] = next++;
                       });
    }

    [[nodiscard]] std::size_t input_size() const noexcept { return tree_.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return tree_.size(); }
    [[nodiscard]] const packet_tree& tree() const noexcept { return tree_; }

    /// Precondition: x.size() == y.size() == size(), no overlap.
    void forward_into(std::span<const value_type> x, std::span<value_type> y) const noexcept {
        PITH_ASSERT(x.size() == size() && y.size() == size());
        for (std::size_t i = 0; i < y.size(); ++i) y[place_[i]] = x[i];
        for (const auto& band : splits_)
            Wavelet::split(detail::placed_line<value_type>{y.data(), place_.data(), band}, band.count);
    }
    /// Precondition: as above. Destroys y.
    void inverse_into(std::span<value_type> y, std::span<value_type> x) const noexcept {
        PITH_ASSERT(x.size() == size() && y.size() == size());
        for (std::size_t s = splits_.size(); s-- > 0;)
            Wavelet::join(detail::placed_line<value_type>{y.data(), place_.data(), splits_[s]},
                          splits_[s].count);
        for (std::size_t i = 0; i < y.size(); ++i) x[i] = y[place_[i]];
    }

  private:
    packet_tree tree_;
    std::vector<packet_tree::band> splits_;  // each before what lies below it
    std::vector<std::uint32_t> place_;
};

/// The cost of one coefficient, given the sum of squares of the vector that it belongs to; costs add up.
template <class C, class T>
concept packet_cost = requires(const C cost, T value, double energy) {
    { cost(value, energy) } -> std::convertible_to<double>;
};

/// Shannon's entropy of the shares p of the energy: -p ln p.
struct energy_entropy {
    [[nodiscard]] double operator()(double value, double energy) const noexcept {
        const double p = energy > 0 ? value * value / energy : 0;
        return p > 0 ? -p * exact::log(p) : 0;
    }
};

/// Bits that a coefficient quantized with `step` takes, about: log2(1 + |value| / step).
struct magnitude_bits {
    double step = 1;
    [[nodiscard]] double operator()(double value, double) const noexcept {
        return exact::log((value < 0 ? -value : value) / step + 1) / 0x1.62e42fefa39efp-1;
    }
};

namespace detail {

/// Costs of all bands of a tree over all rows, in the order of a walk through it.
template <wavelet Wavelet, class Cost>
[[nodiscard]] inline std::vector<double> band_costs(view_2d<const typename Wavelet::value_type> rows,
                                                    const packet_tree& tree, const Cost& cost) {
    using value_type = typename Wavelet::value_type;
    std::vector<double> costs(2 * rows.columns());
    std::vector<value_type> line(rows.columns());
    for (std::size_t r = 0; r < rows.rows(); ++r) {
        double energy = 0;
        for (std::size_t c = 0; c < line.size(); ++c) {
            line[c] = rows(r, c);
            energy += static_cast<double>(line[c]) * static_cast<double>(line[c]);
        }
        std::size_t at = 0;
        const auto count = [&](const packet_tree::band& band) {
            const strided_line<value_type> values{line.data(), band};
            for (std::size_t i = 0; i < band.count; ++i) costs[at] += cost(values[i], energy);
            ++at;
        };
        const auto split = [&](const packet_tree::band& band) {
            count(band);
            Wavelet::split(strided_line<value_type>{line.data(), band}, band.count);
        };
        tree.for_each(split, count);
    }
    return costs;
}

/// Walks through a tree, keeps the splits that pay in `kept`, and gives the cost of what is left.
struct cheapest_tree {
    const std::vector<bool>& marks;
    const std::vector<double>& costs;
    std::vector<bool> kept{};
    std::size_t band = 0, mark = 0;

    double choose(std::size_t count) {
        const double whole = costs[band++];
        if (count < 2) return whole;
        const std::size_t mine = kept.size();
        kept.push_back(marks[mark++]);
        if (!kept[mine]) return whole;
        const double low = choose(count - count / 2);
        const double apart = low + choose(count / 2);
        if (apart < whole) return apart;
        kept.resize(mine + 1);
        kept[mine] = false;
        return whole;
    }
};

}  // namespace detail

/// The tree of at most `depth` levels whose packets cost least over all rows; of equal ones the smaller.
/// Encoder-side. Precondition: every value is finite.
template <wavelet Wavelet, packet_cost<typename Wavelet::value_type> Cost>
[[nodiscard]] inline packet_tree best_packet_tree(view_2d<const typename Wavelet::value_type> rows,
                                                  unsigned depth, const Cost& cost) {
    const packet_tree full(rows.columns(), depth);
    const std::vector<double> costs = detail::band_costs<Wavelet>(rows, full, cost);
    detail::cheapest_tree walk{full.marks(), costs};
    if (rows.columns() != 0) walk.choose(rows.columns());
    return {rows.columns(), std::move(walk.kept)};
}

}  // namespace pith::inline v1::transform
