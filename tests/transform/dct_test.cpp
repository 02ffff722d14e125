#include <pith/transform/dct.hpp>

#include <array>
#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/float_samples.hpp"

namespace {

namespace transform = pith::transform;
using float_samples::digest;
using float_samples::floats;
using float_samples::gaussian;

std::vector<double> defining_sum(const floats& x) {
    const double n = static_cast<double>(x.size());
    std::vector<double> y(x.size());
    for (std::size_t k = 0; k < y.size(); ++k) {
        for (std::size_t j = 0; j < x.size(); ++j)
            y[k] += double{x[j]} *
                    std::cos(3.14159265358979323846 * static_cast<double>((2 * j + 1) * k) / (2 * n));
        y[k] *= std::sqrt((k == 0 ? 1 : 2) / n);
    }
    return y;
}

template <class A, class B>
double distance(const A& a, const B& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(double{a[i]} - double{b[i]}, 2);
    return std::sqrt(sum);
}
double norm(const floats& x) { return distance(x, floats(x.size())); }

}  // namespace

TEST_CASE("the cosine transform of every length is its defining sum, and its inverse undoes it") {
    static_assert(transform::rotation<transform::dct>);
    for (std::size_t n = 0; n <= 300; ++n) {
        CAPTURE(n);
        const transform::dct t(n);
        const floats x = gaussian(n, n);
        floats y(n), back(n);
        t.forward_into(x, y);
        const double bound = 0x1p-22 * norm(x);
        REQUIRE(distance(y, defining_sum(x)) <= bound);
        t.inverse_into(y, back);
        REQUIRE(distance(back, x) <= 2 * bound);
    }
}

TEST_CASE("long cosine transforms keep to their bound and take the fast way where factors are small") {
    for (const std::size_t n : {1024UL, 1536UL, 2002UL, 2310UL, 4096UL, 1009UL}) {
        CAPTURE(n);
        const transform::dct t(n);
        CHECK(t.fast() == (n != 1009));
        const floats x = gaussian(n, n);
        floats y(n), back(n);
        t.forward_into(x, y);
        CHECK(distance(y, defining_sum(x)) <= 0x1p-22 * norm(x));
        t.inverse_into(y, back);
        CHECK(distance(back, x) <= 0x1p-21 * norm(x));
    }
    const std::size_t large = std::size_t{1} << 20;
    const transform::dct t(large);
    floats x = gaussian(large, 3), y(large), back(large);
    t.forward_into(x, y);
    CHECK(std::abs(norm(y) / norm(x) - 1) < 0x1p-22);
    t.inverse_into(y, back);
    CHECK(distance(back, x) <= 0x1p-21 * norm(x));
    CHECK_FALSE(transform::dct(34).fast());  // 17 is no small factor
}

TEST_CASE("a constant has one cosine coefficient and a cosine has its own") {
    for (const std::size_t n : {5UL, 12UL, 64UL}) {
        CAPTURE(n);
        const transform::dct t(n);
        floats y(n);
        t.forward_into(floats(n, 3), y);
        CHECK(std::abs(y[0] - 3 * std::sqrt(static_cast<float>(n))) < 1e-5F);
        for (std::size_t k = 1; k < n; ++k) CHECK(std::abs(y[k]) < 1e-5F);
        floats one(n), wave(n), again(n);
        one[n / 2] = 1;
        t.inverse_into(one, wave);
        t.forward_into(wave, again);
        for (std::size_t k = 0; k < n; ++k) CHECK(std::abs(again[k] - (k == n / 2 ? 1.0F : 0.0F)) < 1e-6F);
    }
}

TEST_CASE("cosine transforms have the same bits on every machine") {
    for (const auto& [n, forward, inverse] :
         {std::array<std::uint64_t, 3>{128, 0xD7A9CA900F5D2034U, 0x3D06B11986B60904U},
          {210, 0xCD5C7BD6BA0B6200U, 0x8868AB193592D7A7U},
          {77, 0x8E7B6D8BA1E9AB83U, 0x54967D0696670DC1U}}) {
        CAPTURE(n);
        const transform::dct t(n);
        floats y(n), x(n);
        t.forward_into(gaussian(n, 1), y);
        CHECK(digest(y) == forward);
        t.inverse_into(y, x);
        CHECK(digest(x) == inverse);
    }
}
