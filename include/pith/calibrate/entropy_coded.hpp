// Weights quantized successively to integers and entropy coded, at a wanted number of bits per weight.
// WaterSIC (2026) with this library's arithmetic coder: steps c / T_jj; c is found by the secant method on
// the bytes really written; then each row is rescaled by least squares in the metric of H.
#pragma once

#include <cmath>
#include <vector>

#include <pith/calibrate/code_stream.hpp>
#include <pith/calibrate/steps.hpp>
#include <pith/calibrate/successive.hpp>
#include <pith/core/limits.hpp>

namespace pith::inline v1::calibrate {

struct rate_options {
    double bits_per_weight = 2.5;  ///< wanted, of the whole stream; reached from below
    double tolerance = 0.004;      ///< bits per weight below the wanted number that are good enough
    unsigned passes = 12;  ///< at most, over the whole matrix; those over a sample of rows come before
};

/// A stream and what it decodes to.
struct coded_weights {
    std::vector<std::uint8_t> bytes;
    matrix<float> quantized;  ///< what decode_weights gives
    double scale = 0;         ///< c
    [[nodiscard]] double bits_per_weight() const noexcept {
        return 8 * static_cast<double>(bytes.size()) / static_cast<double>(quantized.size());
    }
};

namespace detail {

/// The bit of the second byte that says by which machine codes became half-steps.
template <code_machine Machine>
inline constexpr std::uint8_t machine_flag = Machine::states == 1   ? 0
                                             : Machine::states == 8 ? 2
                                                                    : 4;

/// Stream: rows, columns (varints); a byte: 1 for an order that is not natural, plus the machine's flag;
/// 16-bit steps; the order of the columns unless natural; 16-bit row scales; the size of the codes in bytes;
/// the codes.
template <code_machine Machine>
std::vector<std::uint8_t> weight_stream(std::span<const bfloat16> steps, std::span<const half> scales,
                                        std::span<const std::int32_t> codes,
                                        std::span<const std::uint32_t> order) {
    std::vector<std::uint8_t> out;
    vector_sink sink(out);
    put_varint(sink, scales.size());
    put_varint(sink, steps.size());
    bool natural = true;
    for (std::size_t j = 0; j < order.size(); ++j) natural = natural && order[j] == j;
    sink.put(static_cast<std::uint8_t>(machine_flag<Machine> + (natural ? 0 : 1)));
    for (const bfloat16 v : steps) put_le<std::uint16_t>(sink, v.bits);
    if (!natural)
        for (const std::uint32_t p : order) put_le<std::uint32_t>(sink, p);
    for (const half v : scales) put_le<std::uint16_t>(sink, v.bits);
    std::vector<std::uint8_t> coded;
    vector_sink code_sink(coded);
    encode_codes<Machine>(codes, scales.size(), code_sink);
    put_varint(sink, coded.size());  // without it a stream cut short could be another one
    sink.append(coded);
    return out;
}

/// `count` positive finite values of 16 bits.
template <short_float Value>
result<std::vector<Value>> read_values(byte_reader& reader, std::uint64_t count) {
    std::vector<Value> out;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto got = reader.read_le<std::uint16_t>();
        if (!got) return got.error();
        out.push_back(Value::from_bits(*got));
        if (!(float(out.back()) > 0 && float(out.back()) < 0x1p120F))
            return reader.fail(error_code::bad_stream, "a step or scale is not positive");
    }
    return out;
}
inline result<std::vector<std::uint32_t>> read_order(byte_reader& reader, std::uint64_t count, bool written) {
    std::vector<std::uint32_t> out(count);
    std::vector<bool> seen(count);
    for (std::uint32_t j = 0; j < count; ++j) {
        out[j] = j;
        if (!written) continue;
        const auto got = reader.read_le<std::uint32_t>();
        if (!got) return got.error();
        if (*got >= count || seen[*got]) return reader.fail(error_code::bad_stream, "no order of columns");
        out[j] = *got;
        seen[*got] = true;
    }
    return out;
}

/// The factor of each row that makes it fit best in the metric: (w H q^T) / (q H q^T), kept near 1.
inline std::vector<half> row_scales(view_2d<const float> weights, view_2d<const float> quantized,
                                    view_2d<const double> h) {
    std::vector<half> out;
    constexpr std::size_t strip = 256;
    for (std::size_t r0 = 0; r0 < weights.rows(); r0 += strip) {
        const std::size_t rows = weights.rows() - r0 < strip ? weights.rows() - r0 : strip;
        const auto q = matrix<double>::copy_of(quantized.block(r0, 0, rows, quantized.columns()));
        const matrix<double> image = linalg::multiply<double>(q, h);
        for (std::size_t r = 0; r < rows; ++r) {
            double above = 0, below = 0;
            for (std::size_t c = 0; c < q.columns(); ++c) {
                above += static_cast<double>(weights(r0 + r, c)) * image(r, c);
                below += q(r, c) * image(r, c);
            }
            const double best = below > 0 ? above / below : 1;
            out.emplace_back(static_cast<float>(best > 0.25 && best < 4 ? best : 1));
        }
    }
    return out;
}

/// Every k-th row, so many as the search needs.
inline matrix<float> sample_of_rows(view_2d<const float> weights) {
    const std::size_t every = weights.rows() >= 1024 ? 8 : weights.rows() >= 256 ? 4 : 1;
    return matrix<float>::copy_of(view_2d<const float>(weights.data(), (weights.rows() + every - 1) / every,
                                                       weights.columns(), weights.row_stride() * every,
                                                       weights.column_stride()));
}

/// One trial at scale exp2(log_scale).
template <step_rule Rule, code_machine Machine>
struct trial {
    view_2d<const float> weights;
    const metric& how;
    double log_scale = 0;
    stepped<Rule, Machine> quantizer{1.0};
    matrix<float> quantized{};
    double bits = 0;

