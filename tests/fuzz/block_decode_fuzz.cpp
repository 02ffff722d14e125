// Every block coder's decoder on any bytes: an error or a whole block, alike in portable and vector form;
// what it accepts comes back from its encoder.
#include <memory>

#include "fuzz/input.hpp"
#include "support/block_coders.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using block_coders::entries;
    static std::unique_ptr<block_coders::coder> portable[entries.size()], native[entries.size()];
    fuzz::input in(data, size);
    const std::size_t i = in.byte() % entries.size();
    const std::size_t length = in.two_bytes() % 5000;
    const fuzz::bytes block = in.rest();
    if (portable[i] == nullptr) portable[i] = entries[i].portable(), native[i] = entries[i].native();
    fuzz::bytes out(length, 0xA5), also(length, 0x5A);
    const auto n = portable[i]->decode_into(block, out);
    const auto m = native[i]->decode_into(block, also);
    fuzz::require(n.has_value() == m.has_value(), "portable and native accept the same blocks");
    if (!n) {
        fuzz::require(n.error().code == m.error().code, "portable and native give the same error");
        return 0;
    }
    fuzz::require(*n == length && *m == length, "a decoder fills the block");
    fuzz::require(out == also, "portable and native decode alike");
    const fuzz::bytes again = block_coders::encoded(*native[i], out);
    fuzz::require(again.size() <= native[i]->max_encoded_size(length), "the bound of the encoder holds");
    fuzz::bytes back(length);
    const auto k = portable[i]->decode_into(again, back);
    fuzz::require(k && back == out, "what was decoded can be encoded");
    return 0;
}
