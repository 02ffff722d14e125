// The gated recurrent unit: its gradients are the slopes of its states; it remembers and forgets.
#include <cmath>
#include <memory>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/mixing/gru.hpp>
#include <pith/mixing/online_ensemble.hpp>
#include <pith/simd/float_lanes.hpp>

#include "mixing/network_laws.hpp"
#include "support/catch.hpp"

using namespace pith;
using namespace pith::mixing;
using namespace network_laws;

namespace {

constexpr gru_shape small{.units = 16, .chunk = 16};
using layer = gru_layer<small>;
static_assert(feature_network<gru_network<small>>);

#if !defined(PITH_NO_SIMD) && defined(__AVX2__)
using widest = simd::float_lanes<>;
#else
using widest = portable_lanes;
#endif

void run_chunk(layer& l, const std::vector<float>& inputs) {
    for (std::size_t t = 0; t < small.chunk; ++t) l.forward(t, inputs.data() + t * layer::gates);
}

/// The sum of target . state over a chunk, after an earlier one under the first weights that leaves a state.
double loss(layer& l, const std::vector<float>& weights, const std::vector<float>& inputs,
            const std::vector<float>& target) {
    l.reset();
    run_chunk(l, numbers(small.chunk * layer::gates, 77));
    const std::vector<float> none(small.chunk * small.units, 0.0F);
    std::vector<float> unused(small.chunk * layer::gates);
    l.backward(none.data(), unused.data());
    std::copy(weights.begin(), weights.end(), l.parameters_now().begin());
    run_chunk(l, inputs);
    double sum = 0;
    for (std::size_t t = 0; t < small.chunk; ++t)
        for (std::size_t i = 0; i < small.units; ++i)
            sum += static_cast<double>(l.state(t)[i]) * static_cast<double>(target[t * small.units + i]);
    return sum;
}

}  // namespace

TEST_CASE("A recurrent unit's gradients are the slopes of its states") {
    layer l;
    random_sequence random(5);
    l.prepare(random);
    l.reset();
    std::vector<float> weights(l.parameters_now().begin(), l.parameters_now().end());
    std::vector<float> inputs = numbers(small.chunk * layer::gates, 6);
    const std::vector<float> target = numbers(small.chunk * small.units, 7);
    const auto f = [&] { return loss(l, weights, inputs, target); };
    f();
    std::vector<float> dinputs(inputs.size());
    l.backward(target.data(), dinputs.data());
    const std::vector<float> dweights(l.gradient().begin(), l.gradient().end());
    SECTION("to the inputs") { check_gradient(inputs, dinputs, 7, f); }
    SECTION("to the weights") { check_gradient(weights, dweights, 5, f); }
}

TEST_CASE("A recurrent network learns a cycle that only its state can tell") {
    // After "aaaaaaab" comes "aaaaaaac". Who knows the last byte alone spends 0.64 bits a byte, who knows
    // where in the cycle of eight it stands 0.125.
    std::vector<std::uint8_t> data;
    for (int i = 0; i < 4000; ++i) {
        data.insert(data.end(), 7, 'a');
        data.push_back(i % 2 == 0 ? 'b' : 'c');
    }
    CHECK(cost<gru_network<gru_shape{.units = 32, .chunk = 16}>>(data) < 0.09);
}

TEST_CASE("A recurrent network gives the same bits whatever its lanes") {
    const auto a = std::make_unique<gru_network<small>>();
    const auto b = std::make_unique<gru_network<small, widest>>();
    random_sequence random(9);
    for (unsigned i = 0; i < 200; ++i) {
        for (std::size_t k = 0; k < small.units; ++k) {
            REQUIRE(a->features()[k] == b->features()[k]);
            a->gradient()[k] = b->gradient()[k] = random.uniform() - 0.5F;
        }
        const auto byte = static_cast<std::uint8_t>(i * i);
        a->push(byte);
        b->push(byte);
    }
}

TEST_CASE("A recurrent network forgets everything at reset") {
    const auto a = std::make_unique<gru_network<small>>();
    const auto b = std::make_unique<gru_network<small>>();
    for (unsigned i = 0; i < 100; ++i) {
        a->gradient()[i % small.units] = 1.0F;
        a->push(static_cast<std::uint8_t>(i * 7));
    }
    a->reset();
    for (unsigned i = 0; i < 50; ++i) {
        for (std::size_t k = 0; k < small.units; ++k) REQUIRE(a->features()[k] == b->features()[k]);
        a->gradient()[1] = b->gradient()[1] = 0.5F;
        a->push(static_cast<std::uint8_t>(i));
        b->push(static_cast<std::uint8_t>(i));
    }
}

TEST_CASE("A recurrent network's features stay within one whatever gradient comes") {
    const auto network = std::make_unique<gru_network<small>>();
    for (unsigned i = 0; i < 2000; ++i) {
        for (std::size_t k = 0; k < small.units; ++k)
            network->gradient()[k] = (i + k) % 2 == 0 ? 1e4F : -1e4F;
        network->push(static_cast<std::uint8_t>(i * i));
        for (std::size_t k = 0; k < small.units; ++k) {
            REQUIRE(network->features()[k] <= 1.0F);
            REQUIRE(network->features()[k] >= -1.0F);
        }
    }
}
