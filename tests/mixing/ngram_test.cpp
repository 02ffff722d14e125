// N-gram counts, long n-grams, the gate over predictions and their calibration.
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/mixing/byte_counts.hpp>
#include <pith/mixing/calibration.hpp>
#include <pith/mixing/gate.hpp>
#include <pith/mixing/long_ngram.hpp>
#include <pith/mixing/ngram.hpp>

#include "support/catch.hpp"

using namespace pith;
using namespace pith::mixing;

namespace {

using bytes = std::vector<std::uint8_t>;
constexpr ngram_contexts<3> three{{{{1}, {3}, {0, 0, 1}}}, std::size_t{1} << 16};

/// Feeds data to a predictor of several logits; returns the bits that input `which` alone costs in the last
/// half.
template <ngram_contexts Contexts>
double cost(ngrams<Contexts>& model, const bytes& data, std::size_t which) {
    std::array<float, Contexts.of.size()> logit{};
    double bits = 0;
    for (std::size_t i = 0; i < data.size(); ++i)
        for (unsigned k = 8; k-- > 0;) {
            const bool bit = (data[i] >> k & 1) != 0;
            model.predict(logit.data());
            const double p = 1 / (1 + std::exp(static_cast<double>(bit ? -logit[which] : logit[which])));
            if (i >= data.size() / 2) bits -= std::log2(p);
            model.update(bit);
        }
    return bits;
}

bytes repeated(const char* text, std::size_t n) {
    const std::size_t size = std::char_traits<char>::length(text);
    bytes out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(text[i % size]);
    return out;
}

/// Texts in random order.
bytes chosen(std::vector<const char*> texts, std::size_t n) {
    random_sequence random(12);
    bytes out;
    while (out.size() < n)
        for (const char* c = texts[random.below(static_cast<std::uint32_t>(texts.size()))]; *c != 0; ++c)
            out.push_back(static_cast<std::uint8_t>(*c));
    out.resize(n);
    return out;
}

}  // namespace

TEST_CASE("Counts stay in 0..15, follow the bits, and forget the other bit") {
    for (unsigned packed = 0; packed < 256; ++packed)
        for (const bool bit : {false, true}) {
            const unsigned after = detail::bit_counts::after(static_cast<std::uint8_t>(packed), bit);
            const unsigned same = bit ? packed >> 4 : packed & 15, other = bit ? packed & 15 : packed >> 4;
            const unsigned new_same = bit ? after >> 4 : after & 15,
                           new_other = bit ? after & 15 : after >> 4;
            CAPTURE(packed, bit);
            CHECK(new_same == (same < 15 ? same + 1 : 15));
            CHECK(new_other <= other);
            CHECK((other <= 3) == (new_other == other));
            CHECK(new_other >= (other < 3 ? other : 3));
        }
}

TEST_CASE("A slow bit is the mean of what it has seen") {
    detail::slow_bit half(0.5);
    random_sequence random(3);
    for (int i = 0; i < 4000; ++i) half.update(random.below(10) == 0, 1023);
    CHECK(half.twelve_bits() > 4096 * 0.08);
    CHECK(half.twelve_bits() < 4096 * 0.12);
    for (int i = 0; i < 100000; ++i) half.update(true, 1023);
    CHECK(half.twelve_bits() >= 4094);
    for (int i = 0; i < 100000; ++i) half.update(false, 1023);
    CHECK(half.twelve_bits() <= 1);
}

TEST_CASE("N-grams learn what their context decides") {
    const auto model = std::make_unique<ngrams<three>>();
    const bytes data = chosen({"xabq", "yabr"}, 9000);  // three bytes decide, one does not
    model->reset(data.size());
    CHECK(model->known() == 0);
    const double by_three = cost(*model, data, 1);
    model->reset(data.size());
    CHECK(cost(*model, data, 0) > by_three + 0.9 * 1100);  // one bit more for one in four bytes
    const bytes words = chosen({"axm. ", "Axm. ", "bxn. ", "Bxn. "}, 9000);
    model->reset(words.size());
    const double by_word = cost(*model, words, 2);
    model->reset(words.size());
    CHECK(by_word < cost(*model, words, 0));
}

