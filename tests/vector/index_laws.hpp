// What two indexes over the same codes owe each other, however each stores and scans them.
#pragma once

#include <pith/vector/flat_index.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

namespace vector_test {

/// The same neighbors, with the filter and without one, and the same bytes, which are given back.
template <class Fast, class Plain>
std::vector<std::uint8_t> check_same_index(Fast& fast, Plain& plain, pith::view_2d<const float> queries,
                                           std::size_t neighbors, pith::vector::id_filter some) {
    for (const pith::vector::id_filter filter : {pith::vector::id_filter{}, some}) {
        const auto a = fast.search(queries, neighbors, filter);
        const auto b = plain.search(queries, neighbors, filter);
        REQUIRE((a && b));
        CHECK(a->found == b->found);
    }
    std::vector<std::uint8_t> first, second;
    pith::vector_sink one(first), two(second);
    fast.save(one);
    plain.save(two);
    CHECK(first == second);
    return first;
}

}  // namespace vector_test
