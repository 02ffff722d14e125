// A gated recurrent unit that learns while it runs: forward byte by byte, backward over chunks.
// Source: Cho and others, 2014, with the reset gate behind the recurrent product, as libraries have it; the
// state is what is predicted from, and a byte's embedding is its part of the gates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/random.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/adam.hpp>
#include <pith/mixing/byte_embedding.hpp>
#include <pith/mixing/float_lanes.hpp>

namespace pith::inline v1::mixing {

/// Sizes of a recurrent network, multiples of 16.
struct gru_shape {
    std::size_t units = 32;
    std::size_t chunk = 32;  ///< steps between updates, over which gradients flow back
    friend constexpr bool operator==(const gru_shape&, const gru_shape&) = default;
};

/// The recurrent part. Exact. With a the input to the gates (reset, update, candidate) and u = U h:
///   r = logistic(a_r + u_r), z = logistic(a_z + u_z), c = tanh(a_c + r u_c), h <- h + z (c - h).
template <gru_shape Shape, float_lanes Lanes = portable_lanes>
class gru_layer {
    using L = Lanes;
    using vector = typename L::vector;
    static constexpr std::size_t H = Shape.units, G = 3 * H, T = Shape.chunk;
    static_assert(H % 16 == 0 && H > 0 && T % 16 == 0 && T > 0);

  public:
    static constexpr std::size_t gates = G;
    static constexpr std::size_t parameters = H * G;
    /// Floats that a layer holds.
    static constexpr std::size_t floats = 5 * parameters + (T + 1) * H + 3 * T * G;

    gru_layer()
        : start_(parameters),
          weight_(parameters),
          gradient_(parameters),
          mean_(parameters),
          square_(parameters),
          state_((T + 1) * H),
          carried_(T * G),
          open_(T * G),
          dcarried_(T * G) {}

    /// Draws the weights with which every reset begins.
    void prepare(random_sequence& random) noexcept {
        const float size = 1.0F / exact::sqrt(static_cast<float>(H));
        for (float& w : start_) w = exact::mul(size, exact::mul(2.0F, random.uniform()) - 1.0F);
    }
    /// Forgets everything read and learnt.
    void reset() noexcept {
        for (auto* t : {&gradient_, &mean_, &square_, &state_}) t->clear();
        std::memcpy(weight_.data(), start_.data(), parameters * sizeof(float));
    }
    /// The weights as they are, and what backward has added up for each.
    [[nodiscard]] std::span<float> parameters_now() noexcept { return {weight_.data(), parameters}; }
    [[nodiscard]] std::span<const float> gradient() const noexcept { return {gradient_.data(), parameters}; }

    /// The state after step t of the chunk, `units` numbers within -1..1.
    [[nodiscard]] const float* state(std::size_t t) const noexcept { return state_.data() + (t + 1) * H; }

    /// Step t of the chunk with `gates` inputs. Steps come in order, each once.
    void forward(std::size_t t, const float* input) noexcept {
        const float* const old = state_.data() + t * H;
        float* const carried = carried_.data() + t * G;
        lanes::combine<L, G, false>(carried, old, 1, weight_.data(), H);
        float* const open = open_.data() + t * G;
        for (std::size_t i = 0; i < H; i += L::width) {
            const vector r = lanes::logistic<L>(L::load(input + i) + L::load(carried + i));
            const vector z = lanes::logistic<L>(L::load(input + H + i) + L::load(carried + H + i));
            const vector x = L::load(input + 2 * H + i) + L::product(r, L::load(carried + 2 * H + i));
            const vector open_twice = lanes::logistic<L>(x + x);  // tanh x = 2 logistic(2 x) - 1
            const vector c = open_twice + open_twice - L::all(1.0F);
            const vector h = L::load(old + i);
            L::store(open + i, r);
            L::store(open + H + i, z);
            L::store(open + 2 * H + i, c);
            L::store(state_.data() + (t + 1) * H + i, h + L::product(z, c - h));
        }
    }

