// All systems of pith/systems/kv.hpp as a list; each family is compiled by itself, which takes a while.
#pragma once

#include <memory>
#include <vector>

#include "measure.hpp"

namespace lm {

void add_quantized(std::vector<named_system>& to);
void add_retention(std::vector<named_system>& to);
void add_transport(std::vector<named_system>& to);

/// The exact cache first, then every system.
inline std::vector<named_system> all_systems() {
    std::vector<named_system> out;
    out.push_back({"exact", [](const kv::shape& s, const kv::rope& r, const kv::calibration&) {
                       return std::make_unique<exact_cache>(s, r);
                   }});
    add_quantized(out);
    add_retention(out);
    add_transport(out);
    return out;
}

}  // namespace lm
