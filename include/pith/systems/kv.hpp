// Published caches of keys and values as aliases over kv/: quantized and low-rank, retaining, for transport.
// Each alias names its publication, the slots that realise its ideas, and what is not reproduced.
#pragma once

#include <pith/systems/kv_low_rank.hpp>
#include <pith/systems/kv_quantized.hpp>
#include <pith/systems/kv_retention.hpp>
#include <pith/systems/kv_scalar.hpp>
#include <pith/systems/kv_transport.hpp>
