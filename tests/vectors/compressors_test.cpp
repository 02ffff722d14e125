// The bytes of every compressor, and what they decode to, are the same on every machine and compiler.
#include <bit>
#include <cstdint>
#include <string>

#include "feedback/any_compressor.hpp"
#include "support/catch.hpp"

#include <pith/core/checksum.hpp>
#include <pith/feedback.hpp>

namespace {

using namespace feedback_tests;
namespace fb = pith::feedback;

/// Digest of four messages and of the vectors that they decode to.
std::uint64_t digest_of(const any_compressor& c) {
    bytes all;
    pith::vector_sink sink(all);
    for (std::uint64_t t = 0; t < 4; ++t) {
        bytes out(c.room);
        floats y(c.size);
        const auto size = c.encode(heavy(c.size, t), t, out);
        REQUIRE(size.has_value());
        REQUIRE(c.decode(pith::byte_view(out).first(*size), t, y).has_value());
        sink.append(pith::byte_view(out).first(*size));
        for (const float v : y) pith::put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(v));
    }
    return pith::xxh64_of(all);
}

TEST_CASE("the bytes of each compressor, and the floats that they decode to, stay as they are") {
    constexpr std::size_t n = 15 * 31;
    const fb::low_rank_shape shape{15, 31, 3};
    CHECK(digest_of(any("", fb::identity(n))) == 0x4d3e833d5cbdae68);
    CHECK(digest_of(any("", fb::scaled_sign(n))) == 0x2efea96b8219ac59);
    CHECK(digest_of(any("", fb::top_k<>(n, 40))) == 0x7c6df9523a592b94);
    CHECK(digest_of(any("", fb::top_k<fb::golomb_mask, fb::half_values>(n, 40))) == 0xd9738185e7fca6c4);
    CHECK(digest_of(any("", fb::top_k<fb::adaptive_mask, fb::ternary_values>(n, 40))) == 0xce85766b61466114);
    CHECK(digest_of(any("", fb::top_k<fb::golomb_mask, fb::deviation_values>(n, 40, {1.5}))) ==
          0x499c0fc02ab891e8);
    CHECK(digest_of(any("", fb::damped(fb::random_k<>(n, 300, 1)))) == 0x088d98dffecdd4ff);
    CHECK(digest_of(any("", fb::stochastic_uniform(n, 7, 1))) == 0xdd57166966c4aed9);
    CHECK(digest_of(any("", fb::stochastic_uniform(n, 300, 1, fb::level_norm::largest))) ==
          0x83c25248b330161c);
    CHECK(digest_of(any("", fb::natural<>(n, 1))) == 0xc621c9439e1d053a);
    CHECK(digest_of(any("", fb::grouped_uniform<4>(n, 1))) == 0xbfb060ccffbb9fcb);
    CHECK(digest_of(any("", fb::low_frequency(fb::grouped_uniform<2>(n, 1)))) == 0x9831184127489c05);
    CHECK(digest_of(any("", fb::low_rank(shape, 1))) == 0x42b45906e88c0f61);
    CHECK(digest_of(any("", fb::random_projection(shape, 1))) == 0x0b4c410b0c672209);
}

}  // namespace
