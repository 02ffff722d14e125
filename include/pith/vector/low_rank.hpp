// A few principal coordinates of a vector coded by one quantizer, and what they leave by another, or not at
// all. Low rank + vector quantization (LR2VQ's form); without a rest, codes in a projected space: RVQGAN's
// factorized codebooks (Kumar et al., 2023) and SimVQ's (Zhu et al., 2024), entries times one linear map.
#pragma once

#include <concepts>
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
#include <pith/transform/principal_axes.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/decoded_costs.hpp>
#include <pith/vector/stored_axes.hpp>

namespace pith::inline v1::vector {

/// No code at all; decodes to zeros.
class no_code {
  public:
    explicit no_code(std::size_t dimension) : dimension_(dimension) {}
    [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
    [[nodiscard]] std::size_t code_size() const noexcept { return 0; }
    [[nodiscard]] std::size_t parameter_bytes() const noexcept { return 4; }
    [[nodiscard]] result<void> encode_into(view_2d<const float>, std::span<std::uint8_t>) const noexcept {
        return {};
    }
    void decode_into(byte_view, view_2d<float> rows) const noexcept {
        for (std::size_t r = 0; r < rows.rows(); ++r)
            for (std::size_t j = 0; j < rows.columns(); ++j) rows(r, j) = 0;
    }
    template <byte_sink Sink>
    void save(Sink& sink) const {
        put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(dimension_));
    }
    [[nodiscard]] static result<no_code> load(byte_reader& from, const limits& = {}) noexcept {
        const auto dimension = from.read_le<std::uint32_t>();
        if (!dimension) return dimension.error();
        return no_code(*dimension);
    }

  private:
    std::size_t dimension_;
};

/// A code is Coordinates' code of the principal coordinates, and Rest's code of the vector less what those
/// decode to. Exact given the axes, which are encoder-side.
template <vector_quantizer Coordinates, vector_quantizer Rest = no_code,
          simd::instruction_set Arch = simd::native>
class low_rank : public searched_by_decoding<low_rank<Coordinates, Rest, Arch>> {
  public:
    /// Precondition: coordinates.dimension() == axes.rank(), rest.dimension() == axes.dimension().
    low_rank(mean_and_axes<Arch> axes, Coordinates coordinates, Rest rest)
        : axes_(std::move(axes)), coordinates_(std::move(coordinates)), rest_(std::move(rest)) {
        PITH_ASSERT(coordinates_.dimension() == axes_.rank() && rest_.dimension() == axes_.dimension());
    }

    /// `fit_coordinates(rows)` gives a result<Coordinates> for rows of `rank` values, `fit_rest(rows)` a
    /// result<Rest> for what is left of the vectors. Errors: theirs; no rows, a rank of 0 or above the
    /// dimension, coordinates that are not finite.
    template <class FitCoordinates, class FitRest>
    [[nodiscard]] static result<low_rank> fit(view_2d<const float> rows, std::size_t rank,
                                              FitCoordinates&& fit_coordinates, FitRest&& fit_rest) {
        if (rows.rows() == 0 || rank == 0 || rank > rows.columns() ||
            rows.columns() > mean_and_axes<Arch>::max_dimension_stored)
            return error{error_code::unsupported_parameter, 0,
                         "a rank is 1 to the dimension, which is at most 4096"};
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        auto found = transform::fit_principal_axes<Arch>(rows, rank);
        const auto mean = found.mean.mean();
        mean_and_axes<Arch> axes({mean.begin(), mean.end()}, std::move(found.rotation));
        const std::vector<float> y = axes.coordinates(rows);
        const view_2d<const float> few(y.data(), rows.rows(), rank, rank);
        auto coordinates = fit_coordinates(few);
        if (!coordinates) return coordinates.error();
        std::vector<std::uint8_t> codes(rows.rows() * coordinates->code_size());
        if (const auto done = coordinates->encode_into(few, codes); !done) return done.error();
        const std::vector<float> left = left_by(axes, *coordinates, rows, codes);
        auto rest = fit_rest(view_2d<const float>(left.data(), rows.rows(), rows.columns(), rows.columns()));
        if (!rest) return rest.error();
        return low_rank(std::move(axes), std::move(*coordinates), std::move(*rest));
    }
    /// Without a rest.
    template <class FitCoordinates>
    [[nodiscard]] static result<low_rank> fit(
        view_2d<const float> rows, std::size_t rank,
        FitCoordinates&& fit_coordinates) requires std::same_as<Rest, no_code> {
        return fit(rows, rank, std::forward<FitCoordinates>(fit_coordinates),
                   [](view_2d<const float> left) -> result<Rest> { return no_code(left.columns()); });
    }

