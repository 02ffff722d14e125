// Signs apart, and any quantizer for the magnitudes.
// SSVQ (Li et al., 2025), its static form: a codebook of magnitudes serves all 2^d orthants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/decoded_costs.hpp>

namespace pith::inline v1::vector {

/// A code is a bit per coordinate, lowest bits first, set where it is negative, and Inner's code of the
/// magnitudes. Exact where Inner is.
template <vector_quantizer Inner>
class sign_split : public searched_by_decoding<sign_split<Inner>> {
  public:
    explicit sign_split(Inner inner) : inner_(std::move(inner)) {}

    /// `fit_magnitudes(rows)` gives a result<Inner> for rows of magnitudes.
    template <class Fit>
    [[nodiscard]] static result<sign_split> fit(view_2d<const float> rows, Fit&& fit_magnitudes) {
        const std::vector<float> sizes = magnitudes(rows);
        auto inner =
            fit_magnitudes(view_2d<const float>(sizes.data(), rows.rows(), rows.columns(), rows.columns()));
        if (!inner) return inner.error();
        return sign_split(std::move(*inner));
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return inner_.dimension(); }
    [[nodiscard]] std::size_t code_size() const noexcept { return sign_bytes() + inner_.code_size(); }
    [[nodiscard]] std::size_t parameter_bytes() const noexcept { return inner_.parameter_bytes(); }
    [[nodiscard]] const Inner& inner() const noexcept { return inner_; }

    /// Precondition: codes.size() == rows.rows() * code_size(), rows.columns() == dimension().
    [[nodiscard]] result<void> encode_into(view_2d<const float> rows, std::span<std::uint8_t> codes) const {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        const std::vector<float> sizes = magnitudes(rows);
        std::vector<std::uint8_t> inner(rows.rows() * inner_.code_size());
        const view_2d<const float> sized(sizes.data(), rows.rows(), dimension(), dimension());
        if (const auto done = inner_.encode_into(sized, inner); !done) return done.error();
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            std::uint8_t* const code = codes.data() + r * code_size();
            for (std::size_t b = 0; b < sign_bytes(); ++b) code[b] = 0;
            for (std::size_t j = 0; j < dimension(); ++j)
                if (rows(r, j) < 0) code[j / 8] = static_cast<std::uint8_t>(code[j / 8] | 1U << (j % 8));
            for (std::size_t b = 0; b < inner_.code_size(); ++b)
                code[sign_bytes() + b] = inner[r * inner_.code_size() + b];
        }
        return {};
    }
    void decode_into(byte_view codes, view_2d<float> rows) const {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            const byte_view code = codes.subspan(r * code_size(), code_size());
            inner_.decode_into(code.subspan(sign_bytes()), rows.block(r, 0, 1, dimension()));
            for (std::size_t j = 0; j < dimension(); ++j)
                if ((code[j / 8] >> (j % 8) & 1) != 0) rows(r, j) = -rows(r, j);
        }
    }

    template <byte_sink Sink>
    void save(Sink& sink) const requires storable_quantizer<Inner> {
        inner_.save(sink);
    }
    [[nodiscard]] static result<sign_split> load(byte_reader& from, const limits& bound = {}) requires
        storable_quantizer<Inner> {
        auto inner = Inner::load(from, bound);
        if (!inner) return inner.error();
        return sign_split(std::move(*inner));
    }

  private:
    [[nodiscard]] std::size_t sign_bytes() const noexcept { return (dimension() + 7) / 8; }
    [[nodiscard]] static std::vector<float> magnitudes(view_2d<const float> rows) {
        std::vector<float> out(rows.size());
        for (std::size_t r = 0; r < rows.rows(); ++r)
            for (std::size_t j = 0; j < rows.columns(); ++j)
                out[r * rows.columns() + j] = rows(r, j) < 0 ? -rows(r, j) : rows(r, j);
        return out;
    }

    Inner inner_;
};

}  // namespace pith::inline v1::vector
