#include <pith/mixing/context_mixer.hpp>
#include <pith/mixing/profiles.hpp>
#include <pith/mixing/quick_mixer.hpp>
#include <pith/simd/mixing.hpp>

#include <cstdint>
#include <memory>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

using namespace pith::mixing;
using bytes = std::vector<std::uint8_t>;

namespace {

#ifdef PITH_NO_SIMD
using native = portable_mixing;
#else
using native = pith::simd::mixing_kernel<>;
#endif

/// Repetitions, a skewed alphabet, noise.
bytes mixed_data(std::size_t n) {
    pith::random_sequence random(65);
    bytes out(n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t part = i * 3 / n;
        out[i] = static_cast<std::uint8_t>(part == 0   ? 'a' + (i * i / 7 + i % 17) % 26
                                           : part == 1 ? random.below(1 + random.below(40))
                                                       : random());
        if (part != 2 && i > 200 && i % 100 > 60) out[i] = out[i - 200];
    }
    return out;
}

template <class Profile, class Kernel>
using quick = quick_mixer<Profile, Kernel>;
template <class Profile, class Kernel>
using thorough = context_mixer<Profile, Kernel>;

template <template <class, class> class Mixer, class Profile>
void check(const bytes& block) {
    const auto one = std::make_unique<Mixer<Profile, portable_mixing>>();
    const auto other = std::make_unique<Mixer<Profile, native>>();
    history_slots slots(12), more_slots(12);
    slots.reset(12);
    more_slots.reset(12);
    one->reset(slots, block.data());
    other->reset(more_slots, block.data());
    for (const std::uint8_t byte : block) {
        for (unsigned k = 8; k-- > 0;) {
            REQUIRE(one->probability_of_one() == other->probability_of_one());
            const bool bit = (byte >> k & 1) != 0;
            one->update(bit);
            other->update(bit);
        }
    }
}

}  // namespace

TEST_CASE("a context mixer predicts the same with every kernel") {
    check<quick, fast_text>(mixed_data(2500));
    check<quick, fast_code>(mixed_data(600));
    check<quick, fast_records>(mixed_data(600));
    check<thorough, fast_text>(mixed_data(600));
    check<thorough, max_code>(mixed_data(600));
}
