// Probabilistic circuits: trees, exact conditionals against enumeration, the number of messages, EM.
#include <pith/mixing/circuit.hpp>
#include <pith/mixing/circuit_learning.hpp>
#include <pith/mixing/circuit_tree.hpp>

#include <cmath>
#include <memory>
#include <vector>

#include "support/catch.hpp"

using pith::mixing::circuit;
using pith::mixing::circuit_learner;
using pith::mixing::circuit_shape;
using pith::mixing::circuit_tree;
using pith::mixing::circuit_walk;

namespace {

/// Random parents, hung at the centroid. `reach` small makes chains, large makes stars.
circuit_tree random_tree(std::size_t size, std::size_t reach, pith::random_sequence& random) {
    std::vector<std::uint8_t> parents(size, 0);
    for (std::size_t i = 1; i < size; ++i)
        parents[i] = static_cast<std::uint8_t>(
            i - 1 - random.below(static_cast<std::uint32_t>(i < reach ? i : reach)));
    circuit_tree::hang_at_centroid(parents);
    circuit_tree tree;
    REQUIRE(tree.assign(parents));
    return tree;
}

void randomize(std::span<float> row, pith::random_sequence& random) {
    float sum = 0;
    for (float& p : row) sum += p = 0.01F + random.uniform() * random.uniform();
    for (float& p : row) p /= sum;
}

void randomize(circuit& model, const circuit_shape& shape, const circuit_tree& tree,
               pith::random_sequence& random) {
    model.reshape(shape, tree);
    for (std::size_t i = 0; i < shape.variables; ++i) {
        for (std::size_t z = 0; z < shape.states; ++z) {
            randomize(model.transition(i, z), random);
            randomize(model.emission(i, z), random);
        }
    }
    model.refresh();
}

/// P(record) by enumeration of all hidden values; a negative symbol is summed over.
double enumerated(circuit& model, const std::vector<int>& record) {
    const circuit_shape& shape = model.shape();
    const circuit_tree& tree = model.tree();
    std::vector<std::size_t> hidden(shape.variables, 0);
    double sum = 0;
    for (;;) {
        double p = 1;
        for (std::size_t i = 0; i < shape.variables; ++i) {
            const std::size_t above = i == tree.root() ? 0 : hidden[tree.parent(i)];
            p *= static_cast<double>(model.transition(i, above)[hidden[i]]);
            if (record[i] >= 0)
                p *= static_cast<double>(model.emission(i, hidden[i])[static_cast<std::size_t>(record[i])]);
        }
        sum += p;
        std::size_t at = 0;
        while (at < shape.variables && ++hidden[at] == shape.states) hidden[at++] = 0;
        if (at == shape.variables) return sum;
    }
}

void check_conditionals(circuit& model, circuit_walk& walk, const std::vector<int>& record) {
    const circuit_shape& shape = model.shape();
    std::vector<int> known(shape.variables, -1);
    std::vector<float> weights(shape.symbols);
    walk.start(model);
    while (!walk.done()) {
        const std::size_t i = walk.variable();
        REQUIRE(known[i] == -1);
        walk.conditional(weights);
        const double before = enumerated(model, known);
        double total = 0;
        for (const float w : weights) total += static_cast<double>(w);
        for (std::size_t x = 0; x < shape.symbols; ++x) {
            known[i] = static_cast<int>(x);
            const double expected = enumerated(model, known) / before;
            REQUIRE(std::abs(static_cast<double>(weights[x]) / total - expected) < 2e-6);
        }
        known[i] = record[i];
        walk.observe(static_cast<std::size_t>(record[i]));
    }
}

double log_likelihood(circuit& model, circuit_walk& walk, const pith::mixing::circuit_sample& sample) {
    const circuit_shape& shape = model.shape();
    std::vector<float> weights(shape.symbols);
    double sum = 0;
    for (std::size_t r = 0; r < sample.weights.size(); ++r) {
        for (walk.start(model); !walk.done();) {
            const std::size_t symbol = sample.symbols[r * shape.variables + walk.variable()];
            walk.conditional(weights);
            double total = 0;
            for (const float w : weights) total += static_cast<double>(w);
            sum += static_cast<double>(sample.weights[r]) *
                   std::log(static_cast<double>(weights[symbol]) / total);
            walk.observe(symbol);
        }
    }
    return sum;
}

}  // namespace

TEST_CASE("a tree is taken in one form only: one root, no cycle, hung at its first centroid") {
    circuit_tree tree;
    const auto taken = [&](std::vector<std::uint8_t> parents) { return tree.assign(parents); };
    CHECK(taken({0}));
    CHECK(taken({0, 0}));
    CHECK_FALSE(taken({1, 1}));           // the other centroid
    CHECK_FALSE(taken({0, 1}));           // two roots
    CHECK_FALSE(taken({1, 0}));           // none
    CHECK_FALSE(taken({0, 2, 1}));        // a cycle beside the root
    CHECK_FALSE(taken({0, 7}));           // no such node
    CHECK(taken({1, 1, 1, 2}));           // a path of four at its second node
    CHECK_FALSE(taken({0, 0, 1, 2}));     // at its end
    CHECK(taken({4, 4, 4, 4, 4}));        // a star
    CHECK_FALSE(taken({0, 4, 4, 4, 0}));  // at a leaf
}

