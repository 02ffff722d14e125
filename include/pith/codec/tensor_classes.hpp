// Classes of a tensor's values by the scale of their row and of their column: what is sent, and how it is
// found. Own work: exponents follow the sum of a row's and a column's mean exponent, quantised to 16 levels
// each.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <pith/codec/tensor_stream.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/simd/lut.hpp>

namespace pith::inline v1::codec {

/// The tensor as a matrix that is cut between two dimensions: a level in 0..15 for each row and each column,
/// and a class, falling in none of its steps, for each of the 31 sums of levels.
struct scale_classes {
    static constexpr std::size_t levels = 16;
    static constexpr std::size_t sums = 2 * levels - 1;
    static constexpr std::uint64_t most_rows = std::uint64_t{1} << 24;  // and columns

    unsigned cut = 0;    // the number of dimensions that make the rows
    unsigned count = 1;  // of classes, 1..16
    std::vector<std::uint8_t> rows, columns;
    std::array<std::uint8_t, sums + 1> class_of{};

    /// The classes of the values from number `first` on.
    void fill(std::uint64_t first, byte_span out) const noexcept {
        const std::size_t width = columns.size();
        auto row = static_cast<std::size_t>(first / width);
        auto column = static_cast<std::size_t>(first % width);
        for (std::size_t at = 0; at < out.size(); ++row, column = 0) {
            const std::size_t n = out.size() - at < width - column ? out.size() - at : width - column;
            simd::byte_table table;
            std::memcpy(table.data(), class_of.data() + rows[row], levels);
            simd::look_up<>(byte_view(columns).subspan(column, n), table, out.subspan(at, n));
            at += n;
        }
    }

    /// Appends: cut, count - 1, for each class but 0 its first sum, then the levels of rows and of columns,
    /// each a block of rans order 0 behind its size.
    void write(std::vector<std::uint8_t>& side) const {
        side.push_back(static_cast<std::uint8_t>(cut));
        side.push_back(static_cast<std::uint8_t>(count - 1));
        for (unsigned c = 1; c < count; ++c) {
            unsigned s = 0;
            while (s < sums && class_of[s] < c) ++s;
            side.push_back(static_cast<std::uint8_t>(s));
        }
        write_levels(rows, side);
        write_levels(columns, side);
    }
    /// Errors: truncated, bad_model, limit_exceeded and those of the blocks.
    [[nodiscard]] result<void> read(byte_reader& in, const tensor_geometry& g, std::uint64_t max_memory) {
        const result<byte_view> head = in.read_bytes(2);
        if (!head) return head.error();
        const error bad = in.fail(error_code::bad_model, "classes that no encoder writes");
        cut = (*head)[0];
        count = (*head)[1] + 1U;
        if (cut == 0 || cut >= g.rank || count > 16) return bad;
        std::uint64_t height = 1;
        for (std::size_t k = 0; k < cut; ++k) height *= g.shape[k];
        const std::uint64_t width = g.values / height;  // values > 0
        if (height > most_rows || width > most_rows) return bad;
        if (height + width > max_memory) return in.fail(error_code::limit_exceeded, "rows beyond the limit");
        const result<byte_view> firsts = in.read_bytes(count - 1);
        if (!firsts) return firsts.error();
        std::size_t s = 0;
        for (unsigned c = 1; c < count; ++c) {
            const std::size_t next = (*firsts)[c - 1];
            if (next > sums || next < s) return bad;
            for (; s < next; ++s) class_of[s] = static_cast<std::uint8_t>(c - 1);
        }
        for (; s <= sums; ++s) class_of[s] = static_cast<std::uint8_t>(count - 1);
        rows.resize(static_cast<std::size_t>(height));
        columns.resize(static_cast<std::size_t>(width));
        if (const auto read = read_levels(in, rows); !read) return read;
        return read_levels(in, columns);
    }

