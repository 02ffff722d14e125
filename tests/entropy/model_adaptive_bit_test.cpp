// The adaptive bit: bounds, determinism, convergence, cost.
#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/entropy/concepts.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>

#include "entropy/adaptive_samples.hpp"
#include "support/catch.hpp"

using namespace pith::entropy;

namespace {

constexpr bit_rates two{4, 7, 0};
constexpr bit_rates growing{7, 0, 1};

static_assert(bit_predictor<adaptive_bit<>> && sizeof(adaptive_bit<>) == 2);
static_assert(bit_predictor<adaptive_bit<two>> && sizeof(adaptive_bit<two>) == 4);
static_assert(bit_predictor<adaptive_bit<growing>> && sizeof(adaptive_bit<growing>) == 4);

template <unsigned Rate>
void check_every_state() {
    for (std::uint32_t p = 1; p < 65536; ++p) {
        for (const std::uint64_t mask : {std::uint64_t{0}, ~std::uint64_t{0}}) {
            const std::uint32_t q = detail::moved(static_cast<std::uint16_t>(p), mask, Rate);
            REQUIRE(q >= 1);
            REQUIRE(q <= 65535);
            // Towards the bit, by the floor of 2^-rate of the way.
            if (mask == 0) REQUIRE(q == p - (p >> Rate));
            if (mask != 0) REQUIRE(q == p + ((65536 - p) >> Rate));
        }
    }
}

template <class Predictor>
double cost(std::size_t n, std::uint32_t ones_in_65536) {
    test::sequence random(n);
    Predictor p;
    double bits = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const bool bit = (random.next() >> 48) < ones_in_65536;
        const double one = p.probability_of_one() / 65536.0;
        bits -= std::log2(bit ? one : 1 - one);
        p.update(bit);
    }
    return bits / static_cast<double>(n);
}

template <unsigned Rate>
void check_update_in_place() {
    using predictor = adaptive_bit<bit_rates{Rate, 0, 0}>;
    test::sequence random(Rate);
    std::vector<predictor> one_by_one(7);
    std::vector<predictor> in_place(7);
    for (int i = 0; i < 100000; ++i) {
        const std::uint64_t at = random.next() % 7;
        const auto span = static_cast<std::uint64_t>(i / 5000 % 17);
        const std::uint64_t bit = (random.next() >> 40 & ((std::uint64_t{1} << span) - 1)) == 0 ? 1 : 0;
        one_by_one[at].update_masked(std::uint64_t{0} - bit);
        predictor::update_at(in_place.data(), at, std::uint64_t{0} - bit);
        REQUIRE(one_by_one == in_place);
    }
}

template <class Predictor>
void check_laws() {
    test::sequence random(1);
    Predictor a;
    Predictor b;
    REQUIRE(a.probability_of_one() == 32768);
    for (int i = 0; i < 100000; ++i) {
        const auto span = static_cast<std::uint64_t>(i / 1000 % 17);  // from even to nearly constant bits
        const bool bit = (random.next() >> 40 & ((std::uint64_t{1} << span) - 1)) == 0;
        a.update(bit);
        b.update_masked(std::uint64_t{0} - std::uint64_t{bit});
        REQUIRE(a == b);
        REQUIRE(a.probability_of_one() >= 1);
        REQUIRE(a.probability_of_one() <= 65535);
    }
}

}  // namespace

TEST_CASE("an adaptive probability never reaches 0 or 1, from any state at any rate", "[model]") {
    check_every_state<1>();
    check_every_state<2>();
    check_every_state<4>();
    check_every_state<5>();
    check_every_state<8>();
}

TEST_CASE("an update by place in an array is the update of that element", "[model]") {
    check_update_in_place<1>();
    check_update_in_place<6>();
    check_update_in_place<8>();
}

TEST_CASE("copies of an adaptive bit that see the same bits stay equal", "[model]") {
    check_laws<adaptive_bit<>>();
    check_laws<adaptive_bit<two>>();
    check_laws<adaptive_bit<growing>>();
}

TEST_CASE("an adaptive bit costs entropy plus the noise of its rate", "[model]") {
    const double h = -(0.1 * std::log2(0.1) + 0.9 * std::log2(0.9));
    // The noise of rate r is about 2^-(r + 2) / ln 2 bits for a steady source.
    CHECK(cost<adaptive_bit<bit_rates{5, 0, 0}>>(200000, 6554) < h + 0.014);
    CHECK(cost<adaptive_bit<bit_rates{7, 0, 0}>>(200000, 6554) < h + 0.004);
    CHECK(cost<adaptive_bit<two>>(200000, 6554) < h + 0.012);
    CHECK(cost<adaptive_bit<growing>>(200000, 6554) < h + 0.004);
    // Fast at the start: 100 bits of a skewed source.
    CHECK(cost<adaptive_bit<growing>>(100, 1000) < 0.75 * cost<adaptive_bit<bit_rates{7, 0, 0}>>(100, 1000));
    // A bit that never comes: at most 2^5 / 65536 is left for it.
    CHECK(cost<adaptive_bit<>>(200000, 0) < 0.0009);
}
