// Word expert: which letter follows the beginning of a word, where words end, and how the next one begins.
// After Midicoth's trie of words (2026); its nodes are contexts of a hash table here, and letters count at
// once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/byte_concepts.hpp>
#include <pith/mixing/context_counts.hpp>
#include <pith/mixing/hit_rate.hpp>

namespace pith::inline v1::mixing {

/// A byte_expert. Letters are A to Z, digits, ' and -, and all bytes from 128 on; the case of what came
/// before is ignored, that of what follows is not. A word has two letters at least.
template <context_room Room = context_room{1, std::size_t{1} << 20, 1, std::size_t{1} << 20}>
class word_trie {
  public:
    static constexpr std::size_t memory = context_counts::memory_of(Room);

    word_trie() : counts_(Room) { reset(0); }
    void reset(std::size_t n) noexcept {
        counts_.reset(n);
        rate_ = {};
        known_ = {};
        length_ = 0;
        node_ = context_hash(0, between);
    }
    void prepare(const block_history&) noexcept {}

    [[nodiscard]] std::uint32_t look_up(const block_history&) noexcept {
        using detail::fixed16;
        known_ = counts_.find(node_);
        if (known_.total == 0) return 0;
        counts_.prefetch(known_);
        const std::uint64_t by_length =
            length_ == 0 ? fixed16(0.375) : 65536U * (length_ < 3 ? length_ : 3) / 3;
        const std::uint64_t by_count = known_.total >= 2 ? 65536 : 32768;
        const std::uint64_t confidence = (by_length * by_count >> 16) * rate_.value() >> 16;
        return static_cast<std::uint32_t>(confidence * fixed16(0.35) >> 16);
    }
    void spread(byte_distribution& out, std::uint32_t mass) noexcept {
        const std::uint64_t share = (std::uint64_t{mass} << 32) / known_.total;  // times a count: < 2^62
        byte_count best = 0;
        for (const byte_count c : counts_.counts(known_)) {
            best = count_of(c) > count_of(best) ? c : best;
            const auto given = static_cast<std::uint32_t>(count_of(c) * share >> 32);
            if (symbol_of(c) != end_of_word) {
                out.add(symbol_of(c), given);
                continue;
            }
            for (const char d : delimiters)
                out.add(static_cast<std::uint8_t>(d), given / static_cast<std::uint32_t>(delimiters.size()));
        }
        guess_ = symbol_of(best);
    }
    void update(std::uint8_t symbol) noexcept {
        const bool letter = is_letter(symbol);
        if (known_.total != 0) rate_.update(guess_ == (letter ? symbol : end_of_word));
        if (letter) {
            counts_.count(node_, symbol);
            word_ = context_hash((length_ == 0 ? 0 : word_) ^ lower(symbol), within);
            ++length_;
            move_to(word_);
        } else if (length_ != 0) {
            if (length_ >= 2) counts_.count(node_, end_of_word);
            length_ = 0;
            move_to(context_hash(word_, between));
        }
    }

  private:
    enum : std::uint32_t { within = 1, between = 2 };  // kinds of nodes
    static constexpr std::uint8_t end_of_word = 0;     // no letter
    static constexpr std::array<char, 11> delimiters{' ', '\n', '.', ',', ';', ':', '!', '?', ')', '"', '\r'};

    [[nodiscard]] static constexpr std::uint8_t lower(std::uint8_t c) noexcept {
        return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + ('a' - 'A')) : c;
    }
    [[nodiscard]] static constexpr bool is_letter(std::uint8_t c) noexcept {
        const std::uint8_t l = lower(c);
        return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '\'' || c == '-' || c >= 128;
    }
    void move_to(std::uint64_t node) noexcept {
        node_ = node;
        counts_.prefetch(node);
    }

    context_counts counts_;
    hit_rate rate_;
    std::uint64_t word_ = 0;  // hash of the word so far, or of the last one
    std::uint64_t node_ = 0;
    std::uint32_t length_ = 0;
    context_counts::context known_{};
    std::uint8_t guess_ = 0;
};

}  // namespace pith::inline v1::mixing
