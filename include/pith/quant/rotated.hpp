// A quantizer behind a rotation of the rows: outliers of a row are spread over it before it is quantized.
// QuaRot, QuEST (Panferov et al., 2025), SpinQuant: any rotation, any quantizer of matrices.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/view.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/transform/concepts.hpp>

namespace pith::inline v1::quant {

/// A quantizer of matrices whose rows have rotation.input_size() values, at most 8192 after the rotation.
template <quantizer Quantizer, transform::rotation Rotation>
class rotated {
    static constexpr std::size_t longest_row = 8192;

  public:
    using parameters = typename Quantizer::parameters;
    using codes = typename Quantizer::codes;

    explicit rotated(Rotation rotation, Quantizer inner = Quantizer())
        : rotation_(std::move(rotation)), inner_(std::move(inner)) {
        PITH_ASSERT(rotation_.size() == rotation_.input_size() && rotation_.size() <= longest_row);
    }

    [[nodiscard]] result<parameters> fit(view_2d<const float> x) const {
        if (!all_finite(x)) return not_finite();
        const std::vector<float> y = forward(x);
        return inner_.fit(view_2d<const float>(y, x.rows(), x.columns()));
    }
    [[nodiscard]] result<codes> encode(view_2d<const float> x, const parameters& p) const {
        if (!all_finite(x)) return not_finite();
        const std::vector<float> y = forward(x);
        return inner_.encode(view_2d<const float>(y, x.rows(), x.columns()), p);
    }
    [[nodiscard]] result<void> decode_into(const codes& c, const parameters& p,
                                           view_2d<float> out) const noexcept {
        if (out.columns() != rotation_.size())
            return error{error_code::bad_header, 0, "rows of another length than the rotation"};
        if (const auto done = inner_.decode_into(c, p, out); !done) return done.error();
        std::array<float, longest_row> turned, plain;
        const auto y = std::span(turned).first(out.columns()), x = std::span(plain).first(out.columns());
        for (std::size_t r = 0; r < out.rows(); ++r) {
            for (std::size_t i = 0; i < y.size(); ++i) y[i] = out(r, i);
            rotation_.inverse_into(y, x);
            for (std::size_t i = 0; i < x.size(); ++i) out(r, i) = x[i];
        }
        return {};
    }
    [[nodiscard]] rational bits_per_value(std::size_t rows, std::size_t columns) const noexcept {
        return inner_.bits_per_value(rows, columns);
    }

  private:
    [[nodiscard]] std::vector<float> forward(view_2d<const float> x) const {
        PITH_ASSERT(x.columns() == rotation_.input_size());
        std::vector<float> y(x.size()), row(x.columns());
        for (std::size_t r = 0; r < x.rows(); ++r) {
            for (std::size_t c = 0; c < row.size(); ++c) row[c] = x(r, c);
            rotation_.forward_into(row, std::span(y).subspan(r * row.size(), row.size()));
        }
        return y;
    }

    Rotation rotation_;
    Quantizer inner_;
};

}  // namespace pith::inline v1::quant
