// A base model and experts that are blended into it one after the other, with the shares that they ask for.
// The order and the fixed shares are those of Midicoth (2026): p <- (1 - w) p + w q for each expert in turn.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include <pith/mixing/byte_concepts.hpp>

namespace pith::inline v1::mixing {

/// A byte_model of byte_models, with predict for coders. Since shares do not depend on masses, the product of
/// what the later experts leave is known beforehand and each mass is written once.
template <byte_model Model, byte_expert... Experts>
class linear_blend {
    using each = std::index_sequence_for<Experts...>;

  public:
    static constexpr std::size_t memory = Model::memory + (Experts::memory + ... + std::size_t{0});

    void reset(std::size_t n) noexcept {
        model_.reset(n);
        std::apply([&](auto&... expert) { (expert.reset(n), ...); }, experts_);
    }
    void prepare(const block_history& history) noexcept {
        model_.prepare(history);
        std::apply([&](auto&... expert) { (expert.prepare(history), ...); }, experts_);
    }
    [[nodiscard]] byte_evidence look_up(const block_history& history) noexcept {
        return look_up(history, each{});
    }
    void spread(byte_distribution& out, std::uint32_t mass) noexcept { spread(out, mass, each{}); }
    void update(std::uint8_t symbol) noexcept {
        model_.update(symbol);
        std::apply([&](auto&... expert) { (expert.update(symbol), ...); }, experts_);
    }

  private:
    template <std::size_t... I>
    [[nodiscard]] byte_evidence look_up(const block_history& history, std::index_sequence<I...>) noexcept {
        ((shares_[I] = std::get<I>(experts_).look_up(history)), ...);
        return model_.look_up(history);
    }
    template <std::size_t... I>
    void spread(byte_distribution& out, std::uint32_t mass, std::index_sequence<I...>) noexcept {
        std::uint32_t rest = mass;
        std::array<std::uint32_t, sizeof...(I) + 1> masses{};
        for (std::size_t i = sizeof...(I); i-- > 0;) {
            masses[i] = static_cast<std::uint32_t>(std::uint64_t{rest} * shares_[i] >> 16);
            rest -= masses[i];
        }
        model_.spread(out, rest);
        ((shares_[I] != 0 ? std::get<I>(experts_).spread(out, masses[I]) : void()), ...);
    }

    Model model_;
    std::tuple<Experts...> experts_;
    std::array<std::uint32_t, sizeof...(Experts) + 1> shares_{};
};

}  // namespace pith::inline v1::mixing
