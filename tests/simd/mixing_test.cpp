#include <pith/mixing/mixer.hpp>
#include <pith/simd/mixing.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using pith::mixing::portable_mixing;

#ifdef PITH_NO_SIMD
using kernel = portable_mixing;
static_assert(!pith::simd::has_mixing_kernel<pith::simd::native>);
#else
using kernel = pith::simd::mixing_kernel<>;
static_assert(pith::simd::has_mixing_kernel<pith::simd::native>);
static_assert(!std::is_same_v<kernel, portable_mixing>);
#endif
static_assert(pith::mixing::mixing_kernel<kernel>);

/// Mostly any number, often an extreme one.
std::int16_t number(simd_test::numbers& next) {
    constexpr std::int16_t extreme[] = {-32768, -32767, -1, 0, 1, 32766, 32767, 16384};
    const auto r = static_cast<std::uint32_t>(next());
    return r % 4 == 0 ? extreme[r / 4 % 8] : static_cast<std::int16_t>(r >> 8);
}

template <std::size_t N>
void check_dot_and_train(simd_test::numbers& next) {
    alignas(32) std::array<std::int16_t, N> a{}, w{}, also{};
    for (int round = 0; round < 40; ++round) {
        // Pairs of -32768 in both would overflow 32 bits: inputs are stretched values, weights are not
        // bounded.
        for (auto& v : a) v = std::max<std::int16_t>(number(next), -32767);
        for (auto& v : w) v = number(next);
        // A sum of N/2 pairs, each below 2^31 >> 8 in size, is below 2^30 for N <= 256.
        REQUIRE(kernel::dot<N>(a.data(), w.data()) == portable_mixing::dot<N>(a.data(), w.data()));
        also = w;
        for (const int e : {-32767, -32766, -1, 0, 1, 2, 32767, static_cast<int>(next() % 65535) - 32767}) {
            kernel::train<N>(a.data(), w.data(), e);
            portable_mixing::train<N>(a.data(), also.data(), e);
            REQUIRE(w == also);
        }
    }
}

template <std::size_t N>
void check_adapt(simd_test::numbers& next) {
    alignas(32) std::array<std::uint32_t, N> p{}, also{};
    for (int round = 0; round < 200; ++round) {
        for (auto& v : p) {
            const auto r = static_cast<std::uint32_t>(next());
            v = r % 8 == 0   ? 0
                : r % 8 == 1 ? 0xFFFFFFFFU
                : r % 8 == 2 ? 0xFFFFFC00U
                             : static_cast<std::uint32_t>(next());
        }
        also = p;
        for (const std::uint32_t limit : {0U, 1U, 127U, 255U, 1022U, 1023U}) {
            const bool bit = next() % 2 != 0;
            kernel::adapt<N>(p.data(), bit, limit);
            portable_mixing::adapt<N>(also.data(), bit, limit);
            REQUIRE(p == also);
        }
    }
}

template <std::size_t... I>
void check_all(std::index_sequence<I...>) {
    simd_test::numbers next(41);
    (check_dot_and_train<16 * (I + 1)>(next), ...);
    (check_adapt<8 * (I + 1)>(next), ...);
}

}  // namespace

TEST_CASE("dot, train and adapt of mixers give the integers of their twin at every length") {
    check_all(std::make_index_sequence<16>{});
}

