// Weights as a stack of blocks, signs times a low-rank matrix of magnitudes: every prefix is a coarser
// matrix. BitStack (Wang and others, 2024): the residual is scaled by its inputs, split into signs and
// absolute values, and the absolute values are cut to rank k; what is left goes into the next block.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/core/limits.hpp>
#include <pith/lowrank/compensator.hpp>

namespace pith::inline v1::lowrank {

struct sign_block_options {
    std::size_t rank = 16;   ///< of the magnitudes in a block, >= 1
    std::size_t blocks = 4;  ///< each takes a bit a weight and rank (m + n) values of 16 bits
    std::uint64_t seed = 1;
};

struct sign_block_result {
    std::vector<std::uint8_t> bytes;  ///< what decode_sign_blocks reads, all of it or to the end of any block
    matrix<float> values;             ///< of all blocks
    std::vector<double> trace;        ///< weighed squared error without any block and after each
    std::size_t head = 0, block = 0;  ///< bytes in front of the blocks, and of each
};

namespace detail {

/// Roots of moments relative to their mean, as they are stored: positive.
inline std::vector<half> input_scales(std::span<const double> moments) {
    double mean = 0;
    for (const double v : moments) mean += v / static_cast<double>(moments.size());
    std::vector<half> out;
    for (const double v : moments) {
        const double relative = mean > 0 ? std::sqrt(v / mean) : 1;
        out.emplace_back(static_cast<float>(relative < 1e-3 ? 1e-3 : relative > 1e4 ? 1e4 : relative));
    }
    return out;
}

inline void scale_columns(matrix<float>& a, const std::vector<half>& scales, bool divide) {
    for (std::size_t r = 0; r < a.rows(); ++r)
        for (std::size_t c = 0; c < a.columns(); ++c)
            a(r, c) = divide ? a(r, c) / float(scales[c]) : a(r, c) * float(scales[c]);
}

/// Signs, left and right of one block; what it adds is taken from rest.
template <linalg::svd_solver Solver>
result<void> put_block(vector_sink& sink, matrix<float>& rest, const Solver& solver, std::size_t rank,
                       std::uint64_t seed) {
    matrix<float> sizes(rest.rows(), rest.columns());
    bit_writer<vector_sink> signs(sink);
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const bool negative = rest.data()[i] < 0;
        sizes.data()[i] = negative ? -rest.data()[i] : rest.data()[i];
        signs.put(negative ? 1 : 0, 1);
    }
    signs.finish();
    auto exact = compensator<Solver>{solver}(sizes.view(), plain_metric(rest.columns()), rank, seed);
    if (!exact) return exact.error();
    factors all{matrix<float>(rest.rows(), rank), matrix<float>(rank, rest.columns())};
    linalg::copy<float>(exact->left, all.left.view().block(0, 0, rest.rows(), exact->rank()));
    linalg::copy<float>(exact->right, all.right.view().block(0, 0, exact->rank(), rest.columns()));
    for (matrix<float>* m : {&all.left, &all.right}) {
        auto stored = half_store{}(m->view());
        if (!stored) return stored.error();
        sink.append(stored->second);
        *m = std::move(stored->first);
    }
    const matrix<float> product = all.product();
    for (std::size_t i = 0; i < product.size(); ++i)
        rest.data()[i] += rest.data()[i] < 0 ? product.data()[i] : -product.data()[i];
    return {};
}

/// Reads the next block and adds it. The input must have it.
inline result<void> get_block(byte_reader& in, std::size_t rank, matrix<float>& out) {
    const auto signs = in.read_bytes((out.size() + 7) / 8);
    factors f{matrix<float>(out.rows(), rank), matrix<float>(rank, out.columns())};
    for (matrix<float>* m : {&f.left, &f.right})
        for (std::size_t i = 0; i < m->size(); ++i)
            m->data()[i] = float(half::from_bits(*in.read_le<std::uint16_t>()));
    bit_reader from(*signs);
    const matrix<float> product = f.product();
    for (std::size_t i = 0; i < out.size(); ++i)
        out.data()[i] += from.get(1) != 0 ? -product.data()[i] : product.data()[i];
    if (!from.padding_is_zero() || !linalg::all_finite<float>(out))
        return in.fail(error_code::bad_stream, "a block that no encoder writes");
    return {};
}

}  // namespace detail

