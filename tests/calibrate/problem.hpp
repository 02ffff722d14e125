// What tests of calibrated weights share: a layer to quantize, changed inputs for it, and damage to streams.
#pragma once

#include <pith/core/bytes.hpp>
#include <pith/linalg/gram.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "linalg/random_matrices.hpp"
#include "support/catch.hpp"

namespace calibrate_test {

namespace linalg = pith::linalg;
using linalg::matrix;

inline constexpr std::size_t m = 48, n = 72;

struct problem {
    matrix<float> w = samples::normal(m, n, 11);
    matrix<double> h = samples::moment_of(samples::correlated(300, n, 12));
    [[nodiscard]] double error(const matrix<float>& q) const {
        return linalg::weighted_error(linalg::difference(w, q), h);
    }
};

/// Inputs x as they were, y as noise has changed them, and their moments: g of x, h of y, both together.
struct changed_inputs {
    matrix<float> x = samples::correlated(400, n, 3), y = x;
    matrix<double> g, h, cross;

    changed_inputs() {
        const auto noise = samples::normal(400, n, 4);
        for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] += 0.3F * noise.data()[i];
        linalg::second_moment gx(n), gy(n);
        linalg::cross_moment c(n, n);
        REQUIRE(gx.add(x));
        REQUIRE(gy.add(y));
        REQUIRE(c.add(x, y));
        g = gx.moment(), h = gy.moment(), cross = c.moment();
    }
};

/// Every truncation and a byte more is refused; a changed bit of the first `bits` gives an error or finite
/// weights.
template <class Decode>
void check_damage(const std::vector<std::uint8_t>& bytes, std::size_t bits, const Decode& decode) {
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        REQUIRE_FALSE(decode(pith::byte_view(bytes).first(cut)));
    auto longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(decode(longer));
    for (std::size_t bit = 0; bit < 8 * bytes.size() && bit < bits; ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const auto got = decode(damaged);
        if (got) REQUIRE(linalg::all_finite(*got));
    }
}

}  // namespace calibrate_test
