// Weights on a bitshift trellis: its laws, its error against GPTQ's at equal bits, its streams.
#include "support/catch.hpp"

#include <pith/calibrate/group_affine.hpp>
#include <pith/calibrate/incoherence.hpp>
#include <pith/calibrate/successive.hpp>
#include <pith/calibrate/trellis_columns.hpp>
#include <pith/transform/randomized_hadamard.hpp>

#include <cmath>
#include <vector>

#include "linalg/random_matrices.hpp"

using namespace pith::calibrate;
namespace linalg = pith::linalg;
using linalg::difference;
using linalg::squared_norm;
using linalg::weighted_error;
using rotation = pith::transform::randomized_hadamard<>;
using quantizer = trellis_columns<2, 10>;

namespace {

constexpr std::size_t m = 52, n = 40;

const matrix<float>& weights() {
    static const matrix<float> w = samples::normal(m, n, 11);
    return w;
}
const matrix<double>& moment() {
    static const matrix<double> h = samples::moment_of(samples::correlated(300, n, 12));
    return h;
}

}  // namespace

TEST_CASE("a column on the trellis is decoded to what the loop saw, and coded once more to the same") {
    for (const auto order : {column_order::natural, column_order::falling_diagonal}) {
        const auto how = prepare(moment(), {.order = order});
        REQUIRE(how.has_value());
        quantizer q;
        const auto done = successive_quantize(weights(), *how, q);
        REQUIRE(done.has_value());
        const auto bytes = q.encoded(how->order);
        const auto decoded = decode_trellis_columns<2, 10>(bytes);
        REQUIRE(decoded.has_value());
        CHECK(squared_norm<float>(difference<float>(*decoded, done->quantized)) == 0);
        CHECK(8 * bytes.size() <= 2 * m * n + 16 * m + 8 * 3 + 6 * n + 8);
        std::vector<float> line(m), again(m);
        const auto sample = samples::normal(1, m, 5);
        q.quantize(3, std::span<const float>(sample.row(0)), line);
        q.quantize(3, line, again);
        CHECK(again == line);
    }
}

TEST_CASE("two bits on the trellis leave less error than GPTQ's two bits with a scale for every row") {
    const auto how = prepare(moment());
    quantizer trellis;
    group_affine<2> affine(0);
    const double ours = successive_quantize(weights(), *how, trellis)->error;
    CHECK(ours < 0.7 * successive_quantize(weights(), *how, affine)->error);
    matrix<double> none(n, n);
    for (std::size_t i = 0; i < n; ++i) none(i, i) = 1;
    quantizer nearest;
    const auto rounded = successive_quantize(weights(), *prepare(none), nearest);
    CHECK(weighted_error<float>(difference<float>(weights(), rounded->quantized), moment()) >
          weighted_error<float>(
              difference<float>(weights(), successive_quantize(weights(), *how, trellis)->quantized),
              moment()));
}

TEST_CASE("rotations on both sides keep the error of a layer and take outliers away") {
    const incoherence turn(rotation(m, 1), rotation(n, 2));
    matrix<float> w = weights();
    for (std::size_t r = 0; r < m; ++r) w(r, 7) *= 20;
    const auto back = turn.restored(turn.rotated(w));
    CHECK(squared_norm<float>(difference<float>(w, back)) < 1e-9 * squared_norm<float>(w));
    const auto h = turn.rotated_moment(moment());
    CHECK(std::abs(weighted_error<float>(turn.rotated(w), h) / weighted_error<float>(w, moment()) - 1) <
          1e-5);
    quantizer plain, rotated;
    const auto a = successive_quantize(w, *prepare(moment()), plain);
    const auto b = successive_quantize(turn.rotated(w), *prepare(h), rotated);
    CHECK(weighted_error<float>(difference<float>(w, turn.restored(b->quantized)), moment()) <
          0.5 * weighted_error<float>(difference<float>(w, a->quantized), moment()));
}

TEST_CASE("damaged streams of trellis columns give an error or weights, and rows too large are refused") {
    const auto w = samples::normal(9, 6, 3);
    matrix<double> h(6, 6);
    for (std::size_t i = 0; i < 6; ++i) h(i, i) = static_cast<double>(1 + i);
    trellis_columns<3, 8> q;
    const auto how = prepare(h, {.order = column_order::falling_diagonal});
    REQUIRE(successive_quantize(w, *how, q).has_value());
    const auto bytes = q.encoded(how->order);
    REQUIRE(decode_trellis_columns<3, 8>(bytes).has_value());
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        CHECK_FALSE(decode_trellis_columns<3, 8>(pith::byte_view(bytes).first(cut)).has_value());
    for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
        auto hurt = bytes;
        hurt[i / 8] = static_cast<std::uint8_t>(hurt[i / 8] ^ 1U << i % 8);
        if (const auto got = decode_trellis_columns<3, 8>(hurt, 1000))
            for (std::size_t k = 0; k < got->size(); ++k) CHECK(std::isfinite(got->data()[k]));
    }
    auto longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(decode_trellis_columns<3, 8>(longer).has_value());
    matrix<float> large = w;
    for (std::size_t j = 0; j < 6; ++j) large(2, j) = 1e6F;
    CHECK_FALSE(successive_quantize(large, *how, q).has_value());
}
