// A selective state space layer that learns while it runs: forward step by step, backward over chunks.
// Source: Gu and Dao, Mamba, 2023. Rates of decay stay -(1..State), inputs enter by their zero-order hold,
// and gradients flow back through the whole chunk, where StateSMix (Tacconelli, 2026) stops at each step.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/random.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/adam.hpp>
#include <pith/mixing/float_lanes.hpp>

namespace pith::inline v1::mixing {

/// Sizes of a network of state space layers. All but `layers` are multiples of 16.
struct ssm_shape {
    std::size_t model = 32;  ///< numbers that pass from layer to layer
    std::size_t inner = 64;  ///< channels of a layer
    std::size_t state = 16;  ///< numbers that a channel remembers, each with its own rate of decay
    std::size_t rank = 16;   ///< of the map from channels to time steps
    std::size_t chunk = 32;  ///< steps between updates, over which gradients flow back
    std::size_t layers = 1;
    friend constexpr bool operator==(const ssm_shape&, const ssm_shape&) = default;
};

/// One layer with its residual connection. Exact.
/// With n = x / rms(x), (u, z) = In n, c = silu(conv4(u)), (B, C, s) = P c, r = logistic(-(T s + t)):
///   h_ij <- r_i^(j+1) h_ij + (1 - r_i^(j+1)) B_j c_i,   y_i = sum_j C_j h_ij + d_i c_i,
///   x <- x + Out (y silu(z)).
template <ssm_shape Shape, float_lanes Lanes = portable_lanes>
class ssm_layer {
    using L = Lanes;
    using vector = typename L::vector;
    static constexpr std::size_t D = Shape.model, E = Shape.inner, N = Shape.state, R = Shape.rank,
                                 T = Shape.chunk, taps = 4;
    static constexpr std::size_t S = 2 * N + R;  // what is selected by the channels: B, C, s
    static_assert(D % 16 == 0 && E % 16 == 0 && N % 8 == 0 && R % 16 == 0 && T % 16 == 0 && T > 0);

    // Where each matrix begins among the weights.
    static constexpr std::size_t in_at = 0, conv_at = in_at + D * 2 * E, bias_at = conv_at + taps * E,
                                 select_at = bias_at + E, time_at = select_at + E * S,
                                 offset_at = time_at + R * E, skip_at = offset_at + E, out_at = skip_at + E,
                                 weights = out_at + E * D;

    static constexpr std::size_t largest(std::size_t a, std::size_t b) { return a > b ? a : b; }

  public:
    static constexpr std::size_t parameters = weights;
    /// Floats that a layer holds.
    static constexpr std::size_t floats =
        5 * weights + T * (2 * D + 1 + 12 * E + 2 * S + R + largest(2 * E, S) + largest(D, E)) + taps * E +
        (T + 2) * N * E;

    ssm_layer()
        : start_(weights),
          weight_(weights),
          gradient_(weights),
          mean_(weights),
          square_(weights),
          normed_(T * D),
          factor_(T),
          both_(T * 2 * E),
          before_((T + taps) * E),
          conved_(T * E),
          channel_(T * E),
          selected_(T * S),
          decay_(T * E),
          state_((T + 1) * N * E),
          summed_(T * E),
          gated_(T * E),
          dnormed_(T * D),
          dboth_(T * 2 * E),
          dselected_(T * S),
          dlow_(T * R),
          dchannel_(T * E),
          dtime_(T * E),
          dstate_(N * E),
          wide_(T * largest(2 * E, S)),
          tall_(T * largest(D, E)) {}

