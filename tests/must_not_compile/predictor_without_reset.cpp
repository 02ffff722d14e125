// expect: symbol_predictor
// A language model that cannot go back to its start would decode the second block with the first one's
// memory.
#include <pith/systems/lossless.hpp>

struct uniform_bytes {
    static std::size_t alphabet_size() noexcept { return 256; }
#if !MISTAKE
    static void reset(std::size_t) noexcept {}
#endif
    static void predict(std::span<float> p) noexcept {
        for (float& v : p) v = 1.0F / 256;
    }
    static void update(std::uint32_t) noexcept {}
};

int main() { return sizeof(pith::systems::nacrith<uniform_bytes>) == 0 ? 1 : 0; }
