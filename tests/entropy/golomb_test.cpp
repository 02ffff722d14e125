#include <pith/entropy/golomb.hpp>

#include <vector>

#include "block_laws.hpp"

using namespace pith;
using namespace pith::entropy;
using block_laws::bytes;

static_assert(block_coder<rice_bytes>);

TEST_CASE("Rice codes of every byte under every parameter and cap come back at the stated length") {
    for (unsigned parameter = 0; parameter <= 8; ++parameter) {
        for (const unsigned cap : {1U, 2U, 7U, 16U, 32U}) {
            const rice_code code{parameter, 8, cap};
            bytes stream;
            vector_sink sink(stream);
            bit_writer writer(sink);
            for (std::uint64_t v = 0; v < 256; ++v) code.put(writer, v);
            writer.finish();
            bit_reader reader(stream);
            for (std::uint64_t v = 0; v < 256; ++v) {
                CAPTURE(parameter, cap, v);
                const std::uint64_t before = reader.bit_position();
                const result<std::uint64_t> got = code.get(reader);
                REQUIRE(got);
                REQUIRE(*got == v);
                REQUIRE(reader.bit_position() - before == code.length(v));
            }
        }
    }
}

TEST_CASE("every 16-bit string is refused or is the one Rice code word of its value") {
    for (unsigned parameter = 0; parameter <= 6; ++parameter) {
        const rice_code code{parameter, 6, 5};
        for (unsigned bits = 0; bits < 65536; ++bits) {
            const bytes in{static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8)};
            bit_reader reader(in);
            const result<std::uint64_t> got = code.get(reader);
            if (!got) continue;
            REQUIRE(*got < 64);
            bytes again;
            vector_sink sink(again);
            bit_writer writer(sink);
            code.put(writer, *got);
            writer.finish();
            again.resize(2);
            const auto mask = static_cast<unsigned>(low_mask(static_cast<unsigned>(reader.bit_position())));
            REQUIRE((again[0] | again[1] << 8) == static_cast<int>(bits & mask));
        }
    }
}

TEST_CASE("the chosen Rice parameter is the cheapest, and its cost is what is written") {
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        std::vector<std::uint32_t> histogram(256);
        const bytes in = block_laws::sample(kind, 3000);
        for (const std::uint8_t b : in) ++histogram[b];
        const rice_choice best = best_rice_parameter(histogram, {0, 8, 16}, 8);
        for (unsigned parameter = 0; parameter <= 8; ++parameter) {
            bytes stream;
            vector_sink sink(stream);
            bit_writer writer(sink);
            const rice_code code{parameter, 8, 16};
            std::uint64_t bits = 0;
            for (const std::uint8_t b : in) code.put(writer, b), bits += code.length(b);
            writer.finish();
            CHECK(stream.size() == (bits + 7) / 8);
            CHECK(bits >= best.bits);
            if (parameter == best.parameter) CHECK(bits == best.bits);
        }
    }
}

TEST_CASE("Exp-Golomb codes of every order come back, and wide ones are refused") {
    for (unsigned k = 0; k <= 56; ++k) {
        bytes stream;
        vector_sink sink(stream);
        bit_writer writer(sink);
        std::vector<std::uint64_t> values;
        for (std::uint64_t v = 0; v < 300; ++v) values.push_back(v * (std::uint64_t{1} << (k / 2)));
        values.push_back(~std::uint64_t{0} >> 1);
        if (k > 0) values.push_back(~std::uint64_t{0});
        for (const std::uint64_t v : values) put_exp_golomb(writer, v, k);
        writer.finish();
        bit_reader reader(stream);
        for (const std::uint64_t v : values) REQUIRE(*get_exp_golomb(reader, k) == v);
        CHECK(reader.byte_position() == stream.size());
    }
    bytes stream;
    vector_sink sink(stream);
    bit_writer writer(sink);
    put_gamma(writer, std::uint64_t{1} << 62);
    writer.finish();
    bit_reader reader(stream);
    CHECK(get_exp_golomb(reader, 5).error().code == error_code::bad_stream);
    stream.resize(9);
    bit_reader cut(stream);
    CHECK(get_exp_golomb(cut, 5).error().code == error_code::truncated);
}

TEST_CASE("Rice blocks come back, within the bound, and damage is survived") {
    rice_bytes coder;
    block_laws::check_block_coder(coder);
}

TEST_CASE("Rice blocks follow a source whose scale changes") {
    rice_bytes coder;
    bytes in = block_laws::sample(3, 4096);
    const bytes flat = block_laws::sample(8, 4096);
    for (const std::uint8_t b : flat) in.push_back(static_cast<std::uint8_t>(b - 100));
    std::vector<std::uint32_t> histogram(256);
    for (const std::uint8_t b : in) ++histogram[b];
    CHECK(block_laws::encoded(coder, in).size() * 8 < best_rice_parameter(histogram, {0, 8, 16}, 7).bits);
}
