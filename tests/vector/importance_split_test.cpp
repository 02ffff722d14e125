#include <pith/vector/importance_split.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;
using split = vector::importance_split<4>;

std::vector<float> ramp(std::size_t n) {
    std::vector<float> out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(i * 37 % n);
    return out;
}
double row_error(const matrix& a, const matrix& b, const std::vector<bool>& of, bool kept) {
    double sum = 0;
    for (std::size_t r = 0; r < a.rows; ++r)
        for (std::size_t c = 0; c < a.columns && of[r] == kept; ++c)
            sum += std::pow(double(a(r, c)) - double(b(r, c)), 2);
    return sum;
}

}  // namespace

TEST_CASE("indices come back from their arithmetic code, and skewed ones are shorter", "[vector]") {
    pith::random_sequence random(1);
    std::vector<std::uint16_t> even, skewed;
    for (int i = 0; i < 3001; ++i) {
        even.push_back(static_cast<std::uint16_t>(random.below(256)));
        skewed.push_back(static_cast<std::uint16_t>(random.below(1 + random.below(40))));
    }
    for (const auto* in : {&even, &skewed})
        for (const std::size_t columns : {1UL, 7UL}) {
            const auto bytes = vector::encode_indices<8>(*in, columns);
            std::vector<std::uint16_t> out(in->size());
            REQUIRE(vector::decode_indices<8>(bytes, columns, out).has_value());
            CHECK(out == *in);
            // A code's end holds little besides: what is short by a byte may be the code of other indices.
            if (vector::decode_indices<8>(pith::byte_view(bytes).first(bytes.size() - 1), columns, out))
                CHECK(out != *in);
            CHECK_FALSE(
                vector::decode_indices<8>(pith::byte_view(bytes).first(bytes.size() / 2), columns, out)
                    .has_value());
        }
    CHECK(vector::encode_indices<8>(skewed, 1).size() < 3001 * 62 / 100);
}

TEST_CASE("important rows are kept to half a step, the others to a codebook", "[vector]") {
    for (const std::size_t n : {1UL, 2UL, 33UL, 600UL})
        for (const float share : {0.0F, 0.3F, 1.0F}) {
            CAPTURE(n, share);
            matrix in = gaussian(n, 6, n);
            for (std::size_t r = 0; r < n; ++r) in(r, 5) = 0, in(r, 4) *= 1000;
            const auto importance = ramp(n);
            const auto bytes =
                split::encode(in.view(), importance, {.kept = share, .step = 0.05F, .parts = 3});
            REQUIRE(bytes.has_value());
            matrix out(n, 6);
            REQUIRE(split::decode_into(*bytes, out.view()).has_value());
            const auto kept = split::most_important(importance, share);
            for (std::size_t r = 0; r < n; ++r) {
                CHECK(out(r, 5) == 0);
                for (std::size_t c = 0; c < 4 && kept[r]; ++c)
                    CHECK(std::abs(out(r, c) - in(r, c)) < 0.05F * 1.5F);
            }
            if (n == 600 && share == 0.3F) {
                CHECK(std::count(kept.begin(), kept.end(), true) == 180);
                CHECK(row_error(in, out, kept, true) / 180 < 0.1 * row_error(in, out, kept, false) / 420);
            }
        }
}

TEST_CASE("rows are kept by importance, numbers before what is none, the first of equals", "[vector]") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> importance{nan, 1, 3, 1, nan, 2};
    CHECK(split::most_important(importance, 0.5F) ==
          std::vector<bool>{false, true, true, false, false, true});
    CHECK(split::most_important(importance, 1) == std::vector<bool>(6, true));
    CHECK(split::most_important({}, 0.5F).empty());
}

TEST_CASE("damaged tables give errors or other values, and bad input is refused", "[vector]") {
    const matrix in = gaussian(40, 4, 3);
    const auto importance = ramp(40);
    const auto bytes = split::encode(in.view(), importance, {.parts = 2});
    REQUIRE(bytes.has_value());
    matrix out(40, 4);
    std::size_t accepted = 0;
    for (std::size_t n = 0; n < bytes->size(); ++n) {
        accepted += split::decode_into(pith::byte_view(*bytes).first(n), out.view()).has_value();
        for (const unsigned bit : {0U, 5U, 7U}) {
            auto damaged = *bytes;
            damaged[n] = static_cast<std::uint8_t>(damaged[n] ^ (1U << bit));
            static_cast<void>(split::decode_into(damaged, out.view()));
        }
    }
    CHECK(accepted <= 8);  // only where the last indices' code is short of some bytes
    auto longer = *bytes;
    longer.push_back(0);
    CHECK_FALSE(split::decode_into(longer, out.view()).has_value());
    CHECK_FALSE(split::decode_into(*bytes, matrix(40, 5).view()).has_value());
    CHECK_FALSE(split::encode(in.view(), ramp(39), {}).has_value());
    CHECK_FALSE(split::encode(in.view(), importance, {.parts = 5}).has_value());
    matrix hurt = in;
    hurt(3, 1) = std::numeric_limits<float>::infinity();
    CHECK_FALSE(split::encode(hurt.view(), importance, {}).has_value());
}
