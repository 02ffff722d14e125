// Point clouds in the order of a scan: predicted from decoded points, within a bound of error.
// LiZIP (Shibu, Karim, Zito, 2026): predictor, quantized residual, coder, without drift. Own contexts and
// binarization.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/quant/index_coder.hpp>
#include <pith/vector/scan_prediction.hpp>

namespace pith::inline v1::vector {

/// Three coordinates in the program's unit.
using scan_point = std::array<float, 3>;

struct scan_options {
    float bound = 0.01F;       ///< no coordinate moves farther, in the unit of the points; above 0
    std::uint32_t stride = 0;  ///< points of a row of the scan, e.g. beams of a sensor; 0: it is looked for
};

namespace detail {

/// Differences of coordinates: the lower bits of large ones even, what is above them under the frequencies of
/// their place and of the sizes seen of late.
class difference_models {
  public:
    /// For the k-th coordinate of a point, candidates being `spread` apart.
    void expect(std::size_t k, std::uint32_t spread) noexcept {
        // means_ < 2^27: a mean of numbers below 2^22, in 32ds.
        const std::uint32_t likely =
            (3 * means_[k] / 32 + (spread < 4 * means_[k] / 32 ? spread : means_[k] / 8)) / 2;
        level_ = static_cast<std::size_t>(std::bit_width(likely));
        k_ = k;
        lower_ = level_ < 3 ? 0 : static_cast<unsigned>(level_) - 3;
    }
    [[nodiscard]] unsigned lower_bits() const noexcept { return lower_; }
    [[nodiscard]] quant::index_model& model() noexcept { return models_[k_][level_]; }
    void update(std::int32_t difference) noexcept {
        const auto size = static_cast<std::uint32_t>(difference < 0 ? -difference : difference);
        means_[k_] = means_[k_] - means_[k_] / 8 + 4 * size;
    }

  private:
    std::array<std::array<quant::index_model, 32>, 3> models_{};
    std::array<std::uint32_t, 3> means_{256, 256, 256};
    std::size_t k_ = 0, level_ = 0;
    unsigned lower_ = 0;
};

/// XXH64 of step and stride as 8 bytes each and of coordinates as 4 bytes each.
[[nodiscard]] inline std::uint64_t check_of(std::uint64_t step, std::uint64_t stride,
                                            std::span<const scan_place> points) noexcept {
    xxh64 hash;
    std::uint8_t head[16];
    store_le<std::uint64_t>(head, step);
    store_le<std::uint64_t>(head + 8, stride);
    hash.update(head);
    for (const scan_place& p : points) {
        std::uint8_t raw[12];
        for (std::size_t k = 0; k < 3; ++k)
            store_le<std::uint32_t>(raw + 4 * k, static_cast<std::uint32_t>(p[k]));
        hash.update(raw);
    }
    return hash.digest();
}

[[nodiscard]] inline std::vector<std::uint8_t> encode_places(std::span<const scan_place> points,
                                                             std::size_t stride) {
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    quant::index_encoder<vector_sink> coder(sink);
    scan_predictor predictor(stride);
    difference_models models;
    for (std::size_t i = 0; i < points.size(); ++i) {
        predictor.start(points.first(i));
        for (std::size_t k = 0; k < 3; ++k) {
            const std::int32_t value = points[i][predictor.axis()], d = value - predictor.predict();
            models.expect(k, predictor.spread());
            coder.put(models.model(), d >> models.lower_bits());
            coder.put_even(
                static_cast<std::uint32_t>(d) & static_cast<std::uint32_t>(low_mask(models.lower_bits())),
                models.lower_bits());
            models.update(d);
            predictor.update(value);
        }
    }
    coder.finish();
    return out;
}

[[nodiscard]] inline result<void> decode_places(byte_view in, std::size_t count, std::size_t stride,
                                                std::vector<scan_place>& points) {
    quant::index_decoder coder(in);
    scan_predictor predictor(stride);
    difference_models models;
    while (points.size() < count) {
        predictor.start(points);
        scan_place p{};
        for (std::size_t k = 0; k < 3; ++k) {
            models.expect(k, predictor.spread());
            const auto upper = coder.get(models.model());
            if (!upper) return upper.error();
            const unsigned lower = models.lower_bits();
            const std::int64_t d =
                (std::int64_t{*upper} * (std::int64_t{1} << lower)) + coder.get_even(lower);
            const std::int64_t value = d + predictor.predict();
            if (value < -max_scan_place || value > max_scan_place)
                return error{error_code::bad_stream, 0, "a coordinate outside of the lattice"};
            p[predictor.axis()] = static_cast<std::int32_t>(value);
            models.update(static_cast<std::int32_t>(d));
            predictor.update(static_cast<std::int32_t>(value));
        }
        points.push_back(p);
    }
    return coder.finish();
}

/// The lag at which points are nearest to each other, 8 or more; 0 if there are too few points. Encoder-side.
[[nodiscard]] inline std::size_t likely_stride(std::span<const scan_place> points) noexcept {
    constexpr std::size_t longest = 4096, samples = 256;
    const std::size_t last = points.size() / 4 < longest ? points.size() / 4 : longest;
    std::size_t best = 0;
    std::uint64_t least = ~std::uint64_t{0};
    for (std::size_t lag = 8; lag <= last; ++lag) {
        const std::size_t room = points.size() - lag, step = room / samples + 1;
        std::uint64_t sum = 0, count = 0;
        for (std::size_t i = 0; i < room; i += step, ++count)
            for (std::size_t k = 0; k < 3; ++k) {
                const std::int32_t d = points[i + lag][k] - points[i][k];
                const auto size = static_cast<std::uint32_t>(d < 0 ? -d : d);
                sum += static_cast<std::uint64_t>(std::bit_width(size));  // edges of the scene count little
            }
        sum = sum * 65536 / count;  // 3 * 22 * 257 * 2^16 at most
        if (sum >= least) continue;
        least = sum;
        best = lag;
    }
    return best;
}

}  // namespace detail

/// Points in the order of a scan, lossy within a bound. Stream: the number of points (varint); unless it is 0
/// the step (binary64), the stride and the size of the code (varints), the code, zeros up to a 64th of the
/// number of points, XXH64 of step, stride and lattice. Exact: equal points give equal bytes everywhere.
class point_scan {
  public:
    /// Errors: unsupported_parameter for a bound that is not above 0, for points that are not finite, or
    /// farther from the origin than 2^21 bounds or so.
    [[nodiscard]] static result<std::vector<std::uint8_t>> encode(std::span<const scan_point> points,
                                                                  const scan_options& options = {}) {
        double largest = 0;
        for (const scan_point& p : points)
            for (const float v : p) {
                const double size = v < 0 ? -double{v} : double{v};
                if (!(size <= 1e30)) return refused();
                if (size > largest) largest = size;
            }
        // Rounding the product of lattice and step to float costs up to 2^-24 of the largest coordinate.
        const double step = 2 * (double{options.bound} - largest * 0x1p-23);
        if (!(options.bound > 0) || !(options.bound < 1e30F) || !(step > double{options.bound}) ||
            !(largest < step * (max_scan_place - 1)))
            return refused();
        return with_step(points, step, options.stride);
    }

