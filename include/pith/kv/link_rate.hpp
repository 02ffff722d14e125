// Chooses, chunk by chunk, how finely a cache is sent so that all of it arrives before a deadline.
// The rule of CacheGen (Liu et al., 2024): the finest level at which what is left would fit into the time
// that is left, at the throughput measured so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>

namespace pith::inline v1::kv {

struct link_rate_options {
    double deadline = 1;          ///< seconds for the whole cache
    double forgetting = 0.5;      ///< weight of the newest measurement, in (0, 1]
    double safety = 0.95;         ///< part of the time left that may be planned for, in (0, 1]
    double bytes_per_second = 0;  ///< what is known of the link before the first chunk; 0: nothing
};

/// The controller. Time is the caller's, so that decisions can be replayed. Encoder-side.
class link_rate {
  public:
    explicit link_rate(link_rate_options options) : options_(options), estimate_(options.bytes_per_second) {
        PITH_ASSERT(options.forgetting > 0 && options.forgetting <= 1 && options.safety > 0 &&
                    options.safety <= 1);
    }
    /// Bytes that were sent in so many seconds.
    void measured(std::uint64_t bytes, double seconds) noexcept {
        if (bytes == 0 || !(seconds > 0)) return;
        const double now = static_cast<double>(bytes) / seconds;
        estimate_ = estimate_ > 0 ? estimate_ + options_.forgetting * (now - estimate_) : now;
    }
    /// Bytes per second; 0 before anything is known.
    [[nodiscard]] double estimate() const noexcept { return estimate_; }
    /// The level of the next chunk. bytes_left[level] is what all chunks that are left would take; levels go
    /// from coarse to fine. `elapsed`: seconds since the first byte. The coarsest level while nothing is
    /// known of the link and where none would fit. Precondition: there is a level.
    [[nodiscard]] std::size_t choose(double elapsed,
                                     std::span<const std::uint64_t> bytes_left) const noexcept {
        PITH_ASSERT(!bytes_left.empty());
        const double room = (options_.deadline - elapsed) * options_.safety * estimate_;
        for (std::size_t level = bytes_left.size(); level-- > 1;)
            if (static_cast<double>(bytes_left[level]) <= room) return level;
        return 0;
    }

  private:
    link_rate_options options_;
    double estimate_;
};

}  // namespace pith::inline v1::kv
