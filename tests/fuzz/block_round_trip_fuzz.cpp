// Every block coder on any content: portable and vector form write the same bytes and read them back, into
// exactly the room that they need and no byte less.
#include <memory>

#include "fuzz/input.hpp"
#include "support/block_coders.hpp"

namespace {

// Fuzzers write little; repeating it with changes gives blocks that are worth coding.
fuzz::bytes grown(const fuzz::bytes& seed, unsigned times, std::uint8_t step) {
    fuzz::bytes out;
    for (unsigned k = 0; k < times && out.size() < 20'000; ++k)
        for (const std::uint8_t b : seed)
            out.push_back(static_cast<std::uint8_t>(b + (out.size() % 11 == 3 ? k * step : 0)));
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using block_coders::entries;
    static std::unique_ptr<block_coders::coder> portable[entries.size()], native[entries.size()];
    fuzz::input in(data, size);
    const std::size_t i = in.byte() % entries.size();
    const unsigned times = 1U << in.byte() % 8;
    const std::uint8_t step = in.byte();
    const std::size_t room = in.two_bytes();
    const fuzz::bytes content = grown(in.rest(), times, step);
    if (portable[i] == nullptr) portable[i] = entries[i].portable(), native[i] = entries[i].native();
    const fuzz::bytes coded = block_coders::encoded(*native[i], content);
    fuzz::require(coded == block_coders::encoded(*portable[i], content), "one content has one block");
    fuzz::bytes out(content.size());
    const auto n = native[i]->decode_into(coded, out);
    fuzz::require(n && out == content, "native decoding gives the content");
    const auto m = portable[i]->decode_into(coded, out);
    fuzz::require(m && out == content, "portable decoding gives the content");
    fuzz::bytes small(room % (coded.size() + 1));
    const auto k = native[i]->encode_into(content, small);
    fuzz::require(k.has_value() == (small.size() == coded.size()), "no less room than needed is enough");
    return 0;
}
