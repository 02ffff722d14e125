#include <pith/simd/batch_integer.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace simd = pith::simd;
using simd::native;

TEST_CASE("the instruction set is one that the flags allow") {
    CHECK(std::string(native::name) != "");
    CHECK(simd::available<native>);
    CHECK(simd::available<simd::scalar>);
#ifdef PITH_NO_SIMD
    CHECK(native::bytes == 0);
#else
    CHECK(native::bytes >= 16);
#endif
}

#ifndef PITH_NO_SIMD

namespace {

using namespace simd_test;

template <class T>
constexpr std::size_t lanes = simd::width<T, native>;
template <class T>
using elements = std::array<T, lanes<T>>;
template <class T>
using vec = simd::vec<T, native>;

template <class T>
elements<T> random_elements(numbers& next) {
    elements<T> out;
    fill_bits(std::span<T>(out), next);
    return out;
}
template <class T>
vec<T> loaded(const elements<T>& e) {
    return simd::load<native>(e.data());
}
template <class T>
elements<T> stored(vec<T> v) {
    elements<T> out;
    simd::store<native>(out.data(), v);
    return out;
}

template <class T, int Count>
void check_shifts(const elements<T>& a) {
    const auto left = stored<T>(simd::shift_left<Count, native, T>(loaded(a)));
    const auto right = stored<T>(simd::shift_right<Count, native, T>(loaded(a)));
    for (std::size_t i = 0; i < lanes<T>; ++i) {
        CHECK(left[i] == static_cast<T>(static_cast<std::make_unsigned_t<T>>(a[i]) << Count));
        CHECK(right[i] == static_cast<T>(a[i] >> Count));
    }
}

template <class T>
void check_widen(const elements<T>& a) {
    using W = simd::detail::twice_as_wide<T>;
    const auto lo = stored<W>(simd::widen_lo<native, T>(loaded(a)));
    const auto hi = stored<W>(simd::widen_hi<native, T>(loaded(a)));
    for (std::size_t i = 0; i < lanes<W>; ++i) {
        CHECK(lo[i] == static_cast<W>(a[i]));
        CHECK(hi[i] == static_cast<W>(a[lanes<W> + i]));
    }
}

}  // namespace

TEMPLATE_TEST_CASE("vectors of integers load, store, compare, select, shift and add up", "", std::int8_t,
                   std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t) {
    using T = TestType;
    numbers next(20);
    for (int round = 0; round < 100; ++round) {
        const auto a = random_elements<T>(next);
        const auto b = random_elements<T>(next);
        CHECK(stored<T>(loaded(a)) == a);
        const auto less = loaded(a) < loaded(b);
        const auto smallest = stored<T>(simd::min<native, T>(loaded(a), loaded(b)));
        const auto largest_of = stored<T>(simd::max<native, T>(loaded(a), loaded(b)));
        const auto chosen = stored<T>(simd::select<native, T>(less, loaded(a), loaded(b)));
        const std::uint64_t bits = simd::mask_bits<native, T>(less);
        using U = std::make_unsigned_t<T>;
        U sum = 0;
        for (std::size_t i = 0; i < lanes<T>; ++i) {
            CHECK(smallest[i] == (a[i] < b[i] ? a[i] : b[i]));
            CHECK(largest_of[i] == (a[i] < b[i] ? b[i] : a[i]));
            CHECK(chosen[i] == smallest[i]);
            CHECK((bits >> i & 1) == (a[i] < b[i] ? 1 : 0));
            sum = static_cast<U>(sum + static_cast<U>(a[i]));
        }
        if constexpr (lanes<T> < 64) CHECK(bits >> lanes<T> == 0);
        CHECK(simd::reduce_add<native, T>(loaded(a)) == static_cast<T>(sum));
        CHECK(stored<T>(simd::broadcast<native>(a[0]))[lanes<T> - 1] == a[0]);
        if constexpr (sizeof(T) > 1) {
            check_shifts<T, 1>(a);
            check_shifts<T, 8>(a);
            check_shifts<T, sizeof(T) * 8 - 1>(a);
        }
        if constexpr (simd::widenable<T>) check_widen<T>(a);
    }
}

