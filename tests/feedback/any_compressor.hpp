// Compressors behind one type, so that the laws are compiled once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pith/feedback/concepts.hpp>

#include "support/float_samples.hpp"

namespace feedback_tests {

using bytes = std::vector<std::uint8_t>;
using float_samples::floats;
using float_samples::gaussian;

struct any_compressor {
    std::string name;
    std::size_t size = 0;
    std::size_t room = 0;
    double contraction = -1;  ///< negative: not contractive
    double variance = -1;     ///< negative: not unbiased
    std::function<pith::result<std::size_t>(std::span<const float>, std::uint64_t, pith::byte_span)> encode;
    std::function<pith::result<void>(pith::byte_view, std::uint64_t, std::span<float>)> decode;
};

template <pith::feedback::compressor C>
any_compressor any(std::string name, C compressor) {
    any_compressor out;
    out.name = std::move(name);
    out.size = compressor.size();
    out.room = compressor.max_encoded_size();
    if constexpr (pith::feedback::contractive_compressor<C>) out.contraction = compressor.contraction();
    if constexpr (pith::feedback::unbiased_compressor<C>) out.variance = compressor.variance();
    const auto sender = std::make_shared<C>(compressor);
    const auto receiver = std::make_shared<C>(std::move(compressor));
    out.encode = [sender](auto x, auto message, auto to) { return sender->encode_into(x, message, to); };
    out.decode = [receiver](auto in, auto message, auto y) { return receiver->decode_into(in, message, y); };
    return out;
}

/// Few large values among many small ones.
inline floats heavy(std::size_t n, std::uint64_t seed) {
    floats x = gaussian(n, seed);
    for (float& v : x) v = v * v * v * v * v;
    return x;
}

}  // namespace feedback_tests
