// The library pith_linalg_instances, where PITH_LINALG_INSTANCES is ON.
#include <pith/linalg/instances.hpp>