TEST_CASE("pairwise products, dot products of bytes, narrowing and tables are what they say") {
    numbers next(21);
    for (int round = 0; round < 200; ++round) {
        const auto a = random_elements<std::int16_t>(next);
        const auto b = random_elements<std::int16_t>(next);
        const auto pairs = stored<std::int32_t>(simd::madd16<native>(loaded(a), loaded(b)));
        for (std::size_t i = 0; i < pairs.size(); ++i)
            CHECK(pairs[i] ==
                  static_cast<std::int32_t>(static_cast<std::uint32_t>(
                      std::int64_t{a[2 * i]} * b[2 * i] + std::int64_t{a[2 * i + 1]} * b[2 * i + 1])));

        const auto s = random_elements<std::int8_t>(next);
        const auto t = random_elements<std::int8_t>(next);
        const auto u = random_elements<std::uint8_t>(next);
        std::int32_t st = 100, ut = 100;
        for (std::size_t i = 0; i < s.size(); ++i) {
            st += s[i] * t[i];
            ut += u[i] * t[i];
        }
        elements<std::int32_t> start{};
        start[0] = 100;
        CHECK(simd::reduce_add<native, std::int32_t>(
                  simd::dot8<native, std::int8_t>(loaded(start), loaded(s), loaded(t))) == st);
        CHECK(simd::reduce_add<native, std::int32_t>(
                  simd::dot8<native, std::uint8_t>(loaded(start), loaded(u), loaded(t))) == ut);

        const auto narrow = stored<std::int8_t>(simd::narrow_sat<std::int8_t, native>(loaded(a), loaded(b)));
        const auto narrow_u =
            stored<std::uint8_t>(simd::narrow_sat<std::uint8_t, native>(loaded(a), loaded(b)));
        const auto w = random_elements<std::int32_t>(next);
        const auto narrow16 =
            stored<std::int16_t>(simd::narrow_sat<std::int16_t, native>(loaded(pairs), loaded(w)));
        const auto clamped = [](std::int32_t v, std::int32_t low, std::int32_t high) {
            return v < low ? low : v > high ? high : v;
        };
        for (std::size_t i = 0; i < a.size(); ++i) {
            CHECK(narrow[i] == clamped(a[i], -128, 127));
            CHECK(narrow[a.size() + i] == clamped(b[i], -128, 127));
            CHECK(narrow_u[i] == clamped(a[i], 0, 255));
        }
        for (std::size_t i = 0; i < w.size(); ++i) {
            CHECK(narrow16[i] == clamped(pairs[i], -32768, 32767));
            CHECK(narrow16[w.size() + i] == clamped(w[i], -32768, 32767));
        }

        std::uint8_t table[16];
        fill_bits(std::span<std::uint8_t>(table), next);
        elements<std::uint8_t> index = u;
        for (std::uint8_t& i : index) i %= 16;
        const auto found = stored<std::uint8_t>(simd::lut16<native>(table, loaded(index)));
        for (std::size_t i = 0; i < index.size(); ++i) CHECK(found[i] == table[index[i]]);
        const auto cast = stored<std::uint32_t>(simd::bit_cast_to<std::uint32_t, native>(loaded(u)));
        CHECK(std::memcmp(cast.data(), u.data(), sizeof cast) == 0);
    }
}

TEST_CASE("float vectors multiply and add in two roundings, round to even and skip NaNs") {
    elements<float> a, b, c;
    numbers next(22);
    for (int round = 0; round < 200; ++round) {
        for (auto* e : {&a, &b, &c}) fill_values(*e, next);
        const auto sums = stored<float>(simd::mul_add<native, float>(loaded(a), loaded(b), loaded(c)));
        const auto fast = stored<float>(simd::mul_add_fast<native>(loaded(a), loaded(b), loaded(c)));
        for (std::size_t i = 0; i < a.size(); ++i) {
            volatile float product = a[i] * b[i];
            volatile float sum = product + c[i];
            CHECK(same_bits<float>(sums[i], sum));
            CHECK(std::abs(fast[i] - sum) <= 0x1p-22F * (std::abs(product) + std::abs(c[i])));
        }
    }
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i) - 7.5F;
    const auto rounded = stored<std::int32_t>(simd::round_to_int<native>(loaded(a)));
    for (std::size_t i = 0; i < a.size(); ++i)
        CHECK(rounded[i] == static_cast<std::int32_t>(std::nearbyint(a[i])));
    a.fill(std::numeric_limits<float>::quiet_NaN());
    CHECK(stored<float>(simd::min<native, float>(loaded(a), loaded(b))) == b);
    CHECK(stored<float>(simd::max<native, float>(loaded(a), loaded(b))) == b);
    elements<float> ones;
    ones.fill(1);
    CHECK(simd::reduce_add<native, float>(loaded(ones)) == static_cast<float>(ones.size()));
}

#endif
