// The state space layer: its gradients are those of its outputs; networks learn what they read.
#include <cmath>
#include <memory>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/mixing/ssm.hpp>
#include <pith/mixing/ssm_network.hpp>

#include "mixing/network_laws.hpp"
#include "support/catch.hpp"

using namespace pith;
using namespace pith::mixing;
using namespace network_laws;

namespace {

constexpr ssm_shape small{.model = 16, .inner = 16, .state = 8, .rank = 16, .chunk = 16, .layers = 2};
using layer = ssm_layer<small>;
constexpr std::size_t n = small.chunk * small.model;

/// The sum of target . output over a chunk, after an earlier one under the first weights that leaves a state.
double loss(layer& l, const std::vector<float>& weights, const std::vector<float>& inputs,
            const std::vector<float>& target) {
    l.reset();
    std::vector<float> earlier = numbers(n, 77), none(n, 0.0F);
    for (std::size_t t = 0; t < small.chunk; ++t) l.forward(t, earlier.data() + t * small.model);
    l.backward(none.data());
    std::copy(weights.begin(), weights.end(), l.parameters_now().begin());
    std::vector<float> x = inputs;
    double sum = 0;
    for (std::size_t t = 0; t < small.chunk; ++t) {
        l.forward(t, x.data() + t * small.model);
        for (std::size_t i = 0; i < small.model; ++i)
            sum += static_cast<double>(x[t * small.model + i]) *
                   static_cast<double>(target[t * small.model + i]);
    }
    return sum;
}

}  // namespace

TEST_CASE("A layer's gradients are the slopes of its outputs") {
    layer l;
    random_sequence random(5);
    l.prepare(random);
    l.reset();
    std::vector<float> weights(l.parameters_now().begin(), l.parameters_now().end());
    std::vector<float> inputs = numbers(n, 6);
    const std::vector<float> target = numbers(n, 7);
    const auto f = [&] { return loss(l, weights, inputs, target); };
    f();
    std::vector<float> dinputs = target;
    l.backward(dinputs.data());
    const std::vector<float> dweights(l.gradient().begin(), l.gradient().end());
    SECTION("to the inputs") { check_gradient(inputs, dinputs, 7, f); }
    SECTION("to the weights") { check_gradient(weights, dweights, 11, f); }
}

TEST_CASE("A network learns a cycle longer than its convolution reaches") {
    // After "aaaaaaab" comes "aaaaaaac": what comes next is known only from what is remembered.
    std::vector<std::uint8_t> data;
    for (int i = 0; i < 1200; ++i) {
        data.insert(data.end(), 7, 'a');
        data.push_back(i % 2 == 0 ? 'b' : 'c');
    }
    CHECK(cost<ssm_network<small>>(data) < 0.15);  // 0.33 without remembering
}

TEST_CASE("A network forgets everything at reset") {
    const auto a = std::make_unique<ssm_network<small>>();
    const auto b = std::make_unique<ssm_network<small>>();
    for (unsigned i = 0; i < 100; ++i) {
        a->gradient()[i % small.model] = 1.0F;
        a->push(static_cast<std::uint8_t>(i * 7));
    }
    a->reset();
    for (unsigned i = 0; i < 50; ++i) {
        for (std::size_t k = 0; k < small.model; ++k) REQUIRE(a->features()[k] == b->features()[k]);
        a->gradient()[1] = b->gradient()[1] = 0.5F;
        a->push(static_cast<std::uint8_t>(i));
        b->push(static_cast<std::uint8_t>(i));
    }
}

TEST_CASE("Features stay finite whatever gradient comes") {
    const auto network = std::make_unique<ssm_network<small>>();
    for (unsigned i = 0; i < 3000; ++i) {
        for (std::size_t k = 0; k < small.model; ++k)
            network->gradient()[k] = (i + k) % 2 == 0 ? 1e4F : -1e4F;
        network->push(static_cast<std::uint8_t>(i * i));
        for (std::size_t k = 0; k < small.model; ++k) REQUIRE(std::isfinite(network->features()[k]));
    }
}
