#include <pith/transform/randomized_hadamard.hpp>
#include <pith/vector/centred_code.hpp>
#include <pith/vector/flat_index.hpp>
#include <pith/vector/trellis_code.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "vector/quantizer_laws.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;
using floats = std::vector<float>;
using bytes = std::vector<std::uint8_t>;
using hadamard = pith::transform::randomized_hadamard<>;
template <unsigned Bits, unsigned Window = 8>
using code_of = vector::trellis_code<Bits, hadamard, vector::side_scalar::factor, Window>;

bytes random_bytes(std::size_t n, std::uint64_t seed) {
    pith::random_sequence random(seed);
    bytes out(n);
    for (auto& b : out) b = static_cast<std::uint8_t>(random());
    return out;
}

/// The level of value i by the definition: bits one by one around the circle, four bytes of a product.
template <unsigned Bits, unsigned Window>
int defined_level(const bytes& code, std::size_t values, std::size_t i) {
    std::uint32_t w = 0;
    for (unsigned b = 0; b < Window; ++b) {
        const std::size_t at = (i * Bits + b) % (values * Bits);
        w |= static_cast<std::uint32_t>(code[at / 8] >> at % 8 & 1) << b;
    }
    const std::uint32_t mixed = w * 0x3A44'61F3U + 0x7F4A'7C15U;
    return static_cast<int>((mixed & 255) + (mixed >> 8 & 255) + (mixed >> 16 & 255) + (mixed >> 24)) - 510;
}

template <unsigned Bits, unsigned Window>
void check_definition() {
    using trellis = vector::bitshift_trellis<Bits, Window>;
    for (std::size_t n = 0; n <= 256; n += n < 40 ? 1 : 36) {
        const bytes code = random_bytes(trellis::bytes_of(n), n);
        floats out(n);
        trellis::decode_into(code, 0.25F, out);
        for (std::size_t i = 0; i < n; ++i)
            CHECK(out[i] == 0.25F * static_cast<float>(defined_level<Bits, Window>(code, n, i)));
    }
}

/// Error over energy of normal values in circles of n.
template <unsigned Bits, unsigned Window>
double distortion(std::size_t n, std::size_t circles) {
    using trellis = vector::bitshift_trellis<Bits, Window>;
    vector::bitshift_search<trellis> search;
    const matrix in = gaussian(circles, n, 7);
    matrix out(circles, n);
    bytes code(trellis::bytes_of(n));
    for (std::size_t r = 0; r < circles; ++r) {
        const auto place = [&](std::size_t i) { return in(r, i) * trellis::deviation; };
        vector::detail::encode_circles(search, n, place, code);
        trellis::decode_into(code, 1 / trellis::deviation, std::span(out.values).subspan(r * n, n));
    }
    return squared_error(in, out) / squared_error(in, matrix(circles, n));
}

template <unsigned Bits>
void check_dimension(std::size_t d) {
    const code_of<Bits> code{hadamard(d, 3)};
    const matrix in = gaussian(1, d, d);
    bytes coded(code.code_size());
    floats out(d), rotated(code.rotated_dimension());
    REQUIRE(code.encode_into(in.values, coded).has_value());
    REQUIRE(code.decode_into(coded, out).has_value());
    double error = 0, energy = 0;
    for (std::size_t i = 0; i < d; ++i)
        error += std::pow(in.values[i] - out[i], 2), energy += std::pow(in.values[i], 2);
    CHECK(error < 1.01 * energy);
    if (d * Bits >= 64) CHECK(error < (Bits == 2 ? 0.3 : 0.15) * energy);
    if (const std::size_t used = d * Bits % 8; used != 0) {
        bytes hurt = coded;
        hurt[code.index_size() - 1] = static_cast<std::uint8_t>(hurt[code.index_size() - 1] | 0x80);
        CHECK_FALSE(code.decode_into(hurt, out).has_value());
    }
    coded[code.code_size() - 1] = 0x7C;  // infinity
    CHECK_FALSE(code.decode_into(coded, out).has_value());
}

}  // namespace

TEST_CASE("a value's level follows from its window alone, around the circle", "[vector]") {
    check_definition<1, 8>();
    check_definition<2, 16>();
    check_definition<3, 16>();
    check_definition<4, 12>();
}

