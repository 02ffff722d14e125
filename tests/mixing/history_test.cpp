#include <pith/mixing/adaptive_map.hpp>
#include <pith/mixing/bit_history.hpp>
#include <pith/mixing/history_slots.hpp>
#include <pith/mixing/match.hpp>
#include <pith/mixing/run_map.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

using namespace pith::mixing;
using bytes = std::vector<std::uint8_t>;

namespace {

const bit_history_table& histories() { return bit_histories<>; }

/// Feeds a history and a match model with a block.
template <unsigned MinLength>
class matcher {
  public:
    explicit matcher(const bytes& block) : block_(block), model_(16) {
        history_.reset(block_.data());
        model_.reset();
    }
    void push() {
        history_.push(block_[history_.size()]);
        model_.prefetch(history_);
        model_.push(history_);
    }
    const match_model<MinLength>& model() const { return model_; }

  private:
    bytes block_;
    byte_history history_;
    match_model<MinLength> model_;
};

}  // namespace

TEST_CASE("bit histories are at most 255 states, closed, numbered by what they have seen") {
    const auto& t = histories();
    REQUIRE(t.states > 200);
    REQUIRE(t.states <= 255);
    CHECK((t.zeros[0] == 0 && t.ones[0] == 0));
    for (std::size_t s = 0; s < t.states; ++s) {
        if (s != 0) CHECK(t.zeros[s] + t.ones[s] >= t.zeros[s - 1] + t.ones[s - 1]);
        for (const std::uint8_t to : t.next[s]) {
            CHECK(to < t.states);
            CHECK(to != 0);
        }
    }
    std::array<bool, 256> reached{};
    std::vector<std::size_t> open{0};
    reached[0] = true;
    while (!open.empty()) {
        const std::size_t s = open.back();
        open.pop_back();
        for (const std::uint8_t to : t.next[s]) {
            if (!reached[to]) open.push_back(to);
            reached[to] = true;
        }
    }
    std::size_t count = 0;
    for (const bool r : reached) count += r ? 1 : 0;
    CHECK(count > t.states * 3 / 4);
}

TEST_CASE("a bit adds to its own count and takes from the other one") {
    const auto& t = histories();
    for (std::size_t s = 0; s < t.states; ++s) {
        for (unsigned bit = 0; bit < 2; ++bit) {
            const std::size_t to = t.next[s][bit];
            const int same = bit == 1 ? t.ones[s] : t.zeros[s], other = bit == 1 ? t.zeros[s] : t.ones[s];
            const int same_after = bit == 1 ? t.ones[to] : t.zeros[to];
            const int other_after = bit == 1 ? t.zeros[to] : t.ones[to];
            CHECK(same_after <= same + 1);
            CHECK(same_after >= same - (same > 8 ? same / 2 : 2));
            CHECK(other_after <= other);
            // What was seen decays, but a single contradiction leaves a memory of a long run.
            CHECK(other_after >= (other < 7 ? other - 2 : 3));
            // The prior follows the bit, but for the rounding where counts are brought back into the bounds.
            const std::uint32_t before = t.prior(s), after = t.prior(to), slack = 1U << 16;
            CHECK((bit == 1 ? after + slack >= before : after <= before + slack));
        }
    }
}

TEST_CASE("bit histories treat zeros and ones alike") {
    const auto& t = histories();
    const auto twin = [&](std::size_t s) -> std::array<int, 2> { return {t.ones[s], t.zeros[s]}; };
    pith::random_sequence random(5);
    std::size_t a = 0, b = 0;
    for (int i = 0; i < 100000; ++i) {
        const unsigned bit = i % 1000 < 500 ? random.below(2) : random.below(12) == 0 ? 1 : 0;
        a = t.next[a][bit];
        b = t.next[b][1 - bit];
        REQUIRE((twin(a) == std::array<int, 2>{t.zeros[b], t.ones[b]}));
    }
}

TEST_CASE("priors of bit histories are the fraction of ones, never certain") {
    const auto& t = histories();
    CHECK(t.prior(0) == 1U << 21);
    for (std::size_t s = 0; s < t.states; ++s) {
        CHECK(t.prior(s) > 0);
        CHECK(t.prior(s) < 1U << 22);
        const double exact = (t.ones[s] + 0.4) / (t.zeros[s] + t.ones[s] + 0.8) * (1 << 22);
        CHECK(static_cast<double>(t.prior(s)) < exact + 0.001);
        CHECK(static_cast<double>(t.prior(s)) > exact - 1.001);
    }
    const auto sure = sure_histories(t);
    for (std::size_t s = 0; s < t.states; ++s)
        CHECK(sure[s] == (s != 0 && (t.zeros[s] == 0 || t.ones[s] == 0)));
}

