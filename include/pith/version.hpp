// Version of the library's interface and of the byte streams that it writes.
// The two move apart: a changed interface raises the first, changed bytes raise the second.
#pragma once

#include <cstdint>

#define PITH_VERSION_MAJOR 0
#define PITH_VERSION_MINOR 1
#define PITH_VERSION_PATCH 0

namespace pith::inline v1 {

/// Version of every stream that this library writes. A decoder reads this version and all older ones.
inline constexpr std::uint8_t stream_version = 1;

}  // namespace pith::inline v1
