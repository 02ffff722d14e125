// Groups of values on grids of their own: least value and step as bfloat16, packed codes, random rounding.
// The compressor of ActNN and GACT (Chen et al., 2021; Liu et al., 2022) for activations.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/number.hpp>
#include <pith/core/random.hpp>
#include <pith/feedback/concepts.hpp>
#include <pith/feedback/vectors.hpp>
#include <pith/simd/pack.hpp>

namespace pith::inline v1::feedback {

/// A compressor: Bits bits a value and 4 bytes a group; unbiased with w = 1.05 Group / (2^Bits - 1)^2, since
/// no step exceeds twice the largest magnitude over 2^Bits - 1. Magnitudes from 2^125 on are an error.
template <unsigned Bits, std::size_t Group = 256>
requires(Bits >= 1 && Bits <= 8 && Group >= 8 && Group % 8 == 0 && Group <= 4096) class grouped_uniform {
  public:
    grouped_uniform(std::size_t size, std::uint64_t seed) noexcept : size_(size), seed_(seed) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept {
        return size_ / Group * group_bytes(Group) + (size_ % Group == 0 ? 0 : group_bytes(size_ % Group));
    }
    [[nodiscard]] double variance() const noexcept {
        return 1.05 * static_cast<double>(Group) / (double{top} * double{top});
    }

    result<std::size_t> encode_into(std::span<const float> x, std::uint64_t message, byte_span out) noexcept {
        PITH_ASSERT(x.size() == size_);
        if (!all_finite(x)) return not_finite(x);
        if (largest_magnitude(x) >= 0x1p125F) return too_large();
        if (out.size() < max_encoded_size()) return no_room(out);
        random_sequence random(seed_, message);
        std::size_t to = 0;
        for (std::size_t from = 0; from < size_; from += Group) {
            const std::span<const float> part = x.subspan(from, std::min(Group, size_ - from));
            encode_group(part, random, out.subspan(to, group_bytes(part.size())));
            to += group_bytes(part.size());
        }
        return to;
    }
    result<void> decode_into(byte_view in, std::uint64_t, std::span<float> y) noexcept {
        PITH_ASSERT(y.size() == size_);
        if (in.size() != max_encoded_size()) return wrong_length(in, max_encoded_size());
        std::size_t at = 0;
        for (std::size_t from = 0; from < size_; from += Group) {
            const std::span<float> part = y.subspan(from, std::min(Group, size_ - from));
            if (!decode_group(in.subspan(at, group_bytes(part.size())), part))
                return bad_message(at, "a group that no encoder writes");
            at += group_bytes(part.size());
        }
        return {};
    }

  private:
    static constexpr unsigned top = (1U << Bits) - 1;

    [[nodiscard]] static constexpr std::size_t group_bytes(std::size_t n) noexcept {
        return 4 + simd::packed_size(n, Bits);
    }
    /// The bfloat16 next to v that is not above it; v is finite.
    [[nodiscard]] static bfloat16 rounded_down(float v) noexcept {
        bfloat16 near(v);
        if (static_cast<float>(near) > v) {  // towards minus infinity; near is not the least of all
            const bool minus = near.bits >> 15 != 0;
            near.bits = static_cast<std::uint16_t>(near.bits == 0 ? 0x8001
                                                   : minus        ? near.bits + 1
                                                                  : near.bits - 1);
        }
        return near;
    }

    static void encode_group(std::span<const float> x, random_sequence& random, byte_span out) noexcept {
        const auto [least, most] = std::minmax_element(x.begin(), x.end());
        const bfloat16 base = rounded_down(*least);
        const double span = double{*most} - double{static_cast<float>(base)};
        bfloat16 step(span > 0 ? -static_cast<float>(rounded_down(static_cast<float>(-span / top))) : 0.0F);
        if (double{static_cast<float>(step)} * top < span)
            step.bits = static_cast<std::uint16_t>(step.bits + 1);
        store_le<std::uint16_t>(out.data(), base.bits);
        store_le<std::uint16_t>(out.data() + 2, step.bits);
        const double unit = double{static_cast<float>(step)};
        std::array<std::uint8_t, Group> codes;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double at = unit == 0 ? 0 : (double{x[i]} - double{static_cast<float>(base)}) / unit;
            auto code = static_cast<unsigned>(at);
            code += double{random.uniform()} < at - code;
            codes[i] = static_cast<std::uint8_t>(std::min(code, top));
        }
        simd::pack<Bits>(std::span<const std::uint8_t>(codes).first(x.size()), out.subspan(4));
    }
    [[nodiscard]] static bool decode_group(byte_view in, std::span<float> y) noexcept {
        const auto base = static_cast<float>(bfloat16::from_bits(load_le<std::uint16_t>(in.data())));
        const std::uint16_t step_bits = load_le<std::uint16_t>(in.data() + 2);
        const auto unit = static_cast<float>(bfloat16::from_bits(step_bits));
        if (!is_finite(base) || !is_finite(unit) || step_bits >> 15 != 0) return false;
        std::array<std::uint8_t, Group> codes;
        simd::unpack<Bits>(in.subspan(4), std::span(codes).first(y.size()));
        for (std::size_t i = 0; i < y.size(); ++i)
            y[i] =
                static_cast<float>(double{base} + double{unit} * codes[i]);  // exact products, one rounding
        return all_finite(y);
    }

    std::size_t size_;
    std::uint64_t seed_;
};

}  // namespace pith::inline v1::feedback
