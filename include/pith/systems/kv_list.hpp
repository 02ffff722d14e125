// Every key-value cache of the library in one list: quantized and low-rank, retaining, in transport form.
#pragma once

#include <cstddef>

#include <pith/systems/kv_quantized.hpp>
#include <pith/systems/kv_retention.hpp>
#include <pith/systems/kv_transport.hpp>

namespace pith::inline v1::systems {

/// Calls f(name, factory) for every system; factory(shape, rope, calibration) gives a
/// std::unique_ptr<kv::any_cache>, null where a calibration is needed and the given one is empty. Names are
/// unique. `kept_tokens`: what retention keeps of each lane on average.
template <class F>
void for_each_kv_system(F f, std::size_t kept_tokens = 128) {
    for_each_quantized(f);
    for_each_retention(f, kept_tokens);
    for_each_transport(f);
}

}  // namespace pith::inline v1::systems
