#include <pith/entropy/frequency.hpp>

#include <cmath>
#include <random>
#include <vector>

#include "support/catch.hpp"

using namespace pith::entropy;

namespace {

double cost(const std::vector<std::uint32_t>& counts, const std::vector<std::uint16_t>& f,
            unsigned precision) {
    double bits = 0;
    for (std::size_t s = 0; s < counts.size(); ++s) {
        if (counts[s] != 0) bits += counts[s] * (precision - std::log2(double(f[s])));
    }
    return bits;
}

/// The optimum over all frequency tables, by dynamic programming over symbols and slots.
double optimal_cost(const std::vector<std::uint32_t>& counts, unsigned precision) {
    const std::size_t slots = std::size_t{1} << precision;
    std::vector<double> best(slots + 1, 1e300);
    best[0] = 0;
    for (const std::uint32_t c : counts) {
        std::vector<double> next(slots + 1, 1e300);
        for (std::size_t used = 0; used <= slots; ++used) {
            if (best[used] > 1e299) continue;
            if (c == 0) {
                next[used] = std::min(next[used], best[used]);
                continue;
            }
            for (std::size_t f = 1; used + f <= slots; ++f) {
                next[used + f] =
                    std::min(next[used + f], best[used] + c * (precision - std::log2(double(f))));
            }
        }
        best = next;
    }
    return best[slots];
}

std::vector<std::uint32_t> random_counts(std::mt19937& random, std::size_t symbols) {
    std::vector<std::uint32_t> counts(symbols);
    for (auto& c : counts)
        c = static_cast<std::uint32_t>(std::exp(double(random() % 1000) / 80.0)) * (random() % 3 != 0);
    counts[random() % symbols] += 1;
    return counts;
}

}  // namespace

TEST_CASE("normalised frequencies fill the range and cost no more than the optimum") {
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
        const auto precision = static_cast<unsigned>(5 + random() % 3);
        const auto counts = random_counts(random, 2 + random() % 20);
        std::vector<std::uint16_t> f(counts.size());
        normalize_frequencies(counts, f, precision);
        std::uint32_t sum = 0;
        for (std::size_t s = 0; s < f.size(); ++s) {
            CHECK((counts[s] != 0) == (f[s] != 0));
            sum += f[s];
        }
        CHECK(sum == 1U << precision);
        const double ideal = optimal_cost(counts, precision);
        CHECK(cost(counts, f, precision) <= ideal * (1 + 1e-7) + 1e-6);
        CHECK(std::abs(double(coded_bits(counts, f, precision)) - cost(counts, f, precision)) <=
              1 + 1e-4 * ideal);
    }
}

TEST_CASE("a table survives its header, and takes exactly its bytes") {
    std::mt19937 random(2);
    for (int round = 0; round < 2000; ++round) {
        const auto precision = static_cast<unsigned>(9 + random() % 7);
        const auto counts = random_counts(random, 1 + random() % 256);
        std::vector<std::uint16_t> f(256);
        normalize_frequencies(counts, std::span(f).first(counts.size()), precision);
        std::vector<std::uint8_t> bytes;
        pith::vector_sink sink(bytes);
        write_frequencies(sink, f, precision);
        const std::size_t size = bytes.size();
        bytes.push_back(0xAB);
        std::vector<std::uint16_t> back(256, 7);
        pith::byte_reader reader(bytes);
        REQUIRE(read_frequencies(reader, back, precision));
        CHECK(back == f);
        CHECK(reader.position() == size);
    }
}

TEST_CASE("a damaged table header is refused or gives another full table in its one form") {
    std::vector<std::uint32_t> counts(256);
    for (std::size_t s = 20; s < 120; s += 1 + s % 3)
        counts[s] = static_cast<std::uint32_t>(1 + (s * s) % 97);
    std::vector<std::uint16_t> f(256);
    normalize_frequencies(counts, f, 12);
    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    write_frequencies(sink, f, 12);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        pith::byte_reader reader(pith::byte_view(bytes.data(), cut));
        std::vector<std::uint16_t> back(256);
        CHECK_FALSE(read_frequencies(reader, back, 12));
    }
    int refused = 0;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1U << (bit % 8)));
        std::vector<std::uint16_t> back(256);
        pith::byte_reader reader(damaged);
        if (!read_frequencies(reader, back, 12)) {
            ++refused;
            continue;
        }
        std::uint32_t sum = 0;
        for (const auto v : back) sum += v;
        CHECK(sum == 4096);
        std::vector<std::uint8_t> again;
        pith::vector_sink again_sink(again);
        write_frequencies(again_sink, back, 12);
        damaged.resize(reader.position());
        CHECK(again == damaged);
    }
    CHECK(refused > 0);
}

TEST_CASE("bytes are counted at every length") {
    std::mt19937 random(3);
    for (std::size_t n = 0; n < 300; ++n) {
        std::vector<std::uint8_t> data(n);
        std::vector<std::uint32_t> slow(256);
        for (auto& b : data) ++slow[b = static_cast<std::uint8_t>(random() % (1 + n))];
        std::uint32_t counts[256];
        count_bytes(data, counts);
        CHECK(std::vector<std::uint32_t>(counts, counts + 256) == slow);
    }
}