TEST_CASE("adaptive probabilities are running means, with a bound on the memory") {
    pith::random_sequence random(6);
    for (const std::uint32_t limit : {3U, 60U, 255U, 1023U}) {
        adaptive_probability p(1U << 21, 0);
        long double model = 1U << 21;
        std::uint32_t n = 0;
        for (int i = 0; i < 5000; ++i) {
            const bool bit = random.below(10) < 3;
            p.update(bit, limit);
            model += ((bit ? 4194303.0L : 0.0L) - model) / (static_cast<long double>(n) + 1.5L);
            n += n < limit ? 1 : 0;
            REQUIRE(p.experience() == n);
            // Each step is rounded towards zero, by less than one unit; a mean forgets at rate 1/(n + 1.5).
            const long double bound = static_cast<long double>(limit) + 3;
            REQUIRE(static_cast<long double>(p.p22()) <= model + bound);
            REQUIRE(static_cast<long double>(p.p22()) >= model - bound);
        }
        CHECK(p.p16() == p.p22() >> 6);
        CHECK(p.p12() == p.p22() >> 10);
        CHECK(adaptive_probability::from_bits(p.bits()).bits() == p.bits());
    }
}

TEST_CASE("an update moves an adaptive probability towards the bit and never past it") {
    pith::random_sequence random(7);
    for (int i = 0; i < 20000; ++i) {
        const adaptive_probability before(static_cast<std::uint32_t>(random()) >> 10, random.below(1024));
        for (const bool bit : {false, true}) {
            adaptive_probability after = before;
            after.update(bit, 1023);
            REQUIRE((bit ? after.p22() >= before.p22() : after.p22() <= before.p22()));
        }
    }
}

TEST_CASE("a slot is found again with what was written to it") {
    history_slots slots(10);
    slots.reset(10);
    std::uint8_t* const slot = slots.find(0x12345678);
    for (std::size_t node = 1; node < 16; ++node) {
        CHECK(slot[node] == 0);
        slot[node] = static_cast<std::uint8_t>(10 + node);
    }
    CHECK(slots.find(0x12345678) == slot);
    for (std::size_t node = 1; node < 16; ++node) CHECK(slot[node] == 10 + node);
    std::uint8_t* const other = slots.find(0x12345679);
    CHECK(other != slot);
    for (std::size_t node = 1; node < 16; ++node) CHECK(other[node] == 0);
    CHECK(slots.find(0x12345678) == slot);
    slots.reset(10);
    CHECK(slots.find(0x12345678)[1] == 0);
}

TEST_CASE("the context with the least experience gives way in a full line, the others stay") {
    history_slots slots(4);
    slots.reset(4);
    std::uint8_t* place[4];
    for (std::uint32_t k = 0; k < 4; ++k) {
        place[k] = slots.find(0x50000001 + k);
        place[k][1] = static_cast<std::uint8_t>(k == 2 ? 3 : 20 + k);
        place[k][15] = 99;
    }
    std::uint8_t* const fresh = slots.find(0x50000077);
    CHECK(fresh == place[2]);
    for (std::size_t node = 1; node < 16; ++node) CHECK(fresh[node] == 0);
    for (const std::uint32_t k : {0U, 1U, 3U}) {
        CHECK(slots.find(0x50000001 + k) == place[k]);
        CHECK(place[k][1] == 20 + k);
        CHECK(place[k][15] == 99);
    }
}

TEST_CASE("slots never share a byte and never leave the lines in use") {
    history_slots slots(12);
    slots.reset(6);
    pith::random_sequence random(8);
    const std::uint8_t* low = slots.find(0) + 1;
    const std::uint8_t* high = low;
    for (int i = 0; i < 20000; ++i) {
        std::uint8_t* const slot = slots.find(static_cast<std::uint32_t>(random()));
        low = slot + 1 < low ? slot + 1 : low;
        high = slot + 15 > high ? slot + 15 : high;
        std::memset(slot + 1, static_cast<int>(1 + random.below(255)), 15);
        const auto line = reinterpret_cast<std::uintptr_t>(slot + 1) / 64;
        REQUIRE(line == reinterpret_cast<std::uintptr_t>(slot + 15) / 64);
        REQUIRE((reinterpret_cast<std::uintptr_t>(slot + 1) % 64 - 4) % 15 == 0);
    }
    CHECK(high - low == 64 * 64 - 4 - 1);
}

