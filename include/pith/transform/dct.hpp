// The discrete cosine transform of vectors of any length, orthonormal: DCT-II forward, DCT-III back.
// Makhoul (1980): one complex FFT of half the length (Cooley and Tukey, 1965, mixed radices) on reordered
// values; here in place, real and imaginary parts in the two halves, so that the last step finds its four
// inputs where its four outputs belong.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/transform/concepts.hpp>

namespace pith::inline v1::transform {

/// y[k] = s_k sum over j of x[j] cos(pi (2 j + 1) k / 2n), s_0 = sqrt(1 / n), s_k = sqrt(2 / n) else.
/// n log n steps where n is even and n / 2 has no prime factor above max_radix; else n^2 and no rounding
/// inside the sums. Error of either direction, in the Euclidean norm: below 2^-22 |x| for n <= 2^20.
/// Exact: products of two floats are taken in double, where they have no rounding, so that the bits are the
/// same on every machine. Memory: at most 16 bytes a value.
class dct {
  public:
    static constexpr bool orthogonal = true;
    static constexpr std::size_t max_radix = 13;

    /// Precondition: n <= 2^28.
    explicit dct(std::size_t n) : size_(n), half_(n / 2) {
        PITH_ASSERT(n <= std::size_t{1} << 28);
        fast_ = n != 0 && n % 2 == 0 && factorize();
        if (fast_) {
            permute();
            fill_twiddles();
            fill_last_step();
        } else {
            circle_.resize(4 * n);
            for (std::size_t j = 0; j < circle_.size(); ++j) circle_[j] = turn(j, 4 * n).re;
        }
    }

