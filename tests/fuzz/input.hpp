// The input of a fuzz target: a few bytes that choose, and the rest, copied to exactly its size so that a
// sanitizer sees every read past its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace fuzz {

using bytes = std::vector<std::uint8_t>;

/// Ends the program where a law is broken; libFuzzer and the replay both report the input then.
inline void require(bool law, const char* text) {
    if (law) return;
    std::fprintf(stderr, "broken law: %s\n", text);
    std::abort();
}

class input {
  public:
    input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
    /// The next byte, 0 past the end.
    std::uint8_t byte() { return at_ == end_ ? std::uint8_t{0} : *at_++; }
    std::uint16_t two_bytes() {
        const unsigned low = byte();
        return static_cast<std::uint16_t>(low | unsigned{byte()} << 8);
    }
    std::uint32_t four_bytes() {
        const std::uint32_t low = two_bytes();
        return low | std::uint32_t{two_bytes()} << 16;
    }
    [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    [[nodiscard]] bytes rest() const {
        if (at_ == end_) return {};
        return bytes(at_, end_);
    }

  private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

}  // namespace fuzz
