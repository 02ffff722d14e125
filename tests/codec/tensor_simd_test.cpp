#include <pith/codec/tensor.hpp>
#include <pith/codec/tensor_archive.hpp>
#include <pith/codec/tensor_instant.hpp>
#include <pith/codec/tensor_rans.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/parallel.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

using namespace pith;
using namespace pith::codec;

namespace {

using bytes = std::vector<std::uint8_t>;
using shape_of = std::vector<std::size_t>;

struct generator {
    std::uint64_t state;
    std::uint32_t next() {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return static_cast<std::uint32_t>(state >> 32);
    }
};

std::size_t product(const shape_of& shape) {
    std::size_t n = 1;
    for (const std::size_t d : shape) n *= d;
    return n;
}

/// Weights with scales of rows and columns, by integers alone: a leading bit whose place falls geometrically.
bytes weights(element type, const shape_of& shape, std::uint64_t seed) {
    generator g{0x9E37'79B9'7F4A'7C15U + seed * 77};
    const std::size_t n = product(shape), width = size_of(type);
    const std::size_t columns = shape.empty() ? 1 : shape.back() == 0 ? 1 : shape.back();
    bytes out(n * width);
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t r = std::uint64_t{g.next()} << 32 | g.next();
        const auto fall = static_cast<unsigned>(std::countl_zero(static_cast<std::uint32_t>(r) | 1));
        std::uint64_t v = r >> 8;
        if (exponent_bits(type) != 0) {
            const unsigned bits = exponent_bits(type), all = static_cast<unsigned>(8 * width);
            const unsigned centre = (1U << (bits - 1)) - 3;
            const std::uint64_t drop = fall + (i / columns) % 5 + i % columns % 7;
            const std::uint64_t exponent = centre > drop ? centre - drop : 0;
            const std::uint64_t mantissa = v & ((std::uint64_t{1} << (all - 1 - bits)) - 1);
            v = (r >> 63) << (all - 1) | exponent << (all - 1 - bits) | mantissa;
        } else {
            v = fall * 3 + (r >> 60);
        }
        for (std::size_t b = 0; b < width; ++b) out[i * width + b] = static_cast<std::uint8_t>(v >> (8 * b));
    }
    return out;
}

bytes noise(std::size_t n, std::uint64_t seed) {
    generator g{seed * 0x2545'F491'4F6C'DD1DU + 1};
    bytes out(n);
    for (auto& b : out) b = static_cast<std::uint8_t>(g.next());
    return out;
}

template <class Codec>
bytes encode(Codec& codec, const tensor_view& t, byte_view base = {}) {
    bytes out(Codec::max_encoded_size(t) + 3, 0xEE);
    const auto size = codec.encode_into(t, byte_span(out).first(out.size() - 3), base);
    REQUIRE(size);
    REQUIRE(*size <= out.size() - 3);
    for (std::size_t k = 0; k < 3; ++k) REQUIRE(out[out.size() - 1 - k] == 0xEE);
    out.resize(*size);
    return out;
}

template <class Codec>
bytes check_round_trip(Codec& codec, element type, const shape_of& shape, const bytes& data,
                       byte_view base = {}) {
    const bytes coded = encode(codec, {type, shape, data}, base);
    const auto info = inspect_tensor(coded);
    REQUIRE(info);
    REQUIRE(info->type == type);
    REQUIRE(info->recipe == Codec::recipe);
    REQUIRE(info->rank == shape.size());
    for (std::size_t k = 0; k < shape.size(); ++k) REQUIRE(info->shape[k] == shape[k]);
    REQUIRE(info->bytes == data.size());
    bytes back(data.size() + 2, 0xEE);
    const auto size = codec.decode_into(coded, back, {}, base);
    INFO((size ? "" : size.error().text));
    REQUIRE(size);
    REQUIRE(*size == data.size());
    REQUIRE(back[data.size()] == 0xEE);
    back.resize(data.size());
    REQUIRE(back == data);
    return coded;
}

template <class Codec>
void check_shapes_and_types(std::size_t most) {
    Codec codec;
    const shape_of shapes[] = {{},        {0},       {1},       {7},       {1, 1},
                               {3, 0, 5}, {33},      {257},     {5, 61},   {64, 3, 3, 3},
                               {100, 97}, {1000, 3}, {1, 1025}, {2047, 2}, {40, 500}};
    for (unsigned k = 0; k < element_kinds; ++k) {
        const auto type = static_cast<element>(k);
        for (const shape_of& shape : shapes) {
            if (product(shape) > most) continue;
            CAPTURE(name_of(type), product(shape));
            check_round_trip(codec, type, shape, weights(type, shape, k));
            const bytes random = noise(product(shape) * size_of(type), k);
            const bytes coded = check_round_trip(codec, type, shape, random);
            CHECK(coded.size() <= random.size() + random.size() / 1024 + 10 * shape.size() + 60);
        }
    }
}

/// Every bit pattern of 16 bits, or a sweep of those of 32.
bytes all_patterns(element type) {
    bytes out;
    const std::size_t width = size_of(type);
    for (std::uint64_t i = 0; i < 65536; ++i) {
        const std::uint64_t v = width == 2 ? i : (i << 16 | (i * 40503 & 0xFFFF));
        for (std::size_t b = 0; b < width; ++b) out.push_back(static_cast<std::uint8_t>(v >> (8 * b)));
    }
    return out;
}

template <class Codec>
void check_damage(element type, const shape_of& shape) {
    Codec codec;
    const bytes data = weights(type, shape, 5);
    const bytes coded = check_round_trip(codec, type, shape, data);
    bytes out(data.size());
    for (std::size_t n = 0; n < coded.size(); ++n) {
        const bytes cut(coded.begin(), coded.begin() + static_cast<std::ptrdiff_t>(n));
        REQUIRE_FALSE(codec.decode_into(cut, out));
    }
    for (std::size_t bit = 0; bit < 8 * coded.size(); ++bit) {
        bytes bad = coded;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << bit % 8));
        const auto size = codec.decode_into(bad, out);
        REQUIRE((!size || out == data));
    }
    bytes longer = coded;
    longer.push_back(0);
    REQUIRE(codec.decode_into(longer, out).error().code == error_code::trailing_data);
}

