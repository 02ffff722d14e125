#include <pith/entropy/rans_classes.hpp>
#include <pith/entropy/window_code.hpp>
#include <pith/simd/rans_classes.hpp>
#include <pith/simd/window.hpp>

#include <cstring>
#include <vector>

#include "support/catch.hpp"

using namespace pith;
using namespace pith::entropy;

namespace {

using bytes = std::vector<std::uint8_t>;

#if !defined(PITH_NO_SIMD) && (defined(__AVX2__) || defined(__aarch64__))
using vectorised = simd::window_kernel<>;
#else
using vectorised = portable_windows;
#endif

struct generator {
    std::uint64_t state;
    std::uint32_t next() {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return static_cast<std::uint32_t>(state >> 32);
    }
};

bytes falling(std::size_t n, unsigned top, std::uint64_t seed) {
    generator g{seed * 1234567 + 99};
    bytes out(n);
    for (auto& b : out) {
        const std::uint32_t r = g.next();
        unsigned drop = 0;
        while (drop < 30 && (r >> drop & 1) != 0) ++drop;
        b = static_cast<std::uint8_t>(r % 61 == 0 ? r >> 20 : r % 37 == 0 ? 0 : top - drop);
    }
    return out;
}

template <class Kernel>
bytes put(const bytes& in, window_form form, window_scratch& s) {
    bytes out;
    vector_sink sink(out);
    put_window_group<Kernel>(sink, in.data(), in.size(), form, s);
    return out;
}

}  // namespace

TEST_CASE("groups of windows come back, and vectors write the same bytes") {
    window_scratch s;
    for (const std::size_t n :
         std::initializer_list<std::size_t>{1, 2, 7, 8, 31, 32, 33, 100, 255, 256, 1000, 1023, 1024}) {
        for (unsigned top : {3U, 20U, 120U, 255U}) {
            const bytes in = falling(n, top, n + top);
            for (unsigned bits = 1; bits <= 8; ++bits) {
                for (unsigned base : {0U, 1U, 13U, 14U, 15U, 60U, 115U, 120U, 254U}) {
                    if (bits < 8 && base + (1U << bits) > 257) continue;
                    CAPTURE(n, top, bits, base);
                    const window_form form{bits, static_cast<std::uint8_t>(base)};
                    const bytes coded = put<portable_windows>(in, form, s);
                    REQUIRE(put<vectorised>(in, form, s) == coded);
                    const auto check = [&](auto kernel) {
                        bytes out(window_group);
                        byte_reader reader(coded);
                        const auto got = get_window_group<decltype(kernel)>(reader, n, out.data(), s);
                        REQUIRE(got);
                        REQUIRE(reader.remaining() == 0);
                        REQUIRE(std::memcmp(*got, in.data(), n) == 0);
                    };
                    check(portable_windows{});
                    check(vectorised{});
                }
            }
        }
    }
}

TEST_CASE("the chosen window is no longer than any other, and never longer than the bytes") {
    window_scratch s;
    for (unsigned top : {3U, 20U, 120U, 255U}) {
        const bytes in = falling(window_group, top, top);
        std::uint16_t counts[256] = {};
        for (const std::uint8_t b : in) ++counts[b];
        const window_form form = choose_window(window_census(counts), 1, 7);
        const std::size_t size = put<vectorised>(in, form, s).size();
        CHECK(size <= in.size() + 1);
        for (unsigned bits = 1; bits < 8; ++bits)
            for (unsigned base = 1; base + (1U << bits) <= 257; ++base) {
                if (counts[base] == 0)
                    continue;  // the search keeps to values that occur, or are between them
                // The odd nibble and the choice's blindness to whole bytes.
                CHECK(size <= put<vectorised>(in, {bits, static_cast<std::uint8_t>(base)}, s).size() + 1);
            }
    }
    const bytes same(window_group, 9);
    std::uint16_t counts[256] = {};
    counts[9] = window_group;
    REQUIRE(choose_window(window_census(counts), 1, 7).bits == 0);
}

TEST_CASE("a census whose range is known chooses as one that looks for it") {
    for (unsigned top : {0U, 1U, 3U, 20U, 120U, 255U})
        for (unsigned zeros : {0U, 1U, 400U, 900U}) {
            std::uint16_t counts[256] = {};
            for (const std::uint8_t b : falling(64, top, top)) ++counts[b];
            counts[0] = static_cast<std::uint16_t>(counts[0] + zeros);
            unsigned low = 1, high = 255;
            while (high > 0 && counts[high] == 0) --high;
            while (low < high && counts[low] == 0) ++low;
            const window_form a = choose_window(window_census(counts), 1, 7);
            const window_census known(counts, static_cast<std::uint8_t>(high == 0 ? 0 : low),
                                      static_cast<std::uint8_t>(high));
            const window_form b = choose_window(known, 1, 7);
            CHECK((a.bits == b.bits && a.base == b.base));
        }
}