TEST_CASE("N-grams forget everything at reset, and small tables do not lose their way") {
    const auto model = std::make_unique<ngrams<three>>();
    random_sequence random(9);
    bytes noise(60000);  // many times more contexts than slots
    for (auto& b : noise) b = static_cast<std::uint8_t>(random());
    const bytes data = repeated("the quick brown fox jumps over ", 3000);
    model->reset(data.size());
    const double fresh = cost(*model, data, 1);
    model->reset(noise.size());
    CHECK(cost(*model, noise, 1) > 8 * 30000);
    model->reset(data.size());
    CHECK(cost(*model, data, 1) == fresh);
}

TEST_CASE("A long n-gram is followed as long as it holds") {
    bytes data(5000);
    random_sequence random(4);
    for (auto& b : data) b = static_cast<std::uint8_t>(random());
    data.insert(data.end(), data.begin() + 1000, data.begin() + 4000);
    const auto model = std::make_unique<long_ngram<6>>();
    model->reset(data.data(), data.size());
    std::size_t right = 0, wrong = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
        for (unsigned k = 8; k-- > 0;) {
            const bool bit = (data[i] >> k & 1) != 0;
            const float logit = model->predict();
            if (i < 5006) REQUIRE(logit == 0.0F);  // the noise does not repeat itself
            right += logit != 0.0F && (logit > 0) == bit;
            wrong += logit != 0.0F && (logit > 0) != bit;
            REQUIRE((logit == 0.0F || model->expected() == data[i]));
            model->update(bit);
        }
        model->end_byte();
    }
    CHECK(right == 8 * (3000 - 6));
    CHECK(wrong == 0);
    CHECK(model->confidence() == 3);
}

TEST_CASE("A gate learns whom to believe, in each of its contexts") {
    gate<16, std::array<std::size_t, 2>{2, 1}> mix;
    mix.reset();
    random_sequence random(6);
    alignas(64) std::array<float, 16> input{};
    double late = 0;
    for (int i = 0; i < 4000; ++i) {
        const bool bit = (random() & 1) != 0;
        const std::size_t context = random() & 1;
        input[context] = bit ? 2.0F : -2.0F;                      // the one that knows
        input[1 - context] = (random() & 1) != 0 ? 2.0F : -2.0F;  // the other one guesses
        const float p = lanes::logistic(mix.predict(input.data(), {context, 0}));
        if (i >= 3000) late -= std::log2(static_cast<double>(bit ? p : 1.0F - p));
        mix.update(bit, p);
    }
    CHECK(late / 1000 < 0.1);
}

TEST_CASE("Calibration begins as the identity and ends at what a logit means") {
    calibration<4> map;
    map.reset(4);
    for (const float logit : {-7.5F, -2.25F, 0.0F, 0.3F, 6.0F})
        CHECK(std::abs(map.predict(logit, 3) - lanes::logistic(logit)) < 0.01F);
    CHECK(std::abs(map.predict(1e9F, 0) - 1.0F) < 0.001F);
    CHECK(map.predict(-1e9F, 0) < 0.001F);
    CHECK(map.predict(std::nanf(""), 0) < 0.001F);
    random_sequence random(8);
    for (int i = 0; i < 5000; ++i) {
        static_cast<void>(map.predict(2.1F, 1));
        map.update(random.below(4) == 0);
    }
    CHECK(std::abs(map.predict(2.1F, 1) - 0.25F) < 0.08F);
    CHECK(std::abs(map.predict(2.1F, 2) - lanes::logistic(2.1F)) < 0.01F);
}

TEST_CASE("Byte counts are those of the bytes") {
    byte_counts counts;
    counts.reset();
    for (int i = 0; i < 3000; ++i)
        for (unsigned k = 8; k-- > 0;) counts.update((i % 4 == 0 ? 'x' : 'y') >> k & 1);
    for (const unsigned bit : {0U, 1U, 1U, 1U, 1U, 0U, 0U}) {
        CHECK((counts.predict() > 4000) == (bit != 0));
        CHECK((counts.predict() < 96) == (bit == 0));
        counts.update(bit != 0);
    }
    CHECK(std::abs(static_cast<int>(counts.predict()) - 3072) < 40);  // one in four is an 'x'
}
