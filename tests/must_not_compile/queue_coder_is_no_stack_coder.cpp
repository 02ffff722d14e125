// expect: stack_coder
// A coder whose symbols come out in the order they went in cannot stand where the reverse order is needed.
#include <pith/entropy/concepts.hpp>

struct first_in_first_out {
#if MISTAKE
    using order = pith::entropy::queue_order;
#else
    using order = pith::entropy::stack_order;
#endif
};

template <pith::entropy::stack_coder Coder>
void encode_backwards(Coder) {}

int main() { encode_backwards(first_in_first_out{}); }