    [[nodiscard]] std::size_t dimension() const noexcept { return axes_.dimension(); }
    [[nodiscard]] std::size_t rank() const noexcept { return axes_.rank(); }
    [[nodiscard]] std::size_t code_size() const noexcept {
        return coordinates_.code_size() + rest_.code_size();
    }
    [[nodiscard]] std::size_t parameter_bytes() const noexcept {
        return axes_.parameter_bytes() + coordinates_.parameter_bytes() + rest_.parameter_bytes();
    }

    /// Precondition: codes.size() == rows.rows() * code_size(), rows.columns() == dimension().
    [[nodiscard]] result<void> encode_into(view_2d<const float> rows, std::span<std::uint8_t> codes) const {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        if (const auto finite = check_finite(rows); !finite) return finite.error();
        const std::size_t n = rows.rows(), first = coordinates_.code_size(), second = rest_.code_size();
        std::vector<std::uint8_t> few(n * first), more(n * second);
        const std::vector<float> y = axes_.coordinates(rows);
        if (const auto done = coordinates_.encode_into({y.data(), n, rank(), rank()}, few); !done)
            return done.error();
        const std::vector<float> left = left_by(axes_, coordinates_, rows, few);
        if (const auto done = rest_.encode_into({left.data(), n, dimension(), dimension()}, more); !done)
            return done.error();
        for (std::size_t r = 0; r < n; ++r) {
            std::uint8_t* const to = codes.data() + r * code_size();
            for (std::size_t b = 0; b < first; ++b) to[b] = few[r * first + b];
            for (std::size_t b = 0; b < second; ++b) to[first + b] = more[r * second + b];
        }
        return {};
    }
    /// Precondition: as encode_into.
    void decode_into(byte_view codes, view_2d<float> rows) const {
        PITH_ASSERT(rows.columns() == dimension() && codes.size() == rows.rows() * code_size());
        std::vector<float> y(rank()), x(dimension());
        for (std::size_t r = 0; r < rows.rows(); ++r) {
            const byte_view code = codes.subspan(r * code_size(), code_size());
            coordinates_.decode_into(code.first(coordinates_.code_size()),
                                     view_2d<float>(std::span(y), 1, y.size()));
            axes_.expand(y, rows.block(r, 0, 1, dimension()));
            rest_.decode_into(code.subspan(coordinates_.code_size()),
                              view_2d<float>(std::span(x), 1, x.size()));
            for (std::size_t j = 0; j < x.size(); ++j) rows(r, j) += x[j];
        }
    }

    template <byte_sink Sink>
    void save(Sink& sink) const requires storable_quantizer<Coordinates> && storable_quantizer<Rest> {
        axes_.save(sink);
        coordinates_.save(sink);
        rest_.save(sink);
    }
    [[nodiscard]] static result<low_rank> load(byte_reader& from, const limits& bound = {}) requires
        storable_quantizer<Coordinates> && storable_quantizer<Rest> {
        auto axes = mean_and_axes<Arch>::load(from, bound);
        if (!axes) return axes.error();
        auto coordinates = Coordinates::load(from, bound);
        if (!coordinates) return coordinates.error();
        auto rest = Rest::load(from, bound);
        if (!rest) return rest.error();
        if (coordinates->dimension() != axes->rank() || rest->dimension() != axes->dimension())
            return from.fail(error_code::bad_header, "the quantizers' dimensions are not those of the axes");
        return low_rank(std::move(*axes), std::move(*coordinates), std::move(*rest));
    }

  private:
    /// What the coordinates' codes leave of the rows.
    [[nodiscard]] static std::vector<float> left_by(const mean_and_axes<Arch>& axes,
                                                    const Coordinates& coordinates, view_2d<const float> rows,
                                                    byte_view codes) {
        const std::size_t n = rows.rows(), d = rows.columns();
        std::vector<float> y(n * axes.rank()), left(n * d);
        coordinates.decode_into(codes, {y.data(), n, axes.rank(), axes.rank()});
        axes.expand(y, {left.data(), n, d, d});
        for (std::size_t r = 0; r < n; ++r)
            for (std::size_t j = 0; j < d; ++j) left[r * d + j] = rows(r, j) - left[r * d + j];
        return left;
    }

    mean_and_axes<Arch> axes_;
    Coordinates coordinates_;
    Rest rest_;
};

}  // namespace pith::inline v1::vector