TEST_CASE("every subtree is coded in one piece behind its root") {
    pith::random_sequence random(1);
    for (std::size_t size = 1; size <= 256; size += 17) {
        const circuit_tree tree = random_tree(size, 1 + size % 9, random);
        std::vector<std::size_t> place(size);
        for (std::size_t k = 0; k < size; ++k) place[tree.at(k)] = k;
        for (std::size_t i = 0; i < size; ++i) {
            std::size_t below = 0, last = place[i];
            for (std::size_t c = 0; c < size; ++c) {
                std::size_t up = c;
                while (up != i && up != tree.root()) up = tree.parent(up);
                if (up != i) continue;
                ++below;
                last = place[c] > last ? place[c] : last;
            }
            REQUIRE(last + 1 - place[i] == below);
            if (i != tree.root()) REQUIRE(place[tree.parent(i)] < place[i]);
            if (i != tree.root()) REQUIRE(2 * below <= size);
        }
    }
}

TEST_CASE("the tree of a Markov chain is the chain, whatever the order of its variables") {
    constexpr std::size_t width = 12;
    pith::random_sequence random(2);
    std::vector<std::size_t> shuffled(width);
    for (std::size_t i = 0; i < width; ++i) shuffled[i] = i;
    for (std::size_t i = width; i > 1; --i)
        std::swap(shuffled[i - 1], shuffled[random.below(static_cast<std::uint32_t>(i))]);
    std::vector<std::uint8_t> symbols(4000 * width);
    for (std::size_t r = 0; r < 4000; ++r) {
        std::uint8_t state = static_cast<std::uint8_t>(random.below(4));
        for (std::size_t i = 0; i < width; ++i) {
            if (random.below(4) == 0) state = static_cast<std::uint8_t>(random.below(4));
            symbols[r * width + shuffled[i]] = state;
        }
    }
    std::vector<std::uint8_t> parents(width);
    pith::mixing::chow_liu(symbols, 2, parents);
    for (std::size_t i = 0; i + 1 < width; ++i) {
        const bool joined =
            parents[shuffled[i]] == shuffled[i + 1] || parents[shuffled[i + 1]] == shuffled[i];
        CHECK(joined);
    }
}

TEST_CASE("conditionals equal those by enumeration of all hidden values") {
    const auto model = std::make_unique<circuit>();
    circuit_walk walk;
    pith::random_sequence random(3);
    for (const circuit_shape shape : {circuit_shape{1, 2, 4}, circuit_shape{2, 4, 8}, circuit_shape{3, 4, 4},
                                      circuit_shape{4, 2, 4}, circuit_shape{5, 2, 4}}) {
        for (std::size_t reach = 1; reach <= 3; ++reach) {
            randomize(*model, shape, random_tree(shape.variables, reach, random), random);
            std::vector<int> record(shape.variables, 0);
            for (;;) {
                check_conditionals(*model, walk, record);
                std::size_t at = 0;
                while (at < shape.variables && ++record[at] == static_cast<int>(shape.symbols))
                    record[at++] = 0;
                if (at == shape.variables) break;
            }
        }
    }
}

TEST_CASE("a record of D variables takes at most 2 (D - 1) messages, for trees of any depth") {
    const auto model = std::make_unique<circuit>();
    circuit_walk walk;
    pith::random_sequence random(4);
    for (const std::size_t size : {2U, 3U, 8U, 16U, 32U, 64U, 128U, 256U}) {
        for (const std::size_t reach : {std::size_t{1}, std::size_t{4}, size}) {
            randomize(*model, {size, 2, 4}, random_tree(size, reach, random), random);
            const std::uint64_t before = walk.evaluations();
            for (walk.start(*model); !walk.done();) walk.observe(random.below(2));
            const std::uint64_t used = walk.evaluations() - before;
            CHECK(used >= size - 1);
            CHECK(used <= 2 * (size - 1));  // an evaluation of the whole circuit a variable: size (size - 1)
        }
    }
}

TEST_CASE("a step of EM without prior never lowers the likelihood") {
    constexpr std::size_t width = 9;
    pith::random_sequence random(5);
    std::vector<std::uint8_t> symbols(400 * width);
    std::vector<float> weights(400);
    for (std::size_t r = 0; r < 400; ++r) {
        const std::uint32_t kind = random.below(3);
        for (std::size_t i = 0; i < width; ++i)
            symbols[r * width + i] =
                static_cast<std::uint8_t>(random.below(3) == 0 ? random.below(4) : (kind * i) % 4);
        weights[r] = static_cast<float>(1 + random.below(5));
    }
    const pith::mixing::circuit_sample sample{symbols, weights};
    std::vector<std::uint8_t> parents(width);
    pith::mixing::chow_liu(symbols, 2, parents);
    circuit_tree tree;
    REQUIRE(tree.assign(parents));
    const auto model = std::make_unique<circuit>();
    const auto learner = std::make_unique<circuit_learner>();
    circuit_walk walk;
    model->reshape({width, 4, 8}, tree);
    learner->start(*model, sample);
    double before = log_likelihood(*model, walk, sample);
    const double first = before;
    for (int step = 0; step < 30; ++step) {
        learner->improve(*model, sample, 0, 1, 1.0F, 0.0F);
        const double after = log_likelihood(*model, walk, sample);
        REQUIRE(after >= before - 0.05);  // rounding of 32-bit statistics, of a likelihood of thousands
        before = after;
    }
    CHECK(before > first + 100);
}
