#include <pith/systems/kv_quantized.hpp>

#include "../kv_lm/systems.hpp"

namespace lm {

void add_quantized(std::vector<named_system>& to) {
    pith::systems::for_each_quantized([&](const char* name, auto make) { to.push_back({name, make}); });
}

}  // namespace lm
