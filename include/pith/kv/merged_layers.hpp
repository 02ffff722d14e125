// A leaf that keeps one direction for each token of two neighbouring layers, and both norms.
// MiniCache (Liu et al., 2024): spherical interpolation in the deeper half of the model; tokens whose layers
// point apart are kept as they are.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/kv/block_part.hpp>
#include <pith/kv/selected_parts.hpp>

namespace pith::inline v1::kv {

/// Layers from shape.layers * first_share on are merged in pairs, head by head; others are halves. The
/// direction lies `towards` of the way from the first layer to the second. A token's head whose angle is
/// above largest - apart * (largest - smallest) angle of the block is kept as two vectors of halves; one bit
/// says which.
struct merged_layers {
    static constexpr const char* name = "merged layers";
    static constexpr std::size_t layers = 2;
    double first_share = 0.5;
    float towards = 0.6F;
    float apart = 0.05F;

    /// Of what reading depends on.
    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        const float read[] = {static_cast<float>(first_share)};
        return detail::mark{}.add(read).value();
    }
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out) const {
        if (!merges(scope) || x.empty()) return halves{}.write(x, scope, out);
        const std::size_t d = scope.shape.head_size, n = x.rows() * scope.heads;
        std::vector<double> angles(n);
        for (std::size_t i = 0; i < n; ++i) angles[i] = angle(pair(x, scope, i));
        const auto [least, most] = std::minmax_element(angles.begin(), angles.end());
        const double limit = *most - double{apart} * (*most - *least);
        bit_writer mask(out);
        for (const double a : angles) mask.put(a > limit, 1);
        mask.finish();
        for (std::size_t i = 0; i < n; ++i) {
            const view_2d<const float> both = pair(x, scope, i);
            if (angles[i] > limit)
                halves{}.write(both, scope, out);
            else
                write_merged(both, angles[i], d, out);
        }
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y) const {
        if (!merges(scope) || y.empty()) return halves{}.read(in, scope, y);
        const std::size_t n = y.rows() * scope.heads;
        const auto mask = in.read_bytes((n + 7) / 8);
        if (!mask) return mask.error();
        bit_reader reader(*mask);
        for (std::size_t i = 0; i < n; ++i) {
            const view_2d<float> both = pair(y, scope, i);
            const auto done = reader.get(1) != 0 ? halves{}.read(in, scope, both) : read_merged(in, both);
            if (!done) return done.error();
        }
        if (!reader.padding_is_zero()) return in.fail(error_code::bad_stream, "bits behind the mask are set");
        return {};
    }

  private:
    [[nodiscard]] bool merges(const block_scope& scope) const noexcept {
        return scope.layers == 2 && static_cast<double>(scope.first_layer) >=
                                        first_share * static_cast<double>(scope.shape.layers);
    }
    /// Two rows of a head of a token: of the first layer and of the second.
    template <class T>
    [[nodiscard]] static view_2d<T> pair(view_2d<T> x, const block_scope& scope, std::size_t i) noexcept {
        const std::size_t d = scope.shape.head_size;
        const auto row = x.block(i / scope.heads, i % scope.heads * d, 1, x.columns() / 2);
        return {row.data(), 2, d, scope.heads * d * x.column_stride(), x.column_stride()};
    }
    [[nodiscard]] static double norm(strided_span<const float> v) noexcept {
        double sum = 0;
        for (std::size_t i = 0; i < v.size(); ++i) sum += double{v[i]} * double{v[i]};
        return std::sqrt(sum);
    }
    [[nodiscard]] static double angle(view_2d<const float> both) noexcept {
        double cross = 0;
        for (std::size_t i = 0; i < both.columns(); ++i) cross += double{both(0, i)} * double{both(1, i)};
        const double size = norm(both.row(0)) * norm(both.row(1));
        return size > 0 ? std::acos(std::clamp(cross / size, -1.0, 1.0)) : 0;
    }
    void write_merged(view_2d<const float> both, double angle, std::size_t d, byte_output& out) const {
        const double a = norm(both.row(0)), b = norm(both.row(1));
        put_half(out, static_cast<float>(a));
        put_half(out, static_cast<float>(b));
        const double t = double{towards}, sine = std::sin(angle);
        const double from = sine > 1e-6 ? std::sin((1 - t) * angle) / sine : 1 - t;
        const double to = sine > 1e-6 ? std::sin(t * angle) / sine : t;
        for (std::size_t i = 0; i < d; ++i) {
            const double first = a > 0 ? double{both(0, i)} / a : 0,
                         second = b > 0 ? double{both(1, i)} / b : 0;
            put_half(out, static_cast<float>(from * first + to * second));
        }
    }
    static result<void> read_merged(byte_reader& in, view_2d<float> both) noexcept {
        const auto a = read_half(in);
        if (!a) return a.error();
        const auto b = read_half(in);
        if (!b) return b.error();
        if (*a < 0 || *b < 0) return in.fail(error_code::bad_stream, "a norm below zero");
        for (std::size_t i = 0; i < both.columns(); ++i) {
            const auto direction = read_half(in);
            if (!direction) return direction.error();
            both(0, i) = *direction * *a;
            both(1, i) = *direction * *b;
        }
        return {};
    }
};

}  // namespace pith::inline v1::kv
