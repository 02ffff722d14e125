// A byte-wise mixture coded bit by bit: base model, experts blended in one after the other, calibration, coder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/plain_block.hpp>
#include <pith/mixing/byte_distribution.hpp>
#include <pith/mixing/byte_history.hpp>
#include <pith/mixing/denoiser.hpp>

namespace pith::inline v1::mixing {

template <class Base, class... Experts>
class linear_blend {
  public:
    static constexpr std::size_t memory = Base::memory + (Experts::memory + ... + 0);
    void reset(std::size_t n) noexcept {
        base_.reset(n);
        std::apply([&](auto&... e) { (e.reset(n), ...); }, experts_);
    }
    void prepare(const byte_history& h) noexcept {
        base_.prepare(h);
        std::apply([&](auto&... e) { (e.prepare(h), ...); }, experts_);
    }
    byte_evidence predict(const byte_history& h, byte_distribution& out) noexcept {
        return predict(h, out, std::index_sequence_for<Experts...>{});
    }
    void update(std::uint8_t s) noexcept {
        base_.update(s);
        std::apply([&](auto&... e) { (e.update(s), ...); }, experts_);
    }

  private:
    template <std::size_t... I>
    byte_evidence predict(const byte_history& h, byte_distribution& out, std::index_sequence<I...>) noexcept {
        base_.look_up();
        [[maybe_unused]] std::array<std::uint32_t, sizeof...(I) + 1> shares{std::get<I>(experts_).look_up(h)...};
        std::uint32_t rest = byte_distribution::unit;
        for (std::size_t i = sizeof...(I); i-- > 0;) {
            shares[i] = static_cast<std::uint32_t>(std::uint64_t{rest} * shares[i] >> 16);
            rest -= shares[i];
        }
        base_.spread(out, rest);
        ((shares[I] != 0 ? std::get<I>(experts_).spread(out, shares[I]) : void()), ...);
        out.sum_up();
        return {base_.order(), base_.confidence(), out.peak()};
    }
    Base base_;
    std::tuple<Experts...> experts_;
};

template <class Model, class Denoiser, unsigned Total = 24>
class byte_mixture {
  public:
    static constexpr std::size_t memory = Model::memory + Denoiser::memory;
    static constexpr std::uint32_t recipe = 0x50;
    static constexpr const char* name = "midicoth";
    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n + 1; }

    result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (!entropy::is_run(in)) {
            span_sink sink(out.first(out.size() < in.size() ? out.size() : in.size()));
            sink.put(2);
            entropy::binary_encoder<span_sink, 28> coder(sink);
            start(in.data(), in.size());
            for (std::size_t i = 0; i < in.size(); ++i) {
                begin();
                for (unsigned k = 0; k < 8; ++k) {
                    const bool bit = (in[i] >> (7 - k)) & 1;
                    coder.put(bit, one(k));
                    learn(k, bit);
                }
                end(in[i]);
            }
            coder.finish();
            if (!sink.overflowed()) return sink.size();
        }
        return entropy::encode_plain_block(in, out);
    }
    result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (in.empty() || out.empty() || in[0] != 2) return entropy::decode_plain_block(in, out);
        entropy::binary_decoder<28> coder(in.subspan(1));
        start(out.data(), out.size());
        for (std::size_t i = 0; i < out.size(); ++i) {
            begin();
            for (unsigned k = 0; k < 8; ++k) learn(k, coder.get(one(k)));
            std::uint32_t s = detail::reversed_bits[prefix_];
            out[i] = static_cast<std::uint8_t>(s);
            end(out[i]);
        }
        if (const auto end = coder.finish(); !end) return end.error();
        return out.size();
    }

  private:
    void start(const std::uint8_t* bytes, std::size_t n) noexcept {
        model_.reset(n);
        denoiser_.reset();
        history_ = {bytes, 0, 0};
        model_.prepare(history_);
    }
    void begin() noexcept {
        denoiser_.begin(model_.predict(history_, dist_));
        prefix_ = 0;
        reach_ = std::uint64_t{1} << 32;
    }
    std::uint32_t one(unsigned k) noexcept {
        const std::uint64_t all = dist_.sum(k, prefix_);
        const std::uint64_t right = dist_.sum(k + 1, prefix_ | 1U << k);
        std::uint32_t p = all == 0 ? 1U << 29 : static_cast<std::uint32_t>((right << 30) / all);
        p = denoiser_.refine(k, prefix_, p);
        right_ = reach_ * p >> 30;
        constexpr std::uint64_t floor = std::uint64_t{1} << (32 - Total);
        const std::uint64_t a = right_ + (floor << (7 - k)), b = reach_ + (floor << (8 - k));
        std::uint32_t q = static_cast<std::uint32_t>((a << 28) / b);
        return q < 1 ? 1 : q > (1u << 28) - 1 ? (1u << 28) - 1 : q;
    }
    void learn(unsigned k, bool bit) noexcept {
        denoiser_.learn(bit);
        reach_ = bit ? right_ : reach_ - right_;
        prefix_ |= std::uint32_t{bit} << k;
    }
    void end(std::uint8_t s) noexcept {
        model_.update(s);
        history_.push(s);
        model_.prepare(history_);
    }
    Model model_;
    Denoiser denoiser_;
    byte_distribution dist_;
    byte_history history_;
    std::uint32_t prefix_ = 0;
    std::uint64_t reach_ = 0, right_ = 0;
};

}  // namespace pith::inline v1::mixing
