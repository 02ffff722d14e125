#include <pith/container/inspect.hpp>

#include <string>
#include <vector>

#include "container/toy_codecs.hpp"
#include "support/catch.hpp"

namespace {

namespace box = pith::container;
using bytes = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("inspection tells what is in a frame, and the footprint sums up to its size") {
    for (std::size_t n : {0U, 1U, 4096U, 50000U}) {
        for (const auto kind : {toy::content::random, toy::content::zeros, toy::content::mixed}) {
            const bytes in = toy::make(n, kind);
            const bytes frame = std::move(*box::encode_frame(in, toy::all_equal{}, {.block_size = 4096}));
            const auto info = box::inspect(frame);
            REQUIRE(info);
            CHECK(info->header.version == pith::stream_version);
            CHECK(info->header.recipe == toy::all_equal::recipe);
            CHECK(info->header.block_size == 4096);
            CHECK(info->header.content_size == n);
            CHECK(std::string(info->recipe_name) == "user recipe");
            CHECK(info->decoded == n);
            CHECK(info->encoded == frame.size());
            CHECK(info->blocks == (n + 4095) / 4096);
            CHECK(info->digest == pith::load_le<std::uint64_t>(frame.data() + frame.size() - 8));
            CHECK(info->decode_memory <= 4096 * 5 / 2);
            if (kind == toy::content::random && n > 1) CHECK(info->stored == n);
            if (kind == toy::content::zeros) CHECK(info->stored_blocks == (n == 1 ? 1 : 0));
            CHECK(box::footprint_of(*info).bytes() == frame.size());
        }
    }
}

TEST_CASE("inspection refuses frames whose headers are wrong, and does not look at payloads") {
    const bytes in = toy::make(20000, toy::content::mixed);
    const bytes frame = std::move(*box::encode_frame(in, toy::run_length{}, {.block_size = 4096}));
    for (std::size_t n = 0; n < frame.size(); ++n)
        REQUIRE_FALSE(box::inspect(pith::byte_view(frame).first(n)));
    bytes b = frame;
    b.push_back(0);
    CHECK(box::inspect(b).error().code == pith::error_code::trailing_data);
    b = frame;
    b[24 + 16] ^= 1;
    CHECK(box::inspect(b));
    CHECK_FALSE(box::decode_frame<toy::recipes>(b));
    CHECK(box::inspect(frame, {.max_blocks = 4}).error().code == pith::error_code::limit_exceeded);
}
