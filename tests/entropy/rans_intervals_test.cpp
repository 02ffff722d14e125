#include <pith/core/random.hpp>
#include <pith/entropy/rans_intervals.hpp>

#include <vector>

#include "support/catch.hpp"

using namespace pith::entropy;

namespace {

struct step {
    unsigned precision;
    interval where;
};

std::vector<step> draw_steps(std::size_t n, std::uint64_t seed) {
    pith::random_sequence draw(seed);
    constexpr unsigned precisions[] = {1, 2, 12, 16, 31};
    std::vector<step> out;
    for (std::size_t i = 0; i < n; ++i) {
        const unsigned p = precisions[draw.below(5)];
        const std::uint32_t start = draw.below(1U << p);
        out.push_back({p, {start, 1 + draw.below((1U << p) - start)}});
    }
    return out;
}

/// Calls `work` with the precision as a template argument.
template <class Work>
void with_precision(unsigned p, Work work) {
    if (p == 1) work.template operator()<1>();
    if (p == 2) work.template operator()<2>();
    if (p == 12) work.template operator()<12>();
    if (p == 16) work.template operator()<16>();
    if (p == 31) work.template operator()<31>();
}

template <unsigned Lanes>
std::vector<std::uint8_t> encoded(const std::vector<step>& steps) {
    std::vector<kept_interval> room(steps.size());
    std::vector<std::uint8_t> buffer(8 * Lanes + 4 * steps.size());
    rans_intervals_encoder<Lanes> encoder(room, buffer);
    for (const step& s : steps)
        with_precision(s.precision, [&]<unsigned P>() { encoder.template put<P>(s.where); });
    auto stream = encoder.finish();
    REQUIRE(stream.has_value());
    return {stream->begin(), stream->end()};
}

/// True when every slot lies in the interval that was put and the end is right.
template <unsigned Lanes>
bool follows(pith::byte_view bytes, const std::vector<step>& steps) {
    rans_intervals_decoder<Lanes> decoder(bytes);
    bool inside = true;
    for (const step& s : steps)
        with_precision(s.precision, [&]<unsigned P>() {
            const std::uint32_t slot = decoder.template slot<P>();
            inside = inside && slot - s.where.start < s.where.size;
            if (inside) decoder.template remove<P>(s.where);
        });
    return inside && decoder.finish().has_value();
}

}  // namespace

TEST_CASE("intervals of mixed precisions come back in their order on every size") {
    for (std::size_t n = 0; n <= 300; n += n < 40 ? 1 : 37) {
        const auto steps = draw_steps(n, n);
        CHECK(follows<1>(encoded<1>(steps), steps));
        CHECK(follows<3>(encoded<3>(steps), steps));
        CHECK(follows<4>(encoded<4>(steps), steps));
        CHECK(follows<8>(encoded<8>(steps), steps));
    }
}

TEST_CASE("damaged interval streams are told at the end") {
    const auto steps = draw_steps(40, 99);
    const auto bytes = encoded<4>(steps);
    for (std::size_t n = 0; n < bytes.size(); ++n)
        CHECK_FALSE(follows<4>(pith::byte_view(bytes).first(n), steps));
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto flipped = bytes;
        flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
        CHECK_FALSE(
            follows<4>(flipped, steps));  // these intervals: only the right bytes lead through them all
    }
    auto longer = bytes;
    longer.push_back(0);
    CHECK_FALSE(follows<4>(longer, steps));
}

TEST_CASE("missing room for intervals or bytes is told") {
    std::vector<kept_interval> room(3);
    std::vector<std::uint8_t> buffer(100);
    rans_intervals_encoder<2> encoder(room, buffer);
    for (int i = 0; i < 4; ++i) encoder.put<4>({3, 2});
    CHECK_FALSE(encoder.finish().has_value());
    for (std::size_t size = 0; size < 16; ++size) {
        rans_intervals_encoder<2> small(room, pith::byte_span(buffer).first(size));
        small.put<4>({3, 2});
        CHECK_FALSE(small.finish().has_value());
    }
}
