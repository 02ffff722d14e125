// expect: positions_in_cache
// Keys that were rotated when they were stored cannot take another position when tokens before them go.
#include <pith/kv/cache.hpp>
#include <pith/kv/exact_codec.hpp>
#include <pith/kv/segmenter.hpp>

namespace kv = pith::kv;

int main() {
#if MISTAKE
    using placement = kv::post_rope;
#else
    using placement = kv::pre_rope;
#endif
    kv::cache<placement, kv::loose_only, kv::exact_codec, kv::exact_codec, kv::ring<true>> cache({1, 1, 1, 4},
                                                                                                 {});
    return cache.tokens_seen() == 0 ? 0 : 1;
}
