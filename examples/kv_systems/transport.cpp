#include "../kv_lm/systems.hpp"

namespace lm {

void add_transport(std::vector<named_system>&) {}

}  // namespace lm
