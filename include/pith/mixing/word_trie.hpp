// Word expert: which letter follows the beginning of a word, where words end, which letter begins the next.
// After Midicoth's trie of completed words; the nodes are contexts of a hash table here.
#pragma once
#ifndef WH
#define WH 1
#define WT 2
#endif
#ifndef WZ
#define WZ 65536
#endif

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/byte_distribution.hpp>
#include <pith/mixing/byte_history.hpp>
#include <pith/mixing/context_counts.hpp>
#include <pith/mixing/hit_rate.hpp>
#include <pith/mixing/ppm.hpp>

namespace pith::inline v1::mixing {

template <ppm_options Options = ppm_options{1, 1, std::size_t{1} << 20, std::size_t{1} << 20}>
class word_trie {
  public:
    static constexpr std::size_t memory =
        context_counts::bytes_for(Options.most_contexts, Options.most_values);

    word_trie() : counts_(Options.most_contexts, Options.most_values) { reset(0); }
    void reset(std::size_t n) noexcept {
        counts_.reset(detail::scaled(n, Options.contexts_per_byte, 1024, Options.most_contexts),
                      detail::scaled(n, Options.values_per_byte, 1024, Options.most_values));
        rate_ = hit_rate(WH, WT);
        word_ = 0;
        length_ = 0;
        previous_ = 0;
        node_ = context_hash(0, 100);
    }
    void prepare(const byte_history&) noexcept { counts_.prefetch(node_); }

    [[nodiscard]] std::uint32_t look_up(const byte_history&) noexcept {
        known_ = counts_.find(node_);
        if (known_ == nullptr) return 0;
        counts_.prefetch(*known_);
        const std::uint64_t by_length = length_ == 0 ? WZ : length_ >= 3 ? 65536 : length_ * 21845;
        const std::uint64_t by_count = known_->total >= 2 ? 65536 : 32768;
        const std::uint64_t confidence = (by_length * by_count >> 16) * rate_.value() >> 16;
        const std::uint64_t wanted = confidence * 22938 >> 16;  // 0.35
        return static_cast<std::uint32_t>(wanted < 29491 ? wanted : 29491);
    }
    void spread(byte_distribution& out, std::uint32_t mass) noexcept {
        const std::uint64_t share = (std::uint64_t{mass} << 32) / known_->total;
        std::uint32_t best = 0;
        for (const byte_count c : counts_.counts(*known_)) {
            const auto given = static_cast<std::uint32_t>(count_of(c) * share >> 32);
            if (count_of(c) > best) {
                best = count_of(c);
                guess_ = symbol_of(c);
            }
            if (symbol_of(c) != end_of_word) {
                out.add(symbol_of(c), given);
                continue;
            }
            for (const char d : delimiters) out.add(static_cast<std::uint8_t>(d), given / 11);
        }
    }

    void update(std::uint8_t symbol) noexcept {
        const bool letter = is_letter(symbol);
        if (known_ != nullptr) rate_.update(guess_ == (letter ? symbol : end_of_word));
        if (letter) {
            counts_.count(node_, symbol);
            word_ = context_hash(word_ ^ folded(symbol), 101);
            ++length_;
            node_ = word_;
        } else if (length_ != 0) {
            if (length_ >= 2) counts_.count(node_, end_of_word);
            previous_ = word_;
            word_ = 0;
            length_ = 0;
            node_ = context_hash(previous_, 102);
        }
    }

  private:
    static constexpr std::uint8_t end_of_word = 0;
    static constexpr std::array<char, 11> delimiters{' ', '\n', '.', ',', ';', ':', '!', '?', ')', '"', '\r'};

    [[nodiscard]] static bool is_letter(std::uint8_t c) noexcept {
        const unsigned lower = c | 32U;
        return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '\'' || c == '-' || c >= 128;
    }
    [[nodiscard]] static std::uint8_t folded(std::uint8_t c) noexcept {
        return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + 32) : c;
    }

    context_counts counts_;
    hit_rate rate_{1, 2};
    std::uint64_t word_ = 0;
    std::uint64_t previous_ = 0;
    std::uint64_t node_ = 0;
    unsigned length_ = 0;
    const context_counts::context* known_ = nullptr;
    std::uint8_t guess_ = 0;
};

}  // namespace pith::inline v1::mixing
