#include <pith/container/section.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace box = pith::container;
using bytes = std::vector<std::uint8_t>;
using box::section_use;

constexpr box::section_id keys("KEYS"), values("VALS"), note("NOTE");

bytes example() {
    bytes out;
    pith::vector_sink sink(out);
    box::section_writer writer(sink);
    writer.put(keys, bytes{1, 2, 3});
    writer.put(note, bytes{9, 9, 9, 9, 9}, section_use::optional);
    writer.put(values, {});
    writer.put(keys, bytes{1, 2, 3});
    writer.finish();
    return out;
}

// Reads as a program that knows keys and values: what it saw, or the error.
std::string read(const bytes& in, const pith::limits& bound = {}) {
    auto reader = box::section_reader::open(in, bound);
    if (!reader) return pith::name_of(reader.error().code);
    std::string seen;
    for (box::section s;;) {
        const auto more = reader->next(s);
        if (!more) return pith::name_of(more.error().code);
        if (!*more) return seen;
        if (s.id == keys) {
            seen.append(1, 'k').append(std::to_string(s.payload.size()));
        } else if (s.id == values) {
            seen.append(1, 'v').append(std::to_string(s.payload.size()));
        } else if (const auto ok = box::section_reader::skip(s); !ok) {
            return pith::name_of(ok.error().code);
        } else {
            seen += "-";
        }
    }
}

}  // namespace

TEST_CASE("sections come back in order, and an unknown optional one is skipped") {
    CHECK(read(example()) == "k3-v0k3");
    bytes empty;
    pith::vector_sink sink(empty);
    box::section_writer(sink).finish();
    CHECK(read(empty).empty());
    CHECK(empty.size() == 8 + 24);
}

TEST_CASE("an unknown mandatory section is refused by its place") {
    bytes out;
    pith::vector_sink sink(out);
    box::section_writer writer(sink);
    writer.put(keys, bytes{5});
    writer.put(note, bytes{5});
    writer.finish();
    CHECK(read(out) == "unsupported_parameter");
    box::section s;
    auto reader = box::section_reader::open(out);
    REQUIRE((*reader->next(s) && *reader->next(s)));
    CHECK(box::section_reader::skip(s).error().offset == 8 + 24 + 1);
    CHECK(s.payload[0] == 5);
    CHECK(s.offset == 8 + 25 + 24);
}

TEST_CASE("any bit flip, cut, insertion or deletion of a section list is an error") {
    const bytes good = example();
    const std::string expected = read(good);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        bytes b = good;
        b[bit / 8] = static_cast<std::uint8_t>(b[bit / 8] ^ (1U << (bit % 8)));
        CAPTURE(bit);
        REQUIRE(read(b).find('_') + read(b).find("truncated") != 2 * std::string::npos);
        REQUIRE(read(b) != expected);
    }
    for (std::size_t n = 0; n < good.size(); ++n)
        REQUIRE(read(bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n))) == "truncated");
    for (std::size_t at = 0; at < good.size(); ++at) {
        bytes b = good;
        b.erase(b.begin() + static_cast<std::ptrdiff_t>(at));
        REQUIRE(read(b) != expected);
        for (int v : {0, 1, 9, 255}) {
            b = good;
            b.insert(b.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(v));
            REQUIRE(read(b) != expected);
        }
    }
    bytes longer = good;
    longer.push_back(0);
    CHECK(read(longer) == "trailing_data");
}

TEST_CASE("sections that were swapped or dropped are found") {
    const bytes good = example();
    const auto at = [&](std::size_t from, std::size_t to) {
        return bytes(good.begin() + static_cast<std::ptrdiff_t>(from),
                     good.begin() + static_cast<std::ptrdiff_t>(to));
    };
    const bytes head = at(0, 8), a = at(8, 35), b = at(35, 64), c = at(64, 88), d = at(88, 115),
                end = at(115, 139);
    const auto joined = [](std::initializer_list<bytes> parts) {
        bytes out;
        for (const bytes& p : parts) out.insert(out.end(), p.begin(), p.end());
        return out;
    };
    CHECK(joined({head, a, b, c, d, end}) == good);
    CHECK(read(joined({head, b, a, c, d, end})) == "checksum_mismatch");
    CHECK(read(joined({head, d, b, c, a, end})) == "checksum_mismatch");
    CHECK(read(joined({head, a, b, c, end})) == "bad_header");
    CHECK(read(joined({head, a, b, c, d, d, end})) == "checksum_mismatch");
}

TEST_CASE("sizes that lie and too many sections are errors at once") {
    bytes b = example();
    pith::store_le<std::uint64_t>(b.data() + 16, ~std::uint64_t{0});
    CHECK(read(b) == "truncated");
    CHECK(read(example(), {.max_blocks = 3}) == "limit_exceeded");
    CHECK(read(example(), {.max_blocks = 4}) == "k3-v0k3");
    b = example();
    b[4] = 2;
    CHECK(read(b) == "unsupported_version");
}
