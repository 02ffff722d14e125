// What tests of networks that learn while they read share: made-up numbers, slopes, and the cost of a text.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/mixing/tree_head.hpp>

#include "support/catch.hpp"

namespace network_laws {

inline std::vector<float> numbers(std::size_t count, std::uint64_t seed) {
    pith::random_sequence random(seed);
    std::vector<float> out(count);
    for (float& f : out) f = 2.0F * random.uniform() - 1.0F;
    return out;
}

/// Checks `gradient` against differences of the loss when `values` move; the loss is float: 1 % is what
/// holds.
template <class Loss>
void check_gradient(std::vector<float>& values, const std::vector<float>& gradient, std::size_t stride,
                    Loss f) {
    double size = 0;
    for (const float g : gradient) size = std::max(size, std::abs(static_cast<double>(g)));
    REQUIRE(size > 0.1);
    for (std::size_t i = 0; i < values.size(); i += stride) {
        const float kept = values[i];
        const float step = 0.01F;
        values[i] = kept + step;
        const double above = f();
        values[i] = kept - step;
        const double below = f();
        values[i] = kept;
        CAPTURE(i);
        CHECK(std::abs((above - below) / (2.0 * static_cast<double>(step)) -
                       static_cast<double>(gradient[i])) < 0.01 * size);
    }
}

/// Bits that a network with its head spends on the last quarter of `data`, per byte.
template <class Network>
double cost(const std::vector<std::uint8_t>& data) {
    const auto network = std::make_unique<Network>();
    pith::mixing::tree_head<Network::width> head;
    double bits = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
        std::uint32_t node = 1;
        for (unsigned k = 8; k-- > 0;) {
            const bool bit = (data[i] >> k & 1) != 0;
            const float p = pith::mixing::lanes::logistic(head.logit(node, network->features()));
            if (i >= data.size() / 4 * 3) bits -= std::log2(static_cast<double>(bit ? p : 1.0F - p) + 1e-9);
            head.learn(node, network->features(), (bit ? 1.0F : 0.0F) - p, 0.015F, network->gradient());
            node = node << 1 | (bit ? 1U : 0U);
        }
        network->push(data[i]);
    }
    return bits / (static_cast<double>(data.size()) / 4);
}

}  // namespace network_laws
