// A circuit's parameters and a circuit's records as intervals of a range coder, one form for both directions.
// Probabilities are kept as 6-bit levels of their logarithm, coded under adaptive bits.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/bytes.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>
#include <pith/entropy/range_cdf.hpp>
#include <pith/mixing/circuit.hpp>

namespace pith::inline v1::mixing {

namespace detail {

/// The two directions as one: `code` takes the symbol when it encodes, and gives it when it decodes.
template <byte_sink Sink>
class symbol_writer_end {
  public:
    explicit symbol_writer_end(Sink& sink) noexcept : encoder_(sink) {}
    static constexpr bool encodes = true;
    template <unsigned Precision>
    std::uint32_t code(std::uint32_t symbol, std::span<const std::uint32_t> cumulative) {
        encoder_.template put<Precision>(
            entropy::cumulative_model<Precision>(cumulative).interval_of(symbol));
        return symbol;
    }
    /// A bit that is 1 with probability one / 2^Precision.
    template <unsigned Precision>
    bool code_bit(bool bit, std::uint32_t one) {
        encoder_.template put<Precision>(bit ? entropy::interval{0, one}
                                             : entropy::interval{one, (std::uint32_t{1} << Precision) - one});
        return bit;
    }
    /// One of 2^Precision equally likely values.
    template <unsigned Precision>
    std::uint32_t code_even(std::uint32_t value) {
        encoder_.template put<Precision>({value, 1});
        return value;
    }
    void finish() { encoder_.finish(); }

  private:
    entropy::cdf_encoder<Sink> encoder_;
};

class symbol_reader_end {
  public:
    explicit symbol_reader_end(byte_view in) noexcept : decoder_(in) {}
    static constexpr bool encodes = false;
    template <unsigned Precision>
    std::uint32_t code(std::uint32_t, std::span<const std::uint32_t> cumulative) noexcept {
        const auto found =
            entropy::cumulative_model<Precision>(cumulative).at(decoder_.template slot<Precision>());
        decoder_.template remove<Precision>(found.where);
        return found.symbol;
    }
    template <unsigned Precision>
    bool code_bit(bool, std::uint32_t one) noexcept {
        const bool bit = decoder_.template slot<Precision>() < one;
        decoder_.template remove<Precision>(
            bit ? entropy::interval{0, one} : entropy::interval{one, (std::uint32_t{1} << Precision) - one});
        return bit;
    }
    template <unsigned Precision>
    std::uint32_t code_even(std::uint32_t) noexcept {
        const std::uint32_t value = decoder_.template slot<Precision>();
        decoder_.template remove<Precision>({value, 1});
        return value;
    }
    [[nodiscard]] result<void> finish() const noexcept { return decoder_.finish(); }

  private:
    entropy::cdf_decoder decoder_;
};

}  // namespace detail

template <class E>
concept symbol_end = requires(E e, std::uint32_t v, bool bit, std::span<const std::uint32_t> cumulative) {
    { E::encodes } -> std::convertible_to<bool>;
    { e.template code<24>(v, cumulative) } -> std::same_as<std::uint32_t>;
    { e.template code_bit<24>(bit, v) } -> std::same_as<bool>;
    { e.template code_even<8>(v) } -> std::same_as<std::uint32_t>;
};

/// Codes tree and parameters; afterwards the circuit is what its stored form says, on both sides.
class circuit_code {
    static constexpr unsigned level_bits = 6;
    static constexpr std::size_t levels = std::size_t{1} << level_bits;

  public:
    circuit_code() {
        for (std::size_t l = 0; l < levels; ++l) {
            const double step = static_cast<double>(l);
            probability_[l] = static_cast<float>(exact::exp2(exact::mul(-0.25, step)));
            ones_[l] = static_cast<float>(exact::logistic(exact::mul(0.375, step - 31.5)));
        }
    }

    /// False if what was decoded is no tree that an encoder writes. The circuit's shape is known; `tree` is
    /// its tree when encoding.
    template <symbol_end End>
    [[nodiscard]] bool code(End& end, circuit& model, const circuit_shape& shape) noexcept {
        std::uint8_t parents[circuit_tree::max_size] = {};
        for (std::size_t i = 0; i < shape.variables; ++i) {
            if constexpr (End::encodes) parents[i] = static_cast<std::uint8_t>(model.tree().parent(i));
            parents[i] = static_cast<std::uint8_t>(end.template code_even<8>(parents[i]));
        }
        circuit_tree tree;
        if (!tree.assign({parents, shape.variables})) return false;
        model.reshape(shape, tree);
        for (auto& kind : bits_) kind.fill({});
        for (std::size_t i = 0; i < shape.variables; ++i) {
            const bool root = i == tree.root();
            std::size_t before = 0;
            for (std::size_t z = 0; z < shape.states; ++z)
                if (!root || z == 0) code_row(end, model.transition(i, z), 0, before);
            for (std::size_t z = 0; z < shape.states; ++z) {
                if (shape.symbols == 2)
                    code_pair(end, model.emission(i, z), before);
                else
                    code_row(end, model.emission(i, z), 8, before);
            }
        }
        model.refresh();
        return true;
    }

