// Bitshift trellises: the level of a value is computed from a window of bits that moves on by a few bits from
// value to value, so that k bits a value choose among 2^16 levels and every position decodes by itself.
// Trellis-coded quantization (Marcellin and Fischer, 1990) with the shift register and the computed codes of
// QTIP (Tseng et al., 2024). What differs: an own hash, windows that run from the lowest bit, and a search
// that keeps costs of contexts instead of states and no back pointers.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>

namespace pith::inline v1::vector {

namespace detail {

// Eight values at a time; lowered to what the machine has.
using float_x8 = float __attribute__((vector_size(32)));
using word_x8 = std::uint32_t __attribute__((vector_size(32)));
using integer_x8 = std::int32_t __attribute__((vector_size(32)));

}  // namespace detail

/// Levels as whole numbers, computed from a window of bits: levels(w, out) for each of eight windows, |level|
/// < 2^11, and `deviation`, their root mean square over all windows. Law: the same numbers on every machine.
template <class C>
concept window_code = requires(const detail::word_x8& windows, detail::integer_x8& out) {
    {C::levels(windows, out)};
    { C::deviation } -> std::convertible_to<float>;
};

/// The sum of the four bytes of a multiple of the window: nearly normal, as sums are. The multiplier is the
/// best of fifteen; of an ill-chosen one a tenth more error comes.
struct summed_bytes {
    static constexpr float deviation = 147.8F;  // sqrt(4 (256^2 - 1) / 12)

    static void levels(const detail::word_x8& windows, detail::integer_x8& out) noexcept {
        const detail::word_x8 mixed = windows * 0x3A44'61F3U + 0x7F4A'7C15U;
        const detail::word_x8 pairs = (mixed & 0x00FF'00FFU) + (mixed >> 8 & 0x00FF'00FFU);
        out = __builtin_convertvector((pairs & 0xFFFFU) + (pairs >> 16), detail::integer_x8) - 510;
    }
};

/// The trellis of `Bits` bits a value and windows of `Window` bits: eight bits of window gain 1.7 dB over the
/// best scalar quantizer at 2 bits, twelve 2.1 dB, sixteen 2.3 dB.
template <unsigned Bits, unsigned Window = 16, window_code Code = summed_bytes>
requires(Bits >= 1 && Bits <= 4 && Window >= 8 && Window <= 16) struct bitshift_trellis {
    static constexpr unsigned bits = Bits, window = Window;
    /// Normal values of this deviation are coded best: levels are scarce far out.
    static constexpr float deviation = Code::deviation * (Bits < 3 ? 1.0F : Bits == 3 ? 0.97F : 0.95F);
    /// Values that share one circle of bits.
    static constexpr std::size_t max_values = 256;

    [[nodiscard]] static constexpr std::size_t bytes_of(std::size_t values) noexcept {
        return (values * Bits + 7) / 8;
    }

    /// out[i] = the level of the window that begins at bit i * Bits of a circle of out.size() * Bits bits,
    /// times scale. Exact. Precondition: at most max_values, code.size() == bytes_of(out.size()).
    static void decode_into(byte_view code, float scale, std::span<float> out) noexcept {
        PITH_ASSERT(out.size() <= max_values && code.size() == bytes_of(out.size()));
        std::array<std::uint8_t, max_values * Bits / 8 + 16> circle{};
        if (out.empty()) return;
        std::memcpy(circle.data(), code.data(), code.size());
        close(circle, out.size() * Bits);
        constexpr detail::word_x8 shifts{0, Bits, 2 * Bits, 3 * Bits, 0, Bits, 2 * Bits, 3 * Bits};
        for (std::size_t i = 0; i < out.size(); i += 8) {
            // The last window of four ends at bit 3 * 4 + 16 of its word.
            const std::uint64_t word = load_le<std::uint64_t>(circle.data() + i / 8 * Bits);
            const auto low = static_cast<std::uint32_t>(word),
                       high = static_cast<std::uint32_t>(word >> 4 * Bits);
            const detail::word_x8 words{low, low, low, low, high, high, high, high};
            detail::integer_x8 levels;
            Code::levels(words >> shifts & mask, levels);
            const detail::float_x8 values = __builtin_convertvector(levels, detail::float_x8) * scale;
            const std::size_t count = out.size() - i < 8 ? out.size() - i : 8;
            if (count == 8)
                std::memcpy(out.data() + i, &values, sizeof values);
            else
                std::memcpy(out.data() + i, &values, count * sizeof(float));
        }
    }

    /// levels[w] = the level of window w. Precondition: levels.size() == 2^Window.
    static void levels_into(std::span<float> levels) noexcept {
        PITH_ASSERT(levels.size() == std::size_t{1} << Window);
        detail::word_x8 windows{0, 1, 2, 3, 4, 5, 6, 7};
        for (std::size_t w = 0; w < levels.size(); w += 8, windows += 8) {
            detail::integer_x8 whole;
            Code::levels(windows, whole);
            const auto values = __builtin_convertvector(whole, detail::float_x8);
            std::memcpy(levels.data() + w, &values, sizeof values);
        }
    }

  private:
    static constexpr std::uint32_t mask = (1U << Window) - 1;

    /// Repeats the bits from the first on behind the last, as many as a window has.
    static void close(std::span<std::uint8_t> circle, std::size_t end) noexcept {
        for (std::size_t i = 0; i < Window; ++i) {
            const unsigned bit = unsigned{circle[i / 8]} >> i % 8 & 1U;
            std::uint8_t& to = circle[(end + i) / 8];
            to = static_cast<std::uint8_t>((to & ~(1U << (end + i) % 8)) | bit << (end + i) % 8);
        }
    }
};

/// Viterbi's algorithm over the trellis, with one instance for many circles: the codes of least squared
/// error, up to the choice of the context in which a circle is closed. 2^Window / 8 steps a value; memory: 4
/// * 257 * 2^(Window - Bits) + 4 * 2^Window bytes. Encoder-side.
template <class Trellis>
class bitshift_search {
    static constexpr unsigned bits = Trellis::bits, window = Trellis::window;
    static constexpr std::uint32_t contexts = 1U << (window - bits), branches = 1U << bits;
    static constexpr float never = 1e30F;
    static constexpr std::size_t reach = 64;  ///< values on either side that decide where a circle is closed

