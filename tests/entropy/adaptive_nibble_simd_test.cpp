#include <pith/codec/bytes.hpp>

#include <memory>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace {

template <unsigned Order>
void check_equal_streams() {
    const auto vectorised = std::make_unique<pith::codec::adaptive_nibble<Order>>();
    const auto portable = std::make_unique<pith::entropy::adaptive_nibble<Order>>();
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        for (const std::size_t n : {0U, 1U, 31U, 300U, 2047U, 2048U, 2049U, 30000U}) {
            CAPTURE(Order, kind, n);
            const block_laws::bytes data = block_laws::sample(kind, n);
            const block_laws::bytes coded = block_laws::encoded(*vectorised, data);
            REQUIRE(coded == block_laws::encoded(*portable, data));
            block_laws::bytes back(n);
            REQUIRE(vectorised->decode_into(coded, back));
            REQUIRE(back == data);
            back.assign(n, 0);
            REQUIRE(portable->decode_into(coded, back));
            REQUIRE(back == data);
        }
    }
}

}  // namespace

TEST_CASE("adaptive nibbles in vectors write and read the bytes of the portable form") {
    check_equal_streams<0>();
    check_equal_streams<1>();
    check_equal_streams<2>();
}
