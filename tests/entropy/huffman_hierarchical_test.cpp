// Codes with words of up to 32 bits: their lengths in a header, their decoding by tables of 256 entries.
#include <pith/entropy/huffman_hierarchical.hpp>
#include <pith/entropy/package_merge.hpp>

#include <memory>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace {

namespace e = pith::entropy;
using bytes = std::vector<std::uint8_t>;

e::huffman_lengths lengths_of(const bytes& data, unsigned limit) {
    std::uint32_t counts[256] = {};
    for (const std::uint8_t b : data) ++counts[b];
    e::huffman_lengths lengths;
    const auto merge = std::make_unique<e::package_merge<256, 32>>();
    merge->assign(counts, lengths, limit);
    return lengths;
}

/// Lengths 1, 2, ..., 31, 32, 32: the deepest code that the limit allows.
e::huffman_lengths deepest() {
    e::huffman_lengths lengths{};
    for (unsigned k = 0; k < 32; ++k) lengths[7 * k] = static_cast<std::uint8_t>(k + 1);
    lengths[255] = 32;
    return lengths;
}

bytes written(const e::huffman_lengths& lengths, const bytes& data) {
    e::hierarchical_codes codes;
    codes.assign(lengths);
    bytes out(4 * data.size() + 8);
    out.resize(e::write_hierarchical(codes, data, out.data()));
    out.shrink_to_fit();
    return out;
}

bool reads(const e::hierarchical_tables& tables, const bytes& code, bytes& out) {
    e::hierarchical_stream one[1] = {{code, out}};
    return e::read_hierarchical<1>(tables, one);
}

void check(const e::huffman_lengths& lengths, const bytes& data) {
    e::hierarchical_tables tables;
    tables.build(lengths);
    const bytes code = written(lengths, data);
    bytes back(data.size(), 0xA5);
    REQUIRE(reads(tables, code, back));
    REQUIRE(back == data);
    bytes header;
    pith::vector_sink sink(header);
    pith::bit_writer writer(sink);
    e::write_huffman_lengths(writer, lengths);
    writer.finish();
    pith::bit_reader reader(header);
    e::huffman_lengths read;
    REQUIRE(e::read_huffman_lengths<e::hierarchical_max_length>(reader, read));
    REQUIRE(read == lengths);
}

}  // namespace

TEST_CASE("hierarchical tables decode what was written, at every size and depth") {
    for (std::size_t n = 2; n < 200; ++n) {
        bytes data = block_laws::sample(8, n);
        data[0] = 1;  // two symbols at least
        data[1] = 2;
        check(lengths_of(data, 32), data);
    }
    for (const unsigned kind : {1U, 2U, 3U, 4U, 8U})
        for (const unsigned limit : {8U, 9U, 16U, 17U, 32U}) {
            const bytes data = block_laws::sample(kind, 30000);
            check(lengths_of(data, limit), data);
        }
    check(lengths_of(block_laws::fibonacci(24), 32), block_laws::fibonacci(24));
}

TEST_CASE("words of 32 bits decode in any company") {
    const e::huffman_lengths lengths = deepest();
    block_laws::generator g{11};
    for (const std::size_t n : {0U, 1U, 2U, 3U, 4U, 5U, 7U, 8U, 9U, 30U, 1000U}) {
        bytes longest(n, 255), mixed(n);
        for (std::uint8_t& b : mixed) {
            const unsigned k = g.next() % 33;
            b = static_cast<std::uint8_t>(k == 32 ? 255 : 7 * k);
        }
        check(lengths, longest);
        check(lengths, mixed);
    }
}

TEST_CASE("several streams decode together as each alone") {
    const bytes data = block_laws::sample(8, 5000);
    const e::huffman_lengths lengths = lengths_of(data, 32);
    e::hierarchical_tables tables;
    tables.build(lengths);
    bytes parts[4], codes[4], back[4];
    e::hierarchical_stream streams[4];
    std::size_t at = 0;
    for (std::size_t k = 0; k < 4; ++k) {
        const std::size_t n = k == 3 ? 77 : 1500 + 41 * k;
        parts[k].assign(data.begin() + static_cast<std::ptrdiff_t>(at),
                        data.begin() + static_cast<std::ptrdiff_t>(at + n));
        at += n;
        codes[k] = written(lengths, parts[k]);
        back[k].resize(n);
        streams[k] = e::hierarchical_stream(codes[k], back[k]);
    }
    REQUIRE(e::read_hierarchical<4>(tables, streams));
    for (std::size_t k = 0; k < 4; ++k) CHECK(back[k] == parts[k]);
}

TEST_CASE("a stream that is cut, goes on or is not padded with zeros is refused, and none is read beyond") {
    const bytes data = block_laws::sample(8, 400);
    for (const e::huffman_lengths& lengths : {lengths_of(data, 32), deepest()}) {
        bytes in = data;
        if (lengths[255] == 32)
            for (std::uint8_t& b : in) b = static_cast<std::uint8_t>(7 * (b % 32));
        e::hierarchical_tables tables;
        tables.build(lengths);
        const bytes code = written(lengths, in);
        bytes back(in.size());
        for (std::size_t cut = 0; cut < code.size(); ++cut) {
            const bytes part(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(cut));
            REQUIRE_FALSE(reads(tables, part, back));
        }
        bytes longer = code;
        longer.push_back(0);
        CHECK_FALSE(reads(tables, longer, back));
        for (std::size_t bit = 0; bit < 8 * code.size(); ++bit) {
            bytes damaged = code;
            damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
            if (reads(tables, damaged, back)) REQUIRE(back != in);
        }
    }
}

TEST_CASE("lengths beyond the limit and incomplete codes are refused") {
    bytes header;
    pith::vector_sink sink(header);
    pith::bit_writer writer(sink);
    e::write_huffman_lengths(writer, deepest());
    writer.finish();
    e::huffman_lengths read;
    pith::bit_reader narrow(header);
    const auto refused = e::read_huffman_lengths(narrow, read);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == pith::error_code::bad_model);
    for (std::size_t cut = 0; cut < header.size(); ++cut) {
        pith::bit_reader reader(pith::byte_view(header).first(cut));
        CHECK_FALSE(e::read_huffman_lengths<32>(reader, read));
    }
}
