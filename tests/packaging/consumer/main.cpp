// A program that depends on pith. It exits with 0 when both of its parts compute the same, and products of
// matrices, where it has them, are right.
#include "parts.hpp"

#include <cstdio>

int main() {
    const std::size_t one = result_on_any_processor(1000);
    const std::size_t other = result_on_new_processor(1000);
    std::printf("pith %d.%d.%d: sum %zu\n", PITH_VERSION_MAJOR, PITH_VERSION_MINOR, PITH_VERSION_PATCH, one);
#ifdef WITH_LINALG
    if (!products_are_right()) return 1;
#endif
    return one == other ? 0 : 1;
}
