// Fits a circuit to weighted records: expectation maximisation with running statistics.
// Stepwise EM (Cappe and Moulines, 2009) on small batches, then EM on the whole sample, as Liu, Mandt and Van
// den Broeck (2022) train theirs. The start is ours: a mixture around M records, which EM relaxes to a tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/random.hpp>
#include <pith/core/table.hpp>
#include <pith/mixing/circuit.hpp>

namespace pith::inline v1::mixing {

/// How a circuit is trained.
struct circuit_training {
    unsigned passes = 12;      ///< stochastic passes over the sample
    unsigned batches = 16;     ///< steps in each of them
    unsigned full_passes = 8;  ///< passes of plain EM behind them
    float first_step = 0.5F;   ///< share of a batch in the running statistics, at first
    float last_step = 0.05F;   ///< and at last
    float prior = 0.1F;        ///< pseudo-observations of each row of parameters
    friend constexpr bool operator==(const circuit_training&, const circuit_training&) = default;
};

/// Weighted records, one byte a symbol.
struct circuit_sample {
    byte_view symbols;               ///< records * variables
    std::span<const float> weights;  ///< one a record, positive
};

/// The learner owns the statistics. Encoder-side in purpose, yet exact: one sample gives one circuit.
class circuit_learner {
    static constexpr std::size_t states = circuit_shape::max_states;
    static constexpr std::size_t edges = circuit_tree::max_size * states * states;
    static constexpr std::size_t emissions = circuit_shape::max_emissions * states;
    static constexpr std::size_t room = circuit_tree::max_size * states;

  public:
    static constexpr std::size_t memory = (2 * edges + 2 * emissions + 3 * room) * sizeof(float);

    /// Sets all parameters of a circuit that has its shape and tree. At least one record; weights sum to less
    /// than 2^24.
    void fit(circuit& model, const circuit_sample& sample, const circuit_training& how) noexcept {
        start(model, sample);
        const unsigned steps = how.passes * how.batches;
        for (unsigned s = 0; s < steps; ++s) {
            const float done = static_cast<float>(s) / static_cast<float>(steps);
            const float slowing = 1.0F + exact::mul(done, how.first_step / how.last_step - 1.0F);
            improve(model, sample, s % how.batches, how.batches, how.first_step / slowing, how.prior);
        }
        for (unsigned s = 0; s < how.full_passes; ++s) improve(model, sample, 0, 1, 1.0F, how.prior);
    }

    /// The first parameters: hidden value z stands for one record of the sample, blurred with the symbols'
    /// frequencies, and a node most likely repeats the hidden value of its parent.
    void start(circuit& model, const circuit_sample& sample) noexcept {
        const circuit_shape& shape = model.shape();
        const std::size_t records = sample.weights.size();
        PITH_ASSERT(records >= 1 && sample.symbols.size() == records * shape.variables);
        std::size_t chosen[states];
        random_sequence random(0x5EED);
        for (std::size_t z = 0; z < shape.states; ++z)
            chosen[z] = random.below(static_cast<std::uint32_t>(records)) * shape.variables;
        for (std::size_t i = 0; i < shape.variables; ++i) {
            float frequencies[256] = {};
            for (std::size_t r = 0; r < records; ++r)
                frequencies[sample.symbols[r * shape.variables + i]] += sample.weights[r];
            for (std::size_t x = 0; x < shape.symbols; ++x) frequencies[x] += 1.0F;
            const float scale = 0.6F / exact::sum({frequencies, shape.symbols});
            for (std::size_t z = 0; z < shape.states; ++z) {
                const std::span<float> row = model.emission(i, z);
                for (std::size_t x = 0; x < row.size(); ++x) row[x] = exact::mul(frequencies[x], scale);
                row[sample.symbols[chosen[z] + i]] += 0.4F;
                start_row(model.transition(i, z), z, i == model.tree().root());
            }
        }
        model.refresh();
        std::memset(all_edges_.data(), 0, shape.variables * shape.states * shape.states * sizeof(float));
        std::memset(all_symbols_.data(), 0, shape.variables * shape.states * shape.symbols * sizeof(float));
    }

    /// A step of EM on every `of`-th record from `first` on: statistics = (1 - step) statistics + step new.
    void improve(circuit& model, const circuit_sample& sample, std::size_t first, std::size_t of, float step,
                 float prior) noexcept {
        const circuit_shape& shape = model.shape();
        std::memset(new_edges_.data(), 0, shape.variables * shape.states * shape.states * sizeof(float));
        std::memset(new_symbols_.data(), 0, shape.variables * shape.states * shape.symbols * sizeof(float));
        double all = 0.0;
        double seen = 0.0;
        for (std::size_t r = 0; r < sample.weights.size(); ++r) {
            all += static_cast<double>(sample.weights[r]);
            if (r % of != first) continue;
            seen += static_cast<double>(sample.weights[r]);
            expect(model, sample.symbols.data() + r * shape.variables, sample.weights[r]);
        }
        if (seen > 0.0) maximise(model, static_cast<float>(all / seen), step, prior);
    }

