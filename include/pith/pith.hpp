// Everything in pith but what needs Eigen, which compiles slowly: linalg.hpp, lowrank.hpp, calibrate.hpp and
// their systems. Programs that use one part include that part's header: it compiles faster.
#pragma once

#include <pith/budget.hpp>
#include <pith/codec.hpp>
#include <pith/container.hpp>
#include <pith/core.hpp>
#include <pith/core/parallel.hpp>
#include <pith/entropy.hpp>
#include <pith/feedback.hpp>
#include <pith/kv.hpp>
#include <pith/mixing.hpp>
#include <pith/quant.hpp>
#include <pith/simd.hpp>
#include <pith/systems.hpp>
#include <pith/transform.hpp>
#include <pith/vector.hpp>