/// The weights of the first `most` blocks of a stream of stack_sign_blocks, or of as many as there are.
/// Errors: of outside bytes; limit_exceeded when the weights take more than at_most.max_output bytes.
[[nodiscard]] inline result<matrix<float>> decode_sign_blocks(byte_view in,
                                                              std::uint64_t most = ~std::uint64_t{0},
                                                              const limits& at_most = {}) {
    byte_reader reader(in);
    std::uint64_t shape[3] = {};
    if (const auto ok = reader.read_varints(shape); !ok) return ok.error();
    const auto [rows, columns, rank] = shape;
    if (rows == 0 || columns == 0 || rank == 0 || rank > 0xFFFF || rows > 0xFFFF'FFFF ||
        columns > 0xFFFF'FFFF)
        return reader.fail(error_code::bad_header, "no such matrix");
    if (columns > at_most.max_output / sizeof(float) / rows)
        return reader.fail(error_code::limit_exceeded, "the weights are larger than the limit");
    if (reader.remaining() < 2 * columns)
        return reader.fail(error_code::truncated, "the input ends inside the scales");
    std::vector<half> scales;
    for (std::uint64_t c = 0; c < columns; ++c) {
        scales.push_back(half::from_bits(*reader.read_le<std::uint16_t>()));
        if (!(float(scales.back()) > 0 && std::isfinite(float(scales.back()))))
            return reader.fail(error_code::bad_stream, "a scale is not positive");
    }
    // rows, columns < 2^32, rank < 2^16: no overflow.
    const std::uint64_t signs = (rows * columns + 7) / 8, block = signs + 2 * rank * (rows + columns);
    if (reader.remaining() % block != 0)
        return reader.fail(error_code::truncated, "the input ends inside a block");
    matrix<float> out(rows, columns);
    for (std::uint64_t k = reader.remaining() / block; k > 0 && most > 0; --k, --most)
        if (const auto got = detail::get_block(reader, rank, out); !got) return got.error();
    detail::scale_columns(out, scales, true);
    return out;
}

/// Weights (m x n), with the second moments of the inputs (n values, >= 0) as metric. Law: the trace falls,
/// but for what half precision of the factors adds. Errors: unsupported_parameter for shapes or values that
/// are not finite.
template <linalg::svd_solver Solver = linalg::randomized>
[[nodiscard]] result<sign_block_result> stack_sign_blocks(input<float> weights,
                                                          std::span<const double> moments,
                                                          sign_block_options options = {},
                                                          const Solver& solver = {}) {
    if (moments.size() != weights.columns() || weights.empty() || options.rank == 0 || options.rank > 0xFFFF)
        return linalg::wrong_shape();
    if (!linalg::all_finite<float>(weights)) return linalg::not_finite();
    sign_block_result out;
    vector_sink sink(out.bytes);
    const std::vector<half> scales = detail::input_scales(moments);
    for (const std::size_t v : {weights.rows(), weights.columns(), options.rank}) put_varint(sink, v);
    for (const half v : scales) put_le<std::uint16_t>(sink, v.bits);
    out.head = out.bytes.size();
    auto rest = matrix<float>::copy_of(weights);
    detail::scale_columns(rest, scales, false);
    out.trace.push_back(linalg::squared_norm<float>(rest));
    for (std::size_t k = 0; k < options.blocks; ++k) {
        if (const auto put = detail::put_block(sink, rest, solver, options.rank, options.seed + k); !put)
            return put.error();
        out.trace.push_back(linalg::squared_norm<float>(rest));
        out.block = (out.bytes.size() - out.head) / (k + 1);
    }
    auto values = decode_sign_blocks(out.bytes, ~std::uint64_t{0}, no_limits);
    if (!values) return values.error();
    out.values = std::move(*values);
    return out;
}

}  // namespace pith::inline v1::lowrank
