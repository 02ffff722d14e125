#include <pith/systems/kv_retention.hpp>

#include "../kv_lm/systems.hpp"

namespace lm {

void add_retention(std::vector<named_system>& to) {
    pith::systems::for_each_retention([&](const char* name, auto make) { to.push_back({name, make}); });
}

}  // namespace lm