TEST_CASE("a match model finds what was repeated and tells the byte that follows") {
    pith::random_sequence random(9);
    bytes block(3000);
    for (auto& b : block) b = static_cast<std::uint8_t>(random());
    const std::size_t from = 500, to = 2000, length = 700;
    for (std::size_t i = 0; i < length; ++i) block[to + i] = block[from + i];
    block[to + length] = static_cast<std::uint8_t>(block[from + length] ^ 0x10U);
    matcher<6> m(block);
    for (std::size_t n = 0; n < to + 6; ++n) {
        CHECK(m.model().length() == 0);
        m.push();
    }
    std::uint32_t last = 0;
    for (std::size_t n = to + 6; n < to + length; ++n) {
        REQUIRE(m.model().expected() == (256U | block[n]));
        REQUIRE(m.model().length() > last);
        last = m.model().length();
        std::uint32_t partial = 1;
        for (unsigned bits = 0; bits < 8; ++bits) {
            const bool bit = (block[n] >> (7 - bits) & 1) != 0;
            REQUIRE(m.model().holds(partial, bits));
            REQUIRE(m.model().next_bit(bits) == bit);
            REQUIRE((bits == 7 || !m.model().holds(2 * partial + (bit ? 0 : 1), bits + 1)));
            partial = 2 * partial + (bit ? 1 : 0);
        }
        m.push();
    }
    CHECK(last >= length - 7);
    CHECK(m.model().expected() == (256U | block[from + length]));
    m.push();  // the byte that differs
    CHECK(m.model().expected() == 0);
    CHECK_FALSE(m.model().holds(1, 0));
}

TEST_CASE("a match is verified: what follows a match of length n was preceded by n equal bytes") {
    pith::random_sequence random(10);
    bytes block(6000);
    for (auto& b : block) b = static_cast<std::uint8_t>('a' + random.below(3));
    matcher<3> m(block);
    std::size_t found = 0;
    for (std::size_t n = 0; n < block.size(); ++n) {
        if (n != 0) m.push();
        if (m.model().length() == 0) continue;
        ++found;
        const std::size_t length = m.model().length();
        REQUIRE((length >= 3 && length < n));
        bool seen = false;
        for (std::size_t end = length; end < n && !seen; ++end)
            seen = std::memcmp(&block[end - length], &block[n - length], length) == 0 &&
                   (256U | block[end]) == m.model().expected();
        REQUIRE(seen);
    }
    CHECK(found > 1000);
}

TEST_CASE("lengths of matches fall into buckets in order") {
    std::uint32_t last = 0;
    for (std::uint32_t length = 0; length < 70000; ++length) {
        const std::uint32_t b = match_model<6>::bucket(length);
        REQUIRE((b == last || b == last + 1));
        last = b;
    }
    CHECK(last == match_model<6>::buckets - 1);
}

TEST_CASE("a run map expects the byte that came last in a context, and learns what that is worth") {
    run_map runs(12);
    runs.reset();
    CHECK_FALSE(runs.holds(1, 0));
    for (int round = 0; round < 300; ++round) {
        for (std::uint32_t context = 0; context < 4; ++context) {
            const auto byte = static_cast<std::uint8_t>('a' + context);
            runs.find(context << 28);
            CHECK(runs.holds(1, 0) == (round != 0));
            std::uint32_t partial = 1;
            for (unsigned bits = 0; bits < 8; ++bits) {
                const bool bit = (byte >> (7 - bits) & 1) != 0;
                if (round != 0) {
                    REQUIRE(runs.holds(partial, bits));
                    REQUIRE((bits == 7 || !runs.holds(2 * partial + (bit ? 0 : 1), bits + 1)));
                    if (round > 250)
                        REQUIRE((bit ? runs.chance(bits).p12() > 3900 : runs.chance(bits).p12() < 200));
                    runs.chance(bits).update(bit, 255);
                }
                partial = 2 * partial + (bit ? 1 : 0);
            }
            runs.push(byte);
        }
    }
    runs.find(0);
    runs.push('z');
    runs.find(0);
    CHECK(runs.holds(256U | 'z', 8));
    runs.reset();
    runs.find(0);
    CHECK_FALSE(runs.holds(1, 0));
}
