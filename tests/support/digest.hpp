// FNV-1a over the little-endian bytes of values: digests of tables and functions that must never change.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

class digest {
  public:
    template <class T>
    void add(T value) {
        if constexpr (std::is_same_v<T, float>) {
            add(std::bit_cast<std::uint32_t>(value));
        } else if constexpr (std::is_same_v<T, double>) {
            add(std::bit_cast<std::uint64_t>(value));
        } else {
            const auto bits = static_cast<std::make_unsigned_t<T>>(value);
            for (std::size_t i = 0; i < sizeof(T); ++i)
                state_ = (state_ ^ ((std::uint64_t{bits} >> (8 * i)) & 0xFF)) * 0x100000001B3ULL;
        }
    }
    [[nodiscard]] std::uint64_t value() const { return state_; }

  private:
    std::uint64_t state_ = 0xCBF29CE484222325ULL;
};
