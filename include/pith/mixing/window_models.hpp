// Models for windows that decode alone: learned in the window, learned beforehand, or any symbol_predictor.
// Own work; the fixed language model of Lester and others (2024) is a symbol_predictor here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/context.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>
#include <pith/mixing/concepts.hpp>
#include <pith/mixing/equal_information.hpp>
#include <pith/mixing/symbol_coding.hpp>

namespace pith::inline v1::mixing {

/// Bytes under a tree of Predictor that starts anew in each window: for windows long enough to learn in.
/// Exact.
template <entropy::bit_predictor Predictor = entropy::adaptive_bit<entropy::bit_rates{.fast = 5, .start = 1}>>
class window_bytes_model {
  public:
    using symbol_type = std::uint8_t;
    static constexpr unsigned precision = 16;

    [[nodiscard]] static constexpr unsigned symbol_bits() noexcept { return 8; }
    void restart() noexcept { *this = {}; }
    [[nodiscard]] std::uint32_t probability_of_one() const noexcept {
        return nodes_[at_].probability_of_one();
    }
    void update(bool bit) noexcept {
        nodes_[at_].update(bit);
        at_ = 2 * at_ + (bit ? 1U : 0U);
        if (at_ >= 256) at_ = 1;
    }

  private:
    std::array<Predictor, 256> nodes_{};
    std::size_t at_ = 1;
};

/// Bytes under the last Order of them in the window, or as many as there are, with probabilities learned from
/// a text beforehand and fixed since. Both sides have the same text. Exact.
template <unsigned Order>
requires(Order <= 2) class primed_bytes_model {
  public:
    using symbol_type = std::uint8_t;
    static constexpr unsigned precision = 16;

    explicit primed_bytes_model(byte_view text) : nodes_(256 * (first_row(Order) + rows(Order))) {
        for (const std::uint8_t byte : text) {
            for (unsigned b = 8; b-- > 0;) {
                const bool bit = (byte >> b & 1) != 0;
                for (unsigned order = 0; order <= known_; ++order) nodes_[place(order)].update(bit);
                at_ = 2 * at_ + (bit ? 1U : 0U);
            }
            end_byte();
        }
        restart();
    }
    [[nodiscard]] static constexpr unsigned symbol_bits() noexcept { return 8; }
    void restart() noexcept {
        known_ = 0;
        at_ = 1;
    }
    [[nodiscard]] std::uint32_t probability_of_one() const noexcept {
        return nodes_[place(known_)].probability_of_one();
    }
    void update(bool bit) noexcept {
        at_ = 2 * at_ + (bit ? 1U : 0U);
        if (at_ >= 256) end_byte();
    }

  private:
    [[nodiscard]] static constexpr std::size_t rows(unsigned order) noexcept {
        return order == 0   ? entropy::byte_context<0>::rows
               : order == 1 ? entropy::byte_context<1>::rows
                            : entropy::byte_context<2>::rows;
    }
    [[nodiscard]] static constexpr std::size_t first_row(unsigned order) noexcept {
        return order == 0 ? 0 : order == 1 ? rows(0) : rows(0) + rows(1);
    }
    [[nodiscard]] std::size_t place(unsigned order) const noexcept {
        const std::size_t row = order == 0 ? 0 : order == 1 ? one_.row() : two_.row();
        return 256 * (first_row(order) + row) + at_;
    }
    void end_byte() noexcept {
        one_.push(static_cast<std::uint8_t>(at_));
        two_.push(static_cast<std::uint8_t>(at_));
        if (known_ < Order) ++known_;
        at_ = 1;
    }

    std::vector<entropy::adaptive_bit<entropy::bit_rates{.fast = 7, .start = 1}>> nodes_;
    entropy::byte_context<1> one_{};
    entropy::byte_context<2> two_{};
    unsigned known_ = 0;  ///< bytes since the restart, at most Order
    std::size_t at_ = 1;
};

/// The symbols of a predictor by halves of its alphabet. At most `longest` symbols stand in a window. Exact
/// if the predictor is.
template <symbol_predictor Predictor>
class window_symbols_model {
  public:
    using symbol_type = std::uint32_t;
    static constexpr unsigned precision = 24;

    /// Precondition: the alphabet has at least two symbols.
    explicit window_symbols_model(Predictor predictor, std::size_t longest = std::size_t{1} << 23)
        : predictor_(std::move(predictor)),
          longest_(longest),
          p_(predictor_.alphabet_size()),
          cumulative_(p_.size() + 1) {
        PITH_ASSERT(p_.size() >= 2);
    }
    [[nodiscard]] unsigned symbol_bits() const noexcept { return bits_for(p_.size()); }
    void restart() noexcept {
        predictor_.reset(longest_);
        first_ = 0;
        left_ = symbol_bits();
        known_ = false;
    }
    [[nodiscard]] std::uint32_t probability_of_one() noexcept {
        if (!known_) {
            predictor_.predict(p_);
            cumulative_from_probabilities<precision>(p_, cumulative_);
            known_ = true;
        }
        const std::uint64_t low = below(first_), middle = below(first_ + (std::size_t{1} << (left_ - 1))),
                            high = below(first_ + (std::size_t{1} << left_));
        // The lower half is never empty, so that the quotient stays below 2^precision; each symbol has a
        // count.
        return static_cast<std::uint32_t>(((high - middle) << precision) / (high - low));
    }
    void update(bool bit) noexcept {
        --left_;
        if (bit) first_ += std::size_t{1} << left_;
        if (left_ != 0) return;
        predictor_.update(static_cast<std::uint32_t>(first_));
        first_ = 0;
        left_ = symbol_bits();
        known_ = false;
    }

  private:
    [[nodiscard]] std::uint32_t below(std::size_t symbol) const noexcept {
        return cumulative_[symbol < p_.size() ? symbol : p_.size()];
    }

    Predictor predictor_;
    std::size_t longest_;
    std::vector<float> p_;
    std::vector<std::uint32_t> cumulative_;
    std::size_t first_ = 0;  ///< symbols first_ .. first_ + 2^left_ - 1 are possible yet
    unsigned left_ = 0;
    bool known_ = false;
};

}  // namespace pith::inline v1::mixing
