// Parts that treat values by their size or rank: outliers apart, small values dropped, two classes of tokens
// or channels. GEAR (Kang et al., 2024) and KVQuant (Hooper et al., 2024): outliers; Mustafar (Joo et al.,
// 2025): bitmaps; ZipCache (He et al., 2024) and MiKV (Yang et al., 2024): tokens; VidKV (Tao et al., 2025)
// and QJL: channels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/kv/block_part.hpp>
#include <pith/quant/groups.hpp>

namespace pith::inline v1::kv {

namespace detail {

/// n * thousandths / 1000, rounded; n < 2^48 and thousandths <= 1000 keep the product within 58 bits.
[[nodiscard]] constexpr std::size_t share_of(std::size_t thousandths, std::size_t n) noexcept {
    return (n * thousandths + 500) / 1000;
}
/// The indices of the `count` largest scores, ascending; of equal ones the later.
[[nodiscard]] inline std::vector<std::size_t> largest_of(std::span<const float> scores, std::size_t count) {
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return scores[a] > scores[b] || (scores[a] == scores[b] && a > b);
    });
    order.resize(std::min(count, order.size()));
    std::sort(order.begin(), order.end());
    return order;
}
/// The indices that are not in `chosen`, which is ascending.
[[nodiscard]] inline std::vector<std::size_t> others_of(std::span<const std::size_t> chosen, std::size_t n) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0, k = 0; i < n; ++i) {
        if (k < chosen.size() && chosen[k] == i)
            ++k;
        else
            out.push_back(i);
    }
    return out;
}
inline void write_mask(byte_output& out, std::span<const std::size_t> chosen, std::size_t n) {
    bit_writer writer(out);
    for (std::size_t i = 0, k = 0; i < n; ++i) {
        const bool in = k < chosen.size() && chosen[k] == i;
        k += in;
        writer.put(in, 1);
    }
    writer.finish();
}
/// The indices of a mask of n bits of which `count` are set.
[[nodiscard]] inline result<std::vector<std::size_t>> read_mask(byte_reader& in, std::size_t n,
                                                                std::size_t count) {
    const auto bytes = in.read_bytes((n + 7) / 8);
    if (!bytes) return bytes.error();
    bit_reader reader(*bytes);
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < n; ++i)
        if (reader.get(1) != 0) out.push_back(i);
    if (out.size() != count || !reader.padding_is_zero())
        return in.fail(error_code::bad_stream, "a mask that no encoder writes");
    return out;
}

}  // namespace detail

/// A stage: takes Thousandths of the values of each channel (or token), half of them the largest and half the
/// smallest, out as halves with their indices (16 bits, 32 in lines above 65536), leaving the middle of the
/// remaining range.
template <quant::axis Along, std::size_t Thousandths = 20>
requires(Along != quant::axis::tensor && Thousandths <= 1000) struct outliers {
    static constexpr auto text =
        detail::numbered_name("outliers", {static_cast<std::size_t>(Along), Thousandths});
    static constexpr const char* name = text.data();

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        matrix rest(x);
        const auto lines = oriented(rest.view());
        for (std::size_t l = 0; l < lines.rows(); ++l) write_line(lines.row(l), out);
        inner.write(std::as_const(rest).view(), scope, out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        const auto lines = oriented(y);
        const std::size_t each = 2 * detail::share_of(Thousandths, lines.columns() / 2);
        const std::size_t width = lines.columns() > 65536 ? 4 : 2;
        const auto stored = in.read_bytes(lines.rows() * each * (width + 2));
        if (!stored) return stored.error();
        if (const auto done = inner.read(in, scope, y); !done) return done.error();
        byte_reader values(*stored);
        for (std::size_t l = 0; l < lines.rows(); ++l)
            if (const auto done = restore_line(values, each, width, lines.row(l)); !done) return done.error();
        return {};
    }

  private:
    template <class T>
    [[nodiscard]] static view_2d<T> oriented(view_2d<T> x) noexcept {
        return Along == quant::axis::channel ? x.transposed() : x;
    }
    void write_line(strided_span<float> line, byte_output& out) const {
        const std::size_t side = detail::share_of(Thousandths, line.size() / 2);
        std::vector<std::size_t> order(line.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return line[a] < line[b] || (line[a] == line[b] && a < b);
        });
        if (side == 0) return;
        const bool any = 2 * side < order.size();
        const float middle = any ? line[order[side]] / 2 + line[order[order.size() - 1 - side]] / 2 : 0;
        order.erase(order.begin() + static_cast<std::ptrdiff_t>(side),
                    order.end() - static_cast<std::ptrdiff_t>(std::min(side, order.size() - side)));
        std::sort(order.begin(), order.end());
        for (const std::size_t i : order) {
            if (line.size() > 65536)
                put_le<std::uint32_t>(out, static_cast<std::uint32_t>(i));
            else
                put_le<std::uint16_t>(out, static_cast<std::uint16_t>(i));
            put_half(out, line[i]);
            line[i] = middle;
        }
    }
    static result<void> restore_line(byte_reader& in, std::size_t count, std::size_t width,
                                     strided_span<float> line) noexcept {
        std::size_t next = 0;
        for (std::size_t k = 0; k < count; ++k) {
            std::size_t at = 0;
            if (width == 2) {
                at = in.read_le<std::uint16_t>().value_or(0);
            } else {
                at = in.read_le<std::uint32_t>().value_or(0);
            }
            const auto value = read_half(in);
            if (!value) return value.error();
            if (at < next || at >= line.size())
                return in.fail(error_code::bad_stream, "outliers out of order or out of the line");
            line[at] = *value;
            next = at + 1;
        }
        return {};
    }
};