  private:
    using predictor = entropy::adaptive_bit<entropy::bit_rates{5, 0, 1}>;

    template <symbol_end End>
    std::size_t code_level(End& end, std::size_t level, std::size_t kind) noexcept {
        std::array<predictor, levels>& tree = bits_[kind];
        std::size_t node = 1;
        for (unsigned k = level_bits; k-- > 0;) {
            predictor& p = tree[node];
            const bool bit = end.template code_bit<16>(((level >> k) & 1) != 0, p.probability_of_one());
            p.update(bit);
            node = 2 * node + (bit ? 1 : 0);
        }
        return node - levels;
    }

    /// A distribution: the levels of its logarithms, then scaled to one.
    template <symbol_end End>
    void code_row(End& end, std::span<float> row, std::size_t kind, std::size_t& before) noexcept {
        for (float& p : row) {
            const std::size_t level = End::encodes ? level_of(static_cast<double>(p)) : 0;
            before = code_level(end, level, kind + before / 8);
            p = probability_[before];
        }
        const float scale = 1.0F / exact::sum(row);  // the sum is in [2^-15, 256]
        for (float& p : row) {
            const float scaled = p * scale;
            p = scaled < 0x1p-18F ? 0x1p-18F : scaled;
        }
    }
    template <symbol_end End>
    void code_pair(End& end, std::span<float> row, std::size_t& before) noexcept {
        std::size_t level = 0;
        if constexpr (End::encodes) {
            while (level + 1 < levels &&
                   exact::mul(ones_[level], ones_[level + 1]) < exact::mul(row[1], row[1]))
                ++level;  // the geometric mean of neighbours divides them
        }
        before = code_level(end, level, 16 + before / 8);
        row[1] = ones_[before];
        row[0] = 1.0F - ones_[before];
    }
    [[nodiscard]] static std::size_t level_of(double p) noexcept {
        const double quarters = exact::mul(-4.0 / exact::detail::ln2, exact::log(p)) + 0.5;
        return quarters < 0.0 ? 0 : quarters >= 63.0 ? 63 : static_cast<std::size_t>(quarters);
    }

    std::array<float, levels> probability_;
    std::array<float, levels> ones_;  // P(1) by level, evenly spaced in the logistic domain
    std::array<std::array<predictor, levels>, 24> bits_;
};

/// Codes one record under a circuit: symbols[i] is the symbol of variable i.
class circuit_record_code {
  public:
    template <symbol_end End>
    void code(End& end, const circuit& model, circuit_walk& walk, std::uint8_t* symbols) noexcept {
        const std::size_t count = model.shape().symbols;
        for (walk.start(model); !walk.done();) {
            std::uint8_t& symbol = symbols[walk.variable()];
            walk.conditional({weights_.data(), count});
            if (count == 2) {
                const float one = weights_[1] / (weights_[0] + weights_[1]);
                symbol = end.template code_bit<precision>(symbol != 0, fixed(one)) ? 1 : 0;
            } else {
                for (std::size_t x = 0; x < count; ++x)
                    scaled_[x] = static_cast<std::uint64_t>(weights_[x] * 0x1p30F);  // <= 2^31
                entropy::frequencies_from_weights<precision>({scaled_.data(), count},
                                                             {frequencies_.data(), count});
                entropy::accumulate({frequencies_.data(), count}, {cumulative_.data(), count + 1});
                symbol = static_cast<std::uint8_t>(
                    end.template code<precision>(symbol, {cumulative_.data(), count + 1}));
            }
            walk.observe(symbol);
        }
    }

  private:
    static constexpr unsigned precision = 24;
    /// In 1..2^24 - 1.
    [[nodiscard]] static std::uint32_t fixed(float p) noexcept {
        const auto v = static_cast<std::uint32_t>(p * 0x1p24F);
        return v < 1 ? 1 : v > 0xFF'FFFF ? 0xFF'FFFF : v;
    }

    std::array<float, 256> weights_{};
    std::array<std::uint64_t, 256> scaled_{};
    std::array<std::uint32_t, 256> frequencies_{};
    std::array<std::uint32_t, 257> cumulative_{};
};

}  // namespace pith::inline v1::mixing
