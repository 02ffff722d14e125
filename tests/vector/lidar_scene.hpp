// A made-up scan: a sensor with many beams turns in a scene of ground, walls and boxes.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/core/random.hpp>

namespace lidar_scene {

struct scene {
    std::size_t beams = 32, columns = 600;
    double noise = 0.01;    ///< metres, along the ray
    double missing = 0.03;  ///< share of rays without return
    std::uint64_t seed = 1;
};

namespace detail {
struct box {
    double low[3], high[3];
};
/// Distance along the ray from the origin at which it enters the box; a large one if it does not.
inline double entered(const double (&d)[3], const box& b) {
    double near = 0, far = 1e9;
    for (int k = 0; k < 3; ++k) {
        const double speed = std::fabs(d[k]) < 1e-12 ? 1e-12 : d[k];
        const double one = b.low[k] / speed, two = b.high[k] / speed;
        near = std::max(near, std::min(one, two));
        far = std::min(far, std::max(one, two));
    }
    return near < far ? near : 1e9;
}
}  // namespace detail

/// Points column by column, the beams from above to below; metres.
inline std::vector<std::array<float, 3>> scan(const scene& s) {
    pith::random_sequence random(s.seed);
    const auto between = [&](double a, double b) { return a + (b - a) * random.uniform_double(); };
    std::vector<detail::box> boxes{{{-200, 18, -2}, {200, 19, 8}}, {{-200, -31, -2}, {200, -30, 12}}};
    for (int i = 0; i < 30; ++i) {
        const double angle = between(0, 6.28318), far = between(5, 45), x = far * std::cos(angle),
                     y = far * std::sin(angle), w = between(0.5, 3), l = between(0.5, 5);
        boxes.push_back({{x, y, -1.8}, {x + w, y + l, between(-1, 2)}});
    }
    std::vector<std::array<float, 3>> out;
    for (std::size_t c = 0; c < s.columns; ++c)
        for (std::size_t b = 0; b < s.beams; ++b) {
            const double turn = 6.283185307 * static_cast<double>(c) / static_cast<double>(s.columns);
            const double up = 0.05 - 0.45 * static_cast<double>(b) / static_cast<double>(s.beams - 1);
            const double d[3] = {std::cos(up) * std::cos(turn), std::cos(up) * std::sin(turn), std::sin(up)};
            double far = d[2] < 0 ? -1.8 / d[2] : 1e9;
            for (const detail::box& one : boxes) far = std::min(far, detail::entered(d, one));
            const bool lost = random.uniform_double() < s.missing;
            const double r = far + s.noise * random.gaussian();
            if (far > 100 || lost) continue;
            out.push_back(
                {static_cast<float>(d[0] * r), static_cast<float>(d[1] * r), static_cast<float>(d[2] * r)});
        }
    return out;
}

}  // namespace lidar_scene
