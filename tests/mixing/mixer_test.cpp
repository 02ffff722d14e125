#include <pith/mixing/apm.hpp>
#include <pith/mixing/mixer.hpp>

#include <array>
#include <cstdint>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

using namespace pith::mixing;

static_assert(mixing_kernel<portable_mixing>);

namespace {

/// A small weight set and a weight_set<16> that see N inputs, the rest zero.
template <std::size_t N>
void check_small_set() {
    small_weight_set<N> narrow(5);
    weight_set<16, portable_mixing> wide(5);
    narrow.reset(3000);
    wide.reset(N, 3000);
    pith::random_sequence random(20 + N);
    for (int i = 0; i < 3000; ++i) {
        alignas(32) std::array<std::int16_t, 16> inputs{};
        for (std::size_t k = 0; k < N; ++k)
            inputs[k] = static_cast<std::int16_t>(static_cast<int>(random.below(4095)) - 2047);
        const std::size_t context = random.below(5);
        const int x = narrow.mix(inputs.data(), context);
        REQUIRE(x == wide.mix(inputs.data(), context));
        REQUIRE((x >= -pith::stretch16_limit && x <= pith::stretch16_limit));
        const bool bit = inputs[0] > 0 || random.below(8) == 0;
        const int error = (bit ? 65536 : 0) - static_cast<int>(pith::squash16(x));
        const int rate = 1 + static_cast<int>(random.below(600));
        narrow.train(inputs.data(), error, rate);
        wide.train(inputs.data(), error, rate);
    }
}

}  // namespace

TEST_CASE("a small weight set gives the integers of one with sixteen inputs, the rest zero") {
    check_small_set<1>();
    check_small_set<2>();
    check_small_set<4>();
    check_small_set<7>();
    check_small_set<8>();
    check_small_set<15>();
    check_small_set<16>();
}

TEST_CASE("the table of squash values at twelve bits is squash16 on the same line") {
    for (int x = -2048; x < 2048; ++x)
        REQUIRE(squash12_to_16<>[static_cast<std::size_t>(x + 2048)] == pith::squash16(8 * x));
}

TEST_CASE("an untrained weight of one passes its input through") {
    weight_set<16, portable_mixing> set(1);
    set.reset(1, 16384);
    alignas(32) std::array<std::int16_t, 16> inputs{};
    for (int x = -2047; x <= 2047; ++x) {
        inputs[0] = static_cast<std::int16_t>(x);
        REQUIRE(set.mix(inputs.data(), 0) == 8 * x);
    }
}

TEST_CASE("weights learn which of their inputs tells the truth, in each context for itself") {
    weight_set<16, portable_mixing> set(2);
    set.reset(4, 4000);
    pith::random_sequence random(31);
    const auto inputs_for = [&](bool bit, std::size_t context) {
        alignas(32) std::array<std::int16_t, 16> inputs{};
        for (std::size_t k = 0; k < 4; ++k)
            inputs[k] = static_cast<std::int16_t>(random.below(2) == 0 ? 500 : -500);
        inputs[context] = static_cast<std::int16_t>(bit ? 500 : -500);
        return inputs;
    };
    std::size_t wrong = 0;
    for (int i = 0; i < 20000; ++i) {
        const std::size_t context = random.below(2);
        const bool bit = random.below(2) == 1;
        alignas(32) const std::array<std::int16_t, 16> inputs = inputs_for(bit, context);
        const int p = static_cast<int>(pith::squash16(set.mix(inputs.data(), context)));
        if (i >= 15000 && (bit ? p < 60000 : p > 5536)) ++wrong;
        set.train(inputs.data(), (bit ? 65536 : 0) - p, 200);
    }
    CHECK(wrong < 50);
}

TEST_CASE("the error never grows when one example is learnt again") {
    weight_set<32, portable_mixing> set(3);
    set.reset(20, 800);
    pith::random_sequence random(32);
    alignas(32) std::array<std::int16_t, 32> inputs{};
    for (std::size_t k = 0; k < 20; ++k)
        inputs[k] = static_cast<std::int16_t>(static_cast<int>(random.below(2000)) - 1000);
    int last = -pith::stretch16_limit;
    for (int i = 0; i < 2000; ++i) {
        const int x = set.mix(inputs.data(), 1);
        REQUIRE(x >= last);
        last = x;
        set.train(inputs.data(), 65536 - static_cast<int>(pith::squash16(x)), 100);
    }
    CHECK(pith::squash16(last) > 65000);
}

// Only the nearer point learns: what lies between two is tested where it is one of them.
constexpr int at_point = 512;

TEST_CASE("an adaptive probability map starts as the identity") {
    apm map(7);
    map.reset();
    for (int x = -pith::stretch16_limit; x <= pith::stretch16_limit; x += 7) {
        const auto p = static_cast<int>(pith::squash16(x < -16383 ? -16383 : x > 16383 ? 16383 : x));
        for (const std::size_t context : {0U, 6U}) {
            const auto refined = static_cast<int>(map.refine(x, context));
            // Linear between points half a unit apart: off by at most s'' (1/2)^2 / 8 < 0.1 / 32 of the
            // range.
            REQUIRE((refined >= p - 205 && refined <= p + 205));
        }
    }
}

TEST_CASE("an adaptive probability map converges to what happens in each context") {
    apm map(3);
    map.reset();
    pith::random_sequence random(33);
    for (int i = 0; i < 60000; ++i) {
        const std::size_t context = random.below(2);
        const int x = (static_cast<int>(random.below(3)) - 1) * 2048 + at_point;
        static_cast<void>(map.refine(x, context));
        map.update(random.below(100) < (context == 0 ? 10U : 80U), 6);
    }
    for (const int x : {-2048 + at_point, at_point, 2048 + at_point}) {
        const auto low = static_cast<double>(map.refine(x, 0)) / 65536;
        const auto high = static_cast<double>(map.refine(x, 1)) / 65536;
        CHECK((low > 0.02 && low < 0.25));
        CHECK((high > 0.62 && high < 0.95));
    }
    CHECK(static_cast<int>(map.refine(0, 2)) == 32768);  // never trained
}

TEST_CASE("points of an adaptive probability map stay in 16 bits under one kind of bit") {
    for (const bool bit : {false, true}) {
        for (const unsigned rate : {1U, 4U, 6U, 7U}) {
            apm map(1);
            map.reset();
            std::uint32_t last = map.refine(at_point, 0);
            for (int i = 0; i < 3000; ++i) {
                map.update(bit, rate);
                const std::uint32_t p = map.refine(at_point, 0);
                REQUIRE((bit ? p >= last : p <= last));
                last = p;
            }
            CHECK((bit ? last > 65400 : last < 130));
        }
    }
}
