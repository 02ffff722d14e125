// A leaf: the cache types of inference engines, runs of 32 values of a row with a half for their scale.
// llama.cpp's q8_0, q5_0, q4_0, q4_1 and iq4_nl by their formulas; codes of a run lie in order, not in the
// engine's interleaved one. A row that is no multiple of 32 ends with a shorter run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/bits.hpp>
#include <pith/core/exact.hpp>
#include <pith/kv/block_part.hpp>

namespace pith::inline v1::kv {

enum class engine_format : std::uint8_t {
    q8_0,   ///< signed bytes times the scale: 8.5 bits
    q5_0,   ///< -16 ... 15 times the scale, the largest magnitude exact: 5.5 bits
    q4_0,   ///< -8 ... 7 the same way: 4.5 bits
    q4_1,   ///< 0 ... 15 times the scale, plus a minimum: 5 bits
    iq4_nl  ///< a fixed table of 16 levels times the scale: 4.5 bits
};

namespace detail {

inline constexpr std::size_t engine_run = 32;
inline constexpr std::array<float, 16> engine_levels{-127, -104, -83, -65, -49, -35, -22, -10,
                                                     1,    13,   25,  38,  53,  69,  89,  113};

[[nodiscard]] constexpr unsigned code_bits(engine_format format) noexcept {
    return format == engine_format::q8_0 ? 8 : format == engine_format::q5_0 ? 5 : 4;
}

/// A run's side information, and what a code stands for.
template <engine_format Format>
struct engine_scale {
    float scale = 0, low = 0;

    [[nodiscard]] float value(unsigned code) const noexcept {
        if constexpr (Format == engine_format::iq4_nl) return engine_levels[code] * scale;
        if constexpr (Format == engine_format::q4_1)
            return exact::mul_add(static_cast<float>(code), scale, low);
        constexpr int zero = 1 << (code_bits(Format) - 1);
        return static_cast<float>(static_cast<int>(code) - zero) * scale;
    }
    /// `inverse` is 1 / scale before it was rounded to a half, or 0.
    [[nodiscard]] unsigned code(float x, float inverse) const noexcept {
        constexpr int last = (1 << code_bits(Format)) - 1;
        if constexpr (Format == engine_format::iq4_nl) return nearest_level(x * inverse);
        constexpr int zero = Format == engine_format::q4_1 ? 0 : 1 << (code_bits(Format) - 1);
        const float place = (x - low) * inverse + static_cast<float>(zero) + 0.5F;
        const int code = place <= 0 ? 0 : place >= static_cast<float>(last) ? last : static_cast<int>(place);
        return static_cast<unsigned>(code);
    }
    [[nodiscard]] static unsigned nearest_level(float place) noexcept {
        unsigned best = 0;
        while (best < 15 && place > (engine_levels[best] + engine_levels[best + 1]) / 2) ++best;
        return best;
    }
};

/// Of several scales about the one that meets the largest value, iq4_nl's of least squared error weighted by
/// the values' squares.
[[nodiscard]] inline float table_scale(strided_span<const float> x, float extreme) noexcept {
    float best_scale = extreme / engine_levels[0], best = -1;
    for (int step = -7; step <= 7; ++step) {
        const float inverse = (engine_levels[0] + static_cast<float>(step)) / extreme;
        float cross = 0, energy = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            const float level =
                engine_levels[engine_scale<engine_format::iq4_nl>::nearest_level(x[i] * inverse)];
            cross += x[i] * x[i] * x[i] * level;
            energy += x[i] * x[i] * level * level;
        }
        if (energy > 0 && cross * cross > best * energy) {
            best = cross * cross / energy;
            best_scale = cross / energy;
        }
    }
    return best_scale;
}

}  // namespace detail

template <engine_format Format>
struct engine_blocks {
    static constexpr auto text = detail::numbered_name("engine", {static_cast<std::size_t>(Format)});
    static constexpr const char* name = text.data();

    void write(view_2d<const float> x, const block_scope&, byte_output& out) const {
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); c += detail::engine_run)
                write_run(x.row(r).sub(c, run(x.columns() - c)), out);
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope&, view_2d<float> y) const noexcept {
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < y.columns(); c += detail::engine_run)
                if (const auto done = read_run(in, y.row(r).sub(c, run(y.columns() - c))); !done)
                    return done.error();
        return {};
    }

  private:
    static constexpr unsigned bits = detail::code_bits(Format);
    using scale_type = detail::engine_scale<Format>;

    [[nodiscard]] static constexpr std::size_t run(std::size_t left) noexcept {
        return left < detail::engine_run ? left : detail::engine_run;
    }
    static void write_run(strided_span<const float> x, byte_output& out) {
        float low = x[0], high = x[0], extreme = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
            const float size = x[i] < 0 ? -x[i] : x[i];
            if (size > (extreme < 0 ? -extreme : extreme)) extreme = x[i];
        }
        float scale = 0;
        if constexpr (Format == engine_format::q8_0) scale = (extreme < 0 ? -extreme : extreme) / 127;
        if constexpr (Format == engine_format::q5_0) scale = extreme / -16;
        if constexpr (Format == engine_format::q4_0) scale = extreme / -8;
        if constexpr (Format == engine_format::q4_1) scale = high / 15 - low / 15;
        if constexpr (Format == engine_format::iq4_nl)
            scale = extreme == 0 ? 0 : detail::table_scale(x, extreme);
        const scale_type codes{scale, Format == engine_format::q4_1 ? low : 0};
        put_half(out, scale);
        if constexpr (Format == engine_format::q4_1) put_half(out, low);
        const float inverse = scale < 0x1p-120F && scale > -0x1p-120F ? 0 : 1 / scale;
        bit_writer writer(out);
        for (std::size_t i = 0; i < x.size(); ++i) writer.put(codes.code(x[i], inverse), bits);
        writer.finish();
    }
    static result<void> read_run(byte_reader& in, strided_span<float> y) noexcept {
        scale_type codes{};
        const auto scale = read_half(in);
        if (!scale) return scale.error();
        codes.scale = *scale;
        if constexpr (Format == engine_format::q4_1) {
            const auto low = read_half(in);
            if (!low) return low.error();
            codes.low = *low;
        }
        const auto bytes = in.read_bytes((y.size() * bits + 7) / 8);
        if (!bytes) return bytes.error();
        bit_reader reader(*bytes);
        for (std::size_t i = 0; i < y.size(); ++i)
            y[i] = codes.value(static_cast<unsigned>(reader.get(bits)));
        if (!reader.padding_is_zero())
            return in.fail(error_code::bad_stream, "bits behind the last code are set");
        return {};
    }
};

}  // namespace pith::inline v1::kv
