// A lane: the tokens of some consecutive layers, of all heads or of one, as sinks | frozen blocks | loose.
// Frozen blocks are pages that never change, so that forks share them (PagedAttention, Kwon et al., 2023).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/exact_rows.hpp>

namespace pith::inline v1::kv {

/// What a codec wrote for some consecutive tokens of a lane, keys or values.
struct block {
    /// Which parts of its scope the codec was given: the decoder gives the same.
    enum given : std::uint8_t { nothing = 0, previous_keys = 1, previous_values = 2, current_keys = 4 };

    std::vector<std::uint32_t> positions;
    std::vector<std::byte> bytes;
    std::uint8_t context = nothing;

    [[nodiscard]] std::size_t tokens() const noexcept { return positions.size(); }
};

/// A place of a block table. The decoded floats are a memo, kept while there is room.
struct page {
    std::shared_ptr<const block> coded;
    std::shared_ptr<const std::vector<float>> decoded{};  ///< as stored
    std::shared_ptr<const std::vector<float>> ready{};    ///< as attention takes them
};

/// Keys or values of a lane: exact rows are the sinks, then the loose tokens.
struct lane_part {
    exact_rows exact;
    std::vector<page> pages{};
    std::size_t frozen = 0;  ///< tokens in the pages
};

struct lane {
    lane_place place;
    lane_part keys, values;
    std::vector<std::uint32_t> positions{};  ///< of all tokens, ascending
    std::vector<float> multiplicity{};
    std::size_t sinks = 0;  ///< tokens that are exact for ever

    explicit lane(const lane_place& where)
        : place(where), keys{exact_rows(channels_of(where))}, values{exact_rows(channels_of(where))} {}

    [[nodiscard]] static std::size_t channels_of(const lane_place& p) noexcept {
        return p.layers * p.heads * p.shape.head_size;
    }
    [[nodiscard]] std::size_t channels() const noexcept { return channels_of(place); }
    [[nodiscard]] std::size_t tokens() const noexcept { return positions.size(); }
    [[nodiscard]] lane_part& part(tensor_kind kind) noexcept {
        return kind == tensor_kind::keys ? keys : values;
    }
    [[nodiscard]] const lane_part& part(tensor_kind kind) const noexcept {
        return kind == tensor_kind::keys ? keys : values;
    }
    [[nodiscard]] std::size_t loose(tensor_kind kind) const noexcept {
        return tokens() - sinks - part(kind).frozen;
    }
    /// Index of the first token that is loose in keys and in values.
    [[nodiscard]] std::size_t first_loose() const noexcept {
        return sinks + std::max(keys.frozen, values.frozen);
    }
    /// Column of a head of a layer.
    [[nodiscard]] std::size_t column(std::size_t layer, std::size_t head) const noexcept {
        PITH_ASSERT(layer - place.first_layer < place.layers && head - place.first_head < place.heads);
        return ((layer - place.first_layer) * place.heads + head - place.first_head) * place.shape.head_size;
    }
    /// The exact row of a token that is exact in this kind.
    [[nodiscard]] std::size_t exact_row(tensor_kind kind, std::size_t token) const noexcept {
        return token < sinks ? token : token - part(kind).frozen;
    }
    /// Tokens at or before a position.
    [[nodiscard]] std::size_t visible_from(std::uint64_t position) const noexcept {
        const auto end = std::upper_bound(positions.begin(), positions.end(), position,
                                          [](std::uint64_t a, std::uint32_t b) { return a < b; });
        return static_cast<std::size_t>(end - positions.begin());
    }
};

}  // namespace pith::inline v1::kv
