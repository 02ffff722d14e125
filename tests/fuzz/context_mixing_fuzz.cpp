// The decoder of context mixing on any bytes: an error or a whole block; what it accepts, but for texts,
// which are slow to start, is decoded alike by the portable form and comes back from the encoder.
#include <pith/codec/bytes.hpp>

#include <memory>

#include "fuzz/input.hpp"

namespace {

using native = pith::codec::fast;
using portable = pith::codec::context_mixing<pith::codec::fast_mixing>;

template <class Codec>
Codec& kept() {
    static const auto codec = std::make_unique<Codec>();
    return *codec;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const std::size_t length = in.two_bytes() % 3000;
    const fuzz::bytes block = in.rest();
    fuzz::bytes out(length, 0xA5);
    const auto n = kept<native>().decode_into(block, out);
    if (!n) return 0;
    fuzz::require(*n == length, "a decoder fills the block");
    if (length == 0 || block[0] == 0 || block[0] == 3) return 0;
    fuzz::bytes also(length, 0x5A);
    const auto m = kept<portable>().decode_into(block, also);
    fuzz::require(m && also == out, "portable and native decode alike");
    fuzz::bytes again(native::max_encoded_size(length));
    const auto k = kept<native>().encode_into(out, again);
    fuzz::require(k && *k <= again.size(), "the bound of the encoder holds");
    again.resize(*k);
    again.shrink_to_fit();
    fuzz::require(kept<native>().decode_into(again, also) && also == out, "what was decoded can be encoded");
    return 0;
}
