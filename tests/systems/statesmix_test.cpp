// StateSMix: identity, damage, frozen bytes, and what the publication claims of its parts, on made-up text.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <pith/container.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/random.hpp>
#include <pith/systems/lossless.hpp>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

using namespace pith;
using block_laws::bytes;
using mixing::ensemble_parts;

namespace {

using system_type = systems::statesmix<>;
using portable = systems::statesmix<mixing::portable_lanes>;
static_assert(entropy::block_coder<system_type> && entropy::block_coder<portable>);

/// Sentences of made-up words under a made-up grammar: a word's kind depends on the one before it, a quarter
/// of the words is new.
bytes made_up_text(std::size_t n) {
    random_sequence random(2026);
    constexpr const char* syllables[] = {"ka", "lo",  "mi",  "ter", "an", "sol",
                                         "e",  "qui", "ven", "or",  "ba", "stri"};
    const auto word = [&](random_sequence& from, std::uint32_t length) {
        std::string w;
        for (std::uint32_t i = 0; i < length; ++i) w += syllables[from.below(12)];
        return w;
    };
    std::vector<std::string> kinds[4];
    for (auto& kind : kinds)
        for (int i = 0; i < 60; ++i) kind.push_back(word(random, 1 + random.below(3)));
    bytes out;
    std::size_t kind = 0;
    while (out.size() < n) {
        const std::uint32_t draw = random.below(60);
        std::string w = kinds[kind][draw * random.below(60) / 60];
        if (random.below(8) == 0) w = word(random, 2);
        kind = random.below(5) == 0 ? random.below(4) : (kind + 1) % 4;
        if (kind == 0 && random.below(3) == 0) w += ".\n";
        out.insert(out.end(), w.begin(), w.end());
        if (out.back() != '\n') out.push_back(' ');
    }
    out.resize(n);
    return out;
}

template <class Coder>
std::size_t size_of(const bytes& data) {
    const auto coder = std::make_unique<Coder>();
    return block_laws::encoded(*coder, data).size();
}
template <ensemble_parts Parts>
using parts = systems::statesmix<systems::detail::fastest_lanes, Parts>;

}  // namespace

TEST_CASE("StateSMix decodes what it encoded, at every size") {
    const auto coder = std::make_unique<system_type>();
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        CAPTURE(kind);
        for (std::size_t n = kind % 3; n <= 70; n += 3 + kind)
            block_laws::check_round_trip(*coder, block_laws::sample(kind, n));
    }
    block_laws::check_round_trip(*coder, block_laws::sample(2, 1001));
    block_laws::check_round_trip(*coder, block_laws::fibonacci(14));
    block_laws::check_round_trip(*coder, made_up_text(4003));
    block_laws::check_small_destinations(*coder, block_laws::sample(6, 25));
}

TEST_CASE("StateSMix keeps calm in the face of damage", "[native]") {
    const auto coder = std::make_unique<system_type>();
    for (const unsigned kind : {0U, 3U, 4U, 6U})
        block_laws::check_damage(*coder, block_laws::sample(kind, 70));
    block_laws::check_damage(*coder, bytes{1});
    // The start of a long stream, with the rest wrong: the network trains on nonsense.
    const bytes data = made_up_text(2000);
    bytes code = block_laws::encoded(*coder, data);
    bytes back(data.size());
    for (std::size_t at = 20; at < code.size(); at += code.size() / 3) {
        bytes damaged = code;
        for (std::size_t i = at; i < code.size(); ++i)
            damaged[i] = static_cast<std::uint8_t>(damaged[i] + 101);
        const auto n = coder->decode_into(damaged, back);
        REQUIRE((!n || *n == back.size()));
    }
}

TEST_CASE("StateSMix goes through the container, whose checksum finds what the coder cannot") {
    const auto coder = std::make_unique<system_type>();
    const bytes data = made_up_text(4500);
    bytes frame(container::max_frame_size<system_type>(data.size(), 4096));
    const auto size = container::encode_frame_into(data, frame, *coder, {.block_size = 4096});
    REQUIRE(size);
    frame.resize(*size);
    bytes back(data.size());
    const auto n = container::decode_frame_into(frame, back, *coder, limits{});
    REQUIRE(n);
    CHECK(back == data);
    frame[frame.size() / 2] ^= 1;
    CHECK_FALSE(container::decode_frame_into(frame, back, *coder, limits{}));
}

TEST_CASE("StateSMix has the same bytes on every machine") {
    const bytes text = made_up_text(5000);
    const bytes bell = block_laws::sample(8, 1025), halves = block_laws::sample(7, 513);
    const auto fast = std::make_unique<system_type>();
    const auto slow = std::make_unique<portable>();
    const auto check = [&](const bytes& data, std::uint64_t digest) {
        const bytes code = block_laws::encoded(*fast, data);
        CHECK(xxh64_of(code) == digest);
        CHECK(block_laws::encoded(*slow, data) == code);
        bytes back(data.size());
        REQUIRE(slow->decode_into(code, back));
        CHECK(back == data);
    };
    REQUIRE(xxh64_of(text) == 0x3bbd'25b5'd95d'f200U);
    check(text, 0x06c0'1fd3'77c4'939cU);
    check(bell, 0xe7e5'486e'c775'4789U);
    check(halves, 0x5a8f'3366'4147'34eeU);
}

TEST_CASE("The network beats counts, the n-grams beat the network, together they beat each", "[native]") {
    const bytes data = made_up_text(24000);
    const std::size_t counts =
        size_of<parts<ensemble_parts{.network = false, .ngrams = false, .gated = false}>>(data);
    const std::size_t network =
        size_of<parts<ensemble_parts{.ngrams = false, .counts = false, .gated = false}>>(data);
    const std::size_t both = size_of<parts<ensemble_parts{.ngrams = false}>>(data);
    const std::size_t ngrams = size_of<parts<ensemble_parts{.network = false, .counts = false}>>(data);
    const std::size_t all = size_of<system_type>(data);
    CAPTURE(counts, network, both, ngrams, all);
    CHECK(network * 10 < counts * 6);  // at least 40 % less
    CHECK(both < network);
    CHECK(all < ngrams);
    CHECK(all < both);
}
