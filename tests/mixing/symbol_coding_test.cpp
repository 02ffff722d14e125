#include <pith/mixing/rank_coding.hpp>
#include <pith/mixing/symbol_coding.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <pith/core/random.hpp>

#include "letter_pairs.hpp"
#include "support/catch.hpp"
#include "support/digest.hpp"

namespace {

using namespace pith;
using floats = std::vector<float>;

/// Steep, flat, one-sided, with ties and zeros: what models give.
floats distribution(std::size_t n, unsigned kind, std::uint64_t seed) {
    random_sequence random(seed, kind);
    floats p(n);
    for (std::size_t i = 0; i < n; ++i) {
        const float u = random.uniform();
        switch (kind) {
            case 0:
                p[i] = 1.0F / static_cast<float>(n);
                break;
            case 1:
                p[i] = i == seed % n ? 1.0F : 0.0F;
                break;
            case 2:
                p[i] = exact::exp(-20.0F * u);
                break;
            case 3:
                p[i] = std::floor(4 * u) / 4;
                break;
            default:
                p[i] = 1.0F / static_cast<float>(i + 1);
        }
    }
    return p;
}
constexpr unsigned kinds = 5;

template <unsigned P>
void check_tiling(const floats& p) {
    std::vector<std::uint32_t> cumulative(p.size() + 1, 77);
    mixing::cumulative_from_probabilities<P>(p, cumulative);
    REQUIRE(cumulative.front() == 0);
    REQUIRE(cumulative.back() == std::uint32_t{1} << P);
    for (std::size_t i = 0; i < p.size(); ++i) REQUIRE(cumulative[i] < cumulative[i + 1]);
}

template <class Coding>
void check_round_trip(const std::vector<floats>& given, const std::vector<std::uint32_t>& symbols) {
    std::vector<std::uint8_t> bytes;
    vector_sink sink(bytes);
    Coding tables(given[0].size());
    typename Coding::template encoder<vector_sink> encoder(sink, tables);
    for (std::size_t i = 0; i < symbols.size(); ++i) encoder.put(given[i % given.size()], symbols[i]);
    encoder.finish();
    typename Coding::decoder decoder(bytes, tables);
    for (std::size_t i = 0; i < symbols.size(); ++i)
        REQUIRE(decoder.get(given[i % given.size()]) == symbols[i]);
    REQUIRE(decoder.finish());
    bytes.push_back(0);
    typename Coding::decoder longer(bytes, tables);
    for (std::size_t i = 0; i < symbols.size(); ++i) static_cast<void>(longer.get(given[i % given.size()]));
    REQUIRE_FALSE(longer.finish());
}

}  // namespace

