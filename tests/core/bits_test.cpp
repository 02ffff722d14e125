#include <pith/core/bits.hpp>

#include <vector>

#include "support/catch.hpp"

TEST_CASE("bits come back in the order and width in which they were put") {
    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    pith::bit_writer writer(sink);
    for (unsigned width = 0; width <= 56; ++width)
        writer.put(0x5A5A5A5A5A5A5A5AULL & pith::low_mask(width), width);
    writer.finish();

    pith::bit_reader reader(bytes);
    for (unsigned width = 0; width <= 56; ++width) {
        CAPTURE(width);
        CHECK(reader.get(width) == (0x5A5A5A5A5A5A5A5AULL & pith::low_mask(width)));
    }
    CHECK(reader.padding_is_zero());
    CHECK(reader.byte_position() == bytes.size());
    CHECK_FALSE(reader.overrun());
    CHECK(reader.get(8) == 0);
    CHECK(reader.overrun());
}
