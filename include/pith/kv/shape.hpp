// The shape of a transformer's key-value cache: layers, heads, head size.
// Grouped-query attention (Ainslie et al., 2023): several query heads read one key-value head.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/result.hpp>

namespace pith::inline v1::kv {

/// Sizes that a model fixes. Rows of keys and values have key_channels() floats, head after head; rows of
/// queries query_channels().
struct shape {
    std::size_t layers = 1;
    std::size_t kv_heads = 1;
    std::size_t query_heads = 1;
    std::size_t head_size = 64;

    static constexpr std::size_t most_layers = 256, most_heads = 256, most_head_size = 1024;

    [[nodiscard]] constexpr std::size_t key_channels() const noexcept { return kv_heads * head_size; }
    [[nodiscard]] constexpr std::size_t query_channels() const noexcept { return query_heads * head_size; }
    /// Query heads that share one key-value head. Precondition: a shape that passes check.
    [[nodiscard]] constexpr std::size_t queries_per_head() const noexcept { return query_heads / kv_heads; }
    friend constexpr bool operator==(const shape&, const shape&) = default;
};

/// unsupported_parameter unless there are 1 to 256 layers and heads, 1 to 1024 channels a head, and as many
/// query heads for each key-value head.
[[nodiscard]] inline result<void> check(const shape& s) noexcept {
    const auto within = [](std::size_t n, std::size_t most) { return n >= 1 && n <= most; };
    if (!within(s.layers, shape::most_layers))
        return error{error_code::unsupported_parameter, 0, "a cache has 1 to 256 layers"};
    if (!within(s.kv_heads, shape::most_heads) || !within(s.query_heads, shape::most_heads))
        return error{error_code::unsupported_parameter, 0, "a cache has 1 to 256 heads"};
    if (!within(s.head_size, shape::most_head_size))
        return error{error_code::unsupported_parameter, 0, "a head has 1 to 1024 channels"};
    if (s.query_heads % s.kv_heads != 0)
        return error{error_code::unsupported_parameter, 0,
                     "the query heads are no multiple of the key-value heads"};
    return {};
}

}  // namespace pith::inline v1::kv
