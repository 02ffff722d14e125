// Key-value caches of transformers: everything of pith/kv.
#pragma once

#include <pith/kv/any_cache.hpp>
#include <pith/kv/attention.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/cache.hpp>
#include <pith/kv/calibration.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/exact_codec.hpp>
#include <pith/kv/keep_all.hpp>
#include <pith/kv/packed_affine.hpp>
#include <pith/kv/packed_codebook.hpp>
#include <pith/kv/placement.hpp>
#include <pith/kv/rope.hpp>
#include <pith/kv/segmenter.hpp>
#include <pith/kv/shape.hpp>
