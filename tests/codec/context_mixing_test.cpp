#include <pith/codec/bytes.hpp>
#include <pith/codec/context_mixing.hpp>
#include <pith/container/frame.hpp>
#include <pith/container/inspect.hpp>
#include <pith/container/stream.hpp>
#include <pith/core/parallel.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

using namespace pith;
using bytes = std::vector<std::uint8_t>;

namespace {

// Kinds of blocks, as their first byte tells them.
constexpr std::uint8_t is_text = 0, is_code = 1, is_records = 2, is_words = 3, is_stored = 4;

bytes text(std::size_t n) {
    const char* const words[] = {"the ",  "of ",   "model",    "predicts ", "a ",
                                 "byte ", "and\n", "learns. ", "It ",       "is "};
    random_sequence random(71);
    std::string out;
    while (out.size() < n) out += words[random.below(10)];
    return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n)};
}
/// Functions of 32-bit x86: moves and calls.
bytes machine_code(std::size_t n) {
    random_sequence random(72);
    bytes out;
    while (out.size() < n) {
        for (const unsigned c :
             {0x55U, 0x8BU, 0xECU, 0x8BU, 0x45U, 8 + 4 * random.below(3), 0x50U, 0xE8U, random.below(256),
              random.below(16), 0U, 0U, 0x83U, 0xC4U, 0x04U, 0x5DU, 0xC3U})
            out.push_back(static_cast<std::uint8_t>(c));
    }
    out.resize(n);
    return out;
}
bytes records(std::size_t n) {
    random_sequence random(73);
    bytes out(n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t row = i / 24, column = i % 24;
        out[i] = static_cast<std::uint8_t>(column < 4    ? row >> (8 * column)
                                           : column < 20 ? 200 * column + row / 8
                                                         : random());
    }
    return out;
}
bytes noise(std::size_t n) {
    random_sequence random(74);
    bytes out(n);
    for (auto& b : out) b = static_cast<std::uint8_t>(random());
    return out;
}

/// One object of a type for all cases: it holds hundreds of MB, if only as addresses.
template <class Codec>
Codec& kept() {
    static const auto codec = std::make_unique<Codec>();
    return *codec;
}

template <class Codec>
bytes encoded(Codec& codec, const bytes& in) {
    bytes out(Codec::max_encoded_size(in.size()));
    const result<std::size_t> size = codec.encode_into(in, out);
    REQUIRE(size);
    REQUIRE(*size <= out.size());
    out.resize(*size);
    out.shrink_to_fit();
    return out;
}
template <class Codec>
bytes check_round_trip(Codec& codec, const bytes& in) {
    const bytes code = encoded(codec, in);
    bytes back(in.size(), 0xA5);
    const result<std::size_t> size = codec.decode_into(code, back);
    REQUIRE(size);
    REQUIRE(*size == in.size());
    REQUIRE(back == in);
    return code;
}

/// Damaged forms of a code decode to a whole block or an error, and write nothing outside.
template <class Codec>
void check_damage(Codec& codec, const bytes& in, std::size_t step) {
    const bytes code = encoded(codec, in);
    const auto survives = [&](bytes damaged, std::size_t n) {
        damaged.shrink_to_fit();
        bytes out(n);
        const result<std::size_t> size = codec.decode_into(damaged, out);
        REQUIRE((!size || *size == n));
        return size.has_value();
    };
    for (std::size_t bit = 0; bit < code.size() * 8; bit += step) {
        bytes damaged = code;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
        survives(damaged, in.size());
    }
    for (std::size_t at = 0; at < code.size(); at += step) {
        survives(bytes(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(at)), in.size());
        bytes damaged = code;
        damaged.erase(damaged.begin() + static_cast<std::ptrdiff_t>(at));
        survives(damaged, in.size());
        damaged = code;
        damaged.insert(damaged.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(at));
        survives(damaged, in.size());
    }
    bytes longer = code;
    longer.insert(longer.end(), 9, 0);
    CHECK_FALSE(survives(longer, in.size()));
    survives(code, in.size() / 2);
    survives(code, in.size() + 1);
    survives(code, 3 * in.size());
}

