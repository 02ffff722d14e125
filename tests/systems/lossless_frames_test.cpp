// The lossless systems as codecs of the container: frames of several blocks, read back by their recipes.
#include <pith/codec/bytes.hpp>
#include <pith/container/frame.hpp>
#include <pith/container/recipe.hpp>
#include <pith/systems/lossless.hpp>

#include "support/catch.hpp"
#include "text_samples.hpp"

namespace {

using systems_of_frames =
    pith::container::recipe_list<pith::systems::quasicryth, pith::systems::probabilistic_circuits<>>;

template <class System>
void check_frame(const std::vector<std::uint8_t>& in) {
    static_assert(pith::entropy::block_coder<System>);
    static_assert(sizeof(System) <= 65536);
    const auto frame = pith::codec::compress<System>(in, {.block_size = 1 << 16});
    REQUIRE(frame);
    CHECK(frame->size() < in.size());
    const auto back = pith::container::decode_frame<systems_of_frames>(*frame, pith::limits{});
    REQUIRE(back);
    CHECK(*back == in);
    std::vector<std::uint8_t> damaged = *frame;
    damaged[damaged.size() / 2] ^= 4;
    CHECK_FALSE(pith::container::decode_frame<systems_of_frames>(damaged, pith::limits{}));
}

}  // namespace

TEST_CASE("frames of the lossless systems are read back by their recipes") {
    const std::vector<std::uint8_t> text = text_samples::prose(150000, 20, 9);
    check_frame<pith::systems::quasicryth>(text);
    check_frame<pith::systems::probabilistic_circuits<>>(text);
    CHECK(pith::systems::quasicryth::recipe == 0x52);
    CHECK(pith::systems::probabilistic_circuits<>::recipe == 0x54);
}
