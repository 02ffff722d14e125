#include <utility>

#include <pith/systems/kv_transport.hpp>

#include "../kv_lm/systems.hpp"

namespace lm {

void add_transport(std::vector<named_system>& to) {
    pith::systems::for_each_transport([&](const char* name, auto make) {
        to.push_back({name, std::move(make)});
    });
}

}  // namespace lm