    /// Draws the weights with which every reset begins.
    void prepare(random_sequence& random) noexcept {
        start_.clear();
        fill(random, in_at, D * 2 * E, 1.7F / exact::sqrt(static_cast<float>(D)));
        fill(random, conv_at, taps * E, 0.5F);
        fill(random, select_at, E * S, 1.7F / exact::sqrt(static_cast<float>(E)));
        fill(random, time_at, R * E, 0.1F);
        fill(random, out_at, E * D, 0.8F / exact::sqrt(static_cast<float>(E)));
        for (std::size_t i = 0; i < E; ++i) {  // decays from 1/2 to 1/256 a step, spread over the channels
            start_[offset_at + i] = exact::mul(-5.5F, static_cast<float>(i)) / static_cast<float>(E);
            start_[skip_at + i] = 1.0F;
        }
    }
    /// Forgets everything read and learnt.
    void reset() noexcept {
        for (auto* t : {&gradient_, &mean_, &square_, &before_, &state_}) t->clear();
        std::memcpy(weight_.data(), start_.data(), weights * sizeof(float));
    }
    /// The weights as they are, matrix after matrix, and what backward has added up for each.
    [[nodiscard]] std::span<float> parameters_now() noexcept { return {weight_.data(), weights}; }
    [[nodiscard]] std::span<const float> gradient() const noexcept { return {gradient_.data(), weights}; }

    /// Step t of the chunk: x (D numbers) in place. Steps come in order, each once.
    void forward(std::size_t t, float* x) noexcept {
        float* const both = both_.data() + t * 2 * E;
        factor_[t] = lanes::normalise<L>(normed_.data() + t * D, x, D);
        lanes::combine<L, 2 * E, false>(both, normed_.data() + t * D, 1, weight_.data() + in_at, D);
        std::memcpy(before_.data() + (t + taps) * E, both, E * sizeof(float));
        convolve(t);
        float* const selected = selected_.data() + t * S;
        lanes::combine<L, S, false>(selected, channel_.data() + t * E, 1, weight_.data() + select_at, E);
        float* const decay = decay_.data() + t * E;
        std::memcpy(decay, weight_.data() + offset_at, E * sizeof(float));
        lanes::combine<L, E, true>(decay, selected + 2 * N, 1, weight_.data() + time_at, R);
        for (std::size_t i = 0; i < E; i += L::width)
            L::store(decay + i, lanes::logistic<L>(L::all(0.0F) - L::load(decay + i)));
        scan(t);
        lanes::combine<L, D, true>(x, gated_.data() + t * E, 1, weight_.data() + out_at, E);
    }

    /// After T steps: turns the gradient of the outputs [T][D] into that of the inputs, in place, and adds up
    /// that of the weights. Then a new chunk begins where this one ended.
    void backward(float* dx) noexcept {
        gradient_of<D>(out_at, gated_.data(), E, E, dx);
        back_through<D>(dchannel_.data(), E, out_at, dx);  // of the gated sums; scan_back replaces it
        scan_back();
        select_back();
        convolve_back();
        gradient_of<2 * E>(in_at, normed_.data(), D, D, dboth_.data());
        back_through<2 * E>(dnormed_.data(), D, in_at, dboth_.data());
        for (std::size_t t = 0; t < T; ++t)
            lanes::normalise_back<L>(dx + t * D, dnormed_.data() + t * D, normed_.data() + t * D, factor_[t],
                                     D);
        std::memmove(before_.data(), before_.data() + T * E, taps * E * sizeof(float));
        std::memcpy(state_.data(), state_.data() + T * N * E, N * E * sizeof(float));
    }

    /// A step of the weights against the gradient, which is zero then.
    void update(const adam<L>& how) noexcept {
        how.update(weight_.data(), gradient_.data(), mean_.data(), square_.data(), weights);
    }

  private:
    void fill(random_sequence& random, std::size_t at, std::size_t n, float size) noexcept {
        for (std::size_t i = 0; i < n; ++i)
            start_[at + i] = exact::mul(size, exact::mul(2.0F, random.uniform()) - 1.0F);
    }

