// The compiler's intrinsics for the machine at hand; nothing under PITH_NO_SIMD.
// Kernels that need no more than raw instructions include this and not xsimd, which costs two to three times as much.
#pragma once

#include <pith/simd/arch.hpp>

#ifndef PITH_NO_SIMD
#    if defined(__x86_64__)
#        include <immintrin.h>
#    else
#        include <arm_neon.h>
#    endif
#endif
