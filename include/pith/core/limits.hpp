// limits: what a decoder may be made to produce and to take, whatever the bytes ask for.
#pragma once

#include <cstdint>

namespace pith::inline v1 {

/// Bounds that every decoder of outside bytes keeps, checked before memory is taken.
struct limits {
    std::uint64_t max_output = std::uint64_t{1} << 30;  ///< decoded bytes in all
    std::uint64_t max_memory = std::uint64_t{1} << 30;  ///< bytes of working memory at any moment
    std::uint64_t max_blocks = std::uint64_t{1} << 22;  ///< blocks or sections in one stream
};

/// For streams that the program itself wrote.
inline constexpr limits no_limits{~std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0}};

}  // namespace pith::inline v1