TEST_CASE("damaged groups of windows give an error or values, and one form per value") {
    window_scratch s;
    const bytes in = falling(45, 120, 3);
    const bytes coded = put<vectorised>(in, {3, 114}, s);
    bytes out(window_group);
    for (std::size_t n = 0; n < coded.size(); ++n) {
        byte_reader reader(byte_view(coded).first(n));
        REQUIRE_FALSE(get_window_group<vectorised>(reader, in.size(), out.data(), s));
    }
    for (std::size_t bit = 0; bit < 8 * coded.size(); ++bit) {
        bytes bad = coded;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << bit % 8));
        byte_reader reader(bad);
        const auto got = get_window_group<vectorised>(reader, in.size(), out.data(), s);
        if (got && reader.remaining() == 0) REQUIRE(std::memcmp(*got, in.data(), in.size()) != 0);
    }
}

TEST_CASE("rounds with classes equal the scalar ones and come back") {
    using rounds = simd::class_rounds<>;
    for (const std::size_t n : std::initializer_list<std::size_t>{1, 63, 64, 65, 1000, 5000}) {
        const bytes in = falling(n, 120, n);
        generator g{n + 5};
        bytes classes(n);
        for (auto& c : classes) c = static_cast<std::uint8_t>(g.next() % 16);
        std::vector<rans_symbol_table<10>> symbols(16);
        std::vector<rans_slot_table<10>> slots(16);
        for (unsigned c = 0; c < 16; ++c) {
            std::uint16_t f[256];
            for (auto& v : f) v = 2;
            f[120] = static_cast<std::uint16_t>(514 - c);
            f[119] = static_cast<std::uint16_t>(2 + c);
            symbols[c].build(f);
            slots[c].build(f);
        }
        const auto check = [&]<unsigned Lanes>() {
            bytes a(3 * n + 600), b(3 * n + 600);
            const auto x = rans_encode_classes<Lanes, scalar_class_rounds>(in, classes, symbols[0].words, a);
            const auto y = rans_encode_classes<Lanes, rounds>(in, classes, symbols[0].words, b);
            REQUIRE(x);
            REQUIRE(y);
            REQUIRE(*x == *y);
            const byte_view coded = byte_view(a).last(*x);
            REQUIRE(std::memcmp(coded.data(), b.data() + (b.size() - *y), *x) == 0);
            bytes out(n);
            REQUIRE(rans_decode_classes<Lanes, 10, rounds>(coded, classes, slots[0].words, out));
            REQUIRE(out == in);
            std::fill(out.begin(), out.end(), std::uint8_t{0});
            REQUIRE(rans_decode_classes<Lanes, 10, scalar_class_rounds>(coded, classes, slots[0].words, out));
            REQUIRE(out == in);
            REQUIRE_FALSE(rans_decode_classes<Lanes, 10, rounds>(coded.first(coded.size() - 1), classes,
                                                                 slots[0].words, out));
            bytes tight(*x - 1);
            REQUIRE_FALSE(rans_encode_classes<Lanes, rounds>(in, classes, symbols[0].words, tight));
        };
        check.operator()<64>();
        check.operator()<4>();
    }
}

TEST_CASE("escapes are spelled alike by vectors, far values in their places") {
    generator g{77};
    std::uint8_t table[16];
    for (auto& v : table) v = static_cast<std::uint8_t>(g.next());
    for (std::size_t n = 0; n <= 70; ++n) {
        for (unsigned often : {0U, 1U, 8U, 16U}) {  // how many in 16 nibbles are 15 besides chance
            bytes nibbles(n), far(2 * n + 32);
            for (auto& v : nibbles) {
                v = static_cast<std::uint8_t>(g.next());
                if (g.next() % 16 < often) v |= 0xF0;
                if (g.next() % 16 < often) v |= 0x0F;
            }
            for (auto& v : far) v = static_cast<std::uint8_t>(g.next());
            bytes expected(2 * n + 1, 0xA5), got(2 * n + 1, 0xA5);  // one byte more must stay as it is
            const std::size_t used =
                portable_windows::spell(nibbles.data(), n, table, far.data(), expected.data());
            CAPTURE(n, often);
            REQUIRE(vectorised::spell(nibbles.data(), n, table, far.data(), got.data()) == used);
            REQUIRE(got == expected);
        }
    }
}
