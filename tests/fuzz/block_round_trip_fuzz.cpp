// Every block coder on any content: portable and vector form write the same bytes and read them back, into
// exactly the room that they need and no byte less.
#include "fuzz/coders.hpp"
#include "fuzz/input.hpp"

namespace {

// Fuzzers write little; repeating it with changes gives blocks that are worth coding.
fuzz::bytes grown(const fuzz::bytes& seed, unsigned times, std::uint8_t step) {
    fuzz::bytes out;
    for (unsigned k = 0; k < times && out.size() < 12'000; ++k)
        for (const std::uint8_t b : seed)
            out.push_back(static_cast<std::uint8_t>(b + (out.size() % 11 == 3 ? k * step : 0)));
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const auto& [portable, native] = fuzz::coder_number(fuzz::chosen_coder(in.byte()));
    const unsigned times = 1U << in.byte() % 8;
    const std::uint8_t step = in.byte();
    const std::size_t room = in.two_bytes();
    const fuzz::bytes content = grown(in.rest(), times, step);
    const fuzz::bytes coded = block_coders::encoded(*native, content);
    fuzz::require(coded == block_coders::encoded(*portable, content), "one content has one block");
    fuzz::bytes out(content.size());
    const auto n = native->decode_into(coded, out);
    fuzz::require(n && out == content, "native decoding gives the content");
    const auto m = portable->decode_into(coded, out);
    fuzz::require(m && out == content, "portable decoding gives the content");
    fuzz::bytes small(room % (coded.size() + 1));
    const auto k = native->encode_into(content, small);
    fuzz::require(k.has_value() == (small.size() == coded.size()), "no less room than needed is enough");
    return 0;
}
