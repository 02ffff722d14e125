// How a rotated vector is given its grid indices: nearest level at the vector's own scale, or the uniform
// grid point of the best direction. Nearest: TurboQuant (Zandieh et al., 2025). Swept: extended RaBitQ (Gao
// et al., 2024), every scale at which a coordinate changes its index tried once.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/quant/grid.hpp>
#include <pith/quant/lloyd_max.hpp>
#include <pith/simd/arch.hpp>

namespace pith::inline v1::vector {

/// The longest rotated vector: buffers of this size live on the stack.
inline constexpr std::size_t max_dimension = 8192;
/// The largest stored norm: sums of max_dimension decoded coordinates stay finite.
inline constexpr float largest_scale = 0x1p110F;

/// Gives indices to y, whose root mean square is `scale` > 0; the codes stand for levels().
template <class A>
concept assignment = std::constructible_from<A, std::size_t> &&
    requires(const A a, std::span<const float> y, std::span<std::uint8_t> codes) {
    { A::bits } -> std::convertible_to<unsigned>;
    { a.codebook().levels() }
    noexcept->std::same_as<std::span<const float>>;
    { a.template assign<simd::scalar>(y, 1.0F, codes) }
    noexcept;
};

/// The Lloyd-Max grid of a coordinate of a random direction, scaled by the vector's own root mean square.
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 8) class nearest_assignment {
  public:
    static constexpr unsigned bits = Bits;

    explicit nearest_assignment(std::size_t dimension)
        : codebook_(quant::lloyd_max<Bits>(quant::sphere_density{dimension})) {}

    [[nodiscard]] const quant::grid<Bits>& codebook() const noexcept { return codebook_; }

    template <simd::instruction_set Arch>
    void assign(std::span<const float> y, float scale, std::span<std::uint8_t> codes) const noexcept {
        codebook_.template encode_scaled_into<Arch>(y, scale, codes);
    }

  private:
    quant::grid<Bits> codebook_;
};

/// Levels -(2^Bits - 1) / 2 ... (2^Bits - 1) / 2 in steps of one; the codes maximize the cosine between their
/// levels and y. n 2^Bits log n steps. Encoder-side.
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 8) class swept_assignment {
    static constexpr std::size_t half = std::size_t{1} << (Bits - 1);

  public:
    static constexpr unsigned bits = Bits;

    explicit swept_assignment(std::size_t) : codebook_(uniform_levels()) {}

    [[nodiscard]] const quant::grid<Bits>& codebook() const noexcept { return codebook_; }

    template <simd::instruction_set>
    void assign(std::span<const float> y, float, std::span<std::uint8_t> codes) const noexcept {
        PITH_ASSERT(y.size() == codes.size() && y.size() <= max_dimension);
        const float best = Bits == 1 ? 0.0F : best_scale(y);
        for (std::size_t i = 0; i < y.size(); ++i) {
            const float size = y[i] < 0 ? -y[i] : y[i];
            const float steps = size * best;
            const std::size_t magnitude =
                steps >= static_cast<float>(half - 1) ? half - 1 : static_cast<std::size_t>(steps);
            codes[i] = static_cast<std::uint8_t>(y[i] < 0 ? half - 1 - magnitude : half + magnitude);
        }
    }

  private:
    [[nodiscard]] static quant::grid<Bits> uniform_levels() noexcept {
        std::array<float, 2 * half> levels;
        for (std::size_t i = 0; i < levels.size(); ++i)
            levels[i] = static_cast<float>(i) - (static_cast<float>(half) - 0.5F);
        return quant::grid<Bits>(levels);
    }

    /// A heap of the coordinates by the scale at which each takes its next step.
    struct steps_heap {
        std::array<float, max_dimension> scale;
        std::array<std::uint16_t, max_dimension> coordinate;
        std::size_t size = 0;

        void push(float s, std::size_t c) noexcept {
            std::size_t at = size++;
            for (; at > 0 && scale[(at - 1) / 2] > s; at = (at - 1) / 2) put(at, (at - 1) / 2);
            scale[at] = s;
            coordinate[at] = static_cast<std::uint16_t>(c);
        }
        /// Takes the smallest away; precondition: size > 0.
        void pop() noexcept {
            const float s = scale[--size];
            const std::uint16_t c = coordinate[size];
            std::size_t at = 0;
            for (std::size_t child; (child = 2 * at + 1) < size; at = child) {
                if (child + 1 < size && scale[child + 1] < scale[child]) ++child;
                if (scale[child] >= s) break;
                put(at, child);
            }
            scale[at] = s;
            coordinate[at] = c;
        }
        void put(std::size_t to, std::size_t from) noexcept {
            scale[to] = scale[from];
            coordinate[to] = coordinate[from];
        }
    };

    /// The scale at which floor(scale |y|) + 1/2, cut off, has the largest cosine with |y|.
    [[nodiscard]] static float best_scale(std::span<const float> y) noexcept {
        steps_heap heap;
        std::array<std::uint8_t, max_dimension> magnitude;
        double product = 0, energy = 0.25 * static_cast<double>(y.size());
        for (std::size_t i = 0; i < y.size(); ++i) {
            const float size = y[i] < 0 ? -y[i] : y[i];
            magnitude[i] = 0;
            product += 0.5 * double{size};
            if (size > 0x1p-100F) heap.push(1 / size, i);
        }
        float best = 0;
        double best_cosine = product * product / energy;
        while (heap.size > 0) {
            const float scale = heap.scale[0];
            const std::size_t i = heap.coordinate[0];
            heap.pop();
            const float size = y[i] < 0 ? -y[i] : y[i];
            const auto m = ++magnitude[i];
            product += double{size};
            energy += 2.0 * m;  // (m + 1/2)^2 - (m - 1/2)^2
            if (m + 1U < half) heap.push(static_cast<float>(m + 1) / size, i);
            if (product * product > best_cosine * energy) {
                best_cosine = product * product / energy;
                best = scale;
            }
        }
        // A hair more, so that rounding does not undo the step that this scale was found for.
        return best * 1.000001F;
    }

    quant::grid<Bits> codebook_;
};

}  // namespace pith::inline v1::vector
