// Frames of any content under any coder and block size: in memory and streamed they are the same bytes, and
// decode to the content.
#include <memory>

#include "fuzz/input.hpp"
#include "support/block_coders.hpp"

namespace {
namespace box = pith::container;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using block_coders::entries;
    static std::unique_ptr<block_coders::coder> coders[entries.size()];
    fuzz::input in(data, size);
    const std::size_t i = in.byte() % entries.size();
    const std::uint32_t block_size = std::uint32_t{1} << (12 + in.byte() % 4);
    const unsigned times = in.byte();
    const fuzz::bytes seed = in.rest();
    fuzz::bytes content;
    for (unsigned k = 0; k <= times && content.size() < 30'000; ++k)
        content.insert(content.end(), seed.begin(), seed.end());
    if (coders[i] == nullptr) coders[i] = entries[i].native();
    const auto frame = coders[i]->encode_frame(content, block_size);
    fuzz::require(frame.has_value(), "any content can be written");
    const auto info = box::inspect(*frame);
    fuzz::require(info && info->decoded == content.size() && info->header.recipe == entries[i].recipe,
                  "a frame states what it holds");
    const auto whole = box::decode_frame<block_coders::recipes>(*frame);
    fuzz::require(whole && *whole == content, "a frame decodes to its content");
    fuzz::bytes streamed;
    fuzz::require(
        box::decode_stream<block_coders::recipes>(box::view_source(*frame), box::vector_output(streamed))
                .has_value() &&
            streamed == content,
        "a stream decodes to its content");
    fuzz::bytes again;
    const auto totals =
        box::encode_stream(box::view_source(content), box::vector_output(again), box::stored_codec{},
                           {.block_size = block_size, .content_size = content.size()});
    fuzz::require(totals.has_value() &&
                      again == *box::encode_frame(content, box::stored_codec{}, {.block_size = block_size}),
                  "frames in memory and streams are written alike");
    return 0;
}
