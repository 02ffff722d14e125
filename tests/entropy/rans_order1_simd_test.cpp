#include <pith/entropy/rans_order1.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_order1.hpp>

#include <memory>
#include <vector>

#include "block_laws.hpp"
#include "support/catch.hpp"

using namespace pith::entropy;
using block_laws::bytes;
using block_laws::generator;

namespace {

using scalar = rans_order1<>;
using vectorised = rans_order1<pith::simd::order1_rounds<>, pith::simd::rans_rounds<>>;

static_assert(pith::simd::order1_pitch == order1_pitch);
static_assert(pith::simd::order1_tile_rounds == order1_tile_rounds);

/// A Markov source: each byte leads to a few others. Kinds differ in alphabet, skew and deterministic
/// contexts.
bytes markov(unsigned kind, std::size_t n) {
    generator g{0xA5A5'1234'5678'9ABCULL + 977 * kind + n};
    bytes out(n);
    unsigned last = 0;
    for (std::uint8_t& b : out) {
        const std::uint32_t r = g.next();
        switch (kind) {
            case 0:  // 32 letters, four successors each, one of them likely
                last = (last * 7 + (r % 8 < 5 ? 1 : r % 4 * 11)) % 32 + 64;
                break;
            case 1:  // all bytes, walks
                last = (last + 256 + r % 9 - 4) % 256;
                break;
            case 2:  // every second context is certain
                last = last % 2 == 0 ? last + 1 : r % 40 * 2;
                break;
            case 3:  // two values
                last = r % 16 == 0 ? 1 - last % 2 : last % 2;
                break;
            default:  // many rare contexts beside a few frequent ones
                last = r % 50 == 0 ? r >> 8 & 0xFF : last % 4 * 3 + (r >> 20) % 3;
                break;
        }
        b = static_cast<std::uint8_t>(last);
    }
    return out;
}
constexpr unsigned markov_kinds = 5;

template <class Coder>
bool decodes_to(Coder& coder, const bytes& code, const bytes& data) {
    bytes back(data.size(), 0xCD);
    const auto size = coder.decode_into(code, back);
    return size && *size == data.size() && back == data;
}

void check_equal(scalar& plain, vectorised& fast, const bytes& data) {
    const bytes code = block_laws::encoded(fast, data);
    REQUIRE(code == block_laws::encoded(plain, data));
    REQUIRE(decodes_to(plain, code, data));
    REQUIRE(decodes_to(fast, code, data));
    bytes tight(code.size());
    REQUIRE(*fast.encode_into(data, tight) == code.size());
    REQUIRE(tight == code);
}

template <unsigned Lanes, unsigned Precision>
void check_lanes(const bytes& data) {
    using slot_word = order1_slot_word<Precision>;
    std::vector<std::uint32_t> slots((std::size_t{256} << Precision) + slot_word::overrun);
    struct alignas(16) record {
        std::uint32_t words[4];
    };
    std::vector<record> records(65536);
    // One table for all contexts, turned by the context, so that a wrong context shows.
    bytes alphabet(256);
    for (unsigned c = 0; c < 256; ++c) {
        std::vector<std::uint16_t> f(256, 1);
        f[0] = static_cast<std::uint16_t>((1U << Precision) - 255);
        for (unsigned r = 0; r < 256; ++r) alphabet[r] = static_cast<std::uint8_t>(r + c);
        slot_word::build(f, alphabet.data(), slots.data() + (std::size_t{c} << Precision));
        for (unsigned r = 0; r < 256; ++r) {
            const std::size_t pair = std::size_t{alphabet[r]} << 8 | c;
            build_order1_record(f[r], r == 0 ? 0 : f[0] + r - 1, Precision, records[pair].words);
        }
    }
    const std::uint32_t* const words = records[0].words;
    bytes plain(4 * data.size() + 4 * Lanes), fast(plain.size());
    const auto a = order1_encode_lanes<Lanes, scalar_order1_rounds>(data, words, 3, plain);
    const auto b = order1_encode_lanes<Lanes, pith::simd::order1_rounds<>>(data, words, 3, fast);
    REQUIRE((a && b));
    plain.erase(plain.begin(), plain.end() - static_cast<std::ptrdiff_t>(*a));
    fast.erase(fast.begin(), fast.end() - static_cast<std::ptrdiff_t>(*b));
    REQUIRE(plain == fast);
    bytes back(data.size()), also(data.size());
    const auto c = order1_decode_lanes<Lanes, Precision, scalar_order1_rounds>(plain, slots.data(), 3, back);
    const auto d =
        order1_decode_lanes<Lanes, Precision, pith::simd::order1_rounds<>>(plain, slots.data(), 3, also);
    REQUIRE((c && d));
    CHECK(back == data);
    CHECK(also == data);
    bytes tight(*a - 1);
    CHECK_FALSE(order1_encode_lanes<Lanes, pith::simd::order1_rounds<>>(data, words, 3, tight));
}

}  // namespace

TEST_CASE(
    "order-1 vector rounds write and read the same bytes as scalar rounds, for all lanes and precisions") {
    for (unsigned kind = 0; kind < markov_kinds; ++kind) {
        for (const std::size_t n : {128U, 129U, 500U, 2048U, 4096U + 64U, 20001U}) {
            CAPTURE(kind, n);
            const bytes data = markov(kind, n);
            check_lanes<1, 10>(data);
            check_lanes<4, 12>(data);
            check_lanes<12, 11>(data);
            check_lanes<32, 10>(data);
            check_lanes<64, 11>(data);
            check_lanes<64, 12>(data);
            check_lanes<128, 10>(data);
        }
    }
}

TEST_CASE("order-1 blocks of every size and kind come back, and scalar and vector streams are equal") {
    const auto plain = std::make_unique<scalar>();
    const auto fast = std::make_unique<vectorised>();
    for (unsigned kind = 0; kind < markov_kinds; ++kind) {
        for (std::size_t n = 0; n < 700; ++n) {
            CAPTURE(kind, n);
            check_equal(*plain, *fast, markov(kind, n));
        }
        for (const std::size_t n : {1023U, 4095U, 8192U, 20011U, 50021U, 65536U, 200003U}) {
            CAPTURE(kind, n);
            check_equal(*plain, *fast, markov(kind, n));
        }
    }
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        for (std::size_t n = 0; n < 700; n += 1 + n / 20)
            check_equal(*plain, *fast, block_laws::sample(kind, n));
        for (const std::size_t n : {10007U, 100003U}) check_equal(*plain, *fast, block_laws::sample(kind, n));
    }
}

