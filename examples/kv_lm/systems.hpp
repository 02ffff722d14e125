// All systems of pith/systems/kv.hpp as a list; each family is compiled by itself, which takes a while.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "measure.hpp"

namespace lm {

void add_quantized(std::vector<named_system>& to);
void add_retention(std::vector<named_system>& to);
void add_transport(std::vector<named_system>& to);

/// Letters and digits alone, in lower case: names of systems differ in nothing else.
inline std::string plain_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c >= 'A' && c <= 'Z') out += static_cast<char>(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
    }
    return out;
}
inline bool same_name(std::string_view a, std::string_view b) { return plain_name(a) == plain_name(b); }

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
