#include <pith/vector/entropy_coded_lattice.hpp>
#include <pith/vector/entropy_coded_trellis.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"
#include "support/float_samples.hpp"

namespace {

namespace quant = pith::quant;
namespace vector = pith::vector;
using float_samples::floats;
using float_samples::gaussian;
using bytes = std::vector<std::uint8_t>;
using input = pith::view_2d<const float>;
using output = pith::view_2d<float>;

using scalar = quant::entropy_coded_scalar<>;
using scalar_columns = quant::entropy_coded_scalar<quant::scalar_options{.per_column = true}>;
using trellis_columns = vector::entropy_coded_trellis<8, quant::scalar_options{.per_column = true}>;
using d4 = vector::entropy_coded_lattice<vector::d4>;
using e8 = vector::entropy_coded_lattice<vector::e8>;
using trellis_4 = vector::entropy_coded_trellis<4>;
using trellis_8 = vector::entropy_coded_trellis<8>;

double squared_error(const floats& a, const floats& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(double{a[i]} - b[i], 2);
    return sum;
}

/// Distance from the rate-distortion bound of a Gaussian source, in dB; all stored bytes count.
template <class Quantizer>
double gap(double bits, std::size_t n = 160'000) {
    const floats x = gaussian(n, 3);
    floats y(n);
    const auto stream = Quantizer::encode_to(input(x, n / 100, 100), {.bits_per_value = bits});
    REQUIRE(stream.has_value());
    REQUIRE(Quantizer::decode_into(*stream, output(y, n / 100, 100)).has_value());
    const double rate = 8.0 * static_cast<double>(stream->size()) / static_cast<double>(n);
    CHECK(rate <= bits);
    CHECK(rate > bits - 0.004);
    return 10 * std::log10(squared_error(x, y) / squared_error(x, floats(n)) * std::pow(4.0, rate));
}

template <class Quantizer>
void check_shapes() {
    const std::size_t shapes[][2] = {{0, 0}, {0, 5},  {3, 0},  {1, 1},  {7, 1},
                                     {1, 9}, {5, 13}, {16, 8}, {33, 17}};
    for (const auto& [rows, columns] : shapes)
        for (const float step : {0.05F, 0.7F, 30.0F}) {
            CAPTURE(rows, columns, step);
            const floats x = gaussian(rows * columns, rows + columns);
            floats y(x.size());
            const auto stream = Quantizer::encode(input(x, rows, columns), step);
            REQUIRE(stream.has_value());
            REQUIRE(Quantizer::decode_into(*stream, output(y, rows, columns)).has_value());
            // The worst cell: half a diagonal of E8 is a step; a trellis chooses among points two steps
            // apart.
            for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(std::abs(x[i] - y[i]) < 2.5F * step + 0.01F);
        }
}

template <class Quantizer>
void check_odd_values() {
    for (const float value : {0.0F, 1.0F, -2.5F, 1e-40F, 1e20F}) {
        CAPTURE(value);
        const floats x(60, value);
        floats y(60);
        const auto stream = Quantizer::encode(input(x, 6, 10), value == 0 ? 1.0F : std::abs(value) + 1e-30F);
        REQUIRE(stream.has_value());
        REQUIRE(Quantizer::decode_into(*stream, output(y, 6, 10)).has_value());
        for (const float v : y) REQUIRE(std::isfinite(v));
        if (value == 0 && !std::is_same_v<Quantizer, trellis_4>) CHECK(squared_error(x, y) < 60 * 4);
    }
    for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
        floats x(60, 1);
        x[31] = bad;
        CHECK_FALSE(Quantizer::encode(input(x, 6, 10), 1).has_value());
        CHECK_FALSE(Quantizer::encode_to(input(x, 6, 10), {}).has_value());
    }
    CHECK_FALSE(Quantizer::encode(input(floats(60, 1e9F), 6, 10), 1e-3F).has_value());
    CHECK_FALSE(Quantizer::encode_to(input(gaussian(60, 1), 6, 10), {.bits_per_value = 0}).has_value());
}

/// Damaged streams end in an error or in finite values.
template <class Quantizer>
void check_damage() {
    const floats x = gaussian(90, 5);
    floats y(90);
    const auto stream = Quantizer::encode(input(x, 9, 10), 0.5F);
    REQUIRE(stream.has_value());
    // A part of an arithmetic code may be the whole code of other values.
    std::size_t accepted = 0;
    for (std::size_t n = 0; n < stream->size(); ++n)
        accepted += Quantizer::decode_into(pith::byte_view(*stream).first(n), output(y, 9, 10)).has_value();
    CHECK(accepted < stream->size() / 4);
    bytes longer = *stream;
    longer.push_back(0);
    CHECK_FALSE(Quantizer::decode_into(longer, output(y, 9, 10)).has_value());
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < 8 * stream->size(); ++bit) {
        bytes damaged = *stream;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << bit % 8));
        if (Quantizer::decode_into(damaged, output(y, 9, 10))) {
            for (const float v : y) REQUIRE(std::isfinite(v));
        } else {
            ++refused;
        }
    }
    CHECK(refused > 0);
    pith::random_sequence random(6);
    for (int i = 0; i < 300; ++i) {
        bytes noise(random.below(200));
        for (auto& b : noise) b = static_cast<std::uint8_t>(random());
        static_cast<void>(Quantizer::decode_into(noise, output(y, 9, 10)));
    }
}

template <class Quantizer>
std::uint64_t frozen() {
    const floats x = gaussian(1000, 9);
    floats y(1000);
    const auto stream = Quantizer::encode(input(x, 50, 20), 0.4F);
    REQUIRE(stream.has_value());
    REQUIRE(Quantizer::decode_into(*stream, output(y, 50, 20)).has_value());
    return float_samples::digest(*stream, y);
}

