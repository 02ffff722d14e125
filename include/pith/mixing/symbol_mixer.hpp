// Bytes under up to 15 context numbers: a binary tree of adaptive probabilities for each, mixed bit by bit.
// After lpaq (Mahoney, 2007), with numbers in place of hashed text: for planes of tensors, images, records.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>
#include <pith/core/fixed.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/mixing/adaptive_map.hpp>
#include <pith/mixing/apm.hpp>
#include <pith/mixing/mixer.hpp>

namespace pith::inline v1::mixing {

/// What is known before a symbol. Numbers are below symbol_mixer::contexts, selectors below
/// symbol_mixer::selections.
struct symbol_contexts {
    std::array<std::uint32_t, 15> number{};
    std::array<std::uint32_t, 2> selector{};
};

/// Learns while it codes; both sides see the same. 8.5 MB. Exact.
template <mixing_kernel Kernel>
class symbol_mixer {
  public:
    static constexpr std::size_t inputs = 15;
    static constexpr std::size_t contexts = 512;
    static constexpr std::size_t selections = 64;

    symbol_mixer() { reset(); }

    void reset() noexcept {
        constexpr adaptive_probability even{};
        for (std::uint32_t& p : maps_) p = even.bits();
        for (auto& w : weights_) w.reset(inputs, 16384 / 6);
        refined_.reset();
        seen_ = 0;
    }

    template <byte_sink Sink>
    void encode(entropy::binary_encoder<Sink>& coder, std::uint8_t symbol, const symbol_contexts& c) {
        std::size_t node = 1;
        for (unsigned k = 8; k-- > 0;) {
            const bool bit = (symbol >> k & 1) != 0;
            coder.put(bit, predict(c, node));
            update(bit);
            node = 2 * node + (bit ? 1 : 0);
        }
    }
    [[nodiscard]] std::uint8_t decode(entropy::binary_decoder<>& coder, const symbol_contexts& c) noexcept {
        std::size_t node = 1;
        for (unsigned k = 0; k < 8; ++k) {
            const bool bit = coder.get(predict(c, node));
            update(bit);
            node = 2 * node + (bit ? 1 : 0);
        }
        return static_cast<std::uint8_t>(node);
    }

  private:
    static constexpr std::uint32_t limit = 1023;
    static constexpr std::uint32_t early = 16384;  // bits in which the rate of training falls
    static constexpr int final_rate = 30;

    std::uint32_t predict(const symbol_contexts& c, std::size_t node) noexcept {
        const auto& stretched = stretch12_table<>;
        for (std::size_t i = 0; i < inputs; ++i) {
            at_[i] = static_cast<std::uint32_t>((i * contexts + c.number[i]) * 256 + node);
            probabilities_[i] = maps_[at_[i]];
            inputs_[i] = stretched[adaptive_probability::from_bits(probabilities_[i]).p12()];
        }
        inputs_[inputs] = 256;
        int sum = 0;
        for (std::size_t k = 0; k < 2; ++k) {
            const int x = weights_[k].mix(inputs_.data(), c.selector[k] * 256 + node);
            mixed_[k] = squash16(x);
            sum += x;
        }
        const std::uint32_t plain = squash16(sum / 2);
        const std::uint32_t refined = refined_.refine(sum / 2, node);
        const std::uint32_t p = (plain + refined) / 2;
        return p < 1 ? 1 : p > 65535 ? 65535 : p;
    }
    void update(bool bit) noexcept {
        const int rate = final_rate + static_cast<int>((early - seen_) / 64);
        seen_ += seen_ < early ? 1 : 0;
        for (std::size_t k = 0; k < 2; ++k)
            weights_[k].train(inputs_.data(), (bit ? 65536 : 0) - static_cast<int>(mixed_[k]), rate);
        Kernel::template adapt<16>(probabilities_.data(), bit, limit);
        for (std::size_t i = 0; i < inputs; ++i) maps_[at_[i]] = probabilities_[i];
        refined_.update(bit, 6);
    }

    random_table<std::uint32_t> maps_ = random_table<std::uint32_t>(inputs * contexts * 256);
    std::array<weight_set<16, Kernel>, 2> weights_{weight_set<16, Kernel>(selections * 256),
                                                   weight_set<16, Kernel>(selections * 256)};
    apm refined_ = apm(256);
    alignas(64) std::array<std::int16_t, 16> inputs_{};
    alignas(64) std::array<std::uint32_t, 16> probabilities_{};
    std::array<std::uint32_t, inputs> at_{};
    std::array<std::uint32_t, 2> mixed_{};
    std::uint32_t seen_ = 0;
};

}  // namespace pith::inline v1::mixing
