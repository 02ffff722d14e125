#include <pith/codec/smallest.hpp>
#include <pith/entropy/golomb.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/rans_block.hpp>

#include <algorithm>
#include <memory>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

using namespace pith::entropy;
using chooser = pith::codec::smallest<huffman<>, rice_bytes, rans_bytes<>>;

TEST_CASE("the smallest of several coders keeps the laws of block coders") {
    const auto coder = std::make_unique<chooser>();
    block_laws::check_block_coder(*coder);
}

TEST_CASE("the choice is one byte longer than the smallest payload, and names its coder") {
    const auto coder = std::make_unique<chooser>();
    const auto by_huffman = std::make_unique<huffman<>>();
    const auto by_rans = std::make_unique<rans_bytes<>>();
    const auto by_rice = std::make_unique<rice_bytes>();
    bool several = false;
    std::uint8_t first = 0;
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        const block_laws::bytes data = block_laws::sample(kind, 3000);
        const std::size_t least = std::min({block_laws::encoded(*by_huffman, data).size(),
                                            block_laws::encoded(*by_rans, data).size(),
                                            block_laws::encoded(*by_rice, data).size()});
        const block_laws::bytes coded = block_laws::encoded(*coder, data);
        CHECK(coded.size() == least + 1);
        several = several || (first != 0 && coded[0] != first);
        first = coded[0];
    }
    CHECK(several);
}

TEST_CASE("a block of a coder that is not in the list is refused by name") {
    const auto coder = std::make_unique<chooser>();
    const block_laws::bytes coded{0x21, 0, 0};
    block_laws::bytes out(3);
    const auto size = coder->decode_into(coded, out);
    REQUIRE_FALSE(size);
    CHECK(size.error().code == pith::error_code::unknown_recipe);
}
