// Memory whose every misuse shows: guard bytes around what a kernel writes, unmapped pages around what it
// reads.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <vector>

namespace simd_test {

/// The largest size that the tests try: past two vectors of any instruction set.
inline constexpr std::size_t largest = 257;
/// Place of a span that ends at an unmapped page.
inline constexpr std::size_t at_end = 64;

/// Numbers that differ in every bit, the same everywhere.
class numbers {
  public:
    explicit numbers(std::uint64_t seed) noexcept : state_(seed) {}
    std::uint64_t operator()() noexcept {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31);
    }

  private:
    std::uint64_t state_;
};

/// Fills with random bits; one element in eight is the lowest or the highest value of an integer type.
template <class T>
void fill_bits(std::span<T> out, numbers& next) {
    for (T& v : out) {
        std::uint64_t bits = next();
        if constexpr (std::is_integral_v<T>) {
            if (bits % 16 == 0) bits = static_cast<std::uint64_t>(std::numeric_limits<T>::min());
            if (bits % 16 == 1) bits = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
        }
        std::memcpy(&v, &bits, sizeof(T));
    }
}
/// Fills with floats in (-2, 2) whose sums are inexact.
inline void fill_values(std::span<float> out, numbers& next) {
    for (float& v : out) v = static_cast<float>(static_cast<std::int32_t>(next() >> 32)) * 0x1p-30F;
}

/// A page-aligned area between two unmapped pages.
class area {
  public:
    area() {
        page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        void* p = mmap(nullptr, 4 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) throw std::bad_alloc();
        all_ = static_cast<std::uint8_t*>(p);
        mprotect(all_, page_, PROT_NONE);
        mprotect(all_ + 3 * page_, page_, PROT_NONE);
    }
    area(const area&) = delete;
    area& operator=(const area&) = delete;
    ~area() { munmap(all_, 4 * page_); }

    /// n elements that start `place` bytes after a multiple of 64, or that end at the unmapped page.
    template <class T>
    std::span<T> take(std::size_t n, std::size_t place) {
        begin_ = place == at_end ? all_ + 3 * page_ - n * sizeof(T) : all_ + page_ + 64 + place;
        end_ = begin_ + n * sizeof(T);
        std::memset(begin_ - before(), guard, before() + n * sizeof(T) + after());
        return {reinterpret_cast<T*>(begin_), n};
    }
    /// True if nothing in front of and behind the span was written.
    [[nodiscard]] bool intact() const {
        for (const std::uint8_t* p = begin_ - before(); p != begin_; ++p)
            if (*p != guard) return false;
        for (const std::uint8_t* p = end_; p != end_ + after(); ++p)
            if (*p != guard) return false;
        return true;
    }

  private:
    static constexpr std::uint8_t guard = 0xA5;
    [[nodiscard]] std::size_t before() const {
        const auto room = static_cast<std::size_t>(begin_ - (all_ + page_));
        return room < 128 ? room : 128;
    }
    [[nodiscard]] std::size_t after() const {
        const auto room = static_cast<std::size_t>(all_ + 3 * page_ - end_);
        return room < 128 ? room : 128;
    }
    std::size_t page_ = 0;
    std::uint8_t* all_ = nullptr;
    std::uint8_t* begin_ = nullptr;
    std::uint8_t* end_ = nullptr;
};

/// Calls test(n, place) for every size 0..257 and every place that `align` allows.
template <class Test>
void everywhere(std::size_t align, Test test) {
    for (std::size_t n = 0; n <= largest; ++n) {
        for (std::size_t place = 0; place < 64; place += align) test(n, place);
        test(n, at_end);
    }
}

/// Bitwise equality, so that NaNs and signs of zero count.
template <class T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}
template <class T>
bool same_bits(T a, T b) {
    return std::memcmp(&a, &b, sizeof(T)) == 0;
}

}  // namespace simd_test
