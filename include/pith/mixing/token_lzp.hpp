// One predicted symbol: what followed the last place where the last 8, 7, ... 4 symbols stood.
// LZP after Bloom (1996) over symbols of any alphabet, the longest context first as in Nacrith (Tacconelli,
// 2026); matches are verified, and how far they are trusted is counted by length.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/core/table.hpp>

namespace pith::inline v1::mixing {

/// Exact: integers, and one quotient of counts.
class token_lzp {
  public:
    static constexpr unsigned longest = 8;
    static constexpr unsigned shortest = 4;

    /// Looks back over `history` symbols, a power of two from 16 to 2^31. 24 bytes a symbol.
    explicit token_lzp(std::size_t history = std::size_t{1} << 18)
        : past_(history), last_(history * (longest - shortest + 1)) {
        PITH_ASSERT(history >= 16 && history <= std::size_t{1} << 31 && (history & (history - 1)) == 0);
        reset(~std::size_t{0});
    }

    [[nodiscard]] static constexpr std::size_t memory_of(std::size_t history) noexcept {
        return history * (longest - shortest + 2) * sizeof(std::uint32_t);
    }

    /// As at the start, for at most `symbols` to come.
    void reset(std::size_t symbols) noexcept {
        room_ = 1024 < past_.size() ? 1024 : past_.size();
        while (room_ < past_.size() && room_ < symbols) room_ *= 2;
        for (std::size_t i = 0; i < room_ * (longest - shortest + 1); ++i) last_[i] = 0;
        seen_ = 0;
        from_ = 0;
        length_ = 0;
        for (trust& t : trusts_) t = {};
    }

    /// Whether a context is known; else the next two functions must not be asked.
    [[nodiscard]] bool predicts() const noexcept { return from_ != 0; }
    /// The symbol that should come.
    [[nodiscard]] std::uint32_t predicted() const noexcept {
        PITH_ASSERT(predicts());
        return past_[from_ & (room_ - 1)];
    }
    /// How likely predicted() is to be right, by what matches of this length were worth so far; the start is
    /// worth 16 symbols of 0.85. Below 1.
    [[nodiscard]] float confidence() const noexcept {
        PITH_ASSERT(predicts());
        const trust& t = trusts_[bucket()];
        return (static_cast<float>(t.hits) + 13.6F) / (static_cast<float>(t.trials) + 16.0F);
    }

    void update(std::uint32_t symbol) noexcept {
        if (from_ != 0) {
            trust& t = trusts_[bucket()];
            const bool hit = predicted() == symbol;
            t.hits += hit ? 1 : 0;
            if (++t.trials == 1024) t = {t.hits / 2, 512};
            from_ = hit ? from_ + 1 : 0;
            length_ = hit ? length_ + 1 : 0;
        }
        past_[seen_ & (room_ - 1)] = symbol;
        ++seen_;
        find();
    }

  private:
    struct trust {
        std::uint32_t hits = 0;  // <= trials < 1024
        std::uint32_t trials = 0;
    };
    static constexpr std::size_t buckets = 16;

    [[nodiscard]] std::size_t bucket() const noexcept {
        const std::size_t n = length_ - shortest;
        return n < 8 ? n : n < 16 ? 8 + (n - 8) / 4 : n < 64 ? 10 + (n - 16) / 16 : n < 512 ? 13 : 14;
    }
    /// Notes where each context ends, and takes up the longest one known when no match goes on.
    void find() noexcept {
        std::uint64_t hash = 0;
        std::uint32_t found = from_;
        for (unsigned k = 1; k <= longest && k <= seen_; ++k) {
            hash = (hash + past_[(seen_ - k) & (room_ - 1)] + 1) * 0x9E37'79B9'7F4A'7C15;
            hash ^= hash >> 29;
            if (k < shortest) continue;
            std::uint32_t& place = last_[(k - shortest) * room_ + (hash >> 7 & (room_ - 1))];
            if (from_ == 0 && matches(place, k)) found = place, length_ = k;
            place = seen_;
        }
        from_ = found;
    }
    /// True if the `length` symbols before `place` are those before the present. 0 is no place.
    [[nodiscard]] bool matches(std::uint32_t place, unsigned length) const noexcept {
        if (place < length || seen_ - place + length >= room_) return false;
        for (unsigned k = 1; k <= length; ++k)
            if (past_[(place - k) & (room_ - 1)] != past_[(seen_ - k) & (room_ - 1)]) return false;
        return true;
    }

    table<std::uint32_t> past_;
    table<std::uint32_t> last_;  // by context length, room_ places each
    std::size_t room_ = 0;
    std::uint32_t seen_ = 0;  // modulo 2^32: what wraps around is found again by its symbols
    std::uint32_t from_ = 0;  // where the match goes on; 0: there is none
    std::size_t length_ = 0;  // of the match, >= shortest while there is one
    std::array<trust, buckets> trusts_{};
};

}  // namespace pith::inline v1::mixing
