// Match expert over bytes: predicts what followed the longest repetition of the last 16, 12, 8, 6 or 4 bytes.
// After paq's match model (Mahoney, 2002), trusted as in Midicoth (2026); every match is verified.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/bytes.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/byte_concepts.hpp>
#include <pith/mixing/hit_rate.hpp>

namespace pith::inline v1::mixing {

/// A byte_expert that gives all its mass to one byte. Remembers up to Places positions for each length, in
/// the first 2^32 bytes of a block.
template <std::size_t Places = std::size_t{1} << 20>
requires(std::has_single_bit(Places) && Places >= 256) class byte_match {
    static constexpr std::array<unsigned, 5> lengths{16, 12, 8, 6, 4};

  public:
    static constexpr std::size_t memory = lengths.size() * Places * sizeof(std::uint32_t);

    byte_match() : places_(table<std::uint32_t>::unset(lengths.size() * Places)) { reset(0); }

    void reset(std::size_t n) noexcept {
        used_ = scaled_size(n, 1, 256, Places);
        std::memset(places_.data(), 0, lengths.size() * used_ * sizeof(std::uint32_t));
        hashes_ = {};
        rate_ = {};
        source_ = 0;
    }
    void prepare(const block_history& history) noexcept {
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            hashes_[i] = hash(history, lengths[i]);
            __builtin_prefetch(places_.data() + place(i));
        }
    }
    [[nodiscard]] std::uint32_t look_up(const block_history& history) noexcept {
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            std::uint32_t& at = places_[place(i)];
            if (source_ == 0 && agrees(history, at, lengths[i])) begin(at, lengths[i]);
            at = static_cast<std::uint32_t>(history.size);
        }
        if (source_ == 0) return 0;
        guess_ = history.bytes[source_];
        return share();
    }
    void spread(byte_distribution& out, std::uint32_t mass) const noexcept { out.add(guess_, mass); }

    void update(std::uint8_t symbol) noexcept {
        if (source_ == 0) return;
        const bool hit = symbol == guess_;
        rate_.update(hit);
        source_ = hit ? source_ + 1 : 0;
        ++streak_;
    }

  private:
    void begin(std::size_t source, unsigned length) noexcept {
        source_ = source;
        length_ = length;
        streak_ = 0;
    }
    // A match that goes on is trusted by its streak, a new one by its length.
    [[nodiscard]] std::uint32_t share() const noexcept {
        using detail::fixed16;
        const std::uint32_t streak = streak_ < 16 ? static_cast<std::uint32_t>(streak_) : 16;
        const std::uint32_t trust = streak > 0     ? fixed16(0.65) + fixed16(0.04) * streak
                                    : length_ >= 6 ? fixed16(0.9)
                                                   : 65536 * length_ / 6;
        const std::uint64_t confidence = std::uint64_t{rate_.value()} * trust >> 16;  // < 2^17
        const std::uint64_t limited = confidence < fixed16(0.96) ? confidence : fixed16(0.96);
        return static_cast<std::uint32_t>(limited * fixed16(0.85) >> 16);
    }
    [[nodiscard]] static std::uint64_t hash(const block_history& history, unsigned length) noexcept {
        if (history.size < length) return 0;
        if (length <= 8) return context_hash(history.last(length), length);
        const auto before = load_le<std::uint64_t>(history.bytes + history.size - length);
        return context_hash(history.recent + context_hash(before, length), length);
    }
    [[nodiscard]] static bool agrees(const block_history& history, std::size_t source,
                                     unsigned length) noexcept {
        if (source < length || source >= history.size) return false;
        const std::uint8_t* const end = history.bytes + history.size;
        return std::memcmp(history.bytes + source - length, end - length, length) == 0;
    }
    [[nodiscard]] std::size_t place(std::size_t i) const noexcept {
        return i * used_ + (static_cast<std::size_t>(hashes_[i]) & (used_ - 1));
    }

    table<std::uint32_t> places_;
    std::size_t used_ = 0;  // positions of each length
    std::array<std::uint64_t, lengths.size()> hashes_{};
    hit_rate rate_;
    std::size_t source_ = 0;  // position of the predicted byte, below that of the next one; 0: no match
    std::size_t streak_ = 0;
    unsigned length_ = 0;
    std::uint8_t guess_ = 0;
};

}  // namespace pith::inline v1::mixing
