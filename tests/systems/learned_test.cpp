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

TEST_CASE("BackSlash's rounding has less error than the nearest at no more bits, on heavy-tailed weights") {
    pith::random_sequence random(4);
    std::vector<float> w(n);
    for (float& v : w) {
        const double g = random.gaussian();
        v = static_cast<float>(g * std::fabs(g));
    }
    struct outcome {
        std::size_t bytes;
        double error;
    };
    const auto run = [&](systems::backslash how) {
        const auto bytes = how.encode(w);
        REQUIRE(bytes.has_value());
        const auto back = systems::backslash::decode(*bytes);
        REQUIRE(back.has_value());
        REQUIRE(back->size() == n);
        double error = 0;
        for (std::size_t i = 0; i < n; ++i) error += std::pow(double{w[i]} - double{(*back)[i]}, 2);
        return outcome{bytes->size(), error};
    };
    for (const float step : {0.25F, 0.5F, 1.0F}) {
        const outcome plain = run({.step = step});
        bool better = false;
        for (const float finer : {0.9F, 0.95F})
            for (const double price : {0.06, 0.1, 0.15}) {
                const outcome priced = run({.step = step * finer, .price = price});
                better = better || (priced.bytes <= plain.bytes && priced.error < 0.985 * plain.error);
            }
        CHECK(better);
    }
}

TEST_CASE("Each value gets the integer of least cost, and damaged words are errors or other finite values") {
    pith::random_sequence random(5);
    for (unsigned order = 0; order < 4; ++order)
        for (int round = 0; round < 300; ++round) {
            const systems::backslash how{.price = random.uniform_double(), .order = order};
            const double x = 30 * random.gaussian();
            const auto cost = [&](std::int32_t q) { return (x - q) * (x - q) + how.price * how.bits_of(q); };
            double least = cost(0);
            for (std::int32_t q = -200; q <= 200; ++q) least = std::min(least, cost(q));
            REQUIRE(cost(how(x)) <= least * (1 + 1e-12));
        }
    const std::vector<float> w{0, -1.5F, 3, 100, -0.2F, 7};
    const auto bytes = systems::backslash{.step = 0.5F, .order = 1}.encode(w);
    REQUIRE(bytes.has_value());
    for (std::size_t cut = 0; cut < bytes->size(); ++cut)
        REQUIRE_FALSE(systems::backslash::decode(pith::byte_view(*bytes).first(cut)).has_value());
    for (std::size_t bit = 0; bit < 8 * bytes->size(); ++bit) {
        auto damaged = *bytes;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const auto got = systems::backslash::decode(damaged);
        if (got.has_value())
            for (const float v : *got) REQUIRE(std::isfinite(v));
    }
    CHECK_FALSE(systems::backslash{}.encode(std::vector<float>{1e30F}).has_value());
    CHECK_FALSE(systems::backslash{.step = 0}.encode(w).has_value());
    REQUIRE(systems::backslash{}.encode({}).has_value());
    CHECK(systems::backslash::decode(*systems::backslash{}.encode({}))->empty());
}
