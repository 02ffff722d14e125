// Calibration of the decisions along a byte's binary tree by what came true of similar ones, in several
// passes. The "Tweedie denoiser" of Midicoth (2026): an additive secondary estimate, shrunk by its own
// signal-to-noise ratio. Only the eight nodes on the path are computed: the conditional probability at a node
// after a pass is the corrected one, so that the other 247 do not matter.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/core/fixed.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/byte_concepts.hpp>

namespace pith::inline v1::mixing {

/// What a denoiser is made of.
struct denoiser_options {
    unsigned passes = 3;
    std::uint32_t prior = 32;    ///< observations without error that each bucket starts with
    std::uint32_t limit = 1023;  ///< observations at which a bucket halves its past; <= 2046
};

/// A byte_calibration. A bucket stands for a pass, a class of nodes (27: exact for the first three bits, four
/// by the two bits before for each of the others), three groups of orders, four of peaks, eight of
/// confidences and 20 of log-odds. It holds n, the sum E of (bit - p) and the sum Q of (bit - p)^2. The
/// correction of p is E / n, times min(1, (E / n)^2 n / (4 Q / n)) = min(1, E^2 / (4 Q)).
/// Exact: integer arithmetic only.
template <denoiser_options Options = denoiser_options{}>
requires(Options.passes >= 1 && Options.passes <= 8 && Options.limit >= 2 && Options.limit <= 2046 &&
         Options.prior >= 1 && Options.prior <= 1024) class denoiser {
    struct bucket {
        std::int32_t error;       // E in 2^-20; |E| <= limit 2^20 < 2^31
        std::uint32_t noise;      // Q in 2^-20 without the prior's
        std::uint32_t seen;       // n without the prior's
        std::int32_t correction;  // of the next p, in 2^-30
    };
    static constexpr std::size_t bins = 20;  // of log-odds over +-8
    static constexpr std::size_t situations = 3 * 4 * 8;
    static constexpr std::size_t node_classes = 7 + 5 * 4;
    static constexpr std::size_t buckets = node_classes * situations * bins;

  public:
    static constexpr std::size_t memory = buckets * Options.passes * sizeof(bucket);

    denoiser() : buckets_(buckets * Options.passes) {
        for (std::size_t i = 0; i < bin_of_.size(); ++i) {
            const int odds = stretch16(static_cast<std::uint32_t>(16 * i + 8));  // 2048 a unit
            const int bin = (odds + 8 * 2048) * static_cast<int>(bins) >> 15;
            bin_of_[i] = static_cast<std::uint8_t>(bin < 0 ? 0 : bin > 19 ? 19 : bin);
        }
        for (std::size_t b = 0; b < bins; ++b) {
            const std::uint64_t p = squash16((2 * static_cast<int>(b) + 1) * 8 * 2048 / 20 - 8 * 2048);
            prior_noise_[b] = static_cast<std::uint32_t>(Options.prior * (p * (65536 - p) >> 12));
        }
    }

    void reset() noexcept { buckets_.clear(); }
    void begin(const byte_evidence& evidence) noexcept {
        constexpr std::uint32_t unit = byte_distribution::unit;
        const unsigned order = evidence.order <= 1 ? 0 : evidence.order <= 3 ? 1 : 2;
        const unsigned peak = unsigned{evidence.peak >= unit / 20} + (evidence.peak >= unit / 20 * 3) +
                              (evidence.peak >= unit / 5 * 2);
        // log4 of the confidence over the prior total of a dense order 0
        const unsigned size = static_cast<unsigned>(std::bit_width(evidence.confidence + 128U) - 8) / 2;
        situation_ = (order * 4 + peak) * 8 + (size < 7 ? size : 7);
    }
    [[nodiscard]] std::uint32_t refine(unsigned depth, std::uint32_t prefix, std::uint32_t p) noexcept {
        PITH_ASSERT(depth < 8 && prefix < 1U << depth);
        const std::size_t row = (node_class(depth, prefix) * situations + situation_) * bins;
        std::size_t pass = 0;
        p = limited(static_cast<std::int32_t>(p));
        for (visit& v : visits_) {
            const std::size_t bin = bin_of_[p >> 18];
            v = {(row + bin) * Options.passes + pass++, p, prior_noise_[bin]};
            // p < 2^30 and |correction| <= 2^30: no overflow
            p = limited(static_cast<std::int32_t>(p) + buckets_[v.where].correction);
        }
        return p;
    }
    void learn(bool bit) noexcept {
        for (const visit& v : visits_) learn(buckets_[v.where], v, bit);
    }

  private:
    struct visit {
        std::size_t where;
        std::uint32_t p;
        std::uint32_t prior_noise;
    };

    [[nodiscard]] static std::uint32_t limited(std::int32_t p) noexcept {
        constexpr std::int32_t least = 64;
        constexpr std::int32_t most = (std::int32_t{1} << 30) - least;
        return static_cast<std::uint32_t>(p < least ? least : p > most ? most : p);
    }
    [[nodiscard]] static std::size_t node_class(unsigned depth, std::uint32_t prefix) noexcept {
        if (depth <= 2) return (std::size_t{1} << depth) - 1 + prefix;
        return 7 + (depth - 3) * std::size_t{4} + (prefix >> 1 & 3);
    }
    static void learn(bucket& b, const visit& v, bool bit) noexcept {
        const std::int32_t miss = (bit ? 1 << 20 : 0) - static_cast<std::int32_t>(v.p >> 10);
        b.error += miss;
        b.noise += static_cast<std::uint32_t>(std::int64_t{miss} * miss >> 20);
        if (++b.seen >= Options.limit) {
            b.error /= 2;
            b.noise /= 2;
            b.seen /= 2;
        }
        // E^2 < 2^62; E^2 / (4 Q) in 2^-16 is (E^2 >> 6) / Q, since both E and Q are in 2^-20.
        const std::int64_t error = b.error;
        const std::uint64_t ratio =
            (static_cast<std::uint64_t>(error * error) >> 6) / (std::uint64_t{b.noise} + v.prior_noise);
        const std::int64_t trust = static_cast<std::int64_t>(ratio < 65536 ? ratio : 65536);
        // |E trust| < 2^47 in 2^-36; |E| <= seen 2^20 bounds the quotient by 2^30
        b.correction = static_cast<std::int32_t>((error * trust >> 6) /
                                                 static_cast<std::int64_t>(b.seen + Options.prior));
    }

    table<bucket>
        buckets_;  // passes side by side: later ones mostly find the same bin, and its line of cache
    std::array<std::uint8_t, 4096> bin_of_{};  // by the first 12 bits of p
    std::array<std::uint32_t, bins> prior_noise_{};
    std::array<visit, Options.passes> visits_{};
    std::size_t situation_ = 0;
};

}  // namespace pith::inline v1::mixing
