// What a block of bytes is: text, x86 code, records of a fixed length, or something else.
// Own rules over byte counts; a codec chooses contexts and transforms by the answer, so a wrong one costs
// size only.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>
#include <pith/transform/stride.hpp>

namespace pith::inline v1::transform {

enum class block_kind : std::uint8_t {
    text,     ///< words, mark-up, source code: ASCII, UTF-8 or an 8-bit alphabet
    x86,      ///< machine code of 32- or 64-bit x86 processors
    records,  ///< rows of `stride` bytes
    other,    ///< none of these
};

struct block_description {
    block_kind kind = block_kind::other;
    std::uint32_t stride = 0;  ///< record length in bytes; 0: none
    friend constexpr bool operator==(const block_description&, const block_description&) = default;
};

namespace detail {

/// Bytes of a UTF-8 sequence that starts at `at`, 0 where none does. Overlong forms count: this only
/// describes.
[[nodiscard]] inline std::size_t utf8_length(byte_view in, std::size_t at) noexcept {
    const std::uint8_t lead = in[at];
    const std::size_t n = lead < 0x80   ? 1
                          : lead < 0xC2 ? 0
                          : lead < 0xE0 ? 2
                          : lead < 0xF0 ? 3
                          : lead < 0xF5 ? 4
                                        : 0;
    if (n > in.size() - at) return 0;
    for (std::size_t k = 1; k < n; ++k)
        if ((in[at + k] & 0xC0) != 0x80) return 0;
    return n;
}

/// At most one control byte in 16 (an archive of texts has them), and at most one byte in eight above ASCII
/// that is not UTF-8.
[[nodiscard]] inline bool looks_like_text(byte_view in) noexcept {
    std::size_t control = 0;
    std::size_t stray = 0;
    for (std::size_t i = 0; i < in.size();) {
        const std::size_t n = utf8_length(in, i);
        const std::uint8_t b = in[i];
        if (n == 0) ++stray;
        if (n == 1 && ((b < 0x20 && b != '\n' && b != '\r' && b != '\t' && b != '\f') || b == 0x7F))
            ++control;
        i += n == 0 ? 1 : n;
    }
    return !in.empty() && control * 16 <= in.size() && stray * 8 <= in.size();
}

/// Near calls and jumps make up at least one in 512 bytes and are three times as many as chance gives.
[[nodiscard]] inline bool looks_like_x86(byte_view in) noexcept {
    if (in.size() < 64) return false;
    std::size_t opcodes = 0;
    std::size_t extremes = 0;
    std::size_t branches = 0;
    for (std::size_t i = 0; i + 5 <= in.size(); ++i) {
        const bool opcode = (in[i] & 0xFE) == 0xE8;
        const bool extreme = static_cast<std::uint8_t>(in[i + 4] + 1) <= 1;
        opcodes += opcode ? 1 : 0;
        extremes += extreme ? 1 : 0;
        branches += opcode && extreme ? 1 : 0;
    }
    const std::uint64_t by_chance = std::uint64_t{opcodes} * extremes / in.size();
    return branches >= 4 && branches * 512 >= in.size() && branches >= 3 * by_chance;
}

/// The description of at most 2^16 bytes.
[[nodiscard]] inline block_description describe_window(byte_view in) noexcept {
    if (looks_like_text(in)) return {block_kind::text, 0};
    const std::uint32_t stride = detect_stride(in);
    if (looks_like_x86(in)) return {block_kind::x86, stride};
    return {stride != 0 ? block_kind::records : block_kind::other, stride};
}

}  // namespace detail

/// What `in` is. Looks at up to eight windows of 2^16 bytes, evenly spread; the description that most of them
/// have wins, of equally frequent ones the first. Exact integers; about 1.5 ms a window.
[[nodiscard]] inline block_description describe_block(byte_view in) noexcept {
    constexpr std::size_t window = detail::stride_measure::most;
    if (in.size() <= window) return detail::describe_window(in);
    const std::size_t whole = (in.size() + window - 1) / window;
    const std::size_t windows = whole < 8 ? whole : 8;
    block_description found[8];
    for (std::size_t k = 0; k < windows; ++k)
        found[k] = detail::describe_window(in.subspan((in.size() - window) / (windows - 1) * k, window));
    // The kind is voted first, then the stride among windows of that kind.
    const auto most_frequent = [&](auto same) {
        std::size_t best = 0;
        std::size_t best_votes = 0;
        for (std::size_t a = 0; a < windows; ++a) {
            std::size_t votes = 0;
            for (std::size_t b = 0; b < windows; ++b) votes += same(found[a], found[b]) ? 1U : 0U;
            if (votes <= best_votes) continue;
            best_votes = votes;
            best = a;
        }
        return found[best];
    };
    const block_kind kind = most_frequent([](const auto& a, const auto& b) { return a.kind == b.kind; }).kind;
    return most_frequent([&](const auto& a, const auto& b) { return a.kind == kind && a == b; });
}

}  // namespace pith::inline v1::transform
