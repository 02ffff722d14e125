#include <pith/core/progress.hpp>

#include <type_traits>

#include "support/catch.hpp"

namespace {

struct counting {
    int calls = 0;
    bool operator()(pith::progress_report) { return ++calls < 3; }
};
struct wrong_argument {
    bool operator()(const char*) { return true; }
};

}  // namespace

TEST_CASE("a callback that returns bool is progress, anything else is not") {
    STATIC_REQUIRE(pith::progress_callback<counting>);
    STATIC_REQUIRE(pith::progress_callback<pith::no_progress>);
    STATIC_REQUIRE(pith::progress_callback<bool (*)(pith::progress_report)>);
    STATIC_REQUIRE_FALSE(pith::progress_callback<wrong_argument>);
    STATIC_REQUIRE_FALSE(pith::progress_callback<int>);
}

TEST_CASE("no progress costs no space and never stops") {
    STATIC_REQUIRE(std::is_empty_v<pith::no_progress>);
    STATIC_REQUIRE(pith::no_progress{}({.done = 1, .total = 2}));
}

TEST_CASE("a total is known only when it is stated") {
    CHECK_FALSE(pith::progress_report{}.total_known());
    CHECK(pith::progress_report{.done = 0, .total = 0}.total_known());
}
