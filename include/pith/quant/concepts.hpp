// What a quantizer and a codebook offer, and the exact count of bits that every quantizer gives account in.
// Bits per value are a fraction of integers, side information included: nominal bits are nowhere in use.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/finite.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>

namespace pith::inline v1::quant {

/// A fraction in lowest terms.
struct rational {
    std::uint64_t numerator = 0;
    std::uint64_t denominator = 1;

    constexpr rational() noexcept = default;
    /// Precondition: below != 0.
    constexpr rational(std::uint64_t above, std::uint64_t below) noexcept {
        PITH_ASSERT(below != 0);
        std::uint64_t a = above, b = below;
        while (b != 0) {
            const std::uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        numerator = above / a;
        denominator = below / a;
    }
    [[nodiscard]] constexpr double value() const noexcept {
        return static_cast<double>(numerator) / static_cast<double>(denominator);
    }
    friend constexpr bool operator==(const rational&, const rational&) = default;
};

/// A finite set of points. nearest gives the index of the entry with the smallest distance; of several the
/// lowest. Law: it equals the search through all entries, up to distances that differ by rounding.
template <class C>
concept codebook = requires(const C c, std::uint32_t index, std::span<const float> x) {
    { c.size() }
    noexcept->std::same_as<std::size_t>;
    { c.dimension() }
    noexcept->std::same_as<std::size_t>;
    { c.entry(index) }
    noexcept->std::same_as<std::span<const float>>;
    { c.nearest(x) }
    noexcept->std::same_as<std::uint32_t>;
};

/// A quantizer of matrices: parameters are fitted to values, codes made with them.
/// Laws: encode(decode(encode(x))) == encode(x) under the same parameters; values that are not finite give
/// an error; stored_bits counts everything that a decoder needs.
template <class Q>
concept quantizer = requires(const Q q, view_2d<const float> x, view_2d<float> out,
                             const typename Q::parameters& p, const typename Q::codes& c) {
    { q.fit(x) } -> std::same_as<result<typename Q::parameters>>;
    { q.encode(x, p) } -> std::same_as<result<typename Q::codes>>;
    { q.decode_into(c, p, out) }
    noexcept->std::same_as<result<void>>;
    { q.bits_per_value(x.rows(), x.columns()) }
    noexcept->std::same_as<rational>;
};

/// A quantizer of single vectors into codes of one size, whatever the vector: what a code index stores.
/// encode_into takes dimension() values and fills code_size() bytes; decode_into takes any bytes of that
/// size. Neither allocates. Laws as above.
template <class Q>
concept vector_quantizer = requires(const Q q, std::span<const float> x, byte_span code, byte_view in,
                                    std::span<float> y) {
    { q.dimension() }
    noexcept->std::same_as<std::size_t>;
    { q.code_size() }
    noexcept->std::same_as<std::size_t>;
    { q.encode_into(x, code) }
    noexcept->std::same_as<result<void>>;
    { q.decode_into(in, y) }
    noexcept->std::same_as<result<void>>;
    { q.stored_bits() }
    noexcept->std::same_as<rational>;
};

/// A vector_quantizer whose codes are compared with a query without being decoded.
/// Law: score(prepare(q), code) = <q, decode(code)> within rounding, unless the quantizer states an own
/// estimator.
template <class Q>
concept scoring_quantizer = vector_quantizer<Q> &&
    requires(const Q q, std::span<const float> x, const typename Q::query& prepared, byte_view code) {
    { q.prepare(x) } -> std::same_as<result<typename Q::query>>;
    { q.score(prepared, code) }
    noexcept->std::same_as<float>;
};

/// What every quantizer says to values that are no numbers.
[[nodiscard]] constexpr error not_finite() noexcept {
    return {error_code::unsupported_parameter, 0, "a value to quantize is infinite or not a number"};
}

}  // namespace pith::inline v1::quant
