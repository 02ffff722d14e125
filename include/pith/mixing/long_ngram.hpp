// N-grams too long to be counted: what followed the last occurrence of the same bytes, as long as it holds.
// Source: the contexts of 15 and 31 tokens and the "LZ" entry of StateSMix (Tacconelli, 2026), as a match
// model (Mahoney, paq): a table of positions, and a learned trust in each length.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/table.hpp>
#include <pith/mixing/ngram.hpp>

namespace pith::inline v1::mixing {

/// Follows the last occurrence of the last `Length` bytes. Exact.
template <unsigned Length>
requires(Length >= 3 && Length <= 32) class long_ngram {
    static constexpr unsigned largest_index = 20, lengths = 32;

  public:
    static constexpr std::size_t memory = (sizeof(std::uint32_t) << largest_index) + sizeof(float) * 4096;

    long_ngram() : last_(table<std::uint32_t>::unset(std::size_t{1} << largest_index)), logits_(4096) {
        detail::fill_logits(logits_.data());
    }

    /// `block` is read up to the bytes that have been completed, at most 2^32 - 1.
    void reset(const std::uint8_t* block, std::size_t length) noexcept {
        block_ = block;
        index_bits_ = 10;
        while (index_bits_ < largest_index && length >> index_bits_ != 0) ++index_bits_;
        for (std::size_t i = 0; i < std::size_t{1} << index_bits_; ++i) last_[i] = 0;
        for (std::size_t n = 0; n < lengths; ++n)
            for (std::size_t bit = 0; bit < 2; ++bit) {
                const double miss = 0.5 / (static_cast<double>(n) + 2.0);
                trust_[2 * n + bit] = detail::slow_bit(bit == 0 ? miss : 1.0 - miss);
            }
        at_ = matched_ = from_ = 0;
        node_ = 1;
    }

    /// The logit of a one as the next bit; 0 without a match.
    [[nodiscard]] float predict() noexcept {
        active_ = false;
        if (matched_ == 0 || ((block_[from_] + 256U) >> (8 - seen_bits())) != node_) return 0.0F;
        active_ = true;
        index_ = 2 * level() + (block_[from_] >> (7 - seen_bits()) & 1U);
        return logits_[trust_[index_].twelve_bits()];
    }
    /// 0 without a match, else 1 and more, 3 at most.
    [[nodiscard]] std::size_t confidence() const noexcept {
        return !active_ ? 0 : matched_ < 16 ? 1 : matched_ < 32 ? 2 : 3;
    }
    /// The byte that is expected, or 0 without a match.
    [[nodiscard]] std::uint32_t expected() const noexcept { return active_ ? block_[from_] + 0U : 0U; }

    /// Learns from the bit.
    void update(bool bit) noexcept {
        if (active_) trust_[index_].update(bit, 255);
        node_ = node_ << 1 | bit;
    }
    /// After eight bits, when the block holds the byte.
    void end_byte() noexcept {
        const auto byte = static_cast<std::uint8_t>(node_);
        node_ = 1;
        if (matched_ != 0 && block_[from_] == byte) {
            ++from_;
            matched_ = matched_ < 65535 ? matched_ + 1 : matched_;
        } else {
            matched_ = 0;
        }
        ++at_;
        if (at_ < Length) return;
        std::uint64_t hash = 0;
        for (unsigned i = 1; i <= Length; ++i) hash = (hash + block_[at_ - i] + 1) * 0x2F0B'4C47'C2E9'5D25U;
        std::uint32_t& entry = last_[static_cast<std::size_t>(hash >> (64 - index_bits_))];
        if (matched_ == 0 && entry != 0) search(entry);
        entry = static_cast<std::uint32_t>(at_);
    }

  private:
    [[nodiscard]] unsigned seen_bits() const noexcept {
        return static_cast<unsigned>(std::bit_width(node_)) - 1;
    }
    [[nodiscard]] std::size_t level() const noexcept {
        const std::size_t n = matched_ < 16 ? matched_ : 16 + (matched_ - 16) / 8;
        return n < lengths ? n : lengths - 1;
    }
    void search(std::size_t from) noexcept {
        std::size_t n = 0;
        while (n < 48 && n < from && block_[from - 1 - n] == block_[at_ - 1 - n]) ++n;
        if (n < Length) return;
        matched_ = n;
        from_ = from;
    }

    table<std::uint32_t> last_;
    table<float> logits_;
    std::array<detail::slow_bit, 2 * lengths> trust_{};
    const std::uint8_t* block_ = nullptr;
    std::size_t at_ = 0;       // bytes completed
    std::size_t from_ = 0;     // where the expected byte is, < at_
    std::size_t matched_ = 0;  // bytes before `from_` that agree; 0: none
    std::size_t index_ = 0;
    std::uint32_t node_ = 1;
    unsigned index_bits_ = 10;
    bool active_ = false;
};

}  // namespace pith::inline v1::mixing