TEST_CASE("a Markov source costs order 1 far less than order 0") {
    const auto coder = std::make_unique<vectorised>();
    const auto order0 = std::make_unique<rans_bytes<>>();
    for (unsigned kind = 0; kind < 3; ++kind) {
        CAPTURE(kind);
        const bytes data = markov(kind, 200000);
        const bytes code = block_laws::encoded(*coder, data);
        CHECK(code[0] >= 64);
        CHECK(code.size() * 4 < block_laws::encoded(*order0, data).size() * 3);
    }
}

TEST_CASE("order 1 never takes more than order 0, up to rounding, and falls back to its bytes") {
    const auto coder = std::make_unique<vectorised>();
    const auto order0 = std::make_unique<rans_bytes<>>();
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        for (const std::size_t n : {60U, 1000U, 30011U}) {
            CAPTURE(kind, n);
            const bytes data = block_laws::sample(kind, n);
            const bytes code = block_laws::encoded(*coder, data), flat = block_laws::encoded(*order0, data);
            CHECK(code.size() <= flat.size());
            if (code[0] < 64) CHECK(code == flat);
        }
    }
}

TEST_CASE("a damaged order-1 block gives an error or a block of the right length") {
    const auto coder = std::make_unique<vectorised>();
    for (const unsigned kind : {0U, 2U, 3U}) {
        CAPTURE(kind);
        const bytes data = markov(kind, 1500);
        REQUIRE(block_laws::encoded(*coder, data)[0] >= 64);
        block_laws::check_damage(*coder, data);
        const bytes code = block_laws::encoded(*coder, data);
        bytes back(data.size());
        for (std::size_t cut = 0; cut < code.size(); ++cut) {
            const bytes shorter(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(cut));
            CHECK_FALSE(coder->decode_into(shorter, back));
        }
    }
}

TEST_CASE("damage to a long order-1 block never leads outside it") {
    const auto coder = std::make_unique<vectorised>();
    const bytes data = markov(4, 150001);
    bytes code = block_laws::encoded(*coder, data);
    REQUIRE(code[0] >= 64);
    bytes back(data.size());
    generator g{99};
    for (unsigned trial = 0; trial < 150; ++trial) {
        bytes damaged = code;
        const std::size_t range = trial % 3 == 0 ? code.size() : 400;
        damaged[g.next() % range] ^= static_cast<std::uint8_t>(1U << g.next() % 8);
        if (trial % 5 == 0) damaged.resize(g.next() % code.size());
        damaged.shrink_to_fit();
        const auto size = coder->decode_into(damaged, back);
        CHECK((!size || *size == back.size()));
    }
}

TEST_CASE("an order-1 destination that is too small is an error, and nothing is written past it") {
    const auto coder = std::make_unique<vectorised>();
    for (const unsigned kind : {0U, 1U, 2U, 3U}) {
        const bytes data = markov(kind, 1500);
        const std::size_t size = block_laws::encoded(*coder, data).size();
        for (std::size_t room = 0; room < size; room += 1 + room / 64) {
            CAPTURE(kind, room);
            bytes out(room + 8, 0xEE);
            const auto written = coder->encode_into(data, pith::byte_span(out).first(room));
            CHECK_FALSE(written);
            for (std::size_t i = room; i < out.size(); ++i) CHECK(out[i] == 0xEE);
        }
    }
}

TEST_CASE("a header that asks for tables beyond the block's size is refused") {
    // 256 contexts that all share one table of the finest precision, in a block of 64 bytes.
    bytes code = {64 + 32 + 2, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    code.resize(400, 0xFF);
    const auto coder = std::make_unique<vectorised>();
    bytes back(64);
    CHECK_FALSE(coder->decode_into(code, back));
}