/// Damage behind repaired checks: what the decoders of blocks and parameters must survive.
template <class Codec>
void check_repaired_damage(element type, const shape_of& shape, std::size_t step) {
    Codec codec;
    const bytes data = weights(type, shape, 6);
    const bytes coded = check_round_trip(codec, type, shape, data);
    const auto info = inspect_tensor(coded);
    REQUIRE(info->blocks == 1);
    bytes out(data.size());
    // header | side | size u32 | check u64 | head check u64 | block
    std::size_t body = 10;
    for (std::size_t k = 0; k < shape.size(); ++k) body += shape[k] < 128 ? 1U : 2U;
    body += info->side < 128 ? 1U : info->side < 16384 ? 2U : 3U;
    const std::size_t side_at = body;
    body += info->side + 12 + 8;
    for (std::size_t bit = 0; bit < 8 * coded.size(); bit += step) {
        const std::size_t at = bit / 8;
        if (at < side_at || (at >= side_at + info->side && at < body)) continue;
        bytes bad = coded;
        bad[at] = static_cast<std::uint8_t>(bad[at] ^ (1U << bit % 8));
        store_le<std::uint64_t>(bad.data() + body - 16, stripe_hash(byte_view(bad).subspan(body), 0));
        store_le<std::uint64_t>(bad.data() + body - 8, xxh64_of(byte_view(bad).first(body - 8)));
        const auto size = codec.decode_into(bad, out);
        if (!size) REQUIRE(size.error().code != error_code::checksum_mismatch);
    }
}

using instant_codec = tensor<instant>;
using rans_codec = tensor<rans_planes>;
using archive_codec = tensor<archive>;

}  // namespace

TEST_CASE("the instant tier restores every shape and element and hardly grows noise") {
    check_shapes_and_types<instant_codec>(1 << 20);
}
TEST_CASE("the rans tier restores every shape and element and hardly grows noise") {
    check_shapes_and_types<rans_codec>(1 << 20);
}
TEST_CASE("the archive tier restores every shape and element and hardly grows noise") {
    check_shapes_and_types<archive_codec>(300);
}

