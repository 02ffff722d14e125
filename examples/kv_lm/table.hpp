// The table of systems: stored bits against what they cost the model, with the best of them marked.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "../../bench/support/rows.hpp"
#include "../../bench/support/table.hpp"
#include "measure.hpp"

namespace lm {

struct measured_system {
    std::string name;
    quality got{};
    std::string failure{};  ///< why there is no measurement
};

/// A system's row, or why there is none.
inline measured_system measure_system(const named_system& system, const model* of,
                                      std::span<const reference> exact, const kv::calibration& calibration) {
    auto got = measure(of, exact, system.make, calibration);
    if (!got) return {system.name, {}, got.error().text};
    return {system.name, *got, {}};
}

/// Whether no other system stores as few bits at a smaller loss. `of_model`: loss is the divergence, else the
/// attention's error.
inline bool on_front(const std::vector<measured_system>& all, std::size_t at, bool of_model) {
    const auto loss = [&](const quality& q) { return of_model ? q.divergence : q.attention_error; };
    const quality& mine = all[at].got;
    if (!all[at].failure.empty()) return false;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const quality& q = all[i].got;
        if (i == at || !all[i].failure.empty()) continue;
        const bool no_worse = q.bits <= mine.bits && loss(q) <= loss(mine);
        if (no_worse && (q.bits < mine.bits || loss(q) < loss(mine))) return false;
    }
    return true;
}

/// 0.0123, and what is tiny as 1.2e-05.
inline std::string small_number(double v) {
    char text[32];
    std::snprintf(text, sizeof(text), v != 0 && v < 0.001 ? "%.1e" : "%.4f", v);
    return text;
}

inline std::vector<bench::table::column> table_columns(bool of_model) {
    std::vector<bench::table::column> out = {
        {"", true}, {"system", true}, {"stored bits"}, {"of blocks"}, {"kept %"}};
    if (of_model)
        for (const char* const name : {"KL, nats", "perplexity", "top-1 %"}) out.push_back({name});
    out.push_back({"attention error"});
    out.push_back({"kB read/step"});
    if (of_model) out.push_back({"tokens/s"});
    out.push_back({"constants, kB"});
    return out;
}

inline std::vector<std::string> table_cells(const measured_system& m, bool front, bool of_model) {
    using bench::decimal;
    const quality& q = m.got;
    if (!m.failure.empty()) return {"", m.name, "-", "-", "-", m.failure};
    std::vector<std::string> out = {front ? "*" : "", m.name, decimal(q.bits, 2),
                                    q.frozen_bits > 0 ? decimal(q.frozen_bits, 2) : "-",
                                    decimal(100 * q.kept, 0)};
    if (of_model)
        for (std::string cell :
             {small_number(q.divergence), decimal(std::exp(q.loss), 3), decimal(100 * q.agreement, 1)})
            out.push_back(std::move(cell));
    out.push_back(small_number(q.attention_error));
    out.push_back(decimal(q.bytes_read / 1e3, 1));
    if (of_model) out.push_back(decimal(1 / q.seconds, 0));
    out.push_back(q.constants > 0 ? decimal(q.constants / 1e3, 1) : "-");
    return out;
}

inline void print_systems(const std::string& title, const std::vector<measured_system>& all, bool of_model) {
    bench::table table(title, table_columns(of_model));
    for (std::size_t i = 0; i < all.size(); ++i)
        table.add(table_cells(all[i], on_front(all, i, of_model), of_model));
    table.print(
        "Stored bits: all bytes of the cache (exact sinks and recent tokens, headers, scales) over all keys "
        "and\n"
        "values ever given to it, mean over the forced tokens; of blocks: of the compressed part alone. KL: "
        "of the\n"
        "next token's distribution, exact cache to this one. Attention error: relative, of every head's "
        "output,\n"
        "mean. Constants: calibrated on other text, shared by all caches, not in the bits.\n"
        "* no other system of the table stores fewer bits and loses less.");
}

inline void add_rows(bench::rows& to, const std::string& data, const std::vector<measured_system>& all,
                     bool of_model) {
    using bench::better;
    for (const measured_system& m : all) {
        if (!m.failure.empty()) continue;
        const quality& q = m.got;
        to.add(m.name, data, "stored", q.bits, "bits/value", better::lower);
        if (of_model) {
            to.add(m.name, data, "divergence", q.divergence, "nats", better::lower);
            to.add(m.name, data, "perplexity", std::exp(q.loss), "per token", better::lower);
            to.add(m.name, data, "same top token", 100 * q.agreement, "% of tokens", better::higher);
            to.add(m.name, data, "decoding", 1 / q.seconds, "tokens/s", better::higher);
        }
        to.add(m.name, data, "attention error", q.attention_error, "relative", better::lower);
        to.add(m.name, data, "read per step", q.bytes_read / 1e3, "kB", better::lower);
    }
}

}  // namespace lm
