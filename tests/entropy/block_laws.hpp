// What every block_coder must keep: round trips, size bounds, and calm in the face of damaged input.
#pragma once

#include <pith/entropy/concepts.hpp>

#include <cstdint>
#include <vector>

#include "support/catch.hpp"

namespace block_laws {

using bytes = std::vector<std::uint8_t>;

/// A small generator (xorshift, Marsaglia 2003), so that samples are the same everywhere.
struct generator {
    std::uint64_t state;
    std::uint32_t next() {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return static_cast<std::uint32_t>(state >> 32);
    }
};

/// Kinds of sources, from one symbol to all 256, from flat to the worst skew a Huffman tree can have.
inline constexpr unsigned kinds = 9;
inline bytes sample(unsigned kind, std::size_t n) {
    generator g{0x9E3779B97F4A7C15ULL + kind + n * 64};
    bytes out(n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t r = g.next();
        unsigned v = 0;
        switch (kind) {
            case 0:
                v = 77;
                break;
            case 1:
                v = r % 2 == 0 ? 0 : 255;
                break;
            case 2:
                v = r;
                break;  // uniform
            case 3:
                while ((r >> v & 1) == 1 && v < 31) ++v;
                break;  // geometric
            case 4:
                v = r % 97 == 0 ? r >> 8 : 32;
                break;  // rare escapes
            case 5:
                v = static_cast<unsigned>(i);
                break;  // ramp
            case 6:
                v = 97 + (r % 26) * (r / 26 % 26) / 26;
                break;  // letter-like
            case 7:
                v = i < n / 2 ? r % 3 : 128 + r % 128;
                break;  // two halves that differ
            default:
                v = 120 + ((r & 15) + (r >> 4 & 15) + (r >> 8 & 15)) / 3;
                break;  // bell
        }
        out[i] = static_cast<std::uint8_t>(v);
    }
    return out;
}

/// Symbol s occurs as often as the s-th Fibonacci number says: the deepest tree a total allows.
inline bytes fibonacci(unsigned symbols) {
    bytes out;
    std::size_t a = 1, b = 1;
    for (unsigned s = 0; s < symbols; ++s) {
        out.insert(out.end(), a, static_cast<std::uint8_t>(s * 5));
        b += a;
        a = b - a;
    }
    generator g{symbols + 1U};
    for (std::size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[g.next() % i]);
    return out;
}

template <pith::entropy::block_coder Coder>
bytes encoded(Coder& coder, const bytes& in) {
    bytes out(Coder::max_encoded_size(in.size()));
    const pith::result<std::size_t> size = coder.encode_into(in, out);
    REQUIRE(size);
    REQUIRE(*size <= out.size());
    out.resize(*size);
    out.shrink_to_fit();
    return out;
}

template <pith::entropy::block_coder Coder>
void check_round_trip(Coder& coder, const bytes& in) {
    const bytes code = encoded(coder, in);
    bytes back(in.size(), 0xA5);
    const pith::result<std::size_t> size = coder.decode_into(code, back);
    REQUIRE(size);
    REQUIRE(*size == in.size());
    REQUIRE(back == in);
    bytes exact(code.size());
    REQUIRE(*coder.encode_into(in, exact) == code.size());  // a destination without room to spare
    REQUIRE(exact == code);
}

template <pith::entropy::block_coder Coder>
void check_small_destinations(Coder& coder, const bytes& in) {
    const std::size_t size = encoded(coder, in).size();
    for (std::size_t room = 0; room < size; ++room) {
        bytes out(room);
        const pith::result<std::size_t> written = coder.encode_into(in, out);
        REQUIRE_FALSE(written);
        REQUIRE(written.error().code == pith::error_code::output_too_small);
    }
}

/// Every single-bit flip, truncation, insertion and deletion of a byte, and wrong lengths of the block.
template <pith::entropy::block_coder Coder>
void check_damage(Coder& coder, const bytes& in) {
    const bytes code = encoded(coder, in);
    bytes back(in.size());
    const auto survives = [&](const bytes& damaged) {
        const pith::result<std::size_t> size = coder.decode_into(damaged, back);
        REQUIRE((!size || *size == back.size()));
        return size.has_value();
    };
    for (std::size_t bit = 0; bit < code.size() * 8; ++bit) {
        bytes damaged = code;
        damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << bit % 8);
        survives(damaged);
    }
    for (std::size_t at = 0; at < code.size(); ++at) {
        survives(bytes(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(at)));
        bytes damaged = code;
        damaged.erase(damaged.begin() + static_cast<std::ptrdiff_t>(at));
        damaged.shrink_to_fit();
        survives(damaged);
        damaged = code;
        damaged.insert(damaged.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(at));
        survives(damaged);
    }
    bytes longer = code;
    longer.push_back(0);
    CHECK_FALSE(survives(longer));
    for (const std::size_t size : {in.size() / 2, in.size() + 1, in.size() * 3}) {
        if (size == in.size()) continue;
        back.assign(size, 0);
        survives(code);
    }
}

/// All of the above on small and odd sizes of all kinds.
template <pith::entropy::block_coder Coder>
void check_block_coder(Coder& coder) {
    static_assert(sizeof(Coder) <= 262144, "coders are made on stacks: their big tables belong on the heap");
    for (unsigned kind = 0; kind < kinds; ++kind) {
        CAPTURE(kind);
        for (std::size_t n = 0; n <= 300; ++n) check_round_trip(coder, sample(kind, n));
        for (const std::size_t n : {1023U, 1024U, 1025U, 4095U, 4097U, 10007U, 65537U, 200003U})
            check_round_trip(coder, sample(kind, n));
        check_small_destinations(coder, sample(kind, 200));
        for (const std::size_t n : {1U, 2U, 40U, 300U, 1100U}) check_damage(coder, sample(kind, n));
    }
    for (unsigned symbols = 2; symbols <= 24; ++symbols) check_round_trip(coder, fibonacci(symbols));
}

}  // namespace block_laws