    /// After T steps: from the gradient of the states [T][units] to that of the inputs [T][gates]; adds up
    /// that of the weights. Then a new chunk begins where this one ended; nothing flows back before it.
    void backward(const float* dstate, float* dinput) noexcept {
        alignas(64) std::array<float, H> later{};
        for (std::size_t t = T; t-- > 0;) {
            back_step(t, dstate + t * H, later.data(), dinput + t * G);
            const float* const dcarried = dcarried_.data() + t * G;
            for (std::size_t k = 0; k < H; ++k)
                later[k] = later[k] + lanes::dot<L>(weight_.data() + k * G, dcarried, G);
        }
        for (std::size_t k = 0; k < H; ++k)
            lanes::combine<L, G, true>(gradient_.data() + k * G, state_.data() + k, H, dcarried_.data(), T);
        std::memcpy(state_.data(), state_.data() + T * H, H * sizeof(float));
    }

    /// A step of the weights against the gradient, which is zero then.
    void update(const adam<L>& how) noexcept {
        how.update(weight_.data(), gradient_.data(), mean_.data(), square_.data(), parameters);
    }

  private:
    /// `later` holds the gradient of the state from the steps after t, then its part that skips the gates.
    void back_step(std::size_t t, const float* dstate, float* later, float* dinput) noexcept {
        const float* const open = open_.data() + t * G;
        const float* const carried = carried_.data() + t * G;
        float* const dcarried = dcarried_.data() + t * G;
        const vector one = L::all(1.0F);
        for (std::size_t i = 0; i < H; i += L::width) {
            const vector r = L::load(open + i), z = L::load(open + H + i), c = L::load(open + 2 * H + i);
            const vector dh = L::load(dstate + i) + L::load(later + i);
            const vector moved = c - L::load(state_.data() + t * H + i);
            const vector dz = L::product(L::product(dh, moved), L::product(z, one - z));
            const vector dc = L::product(L::product(dh, z), one - L::product(c, c));
            const vector dr =
                L::product(L::product(dc, L::load(carried + 2 * H + i)), L::product(r, one - r));
            L::store(later + i, L::product(dh, one - z));
            L::store(dinput + i, dr);
            L::store(dinput + H + i, dz);
            L::store(dinput + 2 * H + i, dc);
            L::store(dcarried + i, dr);
            L::store(dcarried + H + i, dz);
            L::store(dcarried + 2 * H + i, L::product(dc, r));
        }
    }

    // Weights at the start and now, their gradient, its running mean and that of its square: [units][gates].
    table<float> start_, weight_, gradient_, mean_, square_;
    // What the steps of a chunk leave for the way back; state_ begins with the last chunk's end.
    table<float> state_, carried_, open_, dcarried_;
};

/// Bytes in, features out: a feature_network. Exact.
template <gru_shape Shape, float_lanes Lanes = portable_lanes>
class gru_network {
    using L = Lanes;
    using layer = gru_layer<Shape, L>;
    static constexpr std::size_t H = Shape.units, G = layer::gates, T = Shape.chunk;
    using embedding = byte_embedding<G, T, L>;

  public:
    static constexpr std::size_t width = H;
    static constexpr std::size_t memory = sizeof(float) * (layer::floats + embedding::floats + T * H + T * G);

    explicit gru_network(const adam_rates& rates = {})
        : rates_(rates), adam_(rates), dstate_(T * H), dinput_(T * G) {
        random_sequence random(0x4752'55);
        embedding_.prepare(random);
        layer_.prepare(random);
        reset();
    }

    /// Forgets everything read and learnt.
    void reset() noexcept {
        dstate_.clear();
        embedding_.reset();
        layer_.reset();
        adam_ = adam<L>(rates_);
        step_ = 0;
        run(0);
    }

    /// `width` features of what has been read.
    [[nodiscard]] const float* features() const noexcept { return layer_.state(step_); }
    /// Where the gradient of the features is added up until the next push.
    [[nodiscard]] float* gradient() noexcept { return dstate_.data() + step_ * H; }

    /// Reads a byte.
    void push(std::uint8_t byte) noexcept {
        if (++step_ == T) {
            learn();
            step_ = 0;
        }
        run(byte);
    }

  private:
    void run(std::uint8_t byte) noexcept { layer_.forward(step_, embedding_.read(step_, byte)); }
    void learn() noexcept {
        adam_.advance();
        layer_.backward(dstate_.data(), dinput_.data());
        layer_.update(adam_);
        embedding_.learn(dinput_.data(), adam_);
        dstate_.clear();
    }

    adam_rates rates_;
    adam<L> adam_;
    embedding embedding_;
    layer layer_;
    table<float> dstate_, dinput_;
    std::size_t step_ = 0;
};

}  // namespace pith::inline v1::mixing