using portable_fast = codec::context_mixing<codec::fast_mixing>;
static_assert(entropy::block_coder<codec::fast> && entropy::block_coder<codec::max>);
static_assert(container::block_codec<codec::fast> && container::block_codec<codec::max>);
static_assert(entropy::block_coder<codec::fast_pair<threads>> && entropy::block_coder<codec::max_pair<>>);
static_assert(sizeof(codec::fast_pair<>) <= 65536 && sizeof(codec::max_pair<>) <= 65536);
static_assert(sizeof(codec::fast) <= 65536 && sizeof(codec::max) <= 65536);

/// Small enough to cut the blocks of tests.
template <std::size_t Parts>
struct cut_level : codec::fast_mixing {
    static constexpr std::uint32_t recipe = 0x8000'0001;
    static constexpr unsigned log2_lines = 16, log2_block = 16;
    static constexpr std::size_t parts = Parts, cut_from = 64;
};
template <std::size_t Parts, class Policy = serial>
using cut_codec = codec::context_mixing<cut_level<Parts>, codec::detail::mixing_kernel, Policy>;

}  // namespace

TEST_CASE("context mixing gives back blocks of every kind and small size", "[native]") {
    auto& codec = kept<codec::fast>();
    CHECK(encoded(codec, {}).empty());
    bytes none;
    CHECK(codec.decode_into(none, none).has_value());
    for (std::size_t n = 1; n <= 40; ++n) check_round_trip(codec, bytes(n, static_cast<std::uint8_t>(7 * n)));
    // Texts read the samples first, which takes a tenth of a second.
    for (const std::size_t n : {1U, 2U, 40U}) check_round_trip(codec, text(n));
    for (const std::size_t n : {1U, 2U, 3U, 17U, 39U, 101U}) {
        check_round_trip(codec, machine_code(n));
        check_round_trip(codec, noise(n));
    }
}

TEST_CASE("each kind of block is told by the first byte and shrinks") {
    auto& codec = kept<codec::fast>();
    const bytes of_text = check_round_trip(codec, text(3001));
    CHECK((of_text[0] == is_text || of_text[0] == is_words));
    CHECK(of_text.size() < 1100);
    const bytes of_code = check_round_trip(codec, machine_code(4099));
    CHECK(of_code[0] == is_code);
    CHECK(of_code.size() < 1400);
    const bytes of_records = check_round_trip(codec, records(4801));
    CHECK(of_records[0] == is_records);
    CHECK(of_records.size() < 2000);
    const bytes of_noise = check_round_trip(codec, noise(4097));
    CHECK(of_noise[0] == is_stored);
    CHECK(of_noise.size() == 4098);
}

TEST_CASE("texts with ends of lines of every kind come back") {
    auto& codec = kept<codec::fast>();
    for (const std::size_t ends : {1U, 3U, 40U}) {
        bytes in;
        for (std::size_t i = 0; i < ends; ++i) {
            const std::string line = "one line of a text that ends like those of other machines, and not";
            in.insert(in.end(), line.begin(), line.begin() + 40 + static_cast<std::ptrdiff_t>(i % 25));
            in.push_back('\r');
            in.push_back('\n');
        }
        check_round_trip(codec, in);
        in.push_back('\n');
        check_round_trip(codec, in);
    }
}

TEST_CASE("the thorough level gives back what the fast one does", "[native]") {
    auto& codec = kept<codec::max>();
    check_round_trip(codec, text(501));
    check_round_trip(codec, machine_code(701));
    check_round_trip(codec, records(1201));
    check_round_trip(codec, noise(257));
}

TEST_CASE("context mixing writes the same bytes with every kernel, and each reads the other's") {
    const auto check = []<class Native, class Portable>(Native& native, Portable& portable, const bytes& in) {
        const bytes code = encoded(native, in);
        REQUIRE(code == encoded(portable, in));
        bytes back(in.size());
        REQUIRE(portable.decode_into(code, back));
        REQUIRE(back == in);
    };
    for (const bytes& in : {text(700), machine_code(900), records(1000)})
        check(kept<codec::fast>(), kept<portable_fast>(), in);
}

