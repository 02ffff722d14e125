#include <pith/simd/attention_dots.hpp>

#include <vector>

#include "simd/memory.hpp"
#include "support/catch.hpp"

namespace {

using namespace simd_test;
namespace simd = pith::simd;
using simd::native;

template <unsigned Bits>
std::uint8_t some_code(numbers& next) {
    const std::uint64_t bits = next();
    if constexpr (Bits == 8) {
        const auto code = static_cast<std::uint8_t>(bits % 16 == 0   ? 0x81
                                                    : bits % 16 == 1 ? 0x7F
                                                                     : bits >> 8);
        return code == 0x80 ? std::uint8_t{0} : code;  // -128 is no level
    }
    constexpr std::uint8_t last = (1U << Bits) - 1U;
    return bits % 4 == 0 ? last : static_cast<std::uint8_t>((bits >> 8) & last);
}

/// Units with random codes, packed by the twin.
template <unsigned Bits>
void fill_units(std::span<std::uint8_t> out, numbers& next) {
    for (std::size_t at = 0; at < out.size(); at += simd::unit_bytes<Bits>) {
        std::uint8_t codes[128];
        for (std::uint8_t& c : codes) c = some_code<Bits>(next);
        simd::twin::pack_unit<Bits, native>({codes, codes + 32, codes + 64, codes + 96}, out.data() + at);
    }
}

simd::code_levels some_levels(numbers& next) {
    simd::code_levels levels{};
    for (std::uint8_t& l : levels) l = static_cast<std::uint8_t>(next() % 8 == 0 ? 127 : next() % 128);
    return levels;
}

template <unsigned Bits>
void check_packing() {
    numbers next(Bits);
    area packed, loose;
    std::size_t wrong = 0;
    for (std::size_t place = 0; place <= at_end; ++place) {
        const auto unit = packed.take<std::uint8_t>(simd::unit_bytes<Bits>, place);
        const auto codes = loose.take<std::uint8_t>(128, at_end - place);
        for (std::uint8_t& c : codes) c = some_code<Bits>(next);
        const std::uint8_t* const vectors[4] = {codes.data(), codes.data() + 32, codes.data() + 64,
                                                codes.data() + 96};
        std::uint8_t twin[128], back[128];
        simd::pack_unit<Bits>(vectors, unit.data());
        simd::twin::pack_unit<Bits, native>(vectors, twin);
        wrong += std::memcmp(twin, unit.data(), unit.size()) != 0 || !packed.intact();
        simd::twin::unpack_unit<Bits, native>(unit.data(), back);
        wrong += std::memcmp(back, codes.data(), 128) != 0;
        std::memset(back, 255, 128);
        simd::unpack_unit<Bits>(unit.data(), back);
        wrong += std::memcmp(back, codes.data(), 128) != 0;
    }
    CHECK(wrong == 0);
}

template <unsigned Bits, bool Table, unsigned Halves>
void check_keys() {
    numbers next(10 * Bits + 2 * Table + Halves);
    area packed, factors, sums;
    std::size_t wrong = 0;
    const auto check = [&](std::size_t vectors, std::size_t channels, std::size_t chunks, std::size_t place) {
        // Whole pages of units do not fit the area: as many chunks as do.
        const std::size_t chunk = vectors * simd::unit_bytes<Bits>;
        while (chunks > 1 && chunks * chunk > 4096) --chunks;
        const auto units = packed.take<std::uint8_t>(chunks * chunk, place);
        const auto query = factors.take<std::int8_t>(Halves * 32 * vectors, at_end - place);
        const auto out = sums.take<std::int32_t>(4 * (32 / channels) * chunks, at_end);
        fill_units<Bits>(units, next);
        fill_bits(query, next);
        for (std::size_t i = 0; i < 32 * vectors; ++i)  // upper bytes: -127..127
            if (query[i] == -128) query[i] = -127;
        const simd::code_levels levels = some_levels(next);
        std::vector<std::int32_t> twin(out.size());
        simd::key_dots<Bits, Table, Halves>(units.data(), vectors, channels, chunks, query.data(), levels,
                                            out.data());
        simd::twin::key_dots<Bits, Table, Halves, native>(units.data(), vectors, channels, chunks,
                                                          query.data(), levels, twin.data());
        wrong += !same_bits<std::int32_t>(out, twin) || !sums.intact();
    };
    for (std::size_t place = 0; place <= at_end; place += 3) {
        const std::size_t at = place > 61 ? at_end : place;
        for (const std::size_t vectors : {1U, 2U, 3U, 4U, 7U, 8U, 9U, 16U}) check(vectors, 32, 5, at);
        check(1, 8, 4, at);
        check(1, 16, 4, at);
    }
    CHECK(wrong == 0);
}

template <unsigned Bits, bool Table, unsigned Halves>
void check_values() {
    numbers next(100 * Bits + 2 * Table + Halves);
    area packed, factors, sums;
    std::size_t wrong = 0;
    for (std::size_t place = 0; place <= at_end; place += 5)
        for (std::size_t groups = 1; groups <= 9; ++groups)
            for (const std::size_t tokens : {1U, 2U, 3U, 8U, 16U}) {
                const std::size_t stride = tokens + place % 2;
                if (groups * stride * simd::unit_bytes < Bits >> 4000) continue;
                const std::size_t at = place > 59 ? at_end : place;
                const auto units = packed.take<std::uint8_t>(groups * stride * simd::unit_bytes<Bits>, at);
                const auto weights = factors.take<std::uint8_t>(Halves * 16 * tokens, at_end - at);
                const auto out = sums.take<std::int32_t>(8 * groups, at_end);
                fill_units<Bits>(units, next);
                fill_bits(weights, next);
                for (std::uint8_t& w : weights)
                    if (Bits == 8) w &= 127;
                const simd::code_levels levels = some_levels(next);
                std::vector<std::int32_t> twin(out.size());
                simd::value_sums<Bits, Table, Halves>(units.data(), groups, tokens, stride, weights.data(),
                                                      levels, out.data());
                simd::twin::value_sums<Bits, Table, Halves, native>(units.data(), groups, tokens, stride,
                                                                    weights.data(), levels, twin.data());
                wrong += !same_bits<std::int32_t>(out, twin) || !sums.intact();
            }
    CHECK(wrong == 0);
}

/// Rows that share units give what each gives alone.
template <unsigned Bits, bool Table, unsigned Halves>
void check_shared() {
    constexpr std::size_t rows = simd::max_shared_queries;
    numbers next(1000 * Bits + 2 * Table + Halves);
    const simd::code_levels levels = some_levels(next);
    std::vector<std::uint8_t> units(160 * simd::unit_bytes<Bits>);
    fill_units<Bits>(units, next);
    std::vector<std::int8_t> queries(rows * Halves * 32 * 9);
    fill_bits(std::span<std::int8_t>(queries), next);
    for (std::int8_t& q : queries)
        if (q == -128) q = -127;
    std::vector<std::uint8_t> weights(rows * Halves * 16 * 16);
    fill_bits(std::span<std::uint8_t>(weights), next);
    for (std::uint8_t& w : weights)
        if (Bits == 8) w &= 127;
    std::size_t wrong = 0;
    for (const std::size_t count : {1U, 2U, 3U, 8U}) {
        for (const std::size_t vectors : {1U, 2U, 3U, 4U, 8U, 9U})
            for (const std::size_t channels : {32U, 16U, 8U}) {
                if (channels != 32 && vectors != 1) continue;
                const std::size_t chunks = 17, stride = 4 * (32 / channels) * chunks + 3;
                std::vector<std::int32_t> out(count * stride, 7), twin = out;
                simd::key_dots<Bits, Table, Halves>(units.data(), vectors, channels, chunks, queries.data(),
                                                    levels, out.data(), {count, stride});
                for (std::size_t r = 0; r < count; ++r)
                    simd::twin::key_dots<Bits, Table, Halves, native>(
                        units.data(), vectors, channels, chunks, queries.data() + r * Halves * 32 * vectors,
                        levels, twin.data() + r * stride);
                wrong += out != twin;
            }
        for (const std::size_t groups : {1U, 2U, 5U})
            for (const std::size_t tokens : {1U, 3U, 8U, 16U}) {
                const std::size_t stride = 8 * groups + 5;
                std::vector<std::int32_t> out(count * stride, 7), twin = out;
                simd::value_sums<Bits, Table, Halves>(units.data(), groups, tokens, tokens + 1,
                                                      weights.data(), levels, out.data(), {count, stride});
                for (std::size_t r = 0; r < count; ++r)
                    simd::twin::value_sums<Bits, Table, Halves, native>(
                        units.data(), groups, tokens, tokens + 1, weights.data() + r * Halves * 16 * tokens,
                        levels, twin.data() + r * stride);
                wrong += out != twin;
            }
    }
    CHECK(wrong == 0);
}

template <unsigned Bits, bool Table>
void check_kernels() {
    CAPTURE(Bits, Table);
    check_keys<Bits, Table, 1>();
    check_keys<Bits, Table, 2>();
    check_values<Bits, Table, 1>();
    check_values<Bits, Table, 2>();
    check_shared<Bits, Table, 1>();
    check_shared<Bits, Table, 2>();
}

}  // namespace

