#include <pith/entropy/rans_block.hpp>
#include <pith/simd/rans.hpp>

#include <bit>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

using namespace pith::entropy;

namespace {

using bytes = std::vector<std::uint8_t>;
using vectorised = rans_bytes<pith::simd::rans_rounds<>>;

/// Kinds: geometric with falling skew, uniform, two values, one value but for a few.
bytes sample(std::size_t n, unsigned kind, unsigned seed) {
    std::mt19937 random(seed);
    bytes data(n);
    for (auto& b : data) {
        const auto r = static_cast<std::uint32_t>(random());
        switch (kind) {
            case 0:
                b = static_cast<std::uint8_t>(std::countl_zero(r | 1));
                break;
            case 1:
                b = static_cast<std::uint8_t>(r);
                break;
            case 2:
                b = static_cast<std::uint8_t>(r % 7 == 0 ? 200 : 3);
                break;
            case 3:
                b = static_cast<std::uint8_t>(r % 1000 == 0 ? r >> 20 : 65);
                break;
            default:
                b = static_cast<std::uint8_t>(((r & 0xFF) * (r >> 8 & 0xFF)) >> 9);
                break;
        }
    }
    return data;
}

template <class Coder>
bytes encode(const bytes& data) {
    Coder coder;
    bytes out(Coder::max_encoded_size(data.size()));
    const auto size = coder.encode_into(data, out);
    REQUIRE(size);
    out.resize(*size);
    return out;
}

template <class Coder>
void check_round_trip(const bytes& data, const bytes& coded) {
    Coder coder;
    bytes back(data.size(), 0xCD);
    const auto size = coder.decode_into(coded, back);
    REQUIRE(size);
    CHECK(*size == data.size());
    CHECK(back == data);
}

template <unsigned Lanes>
void check_lanes(const bytes& data) {
    std::uint32_t counts[256];
    std::uint16_t f[256];
    count_bytes(data, counts);
    if (counts[data[0]] == data.size()) return;  // a run, which has no table
    normalize_frequencies(counts, f, 12);
    const auto symbols = std::make_unique<rans_symbol_table<12>>();
    const auto slots = std::make_unique<rans_slot_table<12>>();
    symbols->build(f);
    slots->build(f);
    bytes plain(2 * data.size() + 4 * Lanes), vector(plain.size());
    const auto a = rans_encode_lanes<Lanes, 12, scalar_rounds>(data, *symbols, plain);
    const auto b = rans_encode_lanes<Lanes, 12, pith::simd::rans_rounds<>>(data, *symbols, vector);
    REQUIRE((a && b));
    plain.erase(plain.begin(), plain.end() - static_cast<std::ptrdiff_t>(*a));
    vector.erase(vector.begin(), vector.end() - static_cast<std::ptrdiff_t>(*b));
    REQUIRE(plain == vector);
    bytes back(data.size()), also(data.size());
    CHECK(rans_decode_lanes<Lanes, 12, scalar_rounds>(plain, *slots, back));
    CHECK(rans_decode_lanes<Lanes, 12, pith::simd::rans_rounds<>>(plain, *slots, also));
    CHECK(back == data);
    CHECK(also == data);
    // Exactly the room that is needed is enough, and a byte less is not.
    bytes tight(*a);
    CHECK(rans_encode_lanes<Lanes, 12, pith::simd::rans_rounds<>>(data, *symbols, tight));
    CHECK(tight == plain);
    tight.pop_back();
    CHECK_FALSE(rans_encode_lanes<Lanes, 12, pith::simd::rans_rounds<>>(data, *symbols, tight));
}

}  // namespace

TEST_CASE("vector rounds write and read the same rANS bytes as scalar rounds, for every number of lanes") {
    for (unsigned kind = 0; kind < 5; ++kind) {
        for (const int size : {1, 31, 32, 33, 64, 127, 128, 129, 255, 300, 1024, 4097, 20000}) {
            const auto n = static_cast<std::size_t>(size);
            CAPTURE(kind, n);
            const bytes data = sample(n, kind, static_cast<unsigned>(n));
            check_lanes<1>(data);
            check_lanes<2>(data);
            check_lanes<8>(data);
            check_lanes<32>(data);
            check_lanes<64>(data);
            check_lanes<128>(data);
        }
    }
}

TEST_CASE("rANS blocks of every size and kind come back, and scalar and vector streams are equal") {
    for (unsigned kind = 0; kind < 5; ++kind) {
        for (std::size_t n = 0; n < 700; n += n < 300 ? 1 : 37) {
            CAPTURE(kind, n);
            const bytes data = sample(n, kind, static_cast<unsigned>(n));
            const bytes coded = encode<vectorised>(data);
            CHECK(coded == encode<rans_bytes<>>(data));
            check_round_trip<vectorised>(data, coded);
            check_round_trip<rans_bytes<>>(data, coded);
        }
        for (const int size : {9'999, 70'001, 200'003, 1'000'000}) {
            const auto n = static_cast<std::size_t>(size);
            const bytes data = sample(n, kind, 5);
            const bytes coded = encode<vectorised>(data);
            check_round_trip<vectorised>(data, coded);
            if (n < 100'000) CHECK(coded == encode<rans_bytes<>>(data));
        }
    }
}

TEST_CASE("an rANS block is within 0.3 % of the order-0 entropy at 1 MB") {
    for (unsigned kind : {0U, 4U}) {
        const bytes data = sample(1 << 20, kind, 11);
        std::uint32_t counts[256];
        count_bytes(data, counts);
        double entropy = 0;
        for (const double c : counts) {
            if (c > 0) entropy -= c * std::log2(c / double(data.size())) / 8;
        }
        CHECK(double(encode<vectorised>(data).size()) <= 1.003 * entropy);
    }
}

TEST_CASE("rANS blocks keep the laws of block coders") {
    const auto coder = std::make_unique<vectorised>();
    block_laws::check_block_coder(*coder);
}