    result<void> run() {
        quantizer = stepped<Rule, Machine>(std::exp2(log_scale));
        auto done = successive_quantize(weights, how, quantizer);
        if (!done) return done.error();
        quantized = std::move(done->quantized);
        std::vector<std::uint8_t> bytes;
        vector_sink sink(bytes);
        encode_codes<Machine>(quantizer.codes(), quantizer.rows(), sink);
        bits = 8 * static_cast<double>(bytes.size()) / static_cast<double>(weights.size());
        return {};
    }
};

/// Moves the trial's scale until its codes take between target - tolerance and target bits a weight, or
/// `passes` are over; then the best scale known that keeps the target.
template <class Trial>
result<void> search(Trial& t, double target, double tolerance, unsigned passes) {
    constexpr double none = 1e9;
    double low = -none, high = none;  // log scales that take too many, and few enough bits
    for (unsigned pass = 0; pass < passes; ++pass) {
        if (auto ran = t.run(); !ran) return ran;
        const double miss = t.bits - target;
        if (miss <= 0 && miss >= -tolerance) return {};
        (miss > 0 ? low : high) = t.log_scale;
        // A bit fewer for each octave, less at low rates; where that leaves the bracket, halve it.
        double next = t.log_scale + (miss + tolerance / 2) * (t.bits < 1.5 ? 1.6 : 1.05);
        if (low > -none && high < none && !(next > low && next < high)) next = (low + high) / 2;
        t.log_scale = next;
    }
    if (high == none)
        return error{error_code::unsupported_parameter, 0, "so few bits per weight cannot be reached"};
    t.log_scale = high;
    return t.run();
}

}  // namespace detail

