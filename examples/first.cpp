// first: the twelve lines of the README. Compresses a text, damages nothing, and gets it back.
#include <pith/codec.hpp>

#include <cstdio>
#include <string>

int main() {
    std::string text;
    while (text.size() < 100'000)
        text += "a header-only library of compression algorithms, " + std::to_string(text.size());
    const pith::byte_view in(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());

    const auto packed = pith::codec::compress<pith::codec::rans_order1>(in);
    const auto back = pith::codec::decompress(*packed);
    if (!back) return std::puts(back.error().text), 1;
    std::printf("%zu bytes -> %zu bytes -> %zu bytes\n", in.size(), packed->size(), back->size());
}