template <class Lattice, std::size_t N = Lattice::dimension>
void check_nearest(std::int32_t reach) {
    pith::random_sequence random(N);
    for (int trial = 0; trial < 60; ++trial) {
        std::array<float, N> x;
        for (float& v : x) v = random.uniform() * 2 - 1;
        const auto found = Lattice::nearest(x);
        const auto distance = [&](const vector::lattice_point<N>& p) {
            double sum = 0;
            for (std::size_t i = 0; i < N; ++i) sum += std::pow(double{x[i]} - p.coordinate(i), 2);
            return sum;
        };
        std::int32_t parity = 0;
        for (const auto v : found.whole) parity += v;
        CHECK(parity % 2 == 0);
        CHECK((Lattice::has_halves || !found.half));
        const double best = distance(found);
        for (int half = 0; half <= Lattice::has_halves; ++half) {
            vector::lattice_point<N> p;
            p.half = half != 0;
            p.whole.fill(-reach - half);
            for (;;) {  // every point of the cube around x
                parity = 0;
                for (const auto v : p.whole) parity += v;
                if (parity % 2 == 0) REQUIRE(best <= distance(p) + 1e-6);
                std::size_t i = 0;
                while (i < N && ++p.whole[i] > reach) p.whole[i++] = -reach - half;
                if (i == N) break;
            }
        }
    }
}

}  // namespace

TEST_CASE("entropy-coded quantizers come to their distance from the Gaussian bound") {
    CHECK(gap<scalar>(2) < 1.56);
    CHECK(gap<scalar>(2) > 1.45);
    CHECK(gap<scalar>(1) < 1.50);
    CHECK(gap<scalar>(4) < 1.57);
    CHECK(gap<d4>(2) < 1.22);
    CHECK(gap<e8>(2) < 0.9);
    CHECK(gap<trellis_4>(2) < 0.65);
    CHECK(gap<trellis_8>(2) < 0.6);
    CHECK(gap<trellis_8>(1) < 0.7);
    CHECK(gap<trellis_8>(3) < 0.55);
}

TEST_CASE("entropy-coded quantizers take every shape") {
    check_shapes<scalar>();
    check_shapes<scalar_columns>();
    check_shapes<d4>();
    check_shapes<e8>();
    check_shapes<trellis_4>();
    check_shapes<trellis_8>();
    check_shapes<trellis_columns>();
}

TEST_CASE("entropy-coded quantizers take constants, zeros and extremes, and refuse what is no number") {
    check_odd_values<scalar>();
    check_odd_values<d4>();
    check_odd_values<e8>();
    check_odd_values<trellis_4>();
    check_odd_values<trellis_8>();
}

TEST_CASE("damaged streams of entropy-coded quantizers end in an error or in finite values") {
    check_damage<scalar>();
    check_damage<scalar_columns>();
    check_damage<d4>();
    check_damage<e8>();
    check_damage<trellis_4>();
    check_damage<trellis_8>();
}

TEST_CASE("streams and decoded values of entropy-coded quantizers are the same on every machine") {
    CHECK(frozen<scalar>() == 0x3AB177F72FE2A044U);
    CHECK(frozen<scalar_columns>() == 0x85E6923904B07797U);
    CHECK(frozen<d4>() == 0x18ED28C4451107D1U);
    CHECK(frozen<e8>() == 0x264F7B34AF942DE2U);
    CHECK(frozen<trellis_4>() == 0xDF22719D1755FE50U);
    CHECK(frozen<trellis_8>() == 0x78A04FD8B7D31453U);
}

TEST_CASE("a model for each column pays where their variances differ") {
    floats x = gaussian(64'000, 2);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= std::exp2(-static_cast<float>(i % 16) / 2);
    const input view(x, x.size() / 16, 16);
    const auto percent_of = [&](std::size_t columns, std::size_t one) { return 100 * columns / one; };
    CHECK(percent_of(scalar_columns::encode(view, 0.2F)->size(), scalar::encode(view, 0.2F)->size()) < 93);
    CHECK(percent_of(trellis_columns::encode(view, 0.1F)->size(), trellis_8::encode(view, 0.1F)->size()) <
          93);
}

TEST_CASE("no lattice point is nearer than the one that is found") {
    check_nearest<vector::d4>(3);
    check_nearest<vector::e8>(1);
}

TEST_CASE("indices of every size come back, and a counted bit never becomes certain") {
    bytes stream;
    pith::vector_sink sink(stream);
    quant::index_encoder<pith::vector_sink> encoder(sink);
    quant::index_model model;
    std::vector<std::int32_t> indices{0, 1, -1, 14, 15, 16, -15, quant::max_index, -quant::max_index};
    pith::random_sequence random(1);
    for (int i = 0; i < 3000; ++i)
        indices.push_back(static_cast<std::int32_t>(random.below(1U << (1 + i % 21))) - (1 << (i % 21)));
    for (const auto index : indices) encoder.put(model, index);
    encoder.finish();
    quant::index_decoder decoder(stream);
    quant::index_model again;
    for (const auto index : indices) REQUIRE(*decoder.get(again) == index);
    CHECK(decoder.finish().has_value());
    quant::counted_bit ones, zeros;
    for (int i = 0; i < 200'000; ++i) {
        ones.update(true);
        zeros.update(false);
        REQUIRE(ones.probability_of_one() < 65536);
        REQUIRE(zeros.probability_of_one() > 0);
    }
    CHECK(ones.probability_of_one() > 65500);
    CHECK(zeros.probability_of_one() < 30);
}
