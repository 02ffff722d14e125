// Block coders over models of bits: the laws of block coders with the least model there is.
#include <cstdint>
#include <memory>
#include <vector>

#include <pith/mixing/bitwise_coder.hpp>
#include <pith/mixing/byte_counts.hpp>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

using namespace pith;
using namespace pith::mixing;

namespace {

/// A model that offers the concept and nothing more.
struct counting_model {
    static constexpr unsigned precision = 16;
    static constexpr std::size_t memory = 0;
    void reset(const std::uint8_t*, std::size_t) noexcept { counts.reset(); }
    [[nodiscard]] std::uint32_t predict() noexcept { return counts.predict() * 15 + 1000; }
    void update(bool bit) noexcept { counts.update(bit); }
    void end_byte() noexcept {}
    byte_counts counts;
};
struct identity {
    static constexpr std::uint32_t recipe = 0x8000'1234;
    static constexpr const char* name = "counting";
};
using coder = bitwise_coder<counting_model, identity>;
static_assert(entropy::block_coder<coder>);

result<std::size_t> decode(const std::vector<std::uint8_t>& in, std::size_t n) {
    coder c;
    std::vector<std::uint8_t> out(n);
    return c.decode_into(in, out);
}

}  // namespace

TEST_CASE("A coder over a model of bits keeps the laws of block coders") {
    coder c;
    block_laws::check_block_coder(c);
}

TEST_CASE("Blocks that do not shrink are stored, and cost one byte") {
    coder c;
    for (const std::size_t n : {1U, 2U, 3U, 100U, 5000U}) {
        const block_laws::bytes noise = block_laws::sample(2, n);
        const block_laws::bytes code = block_laws::encoded(c, noise);
        CAPTURE(n);
        CHECK(code.size() == n + 1);
        CHECK(code[0] == 0);
    }
    CHECK(block_laws::encoded(c, block_laws::sample(0, 5000)).size() < 600);
    CHECK(coder::max_encoded_size(0) == 0);
}

TEST_CASE("What no coder writes is refused with its reason") {
    CHECK(decode({}, 1).error().code == error_code::truncated);
    CHECK(decode({1}, 0).error().code == error_code::trailing_data);
    CHECK(decode({2, 0}, 1).error().code == error_code::bad_header);
    CHECK(decode({0, 5}, 2).error().code == error_code::truncated);
    CHECK(decode({0, 5, 6, 7}, 2).error().code == error_code::trailing_data);
    CHECK(decode({1, 5, 6, 7}, 2).error().code == error_code::bad_stream);  // longer than stored
    CHECK(*decode({0, 5}, 1) == 1);
    CHECK(*decode({}, 0) == 0);
}
