// Contexts as policies: each turns the history of bytes into a number that names what was seen.
// The kinds are those of PAQ8 (Mahoney and others, 2002-2009) and mcm (Chartier, 2013-).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/byte_history.hpp>

namespace pith::inline v1::mixing {

/// A context of the next byte. Law: a function of the history alone; equal values mean the same context.
template <class C, class History = byte_history>
concept history_context = requires(const History& h) {
    { C::value(h) }
    noexcept->std::same_as<std::uint32_t>;
};

/// Mixes the bits of a number.
[[nodiscard]] constexpr std::uint32_t scrambled(std::uint32_t a) noexcept {
    a *= 0x2C1B3C6DU;
    a ^= a >> 15;
    a *= 0x297A2D39U;
    return a ^ a >> 14;
}
[[nodiscard]] constexpr std::uint32_t scrambled(std::uint32_t a, std::uint32_t b) noexcept {
    return scrambled(a + b * 0x85EBCA6BU) + b;
}

/// The last N bytes, N up to 8.
template <unsigned N>
requires(N >= 1 && N <= 8) struct order {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        if constexpr (N <= 4)
            return h.last() & (0xFFFFFFFFU >> (32 - 8 * N));
        else
            return scrambled(h.last(), h.before() & (0xFFFFFFFFU >> (64 - 8 * N)));
    }
};

/// The bytes among the last four that Mask keeps, e.g. sparse<0xFFFF00> for the second and third one.
template <std::uint32_t Mask>
struct sparse {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept { return h.last() & Mask; }
};

/// The word so far and the last byte.
struct word {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return scrambled(h.word(0), h.last_byte());
    }
};
/// The word so far and the one that stands Distance words before.
template <unsigned Distance>
requires(Distance >= 1 && Distance <= 3) struct word_pair {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return scrambled(h.word(0), h.word(Distance) + Distance);
    }
};
/// The classes of the last N bytes and the last byte.
template <unsigned N>
requires(N >= 1 && N <= 16) struct classes {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        const std::uint64_t c = h.classes() & (~std::uint64_t{0} >> (64 - 4 * N));
        return scrambled(static_cast<std::uint32_t>(c) ^ static_cast<std::uint32_t>(c >> 32) * 0x9E3779B1U,
                         h.last_byte());
    }
};
/// The classes of the last eight runs of bytes of one class.
struct class_changes {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept { return h.class_changes(); }
};
/// The innermost open bracket, how far back it is, and the last byte.
struct bracket {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return h.open_bracket() << 16 | h.bracket_distance() << 8 | h.last_byte();
    }
};
/// The last byte and the two that followed it last.
struct indirect_one {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return (h.followers_of_one() & 0xFFFF) << 8 | h.last_byte();
    }
};
/// The last byte and the two that followed the last two last.
struct indirect_two {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return h.followers_of_two() << 8 | h.last_byte();
    }
};
/// The byte above and the column.
struct above {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return h.column() << 8 | h.above();
    }
};

/// The byte above and the last two bytes.
struct above_pair {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return std::uint32_t{h.above()} << 16 | (h.last() & 0xFFFF);
    }
};
/// The first byte of the line and the word so far.
struct first_of_line {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return scrambled(h.first_of_line(), h.word(0) + 3);
    }
};
/// The word before and the last Bytes bytes.
template <unsigned Bytes>
requires(Bytes >= 1 && Bytes <= 4) struct word_after {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return scrambled(h.word(1), (h.last() & (0xFFFFFFFFU >> (32 - 8 * Bytes))) + 77);
    }
};
/// The word so far and the two before.
struct word_triple {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return scrambled(scrambled(h.word(0), h.word(1)), h.word(2));
    }
};
/// The two words before, and whether one is being spelled.
struct words_before {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return scrambled(scrambled(h.word(1), h.word(2)), h.word(0) != 0 ? 1 : 0);
    }
};
/// What closes the open bracket and the word so far.
struct bracket_word {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return scrambled(h.open_bracket(), h.word(0) + 11);
    }
};
/// The last two bytes and the three that followed the last one last.
struct indirect_three {
    [[nodiscard]] static std::uint32_t value(const byte_history& h) noexcept {
        return scrambled(h.followers_of_one() & 0xFFFFFF, h.last() & 0xFFFF);
    }
};

/// A list of contexts.
template <class... Contexts>
struct context_list {
    static constexpr std::size_t size = sizeof...(Contexts);
    /// Scrambled values, different for equal values of different contexts.
    template <class History>
    requires(history_context<Contexts, History>&&...)
        [[gnu::always_inline]] static void hash(const History& h, std::uint32_t* out) noexcept {
        [[maybe_unused]] std::uint32_t salt = 0;
        ((*out++ = scrambled(Contexts::value(h) + (salt += 0x9E3779B1U))), ...);
    }
};

}  // namespace pith::inline v1::mixing
