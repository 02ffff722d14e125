#include <string>
#include <utility>

#include "support/block_coders.hpp"
#include "vectors/frozen.hpp"
#include "vectors/samples.hpp"

namespace {

using bytes = std::vector<std::uint8_t>;

// Encodes and decodes with both forms, which must agree, and compares with the frozen row.
void check(frozen::rows& rows, const block_coders::entry& entry, const std::string& input, const bytes& in) {
    CAPTURE(entry.name, input);
    const auto native = entry.native(), portable = entry.portable();
    const bytes coded = block_coders::encoded(*native, in);
    CHECK(coded == block_coders::encoded(*portable, in));
    bytes back(in.size(), 0xA5), also(in.size(), 0x5A);
    REQUIRE(native->decode_into(coded, back));
    REQUIRE(portable->decode_into(coded, also));
    CHECK(back == also);
    rows.check(std::string("block/") + entry.name, input, in, coded, back);
}

}  // namespace

TEST_CASE("block coders write and read what is frozen, in their portable and in their fastest form") {
    frozen::rows rows("block/");
    const bytes text = frozen::read_file("text.txt");
    REQUIRE(text.size() > 600);
    for (const block_coders::entry& entry : block_coders::entries) {
        for (unsigned kind = 0; kind < samples::kinds; ++kind)
            for (const std::size_t n : {1U, 2U, 1000U, 70000U})
                check(rows, entry, samples::name(kind, n), samples::sample(kind, n));
        check(rows, entry, "empty", {});
        check(rows, entry, "text", text);
        // Order-0 rANS takes 64 lanes, 128 lanes, and 13 bits of precision.
        for (const auto& [kind, n] : {std::pair{samples::letters, 400000U},
                                      {samples::wide, 400000U},
                                      {samples::wide, 700000U},
                                      {samples::peaks, 200000U}})
            check(rows, entry, samples::name(kind, n), samples::sample(kind, n));
    }
    rows.finish();
}
