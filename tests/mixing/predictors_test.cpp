#include <pith/mixing/token_ensemble.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/core/random.hpp>

#include "letter_pairs.hpp"
#include "predictor_laws.hpp"
#include "support/catch.hpp"

namespace {

using namespace pith;
using predictor_laws::bits_of;
using predictor_laws::symbols_of;
using test_models::counting_pairs;
using test_models::letter_pairs;

constexpr mixing::ngram_sizes small{1024, 300};

mixing::ensemble_options skipping(float certain_above) {
    mixing::ensemble_options options;
    options.certain_above = certain_above;
    options.sizes = {1 << 14, 1 << 14};
    options.history = 1 << 12;
    return options;
}

}  // namespace

TEST_CASE("Softmax agrees with libm to the last bits and sums to one") {
    for (const std::size_t n : {1U, 2U, 3U, 4U, 5U, 63U, 512U}) {
        random_sequence random(n);
        std::vector<float> x(n);
        for (float& v : x) v = 40.0F * random.uniform() - 30.0F;
        std::vector<float> p = x;
        mixing::softmax(p);
        double sum = 0;
        for (const float v : x) sum += std::exp(static_cast<double>(v));
        double got = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const double right = std::exp(static_cast<double>(x[i])) / sum;
            REQUIRE(std::abs(static_cast<double>(p[i]) - right) <= 4e-6 * right + 1e-30);
            got += static_cast<double>(p[i]);
        }
        CHECK(std::abs(got - 1.0) < 1e-5);
    }
    std::vector<float> wide{-1000.0F, 0.0F, 3e38F, -3e38F};
    mixing::softmax(wide);
    CHECK(wide[2] == 1.0F);
    CHECK(wide[0] < 1e-37F);
}

TEST_CASE("Exponentials are within 2^-22 of the truth from -87 to 88, whatever stands beside them") {
    float worst = 0;
    for (float x = -87.0F; x <= 88.0F; x += 0.01171F) {
        std::vector<float> v{x, -x, 0.0F, x, x};
        mixing::exp_in_place(v, 0.0F);
        const double right = std::exp(static_cast<double>(x));
        const auto error = static_cast<float>(std::abs(static_cast<double>(v[0]) / right - 1.0));
        worst = error > worst ? error : worst;
        REQUIRE(v[0] == v[3]);
        REQUIRE(v[0] == v[4]);
        REQUIRE(v[2] == 1.0F);
    }
    CHECK(worst < 0x1p-22F);
}

TEST_CASE("Counting models are predictors with all laws") {
    const auto symbols = symbols_of(test_models::text(700));
    predictor_laws::check(letter_pairs(), symbols);
    predictor_laws::check(mixing::token_ngram<1>(256, small), symbols);
    predictor_laws::check(mixing::token_ngram<4>(256, small), symbols);
    predictor_laws::check(mixing::token_ngram<8>(256, {4, 1}), symbols);
    predictor_laws::check(mixing::token_ngram<2>(5000), std::vector<std::uint32_t>{4999, 0, 4999, 0, 4999});
    predictor_laws::check(mixing::token_ngram<2>(1), std::vector<std::uint32_t>(9, 0));
}

TEST_CASE("An n-gram of order k predicts what followed k symbols") {
    mixing::token_ngram<3> model(16, small);
    model.reset(100);
    for (int i = 0; i < 30; ++i)
        for (const std::uint32_t s : {1U, 2U, 3U, 2U, 4U}) model.update(s);
    model.update(1);
    CHECK(model.matched_order() == 3);
    CHECK(predictor_laws::ask(model)[2] > 0.99F);
    model.update(2);
    CHECK(predictor_laws::ask(model)[3] > 0.9F);  // after 2 alone, 3 and 4 are alike
    model.update(9);
    CHECK(model.matched_order() == 0);
}

