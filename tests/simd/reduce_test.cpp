#include <pith/simd/reduce.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using namespace simd_test;
namespace simd = pith::simd;
using simd::native;
using simd::reduction;

template <reduction Op, class T>
void check_integers() {
    area in, out;
    numbers next(10);
    std::size_t wrong = 0;
    using R = simd::reduced<Op, T>;
    everywhere(sizeof(T), [&](std::size_t n, std::size_t place) {
        const auto values = in.take<T>(n, place);
        fill_bits(values, next);
        std::int64_t expected = Op == reduction::min   ? std::int64_t{std::numeric_limits<T>::max()}
                                : Op == reduction::max ? std::int64_t{std::numeric_limits<T>::min()}
                                                       : 0;
        for (const T v : values) {
            const std::int64_t x = v;
            if (Op == reduction::min && x < expected) expected = x;
            if (Op == reduction::max && x > expected) expected = x;
            if (Op == reduction::absmax && std::abs(x) > expected) expected = std::abs(x);
            if (Op == reduction::sum) expected += x;
        }
        wrong += simd::reduce<Op>(values) != static_cast<R>(expected);
        wrong += simd::twin::reduce<Op, native, T>(values) != static_cast<R>(expected);
    });
    CHECK(wrong == 0);
    CHECK(sizeof(R) >= sizeof(T));
}

template <class T>
void check_all_integers() {
    check_integers<reduction::min, T>();
    check_integers<reduction::max, T>();
    check_integers<reduction::absmax, T>();
    check_integers<reduction::sum, T>();
}

/// Ordinary values, or any bits: NaNs, infinities, zeros of both signs.
template <reduction Op>
void check_floats(bool any_bits, std::uint64_t frozen) {
    area in;
    numbers next(11);
    std::size_t wrong = 0;
    std::uint64_t digest = 0;
    everywhere(4, [&](std::size_t n, std::size_t place) {
        const auto values = in.take<float>(n, place);
        fill_values(values, next);
        if (any_bits)
            for (float& v : values) {
                const std::uint64_t kind = next() % 8;
                if (kind < 2) v = kind == 0 ? 0.0F : -0.0F;
                if (kind == 2) v = std::bit_cast<float>(static_cast<std::uint32_t>(next()) | 0x7F800001U);
            }
        const float kernel = simd::reduce<Op>(values);
        wrong += !same_bits(kernel, simd::twin::reduce<Op, native, float>(values));
        digest = (digest ^ std::bit_cast<std::uint32_t>(kernel)) * 0x100000001B3U;
    });
    CHECK(wrong == 0);
    CHECK(digest == frozen);
}

template <reduction Op, class T>
void check_rows_and_columns() {
    area in, out;
    numbers next(12);
    std::size_t wrong = 0;
    using R = simd::reduced<Op, T>;
    for (const std::size_t rows : {0U, 1U, 2U, 7U})
        for (std::size_t columns = 0; columns <= 130; ++columns) {
            const auto values = in.take<T>(rows * columns, at_end);
            if constexpr (std::is_same_v<T, float>)
                fill_values(values, next);
            else
                fill_bits(values, next);
            const auto by_column = out.take<R>(columns, at_end);
            simd::reduce_columns<Op>(std::span<const T>(values), by_column);
            for (std::size_t c = 0; c < columns; ++c) {
                R expected = simd::twin::detail::neutral<Op, T>();
                for (std::size_t r = 0; r < rows; ++r)
                    expected = simd::twin::detail::step<Op, T>(expected, values[r * columns + c]);
                if constexpr (std::is_same_v<T, float>) expected += 0.0F;
                wrong += !same_bits(by_column[c], expected);
            }
            wrong += !out.intact();
            std::vector<R> by_row(rows);
            simd::reduce_rows<Op>(values, columns, std::span<R>(by_row));
            for (std::size_t r = 0; r < rows; ++r)
                wrong += !same_bits(by_row[r],
                                    simd::twin::reduce<Op, native, T>(values.subspan(r * columns, columns)));
        }
    CHECK(wrong == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("integers reduce exactly at every size and place", "", std::int8_t, std::uint8_t,
                   std::int16_t, std::uint16_t, std::int32_t) {
    check_all_integers<TestType>();
}

TEST_CASE("long sums of extreme integers do not overflow") {
    for (const std::size_t n : {70000U, 300000U}) {
        const auto count = static_cast<std::int64_t>(n);
        const auto sum_of = [n](auto value) {
            const std::vector<decltype(value)> values(n, value);
            return simd::reduce<reduction::sum>(std::span(values));
        };
        CHECK(sum_of(std::int8_t{-128}) == count * -128);
        CHECK(sum_of(std::uint8_t{255}) == count * 255);
        CHECK(sum_of(std::int16_t{-32768}) == count * -32768);
        CHECK(sum_of(std::uint16_t{65535}) == count * 65535);
        CHECK(sum_of(std::numeric_limits<std::int32_t>::min()) == count * -2147483648LL);
    }
}

TEST_CASE("floats reduce to the bits of the twin and to one frozen result on every machine") {
    check_floats<reduction::min>(false, 0x21C48638F5323890U);
    check_floats<reduction::max>(false, 0xE59E6D49823AECA9U);
    check_floats<reduction::absmax>(false, 0xA14144B9711DFDAFU);
    check_floats<reduction::sum>(false, 0x63FC1C418317546AU);
    check_floats<reduction::min>(true, 0xA25A3321E82AEAFDU);
    check_floats<reduction::max>(true, 0xE00B1A043550ED8CU);
    check_floats<reduction::absmax>(true, 0x3B3A5816296B12FCU);
}

TEST_CASE("a NaN is skipped and a zero comes out positive") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    for (std::size_t n = 1; n <= 70; ++n) {
        std::vector<float> values(n, nan);
        CHECK(simd::reduce<reduction::min>(std::span(values)) == infinity);
        CHECK(simd::reduce<reduction::max>(std::span(values)) == -infinity);
        CHECK(same_bits(simd::reduce<reduction::absmax>(std::span(values)), 0.0F));
        values[n / 2] = -3.0F;
        CHECK(simd::reduce<reduction::min>(std::span(values)) == -3.0F);
        CHECK(simd::reduce<reduction::max>(std::span(values)) == -3.0F);
        CHECK(simd::reduce<reduction::absmax>(std::span(values)) == 3.0F);
        const std::vector<float> zeros(n, -0.0F);
        CHECK(same_bits(simd::reduce<reduction::min>(std::span(zeros)), 0.0F));
        CHECK(same_bits(simd::reduce<reduction::max>(std::span(zeros)), 0.0F));
    }
}

TEMPLATE_TEST_CASE("rows and columns reduce like single values one after the other", "", std::int8_t,
                   std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, float) {
    check_rows_and_columns<reduction::min, TestType>();
    check_rows_and_columns<reduction::max, TestType>();
    check_rows_and_columns<reduction::absmax, TestType>();
    check_rows_and_columns<reduction::sum, TestType>();
}
