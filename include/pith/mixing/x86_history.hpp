// Follows 32-bit x86 code instruction by instruction, so that contexts know what the next byte is.
// Lengths of instructions are from the opcode map of Intel's manual, vol. 2, but that immediates keep their
// four bytes behind the prefix 66: contexts, and with them streams, rest on it. On data it runs idle,
// harmlessly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/byte_history.hpp>

namespace pith::inline v1::mixing {

namespace detail {

/// What follows an opcode: an operand byte (ModR/M), and so many bytes of immediate.
struct x86_form {
    std::uint8_t immediate : 4;
    std::uint8_t operand : 1;
    std::uint8_t prefix : 1;
};

[[nodiscard]] constexpr x86_form x86_form_of(unsigned op) noexcept {
    const auto in = [op](unsigned a, unsigned b) { return op >= a && op <= b; };
    if (op == 0x26 || op == 0x2E || op == 0x36 || op == 0x3E || in(0x64, 0x67) || op == 0xF0 || op == 0xF2 ||
        op == 0xF3)
        return {0, 0, 1};
    if (op < 0x40) {
        const unsigned low = op & 7;
        return low < 4    ? x86_form{0, 1, 0}
               : low == 4 ? x86_form{1, 0, 0}
               : low == 5 ? x86_form{4, 0, 0}
                          : x86_form{0, 0, 0};
    }
    if (op == 0x69 || op == 0x81 || op == 0xC7) return {4, 1, 0};
    if (op == 0x6B || op == 0x80 || op == 0x82 || op == 0x83 || op == 0xC0 || op == 0xC1 || op == 0xC6)
        return {1, 1, 0};
    if (in(0x62, 0x63) || in(0x84, 0x8F) || in(0xC4, 0xC5) || in(0xD0, 0xD3) || in(0xD8, 0xDF) ||
        in(0xF6, 0xF7) || op >= 0xFE)
        return {0, 1, 0};
    if (op == 0x68 || in(0xA0, 0xA3) || op == 0xA9 || in(0xB8, 0xBF) || in(0xE8, 0xE9)) return {4, 0, 0};
    if (op == 0x6A || in(0x70, 0x7F) || op == 0xA8 || in(0xB0, 0xB7) || op == 0xCD || in(0xD4, 0xD5) ||
        in(0xE0, 0xE7) || op == 0xEB)
        return {1, 0, 0};
    if (op == 0xC2 || op == 0xCA) return {2, 0, 0};
    if (op == 0x9A || op == 0xEA) return {6, 0, 0};
    return {static_cast<std::uint8_t>(op == 0xC8 ? 3 : 0), 0, 0};
}
/// The same for the opcodes behind 0F.
[[nodiscard]] constexpr x86_form x86_form_of_long(unsigned op) noexcept {
    const auto in = [op](unsigned a, unsigned b) { return op >= a && op <= b; };
    if (in(0x80, 0x8F)) return {4, 0, 0};
    if (in(0x70, 0x73) || op == 0xA4 || op == 0xAC || op == 0xBA || op == 0xC2 || in(0xC4, 0xC6))
        return {1, 1, 0};
    if (in(0x05, 0x0B) || in(0x30, 0x37) || op == 0x77 || in(0xA0, 0xA2) || in(0xA8, 0xAA) || in(0xC8, 0xCF))
        return {0, 0, 0};
    return {0, 1, 0};
}

}  // namespace detail

/// byte_history with the state of an instruction decoder. Exact.
class x86_history : public byte_history {
  public:
    x86_history() {
        for (unsigned op = 0; op < 256; ++op) {
            forms_[op] = detail::x86_form_of(op);
            forms_[256 + op] = detail::x86_form_of_long(op);
        }
    }
    void reset(const std::uint8_t* block) noexcept {
        byte_history::reset(block);
        code_ = code{};
    }
    void push(std::uint8_t c) noexcept {
        byte_history::push(c);
        follow(c);
    }

    /// What the next byte is: 0 an opcode, 1 the second byte of one, 2 an operand byte, 3 a scaled index, 4-7
    /// a displacement's byte (by bytes left), 8-15 an immediate's, + 16 behind a prefix.
    [[nodiscard]] std::uint32_t field() const noexcept { return code_.field | (code_.prefixed ? 16U : 0U); }
    /// The opcode of the instruction, its operand byte so far, and hashes of what the last instructions were.
    [[nodiscard]] std::uint32_t opcode() const noexcept { return code_.opcode; }
    [[nodiscard]] std::uint32_t operand() const noexcept { return code_.operand; }
    [[nodiscard]] std::uint32_t instructions(std::size_t k) const noexcept { return code_.past[k]; }

  private:
    enum : std::uint8_t {
        at_opcode = 0,
        at_long_opcode = 1,
        at_operand = 2,
        at_index = 3,
        at_displacement = 4,
        at_immediate = 8
    };
    struct code {
        std::uint8_t field = 0, opcode = 0, operand = 0, displacement = 0, immediate = 0;
        bool prefixed = false, is_long = false;
        std::array<std::uint32_t, 4> past{};
    };

    void follow(std::uint8_t c) noexcept {
        auto& s = code_;
        if (s.field == at_opcode) return take_opcode(c, forms_[c]);
        if (s.field == at_long_opcode) {
            s.is_long = true;
            return take_opcode(c, forms_[256U + c]);
        }
        if (s.field == at_operand) return take_operand(c);
        if (s.field == at_index) {
            if ((c & 7) == 5 && s.operand < 0x40) s.displacement = 4;
            return settle();
        }
        if (s.field < at_immediate)
            --s.displacement;
        else
            --s.immediate;
        settle();
    }
    void take_opcode(std::uint8_t c, detail::x86_form form) noexcept {
        auto& s = code_;
        if (form.prefix != 0) {
            s.prefixed = true;
            return;
        }
        if (c == 0x0F && !s.is_long) {
            s.field = at_long_opcode;
            return;
        }
        s.opcode = c;
        s.operand = 0;
        s.immediate = form.immediate;
        s.displacement = 0;
        s.past = {(s.past[0] << 12) + c * 4U + (s.is_long ? 1U : 0U), s.past[0], s.past[1], s.past[2]};
        if (form.operand != 0)
            s.field = at_operand;
        else
            settle();
    }
    void take_operand(std::uint8_t c) noexcept {
        auto& s = code_;
        s.operand = c;
        s.past[0] += (c & 0xF8U) << 4 | (c & 7U);
        if ((s.opcode & 0xFE) == 0xF6 && !s.is_long && (c & 0x30) == 0)
            s.immediate = s.opcode == 0xF6 ? 1 : 4;
        const unsigned mod = c >> 6U, rm = c & 7U;
        if (mod == 1) s.displacement = 1;
        if (mod == 2 || (mod == 0 && rm == 5)) s.displacement = 4;
        if (mod != 3 && rm == 4)
            s.field = at_index;
        else
            settle();
    }
    /// Goes to the next part that still has bytes.
    void settle() noexcept {
        auto& s = code_;
        if (s.displacement != 0) {
            s.field = static_cast<std::uint8_t>(at_displacement + (s.displacement - 1));
        } else if (s.immediate != 0) {
            s.field = static_cast<std::uint8_t>(at_immediate + s.immediate);
        } else {
            s.field = at_opcode;
            s.prefixed = s.is_long = false;
        }
    }

    std::array<detail::x86_form, 512> forms_{};
    code code_;
};

}  // namespace pith::inline v1::mixing
