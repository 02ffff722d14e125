// Where the keys of a cache stand with respect to the rotary embedding.
// Before it, channels keep their means and outliers (KVQuant, Hooper et al., 2024); after it, codes can be
// attended in place.
#pragma once

#include <concepts>

namespace pith::inline v1::kv {

/// Says whether keys are rotated when they are appended (true) or when they are read.
template <class P>
concept placement = std::same_as<decltype(P::rotated), const bool>;

/// Keys are stored as attention takes them.
struct post_rope {
    static constexpr bool rotated = true;
};

/// Keys are stored as the projection gave them.
struct pre_rope {
    static constexpr bool rotated = false;
};

}  // namespace pith::inline v1::kv
