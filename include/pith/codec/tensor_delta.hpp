// How the tiers see a block's elements: as byte planes of the values, or of their difference to a base.
// See transform/float_planes.hpp and transform/tensor_delta.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/codec/element.hpp>
#include <pith/core/bytes.hpp>
#include <pith/transform/float_planes.hpp>
#include <pith/transform/tensor_delta.hpp>

namespace pith::inline v1::codec {

/// What is coded: the values, their exclusive or with the base, or the difference to it (of floats: of
/// ranks).
enum class delta_kind : std::uint8_t { none = 0, exclusive_or = 1, difference = 2 };
inline constexpr std::uint8_t delta_kinds = 3;

namespace detail {

/// The planes of a tensor's elements in pieces of up to `most` values. `difference` holds one piece.
struct plane_view {
    element type = element::u8;
    delta_kind delta = delta_kind::none;

    [[nodiscard]] transform::plane_order order() const noexcept {
        return delta == delta_kind::none && exponent_bits(type) != 0 && size_of(type) > 1
                   ? transform::plane_order::exponent_first
                   : transform::plane_order::plain;
    }
    /// Planes of the values `stride` apart. `scratch` has values.size() bytes.
    void split(byte_view values, byte_view base, std::uint8_t* planes, std::size_t stride,
               std::uint8_t* scratch) const noexcept {
        if (delta != delta_kind::none) {
            difference(values, base, byte_span(scratch, values.size()));
            values = byte_view(scratch, values.size());
        }
        transform::split_elements(values, size_of(type), order(), planes, stride);
    }
    void merge(const std::uint8_t* planes, std::size_t stride, byte_view base,
               byte_span values) const noexcept {
        transform::merge_elements(planes, stride, size_of(type), order(), values);
        undo(base, values);
    }
    /// Turns merged planes into values.
    void undo(byte_view base, byte_span values) const noexcept {
        const std::size_t width = size_of(type);
        if (delta == delta_kind::exclusive_or) transform::xor_delta::inverse(values, base, width, values);
        if (delta != delta_kind::difference) return;
        exponent_bits(type) != 0 ? transform::rank_delta<true>::inverse(values, base, width, values)
                                 : transform::rank_delta<false>::inverse(values, base, width, values);
    }

  private:
    void difference(byte_view values, byte_view base, byte_span out) const noexcept {
        const std::size_t width = size_of(type);
        if (delta == delta_kind::exclusive_or) return transform::xor_delta::forward(values, base, width, out);
        exponent_bits(type) != 0 ? transform::rank_delta<true>::forward(values, base, width, out)
                                 : transform::rank_delta<false>::forward(values, base, width, out);
    }
};

}  // namespace detail
}  // namespace pith::inline v1::codec