TEST_CASE("An n-gram model is in its bounds and goes on learning when its tables are full") {
    random_sequence random(1);
    std::vector<std::uint32_t> noise(20'000);
    for (auto& s : noise) s = random.below(3000);
    mixing::token_ngram<4> model(3000, {64, 100});
    model.reset(~std::size_t{0});
    for (const std::uint32_t s : noise) model.update(s);
    for (int i = 0; i < 400; ++i) model.update(static_cast<std::uint32_t>(i % 3));
    CHECK(predictor_laws::ask(model)[1] > 0.5F);
}

TEST_CASE("Counts that have grown large are halved and stay in proportion") {
    mixing::token_ngram<1> model(4, small);
    model.reset(~std::size_t{0});
    for (std::uint32_t i = 0; i < 300'000; ++i) model.update(i % 4 == 3 ? 1 : 0);
    const auto p = predictor_laws::ask(model);
    CHECK(p[0] > 0.6F);
    CHECK(p[0] + p[1] > 0.999F);
}

TEST_CASE("The repeat predictor finds the longest context and learns how far to trust it") {
    mixing::token_lzp lzp(64);
    lzp.reset(1000);
    CHECK_FALSE(lzp.predicts());
    for (const std::uint32_t s : {5U, 1U, 2U, 3U, 4U, 9U, 6U, 1U, 2U, 3U, 4U}) lzp.update(s);
    REQUIRE(lzp.predicts());
    CHECK(lzp.predicted() == 9);
    CHECK(lzp.confidence() == Approx(0.85F));
    lzp.update(9);
    REQUIRE(lzp.predicts());
    CHECK(lzp.predicted() == 6);
    lzp.update(7);
    CHECK_FALSE(lzp.predicts());
    for (std::uint32_t i = 0; i < 5000; ++i) {  // longer than what it looks back over
        if (lzp.predicts()) REQUIRE(lzp.confidence() < 1.0F);
        lzp.update(i % 7);
    }
    CHECK(lzp.predicts());
    CHECK(lzp.confidence() > 0.98F);
    for (std::uint32_t i = 0; i < 200; ++i) lzp.update(1000 + i * i);  // all that it knew is gone
    CHECK_FALSE(lzp.predicts());
}

TEST_CASE("The bias head lifts what comes more often than the model thinks") {
    mixing::bias_head head(4, 0.02F);
    const std::vector<float> frozen{0.25F, 0.25F, 0.25F, 0.25F};
    std::vector<float> p;
    for (int i = 0; i < 2000; ++i) {
        p = frozen;
        head.apply(p);
        head.update(p, i % 10 == 0 ? 1 : 2);
    }
    CHECK(p[2] > 0.8F);
    CHECK(p[1] > 0.05F);
    CHECK(p[0] + p[3] < 0.05F);
    head.reset();
    p = frozen;
    head.apply(p);
    CHECK(p == frozen);
}

TEST_CASE("Weights follow the better expert, and those that are silent keep theirs") {
    mixing::exponential_weights<3> weights({0.8F, 0.1F, 0.1F});
    for (int i = 0; i < 100; ++i) weights.update({0.1F, 0.4F, 0.9F}, {true, true, false});
    const auto now = weights.among({true, true, true});
    CHECK(now[1] > 0.85F);
    CHECK(now[2] == Approx(0.1F));
    CHECK(now[0] + now[1] + now[2] == Approx(1.0F));
    CHECK(weights.among({false, false, true})[2] == 1.0F);
    for (int i = 0; i < 10'000; ++i) weights.update({1.0F, 0.0F, 0.0F}, {true, true, true});
    CHECK(weights.among({true, true, true})[0] > 0.999F);
    weights.reset();
    CHECK(weights.among({true, true, true})[0] == Approx(0.8F));
}

TEST_CASE("The ensemble is a predictor with all laws, whatever of it is in use") {
    const auto symbols = symbols_of(test_models::text(500));
    for (unsigned parts = 0; parts < 8; ++parts) {
        for (const float certain : {0.0F, 0.3F}) {
            mixing::ensemble_options options = skipping(certain);
            options.bias = (parts & 1) != 0;
            options.ngram = (parts & 2) != 0;
            options.lzp = (parts & 4) != 0;
            CAPTURE(parts, certain);
            predictor_laws::check(mixing::token_ensemble<letter_pairs>(letter_pairs(), options), symbols);
        }
    }
}

TEST_CASE("Each part of the ensemble shortens the code") {
    const auto symbols = symbols_of(test_models::text(4000));
    mixing::ensemble_options options = skipping(0.0F);
    options.bias = options.ngram = options.lzp = false;
    const auto bits = [&] {
        return bits_of(mixing::token_ensemble<letter_pairs>(letter_pairs(), options), symbols);
    };
    const double alone = bits();
    CHECK(alone == Approx(bits_of(letter_pairs(), symbols)).epsilon(1e-4));
    options.bias = true;
    options.bias_rate = 0.02F;
    const double with_bias = bits();
    CHECK(with_bias < alone);
    options.lzp = true;
    const double with_repeats = bits();
    CHECK(with_repeats < with_bias);
    options.ngram = true;
    CHECK(bits() < with_repeats);
}

TEST_CASE("A model that is not needed is not asked but told") {
    const auto symbols = symbols_of(test_models::text(3000));
    mixing::token_ensemble<counting_pairs> never(counting_pairs(), skipping(0.0F));
    mixing::token_ensemble<counting_pairs> often(counting_pairs(), skipping(0.35F));
    std::size_t asked = 0;
    std::vector<float> p(256);
    for (const std::uint32_t s : symbols) {
        never.predict(p);
        REQUIRE(never.asked());
        often.predict(p);
        if (often.asked()) ++asked;
        never.update(s);
        often.update(s);
    }
    CHECK(asked >= 100);
    CHECK(asked < symbols.size() * 3 / 4);
}

TEST_CASE("Predictions never change") {
    const auto symbols = symbols_of(test_models::text(400));
    CHECK(predictor_laws::digest_of(letter_pairs(), symbols) == 0x0fa3af61aad29457ULL);
    CHECK(predictor_laws::digest_of(mixing::token_ngram<4>(256, small), symbols) == 0x00abcd5f4236c268ULL);
    CHECK(predictor_laws::digest_of(mixing::token_ensemble<letter_pairs>(letter_pairs(), skipping(0.3F)),
                                    symbols) == 0xd46bb7b1f7ccb708ULL);
}
