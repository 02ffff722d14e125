// Everything in quant/: scalar quantizers, their codebooks and fits, and the coder of their indices.
#pragma once

#include <pith/quant/affine.hpp>
#include <pith/quant/bitmap_values.hpp>
#include <pith/quant/codebook_quantizer.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/quant/double_scaled.hpp>
#include <pith/quant/entropy_coded_scalar.hpp>
#include <pith/quant/grid.hpp>
#include <pith/quant/grids.hpp>
#include <pith/quant/groups.hpp>
#include <pith/quant/index_coder.hpp>
#include <pith/quant/lloyd_max.hpp>
#include <pith/quant/number_format.hpp>
#include <pith/quant/observer.hpp>
#include <pith/quant/outliers.hpp>
#include <pith/quant/palette.hpp>
#include <pith/quant/priced_integers.hpp>
#include <pith/quant/rate_control.hpp>
#include <pith/quant/rotated.hpp>
#include <pith/quant/rounding.hpp>
#include <pith/quant/scaled_levels.hpp>
#include <pith/quant/soft_clusters.hpp>
#include <pith/version.hpp>