  private:
    static void write_levels(const std::vector<std::uint8_t>& level, std::vector<std::uint8_t>& side) {
        entropy::rans_bytes<> coder;
        std::vector<std::uint8_t> coded(coder.max_encoded_size(level.size()));
        const auto size = coder.encode_into(level, coded);
        vector_sink sink(side);
        put_varint(sink, size.value());
        sink.append(byte_view(coded).first(size.value()));
    }
    [[nodiscard]] static result<void> read_levels(byte_reader& in, std::vector<std::uint8_t>& level) {
        const result<std::uint64_t> size = in.read_varint();
        if (!size) return size.error();
        const result<byte_view> coded = in.read_bytes(*size);
        if (!coded) return coded.error();
        entropy::rans_bytes<> coder;
        const auto decoded = coder.decode_into(*coded, level);
        if (!decoded) return decoded.error();
        for (const std::uint8_t v : level)
            if (v >= levels) return in.fail(error_code::bad_model, "a level out of range");
        return {};
    }
};

namespace detail {

/// 2^16 * log2(v) within 0.8 % of a bit, v >= 1: for choices of an encoder. Exact.
[[nodiscard]] constexpr std::uint32_t rough_log2(std::uint32_t v) noexcept {
    const auto whole = static_cast<unsigned>(std::bit_width(v)) - 1;
    const auto f = static_cast<std::uint32_t>((std::uint64_t{v} << 16 >> whole) & 0xFFFF);
    return (whole << 16) + f + (((f * (0x1'0000 - f)) >> 16) * 22544 >> 16);  // f (1 - f) 0.344
}
/// Bits of `counts` under their own distribution, and of a table of it, in 2^-16.
[[nodiscard]] inline std::uint64_t rough_cost(const std::uint32_t* counts, std::size_t symbols) noexcept {
    std::uint64_t total = 0, own = 0, used = 0;
    for (std::size_t s = 0; s < symbols; ++s) {
        if (counts[s] == 0) continue;
        total += counts[s];
        own += std::uint64_t{counts[s]} * rough_log2(counts[s]);
        ++used;
    }
    if (total == 0) return 0;
    return total * rough_log2(static_cast<std::uint32_t>(total)) - own + ((used * 6 + 8) << 16);
}

/// Finds the classes of a tensor's highest plane, which comes in pieces, in order, once for the sums of rows
/// and columns and once more for the counts. Exact.
class class_search {
  public:
    using histogram = std::array<std::uint32_t, 256>;

    /// False where the shape has no rows and columns to speak of. No symbol is above `highest`; those far
    /// below it, such as zeros, must not move the means.
    [[nodiscard]] bool start(const tensor_geometry& g, std::uint8_t highest) {
        floor_ = highest > depth ? static_cast<std::uint8_t>(highest - depth) : std::uint8_t{0};
        at_ = 0;
        cuts_.clear();
        std::uint64_t height = 1;
        for (unsigned cut = 1; cut < g.rank; ++cut) {
            height *= g.shape[cut - 1];
            const std::uint64_t width = g.values / height;
            if (height == 1 || width == 1 || height > scale_classes::most_rows ||
                width > scale_classes::most_rows || 4 * (height + width) > g.values || g.shape[cut - 1] == 1)
                continue;
            if (cuts_.size() == 2) cuts_.pop_back();
            cuts_.push_back({cut, std::vector<std::uint32_t>(static_cast<std::size_t>(height)),
                             std::vector<std::uint32_t>(static_cast<std::size_t>(width)),
                             std::vector<std::uint16_t>(static_cast<std::size_t>(width))});
        }
        return !cuts_.empty();
    }
    /// Adds values to the sums of rows and columns.
    void add(byte_view symbols) noexcept {
        for (sums_of_cut& c : cuts_) {
            const std::size_t width = c.columns.size();
            auto row = static_cast<std::size_t>(at_ / width);
            auto column = static_cast<std::size_t>(at_ % width);
            for (std::size_t i = 0; i < symbols.size(); ++row, column = 0) {
                const std::size_t n =
                    symbols.size() - i < width - column ? symbols.size() - i : width - column;
                c.rows[row] += add_row(symbols.subspan(i, n), c.fresh.data() + column);
                i += n;
                if (++c.added == most_added) c.settle();
            }
        }
        at_ += symbols.size();
    }
    /// Levels of the cut whose rows and columns explain most, `step` sixteenths of an exponent apart.
    [[nodiscard]] scale_classes levels(std::int64_t step) {
        for (sums_of_cut& c : cuts_) c.settle();
        const sums_of_cut* best = nullptr;
        std::uint64_t most = 0;
        for (const sums_of_cut& c : cuts_) {
            const std::uint64_t e = explained(c.rows, c.columns.size()) + explained(c.columns, c.rows.size());
            if (best == nullptr || e > most + most / 50) best = &c, most = e;
        }
        scale_classes out;
        out.cut = best->cut;
        std::uint64_t all = 0;
        for (const std::uint64_t s : best->rows) all += s;
        const auto mean = static_cast<std::int64_t>(16 * all / (best->rows.size() * best->columns.size()));
        quantise(best->rows, best->columns.size(), mean, step, out.rows);
        quantise(best->columns, best->rows.size(), mean, step, out.columns);
        return out;
    }

    /// Takes 256 counts for each sum of levels; finds the number of classes and their sums. Gives the cost in
    /// 2^-16 bits, levels and tables included, and the counts of each class.
    [[nodiscard]] static std::uint64_t choose(scale_classes& out, const std::vector<std::uint32_t>& by_sum,
                                              std::vector<histogram>& by_class) {
        std::uint64_t best = ~std::uint64_t{0};
        for (unsigned count = 2; count <= 16; count *= 2) {
            std::array<std::uint8_t, scale_classes::sums + 1> classes;
            const unsigned used = by_mass(by_sum, count, classes);
            std::vector<histogram> merged(used);
            for (std::size_t s = 0; s < scale_classes::sums; ++s)
                for (std::size_t v = 0; v < 256; ++v) merged[classes[s]][v] += by_sum[256 * s + v];
            std::uint64_t cost = cost_of_levels(out.rows) + cost_of_levels(out.columns);
            for (const histogram& h : merged) cost += rough_cost(h.data(), 256);
            if (cost >= best) continue;
            best = cost;
            out.count = used;
            out.class_of = classes;
            by_class = merged;
        }
        return best;
    }

  private:
    struct sums_of_cut {
        unsigned cut;
        std::vector<std::uint32_t> rows, columns;  // of at most 2^24 values below 2^8 each
        std::vector<std::uint16_t> fresh;          // not in `columns` yet; of at most most_added values each
        unsigned added = 0;

        void settle() noexcept {
            for (std::size_t k = 0; k < columns.size(); ++k) columns[k] += fresh[k];
            std::memset(fresh.data(), 0, 2 * fresh.size());
            added = 0;
        }
    };
    static constexpr unsigned depth = 24;         // above the floor
    static constexpr unsigned most_added = 2048;  // depth * most_added < 2^16

    /// The sum of a row's values above the floor, each of which is added to `to`.
    [[nodiscard]] std::uint32_t add_row(byte_view symbols, std::uint16_t* to) const noexcept {
        const std::uint8_t* const in = symbols.data();
        const std::uint8_t floor = floor_;
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < symbols.size();) {
            const std::size_t end = symbols.size() - i < most_added ? symbols.size() : i + most_added;
            std::uint16_t part = 0;  // of most_added values
            for (; i < end; ++i) {
                const auto v = static_cast<std::uint16_t>((in[i] > floor ? in[i] : floor) - floor);
                to[i] = static_cast<std::uint16_t>(to[i] + v);
                part = static_cast<std::uint16_t>(part + v);
            }
            sum += part;
        }
        return sum;
    }
    /// The sum of squares of the means, each as often as it stands for values.
    [[nodiscard]] static std::uint64_t explained(const std::vector<std::uint32_t>& sums,
                                                 std::uint64_t each) noexcept {
        std::uint64_t out = 0;  // means below 256: at most 2^16 * values
        for (const std::uint64_t s : sums) out += (16 * s / each) * (16 * s / each) * each / 256;
        return out;
    }
    static void quantise(const std::vector<std::uint32_t>& sums, std::uint64_t each, std::int64_t mean,
                         std::int64_t step, std::vector<std::uint8_t>& out) {
        out.resize(sums.size());
        for (std::size_t i = 0; i < sums.size(); ++i) {
            const auto m = static_cast<std::int64_t>(16 * std::uint64_t{sums[i]} / each);
            const std::int64_t level = m - mean + 8 * step < 0 ? 0 : (m - mean + 8 * step) / step;
            out[i] = static_cast<std::uint8_t>(level > 15 ? 15 : level);
        }
    }
    [[nodiscard]] static std::uint64_t cost_of_levels(const std::vector<std::uint8_t>& levels) noexcept {
        std::uint32_t counts[scale_classes::levels] = {};
        for (const std::uint8_t v : levels) ++counts[v];
        return rough_cost(counts, scale_classes::levels) + (64 << 16);
    }
    /// At most `count` classes of about equal numbers of values, none of them empty; gives their number.
    [[nodiscard]] static unsigned by_mass(const std::vector<std::uint32_t>& by_sum, unsigned count,
                                          std::array<std::uint8_t, scale_classes::sums + 1>& out) noexcept {
        std::array<std::uint64_t, scale_classes::sums> mass{};
        std::uint64_t total = 0, below = 0;
        for (std::size_t s = 0; s < scale_classes::sums; ++s) {
            for (std::size_t v = 0; v < 256; ++v) mass[s] += by_sum[256 * s + v];
            total += mass[s];
        }
        unsigned used = 0;
        std::uint64_t last = ~std::uint64_t{0};
        for (std::size_t s = 0; s < scale_classes::sums; ++s) {
            const std::uint64_t wanted = (below + mass[s] / 2) * count / total;
            if (mass[s] != 0 && wanted != last) last = wanted, ++used;
            out[s] = static_cast<std::uint8_t>(used == 0 ? 0 : used - 1);
            below += mass[s];
        }
        out[scale_classes::sums] = static_cast<std::uint8_t>(used - 1);
        return used;
    }

    std::uint8_t floor_ = 0;
    std::uint64_t at_ = 0;
    std::vector<sums_of_cut> cuts_;
};

}  // namespace detail
}  // namespace pith::inline v1::codec