TEST_CASE("training rounds to the nearest, halves upwards, and stops at the ends of 16 bits") {
    alignas(32) std::array<std::int16_t, 16> a{}, w{};
    for (int x = -32768; x <= 32767; x += 16) {
        for (const int e : {-32767, -16384, -5, 3, 8192, 16384, 32767}) {
            for (int i = 0; i < 16; ++i) {
                a[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(x + i);
                w[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(i % 3 == 0   ? 0
                                                                           : i % 3 == 1 ? 32760
                                                                                        : -32760);
            }
            const auto before = w;
            kernel::train<16>(a.data(), w.data(), e);
            for (std::size_t i = 0; i < 16; ++i) {
                const int exact = 2 * a[i] * e + 32768;  // floor((a e / 2^15) + 1/2), in 2^16
                const int moved = before[i] + (exact >= 0 ? exact / 65536 : -((-exact + 65535) / 65536));
                REQUIRE(w[i] == std::clamp(moved, -32768, 32767));
            }
        }
    }
}

TEST_CASE("adapting never leaves the range and counts to the limit") {
    alignas(32) std::array<std::uint32_t, 8> p{};
    p.fill(1U << 31);
    for (int i = 0; i < 2000; ++i) kernel::adapt<8>(p.data(), true, 255);
    for (const std::uint32_t v : p) {
        CHECK((v & 1023) == 255);
        CHECK((v >> 10) > (1U << 22) - 400);
    }
    for (int i = 0; i < 20000; ++i) kernel::adapt<8>(p.data(), false, 1023);
    for (const std::uint32_t v : p) {
        CHECK((v & 1023) == 1023);
        CHECK((v >> 10) < 1100);
    }
}

TEST_CASE("filling with masks puts f(i) into place i and what the masks keep of it behind") {
    alignas(32) std::array<std::int16_t, 33> out{}, also{};
    out.fill(7);
    also.fill(7);
    const auto f = [](auto i) {
        const int k = static_cast<int>(i());
        return std::array<std::int16_t, 2>{static_cast<std::int16_t>(1000 * k - 7001),
                                           static_cast<std::int16_t>(k % 3 == 0 ? -1 : 0x5A5 * k)};
    };
    kernel::fill_masked<16, 11>(out.data(), f);
    portable_mixing::fill_masked<16, 11>(also.data(), f);
    CHECK(out == also);
    for (std::size_t i = 0; i < 16; ++i) {
        const int x = 1000 * static_cast<int>(i) - 7001, y = i % 3 == 0 ? -1 : 0x5A5 * static_cast<int>(i);
        REQUIRE(out[i] == x);
        REQUIRE(out[16 + i] == (i < 11 ? x & y : y));
    }
}

namespace {

template <std::size_t Vectors>
void check_dots(simd_test::numbers& next) {
    alignas(32) std::array<std::array<std::int16_t, 32>, 16> w{};
    alignas(32) std::array<std::int16_t, 32> a{};
    alignas(32) std::array<std::int16_t, Vectors <= 8 ? 8 : 16> out{}, also{};
    for (int round = 0; round < 60; ++round) {
        const int size = round % 3 == 0 ? 2048 : 100;
        for (auto& v : a)
            v = static_cast<std::int16_t>(static_cast<int>(next() % 4095) * size / 2048 - size + 1);
        for (auto& v : w)
            for (auto& x : v) x = number(next);
        std::array<const std::int16_t*, 16> at{};
        for (std::size_t k = 0; k < 16; ++k) at[k] = w[k].data();
        kernel::dots<32, Vectors>(a.data(), at.data(), out.data());
        portable_mixing::dots<32, Vectors>(a.data(), at.data(), also.data());
        REQUIRE(out == also);
        REQUIRE(kernel::dot_sum(a.data(), at[0], at[1]) == portable_mixing::dot_sum(a.data(), at[0], at[1]));
        for (const int e : {-32767, -3, 0, 700, 32767}) {
            auto other = w[7];
            kernel::train<8>(a.data(), w[7].data(), e);
            portable_mixing::train<8>(a.data(), other.data(), e);
            REQUIRE(w[7] == other);
        }
    }
}

}  // namespace

TEST_CASE("several dot products at once, their bounds and eight trained give the integers of their twin") {
    simd_test::numbers next(43);
    check_dots<1>(next);
    check_dots<3>(next);
    check_dots<5>(next);
    check_dots<8>(next);
    check_dots<9>(next);
    check_dots<13>(next);
    check_dots<16>(next);
}