TEST_CASE("a copy of a codec writes what the original does, and blocks do not depend on those before") {
    auto& codec = kept<codec::fast>();
    const bytes in = machine_code(500), first = encoded(codec, in);
    encoded(codec, records(900));
    CHECK(encoded(codec, in) == first);
    const auto copy = std::make_unique<codec::fast>(codec);
    CHECK(encoded(*copy, in) == first);
}

TEST_CASE("a destination that is too small is an error, and one that just fits is not") {
    auto& codec = kept<codec::fast>();
    for (const bytes& in : {machine_code(60), noise(30)}) {
        const bytes code = encoded(codec, in);
        for (std::size_t room = 0; room < code.size(); ++room) {
            bytes out(room);
            const result<std::size_t> size = codec.encode_into(in, out);
            REQUIRE_FALSE(size);
            REQUIRE(size.error().code == error_code::output_too_small);
        }
        bytes exact(code.size());
        REQUIRE(codec.encode_into(in, exact));
        CHECK(exact == code);
    }
}

TEST_CASE("damaged blocks of context mixing never do harm", "[native]") {
    auto& codec = kept<codec::fast>();
    check_damage(codec, machine_code(120), 3);
    check_damage(codec, records(2400), 61);
    check_damage(codec, noise(25), 3);
    check_damage(codec, text(60), 67);
}

TEST_CASE("every damage to blocks of context mixing is harmless", "[.slow]") {
    auto& codec = kept<codec::fast>();
    for (const std::size_t n : {1U, 2U, 17U, 300U}) {
        check_damage(codec, machine_code(n), 1);
        check_damage(codec, text(n), n < 100 ? 1 : 7);
        check_damage(codec, noise(n), 1);
    }
    check_damage(codec, records(2400), 7);
    check_damage(kept<codec::max>(), records(1200), 31);
    check_damage(kept<codec::max>(), text(100), 31);
}

TEST_CASE("parts of a block come back, and the bytes do not depend on threads", "[native]") {
    auto& one = kept<cut_codec<3>>();
    auto& many = kept<cut_codec<3, threads>>();
    auto& whole = kept<cut_codec<1>>();
    for (std::size_t n = 60; n < 70; ++n) check_round_trip(one, machine_code(n));
    for (const bytes& in : {text(3000), machine_code(5003), records(4805), noise(3000)}) {
        const bytes code = check_round_trip(one, in);
        CHECK(check_round_trip(many, in) == code);
        const bytes uncut = encoded(whole, in);
        CHECK((code == uncut) == (code[0] == is_stored));
        CHECK(code.size() < uncut.size() + uncut.size() / 4 + 60);
    }
    // What is shorter than the least block to cut has the code of one model.
    CHECK(encoded(one, machine_code(63)) == encoded(whole, machine_code(63)));
}

TEST_CASE("damage to blocks that are cut does no harm", "[native]") {
    auto& codec = kept<cut_codec<2>>();
    check_damage(codec, machine_code(130), 3);
    check_damage(codec, records(2400), 61);
    bytes in = machine_code(400);
    bytes code = encoded(codec, in);
    for (std::size_t k = 1; k <= 8; ++k) {  // the sizes of the parts, at the end
        bytes damaged = code;
        damaged[damaged.size() - k] = 255;
        const result<std::size_t> size = codec.decode_into(damaged, in);
        CHECK_FALSE(size);
    }
}

TEST_CASE("a destination that just fits is enough for a block that is cut") {
    auto& codec = kept<cut_codec<2>>();
    const bytes in = machine_code(90), code = encoded(codec, in);
    REQUIRE(code[0] == is_code);
    for (std::size_t room = 0; room <= code.size(); ++room) {
        bytes out(room);
        const result<std::size_t> size = codec.encode_into(in, out);
        REQUIRE(size.has_value() == (room == code.size()));
        if (size) CHECK(out == code);
    }
}

