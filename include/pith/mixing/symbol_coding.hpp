// Coding of symbols under real-valued distributions: exact integer frequencies and the range coder.
// Arithmetic coding with a language model as in Language Modeling Is Compression (Deletang et al., 2023);
// totals up to 2^31 against the floor that a large alphabet pays at 2^16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/range_cdf.hpp>
#include <pith/mixing/concepts.hpp>

namespace pith::inline v1::mixing {

namespace detail {

/// A probability as a weight. What is not in 2^-64 .. 2^64 counts as zero, NaN and subnormals too.
[[nodiscard]] constexpr double weight_of(float p) noexcept {
    return p >= 0x1p-64F && p <= 0x1p64F ? static_cast<double>(p) : 0.0;
}

/// The sum of weights in a fixed order of four lanes; relative error below n 2^-53.
[[nodiscard]] constexpr double sum_of_weights(std::span<const float> p) noexcept {
    double lane[4] = {};
    for (std::size_t i = 0; i < p.size(); ++i) lane[i % 4] = lane[i % 4] + weight_of(p[i]);
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

}  // namespace detail

/// Cumulative counts from 0 to 2^Precision of the frequencies 1 + floor(p_i / sum p * (2^Precision - n)), the
/// remainder given to the largest p (the first of them). No p above zero: uniform. Exact.
/// n = p.size() symbols, 1 <= n <= min(2^Precision, max_alphabet); cumulative has n + 1 places.
/// A symbol costs at most -log2(p_i / sum p) - log2(1 - n / 2^Precision) bits.
template <unsigned Precision>
requires(Precision >= 1 && Precision <= 31) constexpr void cumulative_from_probabilities(
    std::span<const float> p, std::span<std::uint32_t> cumulative) noexcept {
    constexpr std::uint32_t total = std::uint32_t{1} << Precision;
    const std::size_t n = p.size();
    PITH_ASSERT(n >= 1 && n <= total && n <= max_alphabet && cumulative.size() == n + 1);
    const std::uint32_t spread = total - static_cast<std::uint32_t>(n);
    const double sum = detail::sum_of_weights(p);
    const bool uniform = !(sum > 0.0);
    // The real shares add up to at most spread (1 + n 2^-53 + 2^-51) < spread + 1, so their floors do to at
    // most spread: what is left over is never negative.
    const double scale = static_cast<double>(spread) / (uniform ? static_cast<double>(n) : sum);
    std::size_t best = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double share = (uniform ? 1.0 : detail::weight_of(p[i])) * scale;
        cumulative[i + 1] = 1 + static_cast<std::uint32_t>(static_cast<std::int32_t>(share));
        if (p[i] > p[best]) best = i;
    }
    std::uint32_t used = 0;
    for (std::size_t i = 1; i <= n; ++i) used += cumulative[i];
    cumulative[best + 1] += total - used;
    cumulative[0] = 0;
    for (std::size_t i = 1; i <= n; ++i) cumulative[i] += cumulative[i - 1];
}

/// A symbol_coding: the range coder with totals of 2^Precision. At 24 bits a symbol costs less than 0.01 bit
/// more than its cross-entropy for alphabets up to 115,000. Exact.
template <unsigned Precision = 24>
requires(Precision >= 1 && Precision <= 31) class cdf_coding {
  public:
    explicit cdf_coding(std::size_t alphabet) : cumulative_(alphabet + 1) {
        PITH_ASSERT(alphabet <= std::size_t{1} << Precision);
    }

    template <byte_sink Sink>
    class encoder {
      public:
        encoder(Sink& sink, cdf_coding& tables) noexcept : coder_(sink), tables_(&tables) {}
        void put(std::span<const float> p, std::uint32_t symbol) {
            coder_.template put<Precision>(tables_->model_of(p).interval_of(symbol));
        }
        void finish() { coder_.finish(); }

      private:
        entropy::cdf_encoder<Sink> coder_;
        cdf_coding* tables_;
    };

    class decoder {
      public:
        decoder(byte_view in, cdf_coding& tables) noexcept : coder_(in), tables_(&tables) {}
        [[nodiscard]] std::uint32_t get(std::span<const float> p) noexcept {
            const auto found = tables_->model_of(p).at(coder_.template slot<Precision>());
            coder_.template remove<Precision>(found.where);
            return found.symbol;
        }
        [[nodiscard]] result<void> finish() const noexcept { return coder_.finish(); }

      private:
        entropy::cdf_decoder coder_;
        cdf_coding* tables_;
    };

  private:
    [[nodiscard]] entropy::cumulative_model<Precision> model_of(std::span<const float> p) noexcept {
        cumulative_from_probabilities<Precision>(p, cumulative_);
        return entropy::cumulative_model<Precision>(cumulative_);
    }

    std::vector<std::uint32_t> cumulative_;
};

/// Appends symbols as the predictor's reset state makes them cheap. symbols: each below the alphabet's size.
template <symbol_coding Coding, symbol_predictor Predictor, byte_sink Sink>
void encode_symbols(std::span<const std::uint32_t> symbols, Predictor& predictor, Sink& sink) {
    std::vector<float> p(predictor.alphabet_size());
    Coding tables(p.size());
    typename Coding::template encoder<Sink> coder(sink, tables);
    predictor.reset(symbols.size());
    for (const std::uint32_t symbol : symbols) {
        predictor.predict(p);
        coder.put(p, symbol);
        predictor.update(symbol);
    }
    coder.finish();
}

/// Fills `symbols` from the whole of `in`. Errors: truncated, trailing_data, bad_stream.
template <symbol_coding Coding, symbol_predictor Predictor>
[[nodiscard]] result<void> decode_symbols(byte_view in, Predictor& predictor,
                                          std::span<std::uint32_t> symbols) {
    std::vector<float> p(predictor.alphabet_size());
    Coding tables(p.size());
    typename Coding::decoder coder(in, tables);
    predictor.reset(symbols.size());
    for (std::uint32_t& symbol : symbols) {
        predictor.predict(p);
        symbol = coder.get(p);
        predictor.update(symbol);
    }
    return coder.finish();
}

}  // namespace pith::inline v1::mixing
