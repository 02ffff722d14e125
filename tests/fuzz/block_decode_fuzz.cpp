// Every block coder's decoder on any bytes: an error or a whole block, alike in portable and vector form;
// what it accepts comes back from its encoder.
#include "fuzz/coders.hpp"
#include "fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const auto& [portable, native] = fuzz::coder_number(fuzz::chosen_coder(in.byte()));
    const std::size_t length = in.two_bytes() % 5000;
    const fuzz::bytes block = in.rest();
    fuzz::bytes out(length, 0xA5), also(length, 0x5A);
    const auto n = portable->decode_into(block, out);
    const auto m = native->decode_into(block, also);
    fuzz::require(n.has_value() == m.has_value(), "portable and native accept the same blocks");
    if (!n) {
        fuzz::require(n.error().code == m.error().code, "portable and native give the same error");
        return 0;
    }
    fuzz::require(*n == length && *m == length, "a decoder fills the block");
    fuzz::require(out == also, "portable and native decode alike");
    const fuzz::bytes again = block_coders::encoded(*native, out);
    fuzz::require(again.size() <= native->max_encoded_size(length), "the bound of the encoder holds");
    fuzz::bytes back(length);
    const auto k = portable->decode_into(again, back);
    fuzz::require(k && back == out, "what was decoded can be encoded");
    return 0;
}