    /// Errors: limit_exceeded, truncated, bad_header, bad_stream, checksum_mismatch, trailing_data.
    [[nodiscard]] static result<std::vector<scan_point>> decode(byte_view in, const limits& bound = {}) {
        byte_reader reader(in);
        const auto count = reader.read_varint();
        if (!count) return count.error();
        if (*count > bound.max_output / sizeof(scan_point) || *count > bound.max_memory / 64)
            return error{error_code::limit_exceeded, 0, "more points than the limits allow"};
        std::vector<scan_point> out;
        if (*count != 0) {
            const auto done = decode_points(reader, static_cast<std::size_t>(*count), out);
            if (!done) return done.error();
        }
        if (reader.remaining() != 0) return reader.fail(error_code::trailing_data, "bytes behind the scan");
        return out;
    }

  private:
    static constexpr std::size_t points_a_byte = 64;

    [[nodiscard]] static error refused() noexcept {
        return {error_code::unsupported_parameter, 0, "points or bound out of range"};
    }

    [[nodiscard]] static std::vector<std::uint8_t> with_step(std::span<const scan_point> points, double step,
                                                             std::size_t stride) {
        std::vector<scan_place> lattice(points.size());
        for (std::size_t i = 0; i < points.size(); ++i)
            for (std::size_t k = 0; k < 3; ++k)
                lattice[i][k] =
                    static_cast<std::int32_t>(exact::detail::nearest_integer(double{points[i][k]} / step));
        std::vector<std::uint8_t> code;
        if (stride == 0) {
            stride = detail::likely_stride(lattice);
            std::vector<std::uint8_t> plain = detail::encode_places(lattice, 0);
            if (stride != 0) code = detail::encode_places(lattice, stride);
            if (stride == 0 || plain.size() <= code.size()) {
                stride = 0;
                code = std::move(plain);
            }
        } else {
            code = detail::encode_places(lattice, stride);
        }
        std::vector<std::uint8_t> out;
        vector_sink sink(out);
        put_varint(sink, points.size());
        if (points.empty()) return out;
        put_le<std::uint64_t>(sink, std::bit_cast<std::uint64_t>(step));
        put_varint(sink, stride);
        put_varint(sink, code.size());
        sink.append(code);
        for (std::size_t i = code.size(); i < points.size() / points_a_byte; ++i) sink.put(0);
        put_le<std::uint64_t>(sink, detail::check_of(std::bit_cast<std::uint64_t>(step), stride, lattice));
        return out;
    }

    [[nodiscard]] static result<void> decode_points(byte_reader& reader, std::size_t count,
                                                    std::vector<scan_point>& out) {
        const auto step = reader.read_le<std::uint64_t>();
        if (!step) return step.error();
        const double unit = std::bit_cast<double>(*step);
        if (!(unit > 0 && unit < 1e31))
            return reader.fail(error_code::bad_header, "the step is out of range");
        std::uint64_t numbers[2];
        if (const auto got = reader.read_varints(numbers); !got) return got.error();
        if (numbers[0] > 0xFFFF'FFFFU) return reader.fail(error_code::bad_header, "a row is too long");
        const auto code = reader.read_bytes(numbers[1]);
        if (!code) return code.error();
        const std::size_t least = count / points_a_byte;
        const auto filling = reader.read_bytes(code->size() < least ? least - code->size() : 0);
        if (!filling) return filling.error();
        for (const std::uint8_t b : *filling)
            if (b != 0) return reader.fail(error_code::bad_stream, "filling that is not zero");
        const auto check = reader.read_le<std::uint64_t>();
        if (!check) return check.error();
        std::vector<scan_place> lattice;
        const auto done = detail::decode_places(*code, count, static_cast<std::size_t>(numbers[0]), lattice);
        if (!done) return done.error();
        if (detail::check_of(*step, numbers[0], lattice) != *check)
            return reader.fail(error_code::checksum_mismatch, "the points are not those that were encoded");
        out.resize(count);
        for (std::size_t i = 0; i < count; ++i)
            for (std::size_t k = 0; k < 3; ++k)
                out[i][k] = static_cast<float>(static_cast<double>(lattice[i][k]) * unit);
        return {};
    }
};

}  // namespace pith::inline v1::vector
