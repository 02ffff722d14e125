// bench systems_quantizers: squared error of quantizers of Gaussian vectors against the Shannon bound, inner
// products from codes, and the speed of encoding and decoding.
#include <pith/systems/vector.hpp>
#include <pith/vector/entropy_coded_lattice.hpp>
#include <pith/vector/entropy_coded_trellis.hpp>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "support/arguments.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

namespace quant = pith::quant;
namespace vector = pith::vector;
namespace systems = pith::systems;
namespace transform = pith::transform;
using floats = std::vector<float>;
using hadamard = transform::randomized_hadamard<>;
using dense = transform::matrix_rotation<>;

floats gaussian(std::size_t n, std::uint64_t seed) {
    pith::random_sequence random(seed);
    floats x(n);
    for (float& v : x) v = static_cast<float>(random.gaussian());
    return x;
}
double product(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
    return sum;
}
double squared_error(const floats& a, const floats& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(double{a[i]} - double{b[i]}, 2);
    return sum;
}
double gap(double distortion, double bits) { return 10 * std::log10(distortion * std::pow(4.0, bits)); }

struct report {
    bench::rows rows;
    bench::table fixed{"Fixed rate: squared error over energy",
                       {{"quantizer", true}, {"d"}, {"stored bits"}, {"D"}, {"published"}, {"gap dB"}}};
    bench::table coded{"Entropy coded: Gaussian values",
                       {{"quantizer", true}, {"bits"}, {"D"}, {"gap dB"}, {"encode MB/s"}, {"decode MB/s"}}};
    bench::table scores{"Inner products from codes, d = 128",
                        {{"quantizer", true}, {"bits"}, {"slope"}, {"3 sigma"}, {"variance"}, {"pairs"}}};
    bench::table speed{"Speed, d = 128",
                       {{"quantizer", true}, {"encode ns"}, {"decode ns"}, {"decode GB/s"}}};
};

/// Encodes many vectors at once where the quantizer can.
template <class Q>
void encode_all(const Q& q, const floats& x, std::vector<std::uint8_t>& codes) {
    if constexpr (requires { q.encode_rows_into(x, codes); }) {
        static_cast<void>(q.encode_rows_into(x, codes));
    } else {
        const std::size_t d = q.dimension(), size = q.code_size();
        for (std::size_t v = 0; v * d < x.size(); ++v)
            static_cast<void>(
                q.encode_into(std::span(x).subspan(v * d, d), std::span(codes).subspan(v * size, size)));
    }
}

template <class Q>
void measure_fixed(report& out, const std::string& name, const Q& q, std::size_t vectors, double published,
                   unsigned bits) {
    const std::size_t d = q.dimension(), size = q.code_size();
    const floats x = gaussian(d * vectors, d + bits);
    floats y(d * vectors);
    std::vector<std::uint8_t> codes(size * vectors);
    encode_all(q, x, codes);
    for (std::size_t v = 0; v < vectors; ++v)
        static_cast<void>(q.decode_into(std::span<const std::uint8_t>(codes).subspan(v * size, size),
                                        std::span(y).subspan(v * d, d)));
    const double distortion = squared_error(x, y) / product(x, x);
    out.fixed.add({name, std::to_string(d), bench::decimal(q.stored_bits().value(), 3),
                   bench::decimal(distortion, 5), published > 0 ? bench::decimal(published, 5) : "",
                   bench::decimal(gap(distortion, q.stored_bits().value()), 2)});
    out.rows.add(name, "Gaussian d=" + std::to_string(d), "distortion", distortion, "of the energy",
                 bench::better::lower);
}

/// QTIP's 2 bits: .069 published, at windows of 16 bits and circles of 256 values.
template <unsigned Bits, unsigned Window>
void measure_bitshift(report& out, bool quick) {
    for (const std::size_t d : {std::size_t{128}, std::size_t{1536}}) {
        // The gain has the least error; the factor of systems::trellis_rotation D / (1 - D).
        const vector::trellis_code<Bits, hadamard, vector::side_scalar::gain, Window> code(hadamard(d, 1));
        measure_fixed(
            out, "bitshift trellis, " + std::to_string(Bits) + " bits, windows of " + std::to_string(Window),
            code, (quick ? 3'072 : 200'000) / d, Bits == 2 && Window == 16 ? 0.069 : 0, Bits);
    }
}

