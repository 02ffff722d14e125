// Blending and coding over models that offer their concepts and nothing more.
#include <pith/mixing/byte_mixture.hpp>
#include <pith/mixing/linear_blend.hpp>

#include <cmath>
#include <cstdint>

#include "entropy/block_laws.hpp"
#include "support/catch.hpp"

namespace mixing = pith::mixing;
using block_laws::bytes;

namespace {

/// A model without memory: all bytes alike.
struct flat {
    static constexpr std::size_t memory = 0;
    void reset(std::size_t) noexcept {}
    void prepare(const mixing::block_history&) noexcept {}
    mixing::byte_evidence look_up(const mixing::block_history&) noexcept { return {}; }
    void spread(mixing::byte_distribution& out, std::uint32_t mass) noexcept {
        for (unsigned s = 0; s < 256; ++s) out.set(static_cast<std::uint8_t>(s), mass / 256);
    }
    void update(std::uint8_t) noexcept {}
};

/// A model that gives nothing anything.
struct speechless : flat {
    void spread(mixing::byte_distribution& out, std::uint32_t) noexcept { flat::spread(out, 0); }
};

/// An expert that expects one byte with a fixed share.
template <std::uint8_t Byte, std::uint32_t Share>
struct expects {
    static constexpr std::size_t memory = 0;
    void reset(std::size_t) noexcept {}
    void prepare(const mixing::block_history&) noexcept {}
    std::uint32_t look_up(const mixing::block_history&) noexcept { return Share; }
    void spread(mixing::byte_distribution& out, std::uint32_t mass) noexcept {
        REQUIRE(Share != 0);
        out.add(Byte, mass);
    }
    void update(std::uint8_t) noexcept {}
};

struct tested {
    static constexpr std::uint32_t recipe = 0x8000'0000;
    static constexpr const char* name = "tested";
};

template <class Model, unsigned TotalBits = 24>
using coder = mixing::byte_mixture<tested, Model, mixing::no_calibration, TotalBits>;
static_assert(pith::entropy::block_coder<coder<flat>>);

}  // namespace

TEST_CASE("experts are blended in one after the other") {
    mixing::linear_blend<flat, expects<'a', 16384>, expects<'b', 32768>, expects<'c', 0>> blend;
    static_assert(mixing::byte_model<decltype(blend)>);
    const mixing::block_history history;
    mixing::byte_distribution out;
    static_cast<void>(blend.look_up(history));
    blend.spread(out, 1U << 30);
    const double whole = 1073741824.0;
    // p <- 3/4 p + 1/4 [a]; then p <- 1/2 p + 1/2 [b].
    CHECK(std::fabs(out.mass_of('b') / whole - (0.5 + 0.375 / 256)) < 1e-6);
    CHECK(std::fabs(out.mass_of('a') / whole - (0.125 + 0.375 / 256)) < 1e-6);
    CHECK(std::fabs(out.mass_of('c') / whole - 0.375 / 256) < 1e-6);
}

TEST_CASE("a coder over a model without memory costs what the model says") {
    coder<mixing::linear_blend<flat, expects<'a', 32768>>> half;
    bytes data(20000, 'a');
    data.back() = 'b';
    const bytes code = block_laws::encoded(half, data);
    const double expected = 20000 * -std::log2(0.5 + 0.5 / 256) / 8;
    CHECK(std::fabs(static_cast<double>(code.size()) - expected) < 8);
    block_laws::check_round_trip(half, data);
}

TEST_CASE("a byte that has no mass costs the floor of the total and not more") {
    bytes data = block_laws::sample(2, 1000);
    for (std::size_t i = 0; i < data.size(); ++i)
        if (i % 4 != 0) data[i] = 'a';
    coder<mixing::linear_blend<speechless, expects<'a', 65535>>, 24> fine;
    coder<mixing::linear_blend<speechless, expects<'a', 65535>>, 14> coarse;
    const double fine_size = static_cast<double>(block_laws::encoded(fine, data).size());
    const double coarse_size = static_cast<double>(block_laws::encoded(coarse, data).size());
    CHECK(std::fabs(fine_size - 250 * 24 / 8.0) < 20);
    const double lost = std::log2(1 + 256.0 / 16384);  // what the floors take from all that is coded
    CHECK(std::fabs(coarse_size - (250 * 14 + 1000 * lost) / 8.0) < 20);
    block_laws::check_round_trip(fine, data);
    block_laws::check_round_trip(coarse, data);
}

TEST_CASE("a coder over a model that says nothing is a coder of uniform bytes") {
    coder<speechless> silent;
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind)
        for (const std::size_t n : {0U, 1U, 2U, 300U, 5000U}) {
            const bytes data = block_laws::sample(kind, n);
            CHECK(block_laws::encoded(silent, data).size() <= coder<speechless>::max_encoded_size(n));
            block_laws::check_round_trip(silent, data);
        }
}

TEST_CASE("a coder over any model keeps the laws of block coders") {
    coder<mixing::linear_blend<flat, expects<32, 60000>>> some;
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        CAPTURE(kind);
        for (std::size_t n = 0; n <= 300; n += 7)
            block_laws::check_round_trip(some, block_laws::sample(kind, n));
        block_laws::check_small_destinations(some, block_laws::sample(kind, 60));
        for (const std::size_t n : {1U, 2U, 60U}) block_laws::check_damage(some, block_laws::sample(kind, n));
    }
}
