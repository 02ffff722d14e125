#include <pith/core/finite.hpp>

#include <limits>
#include <vector>

#include "support/catch.hpp"

using pith::all_finite;
using pith::is_finite;

TEST_CASE("numbers are finite up to the largest, infinities and NaN of any payload are not") {
    for (const float v : {0.0F, -0.0F, 1.0F, std::numeric_limits<float>::denorm_min(),
                          std::numeric_limits<float>::max(), -std::numeric_limits<float>::max()}) {
        CHECK(is_finite(v));
        CHECK(is_finite(double{v}));
    }
    CHECK(is_finite(std::numeric_limits<double>::max()));
    for (std::uint32_t payload : {0U, 1U, 0x40'0000U, 0x7F'FFFFU})
        for (const std::uint32_t sign : {0U, 0x8000'0000U})
            CHECK_FALSE(is_finite(std::bit_cast<float>(sign | 0x7F80'0000U | payload)));
    CHECK_FALSE(is_finite(std::numeric_limits<double>::infinity()));
    CHECK_FALSE(is_finite(std::numeric_limits<double>::quiet_NaN()));
}

TEST_CASE("one value that is not finite is found wherever it stands, and only where a view looks") {
    for (std::size_t n = 0; n < 40; ++n) {
        std::vector<float> values(n, 1.0F);
        CHECK(all_finite(values));
        for (std::size_t i = 0; i < n; ++i) {
            values[i] = -std::numeric_limits<float>::infinity();
            CHECK_FALSE(all_finite(values));
            values[i] = 2.0F;
        }
    }
    std::vector<double> matrix(12, 3.0);
    const auto left = pith::view_2d<const double>(matrix.data(), 3, 3, 4);
    matrix[7] = std::numeric_limits<double>::quiet_NaN();  // row 1, column 3
    CHECK(all_finite(left));
    CHECK_FALSE(all_finite(pith::view_2d<const double>(matrix.data(), 3, 4, 4)));
}
