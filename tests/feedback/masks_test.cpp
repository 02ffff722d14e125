// Codes of masks, and what codes of vectors keep exactly.
#include <algorithm>
#include <cmath>

#include "feedback/any_compressor.hpp"
#include "support/catch.hpp"

#include <pith/feedback/difference_feedback.hpp>
#include <pith/feedback/identity.hpp>
#include <pith/feedback/low_frequency.hpp>
#include <pith/feedback/mask.hpp>

namespace {

using namespace feedback_tests;
namespace fb = pith::feedback;
using places = std::vector<std::uint32_t>;

template <fb::mask_code Mask>
std::size_t bytes_of(const places& at, std::size_t n) {
    bytes out(Mask::max_size(n, at.size()));
    const auto size = Mask::put(at, n, out);
    REQUIRE(size.has_value());
    places back(at.size(), 0xFFFFFFFF);
    REQUIRE(Mask::get(pith::byte_view(out).first(*size), n, back).has_value());
    REQUIRE(back == at);
    out.resize(*size);
    out.push_back(0);
    REQUIRE_FALSE(Mask::get(out, n, back).has_value());
    return *size;
}

TEST_CASE("every mask of up to eleven places comes back, and no byte may follow it") {
    for (std::size_t n = 0; n <= 11; ++n) {
        for (std::uint32_t set = 0; set < 1U << n; ++set) {
            places at;
            for (std::uint32_t i = 0; i < n; ++i)
                if ((set >> i & 1) != 0) at.push_back(i);
            bytes_of<fb::golomb_mask>(at, n);
            bytes_of<fb::enumerated_mask>(at, n);
            bytes_of<fb::adaptive_mask>(at, n);
        }
    }
}

double log2_binomial(double n, double k) {
    return (std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1)) / std::log(2.0);
}

TEST_CASE(
    "masks cost their entropy: enumeration to the byte, Golomb within three in a hundred, clusters less") {
    constexpr std::size_t n = 60000;
    for (const double p : {0.5, 0.2, 0.05, 0.01, 0.002}) {
        pith::random_sequence random(7);
        places at, clustered;
        bool dense = false;
        for (std::uint32_t i = 0; i < n; ++i) {
            if (random.uniform_double() < p) at.push_back(i);
            if (random.uniform_double() < 0.01) dense = !dense;
            if (dense && random.uniform_double() < p) clustered.push_back(i);
        }
        const double bits = log2_binomial(n, static_cast<double>(at.size()));
        const auto enumerated = 8 * static_cast<double>(bytes_of<fb::enumerated_mask>(at, n));
        const auto golomb = 8 * static_cast<double>(bytes_of<fb::golomb_mask>(at, n));
        const auto adaptive = 8 * static_cast<double>(bytes_of<fb::adaptive_mask>(at, n));
        CAPTURE(p, bits, enumerated, golomb, adaptive);
        CHECK(enumerated >= bits - 8);
        CHECK(enumerated <= bits * 1.0001 + 16);
        CHECK(golomb >= bits);
        CHECK(golomb <= bits * 1.03 + 8);
        CHECK(adaptive <= enumerated + 8);
        if (p >= 0.2)
            CHECK(static_cast<double>(bytes_of<fb::adaptive_mask>(clustered, n)) <
                  0.95 * static_cast<double>(bytes_of<fb::enumerated_mask>(clustered, n)));
    }
}

TEST_CASE("block means and exact differences to them give the values back") {
    constexpr std::size_t n = 203;
    const floats x = heavy(n, 3);
    const any_compressor c = any("", fb::low_frequency(fb::identity(n)));
    bytes out(c.room);
    floats y(n);
    const auto size = c.encode(x, 0, out);
    REQUIRE(size.has_value());
    CHECK(*size == 4 * n + 2 * 26);
    REQUIRE(c.decode(out, 0, y).has_value());
    for (std::size_t i = 0; i < n; ++i) {
        float largest = 0;  // of the block: its mean is no greater
        for (std::size_t j = i / 8 * 8; j < n && j < i / 8 * 8 + 8; ++j)
            largest = std::max(largest, std::fabs(x[j]));
        CHECK(std::fabs(double{y[i]} - double{x[i]}) <= 0x1p-22 * double{largest});
    }
}

TEST_CASE("EF21's step is gradient descent's without loss, and falls with the contraction") {
    CHECK(fb::difference_feedback_step(2, 3, 1) == Approx(0.5));
    // d = 0.19: theta = 0.1, beta / theta = 0.81 / 0.01.
    CHECK(fb::difference_feedback_step(2, 3, 0.19) == Approx(1 / (2 + 3 * 9.0)));
    CHECK(fb::difference_feedback_step(2, 3, 0.05) < fb::difference_feedback_step(2, 3, 0.19));
}

}  // namespace
