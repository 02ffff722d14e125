// The low-rank correction of a weight error that leaves the least output error, without a factor of H.
// EoRA (Liu and others, 2024) is B A with B = U_r, A = U_r^T D, where U_r spans the top of D H D^T. Seen so,
// no inverse and no root of H is needed, and a rank-deficient H does no harm.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/number.hpp>
#include <pith/linalg/svd_solvers.hpp>
#include <pith/lowrank/metric.hpp>

namespace pith::inline v1::lowrank {

/// left (m x r) times right (r x n).
struct factors {
    matrix<float> left, right;
    [[nodiscard]] std::size_t rank() const noexcept { return left.columns(); }
    [[nodiscard]] matrix<float> product() const { return linalg::multiply<float>(left, right); }
    /// x (n x k) through both factors, m x k, without forming the product.
    [[nodiscard]] matrix<float> apply(view_2d<const float> x) const {
        return linalg::multiply<float>(left, linalg::multiply<float>(right, x));
    }
};

/// m x r times r x n.
struct factor_shape {
    std::uint64_t rows = 0, rank = 0, columns = 0;
};

/// Three varints from outside, as coded factors begin. Errors: bad_header for a side that is 0 or above 2^28,
/// limit_exceeded when the product would be larger than the bound's output.
[[nodiscard]] inline result<factor_shape> read_factor_shape(byte_reader& from, const limits& bound) {
    factor_shape out;
    for (std::uint64_t* const side : {&out.rows, &out.rank, &out.columns}) {
        const auto got = from.read_varint();
        if (!got) return got.error();
        *side = *got;
        if (*side == 0 || *side > std::uint64_t{1} << 28)
            return from.fail(error_code::bad_header, "no such factors");
    }
    if (out.rows > bound.max_output / sizeof(float) / out.columns)
        return from.fail(error_code::limit_exceeded, "the weights are larger than the limit");
    return out;
}

/// D H D^T as an operator.
template <input_metric Metric>
class weighted_square {
  public:
    /// Both must outlive the operator.
    weighted_square(view_2d<const float> d, const Metric& metric) noexcept : d_(d), metric_(&metric) {}
    [[nodiscard]] std::size_t rows() const noexcept { return d_.rows(); }
    [[nodiscard]] std::size_t columns() const noexcept { return d_.rows(); }
    [[nodiscard]] matrix<float> multiply(view_2d<const float> v) const {
        const matrix<float> inner = linalg::multiply<float>(d_.transposed(), v);
        return linalg::multiply<float>(d_, metric_->apply(inner.view()));
    }
    [[nodiscard]] matrix<float> multiply_transposed(view_2d<const float> v) const { return multiply(v); }

  private:
    view_2d<const float> d_;
    const Metric* metric_;
};

/// The best correction of rank <= `rank` of the error d (m x n) in the metric. One policy for EoRA, SVD-LLM
/// and Dobi-SVD (full metric; d = W for the latter two), SLiM, LQER and ASVD (diagonal), and plain
/// decomposition.
template <linalg::svd_solver Solver = linalg::randomized>
struct compensator {
    Solver solver{};  ///< on D H D^T: a power step counts twice

    /// Rank 0 gives no columns, and so does d = 0. Law: metric.error(d - product) <= metric.error(d). Errors:
    /// unsupported_parameter for shapes or values that are not finite. Encoder-side.
    template <input_metric Metric>
    [[nodiscard]] result<factors> operator()(input<float> d, const Metric& metric, std::size_t rank,
                                             std::uint64_t seed = 1) const {
        if (d.columns() != metric.dimension()) return linalg::wrong_shape();
        if (!linalg::all_finite<float>(d)) return linalg::not_finite();
        if (rank == 0 || d.empty()) return factors{matrix<float>(d.rows(), 0), matrix<float>(0, d.columns())};
        auto top = solver(weighted_square<Metric>(d, metric), rank, seed);
        if (!top) return top.error();
        factors out;
        out.left = std::move(top->left);
        out.right = linalg::multiply<float>(out.left.view().transposed(), d);
        balance(out);
        return out;
    }

  private:
    /// Makes column i of left and row i of right equally long, for storage in short formats.
    static void balance(factors& f) noexcept {
        for (std::size_t i = 0; i < f.rank(); ++i) {
            const double length =
                std::sqrt(linalg::squared_norm<float>(f.right.view().block(i, 0, 1, f.right.columns())));
            const auto factor = static_cast<float>(length > 0 ? std::sqrt(length) : 1);
            for (float& v : f.right.row(i)) v /= factor;
            for (std::size_t r = 0; r < f.left.rows(); ++r) f.left(r, i) *= factor;
        }
    }
};

/// A way to store factors: what is read back, and the bytes that it takes.
template <class S>
concept factor_store = requires(const S s, view_2d<const float> values) {
    { s(values) } -> std::same_as<result<std::pair<matrix<float>, std::vector<std::uint8_t>>>>;
};

/// 16 bits a value. Errors: unsupported_parameter when a value is too large for half.
struct half_store {
    [[nodiscard]] result<std::pair<matrix<float>, std::vector<std::uint8_t>>> operator()(
        view_2d<const float> values) const {
        std::pair<matrix<float>, std::vector<std::uint8_t>> out{
            matrix<float>(values.rows(), values.columns()), {}};
        vector_sink sink(out.second);
        for (std::size_t r = 0; r < values.rows(); ++r)
            for (std::size_t c = 0; c < values.columns(); ++c) {
                const half v(values(r, c));
                out.first(r, c) = float(v);
                put_le<std::uint16_t>(sink, v.bits);
            }
        if (!linalg::all_finite<float>(out.first))
            return error{error_code::unsupported_parameter, 0, "a factor is too large for its storage"};
        return out;
    }
};

/// Factors as a decoder will have them.
struct stored_factors {
    factors values;
    std::size_t bytes = 0;
};

/// left^+ d, the best right factor in every metric of the inputs, because the metric cancels; `instead` where
/// the columns of left are not independent. An adjustment of 1e-6 keeps the normal equations regular.
[[nodiscard]] inline matrix<float> refit_right(const matrix<float>& left, view_2d<const float> d,
                                               const matrix<float>& instead) {
    const auto transposed = left.view().transposed();
    const auto gram = matrix<double>::copy_of(linalg::multiply<float>(transposed, left).view());
    auto factor = linalg::factor_damped(gram, {.share = 1e-6});
    if (!factor || left.columns() == 0) return instead;
    linalg::invert_upper(factor->upper.view());
    const auto inverse = linalg::multiply<double>(factor->upper.view().transposed(), factor->upper);
    return linalg::multiply<float>(matrix<float>::copy_of(inverse.view()),
                                   linalg::multiply<float>(transposed, d));
}

/// Stores left, then fits right anew to what left has become, then stores right.
template <factor_store Store>
[[nodiscard]] result<stored_factors> store_factors(const factors& exact, input<float> d, const Store& store) {
    stored_factors out;
    auto left = store(exact.left.view());
    if (!left) return left.error();
    auto right = store(refit_right(left->first, d, exact.right).view());
    if (!right) return right.error();
    out.bytes = left->second.size() + right->second.size();
    out.values = {std::move(left->first), std::move(right->first)};
    return out;
}

}  // namespace pith::inline v1::lowrank
