// Numbers under mixed contexts: both directions agree, contexts are learned, frozen bytes.
#include <pith/core/checksum.hpp>
#include <pith/core/random.hpp>
#include <pith/mixing/mixed_number.hpp>

#include <memory>
#include <vector>

#include "support/catch.hpp"

using namespace pith::mixing;

namespace {

using numbers = mixed_number<2, 16>;

/// Codes values under the value before and under nothing; returns the bytes.
std::vector<std::uint8_t> encoded(const std::vector<std::uint32_t>& values) {
    std::vector<std::uint8_t> out;
    pith::vector_sink sink(out);
    bit_writer_end<pith::vector_sink> end(sink);
    const auto coder = std::make_unique<numbers>();
    coder->reset(values.size());
    std::uint32_t before = 0;
    for (const std::uint32_t v : values) {
        const std::uint64_t contexts[] = {context_of(1), context_of(2, before)};
        REQUIRE(coder->code(end, v, 0, contexts) == v);
        REQUIRE(coder->code_fixed(end, v & 15, 4, 1, contexts) == (v & 15));
        before = v;
    }
    end.finish();
    return out;
}

void check(const std::vector<std::uint32_t>& values) {
    const std::vector<std::uint8_t> code = encoded(values);
    bit_reader_end end(code);
    const auto coder = std::make_unique<numbers>();
    coder->reset(values.size());
    std::uint32_t before = 0;
    for (const std::uint32_t v : values) {
        const std::uint64_t contexts[] = {context_of(1), context_of(2, before)};
        REQUIRE(coder->code(end, 0, 0, contexts) == v);
        REQUIRE(coder->code_fixed(end, 0, 4, 1, contexts) == (v & 15));
        before = v;
    }
    REQUIRE(end.finish());
}

}  // namespace

TEST_CASE("numbers of all sizes come back") {
    std::vector<std::uint32_t> values;
    for (unsigned k = 0; k < 32; ++k)
        for (const std::uint32_t v : {(1U << k) - 1, 1U << k, (1U << k) + 1})
            if (v != ~0U) values.push_back(v);
    values.push_back(0xFFFF'FFFEU);
    check(values);
    check({});
    check({0});
}

TEST_CASE("what follows from the number before costs next to nothing") {
    pith::random_sequence random(6);
    std::vector<std::uint32_t> values{0}, noise;
    for (unsigned i = 0; i < 5000; ++i) {
        values.push_back((values.back() * 5 + 3) % 97);
        noise.push_back(random.below(97));
    }
    check(values);
    check(noise);
    CHECK(encoded(values).size() < 800);
    // 6.6 bits and, as nothing tells of it, 4 for the second number; a sixth for contexts that say nothing.
    CHECK(encoded(noise).size() < 5000 * 106 / 80 * 7 / 6);
}

TEST_CASE("bytes of mixed numbers are frozen") {
    pith::random_sequence random(7);
    std::vector<std::uint32_t> values;
    for (unsigned i = 0; i < 3000; ++i) values.push_back(random.below(1 + i % 300));
    CHECK(pith::xxh64_of(encoded(values)) == 0x5F1219AF52DF30DEU);
}
