// What parts of block codecs say of themselves, put together: what they ask of a cache, and their names.
// The name of a composition is saved with a cache, so that another one does not read it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace pith::inline v1::kv::detail {

template <class P>
inline constexpr std::size_t part_layers = 1;
template <class P>
requires requires { P::layers; }
inline constexpr std::size_t part_layers<P> = P::layers;
template <class P>
inline constexpr bool part_uses_previous = requires {
    requires P::uses_previous;
};
template <class P>
inline constexpr bool part_uses_current_keys = requires {
    requires P::uses_current_keys;
};
template <class P>
inline constexpr bool part_uses_queries = requires {
    requires P::uses_queries;
};

/// What the parts of a codec ask of the cache: the most of each.
template <class... Parts>
struct needs {
    static constexpr std::size_t layers = [] {
        std::size_t most = 1;
        ((most = part_layers<Parts> > most ? part_layers<Parts> : most), ...);
        return most;
    }();
    static constexpr bool uses_previous = (part_uses_previous<Parts> || ...);
    static constexpr bool uses_current_keys = (part_uses_current_keys<Parts> || ...);
    static constexpr bool uses_queries = (part_uses_queries<Parts> || ...);
};
/// A number that tells constants and run-time choices apart.
class mark {
  public:
    mark& add(std::uint64_t v) noexcept {
        value_ = (value_ ^ v) * 0x9E37'79B9'7F4A'7C15U;  // 2^64 over the golden ratio
        value_ ^= value_ >> 29;
        return *this;
    }
    mark& add(std::span<const float> values) noexcept {
        for (const float v : values) add(std::bit_cast<std::uint32_t>(v));
        return add(values.size());
    }
    mark& add_text(const char* text) noexcept {
        for (; *text != 0; ++text) add(static_cast<unsigned char>(*text));
        return *this;
    }
    template <class Part>
    mark& add_part(const Part& part) {
        if constexpr (requires { part.fingerprint(); }) return add(part.fingerprint());
        return add(std::uint64_t{0});
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

  private:
    std::uint64_t value_ = 0;
};

/// The names of parts, " > " between them. A part without one is left out.
template <class... Parts>
struct joined_names {
    static constexpr std::size_t size = [] {
        std::size_t n = 0;
        const auto count = [&](const char* text) {
            for (; *text != 0; ++text) ++n;
            n += 3;
        };
        (count(Parts::name), ...);
        return n;
    }();
    static constexpr auto text = [] {
        std::array<char, size + 1> out{};
        std::size_t n = 0;
        const auto add = [&](const char* part) {
            for (; *part != 0; ++part) out[n++] = *part;
        };
        ((n == 0 ? void() : add(" > "), add(Parts::name)), ...);
        return out;
    }();
};
/// A word and its numbers: "affine 2 32".
template <std::size_t Size>
[[nodiscard]] consteval auto numbered_name(const char (&word)[Size],
                                           std::initializer_list<std::size_t> numbers) {
    std::array<char, Size + 64> out{};
    std::size_t n = 0;
    for (; n + 1 < Size; ++n) out[n] = word[n];
    for (const std::size_t number : numbers) {
        std::size_t unit = 1;
        while (number / unit >= 10) unit *= 10;
        out[n++] = ' ';
        for (; unit != 0; unit /= 10) out[n++] = static_cast<char>('0' + number / unit % 10);
    }
    return out;
}

}  // namespace pith::inline v1::kv::detail
