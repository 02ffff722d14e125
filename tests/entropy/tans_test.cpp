#include <pith/entropy/tans.hpp>

#include <cmath>
#include <memory>

#include "block_laws.hpp"

using namespace pith;
using namespace pith::entropy;
using block_laws::bytes;

static_assert(block_coder<tans<>>);
static_assert(tans<>::recipe == 0x02 && tans<11>::recipe != tans<12, 2>::recipe);

TEMPLATE_TEST_CASE("tANS blocks come back, within the bound, and damage is survived", "", (tans<9, 1>),
                   (tans<11, 2>), (tans<12, 4>)) {
    const auto coder = std::make_unique<TestType>();
    block_laws::check_block_coder(*coder);
}

TEST_CASE("tANS stays within 0.3 % of the order-0 entropy at 1 MB") {
    const auto coder = std::make_unique<tans<>>();
    // Not kind 4: its 255 symbols of probability 2^-14.6 cannot have less than 2^-12.
    for (const unsigned kind : {1U, 3U, 6U, 7U, 8U}) {
        const bytes in = block_laws::sample(kind, 1 << 20);
        std::uint32_t counts[256];
        count_bytes(in, counts);
        double entropy = 0;
        for (const std::uint32_t c : counts)
            if (c != 0) entropy -= c * std::log2(c / double(in.size())) / 8;
        CAPTURE(kind);
        CHECK(double(block_laws::encoded(*coder, in).size()) <= entropy * 1.003 + 32);
    }
}

TEST_CASE("the spread gives every symbol its slots, no two of one symbol far from even") {
    const auto spread = std::make_unique<detail::tans_spread<10>>();
    std::uint32_t counts[256];
    for (const unsigned kind : {1U, 2U, 3U, 6U, 8U}) {
        const bytes in = block_laws::sample(kind, 20000);
        count_bytes(in, counts);
        std::uint16_t frequencies[256];
        normalize_frequencies(counts, frequencies, 10);
        spread->assign(frequencies);
        std::uint32_t seen[256] = {};
        for (const std::uint8_t s : spread->symbol) ++seen[s];
        for (std::size_t s = 0; s < 256; ++s) REQUIRE(seen[s] == frequencies[s]);
    }
}

TEST_CASE("every truncation of a tANS block is noticed") {
    const auto coder = std::make_unique<tans<>>();
    const bytes in = block_laws::sample(6, 700);
    bytes code = block_laws::encoded(*coder, in);
    REQUIRE(code[0] == 2);
    bytes out(in.size());
    while (!code.empty()) {
        code.pop_back();
        CHECK_FALSE(coder->decode_into(code, out));
    }
}