TEST_CASE("every pattern of a float survives: NaN payloads, infinities, subnormals, minus zero") {
    for (const element type : {element::bf16, element::f16, element::f32}) {
        const shape_of shape{256, 256};
        const bytes data = all_patterns(type);
        instant_codec a;
        check_round_trip(a, type, shape, data);
        rans_codec b;
        check_round_trip(b, type, shape, data);
        // Many bf16 zeros and subnormals beside ordinary values.
        bytes sparse = weights(type, shape, 3);
        for (std::size_t i = 0; i < sparse.size(); i += 3 * size_of(type))
            for (std::size_t k = 0; k < size_of(type); ++k)
                sparse[i + k] = static_cast<std::uint8_t>(k + 1 == size_of(type) && i % 2 == 0 ? 0x80 : 0);
        check_round_trip(a, type, shape, sparse);
        check_round_trip(b, type, shape, sparse);
    }
    archive_codec c;
    const bytes some = [] {
        const bytes all = all_patterns(element::bf16);
        bytes out;
        for (std::size_t i = 0; i < all.size(); i += 2 * 37) out.insert(out.end(), {all[i], all[i + 1]});
        return out;
    }();
    check_round_trip(c, element::bf16, {some.size() / 2}, some);
}

TEST_CASE("blocks decode alone, and threads change nothing") {
    const shape_of shape{321, 517};  // three blocks
    for (const element type : {element::bf16, element::f32}) {
        const bytes data = weights(type, shape, 9);
        const tensor_view view{type, shape, data};
        const auto check = [&](auto& one, auto& many) {
            const bytes coded = encode(one, view);
            REQUIRE(encode(many, view) == coded);
            bytes back(data.size());
            REQUIRE(many.decode_into(coded, back));
            REQUIRE(back == data);
            const auto info = inspect_tensor(coded);
            REQUIRE(info->blocks == 3);
            for (std::uint64_t b = 3; b-- > 0;) {
                const std::size_t from = static_cast<std::size_t>(b * info->block_values) * size_of(type);
                bytes piece(data.size());
                const auto size = one.decode_block(coded, b, piece);
                REQUIRE(size);
                REQUIRE(std::equal(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*size),
                                   data.begin() + static_cast<std::ptrdiff_t>(from)));
            }
            REQUIRE_FALSE(one.decode_block(coded, 3, back));
        };
        instant_codec a;
        tensor<instant, threads> b(threads{3});
        check(a, b);
        rans_codec c;
        tensor<rans_planes, threads> d(threads{3});
        check(c, d);
    }
}

TEST_CASE("a base makes streams shorter and is needed again") {
    for (const element type : {element::bf16, element::f32, element::i32, element::f8_e4m3}) {
        const shape_of shape{96, 70};
        const bytes base = weights(type, shape, 11);
        bytes data = base;
        generator g{42};
        for (std::size_t i = 0; i < data.size(); i += size_of(type))
            if (g.next() % 4 == 0) data[i] = static_cast<std::uint8_t>(data[i] + 1);
        const auto check = [&](auto& codec) {
            INFO(codec.name);
            const bytes alone = check_round_trip(codec, type, shape, data);
            const bytes coded = check_round_trip(codec, type, shape, data, base);
            CHECK(coded.size() < alone.size() * 3 / 4);
            bytes back(data.size());
            REQUIRE(codec.decode_into(coded, back).error().code == error_code::unsupported_parameter);
            bytes other = base;
            other[5] ^= 1;
            REQUIRE(codec.decode_into(coded, back, {}, other).error().code == error_code::checksum_mismatch);
            return coded.size();
        };
        instant_codec a;
        rans_codec b;
        archive_codec c;
        const std::size_t instant_size = check(a), rans_size = check(b), archive_size = check(c);
        CHECK(rans_size < instant_size);
        CHECK(archive_size < rans_size);
    }
}

TEST_CASE("scales of rows and columns make streams shorter than one table can") {
    const shape_of shape{200, 210}, flat{200 * 210};
    const bytes data = weights(element::bf16, shape, 1);
    rans_codec b;
    CHECK(check_round_trip(b, element::bf16, shape, data).size() * 101 <
          check_round_trip(b, element::bf16, flat, data).size() * 100);
    archive_codec c;
    CHECK(check_round_trip(c, element::bf16, shape, data).size() * 101 <
          check_round_trip(b, element::bf16, flat, data).size() * 100);
}

TEST_CASE("bf16 stored in f32 costs no more than bf16") {
    const shape_of shape{100, 200};
    const bytes narrow = weights(element::bf16, shape, 2);
    bytes wide;
    for (std::size_t i = 0; i < narrow.size(); i += 2)
        wide.insert(wide.end(), {0, 0, narrow[i], narrow[i + 1]});
    instant_codec a;
    CHECK(check_round_trip(a, element::f32, shape, wide).size() <
          check_round_trip(a, element::bf16, shape, narrow).size() * 51 / 50);
    rans_codec b;
    CHECK(check_round_trip(b, element::f32, shape, wide).size() <
          check_round_trip(b, element::bf16, shape, narrow).size() * 51 / 50);
}

