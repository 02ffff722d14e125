// Frames of any bytes, as they are or with checksums made to fit: all ways to decode agree, nothing goes over
// the limits, and what inspect accepts has the sizes that it says.
#include <pith/container.hpp>
#include <pith/entropy/golomb.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/rans_block.hpp>

#include <memory>

#include "fuzz/input.hpp"
#include "support/frame_repair.hpp"

namespace {

namespace box = pith::container;
// What the container does is the same for all coders; these have small tables, which are built anew each
// time.
using recipes =
    box::recipe_list<pith::entropy::huffman<>, pith::entropy::rans_bytes<>, pith::entropy::rice_bytes>;

void check(const fuzz::bytes& frame) {
    const pith::limits bound{.max_output = 1 << 18, .max_memory = std::uint64_t{1} << 25, .max_blocks = 100};
    const auto info = box::inspect(frame, bound);
    const auto size = box::decoded_size(frame, bound);
    fuzz::require(info.has_value() == size.has_value(), "inspect and decoded_size agree");
    const auto whole = box::decode_frame<recipes>(frame, bound);
    fuzz::bytes streamed;
    const auto totals =
        box::decode_stream<recipes>(box::view_source(frame), box::vector_output(streamed), bound);
    fuzz::require(streamed.size() <= bound.max_output, "a stream stays below the limit");
    if (!whole) {
        fuzz::require(!totals, "a stream and a frame in memory are refused alike");
        return;
    }
    fuzz::require(info && info->decoded == whole->size() && whole->size() <= bound.max_output,
                  "the content has the stated size");
    fuzz::require(totals && streamed == *whole, "a stream gives what a frame in memory gives");
    fuzz::require(totals->digest == info->digest && totals->encoded == frame.size(), "totals agree");
    fuzz::require(box::footprint_of(*info).bytes() == frame.size(), "the footprint counts every byte");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static frame_repair::repairer repairer;
    fuzz::input in(data, size);
    const bool repair = in.byte() % 4 != 0;
    fuzz::bytes frame = in.rest();
    if (repair) repairer.repair(frame, 1 << 17);
    check(frame);
    return 0;
}