  private:
    static void start_row(std::span<float> row, std::size_t z, bool root) noexcept {
        const float even = 1.0F / static_cast<float>(row.size());
        for (std::size_t k = 0; k < row.size(); ++k)
            row[k] = root ? even : exact::mul(even, 0.5F) + (k == z ? 0.5F : 0.0F);
    }

    /// Adds what the circuit thinks of one record to the new statistics: up the tree, then down.
    void expect(const circuit& model, const std::uint8_t* record, float weight) noexcept {
        const circuit_tree& tree = model.tree();
        const std::size_t m = model.shape().states;
        for (std::size_t i = 0; i < tree.size(); ++i)
            std::memcpy(factor(i), model.likelihood(i, record[i]), m * sizeof(float));
        for (std::size_t k = tree.size(); k-- > 0;) {
            const std::size_t i = tree.at(k);
            detail::scale_to_one(factor(i), m);
            if (k == 0) break;
            detail::through(factor(i), m, model.up(i), m, sent(i));
            detail::product(factor(tree.parent(i)), sent(i), m, factor(tree.parent(i)));
            detail::scale_to_one(factor(tree.parent(i)), m);
        }
        for (std::size_t k = 0; k < tree.size(); ++k) expect_node(model, tree.at(k), record, weight);
    }

    /// The posterior of node i from that of its parent; the counts of its edge and of its symbol.
    void expect_node(const circuit& model, std::size_t i, const std::uint8_t* record, float weight) noexcept {
        using exact::detail::load;
        const std::size_t m = model.shape().states;
        float outside[states];
        float message[states];
        const bool root = i == model.tree().root();
        if (root) {
            std::memcpy(message, model.down(i), m * sizeof(float));
        } else {
            const float* const above = posterior(model.tree().parent(i));
            for (std::size_t z = 0; z < m; ++z) outside[z] = above[z] / sent(i)[z];
            detail::scale_to_one(outside, m);
            detail::through(outside, m, model.down(i), m, message);
        }
        detail::product(message, factor(i), m, posterior(i));
        const float share = weight / exact::sum({posterior(i), m});
        detail::scale_to_one(posterior(i), m);
        exact::add_scaled({new_symbols_.data() + (i * model.shape().symbols + record[i]) * m, m}, weight,
                          {posterior(i), m});
        // Without the transition's own probability, which `maximise` multiplies in once for all records.
        float* const counts = new_edges_.data() + i * m * m;
        for (std::size_t z = 0; z < (root ? 1 : m); ++z)
            exact::add_scaled({counts + z * m, m}, root ? share : exact::mul(outside[z], share),
                              {factor(i), m});
    }

    void maximise(circuit& model, float scale, float step, float prior) noexcept {
        const circuit_shape& shape = model.shape();
        const std::size_t m = shape.states;
        for (std::size_t i = 0; i < shape.variables; ++i) {
            const bool root = i == model.tree().root();
            for (std::size_t z = 0; z < m; ++z) {
                const std::span<float> row = model.transition(i, z);
                if (!root || z == 0) {
                    float* const fresh = new_edges_.data() + (i * m + z) * m;
                    for (std::size_t k = 0; k < m; ++k) fresh[k] = exact::mul(fresh[k], row[k]);
                    blend({all_edges_.data() + (i * m + z) * m, m}, fresh, 1, row, scale, step, prior);
                }
                blend({all_symbols_.data() + (i * m + z) * shape.symbols, shape.symbols},
                      new_symbols_.data() + i * shape.symbols * m + z, m, model.emission(i, z), scale, step,
                      prior);
            }
        }
        model.refresh();
    }

    /// Moves running counts towards the fresh ones, `stride` apart, and sets the row to their frequencies.
    static void blend(std::span<float> counts, const float* fresh, std::size_t stride, std::span<float> row,
                      float scale, float step, float prior) noexcept {
        const float pseudo = prior / static_cast<float>(row.size());
        for (std::size_t k = 0; k < row.size(); ++k) {
            const float wanted = exact::mul(fresh[k * stride], scale);
            counts[k] = counts[k] + exact::mul(step, wanted - counts[k]);
            counts[k] = counts[k] < 0x1p-20F ? 0.0F : counts[k];
            row[k] = counts[k] + pseudo;
        }
        const float total = 1.0F / exact::sum(row);
        for (std::size_t k = 0; k < row.size(); ++k) {
            const float p = row[k] * total;
            row[k] = p < 0x1p-18F ? 0x1p-18F : p;
        }
    }

    [[nodiscard]] float* factor(std::size_t i) noexcept { return factors_.data() + i * states; }
    [[nodiscard]] float* sent(std::size_t i) noexcept { return sent_.data() + i * states; }
    [[nodiscard]] float* posterior(std::size_t i) noexcept { return posteriors_.data() + i * states; }

    table<float> new_edges_ = table<float>(edges);  // [node][hidden of the parent][hidden]
    table<float> all_edges_ = table<float>(edges);
    table<float> new_symbols_ = table<float>(emissions);  // [node][symbol][hidden]
    table<float> all_symbols_ = table<float>(emissions);  // [node][hidden][symbol]
    table<float> factors_ = table<float>(room);
    table<float> sent_ = table<float>(room);
    table<float> posteriors_ = table<float>(room);
};

}  // namespace pith::inline v1::mixing