TEST_CASE("damaged streams of tensors give an error or the tensor") {
    check_damage<instant_codec>(element::bf16, {13, 17});
    check_damage<rans_codec>(element::bf16, {30, 40});
    check_damage<archive_codec>(element::bf16, {5, 8});
}
TEST_CASE("damage behind good checksums crashes nothing") {
    check_repaired_damage<instant_codec>(element::bf16, {40, 30}, 1);
    check_repaired_damage<rans_codec>(element::bf16, {60, 70}, 3);
    check_repaired_damage<instant_codec>(element::f32, {13, 17}, 3);
    check_repaired_damage<archive_codec>(element::bf16, {13, 17}, 61);
}

TEST_CASE("headers of tensors are refused before memory is taken") {
    rans_codec codec;
    const shape_of shape{8, 8};
    const bytes data = weights(element::bf16, shape, 1);
    bytes coded = encode(codec, {element::bf16, shape, data});
    limits small;
    small.max_output = 127;
    REQUIRE(codec.decode(coded, small).error().code == error_code::limit_exceeded);
    // A shape of 2^63 - 1 values in an otherwise good header.
    bytes hostile(coded.begin(), coded.begin() + 10);
    hostile[8] = 1;
    for (int k = 0; k < 8; ++k) hostile.push_back(0xFF);
    hostile.push_back(0x7F);
    REQUIRE(codec.decode(hostile, no_limits).error().code == error_code::bad_header);
    hostile.resize(10);
    hostile.insert(hostile.end(), {0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0});
    REQUIRE(codec.decode(hostile).error().code == error_code::limit_exceeded);
    REQUIRE(codec.decode(hostile, no_limits).error().code == error_code::truncated);
    bytes other = coded;
    other[0] ^= 1;
    REQUIRE(codec.decode(other).error().code == error_code::bad_magic);
    other = coded;
    other[4] = 2;
    REQUIRE(codec.decode(other).error().code == error_code::unsupported_version);
    instant_codec foreign;
    REQUIRE(foreign.decode(coded).error().code == error_code::unknown_recipe);
    bytes tight(data.size() - 1);
    REQUIRE(codec.decode_into(coded, tight).error().code == error_code::output_too_small);
    REQUIRE(codec.encode_into({element::bf16, shape, data}, tight).error().code ==
            error_code::output_too_small);
}

TEST_CASE("the bytes of the tiers are frozen") {
    const auto digest = [](auto codec, element type, const shape_of& shape) {
        const bytes data = weights(type, shape, 21);
        return xxh64_of(check_round_trip(codec, type, shape, data));
    };
    const auto with_base = [](auto codec, element type, const shape_of& shape) {
        const bytes base = weights(type, shape, 21);
        bytes data = base;
        for (std::size_t i = 0; i < data.size(); i += 6) data[i] ^= 3;
        return xxh64_of(check_round_trip(codec, type, shape, data, base));
    };
    CHECK(digest(instant_codec(), element::bf16, {300, 301}) == 0x8C6E'672E'51E4'F8E0U);
    CHECK(digest(instant_codec(), element::f16, {41, 67}) == 0x596D'214D'ABD0'AEA1U);
    CHECK(digest(instant_codec(), element::f32, {41, 67}) == 0x3770'D204'EA87'09C5U);
    CHECK(digest(rans_codec(), element::bf16, {300, 301}) == 0x5C9E'A5B2'766F'1C8BU);
    CHECK(digest(rans_codec(), element::f16, {32, 16, 3, 3}) == 0xAC8E'13DC'B3F5'C931U);
    CHECK(digest(rans_codec(), element::f32, {210, 67}) == 0xE1F8'1597'4F2A'4441U);
    CHECK(digest(archive_codec(), element::bf16, {41, 67}) == 0x1F41'034A'8519'28A5U);
    CHECK(digest(archive_codec(), element::f32, {16, 4, 3, 3}) == 0x4774'3DE6'100C'7E8CU);
    CHECK(digest(archive_codec(), element::i8, {500}) == 0x06D2'42AB'A2EF'8891U);
    CHECK(with_base(rans_codec(), element::bf16, {210, 67}) == 0x70D0'15EA'9DA3'F276U);
    CHECK(with_base(archive_codec(), element::bf16, {41, 67}) == 0xED05'3B69'E93E'5C12U);
    CHECK(with_base(archive_codec(), element::f32, {41, 67}) == 0xCD62'F9CB'DF79'EAF4U);
}
