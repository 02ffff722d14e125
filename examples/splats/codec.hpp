// Splats in few bytes: positions as differences along a Morton curve, shapes and colours as coded uniform
// indices, harmonics split by importance. LightGaussian (Fan et al., 2024) and OMG (Lee et al., 2025) without
// their pruning and training.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <pith/container/section.hpp>
#include <pith/quant/entropy_coded_scalar.hpp>
#include <pith/systems/vector.hpp>

#include "cloud.hpp"

/// How finely; all defaults keep each value to about a hundredth of its spread.
struct splat_options {
    float kept = 0.4F, step = 0.15F;  // of the harmonics: the share that keeps values, and their step
    std::size_t part = 9;             // harmonics per codebook
};

namespace splats {

using bytes = std::vector<std::uint8_t>;
using columns = pith::quant::entropy_coded_scalar<pith::quant::scalar_options{.per_column = true}>;
using harmonics = pith::systems::light_gaussian_attributes<8>;
using grid_point = std::array<std::uint32_t, 3>;

inline constexpr std::uint32_t position_levels = 65535;
inline constexpr std::array<float, 8> shape_steps{0.1F,     0.04F,    0.04F,    0.04F,
                                                  1 / 64.F, 1 / 64.F, 1 / 64.F, 1 / 64.F};
inline constexpr std::array<float, 3> colour_steps{0.03F, 0.03F, 0.03F};

/// The box around all positions: three lowest coordinates, then three sizes of one step.
inline std::array<float, 6> box_of(const splat_cloud& cloud) {
    std::array<float, 6> out{};
    for (std::size_t k = 0; k < 3 && cloud.count != 0; ++k) {
        float low = cloud.position[k], high = low;
        for (std::size_t i = 0; i < cloud.count; ++i) {
            low = std::min(low, cloud.position[3 * i + k]);
            high = std::max(high, cloud.position[3 * i + k]);
        }
        out[k] = low;
        out[3 + k] = (high - low) / float(position_levels);
    }
    return out;
}
inline std::vector<grid_point> snapped(const splat_cloud& cloud, const std::array<float, 6>& box) {
    std::vector<grid_point> out(cloud.count);
    for (std::size_t i = 0; i < cloud.count; ++i)
        for (std::size_t k = 0; k < 3; ++k) {
            const float at = box[3 + k] > 0 ? (cloud.position[3 * i + k] - box[k]) / box[3 + k] : 0.0F;
            out[i][k] = std::min(position_levels, static_cast<std::uint32_t>(at + 0.5F));
        }
    return out;
}
/// The bits of the three coordinates in turn, the highest first.
inline std::uint64_t along_curve(const grid_point& p) {
    std::uint64_t out = 0;
    for (unsigned b = 16; b-- > 0;)
        for (unsigned k = 0; k < 3; ++k) out = out << 1 | (p[k] >> b & 1);
    return out;
}
inline std::vector<std::uint32_t> curve_order(const std::vector<grid_point>& points) {
    std::vector<std::pair<std::uint64_t, std::uint32_t>> keys;
    for (std::uint32_t i = 0; i < points.size(); ++i) keys.emplace_back(along_curve(points[i]), i);
    std::sort(keys.begin(), keys.end());
    std::vector<std::uint32_t> out;
    for (const auto& [key, i] : keys) out.push_back(i);
    return out;
}

inline bytes encode_points(const std::vector<grid_point>& points) {
    bytes out;
    pith::vector_sink sink(out);
    pith::quant::index_encoder<pith::vector_sink> coder(sink);
    std::array<pith::quant::index_model, 3> models;
    grid_point last{};
    for (const grid_point& p : points)
        for (std::size_t k = 0; k < 3; ++k) {
            coder.put(models[k], static_cast<std::int32_t>(p[k]) - static_cast<std::int32_t>(last[k]));
            last[k] = p[k];
        }
    coder.finish();
    return out;
}
inline pith::result<void> decode_points(pith::byte_view in, const std::array<float, 6>& box,
                                        splat_cloud& out) {
    pith::quant::index_decoder coder(in);
    std::array<pith::quant::index_model, 3> models;
    std::array<std::int32_t, 3> last{};
    for (std::size_t i = 0; i < out.count; ++i)
        for (std::size_t k = 0; k < 3; ++k) {
            const auto step = coder.get(models[k]);
            if (!step) return step.error();
            last[k] += *step;  // within 2^22 of a number in 0 ... 65535
            if (last[k] < 0 || last[k] > std::int32_t{position_levels})
                return pith::error{pith::error_code::bad_stream, 0, "a position outside its box"};
            out.position[3 * i + k] = box[k] + static_cast<float>(last[k]) * box[3 + k];
        }
    return coder.finish();
}

/// Values of columns over their steps, to whole numbers.
template <std::size_t N>
pith::result<bytes> encode_columns(const std::vector<float>& values, const std::array<float, N>& steps) {
    std::vector<float> scaled(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) scaled[i] = values[i] / steps[i % N];
    return columns::encode({scaled.data(), scaled.size() / N, N, N}, 1.0F);
}
template <std::size_t N>
pith::result<void> decode_columns(pith::byte_view in, const std::array<float, N>& steps,
                                  std::vector<float>& out) {
    if (const auto done = columns::decode_into(in, {out.data(), out.size() / N, N, N}); !done)
        return done.error();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] *= steps[i % N];
    return {};
}

