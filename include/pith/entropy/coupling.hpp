// Joint distributions of small entropy with two given marginals, and maps of bounded entropy in front of
// them. Greedy coupling after Kocaoglu, Dimakis, Vishwanath, Hassibi (2017); the bottleneck after Ebrahimi,
// Chen, Khisti (2024), whose merging of the two rarest classes is improved by a last merge chosen among all
// and by moves of single symbols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact_math.hpp>

namespace pith::inline v1::entropy {

/// Masses are integers with a sum of 1 to this, so that they are exact as doubles.
inline constexpr std::uint64_t max_total_mass = std::uint64_t{1} << 48;

namespace detail {

/// m log2 m, 0 for none.
[[nodiscard]] inline double mass_bits(std::uint64_t m) noexcept {
    if (m == 0) return 0;
    const auto x = static_cast<double>(m);
    return exact::mul(exact::mul(x, exact::log(x)), 1.4426950408889634);
}

/// Masses whose largest is known and may shrink: a heap. Of equals the first is the largest.
class largest_mass {
  public:
    explicit largest_mass(std::span<const std::uint64_t> masses) {
        for (std::size_t i = 0; i < masses.size(); ++i) heap_.push_back({masses[i], i});
        for (std::size_t i = heap_.size() / 2; i-- > 0;) sink(i);
    }
    [[nodiscard]] std::uint64_t mass() const noexcept { return heap_[0].mass; }
    [[nodiscard]] std::size_t place() const noexcept { return heap_[0].place; }
    void shrink(std::uint64_t by) noexcept {
        heap_[0].mass -= by;
        sink(0);
    }

  private:
    struct entry {
        std::uint64_t mass;
        std::size_t place;
        [[nodiscard]] bool before(const entry& o) const noexcept {
            return mass != o.mass ? mass > o.mass : place < o.place;
        }
    };
    void sink(std::size_t i) noexcept {
        for (std::size_t child = 2 * i + 1; child < heap_.size(); i = child, child = 2 * i + 1) {
            if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
            if (heap_[i].before(heap_[child])) return;
            std::swap(heap_[i], heap_[child]);
        }
    }
    std::vector<entry> heap_;
};

}  // namespace detail

/// The sum of masses.
[[nodiscard]] inline std::uint64_t total_mass(std::span<const std::uint64_t> masses) noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t m : masses) sum += m;
    return sum;
}

/// Entropy in bits of the distribution with these masses. Exact: equal on every machine.
[[nodiscard]] inline double entropy_of(std::span<const std::uint64_t> masses) noexcept {
    const std::uint64_t total = total_mass(masses);
    PITH_ASSERT(total >= 1 && total <= max_total_mass);
    double sum = 0;
    for (const std::uint64_t m : masses) sum = sum + detail::mass_bits(m);
    const double bits = (detail::mass_bits(total) - sum) / static_cast<double>(total);
    return bits > 0 ? bits : 0;
}

/// A joint distribution: its cells that are not empty, at most rows + columns - 1 of them.
class coupling {
  public:
    struct cell {
        std::uint32_t row, column;
        std::uint64_t mass;
    };

    /// Mass goes to the largest of what is left of rows and of columns, as much as fits, again and again. At
    /// most log2(e) / e = 0.53 bits above the least entropy of all couplings (Compton, Katz, Qi, Greenewald,
    /// Kocaoglu, 2023). Precondition: equal sums, 1 to max_total_mass. Exact; takes (n + m) log(n + m) steps.
    [[nodiscard]] static coupling greedy(std::span<const std::uint64_t> rows,
                                         std::span<const std::uint64_t> columns) {
        std::uint64_t left = total_mass(rows);
        PITH_ASSERT(left == total_mass(columns) && left >= 1 && left <= max_total_mass);
        detail::largest_mass by_row(rows), by_column(columns);
        coupling out;
        while (left != 0) {
            const std::uint64_t m = by_row.mass() < by_column.mass() ? by_row.mass() : by_column.mass();
            out.cells_.push_back({static_cast<std::uint32_t>(by_row.place()),
                                  static_cast<std::uint32_t>(by_column.place()), m});
            by_row.shrink(m);
            by_column.shrink(m);
            left -= m;
        }
        return out;
    }

