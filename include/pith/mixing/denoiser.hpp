// Calibration of the decisions along a byte's binary tree by what came true of similar ones, in several passes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/assert.hpp>
#include <pith/core/fixed.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::mixing {

/// What a byte-wise model says of its own prediction.
struct byte_evidence {
    unsigned order = 0;            ///< of the longest known context
    std::uint32_t confidence = 0;  ///< how often it was seen
    std::uint32_t peak = 0;        ///< probability of the likeliest byte, of 2^30
};

/// No calibration.
class no_denoiser {
  public:
    static constexpr std::size_t memory = 0;
    void reset() noexcept {}
    void begin(const byte_evidence&) noexcept {}
    [[nodiscard]] std::uint32_t refine(unsigned, std::uint32_t, std::uint32_t p) noexcept { return p; }
    void learn(bool) noexcept {}
};

template <unsigned Passes = 3>
requires(Passes >= 1 && Passes <= 8) class denoiser {
    struct bucket {
        std::int32_t error;
        std::uint32_t noise;
        std::uint32_t seen;
        std::int32_t correction;
    };
    static constexpr std::size_t bins = 20;
    static constexpr std::size_t nodes = 27;
    static constexpr std::size_t evidences = 3 * 4 * 8;
    static constexpr std::size_t buckets = Passes * nodes * evidences * bins;

  public:
    static constexpr std::size_t memory = buckets * sizeof(bucket);
    denoiser() : buckets_(buckets) {
        for (std::size_t i = 0; i < bin_of_.size(); ++i) {
            const std::uint32_t p = static_cast<std::uint32_t>(i * 16 + 8);
            const int x = stretch16(p) + 16384;
            const int bin = x < 0 ? 0 : (x * 20) >> 15;
            bin_of_[i] = static_cast<std::uint8_t>(bin > 19 ? 19 : bin);
        }
        for (std::size_t b = 0; b < bins; ++b) {
            const std::uint64_t p = squash16(static_cast<int>(b * 2 + 1) * 16384 / 20 - 16384);
            prior_[b] = static_cast<std::uint32_t>(prior_seen * ((p * (65536 - p)) >> 12));
        }
    }
    void reset() noexcept { buckets_.clear(); }
    void begin(const byte_evidence& e) noexcept {
        const unsigned order = e.order <= 1 ? 0 : e.order <= 3 ? 1 : 2;
        const unsigned peak = e.peak < 53687091 ? 0 : e.peak < 161061273 ? 1 : e.peak < 429496730 ? 2 : 3;
        #ifndef CONF
#define CONF 0
#endif
#ifndef GRP
#define GRP 0
#endif
        unsigned confidence = CONF==0 ? std::bit_width(e.confidence) / 2 : CONF==1 ? std::bit_width(e.confidence) - 1: CONF==2? (std::bit_width(e.confidence*2)) / 2 : CONF==3?(std::bit_width(e.confidence+128)-8):CONF==4?(std::bit_width(e.confidence+64)-7):CONF==5?(std::bit_width(e.confidence+128)-8)/2:(std::bit_width(e.confidence+32)-6);
        confidence = confidence > 7 ? 7 : confidence;
        evidence_ = (order * 4 + peak) * 8 + confidence;
    }
    [[nodiscard]] std::uint32_t refine(unsigned depth, std::uint32_t prefix, std::uint32_t p) noexcept {
        std::size_t node = depth <= 2 ? (1U << depth) - 1 + prefix : 7 + (depth - 3) * 4 + (group(depth, prefix));
        p = p < least ? least : p > most ? most : p;
        std::size_t at = (node * evidences + evidence_) * bins;
        for (unsigned pass = 0; pass < Passes; ++pass) {
            const std::size_t bin = bin_of_[p >> 18];
            bucket& b = buckets_[at + bin];
            used_[pass] = {&b, p, prior_[bin]};
            const std::int32_t moved = static_cast<std::int32_t>(p) + b.correction;
            p = moved < (int)least ? least : moved > (int)most ? most : static_cast<std::uint32_t>(moved);
            at += nodes * evidences * bins;
        }
        return p;
    }
    void learn(bool bit) noexcept {
        for (unsigned pass = 0; pass < Passes; ++pass) {
            bucket& b = *used_[pass].where;
            const auto p = static_cast<std::int32_t>(used_[pass].p >> 10);  // of 2^20
            const std::int32_t e = (bit ? 1 << 20 : 0) - p;
            b.error += e;
            b.noise += static_cast<std::uint32_t>((std::int64_t{e} * e) >> 20);
            if (++b.seen >= limit) {
                b.error /= 2;
                b.noise /= 2;
                b.seen /= 2;
            }
            // f = error^2 / (4 noise) with both in 2^-20
            const std::int64_t error = b.error;
            const std::uint64_t noise = b.noise + used_[pass].prior;
            std::uint64_t f = (static_cast<std::uint64_t>(error * error) >> 6) / noise;
            f = f < 65536 ? f : 65536;
            b.correction = static_cast<std::int32_t>(((error * static_cast<std::int64_t>(f)) >> 6) /
                                                     static_cast<std::int64_t>(b.seen + prior_seen));
        }
    }

  private:
    [[nodiscard]] static unsigned group(unsigned, std::uint32_t prefix) noexcept { return GRP==0 ? (prefix*0x9E3779B1u) >> 30 : GRP==1 ? prefix&3 : GRP==2 ? (prefix>>1)&3 : (prefix*0x9E3779B1u+(prefix>>3)*0x7feb352du)>>30; }
#ifndef LIMIT
#define LIMIT 1023
#endif
#ifndef PSEEN
#define PSEEN 32
#endif
    static constexpr std::uint32_t limit = LIMIT;
    static constexpr std::uint32_t prior_seen = PSEEN;
    static constexpr std::uint32_t least = 64;
    static constexpr std::uint32_t most = (1 << 30) - 64;
    struct visit {
        bucket* where;
        std::uint32_t p;
        std::uint32_t prior;
    };
    table<bucket> buckets_;
    std::array<std::uint8_t, 4096> bin_of_{};
    std::array<std::uint32_t, bins> prior_{};
    std::array<visit, Passes> used_{};
    std::size_t evidence_ = 0;
};

}  // namespace pith::inline v1::mixing
