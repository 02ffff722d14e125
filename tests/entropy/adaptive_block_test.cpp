// The adaptive block coders: identity at every size, bounded cost, frozen bytes, damage.
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <pith/entropy/adaptive_binary.hpp>
#include <pith/entropy/adaptive_nibble.hpp>

#include "entropy/adaptive_samples.hpp"
#include "support/catch.hpp"

using namespace pith;
using namespace pith::entropy;

namespace {

using bytes = std::vector<std::uint8_t>;

template <class Coder>
bytes encoded(Coder& coder, const bytes& in) {
    bytes out(Coder::max_encoded_size(in.size()));
    const auto n = coder.encode_into(in, out);
    REQUIRE(n);
    REQUIRE(*n <= out.size());
    out.resize(*n);
    return out;
}

template <class Coder>
void check_identity(Coder& coder, const bytes& in) {
    const bytes coded = encoded(coder, in);
    bytes back(in.size(), 0xAA);
    const auto n = coder.decode_into(coded, back);
    REQUIRE(n);
    REQUIRE(*n == in.size());
    REQUIRE(back == in);
    // Exactly enough room is enough; less is an error, not an overrun.
    bytes tight(coded.size());
    const auto again = coder.encode_into(in, tight);
    if (again) REQUIRE(tight == coded);
    if (!coded.empty()) {
        bytes small(coded.size() - 1);
        REQUIRE(!coder.encode_into(in, small));
    }
}

/// Bytes that change their kind: skewed, uniform, constant, text.
bytes mixed(std::size_t n) {
    bytes out;
    std::uint64_t seed = 1;
    while (out.size() < n) {
        for (const bytes& part :
             {test::skewed(3000, seed), test::uniform(1500, seed), bytes(2000, 7), test::wordy(4000, seed)})
            out.insert(out.end(), part.begin(), part.end());
        ++seed;
    }
    out.resize(n);
    return out;
}

template <class Coder>
void check_block_laws() {
    static_assert(block_coder<Coder>);
    const auto coder = std::make_unique<Coder>();
    const bool big = Coder::recipe % 16 == 2;  // its tables take a millisecond to reset
    for (std::size_t n = 0; n <= 300; n += big ? 7 : 1) {
        check_identity(*coder, test::skewed(n, n));
        check_identity(*coder, test::uniform(n, n));
        check_identity(*coder, bytes(n, 0xFF));
    }
    for (const std::size_t n : std::vector<std::size_t>{1023, 1024, 1025, 2047, 2048, 2049, 2055, 100003}) {
        check_identity(*coder, mixed(n));
        check_identity(*coder, bytes(n, 0));
        check_identity(*coder, test::uniform(n, n));
    }
    // Across chunks; a stored chunk among coded ones.
    bytes long_data = test::wordy(300000, 4);
    const bytes noise = test::uniform(262144, 5);
    long_data.resize(262144);
    long_data.insert(long_data.end(), noise.begin(), noise.end());
    const bytes tail = test::wordy(270001, 6);
    long_data.insert(long_data.end(), tail.begin(), tail.end());
    check_identity(*coder, long_data);
}

template <class Coder>
double bits_per_byte(const bytes& in) {
    const auto coder = std::make_unique<Coder>();
    return 8 * double(encoded(*coder, in).size()) / double(in.size());
}

double entropy_of(const bytes& data) {
    double counts[256] = {};
    for (const auto s : data) counts[s] += 1;
    double bits = 0;
    for (const double c : counts)
        if (c > 0) bits -= c * std::log2(c / double(data.size()));
    return bits / double(data.size());
}

/// Every truncation and every single-bit flip: an error or other bytes, never a crash; and what is accepted
/// is what the encoder writes for it.
template <class Coder>
void check_damage(const bytes& in) {
    const auto coder = std::make_unique<Coder>();
    const bytes coded = encoded(*coder, in);
    bytes back(in.size());
    for (std::size_t cut = 0; cut < coded.size(); ++cut) {
        const bytes damaged(coded.begin(), coded.begin() + static_cast<std::ptrdiff_t>(cut));
        REQUIRE(!coder->decode_into(damaged, back));
    }
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < 8 * coded.size(); ++bit) {
        bytes damaged = coded;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
        if (!coder->decode_into(damaged, back)) continue;
        ++accepted;
        REQUIRE(encoded(*coder, back) == damaged);
    }
    CHECK(accepted < 2 * coded.size());  // a quarter of the flips
    bytes longer = coded;
    longer.push_back(0);
    REQUIRE(!coder->decode_into(longer, back));
}

