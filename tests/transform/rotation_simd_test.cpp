#include <pith/transform/matrix_rotation.hpp>
#include <pith/transform/principal_axes.hpp>
#include <pith/transform/randomized_hadamard.hpp>

#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/float_samples.hpp"

namespace {

namespace transform = pith::transform;
using float_samples::digest;
using float_samples::energy;
using float_samples::floats;
using float_samples::gaussian;

template <class T>
requires transform::rotation<T>
void check_rotation(const T& t, std::uint64_t seed) {
    const floats x = gaussian(t.input_size(), seed);
    floats y(t.size()), back(t.input_size());
    t.forward_into(x, y);
    CHECK(std::abs(energy(y) - energy(x)) <= 2e-5 * energy(x));
    t.inverse_into(y, back);
    for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(std::abs(back[i] - x[i]) <= 2e-5);
}

}  // namespace

TEST_CASE("rotations of every length keep norms and are undone by their inverse") {
    for (std::size_t n = 0; n <= 140; ++n) {
        CAPTURE(n);
        check_rotation(transform::randomized_hadamard<>(n, n), n);
        check_rotation(transform::randomized_hadamard<transform::hadamard_options{.padded = true}>(n, n), n);
        if (n % 7 == 0) check_rotation(transform::random_rotation(n, n), n);
    }
    for (const std::size_t n : {256UL, 300UL, 1024UL, 1536UL, 2049UL}) {
        CAPTURE(n);
        check_rotation(transform::randomized_hadamard<>(n, n), n);
    }
}

TEST_CASE("a randomized Hadamard transform spreads every axis over all coordinates") {
    for (const std::size_t n : {64UL, 100UL, 128UL, 192UL, 1536UL}) {
        CAPTURE(n);
        const transform::randomized_hadamard<> t(n, 3);
        // The energy of a coordinate has mean 1 / n; Gaussian coordinates exceed 30 / n once in 4e7.
        for (std::size_t axis = 0; axis < n; axis += n / 13 + 1) {
            floats x(n), y(n);
            x[axis] = 1;
            t.forward_into(x, y);
            double fourth = 0;
            for (const float v : y) {
                CHECK(double{v} * v * static_cast<double>(n) < 32);
                fourth += std::pow(double{v}, 4);
            }
            CHECK(fourth * static_cast<double>(n) < 5);  // 3 for Gaussian coordinates
        }
    }
}

TEST_CASE("a random rotation has orthonormal rows and its entries look Gaussian") {
    const std::size_t n = 96;
    const auto t = transform::random_rotation(n, 5);
    double worst = 0, fourth = 0;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
            double dot = 0;
            for (std::size_t k = 0; k < n; ++k) dot += double{t.row(i)[k]} * t.row(j)[k];
            worst = std::max(worst, std::abs(dot - (i == j)));
        }
    for (std::size_t i = 0; i < n; ++i)
        for (const float v : t.row(i)) fourth += std::pow(double{v}, 4);
    CHECK(worst < 3e-6);
    CHECK(std::abs(fourth / (3.0 * n * n / (n * (n + 2.0))) - 1) < 0.06);
}

TEST_CASE("rotations have the same bits on every machine") {
    floats y(100);
    transform::randomized_hadamard<>(100, 7).forward_into(gaussian(100, 1), y);
    CHECK(digest(y) == 0x9E0217FDC0914512U);
    y.resize(128);
    transform::randomized_hadamard<>(128, 7).forward_into(gaussian(128, 1), y);
    CHECK(digest(y) == 0xE50D2D9044576BA8U);
    y.resize(50);
    const auto dense = transform::random_rotation(50, 7);
    dense.forward_into(gaussian(50, 1), y);
    CHECK(digest(y) == 0x0A2FF6E3F8D07786U);
    floats x(50);
    dense.inverse_into(y, x);
    CHECK(digest(x) == 0xCEEBDC12B4B93985U);
}

TEST_CASE("principal axes decorrelate samples and order their variances") {
    const std::size_t n = 12, rows = 4000;
    floats data = gaussian(n * rows, 11);
    const auto mixing = transform::random_rotation(n, 2);
    floats samples(data.size());
    for (std::size_t r = 0; r < rows; ++r) {
        floats x(n), y(n);
        for (std::size_t c = 0; c < n; ++c) x[c] = data[r * n + c] / static_cast<float>(c + 1);
        mixing.forward_into(x, y);
        for (std::size_t c = 0; c < n; ++c) samples[r * n + c] = y[c] + static_cast<float>(c);
    }
    const auto axes = transform::fit_principal_axes(pith::view_2d<const float>(samples, rows, n));
    std::vector<double> covariance(n * n);
    for (std::size_t r = 0; r < rows; ++r) {
        floats x(n), y(n);
        axes.mean.forward_into(std::span(samples).subspan(r * n, n), x);
        axes.rotation.forward_into(x, y);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) covariance[i * n + j] += double{y[i]} * y[j] / rows;
    }
    for (std::size_t i = 0; i < n; ++i) {
        CHECK(std::abs(covariance[i * n + i] - axes.variances[i]) < 1e-4);
        CHECK(std::abs(axes.variances[i] * static_cast<double>((i + 1) * (i + 1)) - 1) < 0.1);
        for (std::size_t j = 0; j < i; ++j) CHECK(std::abs(covariance[i * n + j]) < 1e-5);
    }
    const auto some = transform::fit_principal_axes(pith::view_2d<const float>(samples, rows, n), 3);
    CHECK(some.rotation.size() == 3);
}

TEST_CASE("channel maps are undone by their inverse, also for constant and zero channels") {
    const std::size_t n = 5;
    floats samples(40 * n);
    for (std::size_t i = 0; i < samples.size(); ++i)
        samples[i] = i % n == 0   ? 0.0F
                     : i % n == 1 ? 7.0F
                     : i % n == 2 ? 1e-44F
                                  : std::sin(static_cast<float>(i));
    const pith::view_2d<const float> view(samples, 40, n);
    const transform::centering centred(view);
    const transform::channel_scale scaled(view);
    CHECK(centred.mean()[1] == 7);
    CHECK(scaled.scales()[0] == 1);
    CHECK(scaled.scales()[2] == 1);
    const floats x{0, 7, 1e-44F, 3, -2};
    floats y(n), back(n);
    centred.forward_into(x, y);
    centred.inverse_into(y, back);
    for (std::size_t i = 0; i < n; ++i) CHECK(std::abs(back[i] - x[i]) < 1e-6);
    scaled.forward_into(x, y);
    scaled.inverse_into(y, back);
    for (std::size_t i = 0; i < n; ++i) CHECK(std::abs(back[i] - x[i]) < 1e-6);
}
