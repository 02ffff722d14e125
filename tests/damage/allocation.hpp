// Bytes that the program holds and has held through operator new, which allocation_test.cpp replaces.
#pragma once

#include <atomic>
#include <cstddef>

namespace allocation {

inline std::atomic<std::size_t> held{0}, peak{0};

/// Bytes that f takes at most beyond what is held when it starts.
template <class F>
std::size_t cost(F&& f) {
    const std::size_t before = held;
    peak = before;
    f();
    return peak - before;
}

}  // namespace allocation
