// Latents in passes: each is in one pass, decoders see what encoders saw, neighbours are worth their bits.
#include <pith/entropy/ordered_latents.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/parametric_codec.hpp>

#include "support/catch.hpp"

namespace {

using namespace pith::entropy;
using models = parametric_models<gaussian>;
using codec = parametric_codec<models>;
using symbols = std::vector<std::int32_t>;

/// Smooth planes with noise; channels are alike.
symbols smooth(const latent_shape& s, std::uint64_t seed) {
    pith::random_sequence random(seed);
    symbols out(s.size());
    std::vector<double> wide((s.height + 2) * (s.width + 2));
    for (double& v : wide) v = 12 * random.gaussian();
    for (std::size_t c = 0; c < s.channels; ++c)
        for (std::size_t y = 0; y < s.height; ++y)
            for (std::size_t x = 0; x < s.width; ++x) {
                double sum = 2 * random.gaussian();
                for (std::size_t j = 0; j < 3; ++j)
                    for (std::size_t i = 0; i < 3; ++i) sum += wide[(y + j) * (s.width + 2) + x + i] / 3;
                out[s.at(c, y, x)] = static_cast<std::int32_t>(sum);
            }
    return out;
}

/// The mean of the neighbours in the plane and of the place in the channel before, as far as they are known.
/// That they are is told by a mark of the pass, as a masked convolution knows its mask.
struct neighbours {
    latent_shape shape;
    std::vector<bool> decoded = std::vector<bool>(shape.size());
    std::vector<std::uint32_t> last{};
    std::size_t calls = 0;

    void operator()(std::size_t pass, std::span<const std::uint32_t> places,
                    std::span<const std::int32_t> known, std::span<location_scale> given) {
        REQUIRE(pass == calls++);
        for (const std::uint32_t p : last) decoded[p] = true;
        last.assign(places.begin(), places.end());
        for (std::size_t p = 0; p < known.size(); ++p)
            if (!decoded[p]) REQUIRE(known[p] == 0);
        for (std::size_t i = 0; i < places.size(); ++i) given[i] = about(places[i], known);
    }
    /// Damaged streams hold any numbers.
    [[nodiscard]] static std::int32_t near(std::int32_t v) { return std::clamp(v, -1000, 1000); }
    [[nodiscard]] location_scale about(std::size_t p, std::span<const std::int32_t> known) const {
        std::int64_t sum = 0, count = 0;
        const auto add = [&](bool inside, std::size_t q) {
            if (!inside || !decoded[q]) return;
            sum += near(known[q]);
            ++count;
        };
        const std::size_t x = p % shape.width, y = p / shape.width % shape.height;
        add(x > 0, p - 1);
        add(x + 1 < shape.width, p + 1);
        add(y > 0, p - shape.width);
        add(y + 1 < shape.height, p + shape.width);
        if (p >= shape.plane() && decoded[p - shape.plane()])
            return {near(known[p - shape.plane()]) * 4096, 3 * 4096};
        return count == 0 ? location_scale{0, 13 * 4096}
                          : location_scale{static_cast<std::int32_t>(sum * 4096 / count), 8 * 4096};
    }
};

template <class Order>
std::size_t check_order(const models& m, Order order, const latent_shape& s) {
    std::vector<std::uint32_t> places, all;
    for (std::size_t pass = 0; pass < order.passes(s); ++pass) {
        order.places_into(s, pass, places);
        REQUIRE(!places.empty());
        all.insert(all.end(), places.begin(), places.end());
    }
    std::sort(all.begin(), all.end());
    REQUIRE(all.size() == s.size());
    for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i] == i);

    const symbols in = smooth(s, 1 + s.size());
    const ordered_latents<codec, Order> coder(codec(m), order);
    neighbours sender{s}, receiver{s};
    const auto code = coder.encode(in, s, sender);
    REQUIRE(code.has_value());
    symbols back(in.size(), 77);
    REQUIRE(coder.decode(*code, s, receiver, back).has_value());
    REQUIRE(back == in);
    REQUIRE(receiver.calls == order.passes(s));
    return code->size();
}

}  // namespace

TEST_CASE("Latents in any order of passes come back, and every latent is in one pass") {
    const auto m = std::make_unique<models>();
    const std::vector<std::size_t> groups{1, 2, 4}, none{0, 3};
    for (const latent_shape& s :
         {latent_shape{}, latent_shape{1, 1, 1}, latent_shape{3, 1, 1}, latent_shape{2, 1, 5},
          latent_shape{4, 5, 1}, latent_shape{5, 3, 4}, latent_shape{16, 7, 9}, latent_shape{3, 0, 4}}) {
        (void)check_order(*m, one_pass(), s);
        (void)check_order(*m, raster_passes(), s);
        (void)check_order(*m, checkerboard_groups(), s);
        (void)check_order(*m, checkerboard_groups(groups), s);
        (void)check_order(*m, checkerboard_groups(none), s);
    }
    CHECK(checkerboard_groups().passes({8, 4, 4}) == 2);
    CHECK(checkerboard_groups(groups).passes({8, 4, 4}) == 8);  // 1, 2, 4 and the one left over
}

TEST_CASE("Two passes have most of what a pass for each place has, and groups of channels more") {
    const auto m = std::make_unique<models>();
    const std::vector<std::size_t> groups{1, 1, 2, 4};
    const latent_shape s{16, 24, 24};
    const std::size_t alone = check_order(*m, one_pass(), s), two = check_order(*m, checkerboard_groups(), s),
                      grouped = check_order(*m, checkerboard_groups(groups), s);
    CHECK(two < alone * 97 / 100);
    CHECK(grouped < two * 97 / 100);
    CHECK(raster_passes().passes(s) == 576);
}

TEST_CASE("Damaged passes are errors or other latents") {
    const auto m = std::make_unique<models>();
    const latent_shape s{2, 3, 3};
    const symbols in = smooth(s, 9);
    const ordered_latents<parametric_codec<models, 1>> coder((parametric_codec<models, 1>(*m)));
    neighbours sender{s};
    const auto code = *coder.encode(in, s, sender);
    symbols back(s.size());
    const auto decode = [&](pith::byte_view bytes) {
        neighbours receiver{s};
        return coder.decode(bytes, s, receiver, back);
    };
    for (std::size_t cut = 0; cut < code.size(); ++cut)
        REQUIRE_FALSE(decode(pith::byte_view(code).first(cut)).has_value());
    auto longer = code;
    longer.push_back(0);
    CHECK_FALSE(decode(longer).has_value());
    for (std::size_t bit = 0; bit < 8 * code.size(); ++bit) {
        auto damaged = code;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        if (decode(damaged).has_value()) REQUIRE(back != in);
    }
}
