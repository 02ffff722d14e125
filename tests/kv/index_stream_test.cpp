#include <pith/kv/index_stream.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/kv/index_mixture.hpp>

#include "support/catch.hpp"

using namespace pith;

namespace {

using indices = std::vector<std::int32_t>;

/// Two-sided geometric with falling spread over the columns.
indices sample(std::size_t rows, std::size_t columns, double first, std::uint64_t seed) {
    random_sequence random(seed);
    indices out(rows * columns);
    for (std::size_t i = 0; i < out.size(); ++i) {
        const double spread = first / static_cast<double>(1 + i % columns);
        std::int32_t k = 0;
        while (k < 4000 && random.uniform_double() < spread / (1 + spread)) ++k;
        out[i] = random.uniform_double() < 0.5 ? k : -k;
    }
    return out;
}
template <class Machine>
indices half_steps_of(const indices& k, std::size_t columns) {
    indices out(k.size());
    unsigned state = 0;
    for (std::size_t i = 0; i < k.size(); ++i) {
        if (i % columns == 0) state = 0;
        out[i] = 2 * k[i] - (Machine::odd(state) ? (k[i] > 0) - (k[i] < 0) : 0);
        state = Machine::next[state][static_cast<std::uint32_t>(k[i]) & 1];
    }
    return out;
}
template <class Coder, class Machine>
void round_trip(std::size_t rows, std::size_t columns, double first, std::uint32_t expected) {
    const indices k = sample(rows, columns, first, rows * 1000 + columns);
    const std::vector<std::uint32_t> sizes(columns, expected);
    std::vector<std::uint8_t> bytes;
    Coder::template write<Machine>(k, sizes, bytes);
    indices back(k.size(), 7);
    const auto read = Coder::template read<Machine>(bytes, sizes, back);
    CAPTURE(rows, columns, first, expected);
    REQUIRE(read.has_value());
    CHECK(back == half_steps_of<Machine>(k, columns));
}

}  // namespace

TEMPLATE_TEST_CASE("indices come back as half-steps of the trellis", "", kv::adaptive_indices,
                   kv::mixed_indices) {
    for (const std::size_t rows : {0U, 1U, 2U, 3U, 4U, 5U, 17U, 64U})
        for (const std::size_t columns : {1U, 2U, 7U, 33U})
            for (const double first : {0.0, 0.3, 4.0, 90.0}) {
                round_trip<TestType, kv::no_trellis>(rows, columns, first, 1024);
                round_trip<TestType, vector::trellis<8>>(rows, columns, first, 1);
                round_trip<TestType, vector::trellis<8>>(rows, columns, first, 1U << 28);
            }
    round_trip<TestType, vector::trellis<4>>(64, 33, 4, 1);
    round_trip<TestType, vector::trellis<8>>(301, 65, 6, 2048);   // two lanes
    round_trip<TestType, vector::trellis<8>>(1027, 130, 3, 512);  // four lanes and a rest
}

TEMPLATE_TEST_CASE("the largest indices come back whatever was expected", "", kv::adaptive_indices,
                   kv::mixed_indices) {
    for (const std::uint32_t expected : {1U, 1024U, 1U << 20, (1U << 30) - 1}) {
        const indices k{
            kv::max_index, -kv::max_index, 0, kv::max_index - 1, 1, -1, 8, -8, 14, -15, 15, -16, 255, 0, 256,
            -257};
        const std::vector<std::uint32_t> sizes(2, expected);
        std::vector<std::uint8_t> bytes;
        TestType::template write<kv::no_trellis>(k, sizes, bytes);
        indices back(k.size());
        REQUIRE(TestType::template read<kv::no_trellis>(bytes, sizes, back).has_value());
        CHECK(back == half_steps_of<kv::no_trellis>(k, 2));
    }
}

TEMPLATE_TEST_CASE("columns of nothing cost next to nothing", "", kv::adaptive_indices, kv::mixed_indices) {
    const indices k(256 * 64);
    const std::vector<std::uint32_t> sizes(64, 1);
    std::vector<std::uint8_t> bytes;
    TestType::template write<vector::trellis<8>>(k, sizes, bytes);
    CHECK(bytes.size() < 100);
}

TEST_CASE("mixed contexts find the signs that columns keep, which the fast coder does not") {
    indices k = sample(128, 16, 4, 9);
    for (std::size_t i = 0; i < k.size(); ++i) k[i] = i % 2 == 0 ? -std::abs(k[i]) : std::abs(k[i]);
    const std::vector<std::uint32_t> sizes(16, 1024);
    std::vector<std::uint8_t> fast, mixed;
    kv::adaptive_indices::write<kv::no_trellis>(k, sizes, fast);
    kv::mixed_indices::write<kv::no_trellis>(k, sizes, mixed);
    CHECK(10 * mixed.size() < 9 * fast.size());
}

TEST_CASE("indices of a known spread cost little more than their entropy") {
    const indices k = sample(4096, 64, 3, 5);
    double bits = 0;
    std::vector<std::uint32_t> sizes(64);
    for (std::size_t i = 0; i < k.size(); ++i) {
        const double spread = 3.0 / static_cast<double>(1 + i % 64), p = spread / (1 + spread);
        const int size = k[i] < 0 ? -k[i] : k[i];
        bits -= std::log2(1 - p) + size * std::log2(p) - (size != 0);
        sizes[i % 64] = static_cast<std::uint32_t>(spread * 1024);
    }
    std::vector<std::uint8_t> bytes;
    kv::write_indices<kv::no_trellis>(k, sizes, bytes);
    // Frequencies that follow with a step of 2^-8 stray from the truth: 15 free ones cost 15 / 2^9 nat a
    // symbol.
    const double straying = 15.0 / 512 / std::log(2.0);
    CHECK(8.0 * static_cast<double>(bytes.size()) < bits + straying * static_cast<double>(k.size()));
}

TEMPLATE_TEST_CASE("damaged indices are told or give some matrix, and nothing outside is touched", "",
                   kv::adaptive_indices, kv::mixed_indices) {
    using machine = vector::trellis<8>;
    const indices k = sample(9, 5, 20, 3);
    const std::vector<std::uint32_t> sizes(5, 1024);
    std::vector<std::uint8_t> bytes;
    TestType::template write<machine>(k, sizes, bytes);
    indices back(k.size());
    // Lanes end in a known state, so that only plain bits can change and still end well; an arithmetic code
    // that was cut may be that of another matrix.
    constexpr bool known_end = std::same_as<TestType, kv::adaptive_indices>;
    std::size_t told = 0;
    for (std::size_t n = 0; n < bytes.size(); ++n)
        told += !TestType::template read<machine>(byte_view(bytes).first(n), sizes, back).has_value();
    CHECK(told >= bytes.size() - (known_end ? 0 : 4));
    told = 0;
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        std::vector<std::uint8_t> damaged = bytes;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
        told += !TestType::template read<machine>(damaged, sizes, back).has_value();
    }
    CHECK(told > (known_end ? 7 : 1) * bytes.size());
    bytes.push_back(0);
    CHECK_FALSE(TestType::template read<machine>(bytes, sizes, back).has_value());
    random_sequence random(1);
    for (int i = 0; i < 2000; ++i) {
        std::vector<std::uint8_t> noise(random() % 100);
        for (std::uint8_t& b : noise) b = static_cast<std::uint8_t>(random());
        (void)TestType::template read<machine>(noise, sizes, back);
    }
}
