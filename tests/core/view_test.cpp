#include <pith/core/view.hpp>

#include <type_traits>
#include <vector>

#include "support/catch.hpp"

namespace {
std::vector<int> counted(std::size_t n) {
    std::vector<int> v(n);
    for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<int>(i);
    return v;
}
}  // namespace

TEST_CASE("rows, columns, blocks and transposes of a matrix see the same elements") {
    std::vector<int> data = counted(5 * 7);
    const pith::view_2d<int> m(data, 5, 7);
    CHECK(m.contiguous());
    CHECK(m.as_span().size() == 35);
    for (std::size_t r = 0; r < 5; ++r)
        for (std::size_t c = 0; c < 7; ++c) {
            const int truth = static_cast<int>(r * 7 + c);
            CHECK(m(r, c) == truth);
            CHECK(m.row(r)[c] == truth);
            CHECK(m.column(c)[r] == truth);
            CHECK(m.transposed()(c, r) == truth);
        }
    const auto b = m.block(1, 2, 3, 4);
    CHECK(b.rows() == 3);
    CHECK(b.columns() == 4);
    CHECK_FALSE(b.contiguous());
    CHECK_FALSE(m.transposed().contiguous());
    CHECK(m.block(2, 0, 3, 7).contiguous());
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 4; ++c) CHECK(&b(r, c) == &m(r + 1, c + 2));
    CHECK(b.transposed().block(1, 1, 2, 2)(1, 0) == m(2, 4));
    CHECK(m.block(5, 7, 0, 0).empty());
    CHECK(m.row(1).contiguous());
    CHECK(m.row(1).as_span()[3] == 10);
    CHECK_FALSE(m.column(1).contiguous());
    CHECK(m.column(1).sub(2, 3)[0] == m(2, 1));
    CHECK(m.column(1).sub(5, 0).empty());
}

TEST_CASE("views write through and become views of constants but not back") {
    std::vector<int> data(6, 0);
    const pith::view_2d<int> m(data, 2, 3);
    m(1, 2) = 9;
    CHECK(data[5] == 9);
    const pith::view_2d<const int> read = m;
    CHECK(read(1, 2) == 9);
    const pith::strided_span<const int> line = m.row(1);
    CHECK(line[2] == 9);
    STATIC_REQUIRE(std::is_convertible_v<pith::view_2d<int>, pith::view_2d<const int>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<pith::view_2d<const int>, pith::view_2d<int>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<pith::strided_span<const int>, pith::strided_span<int>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<pith::view_3d<const int>, pith::view_3d<int>>);
    STATIC_REQUIRE(std::is_same_v<decltype(read(0, 0)), const int&>);
}

TEST_CASE("a stack of matrices gives its planes") {
    std::vector<int> data = counted(3 * 4 * 5);
    const pith::view_3d<int> s(data, 3, 4, 5);
    CHECK(s.contiguous());
    CHECK(s.size() == 60);
    CHECK(s(2, 3, 4) == 59);
    CHECK(s.plane(1)(0, 0) == 20);
    CHECK(s.planes_from(1, 2)(1, 0, 1) == 41);
    CHECK(s.planes_from(3, 0).empty());
    const pith::view_3d<const int> corner(3, 20, pith::view_2d<const int>(s.plane(0).block(1, 1, 2, 2)));
    CHECK_FALSE(corner.contiguous());
    CHECK(corner(2, 1, 0) == 40 + 11);
    CHECK(s.as_span()[59] == 59);
}

TEST_CASE("empty views are empty whatever their other side") {
    CHECK(pith::view_2d<int>().empty());
    CHECK(pith::view_2d<int>(std::span<int>(), 0, 5).empty());
    CHECK(pith::view_2d<int>(std::span<int>(), 5, 0).contiguous());
    CHECK(pith::view_3d<int>(std::span<int>(), 0, 3, 3).empty());
    CHECK(pith::strided_span<int>().empty());
}
