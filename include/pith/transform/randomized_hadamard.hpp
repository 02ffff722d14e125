// A random rotation in n log n additions: random signs and Walsh-Hadamard transforms, for vectors of any
// length. Ailon and Chazelle (2006) as in QuIP# and TurboQuant implementations; lengths that are no power of
// two are padded, or split by their binary expansion with the blocks in turn from the front and from the
// back.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/random.hpp>
#include <pith/simd/arch.hpp>
#include <pith/simd/hadamard.hpp>
#include <pith/simd/signs.hpp>
#include <pith/transform/concepts.hpp>

namespace pith::inline v1::transform {

/// How randomized_hadamard mixes.
struct hadamard_options {
    unsigned rounds = 0;  ///< signs + Hadamard, repeated; 0: 2 for one block, 5 for several
    bool padded = false;  ///< true: zeros up to a power of two; false: blocks, and size() == input_size()
    friend constexpr bool operator==(const hadamard_options&, const hadamard_options&) = default;
};

/// A rotation of n floats, chosen by a seed. Exact: additions in a fixed tree and one product per block, the
/// same bits on every machine. Memory: four bytes a value and round.
template <hadamard_options Options = hadamard_options{}, simd::instruction_set Arch = simd::native>
class randomized_hadamard {
  public:
    static constexpr bool orthogonal = true;

    explicit randomized_hadamard(std::size_t n, std::uint64_t seed = 0)
        : input_size_(n), size_(Options.padded ? std::bit_ceil(n) : n) {
        PITH_ASSERT(n <= std::size_t{1} << 31);
        rounds_ = Options.rounds != 0 ? Options.rounds : std::has_single_bit(size_) ? 2 : 5;
        if (n == 0) rounds_ = 0;
        signs_.resize(rounds_ * size_);
        random_sequence bits(seed);
        for (std::uint32_t& sign : signs_) sign = bits() & 0x8000'0000U;
        for (std::size_t e = 0; e < scale_.size(); ++e)
            scale_[e] = 1.0F / exact::sqrt(static_cast<float>(std::size_t{1} << e));
    }

    [[nodiscard]] std::size_t input_size() const noexcept { return input_size_; }
    /// Values after the rotation: input_size(), or the next power of two if padded.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Precondition: x.size() == input_size(), y.size() == size(), no overlap.
    void forward_into(std::span<const float> x, std::span<float> y) const noexcept {
        PITH_ASSERT(x.size() == input_size_ && y.size() == size_);
        if (rounds_ == 0) return;
        const bool padded = x.size() < y.size();
        if (padded) {
            std::memcpy(y.data(), x.data(), x.size_bytes());
            std::memset(y.data() + x.size(), 0, (y.size() - x.size()) * sizeof(float));
        }
        mix(0, padded ? y : x, y);
        for (unsigned r = 1; r < rounds_; ++r) mix(r, y, y);
        rescale(y);
    }
    /// Precondition: y.size() == size(), x.size() == input_size(), no overlap. Destroys y.
    void inverse_into(std::span<float> y, std::span<float> x) const noexcept {
        PITH_ASSERT(x.size() == input_size_ && y.size() == size_);
        if (rounds_ == 0) return;
        // A block's transform is its own inverse: the last round's without signs, the others' after the signs
        // of the round that follows them.
        unmix(rounds_ - 1, y);
        for (unsigned r = rounds_ - 1; r > 0; --r) {
            simd::flip_signs<Arch>(y, signs(r), y);
            unmix(r - 1, y);
        }
        rescale(y);
        simd::flip_signs<Arch>(y.first(x.size()), signs(0).first(x.size()), x);
    }

  private:
    [[nodiscard]] std::span<const std::uint32_t> signs(unsigned round) const noexcept {
        return std::span(signs_).subspan(round * size_, size_);
    }
    /// Calls each(first element, size, the block's factor) for the blocks of a round; odd rounds start with
    /// the small ones.
    template <class Each>
    void for_each_block(unsigned round, Each each) const noexcept {
        std::size_t at = 0;
        for (unsigned i = 0; i < 32; ++i) {
            const unsigned e = round % 2 != 0 ? i : 31 - i;
            const std::size_t block = std::size_t{1} << e;
            if ((size_ & block) == 0) continue;
            each(at, block, scale_[e]);
            at += block;
        }
    }
    /// Signs and Hadamard transforms of the blocks; with one block its factor waits for rescale.
    void mix(unsigned round, std::span<const float> in, std::span<float> out) const noexcept {
        const auto masks = signs(round);
        if (std::has_single_bit(size_)) return simd::signed_hadamard<Arch>(in, masks, out);
        for_each_block(round, [&](std::size_t at, std::size_t n, float factor) {
            simd::signed_hadamard<Arch>(in.subspan(at, n), masks.subspan(at, n), out.subspan(at, n));
            simd::scale<Arch>(out.subspan(at, n), factor);
        });
    }
    void unmix(unsigned round, std::span<float> y) const noexcept {
        if (std::has_single_bit(size_)) return simd::hadamard<Arch>(y);
        for_each_block(round, [&](std::size_t at, std::size_t n, float factor) {
            simd::hadamard<Arch>(y.subspan(at, n));
            simd::scale<Arch>(y.subspan(at, n), factor);
        });
    }
    void rescale(std::span<float> y) const noexcept {
        if (!std::has_single_bit(size_)) return;
        float factor = 1;
        for (unsigned r = 0; r < rounds_; ++r)
            factor *= scale_[static_cast<unsigned>(std::countr_zero(size_))];
        simd::scale<Arch>(y, factor);
    }

    std::size_t input_size_;
    std::size_t size_;
    unsigned rounds_ = 0;
    std::vector<std::uint32_t> signs_;
    std::array<float, 32> scale_{};  // 2^(-e / 2)
};

}  // namespace pith::inline v1::transform
