// Low-rank parts: factors of a block, of what a quantizer loses, and factors beside chunks kept exactly.
// xKV (Chang et al., 2025): factors over several layers; GEAR (Kang et al., 2024): factors of the error;
// ShadowKV (Sun et al., 2024): factors, landmarks and outlier chunks of keys.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/core/exact.hpp>
#include <pith/kv/block_part.hpp>
#include <pith/kv/factors.hpp>
#include <pith/kv/selected_parts.hpp>

namespace pith::inline v1::kv {

namespace detail {

/// The factors as halves, left then right: 16 rank (rows + columns) bits. Left is scaled to entries about 1,
/// so that both keep the precision of halves.
inline void write_factors(byte_output& out, const factor_pair& factors) {
    const float unit = std::sqrt(static_cast<float>(factors.left.columns()));
    for (std::size_t j = 0; j < factors.left.rows(); ++j)
        for (const float v : factors.left.row(j)) put_half(out, v * unit);
    for (std::size_t j = 0; j < factors.right.rows(); ++j)
        for (const float v : factors.right.row(j)) put_half(out, v / unit);
}
[[nodiscard]] inline result<factor_pair> read_factors(byte_reader& in, std::size_t rank, std::size_t rows,
                                                      std::size_t columns) {
    rank = std::min(rank, std::min(rows, columns));
    if (in.remaining() / 2 < rank * (rows + columns))
        return in.fail(error_code::truncated, "the input ends inside the factors");
    factor_pair out{matrix(rank, rows), matrix(rank, columns)};
    for (std::size_t j = 0; j < rank; ++j)
        if (const auto done = read_halves(in, out.left.row(j)); !done) return done.error();
    for (std::size_t j = 0; j < rank; ++j)
        if (const auto done = read_halves(in, out.right.row(j)); !done) return done.error();
    return out;
}
/// y += left^T right, in a fixed order.
inline void add_product(const factor_pair& factors, view_2d<float> y) {
    std::vector<float> row(y.columns());
    for (std::size_t t = 0; t < y.rows(); ++t) {
        for (std::size_t c = 0; c < row.size(); ++c) row[c] = y(t, c);
        for (std::size_t j = 0; j < factors.left.rows(); ++j)
            exact::add_scaled(row, factors.left(j, t), factors.right.row(j));
        for (std::size_t c = 0; c < row.size(); ++c) y(t, c) = row[c];
    }
}
inline void set_zero(view_2d<float> y) noexcept {
    for (std::size_t r = 0; r < y.rows(); ++r)
        for (std::size_t c = 0; c < y.columns(); ++c) y(r, c) = 0;
}

}  // namespace detail

/// A leaf: factors of rank min(rank, tokens, columns). Layers: of how many consecutive layers the channels
/// lie side by side.
template <std::size_t Layers = 1>
struct low_rank {
    static constexpr auto text = detail::numbered_name("low rank", {Layers});
    static constexpr const char* name = text.data();
    static constexpr std::size_t layers = Layers;
    std::size_t rank = 16;

    [[nodiscard]] std::uint64_t fingerprint() const noexcept { return rank; }
    void write(view_2d<const float> x, const block_scope&, byte_output& out) const {
        if (!x.empty()) detail::write_factors(out, low_rank_factors(x, rank));
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope&, view_2d<float> y) const {
        const auto factors = detail::read_factors(in, rank, y.rows(), y.columns());
        if (!factors) return factors.error();
        detail::set_zero(y);
        detail::add_product(*factors, y);
        return {};
    }
};

/// A stage: what follows codes the matrix, then factors of its error are kept. Blocks of no more tokens than
/// `short_block` take `short_rank`.
struct error_factors {
    static constexpr const char* name = "error factors";
    std::size_t rank = 4, short_rank = 2, short_block = 64;

    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        return detail::mark{}.add(rank).add(short_rank).add(short_block).value();
    }
    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        std::vector<std::byte> coded;
        byte_output sink(coded);
        inner.write(x, scope, sink);
        out.append(readable_bytes(coded));
        if (x.empty()) return;
        matrix error(x.rows(), x.columns());
        byte_reader reader(readable_bytes(coded));
        [[maybe_unused]] const auto done = inner.read(reader, scope, error.view());
        PITH_ASSERT(done.has_value());
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) error(r, c) = x(r, c) - error(r, c);
        detail::write_factors(out, low_rank_factors(std::as_const(error).view(), rank_of(x.rows())));
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        if (const auto done = inner.read(in, scope, y); !done) return done.error();
        const auto factors = detail::read_factors(in, rank_of(y.rows()), y.rows(), y.columns());
        if (!factors) return factors.error();
        detail::add_product(*factors, y);
        return {};
    }

  private:
    [[nodiscard]] std::size_t rank_of(std::size_t tokens) const noexcept {
        return tokens <= short_block ? short_rank : rank;
    }
};

