// Checksums: XXH64 (one-shot and streaming, any seed) and CRC-32C.
// XXH64 after its published specification (Collet, 2014); CRC-32C is Castagnoli's polynomial (1993), by eight
// tables.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/core/bytes.hpp>

namespace pith::inline v1 {

/// The XXH64 hash of bytes that arrive in pieces. Exact: the same on every machine. Law: the digest depends
/// on the bytes and the seed, not on how the bytes were cut into pieces.
class xxh64 {
  public:
    explicit xxh64(std::uint64_t seed = 0) noexcept
        : lane_{seed + prime1 + prime2, seed + prime2, seed, seed - prime1}, seed_(seed) {}

    void update(byte_view in) noexcept {
        total_ += in.size();
        if (held_size_ + in.size() < stripe) return hold(in);
        if (held_size_ != 0) {
            const std::size_t missing = stripe - held_size_;
            std::memcpy(held_.data() + held_size_, in.data(), missing);
            consume(held_.data(), 1);
            in = in.subspan(missing);
            held_size_ = 0;
        }
        consume(in.data(), in.size() / stripe);
        hold(in.subspan(in.size() - in.size() % stripe));
    }
    /// The hash of all bytes so far; more may follow.
    [[nodiscard]] std::uint64_t digest() const noexcept {
        std::uint64_t h = total_ < stripe ? seed_ + prime5 : merged();
        h += total_;
        return finish(h, byte_view(held_.data(), held_size_));
    }

  private:
    static constexpr std::size_t stripe = 32;
    static constexpr std::uint64_t prime1 = 0x9E3779B185EBCA87, prime2 = 0xC2B2AE3D27D4EB4F,
                                   prime3 = 0x165667B19E3779F9, prime4 = 0x85EBCA77C2B2AE63,
                                   prime5 = 0x27D4EB2F165667C5;

    [[nodiscard]] static std::uint64_t round(std::uint64_t lane, std::uint64_t word) noexcept {
        return std::rotl(lane + word * prime2, 31) * prime1;
    }
    void consume(const std::uint8_t* p, std::size_t stripes) noexcept {
        std::uint64_t a = lane_[0], b = lane_[1], c = lane_[2], d = lane_[3];  // in registers for the loop
        for (; stripes != 0; --stripes, p += stripe) {
            a = round(a, load_le<std::uint64_t>(p));
            b = round(b, load_le<std::uint64_t>(p + 8));
            c = round(c, load_le<std::uint64_t>(p + 16));
            d = round(d, load_le<std::uint64_t>(p + 24));
        }
        lane_ = {a, b, c, d};
    }
    void hold(byte_view in) noexcept {  // held_size_ + in.size() < stripe
        if (!in.empty()) std::memcpy(held_.data() + held_size_, in.data(), in.size());
        held_size_ += in.size();
    }
    [[nodiscard]] std::uint64_t merged() const noexcept {
        std::uint64_t h = std::rotl(lane_[0], 1) + std::rotl(lane_[1], 7) + std::rotl(lane_[2], 12) +
                          std::rotl(lane_[3], 18);
        for (const std::uint64_t lane : lane_) h = (h ^ round(0, lane)) * prime1 + prime4;
        return h;
    }
    [[nodiscard]] static std::uint64_t finish(std::uint64_t h, byte_view tail) noexcept {
        const std::uint8_t* p = tail.data();
        std::size_t n = tail.size();
        for (; n >= 8; n -= 8, p += 8)
            h = std::rotl(h ^ round(0, load_le<std::uint64_t>(p)), 27) * prime1 + prime4;
        for (; n >= 4; n -= 4, p += 4)
            h = std::rotl(h ^ (load_le<std::uint32_t>(p) * prime1), 23) * prime2 + prime3;
        for (; n != 0; --n, ++p) h = std::rotl(h ^ (*p * prime5), 11) * prime1;
        h = (h ^ (h >> 33)) * prime2;
        h = (h ^ (h >> 29)) * prime3;
        return h ^ (h >> 32);
    }

    std::array<std::uint64_t, 4> lane_;
    std::uint64_t seed_;
    std::uint64_t total_ = 0;
    std::array<std::uint8_t, stripe> held_{};
    std::size_t held_size_ = 0;  // < stripe between calls
};

/// The XXH64 hash of `in`.
[[nodiscard]] inline std::uint64_t xxh64_of(byte_view in, std::uint64_t seed = 0) noexcept {
    xxh64 hash(seed);
    hash.update(in);
    return hash.digest();
}

namespace detail {

using crc32c_table = std::array<std::array<std::uint32_t, 256>, 8>;

[[nodiscard]] constexpr crc32c_table make_crc32c_table() noexcept {
    crc32c_table t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
        t[0][i] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xFF];
    return t;
}

// A template, so that only programs that use it pay for its evaluation.
template <class Unused = void>
inline constexpr crc32c_table crc32c_tables = make_crc32c_table();

}  // namespace detail

/// CRC-32C of `in`; `before` is the value of the bytes that precede it, so that pieces can be chained.
template <class Unused = void>
[[nodiscard]] std::uint32_t crc32c(byte_view in, std::uint32_t before = 0) noexcept {
    const auto& t = detail::crc32c_tables<Unused>;
    std::uint32_t crc = ~before;
    const std::uint8_t* p = in.data();
    std::size_t n = in.size();
    for (; n >= 8; n -= 8, p += 8) {
        const std::uint64_t word = load_le<std::uint64_t>(p) ^ crc;
        crc = 0;
        for (std::size_t k = 0; k < 8; ++k) crc ^= t[7 - k][(word >> (8 * k)) & 0xFF];
    }
    for (; n != 0; --n, ++p) crc = (crc >> 8) ^ t[0][(crc ^ *p) & 0xFF];
    return ~crc;
}

}  // namespace pith::inline v1
