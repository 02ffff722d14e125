// Quantizers side by side: each trains, encodes, decodes and searches the same vectors, on one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pith/quant/entropy_coded_scalar.hpp>
#include <pith/systems/vector.hpp>
#include <pith/transform/principal_axes.hpp>
#include <pith/vector.hpp>

#include "support/timing.hpp"
#include "vector/embeddings.hpp"

namespace bench {

/// What came of one contestant.
struct vector_measure {
    std::string name;
    double bits = 0;    ///< per coordinate of the base, what all vectors share left out
    double shared = 0;  ///< bytes that all vectors share
    double train = 0, encode = 0, search = 0;  ///< seconds: in all, in all, per query
    double error = 0;                          ///< squared, over the vectors' energy
    double recall = 0;
    bool correct = true;
};

struct vector_contestant {
    std::string name;
    std::function<vector_measure(const embeddings&, const std::vector<std::uint32_t>&)> run;
};

inline double relative_error(const pith::vector::float_rows& from, const std::vector<float>& decoded) {
    double error = 0, energy = 0;
    for (std::size_t i = 0; i < decoded.size(); ++i) {
        const double x = static_cast<double>(from.values[i]), e = x - static_cast<double>(decoded[i]);
        error += e * e;
        energy += x * x;
    }
    return energy > 0 ? error / energy : 0;
}

/// Fits a quantizer by `fit(rows)` and measures an index of it.
template <class Fit>
vector_measure measure_index(const embeddings& data, const std::vector<std::uint32_t>& truth, Fit&& fit) {
    using quantizer_type = typename std::remove_cvref_t<decltype(fit(data.base.view()))>::value_type;
    vector_measure out;
    double begin = seconds_now();
    auto quantizer = fit(data.base.view());
    out.train = seconds_now() - begin;
    if (!quantizer) return out.correct = false, out;
    pith::vector::flat_index<quantizer_type> index(std::move(*quantizer));
    begin = seconds_now();
    out.correct = index.add(data.base.view()).has_value();
    out.encode = seconds_now() - begin;
    out.bits =
        8.0 * static_cast<double>(index.quantizer().code_size()) / static_cast<double>(data.base.columns);
    out.shared = static_cast<double>(index.quantizer().parameter_bytes());
    std::vector<double> times;
    pith::vector::neighbors found;
    for (int repeat = 0; repeat < 3; ++repeat) {
        begin = seconds_now();
        auto got = index.search(data.queries.view(), 10);
        times.push_back((seconds_now() - begin) / static_cast<double>(data.queries.rows));
        if (!got) return out.correct = false, out;
        found = std::move(*got);
        if (times.back() * static_cast<double>(data.queries.rows) > 3) break;
    }
    out.search = median(times);
    out.recall = recall(truth, [&](std::size_t q, std::size_t i) { return found.of(q)[i].id; });
    std::vector<float> decoded(data.base.values.size());
    for (std::size_t i = 0; i < data.base.rows; ++i)
        index.decode_into(i, std::span(decoded).subspan(i * data.base.columns, data.base.columns));
    out.error = relative_error(data.base, decoded);
    return out;
}

/// A stream of all vectors, `bits` per coordinate with their factors, decoded whole before a search.
template <class Coded>
vector_measure measure_stream(const embeddings& data, const std::vector<std::uint32_t>& truth, double bits) {
    const std::size_t n = data.base.rows, d = data.base.columns;
    vector_measure out;
    double begin = seconds_now();
    const auto stream = Coded::encode(data.base.view(), {.bits = bits});
    out.encode = seconds_now() - begin;  // axes are fitted and the rate is met in this
    if (!stream) return out.correct = false, out;
    const auto decoded = Coded::decode(*stream);
    if (!decoded) return out.correct = false, out;
    out.shared =
        static_cast<double>(sizeof(float) * d * (d + 2) + 8);  // mean, axes, weights and their number
    out.bits = 8 * (static_cast<double>(stream->size()) - out.shared) / static_cast<double>(n * d);
    out.error = relative_error(data.base, decoded->values);
    begin = seconds_now();
    std::vector<std::uint32_t> found;
    for (std::size_t q = 0; q < data.queries.rows; ++q) {
        const auto query = std::span(data.queries.values).subspan(q * d, d);
        pith::vector::nearest_list list(10);
        for (std::size_t i = 0; i < n; ++i)
            list.offer(-pith::simd::dot_fast(query, std::span(decoded->values).subspan(i * d, d)),
                       static_cast<std::uint32_t>(i));
        pith::vector::neighbor best[10];
        list.write(best);
        for (const auto& b : best) found.push_back(b.id);
    }
    out.search = (seconds_now() - begin) / static_cast<double>(data.queries.rows);
    out.recall = recall(truth, [&](std::size_t q, std::size_t i) { return found[10 * q + i]; });
    return out;
}

/// A contestant that is such a stream.
template <class Coded>
vector_contestant stream_of(std::string name, double bits) {
    return {std::move(name), [bits](const embeddings& data, const std::vector<std::uint32_t>& truth) {
                return measure_stream<Coded>(data, truth, bits);
            }};
}

/// TurboQuant with the factor, or without, its scalar stored in 16 bits.
template <unsigned Bits, pith::vector::side_scalar Scalar>
using rotated_code = pith::vector::centred_code<pith::vector::rotation_code<
    pith::vector::nearest_assignment<Bits>, pith::transform::randomized_hadamard<>,
    pith::vector::rotation_options{.scalar = Scalar, .format = pith::quant::number_format::fp16}>>;

/// A contestant that is an index of a quantizer.
template <class Fit>
vector_contestant index_of(std::string name, Fit fit) {
    return {std::move(name), [fit](const embeddings& data, const std::vector<std::uint32_t>& truth) {
                return measure_index(data, truth, fit);
            }};
}

/// Product quantizers of Bits bits for every `per_part` coordinates.
template <unsigned Bits>
vector_contestant product_of(std::string name, std::size_t per_part) {
    return index_of(std::move(name), [per_part](pith::view_2d<const float> rows) {
        return pith::vector::product<Bits>::fit(rows, rows.columns() / per_part);
    });
}

/// Without taking the mean away where `centred` is false.
template <unsigned Bits, pith::vector::side_scalar Scalar>
vector_contestant rotated(std::string name, bool centred) {
    using code = rotated_code<Bits, Scalar>;
    return index_of(std::move(name), [centred](pith::view_2d<const float> rows) -> pith::result<code> {
        if (centred) return code::fit(rows);
        return code(std::vector<float>(rows.columns(), 0.0F));
    });
}

template <unsigned Bits>
std::vector<vector_contestant> our_contestants(bool quick) {
    using enum pith::vector::side_scalar;
    std::vector<vector_contestant> out;
    out.push_back(product_of<8>("pith product, 8-bit parts", 8 / Bits));
    out.push_back(product_of<4>("pith product, 4-bit parts, fast scan", 4 / Bits));
    out.push_back(index_of("pith axes, variable bits (OSQ)", [](pith::view_2d<const float> rows) {
        return pith::vector::variable_bits<>::fit(rows, Bits * rows.columns());
    }));
    out.push_back(index_of("pith residual, groups of 20, beam 4", [quick](pith::view_2d<const float> rows) {
        pith::vector::residual_options options{.stages = 20 * Bits / 8, .groups = (rows.columns() + 19) / 20};
        options.clustering.points_per_entry = quick ? 8 : 64;
        return pith::vector::residual<8>::fit(rows, options);
    }));
    out.push_back(rotated<Bits, norm>("TurboQuant-mse", false));
    out.push_back(rotated<Bits, factor>("TurboQuant + factor", false));
    out.push_back(rotated<Bits, factor>("TurboQuant + mean + factor", true));
    out.push_back(index_of("trellis of 12 bits + mean + factor", [](pith::view_2d<const float> rows) {
        using code = pith::systems::trellis_rotation<Bits, pith::transform::randomized_hadamard<>, 12>;
        return pith::vector::centred_code<code>::fit(rows);
    }));
    out.push_back(stream_of<pith::systems::coded_vectors>("KLT + ECSQ + factor", Bits));
    out.push_back(stream_of<pith::systems::trellis_coded_vectors>("KLT + trellis + coder + factor", Bits));
    return out;
}

}  // namespace bench
