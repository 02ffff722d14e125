// Caches by the tokens that made them: a request goes on from the longest beginning that is kept.
// The prefix trie of "Sequential KV" (2026) with content addressing as in paged engines (Kwon and others,
// 2023); what differs: whole sequences in their order, compared token by token, so that no hash can collide.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>

namespace pith::inline v1::kv {

/// A cache that can be had twice, with what is frozen shared (kv::cache::fork).
template <class C>
concept forkable = std::movable<C> && requires(C cache) {
    { cache.fork() } -> std::same_as<C>;
};

/// Keeps caches of token sequences and gives forks of them; what forks have in common stays in memory once.
/// One thread at a time.
template <forkable Cache>
class prefix_store {
  public:
    struct continuation {
        Cache cache;
        std::size_t tokens;  ///< how many of the request's tokens the cache holds
    };

    /// At most `capacity` caches are kept, those that were asked for last. Precondition: capacity > 0.
    explicit prefix_store(std::size_t capacity) : capacity_(capacity) { PITH_ASSERT(capacity > 0); }

    [[nodiscard]] std::size_t size() const noexcept { return kept_.size(); }

    /// Keeps a fork of the cache that holds exactly these tokens, in place of an earlier one of the same.
    void keep(std::span<const std::uint32_t> tokens, Cache& cache) {
        kept_.insert_or_assign(sequence(tokens.begin(), tokens.end()), entry{cache.fork(), ++clock_});
        if (kept_.size() <= capacity_) return;
        kept_.erase(std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) {
            return a.second.used < b.second.used;
        }));
    }

    /// A fork of the cache that holds the most of the first tokens of a request; none where not one does.
    [[nodiscard]] std::optional<continuation> longest(std::span<const std::uint32_t> request) {
        sequence head(request.begin(), request.end());
        // In the order of dictionaries a sequence's beginnings stand before it, and whatever stands between
        // them and it begins with them too: each step back either finds one or shortens what can be found.
        for (;;) {
            auto at = kept_.upper_bound(head);
            if (at == kept_.begin()) return std::nullopt;
            --at;
            const sequence& found = at->first;
            const auto common = std::mismatch(found.begin(), found.end(), head.begin(), head.end()).first;
            if (common == found.end()) {
                at->second.used = ++clock_;
                return continuation{at->second.cache.fork(), found.size()};
            }
            head.resize(static_cast<std::size_t>(common - found.begin()));
        }
    }

  private:
    using sequence = std::vector<std::uint32_t>;
    struct entry {
        Cache cache;
        std::uint64_t used;
    };

    std::map<sequence, entry> kept_;
    std::size_t capacity_;
    std::uint64_t clock_ = 0;
};

}  // namespace pith::inline v1::kv
