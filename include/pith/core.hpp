// Everything in core/ but threads (core/parallel.hpp): results, bytes and bits, numbers, views, exact
// arithmetic, random numbers, checksums, the account of bytes, progress. Other modules include the single
// headers they need.
#pragma once

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/finite.hpp>
#include <pith/core/fixed.hpp>
#include <pith/core/float_layout.hpp>
#include <pith/core/footprint.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/number.hpp>
#include <pith/core/packed_codes.hpp>
#include <pith/core/progress.hpp>
#include <pith/core/random.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/stripe_hash.hpp>
#include <pith/core/table.hpp>
#include <pith/core/view.hpp>
#include <pith/version.hpp>
