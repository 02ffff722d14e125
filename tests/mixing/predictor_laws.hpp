// What every symbol_predictor must keep.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <pith/mixing/concepts.hpp>

#include "support/catch.hpp"
#include "support/digest.hpp"

namespace predictor_laws {

template <pith::mixing::symbol_predictor P>
std::vector<float> ask(P& predictor) {
    std::vector<float> p(predictor.alphabet_size(), -1.0F);
    predictor.predict(p);
    return p;
}

/// Distributions are distributions; asking changes nothing; copies that see the same stay equal; reset
/// forgets.
template <pith::mixing::symbol_predictor P>
void check(P predictor, std::span<const std::uint32_t> symbols) {
    predictor.reset(symbols.size());
    P silent = predictor;
    const std::vector<float> start = ask(predictor);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        const std::vector<float> p = ask(predictor);
        double sum = 0;
        for (const float v : p) {
            REQUIRE(std::isfinite(v));
            REQUIRE(v >= 0.0F);
            sum += static_cast<double>(v);
        }
        REQUIRE(std::abs(sum - 1.0) <= 0x1p-10);
        REQUIRE(ask(predictor) == p);
        if (i % 37 == 5) {
            P copy = silent;
            REQUIRE(ask(copy) == p);
        }
        predictor.update(symbols[i]);
        silent.update(symbols[i]);
    }
    predictor.reset(symbols.size());
    REQUIRE(ask(predictor) == start);
}

/// Digest of all distributions on the way through `symbols`.
template <pith::mixing::symbol_predictor P>
std::uint64_t digest_of(P predictor, std::span<const std::uint32_t> symbols) {
    digest all;
    predictor.reset(symbols.size());
    for (const std::uint32_t s : symbols) {
        for (const float v : ask(predictor)) all.add(v);
        predictor.update(s);
    }
    return all.value();
}

/// Bits that an ideal coder would need.
template <pith::mixing::symbol_predictor P>
double bits_of(P predictor, std::span<const std::uint32_t> symbols) {
    double bits = 0;
    predictor.reset(symbols.size());
    for (const std::uint32_t s : symbols) {
        bits -= std::log2(static_cast<double>(ask(predictor)[s]));
        predictor.update(s);
    }
    return bits;
}

inline std::vector<std::uint32_t> symbols_of(const std::string& text) {
    return {reinterpret_cast<const unsigned char*>(text.data()),
            reinterpret_cast<const unsigned char*>(text.data()) + text.size()};
}

}  // namespace predictor_laws