template <class Coder>
std::uint64_t frozen() {
    const auto coder = std::make_unique<Coder>();
    return test::digest(encoded(*coder, mixed(300001)));
}

}  // namespace

TEST_CASE("adaptive binary blocks are the identity at every size", "[adaptive]") {
    check_block_laws<adaptive_binary<0>>();
    check_block_laws<adaptive_binary<1>>();
    check_block_laws<adaptive_binary<2>>();
    check_block_laws<adaptive_binary<0, bit_rates{4, 7, 0}>>();
}

TEST_CASE("adaptive nibble blocks are the identity at every size", "[adaptive]") {
    check_block_laws<adaptive_nibble<0>>();
    check_block_laws<adaptive_nibble<1>>();
    check_block_laws<adaptive_nibble<2>>();
    check_block_laws<adaptive_nibble<0, portable_nibbles, nibble_rates{4, 1}>>();
}

TEST_CASE("adaptive blocks cost entropy plus a bound", "[adaptive]") {
    const bytes skewed = test::skewed(400000, 1);
    const double h = entropy_of(skewed);
    CHECK(bits_per_byte<adaptive_binary<0>>(skewed) < h * 1.03);
    CHECK(bits_per_byte<adaptive_nibble<0>>(skewed) < h * 1.04);
    const bytes text = test::wordy(400000, 1);
    CHECK(bits_per_byte<adaptive_binary<2>>(text) < 0.4 * entropy_of(text));
    CHECK(bits_per_byte<adaptive_nibble<2>>(text) < 0.4 * entropy_of(text));
    CHECK(bits_per_byte<adaptive_binary<1>>(text) < 0.6 * entropy_of(text));
    CHECK(bits_per_byte<adaptive_nibble<1>>(text) < 0.6 * entropy_of(text));
    const bytes constant(400000, 9);
    CHECK(bits_per_byte<adaptive_binary<0>>(constant) < 0.02);
    CHECK(bits_per_byte<adaptive_nibble<0>>(constant) < 0.02);
    const bytes noise = test::uniform(400000, 1);
    CHECK(bits_per_byte<adaptive_nibble<0>>(noise) <= 8.0001);
    CHECK(bits_per_byte<adaptive_binary<0>>(noise) <= 8.0001);
}

TEST_CASE("a block coder forgets one block before the next", "[adaptive]") {
    const auto coder = std::make_unique<adaptive_nibble<1>>();
    const bytes data = mixed(20000);
    const bytes first = encoded(*coder, data);
    static_cast<void>(encoded(*coder, test::uniform(20000, 3)));
    CHECK(encoded(*coder, data) == first);
}

TEST_CASE("damaged adaptive blocks give an error or another block's only stream", "[adaptive]") {
    check_damage<adaptive_binary<0>>(test::wordy(120, 1));
    check_damage<adaptive_binary<0>>(test::skewed(1500, 1));
    check_damage<adaptive_binary<1>>(test::wordy(1200, 1));
    check_damage<adaptive_nibble<0>>(test::wordy(120, 1));
    check_damage<adaptive_nibble<0>>(test::skewed(2500, 1));
    check_damage<adaptive_nibble<1>>(test::wordy(2100, 1));
}

TEST_CASE("the bytes of the adaptive blocks are frozen", "[adaptive]") {
    CHECK(frozen<adaptive_binary<0>>() == 0x2a217039bf8f3006);
    CHECK(frozen<adaptive_binary<1>>() == 0x237483c458e8ff9d);
    CHECK(frozen<adaptive_binary<2>>() == 0x45d8f8a0fce61075);
    CHECK(frozen<adaptive_nibble<0>>() == 0x7f245b9794d288f1);
    CHECK(frozen<adaptive_nibble<1>>() == 0x7b7344d2b678653d);
    CHECK(frozen<adaptive_nibble<2>>() == 0x5ceb8753403108af);
}