/// A leaf: the mean of every chunk of tokens (its landmark), the chunks least like their landmarks as halves,
/// factors for the others. Landmarks do not serve decoding: they say which chunks a query needs.
struct landmark_factors {
    static constexpr const char* name = "landmarks";
    std::size_t rank = 160, chunk = 8, exact_chunks = 48;

    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        return detail::mark{}.add(rank).add(chunk).add(exact_chunks).value();
    }
    void write(view_2d<const float> x, const block_scope&, byte_output& out) const {
        if (x.empty()) return;
        const matrix marks = means_of(x);
        halves{}.write(marks.view(), {}, out);
        std::vector<float> unlike(marks.rows());
        for (std::size_t k = 0; k < marks.rows(); ++k) unlike[k] = -least_cosine(rows_of(x, k), marks.row(k));
        const auto chosen = detail::largest_of(unlike, std::min(exact_chunks, marks.rows()));
        detail::write_mask(out, chosen, marks.rows());
        matrix rest(x);
        for (const std::size_t k : chosen) {
            halves{}.write(rows_of(x, k), {}, out);
            detail::set_zero(rows_of(rest.view(), k));
        }
        detail::write_factors(out, low_rank_factors(std::as_const(rest).view(), rank));
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope&, view_2d<float> y) const {
        if (y.empty()) return {};
        if (const auto marks = read_landmarks(in, y.rows(), y.columns()); !marks) return marks.error();
        const std::size_t n = chunks(y.rows());
        const auto chosen = detail::read_mask(in, n, std::min(exact_chunks, n));
        if (!chosen) return chosen.error();
        matrix exact_rows(y.rows(), y.columns());
        for (const std::size_t k : *chosen)
            if (const auto done = halves{}.read(in, {}, rows_of(exact_rows.view(), k)); !done)
                return done.error();
        const auto factors = detail::read_factors(in, rank, y.rows(), y.columns());
        if (!factors) return factors.error();
        detail::set_zero(y);
        detail::add_product(*factors, y);
        for (const std::size_t k : *chosen)
            copy_into(rows_of(std::as_const(exact_rows).view(), k), rows_of(y, k));
        return {};
    }
    /// One row for each chunk of a block of `tokens` tokens and `columns` channels.
    [[nodiscard]] result<matrix> landmarks(std::span<const std::byte> block, std::size_t tokens,
                                           std::size_t columns) const {
        byte_reader in(readable_bytes(block));
        return read_landmarks(in, tokens, columns);
    }

  private:
    [[nodiscard]] std::size_t chunks(std::size_t tokens) const noexcept {
        return (tokens + chunk - 1) / chunk;
    }
    template <class T>
    [[nodiscard]] view_2d<T> rows_of(view_2d<T> x, std::size_t k) const noexcept {
        return x.block(k * chunk, 0, std::min(chunk, x.rows() - k * chunk), x.columns());
    }
    [[nodiscard]] matrix means_of(view_2d<const float> x) const {
        matrix out(chunks(x.rows()), x.columns());
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) out(r / chunk, c) += x(r, c);
        for (std::size_t k = 0; k < out.rows(); ++k)
            for (float& v : out.row(k)) v /= static_cast<float>(rows_of(x, k).rows());
        return out;
    }
    [[nodiscard]] static float least_cosine(view_2d<const float> rows, std::span<const float> mark) noexcept {
        float least = 1;
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            double cross = 0, a = 0, b = 0;
            for (std::size_t c = 0; c < mark.size(); ++c) {
                cross += double{rows(r, c)} * double{mark[c]};
                a += double{rows(r, c)} * double{rows(r, c)};
                b += double{mark[c]} * double{mark[c]};
            }
            if (a > 0 && b > 0) least = std::min(least, static_cast<float>(cross / std::sqrt(a * b)));
        }
        return least;
    }
    [[nodiscard]] result<matrix> read_landmarks(byte_reader& in, std::size_t tokens,
                                                std::size_t columns) const {
        if (in.remaining() / 2 < chunks(tokens) * columns)
            return in.fail(error_code::truncated, "the input ends inside the landmarks");
        matrix out(chunks(tokens), columns);
        if (const auto done = halves{}.read(in, {}, out.view()); !done) return done.error();
        return out;
    }
};

}  // namespace pith::inline v1::kv
