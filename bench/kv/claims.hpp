// What the publications say of their own comparisons, checked on the measured table: it holds, or it does
// not.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "../../examples/kv_lm/systems.hpp"
#include "../../examples/kv_lm/table.hpp"
#include "../support/table.hpp"

namespace bench {

/// One system loses less than another. `at_equal_bits`: only meant where it stores no more, give or take 3 %.
struct claim {
    const char* says;
    const char* better;
    const char* worse;
    bool at_equal_bits = false;
};

inline constexpr claim claims[] = {
    {"KIVI: keys by channel beat keys by token", "KIVI-2", "per token 2"},
    {"KIVI: the same at 4 bits", "KIVI-4", "per token 4"},
    {"GEAR: outliers and low rank beat the bare quantizer", "GEAR 2", "KIVI-2"},
    {"GEAR: outliers add to low rank", "GEAR 2", "GEAR-L 2"},
    {"KV-AdaQuant: bits for keys beat bits for values", "KV-AdaQuant K4V2", "KV-AdaQuant K2V4", true},
    {"ZipCache: saliency with few queries beats plain 2 bits", "ZipCache", "KIVI-2"},
    {"MiKV: few bits beat eviction", "MiKV", "H2O"},
    {"TurboQuant: the mean goes before the rotation", "TurboQuant 3 centred", "TurboQuant 3"},
    {"TurboQuant: the unbiased product code beats the plain one", "TurboQuant-prod 3", "TurboQuant 3"},
    {"llama.cpp: a rotation helps 4-bit blocks", "Hadamard q4_0", "q4_0", true},
    {"xKV: a subspace of four layers beats one of each", "xKV", "xKV, one layer", true},
    {"AQUA-KV: prediction and 2 bits beat KIVI's 2", "AQUA-KV 2", "KIVI-2"},
    {"KVQuant: nuq of 3 bits beats KIVI's 4", "KVQuant 3", "KIVI-4"},
    {"H2O: heavy hitters beat a window", "H2O", "StreamingLLM", true},
    {"SnapKV: an observation window beats accumulated sums", "SnapKV", "H2O", true},
    {"PyramidKV: budgets that shrink with depth beat equal ones", "PyramidKV", "SnapKV", true},
    {"KVMerger: merging beats evicting", "KVMerger", "H2O", true},
    {"EMS: merging beats evicting", "EMS", "H2O", true},
    {"Quest: reading pages beats dropping tokens", "Quest", "SnapKV"},
};

inline const lm::quality* find_system(const std::vector<lm::measured_system>& all, std::string_view name) {
    for (const lm::measured_system& m : all)
        if (m.failure.empty() && lm::same_name(m.name, name)) return &m.got;
    return nullptr;
}

/// Bits, of blocks alone or other ones, that a family (all systems whose plain name starts so) needs for a
/// divergence, between its two nearest members in the logarithm of the divergence; 0 where it does not reach
/// that far.
inline double bits_at(const std::vector<lm::measured_system>& all, std::string_view family, double divergence,
                      double lm::quality::*bits = &lm::quality::frozen_bits) {
    const lm::quality *above = nullptr, *below = nullptr;
    for (const lm::measured_system& m : all) {
        if (!m.failure.empty() || lm::plain_name(m.name).rfind(family, 0) != 0 || !(m.got.divergence > 0))
            continue;
        if (m.got.divergence >= divergence && (above == nullptr || m.got.divergence < above->divergence))
            above = &m.got;
        if (m.got.divergence <= divergence && (below == nullptr || m.got.divergence > below->divergence))
            below = &m.got;
    }
    if (above == nullptr || below == nullptr) return 0;
    if (above == below || above->divergence == below->divergence) return below->*bits;
    const double share =
        std::log(divergence / below->divergence) / std::log(above->divergence / below->divergence);
    return below->*bits + share * (above->*bits - below->*bits);
}

/// Differences below 3 % are none.
inline const char* verdict(const claim& c, const lm::quality& a, const lm::quality& b) {
    if (c.at_equal_bits && a.bits > 1.03 * b.bits) return "stores more";
    if (a.divergence < b.divergence / 1.03) return "holds";
    return a.divergence > 1.03 * b.divergence ? "REFUTED" : "no difference";
}

inline void print_claims(const std::vector<lm::measured_system>& all) {
    table out("What the publications claim, on this model",
              {{"claim", true}, {"KL"}, {"bits"}, {"against KL"}, {"bits"}, {"", true}});
    for (const claim& c : claims) {
        const lm::quality *const a = find_system(all, c.better), *const b = find_system(all, c.worse);
        if (a == nullptr || b == nullptr) {
            out.add({c.says, "-", "-", "-", "-", "not measured"});
            continue;
        }
        out.add({c.says, lm::small_number(a->divergence), decimal(a->bits, 2),
                 lm::small_number(b->divergence), decimal(b->bits, 2), verdict(c, *a, *b)});
    }
    for (const char* const name : {"KIVI-4", "CacheGen, level 1", "CacheGen, level 2", "CacheGen, level 3"}) {
        const lm::quality* const rival = find_system(all, name);
        for (const auto which : {&lm::quality::frozen_bits, &lm::quality::bits}) {
            const double bits = rival == nullptr ? 0 : bits_at(all, "transport", rival->divergence, which);
            if (bits > 0)
                out.add({std::string("transport at the KL of ") + name +
                             (which == &lm::quality::bits ? ", all bits" : ", bits of blocks"),
                         lm::small_number(rival->divergence), decimal(bits, 2),
                         lm::small_number(rival->divergence), decimal(rival->*which, 2),
                         decimal(100 * bits / (rival->*which), 0) + " % of its bits"});
        }
    }
    out.print(
        "First the system that should lose less, then the other: divergence in nats, stored bits a value.");
}

}  // namespace bench
