#include <pith/core/parallel.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace {

// A pool that never grants a thread: the work must be done all the same.
struct refused {
    static std::size_t workers() { return 4; }
    template <class Help, class Main>
    static void run_beside(std::size_t, Help&&, Main&& main) {
        main(std::size_t{0});
    }
};
constexpr refused none;

struct item {
    std::uint64_t value = 0;
    std::uint64_t work = 0;
};

// Squares 0 .. n-1 through the pipeline, with uneven work; stops consuming after `take` items.
template <class Policy>
std::vector<std::uint64_t> squares(const Policy& policy, std::size_t slots, std::uint64_t n,
                                   std::uint64_t take) {
    std::vector<item> ring(slots);
    std::vector<std::uint64_t> out;
    std::uint64_t next = 0;
    const auto caller = std::this_thread::get_id();
    bool on_caller = true;
    pith::ordered_pipeline(
        policy, std::span<item>(ring),
        [&](item& i) {
            on_caller = on_caller && std::this_thread::get_id() == caller;
            if (next == n) return false;
            i = {next, (next * 7919) % 301};
            ++next;
            return true;
        },
        [&](item& i, std::size_t worker) {
            if (worker >= policy.workers()) i.value = 0;
            volatile std::uint64_t spin = 0;
            for (std::uint64_t k = 0; k < i.work; ++k) spin = spin + k;
            i.value *= i.value;
        },
        [&](item& i) {
            on_caller = on_caller && std::this_thread::get_id() == caller;
            out.push_back(i.value);
            return out.size() < take;
        });
    CHECK(on_caller);
    CHECK(next <= out.size() + slots);
    return out;
}

template <class Policy>
std::vector<int> visits(const Policy& policy, std::size_t n) {
    std::vector<int> count(n, 0);
    std::atomic<bool> in_range{true};
    pith::for_each_index(policy, n, [&](std::size_t i, std::size_t worker) {
        ++count[i];
        if (worker >= policy.workers()) in_range = false;
    });
    CHECK(in_range);
    return count;
}

}  // namespace

TEST_CASE("every index is visited once, by any policy") {
    for (std::size_t n : {0U, 1U, 2U, 7U, 1000U}) {
        const std::vector<int> once(n, 1);
        CHECK(visits(pith::serial{}, n) == once);
        CHECK(visits(pith::on_crew<refused>{&none}, n) == once);
        CHECK(visits(pith::threads{}, n) == once);
        for (std::size_t t = 1; t <= 8; ++t) CHECK(visits(pith::threads{t}, n) == once);
    }
}

TEST_CASE("the pipeline keeps the order whatever the threads and slots") {
    for (std::uint64_t n : {0U, 1U, 2U, 3U, 250U}) {
        const auto expected = squares(pith::serial{}, 1, n, ~std::uint64_t{0});
        REQUIRE(expected.size() == n);
        CHECK(squares(pith::on_crew<refused>{&none}, 3, n, ~std::uint64_t{0}) == expected);
        for (std::size_t t = 1; t <= 8; ++t)
            for (std::size_t slots : {std::size_t{1}, std::size_t{2}, t, t + 1, 3 * t})
                REQUIRE(squares(pith::threads{t}, slots, n, ~std::uint64_t{0}) == expected);
    }
}

TEST_CASE("the pipeline stops when the consumer has enough") {
    for (std::size_t t = 1; t <= 4; ++t) {
        CHECK(squares(pith::threads{t}, t + 1, 100, 1).size() == 1);
        CHECK(squares(pith::threads{t}, t + 1, 100, 37).size() == 37);
    }
    CHECK(squares(pith::serial{}, 1, 100, 37).size() == 37);
}

TEST_CASE("an exception of the producer or the consumer reaches the caller, and no thread is left behind") {
    for (const bool in_producer : {true, false}) {
        std::vector<item> ring(3);
        int produced = 0, consumed = 0;
        const auto run = [&] {
            pith::ordered_pipeline(
                pith::threads{2}, std::span<item>(ring),
                [&](item&) {
                    if (in_producer && produced == 10) throw std::runtime_error("source");
                    return ++produced <= 100;
                },
                [](item&, std::size_t) {},
                [&](item&) {
                    if (!in_producer && consumed == 10) throw std::runtime_error("sink");
                    return ++consumed > 0;
                });
        };
        CHECK_THROWS_AS(run(), std::runtime_error);
    }
}

TEST_CASE("policies meet the concept") {
    STATIC_REQUIRE(pith::parallel_policy<pith::serial>);
    STATIC_REQUIRE(pith::parallel_policy<pith::threads>);
    STATIC_REQUIRE(pith::parallel_policy<pith::on_crew<refused>>);
    STATIC_REQUIRE_FALSE(pith::parallel_policy<refused>);
    STATIC_REQUIRE_FALSE(pith::parallel_policy<int>);
    CHECK(pith::threads{}.workers() >= 1);
    CHECK(pith::threads{5}.workers() == 5);
}
