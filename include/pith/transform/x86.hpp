// Near calls and jumps of x86 code from relative to absolute targets, so that calls of one function look
// alike. The usual E8/E9 filter; differs in working backwards, which makes any test exact, and in big-endian
// targets.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>

namespace pith::inline v1::transform {

/// Opcodes E8 and E9 followed by a displacement that fits in n bits as a signed number (n grows with the
/// block, 24 at least): the displacement becomes the target's offset in the block, modulo 2^n, highest byte
/// first so that contexts meet the bytes that repeat first. In place; exactly invertible on any bytes; exact.
/// Bijective, hence nothing is stored.
class x86_branches {
  public:
    /// Transforms a block that starts at offset `origin` of its file.
    static void forward(byte_span block, std::uint64_t origin = 0) noexcept {
        const operands at(block.size(), origin);
        // Backwards: the bytes that a step tests are those that its inverse, going forwards, finds.
        for (std::size_t i = at.count; i-- > 0;)
            if (is_branch(block[i])) at.to_absolute(block.data() + i + 1, i);
    }
    /// Undoes `forward` of a block of the same size and origin.
    static void inverse(byte_span block, std::uint64_t origin = 0) noexcept {
        const operands at(block.size(), origin);
        for (std::size_t i = 0; i < at.count; ++i)
            if (is_branch(block[i])) at.to_relative(block.data() + i + 1, i);
    }

  private:
    static constexpr std::size_t length = 5;  // opcode and displacement

    [[nodiscard]] static bool is_branch(std::uint8_t opcode) noexcept { return (opcode & 0xFE) == 0xE8; }

    // The bijection of 32-bit operands: V are the numbers that fit, V' those that fit when read highest byte
    // first. V goes to V' by adding the position; what lies in V' alone goes to V alone by reversing its
    // bytes; all others stay.
    struct operands {
        std::size_t count;   // offsets at which an instruction fits
        std::uint32_t next;  // offset of the end of an instruction at 0, modulo 2^32
        unsigned shift;      // 32 - bits

        // Displacements within the block fit, and 24 bits serve blocks cut from programs of 8 MB.
        operands(std::size_t size, std::uint64_t origin) noexcept
            : count(size < length ? 0 : size - length + 1),
              next(static_cast<std::uint32_t>(origin + length)) {
            const unsigned bits = static_cast<unsigned>(std::bit_width(size)) + 1;
            shift = bits <= 24 ? 8 : bits >= 32 ? 0 : 32 - bits;
        }
        [[nodiscard]] std::uint32_t wrapped(std::uint32_t v) const noexcept {
            return static_cast<std::uint32_t>(static_cast<std::int32_t>(v << shift) >> shift);
        }
        void to_absolute(std::uint8_t* p, std::size_t i) const noexcept {
            const auto v = load_le<std::uint32_t>(p);
            const std::uint32_t reversed = byte_swapped(v);
            if (wrapped(v) == v) {
                store_le<std::uint32_t>(p, byte_swapped(wrapped(v + next + static_cast<std::uint32_t>(i))));
            } else if (wrapped(reversed) == reversed) {
                store_le<std::uint32_t>(p, reversed);
            }
        }
        void to_relative(std::uint8_t* p, std::size_t i) const noexcept {
            const auto v = load_le<std::uint32_t>(p);
            const std::uint32_t reversed = byte_swapped(v);
            if (wrapped(reversed) == reversed) {
                store_le<std::uint32_t>(p, wrapped(reversed - next - static_cast<std::uint32_t>(i)));
            } else if (wrapped(v) == v) {
                store_le<std::uint32_t>(p, reversed);
            }
        }
    };
};

}  // namespace pith::inline v1::transform