    [[nodiscard]] std::span<const cell> cells() const noexcept { return cells_; }
    /// Bits.
    [[nodiscard]] double joint_entropy() const {
        std::vector<std::uint64_t> masses;
        for (const cell& c : cells_) masses.push_back(c.mass);
        return entropy_of(masses);
    }
    /// The column of a row whose mass is cut at `at`, below the row's mass: with `at` drawn uniformly,
    /// columns have their distribution given the row.
    [[nodiscard]] std::uint32_t column_given(std::uint32_t row, std::uint64_t at) const noexcept {
        for (const cell& c : cells_) {
            if (c.row != row) continue;
            if (at < c.mass) return c.column;
            at -= c.mass;
        }
        PITH_ASSERT(false);
        return 0;
    }

  private:
    std::vector<cell> cells_;
};

/// A map of symbols to classes.
struct symbol_classes {
    std::vector<std::uint32_t> class_of;  ///< of each symbol
    std::vector<std::uint64_t> masses;    ///< of each class, none of them 0 unless all symbols' are
};

namespace detail {

/// Classes by rising mass, and what merges of them cost.
class merging {
  public:
    explicit merging(std::span<const std::uint64_t> masses) : parent_(masses.size()) {
        for (std::size_t i = 0; i < masses.size(); ++i) {
            parent_[i] = i;
            insert({masses[i], i});
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return sorted_.size(); }
    /// Entropy lost, times the total mass, if classes i and j become one. Grows with either mass.
    [[nodiscard]] double loss(std::size_t i, std::size_t j) const noexcept {
        const std::uint64_t a = sorted_[i].mass, b = sorted_[j].mass;
        return mass_bits(a + b) - (mass_bits(a) + mass_bits(b));
    }
    /// The least loss of any pair that is `least` or more, and the pair; i = j if there is none. One pass
    /// along the border of what loses enough.
    [[nodiscard]] std::pair<std::size_t, std::size_t> cheapest(double least) const noexcept {
        std::pair<std::size_t, std::size_t> best{0, 0};
        double lowest = 0;
        std::size_t j = size() - 1;
        for (std::size_t i = 0; i < j; ++i) {
            while (j > i + 1 && loss(i, j - 1) >= least) --j;
            const double l = loss(i, j);
            if (l >= least && (best.first == best.second || l < lowest)) {
                best = {i, j};
                lowest = l;
            }
        }
        return best;
    }
    void merge(std::size_t i, std::size_t j) {
        const entry a = sorted_[i], b = sorted_[j];
        sorted_.erase(sorted_.begin() + static_cast<std::ptrdiff_t>(j));
        sorted_.erase(sorted_.begin() + static_cast<std::ptrdiff_t>(i));
        parent_[b.root] = a.root;
        insert({a.mass + b.mass, a.root});
    }
    [[nodiscard]] symbol_classes classes() const {
        symbol_classes out{std::vector<std::uint32_t>(parent_.size()), {}};
        std::vector<std::uint32_t> number(parent_.size());
        for (const entry& e : sorted_) {
            number[e.root] = static_cast<std::uint32_t>(out.masses.size());
            out.masses.push_back(e.mass);
        }
        for (std::size_t i = 0; i < parent_.size(); ++i) {
            std::size_t root = i;
            while (parent_[root] != root) root = parent_[root];
            out.class_of[i] = number[root];
        }
        return out;
    }

  private:
    struct entry {
        std::uint64_t mass;
        std::size_t root;
    };
    void insert(entry e) {
        std::size_t at = 0, count = sorted_.size();
        while (count > 0) {
            const std::size_t step = count / 2;
            const bool lower = sorted_[at + step].mass <= e.mass;
            at += lower ? step + 1 : 0;
            count = lower ? count - step - 1 : step;
        }
        sorted_.insert(sorted_.begin() + static_cast<std::ptrdiff_t>(at), e);
    }
    std::vector<std::size_t> parent_;
    std::vector<entry> sorted_;
};

}  // namespace detail

namespace detail {

/// The symbol whose move to another class, or to one of its own, adds most entropy without adding more than
/// `most` (times the total mass); false if none adds any.
[[nodiscard]] inline bool move_one(symbol_classes& now, std::span<const std::uint64_t> masses, double& most) {
    now.masses.push_back(0);
    double gain = 0;
    std::size_t best = 0, target = 0;
    for (std::size_t i = 0; i < masses.size(); ++i) {
        const std::uint64_t m = masses[i], from = now.masses[now.class_of[i]];
        const double before = mass_bits(from) - mass_bits(from - m);
        for (std::size_t c = 0; c < now.masses.size(); ++c) {
            if (c == now.class_of[i] || m == from) continue;
            const double g = before + (mass_bits(now.masses[c]) - mass_bits(now.masses[c] + m));
            if (g <= most && g > gain) {
                gain = g;
                best = i;
                target = c;
            }
        }
    }
    if (gain > 0) {
        now.masses[now.class_of[best]] -= masses[best];
        now.masses[target] += masses[best];
        now.class_of[best] = static_cast<std::uint32_t>(target);
        most = most - gain;
    }
    if (now.masses.back() == 0) now.masses.pop_back();
    return gain > 0;
}

/// Up to 64 such moves.
[[nodiscard]] inline symbol_classes moved_to(symbol_classes now, std::span<const std::uint64_t> masses,
                                             double bound) {
    double room = exact::mul(bound - entropy_of(now.masses), static_cast<double>(total_mass(masses)));
    for (unsigned moves = 0; moves < 64; ++moves) {
        symbol_classes next = now;
        if (!move_one(next, masses, room) || entropy_of(next.masses) > bound) break;
        now = std::move(next);
    }
    return now;
}

}  // namespace detail

/// A map of symbols to classes whose entropy is at most `bound` bits, and large: information about the source
/// that so many bits carry. The two rarest classes merge until the bound holds; before each merge every pair
/// that would reach the bound at once is a candidate; single symbols move in the best of them while that
/// helps. Precondition: bound >= 0, total mass 1 to max_total_mass. Exact; takes n^2 logarithms or some more.
[[nodiscard]] inline symbol_classes entropy_bounded_classes(std::span<const std::uint64_t> masses,
                                                            double bound) {
    PITH_ASSERT(bound >= 0 && !masses.empty());
    detail::merging now(masses), best = now;
    const auto total = static_cast<double>(total_mass(masses));
    double most = -1;
    for (;;) {
        const double entropy = entropy_of(now.classes().masses);
        if (now.size() == 1 || entropy <= bound) {
            if (entropy > most) best = now;
            return detail::moved_to(best.classes(), masses, bound);
        }
        const auto [i, j] = now.cheapest(exact::mul(entropy - bound, total));
        if (i != j) {
            detail::merging last = now;
            last.merge(i, j);
            const double reached = entropy_of(last.classes().masses);
            if (reached <= bound && reached > most) {
                most = reached;
                best = last;
            }
        }
        now.merge(0, 1);
    }
}

/// A source, a code of at most so many bits for it, and what is made of the code.
struct bottleneck_coupling {
    symbol_classes code;   ///< of the source's symbols
    coupling code_to_out;  ///< rows are codes, columns are symbols of what is made of them
};

/// The pair that joins a source to outputs of a given distribution through a code of entropy <= `bound`: the
/// encoder keeps as much of the source as the bound lets it, the decoder draws by column_given. Masses as for
/// both parts. Exact.
[[nodiscard]] inline bottleneck_coupling couple_through(std::span<const std::uint64_t> source,
                                                        std::span<const std::uint64_t> out, double bound) {
    symbol_classes code = entropy_bounded_classes(source, bound);
    coupling joined = coupling::greedy(code.masses, out);
    return {std::move(code), std::move(joined)};
}

}  // namespace pith::inline v1::entropy