/// A stage: of each row only Thousandths of its values, those of largest magnitude; a mask of one bit a
/// value, and the survivors as a matrix of their own, which is what follows. The other values are read as
/// zero.
template <std::size_t Thousandths = 500>
requires(Thousandths <= 1000) struct largest_kept {
    static constexpr auto text = detail::numbered_name("largest", {Thousandths});
    static constexpr const char* name = text.data();

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        const std::size_t count = detail::share_of(Thousandths, x.columns());
        matrix survivors(x.rows(), count);
        std::vector<float> sizes(x.columns());
        for (std::size_t r = 0; r < x.rows(); ++r) {
            for (std::size_t c = 0; c < sizes.size(); ++c) sizes[c] = std::abs(x(r, c));
            const auto chosen = detail::largest_of(sizes, count);
            detail::write_mask(out, chosen, sizes.size());
            for (std::size_t k = 0; k < count; ++k) survivors(r, k) = x(r, chosen[k]);
        }
        inner.write(std::as_const(survivors).view(), scope_of_columns(scope, count), out);
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        const std::size_t count = detail::share_of(Thousandths, y.columns());
        std::vector<std::vector<std::size_t>> masks;
        for (std::size_t r = 0; r < y.rows(); ++r) {
            auto mask = detail::read_mask(in, y.columns(), count);
            if (!mask) return mask.error();
            masks.push_back(*std::move(mask));
        }
        matrix survivors(y.rows(), count);
        if (const auto done = inner.read(in, scope_of_columns(scope, count), survivors.view()); !done)
            return done.error();
        for (std::size_t r = 0; r < y.rows(); ++r) {
            for (std::size_t c = 0; c < y.columns(); ++c) y(r, c) = 0;
            for (std::size_t k = 0; k < count; ++k) y(r, masks[r][k]) = survivors(r, k);
        }
        return {};
    }
};

/// A leaf: the Percent of tokens that the scope's saliency puts first, else the newest, goes to High, the
/// others to Low; one bit a token says which.
template <std::size_t Percent, block_part High, block_part Low>
requires(Percent <= 100) class token_classes {
  public:
    static constexpr auto text = detail::joined_names<High, Low>::text;
    static constexpr const char* name = text.data();
    static constexpr bool uses_queries = detail::needs<High, Low>::uses_queries;

    token_classes() = default;
    token_classes(High high, Low low) : high_(std::move(high)), low_(std::move(low)) {}
    [[nodiscard]] std::uint64_t fingerprint() const {
        return detail::mark{}.add_part(high_).add_part(low_).value();
    }

    void write(view_2d<const float> x, const block_scope& scope, byte_output& out) const {
        const std::size_t n = x.rows(), count = detail::share_of(10 * Percent, n);
        PITH_ASSERT(scope.saliency.empty() || scope.saliency.size() == n);
        std::vector<float> scores(n);
        for (std::size_t t = 0; t < scope.saliency.size(); ++t)
            scores[t] = scope.saliency[t] == scope.saliency[t] ? scope.saliency[t] : -1e38F;  // NaN is last
        const auto chosen = detail::largest_of(scores, count);
        detail::write_mask(out, chosen, n);
        write_class(high_, x, scope, chosen, out);
        write_class(low_, x, scope, detail::others_of(chosen, n), out);
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y) const {
        const auto chosen = detail::read_mask(in, y.rows(), detail::share_of(10 * Percent, y.rows()));
        if (!chosen) return chosen.error();
        if (const auto done = read_class(high_, in, scope, *chosen, y); !done) return done.error();
        return read_class(low_, in, scope, detail::others_of(*chosen, y.rows()), y);
    }

  private:
    /// The scope of some of the tokens, with their positions, which it refers to.
    struct class_scope {
        class_scope(const block_scope& whole, std::span<const std::size_t> tokens) : scope(whole) {
            for (const std::size_t t : tokens)
                positions.push_back(t < whole.positions.size() ? whole.positions[t] : 0);
            scope.positions = positions;
            scope.saliency = {};
            scope.previous_keys = scope.previous_values = scope.current_keys = {};
        }
        std::vector<std::uint32_t> positions;
        block_scope scope;
    };
    template <class Part>
    static void write_class(const Part& part, view_2d<const float> x, const block_scope& scope,
                            std::span<const std::size_t> tokens, byte_output& out) {
        matrix rows(tokens.size(), x.columns());
        for (std::size_t t = 0; t < tokens.size(); ++t)
            copy_into(x.block(tokens[t], 0, 1, x.columns()), rows.view().block(t, 0, 1, x.columns()));
        part.write(std::as_const(rows).view(), class_scope(scope, tokens).scope, out);
    }
    template <class Part>
    static result<void> read_class(const Part& part, byte_reader& in, const block_scope& scope,
                                   std::span<const std::size_t> tokens, view_2d<float> y) {
        matrix rows(tokens.size(), y.columns());
        if (const auto done = part.read(in, class_scope(scope, tokens).scope, rows.view()); !done)
            return done.error();
        for (std::size_t t = 0; t < tokens.size(); ++t)
            copy_into(std::as_const(rows).view().block(t, 0, 1, y.columns()),
                      y.block(tokens[t], 0, 1, y.columns()));
        return {};
    }

    High high_;
    Low low_;
};

