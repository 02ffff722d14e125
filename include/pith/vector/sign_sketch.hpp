// QJL: the signs of a random projection and the norm, an unbiased sketch of inner products at one bit a
// value. Zandieh, Daliri and Han (2024). With an orthogonal projection in the place of a Gaussian one the
// variance is smaller, and the constant is that of a point on the sphere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/random.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/number_format.hpp>
#include <pith/simd/dot_exact.hpp>
#include <pith/simd/pack.hpp>
#include <pith/transform/concepts.hpp>
#include <pith/vector/assignment.hpp>

namespace pith::inline v1::vector {

/// m rows of n independent normal numbers: the projection of the published sketch. Not a rotation: its
/// inverse_into is the transpose. Exact.
template <simd::instruction_set Arch = simd::native>
class gaussian_projection {
  public:
    static constexpr bool orthogonal = false;

    gaussian_projection(std::size_t m, std::size_t n, std::uint64_t seed = 0) : matrix_(m * n), m_(m), n_(n) {
        random_sequence random(seed, 2);
        for (float& v : matrix_) v = static_cast<float>(random.gaussian());
    }
    [[nodiscard]] std::size_t input_size() const noexcept { return n_; }
    [[nodiscard]] std::size_t size() const noexcept { return m_; }
    void forward_into(std::span<const float> x, std::span<float> y) const noexcept {
        for (std::size_t r = 0; r < m_; ++r) y[r] = simd::dot_exact<Arch>(row(r), x);
    }
    void inverse_into(std::span<float> y, std::span<float> x) const noexcept {
        for (float& v : x) v = 0;
        for (std::size_t r = 0; r < m_; ++r) exact::add_scaled(x, y[r], row(r));
    }

  private:
    [[nodiscard]] std::span<const float> row(std::size_t r) const noexcept {
        return std::span(matrix_).subspan(r * n_, n_);
    }
    std::vector<float> matrix_;
    std::size_t m_, n_;
};

/// E |<s, x>| / |x| for a row s of the projection: sqrt(2 / pi) for normal rows, and
/// Gamma(d / 2) / (sqrt(pi) Gamma((d + 1) / 2)) for a random direction in d dimensions.
template <transform::vector_transform Projection>
[[nodiscard]] inline double mean_absolute(const Projection& projection) noexcept {
    if constexpr (!Projection::orthogonal) return 0.79788456080286536;
    // From d to d + 2 the ratio is d / (d + 1); it starts with 1 for d = 1 and 2 / pi for d = 2.
    const std::size_t d = projection.size();
    double value = d % 2 != 0 ? 1.0 : 0.63661977236758134;
    for (std::size_t k = d % 2 != 0 ? 1 : 2; k < d; k += 2)
        value = exact::mul(value, static_cast<double>(k) / static_cast<double>(k + 1));
    return value;
}

/// A scoring_quantizer of projection.size() bits and a norm. Law: over the draw of the projection, the mean
/// of score(prepare(q), code of x) is <q, x>.
template <transform::vector_transform Projection, quant::number_format Format = quant::number_format::fp32,
          simd::instruction_set Arch = simd::native>
class sign_sketch {
  public:
    using query = std::vector<float>;

    /// Precondition: projection.size() in 1..max_dimension.
    explicit sign_sketch(Projection projection)
        : projection_(std::move(projection)),
          weight_(static_cast<float>(
              1 / (static_cast<double>(projection_.size()) * mean_absolute(projection_)))) {
        PITH_ASSERT(projection_.size() >= 1 && projection_.size() <= max_dimension);
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return projection_.input_size(); }
    [[nodiscard]] std::size_t sign_size() const noexcept { return (projection_.size() + 7) / 8; }
    [[nodiscard]] std::size_t code_size() const noexcept { return sign_size() + quant::bytes_of(Format); }
    [[nodiscard]] quant::rational stored_bits() const noexcept { return {8 * code_size(), dimension()}; }

