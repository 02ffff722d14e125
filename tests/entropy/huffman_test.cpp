#include <pith/entropy/huffman.hpp>

#include <memory>

#include "block_laws.hpp"

using namespace pith;
using namespace pith::entropy;
using block_laws::bytes;

static_assert(block_coder<huffman<>>);
static_assert(huffman<>::recipe == 0x01 && huffman<4>::recipe != huffman<>::recipe);

TEMPLATE_TEST_CASE("Huffman blocks come back, within the bound, and damage is survived", "", huffman<1>,
                   huffman<2>, huffman<4>, huffman<6>, huffman<8>) {
    const auto coder = std::make_unique<TestType>();
    block_laws::check_block_coder(*coder);
}

TEST_CASE("a Huffman block costs its code lengths and no more than a few bytes besides") {
    const auto coder = std::make_unique<huffman<>>();
    const bytes skewed = block_laws::sample(3, 100000);  // 2 bits a symbol
    CHECK(block_laws::encoded(*coder, skewed).size() < 25000 + 150);
    CHECK(block_laws::encoded(*coder, bytes(100000, 9)).size() == 2);
    CHECK(block_laws::encoded(*coder, block_laws::sample(2, 100000)).size() == 100001);
    CHECK(block_laws::encoded(*coder, {}).empty());
}

namespace {

bytes header_of(const huffman_lengths& lengths) {
    bytes out;
    vector_sink sink(out);
    bit_writer writer(sink);
    write_huffman_lengths(writer, lengths);
    writer.finish();
    return out;
}

huffman_lengths lengths_of(std::initializer_list<std::uint8_t> first) {
    huffman_lengths lengths{};
    std::size_t s = 0;
    for (const std::uint8_t l : first) lengths[s++] = l;
    return lengths;
}

}  // namespace

TEST_CASE("code lengths come back from their header, which has one form") {
    package_merge<256, huffman_max_length> merge;
    for (unsigned kind = 1; kind < block_laws::kinds; ++kind) {
        for (const std::size_t n : {2U, 5U, 50U, 400U, 5000U, 100000U}) {
            std::uint32_t counts[256] = {};
            for (const std::uint8_t b : block_laws::sample(kind, n)) ++counts[b];
            huffman_lengths lengths{};
            if (merge.assign(counts, lengths, huffman_max_length) < 2) continue;
            const bytes header = header_of(lengths);
            CHECK(header.size() <= 352);
            bit_reader in(header);
            huffman_lengths back{};
            REQUIRE(read_huffman_lengths(in, back));
            CHECK(back == lengths);
            CHECK(in.byte_position() == header.size());
            // Any other header that is accepted holds other lengths.
            for (std::size_t bit = 0; bit < header.size() * 8; ++bit) {
                bytes damaged = header;
                damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
                bit_reader other(damaged);
                if (!read_huffman_lengths(other, back) || !other.padding_is_zero()) continue;
                bytes again = header_of(back);
                damaged.resize(other.byte_position());
                CHECK(again == damaged);
                CHECK(back != lengths);
            }
        }
    }
}

TEST_CASE("over- and under-subscribed codes are refused") {
    huffman_lengths back{};
    for (const huffman_lengths& lengths :
         {lengths_of({1, 1, 1}), lengths_of({1, 2}), lengths_of({11}), lengths_of({3, 3, 3, 3, 3, 3, 3})}) {
        const bytes header = header_of(lengths);
        bit_reader in(header);
        const result<void> read = read_huffman_lengths(in, back);
        // The first is complete after two symbols although its run goes on; the others never are, and the
        // header ends before them.
        REQUIRE_FALSE(read);
        CHECK(read.error().code == (lengths[1] == 1 ? error_code::bad_model : error_code::truncated));
    }
    const bytes zeros(400);
    bit_reader in(zeros);
    CHECK_FALSE(read_huffman_lengths(in, back));
    bit_reader empty(byte_view{});
    CHECK_FALSE(read_huffman_lengths(empty, back));
}

TEST_CASE("every index of the multi-symbol tables holds what single lookups give") {
    package_merge<256, huffman_max_length> merge;
    for (unsigned kind = 1; kind < block_laws::kinds; ++kind) {
        std::uint32_t counts[256] = {};
        for (const std::uint8_t b : block_laws::sample(kind, 5000)) ++counts[b];
        huffman_lengths lengths{};
        merge.assign(counts, lengths, huffman_max_length);
        const auto single = std::make_unique<huffman_single_table>();
        const auto six = std::make_unique<huffman_multi_table<std::uint64_t>>();
        single->build(lengths);
        six->build(*single);
        for (std::size_t i = 0; i < huffman_table_size; ++i) {
            const std::uint64_t e = six->entries[i];
            unsigned used = 0;
            for (unsigned k = 0; k < huffman_multi_table<std::uint64_t>::count(e); ++k) {
                const unsigned one = single->entries[i >> used];
                REQUIRE((e >> (8 * k) & 0xFF) == (one & 0xFF));
                used += one >> 8;
            }
            REQUIRE((e >> 48 & 0xFF) == used);
            REQUIRE((used > 0 && used <= huffman_max_length));
        }
    }
}

TEST_CASE("forms that the encoder does not choose are refused") {
    const auto coder = std::make_unique<huffman<>>();
    bytes out(4);
    CHECK(coder->decode_into(bytes{0, 7, 7, 7, 7}, out).error().code == error_code::bad_stream);
    CHECK(coder->decode_into(bytes{1, 7, 7}, out).error().code == error_code::trailing_data);
    CHECK(coder->decode_into(bytes{3, 7}, out).error().code == error_code::bad_header);
    CHECK(coder->decode_into(bytes{2, 7, 0, 0, 0, 0}, out).error().code == error_code::bad_header);
    CHECK(coder->decode_into(bytes{0, 1, 2, 3}, out).error().code == error_code::truncated);
    CHECK(coder->decode_into(bytes{0}, byte_span{}).error().code == error_code::trailing_data);
    CHECK(coder->decode_into(bytes{}, out).error().code == error_code::truncated);
}
