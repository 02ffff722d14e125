// A cache of any composition behind one interface, for tables over many systems.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/shape.hpp>

namespace pith::inline v1::kv {

/// Where the bytes of a cache are. total() is the size of the file that save writes.
struct stored_bytes {
    std::size_t sinks = 0;      ///< exact tokens at the start
    std::size_t blocks = 0;     ///< frozen blocks with their counts and sizes
    std::size_t loose = 0;      ///< exact recent tokens, and what is not frozen yet
    std::size_t side = 0;       ///< headers, positions, multiplicities, checksums
    std::size_t constants = 0;  ///< calibrated beforehand and shared by all caches: not part of the total

    [[nodiscard]] std::size_t total() const noexcept { return sinks + blocks + loose + side; }
};

/// What kv::cache offers, see there.
class any_cache {
  public:
    virtual ~any_cache() = default;

    [[nodiscard]] virtual result<void> append(std::size_t layer, view_2d<const float> keys,
                                              view_2d<const float> values, view_2d<const float> queries) = 0;
    virtual void end_prefill() = 0;
    [[nodiscard]] virtual result<void> attend(std::size_t layer, view_2d<const float> queries,
                                              view_2d<float> out) = 0;
    [[nodiscard]] virtual stored_bytes bytes() = 0;
    /// Bytes that the last attend of every layer read, per query token.
    [[nodiscard]] virtual std::size_t bytes_read() const = 0;
    [[nodiscard]] virtual std::size_t tokens(std::size_t layer, std::size_t head) = 0;
    [[nodiscard]] virtual std::size_t tokens_seen() const = 0;
    [[nodiscard]] virtual const kv::shape& shape() const = 0;
    [[nodiscard]] virtual std::unique_ptr<any_cache> fork() = 0;

  protected:
    any_cache() = default;
    any_cache(const any_cache&) = default;
    any_cache& operator=(const any_cache&) = default;
};

namespace detail {

template <class Cache>
class held_cache final : public any_cache {
  public:
    explicit held_cache(Cache cache) : cache_(std::move(cache)) {}

    result<void> append(std::size_t layer, view_2d<const float> keys, view_2d<const float> values,
                        view_2d<const float> queries) override {
        return cache_.append(layer, keys, values, queries);
    }
    void end_prefill() override { cache_.end_prefill(); }
    result<void> attend(std::size_t layer, view_2d<const float> queries, view_2d<float> out) override {
        return cache_.attend(layer, queries, out);
    }
    stored_bytes bytes() override { return cache_.bytes(); }
    std::size_t bytes_read() const override { return cache_.bytes_read(); }
    std::size_t tokens(std::size_t layer, std::size_t head) override { return cache_.tokens(layer, head); }
    std::size_t tokens_seen() const override { return cache_.tokens_seen(); }
    const kv::shape& shape() const override { return cache_.shape(); }
    std::unique_ptr<any_cache> fork() override { return std::make_unique<held_cache>(cache_.fork()); }

  private:
    Cache cache_;
};

}  // namespace detail

/// A Cache made from the arguments, erased.
template <class Cache, class... Arguments>
[[nodiscard]] std::unique_ptr<any_cache> make_any(Arguments&&... arguments) {
    return std::make_unique<detail::held_cache<Cache>>(Cache(std::forward<Arguments>(arguments)...));
}

}  // namespace pith::inline v1::kv
