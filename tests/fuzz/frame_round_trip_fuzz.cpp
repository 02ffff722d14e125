// Frames of any content and block size: in memory and streamed they are the same bytes, and decode to the
// content.
#include <pith/container.hpp>
#include <pith/entropy/golomb.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/rans_block.hpp>

#include "fuzz/input.hpp"

namespace {

namespace box = pith::container;
// What the container does is the same for all coders; these have small tables.
using recipes =
    box::recipe_list<pith::entropy::huffman<>, pith::entropy::rans_bytes<>, pith::entropy::rice_bytes>;

template <class Codec>
void check(const fuzz::bytes& content, std::uint32_t block_size) {
    const auto frame = box::encode_frame(content, Codec{}, {.block_size = block_size});
    fuzz::require(frame.has_value(), "any content can be written");
    const auto info = box::inspect(*frame);
    fuzz::require(info && info->decoded == content.size() && info->header.recipe == Codec::recipe,
                  "a frame states what it holds");
    const auto whole = box::decode_frame<recipes>(*frame);
    fuzz::require(whole && *whole == content, "a frame decodes to its content");
    fuzz::bytes streamed, again;
    const auto read = box::decode_stream<recipes>(box::view_source(*frame), box::vector_output(streamed));
    fuzz::require(read && streamed == content, "a stream decodes to its content");
    const auto written = box::encode_stream(box::view_source(content), box::vector_output(again), Codec{},
                                            {.block_size = block_size, .content_size = content.size()});
    fuzz::require(written && again == *frame, "frames in memory and streams are written alike");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const unsigned kind = in.byte() % 4;
    const std::uint32_t block_size = std::uint32_t{1} << (12 + in.byte() % 4);
    const unsigned times = in.byte();
    const fuzz::bytes seed = in.rest();
    fuzz::bytes content;
    for (unsigned k = 0; k <= times && content.size() < 30'000; ++k)
        content.insert(content.end(), seed.begin(), seed.end());
    if (kind == 0) check<box::stored_codec>(content, block_size);
    if (kind == 1) check<pith::entropy::huffman<>>(content, block_size);
    if (kind == 2) check<pith::entropy::rans_bytes<>>(content, block_size);
    if (kind == 3) check<pith::entropy::rice_bytes>(content, block_size);
    return 0;
}
