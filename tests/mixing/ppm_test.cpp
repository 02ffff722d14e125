#include <pith/mixing/ppm.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace mixing = pith::mixing;
using block_laws::bytes;

namespace {

using small_ppm = mixing::ppm<3, mixing::context_room{16, std::size_t{1} << 16, 4, std::size_t{1} << 16}>;
static_assert(mixing::byte_model<small_ppm>);

/// Feeds a model the byte at history.size.
template <class Model>
void feed(Model& model, mixing::block_history& history) {
    const std::uint8_t byte = history.bytes[history.size];
    history.push(byte);
    model.prepare(history);
    model.update(byte);
}

/// PPM as the books have it, on maps and in double.
class slow_ppm {
  public:
    std::array<double, 256> predict(const bytes& past) const {
        std::array<double, 256> p{};
        std::set<unsigned> excluded;
        double rest = 1;
        for (unsigned order = 3; order >= 1; --order) {
            const auto found = counts_.find(context(past, past.size(), order));
            if (found == counts_.end()) continue;
            double total = 0, distinct = 0;
            for (const auto& [s, n] : found->second)
                if (excluded.count(s) == 0) total += n, distinct += 1;
            if (distinct == 0) continue;
            for (const auto& [s, n] : found->second)
                if (excluded.count(s) == 0) p[s] = rest * n / (total + distinct);
            for (const auto& entry : found->second) excluded.insert(entry.first);
            rest *= distinct / (total + distinct);
        }
        double open = 0;
        for (unsigned s = 0; s < 256; ++s)
            if (excluded.count(s) == 0) open += single_[s] + 1.0 / 16;
        for (unsigned s = 0; s < 256; ++s)
            if (excluded.count(s) == 0) p[s] = rest * (single_[s] + 1.0 / 16) / open;
        return p;
    }
    void update(const bytes& past, std::uint8_t s) {
        for (unsigned order = 1; order <= 3; ++order) counts_[context(past, past.size(), order)][s] += 1;
        single_[s] += 1;
    }

  private:
    static std::string context(const bytes& past, std::size_t at, unsigned order) {
        std::string c;
        for (unsigned k = 1; k <= order; ++k) c += at >= k ? static_cast<char>(past[at - k]) : '\0';
        return c;
    }
    std::map<std::string, std::map<unsigned, double>> counts_;
    std::array<double, 256> single_{};
};

}  // namespace

TEST_CASE("PPM gives the probabilities of its definition") {
    for (const unsigned kind : {2U, 3U, 6U, 7U, 8U}) {
        const bytes data = block_laws::sample(kind, 1000);
        small_ppm model;
        model.reset(data.size());
        slow_ppm expected;
        mixing::block_history history{data.data(), 0, 0};
        mixing::byte_distribution out;
        bytes past;
        for (const std::uint8_t byte : data) {
            static_cast<void>(model.look_up(history));
            model.spread(out, mixing::byte_distribution::unit);
            const auto p = expected.predict(past);
            double worst = 0;
            for (unsigned s = 0; s < 256; ++s)
                worst = std::max(worst,
                                 std::fabs(out.mass_of(static_cast<std::uint8_t>(s)) / 1073741824.0 - p[s]));
            CAPTURE(kind, past.size());
            REQUIRE(worst < 1e-7);
            expected.update(past, byte);
            feed(model, history);
            past.push_back(byte);
        }
    }
}

TEST_CASE("the masses never sum to more than was to be shared out, and to little less") {
    const bytes data = block_laws::sample(6, 3000);
    small_ppm model;
    mixing::block_history history{data.data(), 0, 0};
    mixing::byte_distribution out;
    for (std::size_t i = 0; i < data.size(); ++i) {
        const std::uint32_t mass =
            i % 3 == 0 ? mixing::byte_distribution::unit : static_cast<std::uint32_t>(i * i);
        static_cast<void>(model.look_up(history));
        model.spread(out, mass);
        out.sum_up();
        REQUIRE(out.sum(0, 0) <= mass);
        REQUIRE(mass - out.sum(0, 0) <= 512);
        feed(model, history);
    }
}

TEST_CASE("the evidence names the longest known context and how often it was seen") {
    const bytes data{'a', 'b', 'c', 'd', 'a', 'b', 'c', 'd', 'a', 'b', 'c'};
    small_ppm model;
    mixing::block_history history{data.data(), 0, 0};
    const auto first = model.look_up(history);
    CHECK(first.order == 0);
    for (std::size_t i = 0; i < 5; ++i) feed(model, history);
    CHECK(model.look_up(history).order == 1);  // a was seen before, da was not
    for (std::size_t i = 5; i < data.size(); ++i) feed(model, history);
    const auto last = model.look_up(history);
    CHECK(last.order == 3);
    CHECK(last.confidence == 2);
}

TEST_CASE("a model that was reset is as good as new, and a copy goes on alike") {
    const bytes data = block_laws::sample(3, 600);
    small_ppm used;
    mixing::block_history history{data.data(), 0, 0};
    while (history.size < data.size()) feed(used, history);
    small_ppm copy = used;
    copy.reset(data.size());
    small_ppm fresh;
    fresh.reset(data.size());
    mixing::block_history again{data.data(), 0, 0};
    mixing::byte_distribution a, b;
    for (std::size_t i = 0; i < 300; ++i) {
        static_cast<void>(copy.look_up(again));
        static_cast<void>(fresh.look_up(again));
        copy.spread(a, 1U << 30);
        fresh.spread(b, 1U << 30);
        REQUIRE(std::equal(a.leaves(), a.leaves() + 256, b.leaves()));
        mixing::block_history twin = again;
        feed(copy, twin);
        feed(fresh, again);
    }
}

TEST_CASE("order 0 goes on when its counts halve", "[.slow]") {
    mixing::ppm<1, mixing::context_room{1, 8, 1, 256}> model;
    const bytes data((std::size_t{1} << 23) + 100, 'z');
    mixing::block_history history{data.data(), 0, 0};
    while (history.size < data.size()) feed(model, history);
    mixing::byte_distribution out;
    static_cast<void>(model.look_up(history));
    model.spread(out, 1U << 30);
    out.sum_up();
    CHECK(out.mass_of('z') > (1U << 30) - 1000);
    CHECK(out.sum(0, 0) <= 1U << 30);
}
