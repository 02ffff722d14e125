// Published allocators on tables that quantizers have measured: what each must gain over equal shares.
#include <pith/quant/affine.hpp>
#include <pith/systems/budget.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

namespace {

namespace quant = pith::quant;
namespace budget = pith::budget;
namespace systems = pith::systems;

constexpr std::size_t blocks = 12, rows = 4, columns = 32;

/// Values of block b, whose deviations are 0.1 to 6.
std::vector<float> block_of(std::size_t b) {
    pith::random_sequence random(b + 1);
    std::vector<float> out(rows * columns);
    for (float& v : out)
        v = static_cast<float>(random.gaussian()) * 0.1F * std::exp2(static_cast<float>(b % 7));
    return out;
}

template <unsigned Bits>
budget::option measured(const std::vector<float>& x) {
    const quant::affine<quant::affine_options{.bits = Bits, .group = 0}> q{};
    const pith::view_2d<const float> view(x, rows, columns);
    const auto p = q.fit(view);
    std::vector<float> y(x.size());
    REQUIRE(q.decode_into(*q.encode(view, *p), *p, pith::view_2d<float>(y, rows, columns)));
    double error = 0;
    for (std::size_t i = 0; i < x.size(); ++i) error += std::pow(double{x[i]} - double{y[i]}, 2);
    return {8 * (p->bytes.size() + q.code_size(rows, columns)), error};
}

/// Widths 1 to 8 of every block, with bits really stored.
std::vector<std::vector<budget::option>> table() {
    std::vector<std::vector<budget::option>> out;
    for (std::size_t b = 0; b < blocks; ++b) {
        const auto x = block_of(b);
        out.push_back({measured<1>(x), measured<2>(x), measured<3>(x), measured<4>(x), measured<5>(x),
                       measured<6>(x), measured<7>(x), measured<8>(x)});
    }
    return out;
}

/// All blocks at one width.
budget::allocation uniform(const std::vector<std::vector<budget::option>>& t, std::size_t width) {
    budget::allocation out;
    for (const auto& part : t) {
        out.chosen.push_back(width);
        out.cost += part[width].cost;
        out.error += part[width].error;
    }
    return out;
}

}  // namespace

TEST_CASE("Bits of blocks by DynaQuant's price and AdaQuant's program lose less than equal bits") {
    const auto t = table();
    for (const std::size_t width : {1U, 3U, 5U}) {
        const auto equal = uniform(t, width);
        const auto priced = systems::dyna_quant{}(t, equal.cost);
        const auto exact = systems::adaquant_program{}(t, equal.cost);
        REQUIRE(priced);
        REQUIRE(exact);
        CHECK(priced->cost <= equal.cost);
        CHECK(exact->cost <= equal.cost);
        CHECK(exact->error <= priced->error);
        CHECK(priced->error < 0.5 * equal.error);
        const auto found = systems::evopress{.generations = 40}(
            t, equal.cost, [&](std::span<const std::size_t> chosen, std::size_t) {
                double error = 0;
                for (std::size_t i = 0; i < chosen.size(); ++i) error += t[i][chosen[i]].error;
                return error;
            });
        REQUIRE(found);
        CHECK(found->cost <= equal.cost);
        CHECK(found->error >= exact->error * (1 - 1e-12));
        CHECK(found->error < 0.5 * equal.error);
    }
}

TEST_CASE("L-GreCo keeps the error of equal bits in fewer of them") {
    const auto t = table();
    const auto equal = uniform(t, 3);
    const auto fewer = systems::l_greco{}(t, equal.error);
    REQUIRE(fewer);
    CHECK(fewer->error <= equal.error);
    CHECK(static_cast<double>(fewer->cost) < 0.8 * static_cast<double>(equal.cost));
    // The knapsack given that cost comes to that error, and at one unit less to more than allowed.
    CHECK(systems::rocket_budget{}(t, fewer->cost)->error <= equal.error);
    CHECK(systems::rocket_budget{}(t, fewer->cost - 1)->error > equal.error);
}

TEST_CASE("myQASR takes bits from the quietest layers, and its choice beats the reverse") {
    const auto t = table();
    std::vector<double> medians, reversed;
    std::vector<std::uint64_t> sizes(blocks, rows * columns);
    for (std::size_t b = 0; b < blocks; ++b) {
        auto x = block_of(b);
        for (float& v : x) v = std::fabs(v);
        std::nth_element(x.begin(), x.begin() + rows * columns / 2, x.end());
        medians.push_back(static_cast<double>(x[rows * columns / 2]));
        reversed.push_back(1 / medians.back());
    }
    const std::uint64_t most = rows * columns * (blocks * 4 + blocks / 2);
    const auto error_of = [&](const std::vector<std::uint32_t>& bits) {
        double error = 0;
        for (std::size_t b = 0; b < blocks; ++b) error += t[b][bits[b] - 1].error;
        return error;
    };
    const auto chosen = systems::my_qasr{}(medians, sizes, most);
    const auto wrong = systems::my_qasr{}(reversed, sizes, most);
    REQUIRE(chosen);
    REQUIRE(wrong);
    CHECK(std::accumulate(chosen->begin(), chosen->end(), 0U) * rows * columns == most);
    CHECK(error_of(*chosen) < error_of(*wrong));
    CHECK_FALSE(systems::my_qasr{}(medians, sizes, rows * columns * blocks));
}

TEST_CASE("CASP's bits by influence lose less influence than equal bits on quantized layers") {
    const auto t = table();
    std::vector<double> influences;
    for (std::size_t b = 0; b < blocks; ++b) {
        double energy = 0;
        for (const float v : block_of(b)) energy += double{v} * double{v};
        influences.push_back(energy);
    }
    const auto bits = systems::casp_bits{}(influences, 4 * blocks);
    REQUIRE(bits);
    CHECK(std::accumulate(bits->begin(), bits->end(), 0U) == 4 * blocks);
    double error = 0;
    for (std::size_t b = 0; b < blocks; ++b)
        error += (*bits)[b] == 0 ? influences[b] : t[b][(*bits)[b] - 1].error;
    CHECK(error < 0.5 * uniform(t, 3).error);
}
