// Makes the checksums of a section list fit whatever stands in it, so that they do not shield what is behind.
#pragma once

#include <pith/container/section.hpp>

#include <vector>

namespace kv_test {

inline void repair(std::vector<std::uint8_t>& list) {
    constexpr std::size_t header = pith::container::section::header_size;
    std::size_t at = pith::container::section::list_header_size;
    for (std::uint64_t count = 0; list.size() >= at + header; ++count) {
        std::uint8_t* p = list.data() + at;
        const std::uint64_t kind = pith::load_le<std::uint64_t>(p);
        const std::uint64_t size = pith::load_le<std::uint64_t>(p + 8);
        if (kind == 0 || size > list.size() - at - header) return;
        const pith::byte_view payload(p + header, static_cast<std::size_t>(size));
        pith::store_le<std::uint64_t>(p + 16, pith::xxh64_of(payload, kind + count));
        at += header + payload.size();
    }
}

}  // namespace kv_test
