#include <pith/mixing/context_mixer.hpp>
#include <pith/mixing/prime.hpp>
#include <pith/mixing/profiles.hpp>
#include <pith/mixing/quick_mixer.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

using namespace pith::mixing;
using bytes = std::vector<std::uint8_t>;

namespace {

/// Words, code-like bytes and noise, a third each.
bytes mixed_data(std::size_t n, std::uint64_t seed) {
    const std::string text = "The model (a mixer) reads words, and words come back: the mixer learns them. ";
    pith::random_sequence random(seed);
    bytes out(n);
    for (std::size_t i = 0; i < n; ++i)
        out[i] = static_cast<std::uint8_t>(i < n / 3       ? static_cast<std::uint8_t>(text[i % text.size()])
                                           : i < 2 * n / 3 ? (i % 5 == 0 ? 0x8B : random.below(4))
                                                           : random());
    return out;
}

/// Feeds a block to two models; f sees their probabilities and the bit before each.
template <class One, class Other, class F>
void feed(One& one, Other& other, const bytes& block, F f) {
    for (const std::uint8_t byte : block) {
        for (unsigned k = 8; k-- > 0;) {
            const bool bit = (byte >> k & 1) != 0;
            f(one.probability_of_one(), other.probability_of_one(), bit);
            one.update(bit);
            other.update(bit);
        }
    }
}

template <class Profile, class model = context_mixer<Profile>>
void check_profile() {
    const bytes past = mixed_data(100, 61), block = mixed_data(600, 62), copy = block;
    const auto one = std::make_unique<model>(), other = std::make_unique<model>();
    history_slots slots(12), more_slots(12);
    slots.reset(12);
    other->reset(slots, past.data());  // a model with a past, which reset must take away
    feed(*other, *other, bytes(past.begin(), past.begin() + 50), [](auto...) {});
    slots.reset(12);
    more_slots.reset(12);
    one->reset(slots, block.data());
    other->reset(more_slots, copy.data());
    std::size_t good = 0, bits = 0;
    feed(*one, *other, block, [&](std::uint32_t p, std::uint32_t q, bool bit) {
        REQUIRE(p == q);
        REQUIRE((p >= 1 && p <= 65535));
        if (++bits > 1000 && bits < 1600) good += bit == (p > 32768) ? 1 : 0;
    });
    CHECK(good > 540);  // the sentence has been seen once by then
}

}  // namespace

TEST_CASE("two context mixers fed the same bits stay equal, whatever they saw before the reset") {
    check_profile<fast_text>();
    check_profile<fast_text, quick_mixer<fast_text>>();
    check_profile<fast_code, quick_mixer<fast_code>>();
    check_profile<fast_records, quick_mixer<fast_records>>();
    check_profile<max_text>();
    check_profile<max_code>();
    check_profile<max_records>();
}

TEST_CASE("a context mixer learns a constant source to the end of the scale and comes back") {
    const bytes zeros(1500, 0), ones(1500, 255);
    const auto model = std::make_unique<quick_mixer<fast_text>>();
    history_slots slots(12);
    slots.reset(12);
    model->reset(slots, zeros.data());
    feed(*model, *model, bytes(500),
         [](std::uint32_t p, std::uint32_t, bool) { REQUIRE((p >= 1 && p <= 65535)); });
    CHECK(model->probability_of_one() < 200);
    slots.reset(12);
    model->reset(slots, ones.data());
    CHECK(model->probability_of_one() > 30000);
    feed(*model, *model, bytes(500, 255),
         [](std::uint32_t p, std::uint32_t, bool) { REQUIRE((p >= 1 && p <= 65535)); });
    CHECK(model->probability_of_one() > 65336);
}

TEST_CASE("a copy of a context mixer goes on like the original") {
    const bytes block = mixed_data(300, 63);
    auto one = std::make_unique<quick_mixer<fast_code>>();
    history_slots slots(12), more_slots(12);
    slots.reset(12);
    one->reset(slots, block.data());
    const auto other = std::make_unique<quick_mixer<fast_code>>(*one);
    more_slots.reset(12);
    other->reset(more_slots, block.data());  // a copy of the model shares the slots until it is reset
    feed(*one, *other, block, [](std::uint32_t p, std::uint32_t q, bool) { REQUIRE(p == q); });
}

TEST_CASE("a primed model knows words of English before it has seen any") {
    using model = quick_mixer<fast_text>;
    const std::string sentence = "The government of the country was formed in the following year.";
    const bytes text(sentence.begin(), sentence.end());
    const auto primed = std::make_unique<model>(), plain = std::make_unique<model>();
    history_slots slots(16), more_slots(16);
    bytes scratch(prime_text::longest);
    slots.reset(16);
    more_slots.reset(16);
    primed->reset(slots, scratch.data());
    prime(*primed, scratch.data());
    primed->start(text.data());
    plain->reset(more_slots, text.data());
    std::size_t better = 0, bits = 0;
    feed(*primed, *plain, text, [&](std::uint32_t p, std::uint32_t q, bool bit) {
        ++bits;
        better += (bit ? p > q : p < q) ? 1 : 0;
    });
    CHECK(better * 4 > bits * 3);
}

TEST_CASE("samples for priming are plain text of the stated length") {
    std::size_t samples = 0, longest = 0;
    prime_text::for_each([&](const char* text, std::size_t n) {
        ++samples;
        longest = n > longest ? n : longest;
        CHECK(std::strlen(text) == n);
        for (std::size_t i = 0; i < n; ++i) {
            const auto c = static_cast<unsigned char>(text[i]);
            REQUIRE((c == '\n' || c == '\t' || c >= 32));
        }
    });
    CHECK(samples >= 2);
    CHECK(longest <= prime_text::longest);
}