  public:
    bitshift_search() : levels_(std::size_t{1} << window), costs_(contexts) { Trellis::levels_into(levels_); }

    /// codes[i] is the number of `bits` bits at bit i * bits of the circle. `place(i)` gives value i in units
    /// of levels. Precondition: 1 to max_values codes.
    template <class Place>
    void find(const Place& place, std::span<std::uint8_t> codes) {
        PITH_ASSERT(!codes.empty() && codes.size() <= Trellis::max_values);
        places_.resize(codes.size());
        // The window of a value holds the codes behind it: time runs backwards.
        for (std::size_t t = 0; t < codes.size(); ++t) places_[t] = place(codes.size() - 1 - t);
        chosen_.resize(codes.size());
        if (codes.size() * bits <= window) {
            try_all();
        } else {
            costs_.resize((codes.size() + 1) * contexts);
            const std::uint32_t meeting = context_at_start();
            for (std::size_t c = 0; c < contexts; ++c) costs_[c] = never;
            costs_[meeting] = 0;
            pass(places_);
            trace(places_, meeting, 0);
        }
        for (std::size_t t = 0; t < codes.size(); ++t) codes[codes.size() - 1 - t] = chosen_[t];
    }

  private:
    /// The context before the first value: that of the best path through the values on both sides, which may
    /// begin and end anywhere.
    std::uint32_t context_at_start() {
        const std::size_t n = places_.size(), half = n / 2 < reach ? n / 2 : reach;
        around_.assign(places_.end() - static_cast<std::ptrdiff_t>(half), places_.end());
        around_.insert(around_.end(), places_.begin(), places_.begin() + static_cast<std::ptrdiff_t>(half));
        for (std::size_t c = 0; c < contexts; ++c) costs_[c] = 0;
        pass(around_);
        const float* const end = costs_.data() + around_.size() * contexts;
        std::uint32_t last = 0;
        for (std::uint32_t c = 1; c < contexts; ++c)
            if (end[c] < end[last]) last = c;
        return trace(around_, last, half);
    }
    /// Costs of all contexts after each value, given those before the first. A window w leads from the
    /// context w >> bits to the context of its low bits.
    void pass(std::span<const float> places) noexcept {
        for (std::size_t t = 0; t < places.size(); ++t)
            step(places[t], costs_.data() + t * contexts, costs_.data() + (t + 1) * contexts);
    }
    void step(float place, const float* before, float* after) const noexcept {
        for (std::size_t c = 0; c < contexts; c += 8) {
            const float *levels = levels_.data() + c, *from = before + (c >> bits);
            detail::float_x8 least = detail::float_x8{} + 4 * never;
            for (std::size_t j = 0; j < branches; ++j) {  // the windows of low bits c and high bits j
                detail::float_x8 level, cost;
                std::memcpy(&level, levels + j * contexts, sizeof level);
                repeat(from + j * (contexts >> bits), cost);
                const detail::float_x8 apart = place - level;
                cost += apart * apart;
                least = cost < least ? cost : least;
            }
            std::memcpy(after + c, &least, sizeof least);
        }
    }
    /// The values from p on, each 2^bits times, eight in all.
    static void repeat(const float* p, detail::float_x8& out) noexcept {
        if constexpr (bits >= 3) {
            out = detail::float_x8{p[0], p[0], p[0], p[0], p[0], p[0], p[0], p[0]};
        } else if constexpr (bits == 2) {
            constexpr detail::integer_x8 right{0, 0, 0, 0, -1, -1, -1, -1};
            const detail::float_x8 a{p[0], p[0], p[0], p[0], p[0], p[0], p[0], p[0]};
            const detail::float_x8 b{p[1], p[1], p[1], p[1], p[1], p[1], p[1], p[1]};
            out = right ? b : a;
        } else {
            out = detail::float_x8{p[0], p[0], p[1], p[1], p[2], p[2], p[3], p[3]};
        }
    }
    /// Follows the best path from a context after the last value back to time `until`, whose context it
    /// gives.
    std::uint32_t trace(std::span<const float> places, std::uint32_t context, std::size_t until) noexcept {
        for (std::size_t t = places.size(); t-- > until;) {
            chosen_[t] = static_cast<std::uint8_t>(context & (branches - 1));
            const float* const before = costs_.data() + t * contexts;
            std::uint32_t from = context >> bits;
            float least = 4 * never;
            for (std::uint32_t j = 0; j < branches; ++j) {
                const std::uint32_t w = context + j * contexts;
                const float apart = places[t] - levels_[w], cost = before[w >> bits] + apart * apart;
                if (cost < least) least = cost, from = w >> bits;
            }
            context = from;
        }
        return context;
    }
    /// Circles no longer than a window: each is tried.
    void try_all() {
        const std::size_t n = places_.size(), total = n * bits;
        float least = 4 * never;
        for (std::uint32_t circle = 0; circle < std::uint32_t{1} << total; ++circle) {
            std::uint64_t turns = circle;  // two windows' length of it and more
            for (std::size_t length = total; length < 2 * window; length *= 2) turns |= turns << length;
            float sum = 0;
            for (std::size_t t = 0; t < n; ++t) {
                const std::uint64_t w = turns >> (n - 1 - t) * bits & (levels_.size() - 1);
                const float apart = places_[t] - levels_[w];
                sum += apart * apart;
            }
            if (!(sum < least)) continue;
            least = sum;
            for (std::size_t t = 0; t < n; ++t)
                chosen_[t] = static_cast<std::uint8_t>(circle >> (n - 1 - t) * bits & (branches - 1));
        }
    }

    std::vector<float> levels_, costs_, places_, around_;
    std::vector<std::uint8_t> chosen_;
};

}  // namespace pith::inline v1::vector
