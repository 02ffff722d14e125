// A big array on the heap, aligned to a cache line, and in huge pages where that pays and the system has
// them. Tables that are read at random miss the translation buffer at every look-up if their pages have 4 KB;
// a program that touches a part of a table should not pay for all of it.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include <pith/core/assert.hpp>

#if defined(__linux__) && __has_include(<sys/mman.h>)
#    include <sys/mman.h>
#endif

namespace pith::inline v1 {

/// A fixed number of T, all bytes zero unless made by `unset`. Copies copy the elements; a moved-from table
/// is empty. Throws std::bad_alloc. Addresses are multiples of 64, and of 2 MB from HugeFrom bytes on.
template <class T, std::size_t HugeFrom = std::size_t{1} << 23>
requires(std::is_trivially_copyable_v<T>&& std::is_trivially_destructible_v<T>) class table {
  public:
    table() = default;
    explicit table(std::size_t n) : table(unset(n)) { clear(); }
    table(const table& other) : table(unset(other.size_)) { copy_from(other); }
    table(table&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    table& operator=(const table& other) {
        if (size_ == other.size_) {
            copy_from(other);
        } else {
            table fresh(other);
            swap(fresh);
        }
        return *this;
    }
    table& operator=(table&& other) noexcept {
        table gone(std::move(other));
        swap(gone);
        return *this;
    }
    ~table() {
        if (data_ != nullptr) ::operator delete(static_cast<void*>(data_), alignment(size_));
    }

    /// n elements of unspecified value.
    [[nodiscard]] static table unset(std::size_t n) {
        table out;
        if (n == 0) return out;
        if (n > ~std::size_t{0} / 2 / sizeof(T)) n = ~std::size_t{0} / 2 / sizeof(T);  // surely refused
        void* const memory = ::operator new(n * sizeof(T), alignment(n));
        out.data_ = static_cast<T*>(memory);
        out.size_ = n;
#if defined(MADV_HUGEPAGE)
        // Advice only: where it fails, everything is as right, and slower.
        if (n >= many) static_cast<void>(::madvise(memory, n * sizeof(T), MADV_HUGEPAGE));
#endif
        return out;
    }

    void clear() noexcept {
        if (size_ != 0) std::memset(static_cast<void*>(data_), 0, size_ * sizeof(T));
    }
    void swap(table& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] T* data() noexcept { return data_; }
    [[nodiscard]] const T* data() const noexcept { return data_; }
    [[nodiscard]] T* begin() noexcept { return data_; }
    [[nodiscard]] T* end() noexcept { return data_ + size_; }
    [[nodiscard]] const T* begin() const noexcept { return data_; }
    [[nodiscard]] const T* end() const noexcept { return data_ + size_; }
    [[nodiscard]] T& operator[](std::size_t i) noexcept {
        PITH_ASSERT(i < size_);
        return data_[i];
    }
    [[nodiscard]] const T& operator[](std::size_t i) const noexcept {
        PITH_ASSERT(i < size_);
        return data_[i];
    }

  private:
    static constexpr std::size_t huge = std::size_t{1} << 21;
    static constexpr std::size_t many = HugeFrom / sizeof(T);
    static constexpr std::align_val_t alignment(std::size_t n) noexcept {
        return std::align_val_t{n >= many ? huge : 64};
    }
    void copy_from(const table& other) noexcept {
        if (size_ != 0) std::memcpy(static_cast<void*>(data_), other.data_, size_ * sizeof(T));
    }

    T* data_ = nullptr;
    std::size_t size_ = 0;
};

/// For tables of models, which are read at random all over.
template <class T>
using random_table = table<T, (std::size_t{1} << 20)>;

}  // namespace pith::inline v1