    /// Error: a value that is not finite, or a norm beyond its stored format.
    [[nodiscard]] result<void> encode_into(std::span<const float> x, byte_span code) const noexcept {
        PITH_ASSERT(x.size() == dimension() && code.size() == code_size());
        if (!all_finite(x)) return quant::not_finite();
        std::array<float, max_dimension> buffer;
        std::array<std::uint8_t, max_dimension> sign_buffer;
        const auto y = std::span(buffer).first(projection_.size());
        const auto signs = std::span(sign_buffer).first(y.size());
        double energy = 0;
        for (const float v : x) energy += exact::mul(double{v}, double{v});
        const double norm = exact::sqrt(energy);
        if (norm > double{quant::largest_of(Format)} || norm > double{largest_scale})
            return error{error_code::unsupported_parameter, 0, "a norm is too large for its stored format"};
        projection_.forward_into(x, y);
        for (std::size_t i = 0; i < y.size(); ++i) signs[i] = y[i] > 0;
        simd::pack<1, Arch>(signs, code.first(sign_size()));
        quant::store_number(Format, static_cast<float>(norm), code.data() + sign_size());
        return {};
    }
    /// The vector whose inner products are the scores. Error: bytes that no encoder writes.
    [[nodiscard]] result<void> decode_into(byte_view code, std::span<float> x) const noexcept {
        std::array<float, max_dimension> buffer;
        const auto y = std::span(buffer).first(projection_.size());
        if (const auto done = weights_into(code, y); !done) return done.error();
        projection_.inverse_into(y, x);
        return {};
    }
    [[nodiscard]] result<query> prepare(std::span<const float> q) const {
        PITH_ASSERT(q.size() == dimension());
        if (!all_finite(q)) return quant::not_finite();
        query out(projection_.size());
        projection_.forward_into(q, out);
        return out;
    }
    [[nodiscard]] float score(const query& q, byte_view code) const noexcept {
        std::array<float, max_dimension> buffer;
        const auto y = std::span(buffer).first(projection_.size());
        if (!weights_into(code, y)) return 0;
        return simd::dot_exact<Arch>(q, y);
    }

  private:
    /// The signs times the norm and the estimator's weight.
    [[nodiscard]] result<void> weights_into(byte_view code, std::span<float> y) const noexcept {
        PITH_ASSERT(code.size() == code_size());
        const float norm = quant::load_number(Format, code.data() + sign_size());
        if (!(norm >= 0 && norm <= largest_scale))
            return error{error_code::bad_stream, sign_size(), "a norm that no encoder writes"};
        if (y.size() % 8 != 0 && code[sign_size() - 1] >> (y.size() % 8) != 0)
            return error{error_code::bad_stream, sign_size() - 1, "bits behind the last sign are set"};
        const float size = norm * weight_;
        for (std::size_t i = 0; i < y.size(); ++i) y[i] = (code[i / 8] >> (i % 8) & 1) != 0 ? size : -size;
        return {};
    }

    Projection projection_;
    float weight_;
};

/// A vector_quantizer of two parts: the second codes what the first one leaves. TurboQuant-prod is an MSE
/// code of one bit less with a sign_sketch behind it; scores add up.
template <quant::scoring_quantizer First, quant::scoring_quantizer Second>
class residual_code {
  public:
    struct query {
        typename First::query first;
        typename Second::query second;
    };

    /// Precondition: equal dimensions, at most max_dimension.
    residual_code(First first, Second second) : first_(std::move(first)), second_(std::move(second)) {
        PITH_ASSERT(first_.dimension() == second_.dimension() && first_.dimension() <= max_dimension);
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return first_.dimension(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return first_.code_size() + second_.code_size(); }
    [[nodiscard]] quant::rational stored_bits() const noexcept { return {8 * code_size(), dimension()}; }

    [[nodiscard]] result<void> encode_into(std::span<const float> x, byte_span code) const noexcept {
        if (const auto done = first_.encode_into(x, code.first(first_.code_size())); !done)
            return done.error();
        std::array<float, max_dimension> buffer;
        const auto rest = std::span(buffer).first(dimension());
        if (const auto done = first_.decode_into(code.first(first_.code_size()), rest); !done)
            return done.error();
        for (std::size_t i = 0; i < rest.size(); ++i) rest[i] = x[i] - rest[i];
        return second_.encode_into(rest, code.subspan(first_.code_size()));
    }
    [[nodiscard]] result<void> decode_into(byte_view code, std::span<float> x) const noexcept {
        std::array<float, max_dimension> buffer;
        const auto rest = std::span(buffer).first(dimension());
        if (const auto done = first_.decode_into(code.first(first_.code_size()), x); !done)
            return done.error();
        if (const auto done = second_.decode_into(code.subspan(first_.code_size()), rest); !done)
            return done.error().shifted_by(first_.code_size());
        for (std::size_t i = 0; i < rest.size(); ++i) x[i] += rest[i];
        return {};
    }
    [[nodiscard]] result<query> prepare(std::span<const float> q) const {
        auto first = first_.prepare(q);
        if (!first) return first.error();
        auto second = second_.prepare(q);
        if (!second) return second.error();
        return query{*std::move(first), *std::move(second)};
    }
    [[nodiscard]] float score(const query& q, byte_view code) const noexcept {
        return first_.score(q.first, code.first(first_.code_size())) +
               second_.score(q.second, code.subspan(first_.code_size()));
    }

  private:
    First first_;
    Second second_;
};

}  // namespace pith::inline v1::vector
