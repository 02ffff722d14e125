// Numbers kept with the tokens of a lane by their positions, while other tokens come and go.
// Own work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>

namespace pith::inline v1::kv {

/// One T for each token. Positions are strictly ascending wherever they are given.
template <class T>
class token_record {
  public:
    /// Afterwards values()[i] is that of positions[i]: T{} for a token not known yet; others are forgotten.
    void align(std::span<const std::uint32_t> positions) {
        if (positions.size() >= positions_.size() && same_start(positions)) {
            positions_.assign(positions.begin(), positions.end());
            values_.resize(positions.size());
            return;
        }
        std::vector<T> next(positions.size());
        read(positions, next);
        values_ = std::move(next);
        positions_.assign(positions.begin(), positions.end());
    }
    /// out[i] = that of positions[i], T{} when it is not known.
    void read(std::span<const std::uint32_t> positions, std::span<T> out) const {
        PITH_ASSERT(positions.size() == out.size());
        std::size_t j = 0;
        for (std::size_t i = 0; i < positions.size(); ++i) {
            while (j < positions_.size() && positions_[j] < positions[i]) ++j;
            out[i] = j < positions_.size() && positions_[j] == positions[i] ? values_[j] : T{};
        }
    }
    [[nodiscard]] std::span<T> values() noexcept { return values_; }

  private:
    [[nodiscard]] bool same_start(std::span<const std::uint32_t> positions) const noexcept {
        for (std::size_t i = 0; i < positions_.size(); ++i)
            if (positions[i] != positions_[i]) return false;
        return true;
    }

    std::vector<std::uint32_t> positions_;
    std::vector<T> values_;
};

}  // namespace pith::inline v1::kv
