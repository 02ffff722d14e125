// Match model over bytes: predicts what followed the longest repetition of the last bytes.
// After the match model of paq (Mahoney), with Midicoth's five lengths and confidences; matches are verified.
#pragma once
#ifndef MH
#define MH 1
#define MT 2
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/bytes.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/byte_distribution.hpp>
#include <pith/mixing/byte_history.hpp>
#include <pith/mixing/hit_rate.hpp>

namespace pith::inline v1::mixing {

/// An expert that gives all its mass to one byte. Tables of up to Places positions for each length.
template <std::size_t Places = std::size_t{1} << 20>
class byte_match {
    static constexpr std::array<unsigned, 5> lengths{16, 12, 8, 6, 4};

  public:
    static constexpr std::size_t memory = lengths.size() * Places * sizeof(std::uint32_t);

    byte_match() : places_(table<std::uint32_t>::unset(lengths.size() * Places)) { reset(0); }

    void reset(std::size_t n) noexcept {
        used_ = detail::scaled(n, 1, 256, Places);
        std::memset(places_.data(), 0, lengths.size() * used_ * sizeof(std::uint32_t));
        rate_ = hit_rate(MH, MT);
        source_ = 0;
        streak_ = 0;
    }

    void prepare(const byte_history& history) noexcept {
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            hashes_[i] = hash(history, lengths[i]);
            __builtin_prefetch(place(i));
        }
    }
    /// Finds what to predict. The share of the mixture that it asks for, in 16-bit fixed point.
    [[nodiscard]] std::uint32_t look_up(const byte_history& history) noexcept {
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            std::uint32_t* const at = place(i);
            if (source_ == 0 && *at != 0 && agrees(history, *at, lengths[i])) {
                source_ = *at;
                streak_ = 0;
                length_ = lengths[i];
            }
            *at = static_cast<std::uint32_t>(history.size);
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
        streak_ = hit ? streak_ + 1 : 0;
    }

  private:
    // Of Midicoth: a match that goes on is trusted by its streak, a new one by its length.
    [[nodiscard]] std::uint32_t share() const noexcept {
        const std::uint32_t rate = rate_.value();  // <= 2^16
        std::uint32_t trust = streak_ == 0 ? (length_ >= 6 ? 58982 : 65536 * length_ / 6)
                                           : 42598 + 2621 * (streak_ < 64 ? streak_ : 64);
        std::uint64_t confidence = std::uint64_t{rate} * trust >> 16;
        confidence = confidence < 62915 ? confidence : 62915;
        const std::uint64_t wanted = confidence * 55705 >> 16;  // 0.85
        return static_cast<std::uint32_t>(wanted < 62259 ? wanted : 62259);
    }
    [[nodiscard]] static std::uint64_t hash(const byte_history& history, unsigned length) noexcept {
        if (history.size < length) return 0;
        if (length <= 8) return context_hash(history.last(length), length);
        const auto before = load_le<std::uint64_t>(history.bytes + history.size - length);
        return context_hash(history.recent + context_hash(before, length), length);
    }
    [[nodiscard]] static bool agrees(const byte_history& history, std::size_t source, unsigned length) noexcept {
        if (source < length) return false;
        return std::memcmp(history.bytes + source - length, history.bytes + history.size - length, length) == 0;
    }
    [[nodiscard]] std::uint32_t* place(std::size_t i) noexcept {
        return places_.data() + i * used_ + (static_cast<std::size_t>(hashes_[i]) & (used_ - 1));
    }

    table<std::uint32_t> places_;
    std::size_t used_ = 0;  // positions of each length
    std::array<std::uint64_t, lengths.size()> hashes_{};
    hit_rate rate_{1, 2};
    std::uint32_t source_ = 0;  // position of the predicted byte; 0: none
    std::uint32_t streak_ = 0;
    unsigned length_ = 0;
    std::uint8_t guess_ = 0;
};

}  // namespace pith::inline v1::mixing