    // dW[k][c] += sum over t of x[t][k] dy[t][c]
    template <std::size_t Columns>
    void gradient_of(std::size_t at, const float* x, std::size_t rows, std::size_t stride,
                     const float* dy) noexcept {
        for (std::size_t k = 0; k < rows; ++k)
            lanes::combine<L, Columns, true>(gradient_.data() + at + k * Columns, x + k, stride, dy, T);
    }
    // dx[t][k] = sum over c of W[k][c] dy[t][c], for all t at once
    template <std::size_t Columns>
    void back_through(float* dx, std::size_t rows, std::size_t at, const float* dy) noexcept {
        lanes::transpose(wide_.data(), dy, T, Columns);
        for (std::size_t k = 0; k < rows; ++k)
            lanes::combine<L, T, false>(tall_.data() + k * T, weight_.data() + at + k * Columns, 1,
                                        wide_.data(), Columns);
        lanes::transpose(dx, tall_.data(), rows, T);
    }

    void convolve(std::size_t t) noexcept {
        const float* const w = weight_.data() + conv_at;
        for (std::size_t i = 0; i < E; i += L::width) {
            vector sum = L::load(weight_.data() + bias_at + i);
            for (std::size_t k = 0; k < taps; ++k)
                sum = sum +
                      L::product(L::load(w + k * E + i), L::load(before_.data() + (t + taps - k) * E + i));
            L::store(conved_.data() + t * E + i, sum);
            L::store(channel_.data() + t * E + i, L::product(sum, lanes::logistic<L>(sum)));
        }
    }
    // d silu(x) / dx, given the logistic function of x.
    [[nodiscard, gnu::always_inline]] static vector slope(vector x, vector logistic) noexcept {
        return logistic + L::product(L::product(x, logistic), L::all(1.0F) - logistic);
    }
    void convolve_back() noexcept {
        const float* const w = weight_.data() + conv_at;
        float* const dw = gradient_.data() + conv_at;
        float* const dbias = gradient_.data() + bias_at;
        for (std::size_t t = T; t-- > 0;)
            for (std::size_t i = 0; i < E; i += L::width) {
                const vector x = L::load(conved_.data() + t * E + i);
                const vector d =
                    L::product(L::load(dchannel_.data() + t * E + i), slope(x, lanes::logistic<L>(x)));
                L::store(dchannel_.data() + t * E + i, d);
                L::store(dbias + i, L::load(dbias + i) + d);
                vector dinput = L::all(0.0F);
                for (std::size_t k = 0; k < taps; ++k) {
                    const vector input = L::load(before_.data() + (t + taps - k) * E + i);
                    L::store(dw + k * E + i, L::load(dw + k * E + i) + L::product(d, input));
                    if (t + k >= T) continue;
                    dinput = dinput +
                             L::product(L::load(w + k * E + i), L::load(dchannel_.data() + (t + k) * E + i));
                }
                L::store(dboth_.data() + t * 2 * E + i, dinput);
            }
    }

    void scan(std::size_t t) noexcept {
        const float* const selected = selected_.data() + t * S;
        const float* const old = state_.data() + t * N * E;
        float* const next = state_.data() + (t + 1) * N * E;
        for (std::size_t i = 0; i < E; i += L::width) {
            const vector c = L::load(channel_.data() + t * E + i);
            const vector r = L::load(decay_.data() + t * E + i);
            vector sum = L::product(L::load(weight_.data() + skip_at + i), c);
            vector a = r;
            for (std::size_t j = 0; j < N; ++j) {
                const vector in = L::product(L::all(selected[j]), c);
                const vector h = L::product(a, L::load(old + j * E + i)) + L::product(L::all(1.0F) - a, in);
                L::store(next + j * E + i, h);
                sum = sum + L::product(L::all(selected[N + j]), h);
                a = L::product(a, r);
            }
            const vector z = L::load(both_.data() + t * 2 * E + E + i);
            L::store(summed_.data() + t * E + i, sum);
            L::store(gated_.data() + t * E + i, L::product(sum, L::product(z, lanes::logistic<L>(z))));
        }
    }