TEST_CASE("longer windows leave less error, and less than the best scalar quantizer does", "[vector]") {
    const double eight = distortion<2, 8>(256, 12), twelve = distortion<2, 12>(256, 12);
    CHECK(eight < 0.1);
    CHECK(twelve < 0.079);
    CHECK(twelve < eight);
    CHECK(distortion<2, 16>(128, 1) < twelve);
    CHECK(distortion<3, 12>(200, 4) < 0.024);
    CHECK(distortion<4, 12>(200, 4) < 0.0065);
}

TEST_CASE("values that some circle decodes to are found without error", "[vector]") {
    using trellis = vector::bitshift_trellis<2, 12>;
    vector::bitshift_search<trellis> search;
    for (const std::size_t n : {6U, 24U, 100U, 256U}) {
        const bytes code = random_bytes(trellis::bytes_of(n), n + 1);
        floats levels(n), again(n);
        trellis::decode_into(code, 1, levels);
        bytes found(trellis::bytes_of(n));
        vector::detail::encode_circles(
            search, n, [&](std::size_t i) { return levels[i]; }, found);
        trellis::decode_into(found, 1, again);
        CHECK(again == levels);
    }
}

TEST_CASE("circles no longer than a window are the best of all", "[vector]") {
    using trellis = vector::bitshift_trellis<2, 8>;
    vector::bitshift_search<trellis> search;
    const matrix in = gaussian(10, 3, 8);
    for (std::size_t r = 0; r < in.rows; ++r) {
        const auto error = [&](std::uint8_t code) {
            floats out(3);
            trellis::decode_into(bytes{code}, 1 / trellis::deviation, out);
            float sum = 0;
            for (std::size_t i = 0; i < 3; ++i) sum += (out[i] - in(r, i)) * (out[i] - in(r, i));
            return sum;
        };
        bytes found(1);
        vector::detail::encode_circles(
            search, 3, [&](std::size_t i) { return in(r, i) * trellis::deviation; }, found);
        float least = std::numeric_limits<float>::max();
        for (unsigned c = 0; c < 64; ++c) least = std::min(least, error(static_cast<std::uint8_t>(c)));
        CHECK(error(found[0]) <= least * 1.0001F);
    }
}

TEST_CASE("trellis codes take vectors of any length and refuse damaged ones", "[vector]") {
    for (std::size_t d = 1; d < 40; d += d < 12 ? 1 : 5) check_dimension<2>(d);
    for (const std::size_t d : {1U, 5U, 33U, 100U, 257U, 300U, 513U}) check_dimension<3>(d);
}

TEST_CASE("rows on the trellis are coded as each of them by itself", "[vector]") {
    const code_of<3> code{hadamard(20, 3)};
    const matrix in = gaussian(9, 20, 6);
    bytes all(9 * code.code_size()), one(code.code_size());
    REQUIRE(code.encode_rows_into(in.values, all).has_value());
    for (std::size_t r = 0; r < 9; ++r) {
        REQUIRE(code.encode_into(std::span(in.values).subspan(r * 20, 20), one).has_value());
        CHECK(std::equal(one.begin(), one.end(), all.begin() + static_cast<std::ptrdiff_t>(r * one.size())));
    }
    matrix bad = in;
    bad(4, 2) = std::numeric_limits<float>::infinity();
    const auto refused = code.encode_rows_into(bad.values, all);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().offset == 80);
}

TEST_CASE("trellis codes refuse what is not finite or too large and keep zeros", "[vector]") {
    const code_of<2> code{hadamard(32, 1)};
    bytes coded(code.code_size());
    floats x(32), out(32, 1.0F);
    REQUIRE(code.encode_into(x, coded).has_value());
    REQUIRE(code.decode_into(coded, out).has_value());
    CHECK(out == x);
    x[3] = std::numeric_limits<float>::denorm_min();
    REQUIRE(code.encode_into(x, coded).has_value());
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e30F}) {
        x[3] = bad;
        CHECK_FALSE(code.encode_into(x, coded).has_value());
    }
}

TEST_CASE("centred trellis codes are stored, refuse and score as the laws say", "[vector]") {
    const matrix in = gaussian(21, 33, 3, 2);
    const auto quantizer = vector::centred_code<code_of<2>>::fit(in.view());
    REQUIRE(quantizer.has_value());
    check_stored(*quantizer, in);
    check_refusals(*quantizer, in);
    check_costs(*quantizer, in, gaussian(3, 33, 4));
    vector::flat_index<vector::centred_code<code_of<2>>> index(*quantizer);
    REQUIRE(index.add(in.view()).has_value());
    const auto found = index.search(in.view().block(4, 0, 1, 33), 1);
    REQUIRE(found.has_value());
    CHECK(found->of(0).size() == 1);
}
