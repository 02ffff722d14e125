// Coding of symbols as their rank under a distribution, and of ranks by an adaptive model of order 0.
// LLMZip (Valmeekam, Narayanan, Kalathil, Chamberland, Shakkottai, 2023) hands ranks to a general compressor;
// here adaptive bits take them: the position of the top bit, then the bits below it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>
#include <pith/mixing/concepts.hpp>

namespace pith::inline v1::mixing {

namespace detail {
/// Orders like the probabilities: floats that are not negative compare as their bits do. NaN and what is
/// below 2^-64 count as zero.
[[nodiscard]] constexpr std::uint32_t order_key(float p) noexcept {
    return p >= 0x1p-64F ? std::bit_cast<std::uint32_t>(p) : 0;
}
}  // namespace detail

/// How many symbols are more probable, equal ones counted by lower number. Exact.
[[nodiscard]] constexpr std::uint32_t rank_of(std::span<const float> p, std::uint32_t symbol) noexcept {
    PITH_ASSERT(symbol < p.size());
    const std::uint32_t own = detail::order_key(p[symbol]);
    std::uint32_t rank = 0;
    for (std::size_t i = 0; i < symbol; ++i) rank += detail::order_key(p[i]) >= own;
    for (std::size_t i = symbol + std::size_t{1}; i < p.size(); ++i) rank += detail::order_key(p[i]) > own;
    return rank;
}

/// The symbol of a rank, rank < p.size(): the inverse of rank_of. Four passes, whatever the rank. Exact.
[[nodiscard]] constexpr std::uint32_t symbol_of_rank(std::span<const float> p, std::uint32_t rank) noexcept {
    PITH_ASSERT(rank < p.size());
    std::uint32_t key = 0;   // of the symbol, as far as it is known
    std::uint32_t mask = 0;  // which bits those are
    for (unsigned shift = 32; shift > 0;) {
        shift -= 8;
        std::array<std::uint32_t, 256> count{};
        for (const float v : p) {
            const std::uint32_t k = detail::order_key(v);
            if ((k & mask) == key) ++count[(k >> shift) & 255];
        }
        std::uint32_t digit = 255;
        for (; rank >= count[digit]; --digit) rank -= count[digit];
        key |= digit << shift;
        mask |= std::uint32_t{255} << shift;
    }
    for (std::size_t i = 0; i < p.size(); ++i)
        if (detail::order_key(p[i]) == key && rank-- == 0) return static_cast<std::uint32_t>(i);
    return 0;
}

/// An adaptive model of integers below max_alphabet: which bit of n + 1 is the top one, then up to four bits
/// below it in its context, the rest flat. Exact.
class adaptive_ranks {
  public:
    template <class Encoder>
    void put(Encoder& coder, std::uint32_t n) {
        const std::uint32_t v = n + 1;
        const auto width = static_cast<unsigned>(std::bit_width(v)) - 1;  // 0..20
        put_bits(coder, widths_, width, width_bits);
        const unsigned modelled = width < most_modelled ? width : most_modelled;
        const std::uint32_t rest = v - (std::uint32_t{1} << width);
        put_bits(coder, below_[width], rest >> (width - modelled), modelled);
        for (unsigned k = width - modelled; k-- > 0;) coder.put(((rest >> k) & 1) != 0, 32768);
    }
    /// A number below 2^21, whatever the input.
    template <class Decoder>
    [[nodiscard]] std::uint32_t get(Decoder& coder) noexcept {
        const std::uint32_t coded = get_bits(coder, widths_, width_bits);
        const unsigned width = coded < max_width ? coded : max_width;
        const unsigned modelled = width < most_modelled ? width : most_modelled;
        std::uint32_t v = (std::uint32_t{1} << modelled) | get_bits(coder, below_[width], modelled);
        for (unsigned k = width - modelled; k-- > 0;) v = 2 * v + (coder.get(32768) ? 1U : 0U);
        return v - 1;
    }

  private:
    static constexpr unsigned width_bits = 5;
    static constexpr unsigned max_width = 20;
    static constexpr unsigned most_modelled = 4;
    using bit = entropy::adaptive_bit<entropy::bit_rates{7, 0, 1}>;

    template <class Encoder, std::size_t N>
    static void put_bits(Encoder& coder, std::array<bit, N>& tree, std::uint32_t value, unsigned bits) {
        for (std::size_t node = 1; bits-- > 0;) {
            const bool one = ((value >> bits) & 1) != 0;
            coder.put(one, tree[node].probability_of_one());
            tree[node].update(one);
            node = 2 * node + (one ? 1 : 0);
        }
    }
    template <class Decoder, std::size_t N>
    [[nodiscard]] static std::uint32_t get_bits(Decoder& coder, std::array<bit, N>& tree,
                                                unsigned bits) noexcept {
        std::size_t node = 1;
        for (unsigned k = 0; k < bits; ++k) {
            const bool one = coder.get(tree[node].probability_of_one());
            tree[node].update(one);
            node = 2 * node + (one ? 1 : 0);
        }
        return static_cast<std::uint32_t>(node) & ((1U << bits) - 1);
    }

    std::array<bit, std::size_t{1} << width_bits> widths_{};
    std::array<std::array<bit, std::size_t{1} << most_modelled>, max_width + 1> below_{};
};

/// A symbol_coding: ranks under adaptive_ranks. It keeps nothing of a distribution but the order, so it costs
/// what the shape of the distribution was worth; in return small errors of probabilities cost nothing. Exact.
class rank_coding {
  public:
    explicit rank_coding(std::size_t) noexcept {}

    template <byte_sink Sink>
    class encoder {
      public:
        encoder(Sink& sink, rank_coding&) noexcept : coder_(sink) {}
        void put(std::span<const float> p, std::uint32_t symbol) { ranks_.put(coder_, rank_of(p, symbol)); }
        void finish() { coder_.finish(); }

      private:
        entropy::binary_encoder<Sink> coder_;
        adaptive_ranks ranks_;
    };

    class decoder {
      public:
        decoder(byte_view in, rank_coding&) noexcept : coder_(in) {}
        [[nodiscard]] std::uint32_t get(std::span<const float> p) noexcept {
            const std::uint32_t rank = ranks_.get(coder_);
            if (rank >= p.size()) valid_ = false;
            return symbol_of_rank(p, rank < p.size() ? rank : 0);
        }
        [[nodiscard]] result<void> finish() const noexcept {
            if (!valid_) return error{error_code::bad_stream, 0, "a rank outside the alphabet"};
            return coder_.finish();
        }

      private:
        entropy::binary_decoder<> coder_;
        adaptive_ranks ranks_;
        bool valid_ = true;
    };
};

}  // namespace pith::inline v1::mixing