    // Takes the gradient of the gated sums from dchannel_; leaves that of the channels there, of z in dboth_,
    // of B and C in dselected_ and of the logarithmic decays in dtime_.
    void scan_back() noexcept {
        dstate_.clear();
        for (std::size_t t = T; t-- > 0;) {
            alignas(64) float db[N * 16] = {};
            alignas(64) float dc[N * 16] = {};
            for (std::size_t i = 0; i < E; i += L::width) scan_back_at(t, i, db + i % 16, dc + i % 16);
            float* const dselected = dselected_.data() + t * S;
            for (std::size_t j = 0; j < N; ++j) {
                dselected[j] = lanes::sixteen<L>::load(db + 16 * j).sum();
                dselected[N + j] = lanes::sixteen<L>::load(dc + 16 * j).sum();
            }
        }
    }
    void scan_back_at(std::size_t t, std::size_t i, float* db, float* dc) noexcept {
        const float* const selected = selected_.data() + t * S;
        const float* const old = state_.data() + t * N * E + i;
        const float* const next = old + N * E;
        const vector one = L::all(1.0F);
        const vector c = L::load(channel_.data() + t * E + i);
        const vector r = L::load(decay_.data() + t * E + i);
        const vector z = L::load(both_.data() + t * 2 * E + E + i);
        const vector dgated = L::load(dchannel_.data() + t * E + i);
        const vector open = lanes::logistic<L>(z);
        const vector dsum = L::product(dgated, L::product(z, open));
        L::store(dboth_.data() + t * 2 * E + E + i,
                 L::product(L::product(dgated, L::load(summed_.data() + t * E + i)), slope(z, open)));
        float* const dskip = gradient_.data() + skip_at + i;
        L::store(dskip, L::load(dskip) + L::product(dsum, c));
        vector dchannel = L::product(dsum, L::load(weight_.data() + skip_at + i));
        vector dlog = L::all(0.0F);
        vector a = r;
        for (std::size_t j = 0; j < N; ++j) {
            float* const carried = dstate_.data() + j * E + i;
            const vector b = L::all(selected[j]);
            const vector dh = L::load(carried) + L::product(dsum, L::all(selected[N + j]));
            const vector din = L::product(dh, one - a);
            L::store(db + 16 * j, L::load(db + 16 * j) + L::product(din, c));
            L::store(dc + 16 * j, L::load(dc + 16 * j) + L::product(dsum, L::load(next + j * E)));
            dchannel = dchannel + L::product(din, b);
            const vector kept = L::product(dh, a);
            const vector da = L::product(kept, L::load(old + j * E) - L::product(b, c));
            dlog = dlog + L::product(da, L::all(static_cast<float>(j + 1)));
            L::store(carried, kept);
            a = L::product(a, r);
        }
        L::store(dchannel_.data() + t * E + i, dchannel);
        L::store(dtime_.data() + t * E + i, L::product(dlog, r - one));
    }

    // From B, C and the decays to the channels that select them.
    void select_back() noexcept {
        gradient_of<E>(time_at, selected_.data() + 2 * N, R, S, dtime_.data());
        float* const doffset = gradient_.data() + offset_at;
        for (std::size_t t = 0; t < T; ++t) lanes::add_scaled<L>(doffset, 1.0F, dtime_.data() + t * E, E);
        back_through<E>(dlow_.data(), R, time_at, dtime_.data());
        for (std::size_t t = 0; t < T; ++t)
            std::memcpy(dselected_.data() + t * S + 2 * N, dlow_.data() + t * R, R * sizeof(float));
        gradient_of<S>(select_at, channel_.data(), E, E, dselected_.data());
        back_through<S>(dtime_.data(), E, select_at, dselected_.data());
        lanes::add_scaled<L>(dchannel_.data(), 1.0F, dtime_.data(), T * E);
    }

    // Weights at the start and now, their gradient, its running mean and that of its square.
    table<float> start_, weight_, gradient_, mean_, square_;
    // What the steps of a chunk leave for the way back; before_ and state_ begin with the last chunk's end.
    table<float> normed_, factor_, both_, before_, conved_, channel_, selected_, decay_, state_, summed_,
        gated_;
    table<float> dnormed_, dboth_, dselected_, dlow_, dchannel_, dtime_, dstate_, wide_, tall_;
};

}  // namespace pith::inline v1::mixing
