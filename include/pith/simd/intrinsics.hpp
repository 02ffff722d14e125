// The compiler's intrinsics for the machine at hand; nothing under PITH_NO_SIMD.
// Kernels that need no more than raw instructions include this and not xsimd, which costs two to three times
// as much.
#pragma once

#include <pith/simd/arch.hpp>

#ifndef PITH_NO_SIMD
#    if defined(__x86_64__)
// g++ 12 takes the deliberately undefined registers of its own AVX-512 header for mistakes (GCC bug 105593).
#        if defined(__GNUC__) && !defined(__clang__)
#            pragma GCC diagnostic push
#            pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#            pragma GCC diagnostic ignored "-Wuninitialized"
#        endif
#        include <immintrin.h>
#        if defined(__GNUC__) && !defined(__clang__)
#            pragma GCC diagnostic pop
#        endif
#    else
#        include <arm_neon.h>
#    endif
#endif