template <unsigned Bits>
void measure_turboquant(report& out, double published, bool quick) {
    const std::string bits = ", " + std::to_string(Bits) + " bits";
    for (const std::size_t d : {std::size_t{64}, std::size_t{128}, std::size_t{1536}}) {
        const std::size_t vectors = (quick ? 20'000 : 2'000'000) / d;
        measure_fixed(out, "TurboQuant-mse" + bits, systems::turboquant_mse<Bits>(hadamard(d, 1)), vectors,
                      published, Bits);
    }
    measure_fixed(out, "TurboQuant + factor" + bits, systems::turboquant_factor<Bits>(hadamard(128, 1)),
                  quick ? 100 : 10'000, 0, Bits);
    measure_fixed(out, "RaBitQ" + bits, systems::rabitq<Bits>(transform::random_rotation(128, 1)),
                  quick ? 50 : 2'000, 0, Bits);
}

template <class Quantizer>
void measure_coded(report& out, const std::string& name, double bits, bool quick) {
    const std::size_t n = quick ? 20'000 : 400'000;
    const floats x = gaussian(n, 3);
    floats y(n);
    const pith::view_2d<const float> view(x, n / 100, 100);
    const auto found = Quantizer::encode_to(view, {.bits_per_value = bits});
    if (!found) return;
    // The speed of one encoding with the step that the search has found.
    const float step = std::bit_cast<float>(pith::load_le<std::uint32_t>(found->data()));
    const double begin = bench::seconds_now();
    const auto stream = Quantizer::encode(view, step);
    const double middle = bench::seconds_now();
    static_cast<void>(Quantizer::decode_into(*found, pith::view_2d<float>(y, n / 100, 100)));
    const double end = bench::seconds_now();
    const double rate = 8.0 * static_cast<double>(found->size()) / static_cast<double>(n);
    const double distortion = squared_error(x, y) / product(x, x);
    const double megabytes = 4e-6 * static_cast<double>(n);
    out.coded.add({name, bench::decimal(rate, 3), bench::decimal(distortion, 5),
                   bench::decimal(gap(distortion, rate), 2), bench::decimal(megabytes / (middle - begin), 0),
                   bench::decimal(megabytes / (end - middle), 0)});
    out.rows.add(name, "Gaussian at " + bench::decimal(bits, 1) + " bits", "gap", gap(distortion, rate), "dB",
                 bench::better::lower);
}

/// Slope of the regression of scores on inner products, and d E[(score - <q,x>)^2] / (|q|^2 |x|^2).
template <class Make>
void measure_scores(report& out, const std::string& name, unsigned bits, Make make, std::size_t rotations,
                    std::size_t pairs) {
    constexpr std::size_t d = 128, queries = 20;
    double xy = 0, xx = 0, squares = 0, weighted = 0;
    std::uint64_t seed = 1;
    for (std::size_t r = 0; r < rotations; ++r) {
        const auto q = make(r);
        std::vector<std::uint8_t> code(q.code_size());
        for (std::size_t p = 0; p < pairs / rotations / queries; ++p) {
            const floats x = gaussian(d, ++seed);
            static_cast<void>(q.encode_into(x, code));
            for (std::size_t k = 0; k < queries; ++k) {
                const floats query = gaussian(d, ++seed);
                const double scale = 1 / std::sqrt(product(x, x) * product(query, query));
                const double truth = product(x, query) * scale;
                const double error = double{q.score(*q.prepare(query), code)} * scale - truth;
                xy += truth * (error + truth);
                xx += truth * truth;
                squares += error * error;
                weighted += error * error * truth * truth;
            }
        }
    }
    const double variance = squares / static_cast<double>(pairs) * d;
    out.scores.add({name, std::to_string(bits), bench::decimal(xy / xx, 4),
                    bench::decimal(3 * std::sqrt(weighted) / xx, 4), bench::decimal(variance, 4),
                    bench::grouped(pairs)});
    out.rows.add(name + ", " + std::to_string(bits) + " bits", "Gaussian d=128", "variance", variance,
                 "of inner products", bench::better::lower);
    out.rows.add(name + ", " + std::to_string(bits) + " bits", "Gaussian d=128", "bias",
                 std::abs(xy / xx - 1), "of inner products", bench::better::lower);
}

template <unsigned Bits>
void measure_estimators(report& out, bool quick) {
    const std::size_t rotations = quick ? 5 : 100, pairs = quick ? 2'000 : 1'000'000;
    measure_scores(
        out, "TurboQuant + factor", Bits,
        [](std::uint64_t s) {
            return systems::turboquant_factor<Bits, dense>(transform::random_rotation(128, s));
        },
        rotations, pairs);
    measure_scores(
        out, "TurboQuant-mse", Bits,
        [](std::uint64_t s) {
            return systems::turboquant_mse<Bits, dense>(transform::random_rotation(128, s));
        },
        rotations, pairs / 10);
    measure_scores(
        out, "TurboQuant-prod", Bits,
        [](std::uint64_t s) {
            return systems::turboquant_prod<Bits, dense>(
                systems::turboquant_mse<Bits - 1, dense>(transform::random_rotation(128, s)),
                systems::qjl<>(vector::gaussian_projection<>(128, 128, s + 1000)));
        },
        rotations, pairs / 10);
    measure_scores(
        out, "TurboQuant-prod, orthogonal", Bits,
        [](std::uint64_t s) {
            return systems::turboquant_prod<Bits, dense, dense>(
                systems::turboquant_mse<Bits - 1, dense>(transform::random_rotation(128, s)),
                systems::qjl<dense>(transform::random_rotation(128, s + 1000)));
        },
        rotations, pairs / 10);
}

template <quant::vector_quantizer Q>
void measure_speed(report& out, const std::string& name, const Q& q, bool quick) {
    constexpr std::size_t vectors = 256;
    const std::size_t d = q.dimension();
    const floats x = gaussian(d * vectors, 1);
    floats y(d * vectors);
    std::vector<std::uint8_t> codes(q.code_size() * vectors);
    std::vector<double> encode, decode;
    for (int repeat = 0; repeat < (quick ? 3 : 200); ++repeat) {
        const double begin = bench::seconds_now();
        for (std::size_t v = 0; v < vectors; ++v)
            static_cast<void>(q.encode_into(std::span(x).subspan(v * d, d),
                                            std::span(codes).subspan(v * q.code_size(), q.code_size())));
        const double middle = bench::seconds_now();
        for (std::size_t v = 0; v < vectors; ++v)
            static_cast<void>(
                q.decode_into(std::span<const std::uint8_t>(codes).subspan(v * q.code_size(), q.code_size()),
                              std::span(y).subspan(v * d, d)));
        encode.push_back((middle - begin) / vectors);
        decode.push_back((bench::seconds_now() - middle) / vectors);
    }
    const double rate = 4e-9 * static_cast<double>(d) / bench::median(decode);
    out.speed.add({name, bench::decimal(1e9 * bench::median(encode), 0),
                   bench::decimal(1e9 * bench::median(decode), 0), bench::decimal(rate, 2)});
    out.rows.add(name, "d=128", "encode", 1e9 * bench::median(encode), "ns per vector", bench::better::lower);
    out.rows.add(name, "d=128", "decode", rate, "GB/s of floats", bench::better::higher);
}

void measure_speeds(report& out, bool quick) {
    using one_round = transform::randomized_hadamard<transform::hadamard_options{.rounds = 1}>;
    measure_speed(out, "TurboQuant-mse, 2 bits", systems::turboquant_mse<2>(hadamard(128, 1)), quick);
    measure_speed(out, "TurboQuant-mse, 4 bits", systems::turboquant_mse<4>(hadamard(128, 1)), quick);
    measure_speed(out, "TurboQuant-mse, 2 bits, one round of Hadamard",
                  systems::turboquant_mse<2, one_round>(one_round(128, 1)), quick);
    measure_speed(out, "TurboQuant + factor, 2 bits", systems::turboquant_factor<2>(hadamard(128, 1)), quick);
    measure_speed(out, "TurboQuant-mse, 2 bits, dense rotation",
                  systems::turboquant_mse<2, dense>(transform::random_rotation(128, 1)), quick);
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words, "Quantizers of Gaussian vectors: squared error, bias of inner products, speed.");
    std::printf("Quantizers on %s\n", bench::machine_line().c_str());
    report out;
    measure_turboquant<1>(out, 0.3634, asked.quick);
    measure_turboquant<2>(out, 0.1175, asked.quick);
    measure_turboquant<3>(out, 0.03455, asked.quick);
    measure_turboquant<4>(out, 0.00950, asked.quick);
    measure_bitshift<2, 12>(out, asked.quick);
    measure_bitshift<2, 16>(out, asked.quick);
    measure_bitshift<3, 16>(out, asked.quick);
    measure_bitshift<4, 16>(out, asked.quick);
    out.fixed.print(
        "Gap: distance from the bound D = 4^-bits at the bits that are stored, a norm of 32 bits among them. "
        "Published: the Gaussian limit; a sphere of few dimensions is easier.");
    for (const double bits : {1.0, 2.0, 3.0, 4.0}) {
        measure_coded<quant::entropy_coded_scalar<>>(out, "scalar", bits, asked.quick);
        measure_coded<vector::entropy_coded_lattice<vector::d4>>(out, "D4", bits, asked.quick);
        measure_coded<vector::entropy_coded_lattice<vector::e8>>(out, "E8", bits, asked.quick);
        measure_coded<vector::entropy_coded_trellis<4>>(out, "trellis, 4 states", bits, asked.quick);
        measure_coded<vector::entropy_coded_trellis<8>>(out, "trellis, 8 states", bits, asked.quick);
    }
    out.coded.print("Bits: all bytes of the stream. Speeds: of floats, one encoding without the search.");
    measure_estimators<2>(out, asked.quick);
    measure_estimators<3>(out, asked.quick);
    measure_estimators<4>(out, asked.quick);
    out.scores.print(
        "Slope of a regression on the true inner products, 1 if unbiased; variance: d E[error^2] / "
        "(|q|^2 |x|^2), over pairs and Haar rotations.");
    measure_speeds(out, asked.quick);
    out.speed.print("Encode: rotate, quantize, pack; decode: unpack, look up, rotate back. Thread time.");
    return out.rows.write(asked.json) ? 0 : 1;
}
