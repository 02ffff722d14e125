// Leaves that give values equally spaced levels: affine groups, and ternary channels.
// Affine: KIVI (Liu et al., 2024), along tokens for keys and along channels for values. Ternary: VidKV (Tao
// et al., 2025), whose 1.58 bits are here five digits in a byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <pith/kv/block_part.hpp>
#include <pith/quant/affine.hpp>

namespace pith::inline v1::kv {

/// A leaf: quant::affine over the whole matrix, its parameters, then its packed codes. Values beyond 8188 in
/// magnitude, whose range quant::affine may refuse, are taken as that.
/// |x - decoded| <= scale / 2 inside that, plus the rounding of scale and offset.
template <quant::affine_options Options>
struct affine {
    static constexpr auto text = detail::numbered_name(
        "affine", {Options.bits, static_cast<std::size_t>(Options.axis), Options.group});
    static constexpr const char* name = text.data();
    static constexpr float largest = 8188.0F;

    void write(view_2d<const float> x, const block_scope&, byte_output& out) const {
        if (x.empty()) return;
        matrix bounded(x);
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (float& v : bounded.row(r)) v = v > largest ? largest : v < -largest ? -largest : v;
        const quantizer quantize{};
        const auto p = quantize.fit(std::as_const(bounded).view());
        PITH_ASSERT(p.has_value());
        const auto codes = quantize.encode(std::as_const(bounded).view(), *p);
        PITH_ASSERT(codes.has_value());
        out.append(p->bytes);
        out.append(codes->bytes);
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope&, view_2d<float> y) const {
        if (y.empty()) return {};
        const auto p = in.read_bytes(quantizer::parameter_size(y.rows(), y.columns()));
        if (!p) return p.error();
        const auto codes = in.read_bytes(quantizer::code_size(y.rows(), y.columns()));
        if (!codes) return codes.error();
        const std::size_t used = y.size() * Options.bits % 8;
        if (used != 0 && codes->back() >> used != 0)
            return in.fail(error_code::bad_stream, "bits behind the last code are set");
        return quantizer::decode_into({{codes->begin(), codes->end()}},
                                      {y.rows(), y.columns(), {p->begin(), p->end()}}, y);
    }

  private:
    using quantizer = quant::affine<Options>;
};

/// A leaf: of every channel the mean magnitude s as a half, and of every value -s, 0 or s; 0 within s / 2.
struct ternary {
    static constexpr const char* name = "ternary";

    void write(view_2d<const float> x, const block_scope&, byte_output& out) const {
        if (x.empty()) return;
        std::vector<std::uint8_t> digits;
        for (std::size_t c = 0; c < x.columns(); ++c) {
            double sum = 0;
            for (std::size_t r = 0; r < x.rows(); ++r)
                sum += x(r, c) < 0 ? -double{x(r, c)} : double{x(r, c)};
            const float mean = static_cast<float>(sum / static_cast<double>(x.rows()));
            put_half(out, mean);
            for (std::size_t r = 0; r < x.rows(); ++r)
                digits.push_back(x(r, c) > mean / 2 ? 2 : x(r, c) < -mean / 2 ? 0 : 1);
        }
        while (digits.size() % digits_per_byte != 0) digits.push_back(0);
        for (std::size_t i = 0; i < digits.size(); i += digits_per_byte) {
            unsigned number = 0;
            for (std::size_t j = digits_per_byte; j-- > 0;) number = 3 * number + digits[i + j];
            out.put(static_cast<std::uint8_t>(number));
        }
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope&, view_2d<float> y) const {
        if (y.empty()) return {};
        if (in.remaining() / 2 < y.columns())
            return in.fail(error_code::truncated, "the input ends inside the scales");
        std::vector<float> scales(y.columns());
        if (const auto done = read_halves(in, scales); !done) return done.error();
        const auto bytes = in.read_bytes((y.size() + digits_per_byte - 1) / digits_per_byte);
        if (!bytes) return bytes.error();
        std::size_t at = 0;
        for (std::size_t i = 0; i < bytes->size(); ++i) {
            unsigned number = (*bytes)[i];
            for (std::size_t j = 0; j < digits_per_byte && at < y.size(); ++j, ++at, number /= 3)
                y(at % y.rows(), at / y.rows()) =
                    static_cast<float>(static_cast<int>(number % 3) - 1) * scales[at / y.rows()];
            if (number != 0)
                return in.fail(error_code::bad_stream, "a byte of digits that no encoder writes");
        }
        return {};
    }

  private:
    static constexpr std::size_t digits_per_byte = 5;  // 3^5 = 243 <= 256
};

}  // namespace pith::inline v1::kv
