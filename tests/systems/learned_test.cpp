// Entropy back ends of learned codecs: what comes out is what went in, in the bits that the models say.
#include <pith/systems/learned.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

namespace {
namespace entropy = pith::entropy;
namespace systems = pith::systems;
using symbols = std::vector<std::int32_t>;

constexpr std::size_t n = 20000;

/// Integers of latents of given deviations, each with a mean of its own.
struct latents {
    symbols values;
    std::vector<entropy::location_scale> parameters;
    double ideal = 0;  ///< bits under the densities of the unit steps

    latents() {
        pith::random_sequence random(1);
        for (std::size_t i = 0; i < n; ++i) {
            const double mean = 8 * random.gaussian(), scale = std::exp2(random.gaussian());
            const double x = std::nearbyint(mean + scale * random.gaussian());
            values.push_back(static_cast<std::int32_t>(x));
            parameters.push_back({entropy::fixed_location(mean), entropy::fixed_scale(scale)});
            const auto below = [&](double v) { return 0.5 * std::erfc((mean - v) / scale * std::sqrt(0.5)); };
            ideal -= std::log2(std::max(below(x + 0.5) - below(x - 0.5), 1e-9));
        }
    }
};
}  // namespace

TEST_CASE("Latents under their own Gaussians take the ideal bits and less than a percent more") {
    const latents l;
    const auto models = std::make_unique<entropy::parametric_models<entropy::gaussian>>();
    const systems::gaussian_latents codec(*models);
    std::vector<std::uint8_t> bytes(codec.max_encoded_size(n));
    const auto size = codec.encode_into(l.values, l.parameters, bytes);
    REQUIRE(size.has_value());
    CHECK(8 * static_cast<double>(*size) < 1.01 * l.ideal);
    symbols back(n);
    REQUIRE(codec.decode_into(pith::byte_view(bytes).first(*size), l.parameters, back).has_value());
    CHECK(back == l.values);
}

TEST_CASE("Indices of stages with habits take less than their width, and come back") {
    pith::random_sequence random(2);
    std::vector<std::uint16_t> indices;
    for (std::size_t i = 0; i < n; ++i)  // stage 0 uses few entries, stage 1 all of them
        indices.push_back(
            static_cast<std::uint16_t>(i % 2 == 0 ? random.below(4) * random.below(4) : random.below(64)));
    const auto bytes = pith::vector::encode_indices<6>(indices, 2);
    CHECK(8 * bytes.size() < 6 * n * 4 / 5);
    std::vector<std::uint16_t> back(n);
    REQUIRE(pith::vector::decode_indices<6>(bytes, 2, back).has_value());
    CHECK(back == indices);
}

TEST_CASE("WaLLoC's packets give signals back, and their energy") {
    pith::random_sequence random(3);
    std::vector<float> x(96), y(96), z(96);
    for (float& v : x) v = static_cast<float>(random.gaussian());
    const systems::walloc_transform<> packets(pith::transform::packet_tree(96, 3));
    packets.forward_into(x, y);
    double before = 0, after = 0;
    for (std::size_t i = 0; i < 96; ++i) {
        before += double{x[i]} * double{x[i]};
        after += double{y[i]} * double{y[i]};
    }
    CHECK(std::fabs(before - after) < 1e-4 * before);
    packets.inverse_into(y, z);
    for (std::size_t i = 0; i < 96; ++i) REQUIRE(std::fabs(x[i] - z[i]) < 1e-4F);
}
