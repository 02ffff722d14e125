// The slots of a list of contexts for the nibble that is being predicted, fetched before they are needed.
// As in lpaq (Mahoney, 2007), which looks up two slots a byte; here a line is fetched one bit early.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/history_slots.hpp>

namespace pith::inline v1::mixing {

/// One slot of histories for each of Contexts. Both nibbles of a byte stand in one page of memory, whose
/// address is translated once. Exact.
template <class Contexts>
class nibble_slots {
  public:
    static constexpr std::size_t size = Contexts::size;

    /// Takes the slots, which must outlive the use.
    void use(history_slots& slots) noexcept { slots_ = &slots; }
    /// Goes on with a copy of the slots.
    void move_to(history_slots& copy) noexcept {
        for (auto& s : slot_) s = copy.moved(s, *slots_);
        slots_ = &copy;
    }

    /// Starts to fetch the slots of the first nibble.
    template <class History>
    [[gnu::always_inline]] void prefetch_high(const History& history) noexcept {
        Contexts::hash(history, hash_.data());
        for (const std::uint32_t hash : hash_) slots_->prefetch(hash);
    }
    [[gnu::always_inline]] void find_high() noexcept {
        for (std::size_t i = 0; i < size; ++i) slot_[i] = slots_->find(hash_[i]);
    }
    /// Starts to fetch those of the second one. The line depends on the first three bits only; the fourth is
    /// in the check.
    [[gnu::always_inline]] void prefetch_low(std::uint32_t three) noexcept {
        for (std::uint32_t& hash : hash_) {
            hash = slots_->in_page_of(hash, (hash + three * 0x9E3779B1U) * 0x85EBCA6BU);
            slots_->prefetch(hash);
        }
    }
    [[gnu::always_inline]] void find_low(bool fourth) noexcept {
        const std::uint32_t check = fourth ? 1U << 7 : 0U;
        for (std::size_t i = 0; i < size; ++i) slot_[i] = slots_->find(hash_[i] ^ check);
    }

    /// The histories of context i, to be indexed by the node of the nibble's tree.
    [[nodiscard, gnu::always_inline]] std::uint8_t* at(std::size_t i) const noexcept { return slot_[i]; }
    /// How many of the first six contexts have a history at the node.
    [[nodiscard, gnu::always_inline]] std::uint32_t seen(std::size_t node) const noexcept {
        std::uint32_t count = 0;
        for (std::size_t i = 0; i < 6; ++i) count += slot_[i][node] != 0 ? 1U : 0U;
        return count;
    }

  private:
    history_slots* slots_ = nullptr;
    std::array<std::uint8_t*, size> slot_{};
    std::array<std::uint32_t, size> hash_{};
};

}  // namespace pith::inline v1::mixing