    [[nodiscard]] std::size_t input_size() const noexcept { return size_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// True where n log n steps do.
    [[nodiscard]] bool fast() const noexcept { return fast_; }

    /// DCT-II. Precondition: x.size() == y.size() == size(), no overlap.
    void forward_into(std::span<const float> x, std::span<float> y) const noexcept {
        PITH_ASSERT(x.size() == size_ && y.size() == size_);
        if (!fast_) return sum_forward(x, y);
        for (std::size_t m = 0; m < half_; ++m) {
            y[order_[m]] = x[source(2 * m)];
            y[half_ + order_[m]] = x[source(2 * m + 1)];
        }
        fourier(y.data(), y.data() + half_);
        last_step(y);
    }
    /// DCT-III, the inverse. Precondition: as above. Destroys y.
    void inverse_into(std::span<float> y, std::span<float> x) const noexcept {
        PITH_ASSERT(x.size() == size_ && y.size() == size_);
        if (!fast_) return sum_inverse(y, x);
        first_step(y);
        for (std::size_t m = 0; m < half_; ++m) {
            x[order_[m]] = y[m];
            x[half_ + order_[m]] = y[half_ + m];
        }
        fourier(x.data() + half_, x.data());  // parts exchanged: the inverse, times n / 2
        std::memcpy(y.data(), x.data(), x.size_bytes());
        for (std::size_t m = 0; m < half_; ++m) {
            x[source(2 * m)] = y[m];
            x[source(2 * m + 1)] = y[half_ + m];
        }
    }

  private:
    struct complex {
        float re, im;
    };
    struct stage {
        std::size_t radix, span;  // span: elements of the parts that are joined
        std::size_t twiddles;     // where its (radix - 1) * span factors begin
    };

    /// exp(-2 pi i j / n).
    [[nodiscard]] static complex turn(std::size_t j, std::size_t n) noexcept {
        const double u = static_cast<double>(j % n) / static_cast<double>(n);
        return {static_cast<float>(exact::cos_of_turns(u)), static_cast<float>(-exact::sin_of_turns(u))};
    }
    [[nodiscard]] static complex product(complex a, complex b) noexcept {
        const double ar = a.re, ai = a.im, br = b.re, bi = b.im;
        return {static_cast<float>(ar * br - ai * bi), static_cast<float>(ar * bi + ai * br)};
    }
    /// The place in x of the value `n` of the reordered sequence: even places rising, then odd ones falling.
    [[nodiscard]] std::size_t source(std::size_t n) const noexcept {
        return n < half_ ? 2 * n : 2 * (size_ - 1 - n) + 1;
    }

    /// Stages from the innermost out; false if a prime factor is too large.
    [[nodiscard]] bool factorize() {
        std::size_t rest = half_, span = 1;
        for (const std::size_t radix : {4U, 2U, 3U, 5U, 7U, 11U, 13U})
            for (; rest % radix == 0; rest /= radix, span *= radix) stages_.push_back({radix, span, 0});
        return rest == 1;
    }
    /// order_[m]: where the input m of the transform lies, so that every stage finds its parts side by side.
    void permute() {
        order_.resize(half_);
        for (std::size_t m = 0; m < half_; ++m) {
            std::size_t rest = m, at = 0;
            for (std::size_t s = stages_.size(); s-- > 0; rest /= stages_[s].radix)
                at += rest % stages_[s].radix * stages_[s].span;
            order_[m] = static_cast<std::uint32_t>(at);
        }
    }
    void fill_twiddles() {
        for (stage& s : stages_) {
            s.twiddles = twiddles_.size();
            for (std::size_t j = 1; j < s.radix; ++j)
                for (std::size_t k = 0; k < s.span; ++k) twiddles_.push_back(turn(j * k, s.radix * s.span));
        }
        for (std::size_t radix = 0; radix <= max_radix; ++radix)
            for (std::size_t j = 0; j < max_radix; ++j)
                roots_[radix][j] = radix == 0 ? complex{1, 0} : turn(j, radix);
    }
    void fill_last_step() {
        const double all = static_cast<double>(size_);
        first_scale_ = static_cast<float>(exact::sqrt(1 / all));
        const double scale = exact::sqrt(2 / all);
        for (std::size_t k = 0; k <= half_ / 2; ++k) split_.push_back(turn(k, size_));
        for (std::size_t k = 0; k <= half_; ++k) {
            const double u = static_cast<double>(k) / (4 * all);
            quarter_.push_back({static_cast<float>(scale * exact::cos_of_turns(u)),
                                static_cast<float>(-scale * exact::sin_of_turns(u))});
        }
    }

    void fourier(float* re, float* im) const noexcept {
        for (const stage& s : stages_)
            for (std::size_t at = 0; at < half_; at += s.radix * s.span) {
                const complex* const w = twiddles_.data() + s.twiddles;
                if (s.radix == 4)
                    join_four(re + at, im + at, s.span, w);
                else if (s.radix == 2)
                    join_two(re + at, im + at, s.span, w);
                else
                    join_any(re + at, im + at, s, w);
            }
    }
    static void join_two(float* re, float* im, std::size_t span, const complex* w) noexcept {
        for (std::size_t k = 0; k < span; ++k) {
            const complex b = product({re[span + k], im[span + k]}, w[k]);
            re[span + k] = re[k] - b.re;
            im[span + k] = im[k] - b.im;
            re[k] += b.re;
            im[k] += b.im;
        }
    }
    static void join_four(float* re, float* im, std::size_t span, const complex* w) noexcept {
        for (std::size_t k = 0; k < span; ++k) {
            const complex a{re[k], im[k]}, b = product({re[span + k], im[span + k]}, w[k]);
            const complex c = product({re[2 * span + k], im[2 * span + k]}, w[span + k]);
            const complex d = product({re[3 * span + k], im[3 * span + k]}, w[2 * span + k]);
            const complex p{a.re + c.re, a.im + c.im}, q{a.re - c.re, a.im - c.im};
            const complex r{b.re + d.re, b.im + d.im}, s{b.im - d.im, d.re - b.re};  // s = -i (b - d)
            re[k] = p.re + r.re;
            im[k] = p.im + r.im;
            re[span + k] = q.re + s.re;
            im[span + k] = q.im + s.im;
            re[2 * span + k] = p.re - r.re;
            im[2 * span + k] = p.im - r.im;
            re[3 * span + k] = q.re - s.re;
            im[3 * span + k] = q.im - s.im;
        }
    }
    void join_any(float* re, float* im, const stage& s, const complex* w) const noexcept {
        const auto& root = roots_[s.radix];
        for (std::size_t k = 0; k < s.span; ++k) {
            std::array<complex, max_radix> part;
            part[0] = {re[k], im[k]};
            for (std::size_t j = 1; j < s.radix; ++j)
                part[j] = product({re[j * s.span + k], im[j * s.span + k]}, w[(j - 1) * s.span + k]);
            for (std::size_t m = 0; m < s.radix; ++m) {
                double sum_re = part[0].re, sum_im = part[0].im;
                for (std::size_t j = 1, r = m; j < s.radix; ++j, r = (r + m) % s.radix) {
                    const double cr = root[r].re, ci = root[r].im, pr = part[j].re, pi = part[j].im;
                    sum_re = sum_re + pr * cr - pi * ci;
                    sum_im = sum_im + pr * ci + pi * cr;
                }
                re[m * s.span + k] = static_cast<float>(sum_re);
                im[m * s.span + k] = static_cast<float>(sum_im);
            }
        }
    }

    /// From the transform Z of the packed sequence to cosine coefficients: k, n/2 - k, n/2 + k and n - k at
    /// once.
    void last_step(std::span<float> y) const noexcept {
        const float sum = y[0] + y[half_], difference = y[0] - y[half_];
        y[0] = sum * first_scale_;
        y[half_] = difference * first_scale_;  // cos(pi / 4) sqrt(2 / n)
        for (std::size_t k = 1, l = half_ - 1; k <= l; ++k, --l) {
            const complex a{y[k], y[half_ + k]}, b{y[l], y[half_ + l]};
            const complex even{(a.re + b.re) / 2, (a.im - b.im) / 2};
            const complex odd = product({(a.im + b.im) / 2, (b.re - a.re) / 2}, split_[k]);
            const complex low = product({even.re + odd.re, even.im + odd.im}, quarter_[k]);
            const complex high = product({even.re - odd.re, odd.im - even.im}, quarter_[l]);
            y[k] = low.re;
            y[size_ - k] = -low.im;
            y[l] = high.re;
            y[size_ - l] = -high.im;
        }
    }
    /// What last_step undoes, times 2 / n; the Fourier transform that follows takes no factor.
    void first_step(std::span<float> y) const noexcept {
        const float a0 = y[0] * first_scale_, b0 = y[half_] * first_scale_;
        y[0] = a0 + b0;
        y[half_] = a0 - b0;
        for (std::size_t k = 1, l = half_ - 1; k <= l; ++k, --l) {
            const complex low = product({y[k], -y[size_ - k]}, {quarter_[k].re, -quarter_[k].im});
            const complex high = product({y[l], -y[size_ - l]}, {quarter_[l].re, -quarter_[l].im});
            const complex even{(low.re + high.re) / 2, (low.im - high.im) / 2};
            const complex odd =
                product({(low.re - high.re) / 2, (low.im + high.im) / 2}, {split_[k].re, -split_[k].im});
            y[k] = even.re - odd.im;
            y[half_ + k] = even.im + odd.re;
            y[l] = even.re + odd.im;
            y[half_ + l] = odd.re - even.im;
        }
    }

    [[nodiscard]] double scale_of(std::size_t k) const noexcept {
        return exact::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(size_));
    }
    void sum_forward(std::span<const float> x, std::span<float> y) const noexcept {
        for (std::size_t k = 0; k < size_; ++k) {
            double sum = 0;
            for (std::size_t j = 0, angle = k; j < size_; ++j, angle = next(angle, 2 * k))
                sum += double{x[j]} * double{circle_[angle]};
            y[k] = static_cast<float>(sum * scale_of(k));
        }
    }
    void sum_inverse(std::span<float> y, std::span<float> x) const noexcept {
        for (std::size_t k = 0; k < size_; ++k) y[k] = static_cast<float>(double{y[k]} * scale_of(k));
        for (std::size_t j = 0; j < size_; ++j) {
            double sum = 0;
            for (std::size_t k = 0, angle = 0; k < size_; ++k, angle = next(angle, 2 * j + 1))
                sum += double{y[k]} * double{circle_[angle]};
            x[j] = static_cast<float>(sum);
        }
    }
    /// Both angles are below the 4 n of a full turn.
    [[nodiscard]] std::size_t next(std::size_t angle, std::size_t step) const noexcept {
        const std::size_t sum = angle + step;
        return sum < circle_.size() ? sum : sum - circle_.size();
    }

    std::size_t size_, half_;
    bool fast_ = false;
    std::vector<stage> stages_;
    std::vector<std::uint32_t> order_;
    std::vector<complex> twiddles_, split_, quarter_;
    std::array<std::array<complex, max_radix>, max_radix + 1> roots_{};
    float first_scale_ = 1;
    std::vector<float> circle_;
};

}  // namespace pith::inline v1::transform
