// What codecs and policies may learn beforehand: keys, values and queries of another text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/view.hpp>
#include <pith/kv/rope.hpp>
#include <pith/kv/shape.hpp>

namespace pith::inline v1::kv {

/// A sample of every layer; all before the rotary embedding. Rows are tokens.
struct calibration {
    kv::shape shape;
    kv::rope rope;
    std::vector<std::uint32_t> positions;                   ///< one for each token
    std::vector<std::vector<float>> keys, values, queries;  ///< [layer][tokens x channels]

    [[nodiscard]] std::size_t tokens() const noexcept { return positions.size(); }
    [[nodiscard]] bool empty() const noexcept { return positions.empty(); }
    [[nodiscard]] view_2d<const float> keys_of(std::size_t layer) const noexcept {
        return {std::span<const float>(keys[layer]), tokens(), shape.key_channels()};
    }
    [[nodiscard]] view_2d<const float> values_of(std::size_t layer) const noexcept {
        return {std::span<const float>(values[layer]), tokens(), shape.key_channels()};
    }
    [[nodiscard]] view_2d<const float> queries_of(std::size_t layer) const noexcept {
        return {std::span<const float>(queries[layer]), tokens(), shape.query_channels()};
    }
};

}  // namespace pith::inline v1::kv
