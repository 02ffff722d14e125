// A smooth decomposable circuit: a tree of hidden variables, one above each variable of a record, and its
// exact conditionals. Hidden Chow-Liu trees after Liu, Mandt and Van den Broeck (2022). What differs: a depth
// first order sends one message down and one up each edge, where theirs evaluates a unit log D times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/circuit_tree.hpp>

namespace pith::inline v1::mixing {

/// Sizes of a circuit: D variables of A symbols, and M values of the hidden variable above each of them.
struct circuit_shape {
    std::size_t variables = 1;  ///< 1..256
    std::size_t symbols = 2;    ///< 2, 4, 16 or 256; variables * symbols <= 16384
    std::size_t states = 4;     ///< a multiple of 4, 4..32
    friend constexpr bool operator==(const circuit_shape&, const circuit_shape&) = default;

    static constexpr std::size_t max_states = 32;
    static constexpr std::size_t max_emissions = 16384;
    [[nodiscard]] constexpr bool valid() const noexcept {
        return variables >= 1 && variables <= circuit_tree::max_size && states >= 4 && states <= max_states &&
               states % 4 == 0 && (symbols == 2 || symbols == 4 || symbols == 16 || symbols == 256) &&
               variables * symbols <= max_emissions;
    }
};

namespace detail {

/// out[k] = sum over z of in[z] matrix[z][k], in the order of z. n is a multiple of 4.
inline void through(const float* in, std::size_t m, const float* matrix, std::size_t n, float* out) noexcept {
    using exact::detail::load;
    for (std::size_t k = 0; k < n; k += 4) {
        exact::detail::quad sum{};
        for (std::size_t z = 0; z < m; ++z) {
            const exact::detail::quad v{in[z], in[z], in[z], in[z]};
            sum = sum + exact::detail::sealed_product(v, load(matrix + z * n + k));
        }
        std::memcpy(out + k, &sum, sizeof sum);
    }
}

/// out[k] = a[k] b[k].
inline void product(const float* a, const float* b, std::size_t m, float* out) noexcept {
    for (std::size_t k = 0; k < m; k += 4) {
        const auto q = exact::detail::sealed_product(exact::detail::load(a + k), exact::detail::load(b + k));
        std::memcpy(out + k, &q, sizeof q);
    }
}

/// Scales v to the sum 1 and lifts what is below 2^-60 to it. All elements positive. The floor bounds every
/// later product: parameters are at least 2^-18, a scaled vector has an element >= 2^-5, hence a message is
/// at least 2^-23 and a product of a message and a scaled vector at least 2^-83: never subnormal.
inline void scale_to_one(float* v, std::size_t m) noexcept {
    const float scale = 1.0F / exact::sum({v, m});
    for (std::size_t k = 0; k < m; ++k) {
        const float scaled = v[k] * scale;
        v[k] = scaled < 0x1p-60F ? 0x1p-60F : scaled;
    }
}

}  // namespace detail

/// The parameters: P(root), P(hidden | hidden of the parent), P(symbol | hidden). An object has room for the
/// largest shape (6 MB) and may be shaped anew.
class circuit {
    static constexpr std::size_t edges =
        circuit_tree::max_size * circuit_shape::max_states * circuit_shape::max_states;
    static constexpr std::size_t emissions = circuit_shape::max_emissions * circuit_shape::max_states;

  public:
    static constexpr std::size_t memory = 2 * (edges + emissions) * sizeof(float);

    /// Sets sizes and tree; parameters are then unspecified. Precondition: shape.valid(), equal sizes.
    void reshape(const circuit_shape& shape, const circuit_tree& tree) noexcept {
        PITH_ASSERT(shape.valid() && tree.size() == shape.variables);
        shape_ = shape;
        tree_ = tree;
    }

    [[nodiscard]] const circuit_shape& shape() const noexcept { return shape_; }
    [[nodiscard]] const circuit_tree& tree() const noexcept { return tree_; }

    /// Row z of the matrix above node i: P(hidden of i | hidden of the parent = z). The root has the row 0
    /// alone.
    [[nodiscard]] std::span<float> transition(std::size_t i, std::size_t z) noexcept {
        return {down_.data() + (i * shape_.states + z) * shape_.states, shape_.states};
    }
    /// Row z: P(symbol of i | hidden of i = z).
    [[nodiscard]] std::span<float> emission(std::size_t i, std::size_t z) noexcept {
        return {by_state_.data() + (i * shape_.states + z) * shape_.symbols, shape_.symbols};
    }
    /// To be called after the rows were written: makes the transposed forms.
    void refresh() noexcept {
        const std::size_t m = shape_.states;
        for (std::size_t i = 0; i < shape_.variables; ++i) {
            for (std::size_t z = 0; z < m; ++z) {
                const std::span<const float> row = transition(i, z);
                for (std::size_t k = 0; k < m; ++k) up_[(i * m + k) * m + z] = row[k];
                const std::span<const float> symbols = emission(i, z);
                for (std::size_t x = 0; x < symbols.size(); ++x)
                    by_symbol_[(i * shape_.symbols + x) * m + z] = symbols[x];
            }
        }
    }