/// Quantizes and codes weights (m x n) within options.bits_per_weight. h is the undamped second moment in the
/// order of the inputs, `how` what prepare made of it. Errors: unsupported_parameter for shapes, values that
/// are not finite, or a rate that the side information alone exceeds. Encoder-side.
template <step_rule Rule = inverse_deviation, code_machine Machine = independent_codes>
[[nodiscard]] result<coded_weights> entropy_coded(input<float> weights, input<double> h, const metric& how,
                                                  rate_options options = {}) {
    const std::size_t m = weights.rows(), n = weights.columns();
    if (n != how.dimension() || h.rows() != n || h.columns() != n || m == 0 || n == 0)
        return linalg::wrong_shape();
    if (!linalg::all_finite<float>(weights) || !linalg::all_finite<double>(h)) return linalg::not_finite();
    const auto bare =
        detail::weight_stream<Machine>(std::vector<bfloat16>(n), std::vector<half>(m), {}, how.order);
    const double target =
        options.bits_per_weight - 8 * static_cast<double>(bare.size() + 4) / static_cast<double>(m * n);
    if (!(target > 0))
        return error{error_code::unsupported_parameter, 0, "the side information exceeds the bits wanted"};
    const double power = linalg::squared_norm<float>(weights) / static_cast<double>(m * n);
    if (power == 0) return error{error_code::unsupported_parameter, 0, "all weights are zero"};
    double start = 0;  // an octave above the step that uncorrelated Gaussian weights would need
    for (const float d : how.deviation) start += std::log2(static_cast<double>(d)) / static_cast<double>(n);
    const double width = std::is_same_v<Rule, uniform_step> ? 0 : start;
    start = 0.5 * std::log2(power) + width + 2 - target;

    const matrix<float> sample = detail::sample_of_rows(weights);
    detail::trial<Rule, Machine> few{sample, how, start};
    if (auto found = detail::search(few, target, 0.02, 8); !found) return found.error();
    detail::trial<Rule, Machine> all{weights, how, few.log_scale};
    if (auto found = detail::search(all, target, options.tolerance, options.passes); !found)
        return found.error();
    coded_weights out;
    const auto scales = detail::row_scales(weights, all.quantized, h);
    out.bytes =
        detail::weight_stream<Machine>(all.quantizer.steps(), scales, all.quantizer.codes(), how.order);
    out.scale = std::exp2(all.log_scale);
    out.quantized = std::move(all.quantized);
    for (std::size_t r = 0; r < m; ++r)
        for (float& v : out.quantized.row(r)) v *= float(scales[r]);
    return out;
}

namespace detail {

inline result<void> decode_codes_by(std::uint8_t machine, byte_view in, std::size_t rows,
                                    std::span<std::int32_t> half_steps) {
    if (machine == machine_flag<vector::trellis<8>>)
        return decode_codes<vector::trellis<8>>(in, rows, half_steps);
    if (machine == machine_flag<vector::trellis<4>>)
        return decode_codes<vector::trellis<4>>(in, rows, half_steps);
    return decode_codes(in, rows, half_steps);
}

}  // namespace detail

/// The weights that entropy_coded wrote. Errors: of outside bytes; limit_exceeded when the weights take more
/// than at_most.max_output bytes.
template <class T = float>
[[nodiscard]] result<matrix<T>> decode_weights(byte_view in, const limits& at_most = {}) {
    byte_reader reader(in);
    std::uint64_t shape[2] = {};
    if (const auto ok = reader.read_varints(shape); !ok) return ok.error();
    const auto [rows, columns] = shape;
    const auto flag = reader.read_le<std::uint8_t>();
    if (!flag) return flag.error();
    const std::uint8_t machine = *flag & 6;
    if (*flag > 5 || rows == 0 || columns == 0) return reader.fail(error_code::bad_header, "no such matrix");
    if (columns > at_most.max_output / sizeof(T) / rows)
        return reader.fail(error_code::limit_exceeded, "the weights are larger than the limit");
    if (rows > reader.remaining() / 2 || columns > reader.remaining() / 2)
        return reader.fail(error_code::truncated, "the input ends inside the scales");
    auto steps = detail::read_values<bfloat16>(reader, columns);
    if (!steps) return steps.error();
    auto order = detail::read_order(reader, columns, (*flag & 1) != 0);
    if (!order) return order.error();
    auto scales = detail::read_values<half>(reader, rows);
    if (!scales) return scales.error();
    const auto size = reader.read_varint();
    if (!size) return size.error();
    if (*size != reader.remaining())
        return reader.fail(*size > reader.remaining() ? error_code::truncated : error_code::trailing_data,
                           "the codes are not as long as they say");
    std::vector<std::int32_t> codes(rows * columns);
    const auto read = detail::decode_codes_by(machine, reader.rest(), rows, codes);
    if (!read) return read.error().shifted_by(reader.position());
    matrix<T> out(rows, columns);
    for (std::size_t j = 0; j < columns; ++j)
        for (std::size_t r = 0; r < rows; ++r)
            out(r, (*order)[j]) =
                static_cast<float>(codes[j * rows + r]) * (0.5F * float((*steps)[j])) * float((*scales)[r]);
    return out;
}

}  // namespace pith::inline v1::calibrate
