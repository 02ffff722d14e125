// Windows of equal information: each decodes alone, all have one size, and no other bytes stand for a text.
#include <pith/mixing/window_models.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

namespace {

using namespace pith;
using namespace pith::mixing;
using bytes = std::vector<std::uint8_t>;

/// Letters of a chain: each follows two or three others.
bytes chain(std::size_t n, std::uint64_t seed) {
    random_sequence random(seed);
    bytes out(n);
    std::uint8_t last = 'a';
    for (std::uint8_t& b : out) {
        const std::uint32_t draw = random.below(8);
        const unsigned step = draw < 5 ? 3U : draw < 7 ? 7U : random.below(26);
        last = static_cast<std::uint8_t>('a' + (last - 'a' + step) % 26U);
        b = last;
    }
    return out;
}

/// What the concept offers and nothing more: symbols 0..4 of a fixed distribution, in three bits.
struct five_symbols {
    static std::size_t alphabet_size() noexcept { return 5; }
    static void reset(std::size_t) noexcept {}
    static void predict(std::span<float> p) noexcept {
        for (std::size_t i = 0; i < 5; ++i) p[i] = i == 3 ? 0.8F : 0.05F;
    }
    static void update([[maybe_unused]] std::uint32_t symbol) noexcept { PITH_ASSERT(symbol < 5); }
};
/// A model that is certain, and wrong.
struct stubborn {
    using symbol_type = std::uint8_t;
    static constexpr unsigned precision = 32;
    static unsigned symbol_bits() noexcept { return 8; }
    static void restart() noexcept {}
    static std::uint32_t probability_of_one() noexcept { return 1; }
    static void update(bool) noexcept {}
};
static_assert(window_model<stubborn> && window_model<window_bytes_model<>> &&
              window_model<primed_bytes_model<2>> && window_model<window_symbols_model<five_symbols>>);

template <class Windows>
void check_windows(Windows windows, const std::vector<typename Windows::symbol_type>& in) {
    const bytes code = windows.encode(in);
    bytes head;
    vector_sink sink(head);
    put_varint(sink, in.size());
    REQUIRE((code.size() - head.size()) % Windows::window_bytes == 0);
    const auto back = windows.decode(code);
    REQUIRE(back.has_value());
    REQUIRE(*back == in);
    std::size_t at = 0;  // the last window first: none needs another
    std::vector<std::vector<typename Windows::symbol_type>> parts;
    for (std::size_t end = code.size(); end > head.size(); end -= Windows::window_bytes)
        parts.push_back(windows.decode_window(std::span<const std::uint8_t, Windows::window_bytes>(
            code.data() + end - Windows::window_bytes, Windows::window_bytes)));
    for (std::size_t w = parts.size(); w-- > 0;)
        for (const auto symbol : parts[w]) {
            if (w == 0 && at == in.size()) break;
            REQUIRE(at < in.size());
            REQUIRE(symbol == in[at++]);
        }
    REQUIRE(at == in.size());
}

template <class Windows>
void check_damage(Windows windows, const bytes& in) {
    const bytes code = windows.encode(in);
    for (std::size_t cut = 0; cut < code.size(); ++cut)
        REQUIRE_FALSE(windows.decode(byte_view(code).first(cut)).has_value());
    bytes longer = code;
    longer.push_back(0);
    REQUIRE_FALSE(windows.decode(longer).has_value());
    for (std::size_t bit = 0; bit < 8 * code.size(); ++bit) {
        bytes damaged = code;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        const auto got = windows.decode(damaged, limits{.max_output = 4096});
        if (got.has_value()) REQUIRE(windows.encode(*got) == damaged);  // a content has one form
    }
}

}  // namespace

TEST_CASE("Every window of equal information decodes alone, and all have the same number of bits") {
    const primed_bytes_model<2> primed(chain(50'000, 1));
    for (std::size_t n = 0; n < 300; n += n < 20 ? 1 : 31) {
        const bytes in = chain(n, 2 + n);
        check_windows(equal_information_windows<primed_bytes_model<2>, 16>(primed), in);
        check_windows(equal_information_windows<window_bytes_model<>, 8>(), in);
        check_windows(equal_information_windows<window_bytes_model<>, 56>(), in);
        check_windows(equal_information_windows<window_bytes_model<>, 64>(), in);
        check_windows(equal_information_windows<window_bytes_model<>, 1024>(), in);
    }
    check_windows(equal_information_windows<window_bytes_model<>, 1024>(), chain(40'000, 3));
}

TEST_CASE("A window holds a symbol however wrong the model is, and no more symbols than its size allows") {
    bytes all(256);
    for (std::size_t i = 0; i < 256; ++i) all[i] = static_cast<std::uint8_t>(i);
    check_windows(equal_information_windows<stubborn, 8>(), all);
    check_windows(equal_information_windows<stubborn, 64>(), all);
    using long_windows = equal_information_windows<stubborn, 64>;
    check_windows(long_windows(), bytes(3 * long_windows::most_symbols + 1));
    CHECK(long_windows().encode(bytes(2 * long_windows::most_symbols)).size() == 3 + 16);
}

TEST_CASE("A predictor of an alphabet that is no power of two codes in windows near its cross-entropy") {
    random_sequence random(5);
    std::vector<std::uint32_t> in(20'000);
    double ideal = 0;
    for (std::uint32_t& s : in) {
        s = random.below(5) != 0 ? 3 : random.below(5);
        ideal -= std::log2(s == 3 ? 0.8 : 0.05);
    }
    using model = window_symbols_model<five_symbols>;
    const auto excess = [&](auto windows) {
        check_windows(windows, in);
        const std::size_t last = 3 + decltype(windows)::window_bytes;  // and the number of symbols
        return 8 * static_cast<double>(windows.encode(in).size() - last) / ideal - 1;
    };
    const double short_windows = excess(equal_information_windows<model, 16>(model({})));
    const double long_windows = excess(equal_information_windows<model, 1024>(model({})));
    CHECK(short_windows < 0.15);
    CHECK(long_windows < 0.0025);
}

TEST_CASE("Damaged windows are errors, or the only form of another text") {
    const primed_bytes_model<2> primed(chain(50'000, 1));
    check_damage(equal_information_windows<primed_bytes_model<2>, 16>(primed), chain(40, 7));
    check_damage(equal_information_windows<window_bytes_model<>, 64>(), chain(40, 8));
    check_damage(equal_information_windows<stubborn, 64>(), bytes(3000));
    equal_information_windows<window_bytes_model<>, 64> windows;
    CHECK(windows.decode(windows.encode(chain(100, 1)), limits{.max_output = 99}).error().code ==
          error_code::limit_exceeded);
}
