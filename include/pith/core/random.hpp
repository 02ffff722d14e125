// A counter-based random generator: the same numbers on every machine, any of them reachable at once.
// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, 2011); bounded integers after Lemire (2019).
#pragma once

#include <array>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/core/exact_math.hpp>

namespace pith::inline v1 {

/// Philox 4x32 with ten rounds: four random words that are a pure function of counter and key.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                            std::array<std::uint32_t, 2> key) noexcept {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t even = std::uint64_t{0xD251'1F53} * counter[0];
        const std::uint64_t odd = std::uint64_t{0xCD9E'8D57} * counter[2];
        counter = {
            static_cast<std::uint32_t>(odd >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(odd),
            static_cast<std::uint32_t>(even >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(even)};
        key[0] += 0x9E37'79B9U;
        key[1] += 0xBB67'AE85U;
    }
    return counter;
}

/// An endless sequence of 2^66 words, chosen by a seed and a stream number. Exact: equal on every machine.
/// Not for secrets. Satisfies std::uniform_random_bit_generator.
class random_sequence {
  public:
    using result_type = std::uint32_t;

    explicit constexpr random_sequence(std::uint64_t seed, std::uint64_t stream = 0) noexcept
        : seed_(seed), stream_(stream) {}

    [[nodiscard]] static constexpr result_type min() noexcept { return 0; }
    [[nodiscard]] static constexpr result_type max() noexcept { return 0xFFFF'FFFFU; }

    /// The next 32 random bits.
    constexpr std::uint32_t operator()() noexcept {
        if (used_ == 4) {
            words_ =
                philox({low(block_), high(block_), low(stream_), high(stream_)}, {low(seed_), high(seed_)});
            ++block_;
            used_ = 0;
        }
        return words_[used_++];
    }
    /// The next 64 random bits: two words, the first one below.
    constexpr std::uint64_t next_64() noexcept {
        const std::uint64_t below = (*this)();
        return below | std::uint64_t{(*this)()} << 32;
    }
    /// Moves to the first word of block `block` (four words each).
    constexpr void seek(std::uint64_t block) noexcept {
        block_ = block;
        used_ = 4;
    }
    /// An integer in [0, n), each equally likely; n >= 1. Takes one word, rarely more.
    constexpr std::uint32_t below(std::uint32_t n) noexcept {
        PITH_ASSERT(n >= 1);
        std::uint64_t product = std::uint64_t{(*this)()} * n;
        if (low(product) < n) {
            const std::uint32_t surplus = (0U - n) % n;  // 2^32 mod n
            while (low(product) < surplus) product = std::uint64_t{(*this)()} * n;
        }
        return high(product);
    }
    /// A multiple of 2^-24 in [0, 1).
    constexpr float uniform() noexcept { return static_cast<float>((*this)() >> 8) * 0x1p-24F; }
    /// A multiple of 2^-53 in [0, 1).
    constexpr double uniform_double() noexcept { return static_cast<double>(next_64() >> 11) * 0x1p-53; }
    /// A normal deviate with mean 0 and variance 1, |value| < 8.6, through core/exact (Box and Muller, 1958).
    /// Takes four words.
    double gaussian() noexcept {
        const double radius_draw = static_cast<double>((next_64() >> 11) + 1) * 0x1p-53;  // (0, 1]
        const double angle = uniform_double();
        const double radius = exact::sqrt(exact::mul(-2.0, exact::log(radius_draw)));
        return exact::mul(radius, exact::cos_of_turns(angle));
    }

  private:
    static constexpr std::uint32_t low(std::uint64_t v) noexcept { return static_cast<std::uint32_t>(v); }
    static constexpr std::uint32_t high(std::uint64_t v) noexcept {
        return static_cast<std::uint32_t>(v >> 32);
    }

    std::uint64_t seed_;
    std::uint64_t stream_;
    std::uint64_t block_ = 0;
    std::array<std::uint32_t, 4> words_{};
    unsigned used_ = 4;
};

}  // namespace pith::inline v1
