// Leaves that code vectors at once: any vector quantizer head by head, and points of a plane for pairs.
// TurboQuant (Zandieh et al., 2025), QJL (Zandieh et al., 2024) and RaBitQ are vector quantizers; the grid of
// pairs under one norm is HIGGS (Malinovskii et al., 2024) as AQUA-KV (Shutova et al., 2025) uses it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/random.hpp>
#include <pith/kv/block_part.hpp>
#include <pith/quant/concepts.hpp>
#include <pith/transform/matrix_rotation.hpp>
#include <pith/vector/kmeans.hpp>

namespace pith::inline v1::kv {

/// A leaf: each row as vectors of quantizer.dimension() values, one code behind the other. A vector that the
/// quantizer refuses for its size is halved until it is taken. The quantizer is shared by copies.
template <quant::vector_quantizer Quantizer>
class vector_codes {
  public:
    static constexpr const char* name = "vectors";

    explicit vector_codes(Quantizer quantizer)
        : quantizer_(std::make_shared<const Quantizer>(std::move(quantizer))) {}

    [[nodiscard]] const Quantizer& quantizer() const noexcept { return *quantizer_; }

    /// Of the code of 1, 2, 3, ...
    [[nodiscard]] std::uint64_t fingerprint() const {
        std::vector<float> ramp(quantizer_->dimension());
        for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<float>(i + 1);
        std::vector<std::uint8_t> code(quantizer_->code_size());
        detail::mark out;
        out.add(ramp.size());
        if (quantizer_->encode_into(ramp, code))
            for (const std::uint8_t b : code) out.add(b);
        return out.value();
    }
    /// Precondition: the columns are a multiple of the quantizer's dimension.
    void write(view_2d<const float> x, const block_scope&, byte_output& out) const {
        std::vector<float> part(quantizer_->dimension());
        std::vector<std::uint8_t> code(quantizer_->code_size());
        PITH_ASSERT(x.columns() % part.size() == 0);
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); c += part.size()) {
                for (std::size_t i = 0; i < part.size(); ++i) part[i] = x(r, c + i);
                while (!quantizer_->encode_into(part, code))
                    for (float& v : part) v /= 2;
                out.append(code);
            }
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope&, view_2d<float> y) const {
        std::vector<float> part(quantizer_->dimension());
        PITH_ASSERT(y.columns() % part.size() == 0);
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < y.columns(); c += part.size()) {
                const auto code = in.read_bytes(quantizer_->code_size());
                if (!code) return code.error();
                if (const auto done = quantizer_->decode_into(*code, part); !done) return done.error();
                for (std::size_t i = 0; i < part.size(); ++i) y(r, c + i) = part[i];
            }
        return {};
    }

  private:
    std::shared_ptr<const Quantizer> quantizer_;
};

/// m rows in blocks of n orthogonal ones, each of length sqrt(n): QJL's projection, whose estimates vary less
/// than those of independent rows. Not a rotation: its inverse_into is the transpose.
class orthogonal_blocks {
  public:
    static constexpr bool orthogonal = false;

    orthogonal_blocks(std::size_t m, std::size_t n, std::uint64_t seed = 0) : m_(m), n_(n) {
        PITH_ASSERT(n != 0);
        for (std::size_t at = 0; at < m; at += n)
            blocks_.push_back(transform::random_rotation<>(n, seed + at));
    }
    [[nodiscard]] std::size_t input_size() const noexcept { return n_; }
    [[nodiscard]] std::size_t size() const noexcept { return m_; }
    void forward_into(std::span<const float> x, std::span<float> y) const noexcept {
        for (std::size_t r = 0; r < m_; ++r) y[r] = length() * exact::dot(blocks_[r / n_].row(r % n_), x);
    }
    void inverse_into(std::span<float> y, std::span<float> x) const noexcept {
        for (float& v : x) v = 0;
        for (std::size_t r = 0; r < m_; ++r)
            exact::add_scaled(x, length() * y[r], blocks_[r / n_].row(r % n_));
    }

  private:
    [[nodiscard]] float length() const noexcept { return exact::sqrt(static_cast<float>(n_)); }
    std::vector<transform::matrix_rotation<>> blocks_;
    std::size_t m_, n_;
};

