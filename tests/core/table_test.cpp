#include <pith/core/table.hpp>

#include <cstdint>
#include <utility>

#include "support/catch.hpp"

using pith::table;

TEST_CASE("a table is zero, aligned, and as long as asked", "[table]") {
    for (const std::size_t n : {0U, 1U, 63U, 64U, 65U, 4097U, 524287U, 524288U, 524289U, 3000000U}) {
        const table<std::uint32_t> t(n);
        REQUIRE(t.size() == n);
        REQUIRE(t.empty() == (n == 0));
        std::size_t wrong = 0;
        for (const std::uint32_t v : t) wrong += v != 0;
        REQUIRE(wrong == 0);
        const auto address = reinterpret_cast<std::uintptr_t>(t.data());
        REQUIRE(address % 64 == 0);
        if (n * 4 >= std::size_t{1} << 23) REQUIRE(address % (std::size_t{1} << 21) == 0);
    }
}

TEST_CASE("tables copy their elements and move their memory", "[table]") {
    table<std::uint16_t> a(1000);
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<std::uint16_t>(i * 7);
    table<std::uint16_t> b(a);
    REQUIRE(b.data() != a.data());
    REQUIRE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
    b[3] = 9;
    REQUIRE(a[3] == 21);
    const std::uint16_t* const where = b.data();
    table<std::uint16_t> c(std::move(b));
    REQUIRE(c.data() == where);
    REQUIRE(b.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the promise
    b = c;               // other size: new memory
    REQUIRE(b[3] == 9);
    b = a;  // same size: in place
    REQUIRE(b[3] == 21);
    table<std::uint16_t>& self = a;
    a = self;
    REQUIRE(a[3] == 21);
    a = std::move(c);
    REQUIRE(a.data() == where);
    a.clear();
    REQUIRE(a[3] == 0);
    a = table<std::uint16_t>();
    REQUIRE(a.size() == 0);
}

// Address sanitizers end the program on such a request; g++ and clang tell of theirs in different ways.
#ifdef __has_feature
#    define PITH_TEST_FEATURE(name) __has_feature(name)
#else
#    define PITH_TEST_FEATURE(name) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !PITH_TEST_FEATURE(address_sanitizer)
TEST_CASE("memory that cannot be had is refused", "[table]") {
    REQUIRE_THROWS_AS(table<std::uint64_t>::unset(~std::size_t{0} / 4), std::bad_alloc);
}
#endif
