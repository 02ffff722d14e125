#include <pith/kv/cache.hpp>
#include <pith/kv/exact_codec.hpp>
#include <pith/kv/segmenter.hpp>

#include "../kv_lm/systems.hpp"

namespace lm {

void add_quantized(std::vector<named_system>& to) {
    using half_cache = kv::cache<kv::post_rope, kv::loose_only, kv::exact_codec, kv::exact_codec>;
    to.push_back({"fp16", [](const kv::shape& s, const kv::rope& r, const kv::calibration&) {
                      return kv::make_any<half_cache>(s, r);
                  }});
    using block_cache = kv::cache<kv::pre_rope, kv::sink_residual, kv::exact_codec, kv::exact_codec>;
    to.push_back({"fp16 blocks", [](const kv::shape& s, const kv::rope& r, const kv::calibration&) {
                      return kv::make_any<block_cache>(s, r);
                  }});
}

}  // namespace lm
