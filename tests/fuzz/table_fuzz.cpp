// Headers of models from any bytes: frequency tables of every precision and Huffman code lengths. What is
// accepted is written again as the same bytes; and any counts can be normalised.
#include <pith/entropy/frequency.hpp>
#include <pith/entropy/huffman_table.hpp>
#include <pith/entropy/package_merge.hpp>

#include "fuzz/input.hpp"

namespace {

using namespace pith::entropy;

void read_table(const fuzz::bytes& in, unsigned precision) {
    std::uint16_t frequencies[256];
    pith::byte_reader reader(in);
    if (!read_frequencies(reader, frequencies, precision)) return;
    std::uint32_t sum = 0;
    for (const std::uint16_t f : frequencies) sum += f;
    fuzz::require(sum == 1U << precision, "frequencies fill all slots");
    fuzz::bytes again;
    pith::vector_sink sink(again);
    write_frequencies(sink, frequencies, precision);
    fuzz::require(
        again == fuzz::bytes(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(reader.position())),
        "a frequency table has one form");
}

void read_lengths(const fuzz::bytes& in) {
    huffman_lengths lengths;
    pith::bit_reader reader(in);
    if (!read_huffman_lengths(reader, lengths)) return;
    std::uint32_t sum = 0;
    for (const std::uint8_t l : lengths) sum += l == 0 ? 0 : 1U << (huffman_max_length - l);
    fuzz::require(sum == huffman_table_size, "the code is complete");
    fuzz::bytes again;
    pith::vector_sink sink(again);
    pith::bit_writer writer(sink);
    write_huffman_lengths(writer, lengths);
    const std::uint64_t bits = reader.bit_position();
    writer.finish();
    pith::bit_reader first(in), second(again);
    fuzz::require((bits + 7) / 8 == again.size(), "code lengths have one form");
    for (std::uint64_t i = 0; i < bits; ++i)
        fuzz::require(first.get(1) == second.get(1), "code lengths have one form");
}

void normalise(fuzz::input& in, unsigned precision) {
    std::uint32_t counts[256] = {};
    std::uint64_t total = 0;
    std::size_t used = 0;
    while (in.left() >= 2 && used < 256 && used < (std::size_t{1} << precision)) {
        const std::size_t s = in.byte();
        used += counts[s] == 0 ? 1 : 0;
        const std::uint32_t c = 1 + (std::uint32_t{in.byte()} << in.byte() % 16);
        if (total + c > 0xFFFF'FFFFU) break;
        counts[s] += c;
        total += c;
    }
    if (total == 0) return;
    std::uint16_t frequencies[256];
    normalize_frequencies(counts, frequencies, precision);
    std::uint32_t sum = 0;
    for (std::size_t s = 0; s < 256; ++s) {
        sum += frequencies[s];
        fuzz::require((counts[s] == 0) == (frequencies[s] == 0), "what occurs has a slot");
    }
    fuzz::require(sum == 1U << precision, "frequencies fill all slots");
    fuzz::bytes table;
    pith::vector_sink sink(table);
    write_frequencies(sink, frequencies, precision);
    std::uint16_t again[256];
    pith::byte_reader reader(table);
    fuzz::require(read_frequencies(reader, again, precision).has_value() && reader.remaining() == 0,
                  "a table that was written can be read");
    for (std::size_t s = 0; s < 256; ++s) fuzz::require(again[s] == frequencies[s], "a table is read back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const unsigned kind = in.byte() % 3;
    const unsigned precision = 1 + in.byte() % 15;
    if (kind == 0) read_table(in.rest(), precision);
    if (kind == 1) read_lengths(in.rest());
    if (kind == 2) normalise(in, precision);
    return 0;
}