/// The sections HEAD, POSN, SHAP, COLR and, where there are harmonics, HARM.
struct encoded {
    bytes file;
    std::array<std::size_t, 4> sizes{};  // of the four parts
};
inline pith::result<encoded> encode(const splat_cloud& cloud, const std::array<float, 6>& box,
                                    const std::vector<grid_point>& points, const splat_options& options) {
    bytes head, parts[4];
    pith::vector_sink head_sink(head);
    pith::put_le<std::uint64_t>(head_sink, cloud.count);
    pith::put_le<std::uint32_t>(head_sink, static_cast<std::uint32_t>(cloud.detail_columns));
    for (const float v : box) pith::put_le<std::uint32_t>(head_sink, std::bit_cast<std::uint32_t>(v));
    parts[0] = encode_points(points);
    auto shape = encode_columns(cloud.shape, shape_steps);
    if (!shape) return shape.error();
    parts[1] = std::move(*shape);
    auto colour = encode_columns(cloud.colour, colour_steps);
    if (!colour) return colour.error();
    parts[2] = std::move(*colour);
    if (cloud.detail_columns != 0 && cloud.count != 0) {
        const std::size_t d = cloud.detail_columns;
        auto detail = harmonics::encode({cloud.detail.data(), cloud.count, d, d}, importance_of(cloud),
                                        {.kept = options.kept,
                                         .step = options.step,
                                         .parts = std::max<std::size_t>(1, d / options.part)});
        if (!detail) return detail.error();
        parts[3] = std::move(*detail);
    }
    encoded out;
    pith::vector_sink sink(out.file);
    pith::container::section_writer<pith::vector_sink> sections(sink);
    constexpr pith::container::section_id ids[] = {"POSN", "SHAP", "COLR", "HARM"};
    sections.put("HEAD", head);
    for (std::size_t i = 0; i < 4; ++i) {
        out.sizes[i] = parts[i].size();
        sections.put(ids[i], parts[i]);
    }
    sections.finish();
    return out;
}

inline pith::result<splat_cloud> decode_parts(const pith::container::section (&part)[5],
                                              const pith::limits& bound) {
    pith::byte_reader head(part[0].payload);
    const auto count = head.read_le<std::uint64_t>();
    const auto detail = head.read_le<std::uint32_t>();
    if (!count || !detail || head.remaining() != 24)
        return pith::error{pith::error_code::bad_header, part[0].offset, "a header of splats has 36 bytes"};
    if (*count >> 24 != 0 || *detail > 1024 || *count * (14 + *detail) * 4 > bound.max_memory / 2)
        return pith::error{pith::error_code::limit_exceeded, part[0].offset,
                           "there are more splats than the limits allow"};
    std::array<float, 6> box;
    for (float& v : box) {
        v = std::bit_cast<float>(*head.read_le<std::uint32_t>());
        if (!pith::is_finite(v))
            return pith::error{pith::error_code::bad_header, part[0].offset, "a box that is none"};
    }
    splat_cloud out = splat_cloud::of(static_cast<std::size_t>(*count), *detail);
    if (const auto done = decode_points(part[1].payload, box, out); !done)
        return done.error().shifted_by(part[1].offset);
    if (const auto done = decode_columns(part[2].payload, shape_steps, out.shape); !done)
        return done.error().shifted_by(part[2].offset);
    if (const auto done = decode_columns(part[3].payload, colour_steps, out.colour); !done)
        return done.error().shifted_by(part[3].offset);
    if (out.detail.empty() && !part[4].payload.empty())
        return pith::error{pith::error_code::trailing_data, part[4].offset, "harmonics of no splats"};
    if (!out.detail.empty())
        if (const auto done = harmonics::decode_into(part[4].payload,
                                                     {out.detail.data(), out.count, *detail, *detail}, bound);
            !done)
            return done.error().shifted_by(part[4].offset);
    out.normalize_rotations();
    return out;
}
inline pith::result<splat_cloud> decode(pith::byte_view in, const pith::limits& bound = {}) {
    auto sections = pith::container::section_reader::open(in, bound);
    if (!sections) return sections.error();
    constexpr pith::container::section_id ids[] = {"HEAD", "POSN", "SHAP", "COLR", "HARM"};
    pith::container::section part[5], extra;
    for (std::size_t i = 0; i < 5; ++i) {
        const auto more = sections->next(part[i]);
        if (!more) return more.error();
        if (!*more || !(part[i].id == ids[i]))
            return pith::error{pith::error_code::bad_header, part[i].offset, "a section is missing"};
    }
    const auto more = sections->next(extra);
    if (!more) return more.error();
    if (*more) return pith::error{pith::error_code::trailing_data, extra.offset, "a section too many"};
    return decode_parts(part, bound);
}

}  // namespace splats
