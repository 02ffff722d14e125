// Everything in calibrate/: weights quantized so that a layer's outputs, not its weights, stay what they
// were.
#pragma once

#include <pith/calibrate/alternating.hpp>
#include <pith/calibrate/code_stream.hpp>
#include <pith/calibrate/concepts.hpp>
#include <pith/calibrate/cumulative.hpp>
#include <pith/calibrate/decoupled.hpp>
#include <pith/calibrate/entropy_coded.hpp>
#include <pith/calibrate/exact_levels.hpp>
#include <pith/calibrate/exact_weights.hpp>
#include <pith/calibrate/group_affine.hpp>
#include <pith/calibrate/group_offset.hpp>
#include <pith/calibrate/incoherence.hpp>
#include <pith/calibrate/line_codebook.hpp>
#include <pith/calibrate/metric.hpp>
#include <pith/calibrate/mixed_blocks.hpp>
#include <pith/calibrate/normalized_codebook.hpp>
#include <pith/calibrate/outliers.hpp>
#include <pith/calibrate/pruning.hpp>
#include <pith/calibrate/row_codebooks.hpp>
#include <pith/calibrate/steps.hpp>
#include <pith/calibrate/successive.hpp>
#include <pith/calibrate/surgeon.hpp>
#include <pith/calibrate/targets.hpp>
#include <pith/calibrate/trellis_columns.hpp>
#include <pith/version.hpp>