/// How channels are ordered.
enum class channel_order : std::uint8_t { range, norm };

/// A leaf: the `count` channels of largest range (or norm) over the block go to High, the others to Low; one
/// bit a channel says which. High and Low see a matrix of those channels. Precondition: count <= columns.
template <channel_order Order, block_part High, block_part Low>
class channel_classes {
  public:
    static constexpr auto text = detail::joined_names<High, Low>::text;
    static constexpr const char* name = text.data();

    channel_classes(std::size_t count, High high, Low low)
        : high_(std::move(high)), low_(std::move(low)), count_(count) {}
    [[nodiscard]] std::uint64_t fingerprint() const {
        return detail::mark{}.add(count_).add_part(high_).add_part(low_).value();
    }

    void write(view_2d<const float> x, const block_scope& scope, byte_output& out) const {
        PITH_ASSERT(count_ <= x.columns());
        std::vector<float> scores(x.columns());
        for (std::size_t c = 0; c < scores.size(); ++c) scores[c] = score(x.column(c));
        const auto chosen = detail::largest_of(scores, count_);
        detail::write_mask(out, chosen, scores.size());
        write_class(high_, x, scope, chosen, out);
        write_class(low_, x, scope, detail::others_of(chosen, scores.size()), out);
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y) const {
        PITH_ASSERT(count_ <= y.columns());
        const auto chosen = detail::read_mask(in, y.columns(), count_);
        if (!chosen) return chosen.error();
        if (const auto done = read_class(high_, in, scope, *chosen, y); !done) return done.error();
        return read_class(low_, in, scope, detail::others_of(*chosen, y.columns()), y);
    }

  private:
    [[nodiscard]] static float score(strided_span<const float> line) noexcept {
        float low = 0, high = 0, energy = 0;
        for (std::size_t i = 0; i < line.size(); ++i) {
            low = i == 0 ? line[i] : std::min(low, line[i]);
            high = i == 0 ? line[i] : std::max(high, line[i]);
            energy += line[i] * line[i];
        }
        return Order == channel_order::range ? high - low : energy;
    }
    template <class Part>
    static void write_class(const Part& part, view_2d<const float> x, const block_scope& scope,
                            std::span<const std::size_t> channels, byte_output& out) {
        matrix columns(x.rows(), channels.size());
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < channels.size(); ++c) columns(r, c) = x(r, channels[c]);
        part.write(std::as_const(columns).view(), scope_of_columns(scope, channels.size()), out);
    }
    template <class Part>
    static result<void> read_class(const Part& part, byte_reader& in, const block_scope& scope,
                                   std::span<const std::size_t> channels, view_2d<float> y) {
        matrix columns(y.rows(), channels.size());
        if (const auto done = part.read(in, scope_of_columns(scope, channels.size()), columns.view()); !done)
            return done.error();
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < channels.size(); ++c) y(r, channels[c]) = columns(r, c);
        return {};
    }

    High high_;
    Low low_;
    std::size_t count_;
};

}  // namespace pith::inline v1::kv
