// Contexts of machine code and of records, as policies.
// As the executable and record models of PAQ8 (Mahoney and others, 2005-2009) in kind.
#pragma once

#include <cstdint>

#include <pith/mixing/contexts.hpp>
#include <pith/mixing/x86_history.hpp>

namespace pith::inline v1::mixing {

/// The instruction so far and the Before instructions in front of it.
template <unsigned Before>
requires(Before <= 3) struct instructions {
    [[nodiscard]] static std::uint32_t value(const x86_history& h) noexcept {
        std::uint32_t v = scrambled(h.instructions(0), h.field());
        if constexpr (Before >= 1) v = scrambled(v, h.instructions(1));
        if constexpr (Before >= 2) v = scrambled(v, h.instructions(2));
        if constexpr (Before >= 3) v = scrambled(v, h.instructions(3));
        return v;
    }
};
/// What the next byte is, the opcode and the last Bytes bytes.
template <unsigned Bytes>
requires(Bytes >= 1 && Bytes <= 4) struct opcode_and {
    [[nodiscard]] static std::uint32_t value(const x86_history& h) noexcept {
        return scrambled(h.last() & (0xFFFFFFFFU >> (32 - 8 * Bytes)), h.field() << 8 | h.opcode());
    }
};
/// What the next byte is, the opcode and its operand byte.
struct opcode_operand {
    [[nodiscard]] static std::uint32_t value(const x86_history& h) noexcept {
        return h.field() << 16 | h.opcode() << 8 | h.operand();
    }
};

}  // namespace pith::inline v1::mixing