    /// [hidden of the parent][hidden of i]
    [[nodiscard]] const float* down(std::size_t i) const noexcept {
        return down_.data() + i * shape_.states * shape_.states;
    }
    /// [hidden of i][hidden of the parent]
    [[nodiscard]] const float* up(std::size_t i) const noexcept {
        return up_.data() + i * shape_.states * shape_.states;
    }
    /// P(symbol x of i | each hidden value)
    [[nodiscard]] const float* likelihood(std::size_t i, std::size_t x) const noexcept {
        return by_symbol_.data() + (i * shape_.symbols + x) * shape_.states;
    }
    /// [hidden of i][symbol]
    [[nodiscard]] const float* symbols_by_state(std::size_t i) const noexcept {
        return by_state_.data() + i * shape_.states * shape_.symbols;
    }

  private:
    circuit_shape shape_;
    circuit_tree tree_;
    table<float> down_ = table<float>(edges);
    table<float> up_ = table<float>(edges);
    table<float> by_state_ = table<float>(emissions);
    table<float> by_symbol_ = table<float>(emissions);
};

/// Walks through a record in coding order and gives each variable's distribution given those before it.
/// Exact: the same bits everywhere. A record of D variables costs at most 2 (D - 1) messages of M^2 products.
class circuit_walk {
    static constexpr std::size_t room = circuit_tree::max_size * circuit_shape::max_states;

  public:
    static constexpr std::size_t memory = 2 * room * sizeof(float);

    /// To the start of a record. The circuit must outlive the walk through it.
    void start(const circuit& model) noexcept {
        model_ = &model;
        step_ = 0;
        if (step_ < model.tree().size()) enter();
    }
    /// The variable that is next.
    [[nodiscard]] std::size_t variable() const noexcept { return model_->tree().at(step_); }
    [[nodiscard]] bool done() const noexcept { return step_ == model_->tree().size(); }

    /// The distribution of the next variable, up to a common factor near 1; at least 2 symbols.
    void conditional(std::span<float> weights) const noexcept {
        const circuit_shape& shape = model_->shape();
        PITH_ASSERT(!done() && weights.size() == shape.symbols);
        const std::size_t i = variable();
        if (shape.symbols == 2) {
            for (std::size_t x = 0; x < 2; ++x)
                weights[x] = exact::dot({message(i), shape.states}, {model_->likelihood(i, x), shape.states});
        } else {
            detail::through(message(i), shape.states, model_->symbols_by_state(i), shape.symbols,
                            weights.data());
        }
    }

    /// Goes on behind the next variable, which has the given symbol.
    void observe(std::size_t symbol) noexcept {
        const std::size_t m = model_->shape().states;
        PITH_ASSERT(!done() && symbol < model_->shape().symbols);
        const std::size_t i = variable();
        std::memcpy(factor(i), model_->likelihood(i, symbol), m * sizeof(float));
        detail::scale_to_one(factor(i), m);
        if (++step_ == model_->tree().size()) return;
        leave(i);
        enter();
    }

    /// Messages computed since the object was made: products of a vector with an M x M matrix.
    [[nodiscard]] std::uint64_t evaluations() const noexcept { return evaluations_; }

  private:
    [[nodiscard]] float* message(std::size_t i) noexcept {
        return down_.data() + i * circuit_shape::max_states;
    }
    [[nodiscard]] const float* message(std::size_t i) const noexcept {
        return down_.data() + i * circuit_shape::max_states;
    }
    [[nodiscard]] float* factor(std::size_t i) noexcept { return up_.data() + i * circuit_shape::max_states; }

    /// Sends up what is now fully known, from node i to below the parent of the next variable.
    void leave(std::size_t i) noexcept {
        const std::size_t m = model_->shape().states;
        const std::size_t next = model_->tree().parent(variable());
        float sent[circuit_shape::max_states];
        while (i != next) {
            const std::size_t above = model_->tree().parent(i);
            detail::through(factor(i), m, model_->up(i), m, sent);
            detail::product(factor(above), sent, m, factor(above));
            detail::scale_to_one(factor(above), m);
            ++evaluations_;
            i = above;
        }
    }

    /// Brings the message from above to the next variable. What lies below and is not yet known sums to 1.
    void enter() noexcept {
        const std::size_t m = model_->shape().states;
        const std::size_t i = variable();
        if (step_ == 0) {
            std::memcpy(message(i), model_->down(i), m * sizeof(float));
        } else {
            const std::size_t above = model_->tree().parent(i);
            float belief[circuit_shape::max_states];
            detail::product(message(above), factor(above), m, belief);
            detail::scale_to_one(belief, m);
            detail::through(belief, m, model_->down(i), m, message(i));
            ++evaluations_;
        }
    }

    const circuit* model_ = nullptr;
    std::size_t step_ = 0;
    std::uint64_t evaluations_ = 0;
    table<float> down_ = table<float>(room);
    table<float> up_ = table<float>(room);
};

}  // namespace pith::inline v1::mixing
