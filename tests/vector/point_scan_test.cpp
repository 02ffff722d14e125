// Scans of points: the bound is kept everywhere, prediction is worth its code, damage is found.
#include <pith/vector/point_scan.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"
#include "vector/lidar_scene.hpp"

namespace {

using namespace pith;
using pith::vector::point_scan;
using pith::vector::scan_point;
using points = std::vector<scan_point>;

double worst_error(const points& a, const points& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t k = 0; k < 3; ++k)
            worst = std::max(worst, std::fabs(double{a[i][k]} - double{b[i][k]}));
    return worst;
}

std::vector<std::uint8_t> check_round_trip(const points& in, vector::scan_options how) {
    const auto code = point_scan::encode(in, how);
    REQUIRE(code.has_value());
    const auto back = point_scan::decode(*code);
    REQUIRE(back.has_value());
    REQUIRE(back->size() == in.size());
    REQUIRE(worst_error(in, *back) <= double{how.bound});
    return *code;
}

/// Differences of lattice points to the point before, each coordinate under adaptive frequencies of its own.
std::size_t size_of_differences(const points& in, double bound) {
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    quant::index_encoder<vector_sink> coder(sink);
    std::array<quant::index_model, 3> models;
    std::array<std::int32_t, 3> last{};
    for (const scan_point& p : in)
        for (std::size_t k = 0; k < 3; ++k) {
            const auto q = static_cast<std::int32_t>(std::lround(double{p[k]} / (2 * bound)));
            coder.put(models[k], q - last[k]);
            last[k] = q;
        }
    coder.finish();
    return out.size();
}

points random_cloud(std::size_t n, std::uint64_t seed) {
    random_sequence random(seed);
    points out(n);
    for (scan_point& p : out)
        for (float& v : p) v = static_cast<float>(20 * random.gaussian());
    return out;
}

}  // namespace

TEST_CASE("Scans come back within the bound, first points and last ones alike, and short") {
    for (const double noise : {0.01, 0.03})
        for (const float bound : {0.02F, 0.002F}) {
            const points in = lidar_scene::scan({.columns = 300, .noise = noise});
            const auto code = check_round_trip(in, {.bound = bound});
            CHECK(static_cast<double>(code.size()) <
                  0.75 * static_cast<double>(size_of_differences(in, bound)));
            const auto told = check_round_trip(in, {.bound = bound, .stride = 32});
            CHECK(code.size() <= told.size() + told.size() / 1000);
        }
}

TEST_CASE("Any points come back within the bound, whatever row length is claimed") {
    for (const std::size_t n : {0U, 1U, 2U, 3U, 9U, 31U, 64U, 300U}) {
        const points in = random_cloud(n, 1 + n);
        for (const std::uint32_t stride : {0U, 1U, 8U, 17U, 4'000'000'000U})
            (void)check_round_trip(in, {.bound = 0.01F, .stride = stride});
    }
    (void)check_round_trip(points(5000), {});
    (void)check_round_trip(points(5000, scan_point{1e6F, -1e6F, 0.25F}), {.bound = 2});
    (void)check_round_trip(lidar_scene::scan({.columns = 20}), {.bound = 0.00004F});
    points edges{{700, -700, 700}, {-700, 700, -700}, {700, 700, 700}};
    for (int i = 0; i < 4; ++i) edges.insert(edges.end(), edges.begin(), edges.end());
    (void)check_round_trip(edges, {.bound = 0.0005F, .stride = 8});
}

TEST_CASE("What has no lattice within the bound is refused") {
    const points one{{1, 2, 3}};
    for (const float bound : {0.0F, -1.0F, 1e-9F, std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()})
        CHECK_FALSE(point_scan::encode(one, {.bound = bound}).has_value());
    for (const float v :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e9F})
        CHECK_FALSE(point_scan::encode(points{{0, v, 0}}).has_value());
    CHECK(point_scan::decode(*point_scan::encode(one), limits{.max_output = 11}).error().code ==
          error_code::limit_exceeded);
}

TEST_CASE("Damaged scans are errors") {
    points in = lidar_scene::scan({.beams = 8, .columns = 6});
    in.resize(in.size() + 100, in.back());
    for (const points& cloud : {in, points(700)}) {
        const auto code = *point_scan::encode(cloud, {.bound = 0.05F, .stride = 8});
        for (std::size_t cut = 0; cut < code.size(); ++cut)
            REQUIRE_FALSE(point_scan::decode(byte_view(code).first(cut)).has_value());
        auto longer = code;
        longer.push_back(0);
        REQUIRE_FALSE(point_scan::decode(longer).has_value());
        for (std::size_t bit = 0; bit < 8 * code.size(); ++bit) {
            auto damaged = code;
            damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            REQUIRE_FALSE(point_scan::decode(damaged, limits{.max_output = 1 << 20}).has_value());
        }
    }
}
