// Compressed weight files of any bytes, as they are or with checksums of sections made to fit: an error, or a
// file that can be compressed again. And weight files of any bytes: what can be read comes back.
#include <memory>

#include "compress_weights/archive.hpp"
#include "fuzz/input.hpp"

namespace {

namespace box = pith::container;
constexpr pith::limits bound{.max_output = 1 << 20, .max_memory = 1 << 30, .max_blocks = 1000};

void repair(fuzz::bytes& list) {
    std::size_t at = box::section::list_header_size;
    for (std::uint64_t count = 0; list.size() >= at + box::section::header_size; ++count) {
        std::uint8_t* const p = list.data() + at;
        const std::uint64_t kind = pith::load_le<std::uint64_t>(p),
                            size = pith::load_le<std::uint64_t>(p + 8);
        at += box::section::header_size;
        if (kind == 0 || size > list.size() - at) return;
        const pith::byte_view payload(list.data() + at, static_cast<std::size_t>(size));
        pith::store_le<std::uint64_t>(p + 16, pith::xxh64_of(payload, kind + count));
        at += payload.size();
    }
}

bool go_on(const std::string&, std::uint64_t) { return true; }

void round_trip(const fuzz::bytes& file, weights::tier tier) {
    weights::weights_view view;
    if (!view.open(file).empty()) return;
    fuzz::bytes packed, back;
    box::vector_output out(packed), restored(back);
    fuzz::require(weights::write_archive(view, {}, tier, pith::threads{1}, out, go_on).has_value(),
                  "a weight file can be compressed");
    packed.shrink_to_fit();
    weights::complaint why;
    const auto content = weights::archive::open(packed, bound, why);
    fuzz::require(content.has_value(), "what was compressed can be read");
    fuzz::require(weights::restore(*content, {}, pith::threads{1}, bound, restored, go_on).has_value(),
                  "what was compressed can be restored");
    fuzz::require(back == file, "a weight file comes back byte for byte");
}

void restore(const fuzz::bytes& packed) {
    weights::complaint why;
    const auto content = weights::archive::open(packed, bound, why);
    if (!content) return;
    fuzz::bytes back;
    box::vector_output out(back);
    if (weights::restore(*content, {}, pith::threads{1}, bound, out, go_on))
        round_trip(back, content->at_tier);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const unsigned kind = in.byte() % 8;
    fuzz::bytes bytes = in.rest();
    if (kind < 3) {
        round_trip(bytes, static_cast<weights::tier>(kind));
    } else {
        if (kind != 3) repair(bytes);
        restore(bytes);
    }
    return 0;
}
