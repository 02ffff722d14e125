// Quasicryth: laws of block coders on any bytes, its claim on made-up text, frozen bytes.
#include <pith/core/checksum.hpp>
#include <pith/systems/lossless.hpp>

#include <memory>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"
#include "text_samples.hpp"

namespace {

using namespace pith::codec;
using block_laws::bytes;
using every_length = phrases<fibonacci_tilings<12>, phrase_contexts::published>;

template <class Coder>
std::size_t size_of(const bytes& in) {
    const auto coder = std::make_unique<Coder>();
    block_laws::check_round_trip(*coder, in);
    return block_laws::encoded(*coder, in).size();
}

template <class Coder>
void check_some(Coder& coder) {
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        CAPTURE(kind);
        for (std::size_t n = 0; n <= 60; ++n)
            block_laws::check_round_trip(coder, block_laws::sample(kind, n));
        for (const std::size_t n : {300U, 1025U, 4097U, 65537U})
            block_laws::check_round_trip(coder, block_laws::sample(kind, n));
        block_laws::check_small_destinations(coder, block_laws::sample(kind, 100));
        for (const std::size_t n : {1U, 2U, 40U})
            block_laws::check_damage(coder, block_laws::sample(kind, n));
    }
}

}  // namespace

TEST_CASE("a coder of phrases keeps the laws of block coders on any bytes") {
    const auto alias = std::make_unique<pith::systems::quasicryth>();
    static_assert(pith::entropy::block_coder<pith::systems::quasicryth>);
    static_assert(sizeof(pith::systems::quasicryth) <= 65536);
    check_some(*alias);
    const auto every = std::make_unique<every_length>();
    check_some(*every);
}

TEST_CASE("text of all sizes comes back, with phrases of all lengths") {
    const auto coder = std::make_unique<every_length>();
    for (std::size_t n = 1; n < 2000; n += 37)
        block_laws::check_round_trip(*coder, text_samples::prose(n, 2, n));
    const bytes text = text_samples::prose(200000, 2, 1);
    block_laws::check_round_trip(*coder, text);
    CHECK(coder->report().words > 20000);
    CHECK(coder->report().events < coder->report().words / 2);
    for (std::size_t level = 1; level < phrase_levels; ++level) CHECK(coder->report().uses[level] > 0);
}

TEST_CASE("damage to coded text is found or harmless", "[native]") {
    const auto coder = std::make_unique<every_length>();
    const bytes text = text_samples::prose(500, 2, 2);
    REQUIRE(block_laws::encoded(*coder, text)[0] == 2);
    block_laws::check_damage(*coder, text);
    block_laws::check_small_destinations(*coder, text_samples::prose(200, 2, 3));
    const auto alias = std::make_unique<pith::systems::quasicryth>();
    block_laws::check_damage(*alias, text);
}

TEST_CASE("blocks of several chunks come back") {
    const auto coder = std::make_unique<every_length>();
    bytes text = text_samples::prose(150000, 2, 4);
    while (text.size() < (std::size_t{1} << 22) + 1000)
        text.insert(text.end(), text.begin(), text.begin() + 150000);
    text.resize((std::size_t{1} << 22) + 1000);
    bytes code(every_length::max_encoded_size(text.size())), back(text.size());
    const auto size = coder->encode_into(text, code);
    REQUIRE(size);
    code.resize(*size);
    REQUIRE(coder->decode_into(code, back));
    CHECK(back == text);
}

TEST_CASE("where long passages recur Fibonacci's tiling beats that of period five, by more in longer texts",
          "[native]") {
    const auto gain = [](std::size_t size) {
        const bytes text = text_samples::prose(size, 30, 1);
        const auto fibonacci =
            static_cast<double>(size_of<phrases<fibonacci_tilings<1>, phrase_contexts::published>>(text));
        const auto periodic =
            static_cast<double>(size_of<phrases<period_five_tilings<1>, phrase_contexts::published>>(text));
        return 1 - fibonacci / periodic;
    };
    const double small = gain(60000), large = gain(250000);
    CHECK(large > small);
    CHECK(large > 0.002);
}

TEST_CASE("word contexts make text smaller than the published ones") {
    const bytes text = text_samples::prose(100000, 4, 6);
    CHECK(size_of<pith::systems::quasicryth>(text) < size_of<every_length>(text));
}

TEST_CASE("the bytes of Quasicryth are frozen") {
    const auto alias = std::make_unique<pith::systems::quasicryth>();
    const auto every = std::make_unique<every_length>();
    CHECK(pith::xxh64_of(block_laws::encoded(*alias, text_samples::prose(5000, 3, 7))) ==
          0x6C0E1FEAA1FEE708U);
    CHECK(pith::xxh64_of(block_laws::encoded(*alias, text_samples::prose(150000, 3, 8))) ==
          0x3284047746DBCC8EU);
    CHECK(pith::xxh64_of(block_laws::encoded(*every, text_samples::prose(150000, 3, 8))) ==
          0x1FD27A75802A71B1U);
    CHECK(pith::xxh64_of(block_laws::encoded(*alias, block_laws::sample(6, 20000))) == 0x0E6C6E32C1EBF80EU);
}