TEST_CASE("Quantised distributions sum to the total and leave no symbol out") {
    for (unsigned kind = 0; kind < kinds; ++kind) {
        for (const std::size_t n : {1U, 2U, 3U, 256U, 511U, 2048U}) {
            const floats p = distribution(n, kind, n);
            check_tiling<16>(p);
            check_tiling<24>(p);
            check_tiling<31>(p);
        }
        check_tiling<11>(distribution(2048, kind, 5));  // nothing but the floor
        check_tiling<24>(distribution(50'000, kind, 5));
        check_tiling<31>(distribution(mixing::max_alphabet, kind, 5));
    }
}

TEST_CASE("Quantisation survives whatever floats it gets") {
    constexpr float inf = std::numeric_limits<float>::infinity();
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    check_tiling<24>({nan, nan, nan});
    check_tiling<24>({0.0F, 0.0F, 0.0F});
    check_tiling<24>({inf, 1.0F, -1.0F});
    check_tiling<31>({1e-45F, -0.0F, 1e-38F});
    check_tiling<31>({0x1p64F, 0x1p-64F, 0x1p64F});
    check_tiling<16>({nan, 0.5F, inf, -inf});
}

TEST_CASE("Quantised distributions never change") {
    digest all;
    std::vector<std::uint32_t> cumulative(1001);
    for (unsigned kind = 0; kind < kinds; ++kind) {
        const floats p = distribution(1000, kind, 3);
        mixing::cumulative_from_probabilities<24>(p, cumulative);
        for (const std::uint32_t c : cumulative) all.add(c);
        mixing::cumulative_from_probabilities<31>(p, cumulative);
        for (const std::uint32_t c : cumulative) all.add(c);
    }
    CHECK(all.value() == 0xf679c4c5bc8ef83aULL);
}

TEST_CASE("The code length is the cross-entropy and less than a hundredth of a bit a symbol") {
    random_sequence random(9);
    for (const std::size_t n : {256U, 512U, 50'000U}) {
        const floats p = distribution(n, 4, 1);
        const double sum = std::accumulate(p.begin(), p.end(), 0.0);
        floats cumulative(n);
        std::partial_sum(p.begin(), p.end(), cumulative.begin());
        std::vector<std::uint8_t> bytes;
        vector_sink sink(bytes);
        mixing::cdf_coding<24> tables(n);
        mixing::cdf_coding<24>::encoder<vector_sink> encoder(sink, tables);
        double bits = 0;
        constexpr int count = 1000;
        for (int i = 0; i < count; ++i) {
            const float u = random.uniform() * cumulative.back();
            const auto at = std::lower_bound(cumulative.begin(), cumulative.end(), u) - cumulative.begin();
            const auto s = static_cast<std::uint32_t>(at);
            encoder.put(p, s);
            bits -= std::log2(static_cast<double>(p[s]) / sum);
        }
        encoder.finish();
        CAPTURE(n);
        CHECK(8.0 * static_cast<double>(bytes.size()) <= bits + 0.01 * count + 16);
        CHECK(8.0 * static_cast<double>(bytes.size()) >= bits - 0.01 * count);
    }
}

TEST_CASE("Symbols come back in order under any distributions and codings") {
    random_sequence random(2);
    for (const std::size_t n : {1U, 2U, 17U, 512U}) {
        std::vector<floats> given;
        for (unsigned kind = 0; kind < kinds; ++kind) given.push_back(distribution(n, kind, 11));
        for (const std::size_t length : {0U, 1U, 7U, 400U}) {
            std::vector<std::uint32_t> symbols(length);
            for (auto& s : symbols) s = random.below(static_cast<std::uint32_t>(n));
            check_round_trip<mixing::cdf_coding<16>>(given, symbols);
            check_round_trip<mixing::cdf_coding<24>>(given, symbols);
            check_round_trip<mixing::cdf_coding<31>>(given, symbols);
            check_round_trip<mixing::rank_coding>(given, symbols);
        }
    }
}

TEST_CASE("A rank counts the symbols above and names one symbol") {
    for (unsigned kind = 0; kind < kinds; ++kind) {
        for (const std::size_t n : {1U, 2U, 100U, 300U}) {
            const floats p = distribution(n, kind, 4);
            std::vector<std::uint32_t> order(n);
            std::iota(order.begin(), order.end(), 0U);
            std::sort(order.begin(), order.end(),
                      [&](auto a, auto b) { return p[a] != p[b] ? p[a] > p[b] : a < b; });
            for (std::uint32_t r = 0; r < n; ++r) {
                REQUIRE(mixing::symbol_of_rank(p, r) == order[r]);
                REQUIRE(mixing::rank_of(p, order[r]) == r);
            }
        }
    }
}

TEST_CASE("Ranks of all sizes survive the adaptive model") {
    std::vector<std::uint8_t> bytes;
    vector_sink sink(bytes);
    entropy::binary_encoder<vector_sink> encoder(sink);
    mixing::adaptive_ranks put;
    std::vector<std::uint32_t> all;
    for (std::uint32_t n = 0; n < 5000; ++n) all.push_back(n % 700);
    for (unsigned k = 0; k < 20; ++k) all.push_back(1U << k), all.push_back((1U << k) - 1);
    all.push_back(mixing::max_alphabet - 1);
    for (const std::uint32_t n : all) put.put(encoder, n);
    encoder.finish();
    entropy::binary_decoder<> decoder{byte_view(bytes)};
    mixing::adaptive_ranks get;
    for (const std::uint32_t n : all) REQUIRE(get.get(decoder) == n);
    REQUIRE(decoder.finish());
}

TEST_CASE("Sequences of symbols return through a predictor, and damage is survived") {
    const std::string words = test_models::text(600);
    std::vector<std::uint32_t> symbols(words.begin(), words.end());
    test_models::letter_pairs model;
    std::vector<std::uint8_t> bytes;
    vector_sink sink(bytes);
    mixing::encode_symbols<mixing::cdf_coding<24>>(symbols, model, sink);
    CHECK(bytes.size() < words.size() * 3 / 4);
    std::vector<std::uint32_t> back(symbols.size());
    REQUIRE(mixing::decode_symbols<mixing::cdf_coding<24>>(bytes, model, back));
    CHECK(back == symbols);
    for (std::size_t n = 0; n < bytes.size(); n += 7)
        CHECK_FALSE(mixing::decode_symbols<mixing::cdf_coding<24>>(byte_view(bytes).first(n), model, back));
    for (std::size_t bit = 0; bit < 8 * bytes.size(); bit += 13) {
        std::vector<std::uint8_t> damaged = bytes;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
        static_cast<void>(mixing::decode_symbols<mixing::cdf_coding<24>>(damaged, model, back));
        for (const std::uint32_t s : back) REQUIRE(s < 256);
    }
}
