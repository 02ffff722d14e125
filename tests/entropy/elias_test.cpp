#include <pith/entropy/elias.hpp>

#include <limits>
#include <vector>

#include "block_laws.hpp"

using namespace pith;
using namespace pith::entropy;
using block_laws::bytes;

namespace {

struct gamma {
    static constexpr std::uint64_t cost(std::uint64_t v) { return 2 * std::bit_width(v) - 1U; }
    template <class W>
    static void put(W& w, std::uint64_t v) {
        put_gamma(w, v);
    }
    static result<std::uint64_t> get(bit_reader& r) { return get_gamma(r); }
};
struct delta {
    static constexpr std::uint64_t cost(std::uint64_t v) {
        return gamma::cost(static_cast<std::uint64_t>(std::bit_width(v))) + std::bit_width(v) - 1;
    }
    template <class W>
    static void put(W& w, std::uint64_t v) {
        put_delta(w, v);
    }
    static result<std::uint64_t> get(bit_reader& r) { return get_delta(r); }
};
struct omega {
    static constexpr std::uint64_t cost(std::uint64_t v) {
        std::uint64_t bits = 1;
        for (; v > 1; v = static_cast<std::uint64_t>(std::bit_width(v)) - 1)
            bits += static_cast<std::uint64_t>(std::bit_width(v));
        return bits;
    }
    template <class W>
    static void put(W& w, std::uint64_t v) {
        put_omega(w, v);
    }
    static result<std::uint64_t> get(bit_reader& r) { return get_omega(r); }
};

std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> all;
    for (std::uint64_t v = 1; v <= 2000; ++v) all.push_back(v);
    for (unsigned bit = 11; bit < 64; ++bit)
        for (const std::uint64_t off : {std::uint64_t{0} - 1, std::uint64_t{0}, std::uint64_t{1}})
            all.push_back((std::uint64_t{1} << bit) + off);
    all.push_back(~std::uint64_t{0});
    return all;
}

}  // namespace

TEMPLATE_TEST_CASE("universal codes come back, cost what their definition says, and are never cut unnoticed",
                   "", gamma, delta, omega) {
    const std::vector<std::uint64_t> all = numbers();
    bytes stream;
    vector_sink sink(stream);
    bit_writer writer(sink);
    for (const std::uint64_t v : all) TestType::put(writer, v);
    writer.finish();
    bit_reader reader(stream);
    for (const std::uint64_t v : all) {
        CAPTURE(v);
        const std::uint64_t before = reader.bit_position();
        const result<std::uint64_t> got = TestType::get(reader);
        REQUIRE(got);
        REQUIRE(*got == v);
        REQUIRE(reader.bit_position() - before == TestType::cost(v));
    }
    CHECK(reader.byte_position() == stream.size());
    CHECK(reader.padding_is_zero());

    for (const std::uint64_t v : {std::uint64_t{300}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        bytes one;
        vector_sink to(one);
        bit_writer w(to);
        TestType::put(w, v);
        w.finish();
        while (!one.empty()) {
            one.pop_back();
            bit_reader r(one);
            const result<std::uint64_t> got = TestType::get(r);
            REQUIRE_FALSE((got && *got == v));
        }
    }
}

TEMPLATE_TEST_CASE("every 16-bit string is refused or is the one code word of its number", "", gamma, delta,
                   omega) {
    for (unsigned bits = 0; bits < 65536; ++bits) {
        const bytes in{static_cast<std::uint8_t>(bits), static_cast<std::uint8_t>(bits >> 8)};
        bit_reader reader(in);
        const result<std::uint64_t> got = TestType::get(reader);
        if (!got) continue;
        bytes again;
        vector_sink sink(again);
        bit_writer writer(sink);
        TestType::put(writer, *got);
        writer.finish();
        again.resize(2);
        const unsigned mask = static_cast<unsigned>(low_mask(static_cast<unsigned>(reader.bit_position())));
        REQUIRE((again[0] | again[1] << 8) == static_cast<int>(bits & mask));
    }
}

TEST_CASE("numbers of more than 64 bits are refused, not shifted away") {
    const bytes zeros(64);
    bit_reader r(zeros);
    CHECK(get_gamma(r).error().code == error_code::bad_stream);
    bytes wide;
    vector_sink sink(wide);
    bit_writer writer(sink);
    put_gamma(writer, 65);  // delta: a width of 65
    writer.put(0, 40), writer.put(0, 40);
    writer.finish();
    bit_reader r2(wide);
    CHECK(get_delta(r2).error().code == error_code::bad_stream);
    const bytes ones(64, 0xFF);
    bit_reader r3(ones);
    CHECK(get_omega(r3).error().code == error_code::bad_stream);
}

TEST_CASE("a unary run is bounded") {
    bytes stream;
    vector_sink sink(stream);
    bit_writer writer(sink);
    for (const std::uint32_t z : {0U, 1U, 31U, 32U, 33U, 64U, 200U}) put_unary(writer, z);
    writer.finish();
    bit_reader reader(stream);
    for (const std::uint32_t z : {0U, 1U, 31U, 32U, 33U, 64U}) CHECK(*get_unary(reader, z) == z);
    CHECK(get_unary(reader, 199).error().code == error_code::bad_stream);
}

TEST_CASE("zigzag is a bijection that orders by magnitude") {
    for (int v = -128; v <= 127; ++v) {
        const auto s = static_cast<std::int8_t>(v);
        CHECK(unzigzag(zigzag(s)) == s);
        CHECK(zigzag(s) == (v < 0 ? -2 * v - 1 : 2 * v));
    }
    using wide = std::numeric_limits<std::int64_t>;
    for (const std::int64_t v : {wide::min(), wide::max(), std::int64_t{-1}, std::int64_t{0}})
        CHECK(unzigzag(zigzag(v)) == v);
    CHECK(zigzag(wide::min()) == ~std::uint64_t{0});
    STATIC_REQUIRE(zigzag(-3) == 5U);
}