TEST_CASE("heads that no encoder writes are refused by name") {
    auto& codec = kept<codec::fast>();
    bytes out(100);
    const auto code_of = [&](const bytes& in) {
        const result<std::size_t> size = codec.decode_into(in, out);
        REQUIRE_FALSE(size);
        return size.error().code;
    };
    CHECK(code_of({}) == error_code::truncated);
    CHECK(code_of({5, 0, 0, 0}) == error_code::bad_header);
    CHECK(code_of({255, 0, 0, 0}) == error_code::bad_header);
    CHECK(code_of({is_records, 0, 0, 1, 2, 3}) == error_code::bad_header);
    CHECK(code_of({is_records, 255, 255, 1, 2, 3}) == error_code::bad_header);
    CHECK(code_of({is_words, 0, 0, 0, 0, 10, 10, 1}) == error_code::bad_header);
    CHECK(code_of({is_words, 100, 0, 0, 0, 10, 10, 1}) == error_code::bad_header);
    CHECK(code_of({is_words, 255, 255, 255, 255, 10, 10, 1}) == error_code::bad_header);
    CHECK(code_of({is_words, 50, 0}) == error_code::truncated);
    CHECK(code_of({is_stored, 1, 2, 3}) == error_code::truncated);
    CHECK(code_of(bytes(102, is_stored)) == error_code::trailing_data);
    bytes none;
    const result<std::size_t> size = codec.decode_into(bytes{is_code}, none);
    REQUIRE_FALSE(size);
    CHECK(size.error().code == error_code::trailing_data);
}

TEST_CASE("frames of context mixing are known to byte_codecs by name, with the memory they need") {
    const bytes in = machine_code(9000);
    const auto frame = container::encode_frame(in, kept<codec::fast>(), {.block_size = 1 << 12});
    REQUIRE(frame);
    const auto info = container::inspect(*frame);
    REQUIRE(info);
    CHECK(std::string(info->recipe_name) == "fast");
    CHECK(info->blocks == 3);
    CHECK(codec::byte_codecs::memory_of(info->header.recipe) == codec::fast::memory);
    CHECK(std::string(container::name_of_recipe(codec::max::recipe)) == codec::max::name);
    CHECK(std::string(container::name_of_recipe(codec::fast_pair<>::recipe)) == codec::fast_pair<>::name);
    CHECK(std::string(container::name_of_recipe(codec::max_pair<>::recipe)) == codec::max_pair<>::name);
    // Both fit the limits that programs have unless they say otherwise, with the largest block.
    const limits usual;
    CHECK(codec::fast::memory + 5 * (std::uint64_t{codec::fast::max_block} / 2) <= usual.max_memory);
    CHECK(codec::max::memory + 5 * (std::uint64_t{codec::max::max_block} / 2) <= usual.max_memory);

    CHECK(codec::fast_pair<>::memory + 5 * (std::uint64_t{codec::fast_pair<>::max_block} / 2) <=
          usual.max_memory);
    CHECK(codec::max_pair<>::memory + 5 * (std::uint64_t{codec::max_pair<>::max_block} / 2) <=
          usual.max_memory);
    CHECK(codec::byte_codecs::memory_of(codec::max_pair<>::recipe) == codec::max_pair<>::memory);

    const auto back = codec::decompress(*frame);
    REQUIRE(back);
    CHECK(*back == in);
    // As many threads as the limits have memory for, and one at least.
    for (const std::uint64_t codecs : {1U, 2U}) {
        limits bound;
        bound.max_memory = codecs * codec::fast::memory + (1 << 20);
        bytes out;
        REQUIRE(container::decode_stream<codec::byte_codecs>(
            container::view_source(*frame), container::vector_output(out), bound, threads{3}));
        CHECK(out == in);
        bound.max_memory = codecs * codec::fast::memory - 1;
        if (codecs == 2) continue;
        const auto refused = container::decode_stream<codec::byte_codecs>(
            container::view_source(*frame), container::discard_output{}, bound, threads{3});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == error_code::limit_exceeded);
    }
}