TEST_CASE("a unit of codes is what its twin packs, and unpacks again, at every place") {
    INFO(native::name);
    check_packing<2>();
    check_packing<3>();
    check_packing<4>();
    check_packing<8>();
}

TEST_CASE("rows of bytes are interleaved as by the twin") {
    numbers next(1);
    area from, to;
    const auto rows = from.take<std::uint8_t>(128, at_end);
    const auto out = to.take<std::uint8_t>(128, at_end);
    std::uint8_t twin[128];
    fill_bits(rows, next);
    const auto parts = [](std::uint8_t* p) {
        return std::array<std::uint8_t*, 4>{p, p + 32, p + 64, p + 96};
    };
    const auto r = parts(rows.data()), o = parts(out.data()), t = parts(twin);
    simd::interleave_rows({r[0], r[1], r[2], r[3]}, {o[0], o[1], o[2], o[3]});
    simd::twin::interleave_rows<native>({r[0], r[1], r[2], r[3]}, {t[0], t[1], t[2], t[3]});
    CHECK(std::memcmp(out.data(), twin, 128) == 0);
    CHECK(twin[4 * 5 + 2] == rows[64 + 5]);
}

TEST_CASE("products of packed codes are the twin's integers for every width, size and place") {
    INFO(native::name);
    check_kernels<2, false>();
    check_kernels<3, false>();
    check_kernels<4, false>();
    check_kernels<8, false>();
    check_kernels<2, true>();
    check_kernels<3, true>();
    check_kernels<4, true>();
}
