// A cloud of Gaussian splats as 3D Gaussian splatting (Kerbl et al., 2023) trains it, and a made-up one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/core/view.hpp>

/// Values as a PLY holds them: logarithms of scales, logits of opacities, quaternions of any length,
/// coefficients of spherical harmonics.
struct splat_cloud {
    std::size_t count = 0;
    std::size_t detail_columns = 0;  // f_rest_*: 0, 9, 24 or 45
    std::vector<float> position, shape, colour,
        detail;  // 3, 8 (opacity, scales, rotation), 3, detail_columns

    static constexpr std::size_t shape_columns = 8;

    static splat_cloud of(std::size_t count, std::size_t detail_columns) {
        return {count,
                detail_columns,
                std::vector<float>(count * 3),
                std::vector<float>(count * shape_columns),
                std::vector<float>(count * 3),
                std::vector<float>(count * detail_columns)};
    }
    [[nodiscard]] splat_cloud in_order(const std::vector<std::uint32_t>& order) const {
        splat_cloud out = of(count, detail_columns);
        const auto move = [&](const std::vector<float>& from, std::vector<float>& to, std::size_t columns) {
            for (std::size_t i = 0; i < count; ++i)
                std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(order[i] * columns), columns,
                            to.begin() + static_cast<std::ptrdiff_t>(i * columns));
        };
        move(position, out.position, 3);
        move(shape, out.shape, shape_columns);
        move(colour, out.colour, 3);
        move(detail, out.detail, detail_columns);
        return out;
    }
    /// Quaternions of length 1 whose first part is not negative: the same rotations.
    void normalize_rotations() {
        for (std::size_t i = 0; i < count; ++i) {
            float* const q = shape.data() + i * shape_columns + 4;
            const float length = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
            if (!(length > 1e-20F)) {
                q[0] = 1, q[1] = q[2] = q[3] = 0;
                continue;
            }
            const float divisor = q[0] < 0 ? -length : length;
            for (int k = 0; k < 4; ++k) q[k] /= divisor;
        }
    }
};

/// What a splat adds to pictures, as far as that shows without any: opacity times volume^0.1, the volume over
/// the 90th percentile and at most 1. LightGaussian's significance (Fan et al., 2024) but for the rays hit.
inline std::vector<float> importance_of(const splat_cloud& cloud) {
    std::vector<float> volume(cloud.count), out(cloud.count);
    for (std::size_t i = 0; i < cloud.count; ++i) {
        const float* const s = cloud.shape.data() + i * splat_cloud::shape_columns;
        volume[i] = s[1] + s[2] + s[3];  // its logarithm
    }
    std::vector<float> sorted = volume;
    const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * 9 / 10);
    if (!sorted.empty()) std::nth_element(sorted.begin(), at, sorted.end());
    for (std::size_t i = 0; i < cloud.count; ++i) {
        const float opacity = 1 / (1 + std::exp(-cloud.shape[i * splat_cloud::shape_columns]));
        out[i] = opacity * std::exp(0.1F * std::min(0.0F, volume[i] - *at));
    }
    return out;
}

/// Splats on eight spheres, of a dozen materials with harmonics of their own. The same on every run; not to
/// be taken for a trained scene.
inline splat_cloud made_up_cloud(std::size_t count) {
    splat_cloud out = splat_cloud::of(count, 45);
    pith::random_sequence random(7), style(8);
    const auto normal = [&](float deviation) { return deviation * static_cast<float>(random.gaussian()); };
    float centres[8][4], materials[12][48];
    for (auto& c : centres)
        for (int k = 0; k < 4; ++k) c[k] = k == 3 ? 0.3F + style.uniform() : 4 * style.uniform() - 2;
    for (auto& m : materials)
        for (int k = 0; k < 48; ++k)  // higher degrees are weaker
            m[k] = static_cast<float>(style.gaussian()) * (k < 3    ? 1.2F
                                                           : k < 12 ? 0.15F
                                                           : k < 27 ? 0.08F
                                                                    : 0.04F);
    for (std::size_t i = 0; i < count; ++i) {
        const float* const c = centres[random.below(8)];
        float way[3] = {normal(1), normal(1), normal(1)};
        const float length = std::sqrt(way[0] * way[0] + way[1] * way[1] + way[2] * way[2]) + 1e-6F;
        for (std::size_t k = 0; k < 3; ++k)
            out.position[3 * i + k] = c[k] + way[k] / length * c[3] + normal(0.01F);
        float* const s = out.shape.data() + i * splat_cloud::shape_columns;
        s[0] = random.below(3) == 0 ? -2 + normal(1) : 3 + normal(1.5F);
        const float size = -4.5F + normal(0.8F);
        s[1] = size + normal(0.3F), s[2] = size + normal(0.3F), s[3] = size - 1.5F + normal(0.4F);
        for (std::size_t k = 0; k < 4; ++k) s[4 + k] = (k == 0 ? 1 : way[k - 1] / length) + normal(0.1F);
        const float patch = std::sin(5 * out.position[3 * i]) + std::cos(4 * out.position[3 * i + 1]);
        const float* const m = materials[static_cast<std::size_t>(patch * 3 + 6) % 12];
        for (std::size_t k = 0; k < 3; ++k) out.colour[3 * i + k] = m[k] + normal(0.2F);
        for (std::size_t k = 0; k < 45; ++k) out.detail[45 * i + k] = m[k + 3] + normal(0.02F);
    }
    return out;
}
