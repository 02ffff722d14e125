// Guards of exact float arithmetic: refuses flags that change it, and keeps products and sums apart.
#pragma once

#include <cfloat>
#include <cstddef>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || defined(__RECIPROCAL_MATH__)
#    error "pith: exact float kernels give other bits under -ffast-math; compile this file without it"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#    error "pith: exact float kernels need float arithmetic in float precision (on x86: -mfpmath=sse)"
#endif

namespace pith::inline v1::simd::detail {

/// The compiler may not look through this: a product kept here is rounded before it is added to anything.
template <class T, std::size_t N>
[[gnu::always_inline]] inline void keep_array(T (&values)[N]) noexcept {
    asm("" : "+m"(values));
}

}  // namespace pith::inline v1::simd::detail
