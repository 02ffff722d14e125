// Section lists of any bytes, as they are or with checksums made to fit: what is read can be written again,
// and gives the same bytes.
#include <pith/container/section.hpp>

#include "fuzz/input.hpp"

namespace {

namespace box = pith::container;

void repair(fuzz::bytes& list) {
    constexpr std::size_t header = box::section::header_size;
    if (list.size() < box::section::list_header_size) return;
    for (std::size_t i = 0; i < 4; ++i) list[i] = box::section::magic[i];
    pith::store_le<std::uint32_t>(list.data() + 4, pith::stream_version);
    std::size_t at = box::section::list_header_size;
    for (std::uint64_t count = 0; list.size() - at >= header; ++count) {
        std::uint8_t* p = list.data() + at;
        const std::uint64_t kind = pith::load_le<std::uint64_t>(p);
        if (kind == 0) {
            pith::store_le<std::uint64_t>(p + 8, count);
            pith::store_le<std::uint64_t>(p + 16, pith::xxh64_of({}, count));
            return;
        }
        const std::uint64_t size = pith::load_le<std::uint64_t>(p + 8);
        if (size > list.size() - at - header) return;
        const pith::byte_view payload(p + header, static_cast<std::size_t>(size));
        pith::store_le<std::uint64_t>(p + 16, pith::xxh64_of(payload, kind + count));
        at += header + payload.size();
    }
}

void check(const fuzz::bytes& list) {
    auto reader = box::section_reader::open(list, {.max_blocks = 50});
    if (!reader) return;
    fuzz::bytes again;
    pith::vector_sink sink(again);
    box::section_writer writer(sink);
    for (box::section section;;) {
        const auto more = reader->next(section);
        if (!more) return;
        if (!*more) break;
        const std::uint8_t* end = section.payload.data() + section.payload.size();
        fuzz::require(section.payload.empty() ||
                          (section.payload.data() >= list.data() && end <= list.data() + list.size()),
                      "a payload lies inside the list");
        writer.put(section.id, section.payload, section.use);
    }
    writer.finish();
    fuzz::require(again == list, "a section list has one form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const bool fit = in.byte() % 4 != 0;
    fuzz::bytes list = in.rest();
    if (fit) repair(list);
    check(list);
    return 0;
}
