// Numbers in as few bits as they need: what bit_writer and bit_reader do.
#include <pith/core/bits.hpp>

#include <cstdio>
#include <vector>

int main() {
    const std::vector<unsigned> values{3, 141, 59, 26, 535, 89, 793, 238, 462};
    const unsigned width = pith::bits_for(1000);

    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    pith::bit_writer writer(sink);
    for (const unsigned value : values) writer.put(value, width);
    writer.finish();
    std::printf("%zu numbers below 1000 in %zu bytes, %u bits each\n", values.size(), bytes.size(), width);

    pith::bit_reader reader(bytes);
    for (const unsigned value : values) {
        if (reader.get(width) != value) return 1;
    }
    return reader.overrun() ? 1 : 0;
}
