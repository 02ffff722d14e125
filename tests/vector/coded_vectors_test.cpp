#include <pith/quant/entropy_coded_scalar.hpp>
#include <pith/vector/coded_vectors.hpp>
#include <pith/vector/entropy_coded_trellis.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;
using by_column = pith::quant::entropy_coded_scalar<pith::quant::scalar_options{.per_column = true}>;
using scalar = vector::coded_vectors<by_column>;
using trellis =
    vector::coded_vectors<vector::entropy_coded_trellis<8, pith::quant::scalar_options{.per_column = true}>>;

/// A matrix's shape and nothing else: what a coder has to offer at least.
struct no_coder {
    static pith::result<std::vector<std::uint8_t>> encode_to(pith::view_2d<const float> in,
                                                             pith::quant::rate_target) {
        std::vector<std::uint8_t> out;
        pith::vector_sink sink(out);
        for (std::size_t r = 0; r < in.rows(); ++r)
            for (std::size_t c = 0; c < in.columns(); ++c)
                pith::put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(in(r, c)));
        out.resize(out.size() / 32);  // claims to be small: only the shape is kept
        return out;
    }
    static pith::result<void> decode_into(pith::byte_view, pith::view_2d<float> out) {
        for (std::size_t r = 0; r < out.rows(); ++r)
            for (std::size_t c = 0; c < out.columns(); ++c) out(r, c) = 1;
        return {};
    }
};

template <class Coded>
matrix decoded(const matrix& in, vector::coded_vectors_options options, std::size_t* size = nullptr) {
    const auto stream = Coded::encode(in.view(), options);
    REQUIRE(stream.has_value());
    if (size != nullptr) *size = stream->size();
    const auto out = Coded::decode(*stream);
    REQUIRE(out.has_value());
    REQUIRE(out->rows == in.rows);
    matrix again(in.rows, in.columns);
    again.values = out->values;
    return again;
}

double product(const matrix& a, std::size_t i, const matrix& b, std::size_t j) {
    double sum = 0;
    for (std::size_t c = 0; c < a.columns; ++c) sum += double{a(i, c)} * double{b(j, c)};
    return sum;
}

}  // namespace

TEST_CASE("coded vectors meet their rate, and a trellis leaves less error than steps alone", "[vector]") {
    matrix in = correlated(3000, 24, 1);
    for (float& v : in.values) v += 0.5F;
    const matrix none(in.rows, in.columns);
    for (const double bits : {2.0, 4.0}) {
        std::size_t size = 0;
        const matrix plain = decoded<scalar>(in, {.bits = bits}, &size);
        const double shared = 4 * 24 * 26 + 8;
        const double rate = 8 * (static_cast<double>(size) - shared) / (3000.0 * 24);
        CHECK(rate <= bits + 0.002);
        CHECK(rate > bits - 0.15);
        const matrix better = decoded<trellis>(in, {.bits = bits});
        CHECK(squared_error(in, better) < 0.95 * squared_error(in, plain));
    }
}

TEST_CASE("a decoded vector has nearly the inner product with the vector that this has with itself",
          "[vector]") {
    const matrix in = gaussian(500, 32, 2, 0.3F);
    const matrix out = decoded<scalar>(in, {.bits = 2});
    double worst = 0;
    for (std::size_t r = 0; r < in.rows; ++r)
        worst = std::max(worst, std::abs(product(out, r, in, r) / product(in, r, in, r) - 1));
    CHECK(worst < 0.05);  // half a step of the factor
}

TEST_CASE("finer steps along what queries have most of make inner products better", "[vector]") {
    matrix in = gaussian(2000, 16, 3), queries = gaussian(200, 16, 4);
    for (matrix* m : {&in, &queries})
        for (std::size_t r = 0; r < m->rows; ++r)
            for (std::size_t c = 0; c < 16; ++c) (*m)(r, c) *= c < 2 ? 6.0F : 1.0F;
    const auto error = [&](double emphasis) {
        const matrix out = decoded<scalar>(in, {.bits = 3, .emphasis = emphasis});
        double sum = 0;
        for (std::size_t q = 0; q < queries.rows; ++q)
            for (std::size_t r = 0; r < in.rows; ++r)
                sum += std::pow(product(queries, q, out, r) - product(queries, q, in, r), 2);
        return sum;
    };
    CHECK(error(0.5) < 0.8 * error(0));
}

TEST_CASE("coded vectors take few, equal and zero vectors", "[vector]") {
    for (const std::size_t rows : {1U, 2U, 7U})
        for (const std::size_t columns : {1U, 3U, 33U}) {
            const matrix in = gaussian(rows, columns, rows + columns);
            if (const auto stream = scalar::encode(in.view(), {.bits = 40})) {
                const auto out = scalar::decode(*stream);
                REQUIRE(out.has_value());
                CHECK(out->rows == rows);
                CHECK(out->columns == columns);
            }
        }
    matrix equal(200, 5);
    for (std::size_t i = 0; i < equal.values.size(); ++i) equal.values[i] = static_cast<float>(i % 5);
    CHECK(squared_error(equal, decoded<scalar>(equal, {})) < 1e-6);
    const matrix zero(200, 5);
    CHECK(decoded<trellis>(zero, {}).values == zero.values);
}

TEST_CASE("coded vectors are refused when empty or no numbers, and their coder is a policy", "[vector]") {
    CHECK_FALSE(scalar::encode(matrix(0, 4).view()).has_value());
    CHECK_FALSE(scalar::encode(matrix(4, 0).view()).has_value());
    matrix bad = gaussian(30, 4, 1);
    bad(17, 2) = std::numeric_limits<float>::quiet_NaN();
    CHECK_FALSE(scalar::encode(bad.view()).has_value());
    const auto stream = vector::coded_vectors<no_coder>::encode(gaussian(300, 4, 1).view(), {.bits = 8});
    REQUIRE(stream.has_value());
    CHECK(vector::coded_vectors<no_coder>::decode(*stream).has_value());
}

TEST_CASE("damaged streams of vectors give an error or vectors of numbers", "[vector]") {
    const auto stream = scalar::encode(gaussian(40, 3, 5).view(), {.bits = 6});
    REQUIRE(stream.has_value());
    pith::limits tight;
    tight.max_output = 1 << 16;
    REQUIRE(scalar::decode(*stream, tight).has_value());
    for (std::size_t cut = 0; cut < stream->size(); ++cut)
        CHECK_FALSE(scalar::decode(pith::byte_view(*stream).first(cut), tight).has_value());
    for (std::size_t i = 0; i < 8 * stream->size(); ++i) {
        auto hurt = *stream;
        hurt[i / 8] = static_cast<std::uint8_t>(hurt[i / 8] ^ 1U << i % 8);
        if (const auto got = scalar::decode(hurt, tight))
            for (const float v : got->values) REQUIRE(std::isfinite(v));
    }
    auto longer = *stream;
    longer.push_back(0);
    CHECK_FALSE(scalar::decode(longer, tight).has_value());
}