/// 2^(2 Bits) points of the plane fitted to pairs of independent normal numbers: k-means over a fixed sample,
/// the same points on every machine.
template <unsigned Bits>
requires(Bits >= 1 && Bits <= 4) [[nodiscard]] inline std::vector<float> gaussian_pairs() {
    random_sequence random(1, 7);
    std::vector<float> sample(2 * 16384);
    for (float& v : sample) v = static_cast<float>(random.gaussian());
    const auto points = vector::kmeans(view_2d<const float>(sample, sample.size() / 2, 2),
                                       std::size_t{1} << (2 * Bits), {.rounds = 30, .points_per_entry = 0});
    PITH_ASSERT(points.has_value());
    std::vector<float> out;
    for (std::size_t k = 0; k < points->size(); ++k) {
        out.push_back(points->at(k, 0));
        out.push_back(points->at(k, 1));
    }
    return out;
}

/// A leaf: of every row's runs of `group` values the root mean square as a half, and the nearest point of
/// each pair of values divided by it. An odd value is paired with zero.
template <unsigned Bits>
class pair_codes {
  public:
    static constexpr auto text = detail::numbered_name("pairs", {Bits});
    static constexpr const char* name = text.data();

    /// Precondition: group is even and not 0.
    explicit pair_codes(std::size_t group = 1024) : points_(gaussian_pairs<Bits>()), group_(group) {
        PITH_ASSERT(group != 0 && group % 2 == 0);
    }
    [[nodiscard]] std::uint64_t fingerprint() const noexcept { return group_; }

    void write(view_2d<const float> x, const block_scope&, byte_output& out) const {
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); c += group_)
                write_run(x.row(r).sub(c, run(x.columns() - c)), out);
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope&, view_2d<float> y) const noexcept {
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < y.columns(); c += group_)
                if (const auto done = read_run(in, y.row(r).sub(c, run(y.columns() - c))); !done)
                    return done.error();
        return {};
    }

  private:
    [[nodiscard]] std::size_t run(std::size_t left) const noexcept { return left < group_ ? left : group_; }
    [[nodiscard]] unsigned nearest(float a, float b) const noexcept {
        unsigned best = 0;
        float least = 0;
        for (unsigned k = 0; 2 * k < points_.size(); ++k) {
            const float u = a - points_[2 * k], v = b - points_[2 * k + 1];
            const float distance = u * u + v * v;
            if (k == 0 || distance < least) {
                best = k;
                least = distance;
            }
        }
        return best;
    }
    void write_run(strided_span<const float> x, byte_output& out) const {
        double energy = 0;
        for (std::size_t i = 0; i < x.size(); ++i) energy += double{x[i]} * double{x[i]};
        const float scale = as_half(static_cast<float>(exact::sqrt(energy / static_cast<double>(x.size()))));
        put_half(out, scale);
        bit_writer writer(out);
        for (std::size_t i = 0; i < x.size(); i += 2) {
            const float b = i + 1 < x.size() ? x[i + 1] : 0;
            writer.put(scale > 0 ? nearest(x[i] / scale, b / scale) : 0, 2 * Bits);
        }
        writer.finish();
    }
    result<void> read_run(byte_reader& in, strided_span<float> y) const noexcept {
        const auto scale = read_half(in);
        if (!scale) return scale.error();
        if (*scale < 0) return in.fail(error_code::bad_stream, "a scale below zero");
        const auto bytes = in.read_bytes(((y.size() + 1) / 2 * 2 * Bits + 7) / 8);
        if (!bytes) return bytes.error();
        bit_reader reader(*bytes);
        for (std::size_t i = 0; i < y.size(); i += 2) {
            const auto k = static_cast<std::size_t>(reader.get(2 * Bits));
            y[i] = points_[2 * k] * *scale;
            if (i + 1 < y.size()) y[i + 1] = points_[2 * k + 1] * *scale;
        }
        if (!reader.padding_is_zero())
            return in.fail(error_code::bad_stream, "bits behind the last code are set");
        return {};
    }

    std::vector<float> points_;
    std::size_t group_;
};

}  // namespace pith::inline v1::kv
