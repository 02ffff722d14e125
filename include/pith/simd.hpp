// Vector kernels, each the same bits as its scalar twin: everything of pith/simd but the vocabulary.
#pragma once

#include <pith/simd/arch.hpp>
#include <pith/simd/convert.hpp>
#include <pith/simd/dot.hpp>
#include <pith/simd/dot_exact.hpp>
#include <pith/simd/fast_scan.hpp>
#include <pith/simd/float_split.hpp>
#include <pith/simd/hadamard.hpp>
#include <pith/simd/histogram.hpp>
#include <pith/simd/levels.hpp>
#include <pith/simd/lut.hpp>
#include <pith/simd/nearest.hpp>
#include <pith/simd/pack.hpp>
#include <pith/simd/planes.hpp>
#include <pith/simd/reduce.hpp>
#include <pith/simd/scalar.hpp>
#include <pith/simd/scalar_float.hpp>
#include <pith/simd/signs.hpp>
