// Selectors: small numbers, known before a bit, that choose a weight vector of a mixer.
// The kinds are those of lpaq and PAQ8 (Mahoney and others, 2005-2009).
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include <pith/mixing/byte_history.hpp>

namespace pith::inline v1::mixing {

/// What the choice of a weight vector may depend on.
struct mixing_state {
    std::uint32_t partial = 1;   ///< bits of the byte so far behind a leading one
    std::uint32_t bits = 0;      ///< how many
    std::uint32_t expected = 0;  ///< 256 + the byte that the longest match expects, 0 if none holds
    std::uint32_t match = 0;     ///< 0 without a match, 1 to 3 by its length
    std::uint32_t seen = 0;      ///< how many of the first six contexts have a history here
};

/// Numbers the states of a mixer. Law: value < contexts.
template <class S, class History = byte_history>
concept weight_selector = requires(const mixing_state& s, const History& h) {
    { S::contexts } -> std::convertible_to<std::size_t>;
    { S::value(s, h) }
    noexcept->std::same_as<std::uint32_t>;
};

/// Law: value(s, h) = value(mixing_state{}, h) + s.bits, so that a byte's vectors stand together.
template <class S>
concept steady_selector = requires {
    requires S::steady;
};

template <class... Selectors>
struct selector_list {
    template <std::size_t K>
    using at = std::tuple_element_t<K, std::tuple<Selectors...>>;
    static constexpr std::size_t size = sizeof...(Selectors);
    static constexpr std::array<std::size_t, size> contexts{Selectors::contexts...};
    template <class History>
    requires(weight_selector<Selectors, History>&&...)
        [[nodiscard,
          gnu::always_inline]] static std::array<std::uint32_t, size> values(const mixing_state& s,
                                                                             const History& h) noexcept {
        return {Selectors::value(s, h)...};
    }
};

namespace selected_by {

/// Match and the number of contexts that have been here.
struct experience {
    static constexpr std::size_t contexts = 4 * 7 * 8;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto&) noexcept {
        return (s.match * 7 + s.seen) * 8 + s.bits;
    }
};
/// The bits so far.
struct partial {
    static constexpr std::size_t contexts = 256;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto&) noexcept {
        return s.partial;
    }
};
/// Classes of the last two bytes.
struct classes {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 2048;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return static_cast<std::uint32_t>(h.classes() & 0xFF) * 8 + s.bits;
    }
};
/// The byte that a match expects, else the last byte.
struct expected {
    static constexpr std::size_t contexts = 4096;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return (s.expected != 0 ? s.expected : h.last_byte()) * 8 + s.bits;
    }
};
/// The byte before the last one.
struct second_byte {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 2048;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return (h.last() >> 8 & 0xFF) * 8 + s.bits;
    }
};
/// The column, up to 255.
struct column {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 2048;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return (h.column() < 255 ? h.column() : 255) * 8 + s.bits;
    }
};
/// The open bracket's distance and whether a word is being spelled.
struct bracket {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 17 * 16;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        const std::uint32_t open = h.open_bracket() != 0 ? 1 + h.bracket_distance() : 0;
        return (open * 2 + (h.word(0) != 0 ? 1 : 0)) * 8 + s.bits;
    }
};
/// The last three changes of class.
struct changes {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 32768;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return (h.class_changes() & 0xFFF) * 8 + s.bits;
    }
};
/// Where in an instruction of x86 the next byte stands.
struct instruction {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 32 * 8;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return h.field() * 8 + s.bits;
    }
};

/// The opcode of the instruction.
struct opcode {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 256 * 8;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return h.opcode() * 8 + s.bits;
    }
};
/// The column in a record, up to 255.
struct cell {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 256 * 8;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return (h.cell_column() < 255 ? h.cell_column() : 255) * 8 + s.bits;
    }
};
/// The byte one record back.
struct cell_above {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 256 * 8;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return h.cell(1, 0) * 8 + s.bits;
    }
};

/// How many of the first six contexts have been here, and the bits so far.
struct known_partial {
    static constexpr std::size_t contexts = 7 * 256;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto&) noexcept {
        return s.seen * 256 + s.partial;
    }
};
/// The last byte and the bits so far.
struct last_partial {
    static constexpr std::size_t contexts = 65536;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return h.last_byte() * 256U + s.partial;
    }
};
/// The byte before the last two.
struct third_byte {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 256 * 8;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return (h.last() >> 16 & 0xFF) * 8 + s.bits;
    }
};
/// What closes the open bracket (differently for any two of the kinds), whether a word is being spelled, and
/// the bits so far.
struct bracket_partial {
    static constexpr std::size_t contexts = 14 * 256;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        return (h.open_bracket() % 7 * 2 + (h.word(0) != 0 ? 1 : 0)) * 256 + s.partial;
    }
};
/// How many letters the word so far has and the last of its first three.
struct word_shape {
    static constexpr bool steady = true;
    static constexpr std::size_t contexts = 16 * 32 * 8;
    [[nodiscard]] static std::uint32_t value(const mixing_state& s, const auto& h) noexcept {
        const std::uint32_t length = h.length() < 15 ? h.length() : 15;
        return (length * 32 + (h.beginning() & 31)) * 8 + s.bits;
    }
};

}  // namespace selected_by

}  // namespace pith::inline v1::mixing
