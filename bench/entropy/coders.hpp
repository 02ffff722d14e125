// The block coders that are measured, behind one face; a new coder of pith is one line in own_coders().
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pith/codec/bytes.hpp>
#include <pith/core/bytes.hpp>
#include <pith/entropy/adaptive_binary.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/golomb.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/entropy/rans_order1.hpp>
#include <pith/entropy/tans.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_order1.hpp>

namespace bench {

/// A coder of blocks whatever library it comes from. Objects are used by one thread.
struct coder {
    std::string name;
    std::function<std::size_t(std::size_t)> bound;                        ///< room that encode needs
    std::function<std::size_t(pith::byte_view, pith::byte_span)> encode;  ///< bytes written; 0: it failed
    std::function<bool(pith::byte_view, pith::byte_span)> decode;         ///< false: it failed
    std::string counterpart{};  ///< of a rival: the coder of pith that does the same task; empty: none does
    std::string call{};         ///< of a rival: how it is called
};

template <pith::entropy::block_coder Coder>
coder own(std::string name) {
    const auto object = std::make_shared<Coder>();
    return {std::move(name), [](std::size_t n) { return Coder::max_encoded_size(n); },
            [object](pith::byte_view in, pith::byte_span out) {
                const auto size = object->encode_into(in, out);
                return size ? *size : 0;
            },
            [object](pith::byte_view in, pith::byte_span out) {
                return object->decode_into(in, out).has_value();
            }};
}

inline std::vector<coder> own_coders() {
    namespace entropy = pith::entropy;
    constexpr entropy::bit_rates two_rates{.fast = 4, .slow = 7};
    std::vector<coder> list;
    list.push_back(own<entropy::rans_bytes<pith::simd::rans_rounds<>>>("rans"));
    list.push_back(own<entropy::rans_bytes<>>("rans, scalar"));
    list.push_back(
        own<entropy::rans_order1<pith::simd::order1_rounds<>, pith::simd::rans_rounds<>>>("rans order 1"));
    list.push_back(own<entropy::huffman<>>("huffman"));
    list.push_back(own<entropy::tans<>>("tans"));
    list.push_back(own<entropy::rice_bytes>("rice"));
    list.push_back(own<pith::codec::adaptive_nibble<0>>("nibble order 0"));
    list.push_back(own<pith::codec::adaptive_nibble<1>>("nibble order 1"));
    list.push_back(own<pith::codec::adaptive_nibble<2>>("nibble order 2"));
    list.push_back(own<entropy::adaptive_binary<0>>("binary order 0"));
    list.push_back(own<entropy::adaptive_binary<0, two_rates>>("binary order 0, 2 rates"));
    list.push_back(own<entropy::adaptive_binary<1>>("binary order 1"));
    list.push_back(own<entropy::adaptive_binary<2>>("binary order 2"));
    return list;
}

}  // namespace bench
