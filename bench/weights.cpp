// bench weights: where the bits of a layer should go. Published weight quantizers, low-rank corrections and
// successive quantization with entropy coding, by bytes really written and by the error on held-out inputs.
#include <pith/calibrate.hpp>
#include <pith/lowrank.hpp>
#include <pith/systems/calibrated_weights.hpp>
#include <pith/transform/randomized_hadamard.hpp>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"
#include "weights/problem.hpp"
#include "weights/trained.hpp"

namespace {

namespace calibrate = pith::calibrate;
namespace linalg = pith::linalg;
namespace lowrank = pith::lowrank;

struct outcome {
    std::string name;
    double bits = 0, error = 0, seconds = 0;
    bool correct = true;  ///< the bytes decode to the matrix that was judged
};

bool same(const pith::result<bench::matrix>& a, const bench::matrix& b) {
    return a && linalg::squared_norm<float>(linalg::difference<float>(*a, b)) == 0;
}

class contest_of_layers {
  public:
    contest_of_layers(const bench::layer& layer, bench::progress_line& progress)
        : layer_(layer), progress_(progress) {}

    template <class Run>  // Run() gives {reconstruction, bytes, correct}
    void add(const std::string& name, Run run) {
        progress_.show(layer_.name + ": " + name, outcomes_.size(), 20);
        const double begin = bench::seconds_now();
        const auto [values, bytes, correct] = run();
        const double seconds = bench::seconds_now() - begin;
        outcomes_.push_back({name,
                             8 * static_cast<double>(bytes) / static_cast<double>(layer_.weights.size()),
                             bench::decibels(layer_, values), seconds, correct});
    }
    [[nodiscard]] const std::vector<outcome>& outcomes() const { return outcomes_; }
    [[nodiscard]] const bench::layer& layer() const { return layer_; }

  private:
    const bench::layer& layer_;
    bench::progress_line& progress_;
    std::vector<outcome> outcomes_;
};

struct stored {
    bench::matrix values;
    std::size_t bytes = 0;
    bool correct = true;
};

/// Group-affine codes, compensated in the metric of `h`; the identity makes it round-to-nearest.
template <unsigned Bits>
stored affine(const bench::matrix& weights, const bench::moment& h, calibrate::column_order order) {
    const auto metric = calibrate::prepare(h, {.order = order});
    calibrate::group_affine<Bits> quantizer(128);
    auto done = calibrate::successive_quantize(weights, *metric, quantizer);
    const auto bytes = quantizer.encoded(metric->order);
    const bool correct = same(calibrate::decode_group_affine<Bits>(bytes), done->quantized);
    return {std::move(done->quantized), bytes.size(), correct};
}

bench::moment identity(std::size_t n) {
    bench::moment out(n, n);
    for (std::size_t i = 0; i < n; ++i) out(i, i) = 1;
    return out;
}

constexpr auto natural = calibrate::column_order::natural;
constexpr auto falling = calibrate::column_order::falling_diagonal;

template <class Metric>
stored corrected(const bench::matrix& weights, stored base, const Metric& metric, std::size_t rank) {
    const auto d = linalg::difference<float>(weights, base.values);
    const auto exact = lowrank::compensator<>{}(d, metric, rank);
    const auto kept = lowrank::store_factors(*exact, d, lowrank::half_store{});
    linalg::multiply_add<float>(1, kept->values.left, kept->values.right, base.values);
    return {std::move(base.values), base.bytes + kept->bytes, base.correct};
}

stored alternated(const bench::matrix& weights, const bench::moment& h, std::size_t rank, unsigned rounds) {
    const auto metric = calibrate::prepare(h, {.order = falling});
    bool correct = true;
    const auto base = [&](pith::view_2d<const float> target) -> pith::result<calibrate::based> {
        calibrate::group_affine<2> quantizer(128);
        auto done = calibrate::successive_quantize(target, *metric, quantizer);
        if (!done) return done.error();
        const auto bytes = quantizer.encoded(metric->order);
        correct = correct && same(calibrate::decode_group_affine<2>(bytes), done->quantized);
        return calibrate::based{std::move(done->quantized), bytes.size()};
    };
    const auto out = calibrate::alternate(weights, base, lowrank::full_metric(h), lowrank::compensator<>{},
                                          {.rank = rank, .rounds = rounds});
    return {out->product(), out->bytes(), correct};
}

stored decoupled(const bench::matrix& weights, const bench::moment& h) {
    const auto metric = calibrate::prepare(h, {.order = falling});
    auto out = calibrate::decouple(weights, h, *metric, {.bits = 2, .group = 128});
    const auto bytes = calibrate::encode_offset_codes(out->codes, metric->order);
    const bool correct = same(calibrate::decode_offset_codes(bytes), out->quantized);
    return {std::move(out->quantized), bytes.size(), correct};
}

stored cut_groups(const bench::matrix& weights, const bench::moment& h) {
    const auto metric = calibrate::prepare(h, {.order = falling});
    auto quantizer = pith::systems::gqsa();
    auto out = calibrate::successive_quantize(weights, *metric, quantizer);
    const auto bytes = calibrate::encode_offset_codes(quantizer.codes(), metric->order);
    const bool correct = same(calibrate::decode_offset_codes(bytes), out->quantized);
    return {std::move(out->quantized), bytes.size(), correct};
}

/// Trellis-coded columns of weights that Hadamard transforms of both sides have made alike.
template <unsigned Bits>
stored on_bitshift_trellis(const bench::matrix& weights, const bench::moment& h) {
    using rotation = pith::transform::randomized_hadamard<>;
    const calibrate::incoherence turn(rotation(weights.rows(), 1), rotation(weights.columns(), 2));
    const auto metric = calibrate::prepare(turn.rotated_moment(h), {.order = falling});
    pith::systems::qtip<Bits> quantizer;
    const auto out = calibrate::successive_quantize(turn.rotated(weights), *metric, quantizer);
    const auto bytes = quantizer.encoded(metric->order);
    const bool correct = same(calibrate::decode_trellis_columns<Bits>(bytes), out->quantized);
    return {turn.restored(out->quantized), bytes.size(), correct};
}

/// Two bits; vectors of four weights, or three where the codebook would be dear.
stored normalized(const bench::matrix& weights, const bench::moment& h) {
    const unsigned d = weights.size() >= std::size_t{1} << 18 ? 4 : 3;
    auto out = calibrate::quantize_normalized(weights, h, {.dimension = d, .index_bits = 2 * d});
    const bool correct = same(calibrate::decode_normalized(out->bytes), out->quantized);
    return {std::move(out->quantized), out->bytes.size(), correct};
}

template <class Rule, class Machine = calibrate::independent_codes>
stored coded(const bench::matrix& weights, const bench::moment& h, const bench::moment& metric_moment,
             double bits) {
    const auto metric = calibrate::prepare(metric_moment);
    auto out = calibrate::entropy_coded<Rule, Machine>(weights, h, *metric, {.bits_per_weight = bits});
    if (!out) return {bench::matrix(weights.rows(), weights.columns()), 0, false};
    const bool correct = same(calibrate::decode_weights(out->bytes), out->quantized);
    return {std::move(out->quantized), out->bytes.size(), correct};
}

void published(contest_of_layers& run) {
    const bench::matrix& w = run.layer().weights;
    const bench::moment& h = run.layer().calibration;
    const bench::moment one = identity(w.columns());
    const std::size_t rank = w.columns() / 32;
    std::vector<double> moments = lowrank::saliency_moments(h);
    const stored rtn = affine<2>(w, one, natural), gptq = affine<2>(w, h, falling);
    run.add("RTN g128, 3 bit", [&] { return affine<3>(w, one, natural); });
    run.add("GPTQ g128 act-order, 2 bit", [&] { return affine<2>(w, h, falling); });
    run.add("GPTQ g128 act-order, 3 bit", [&] { return affine<3>(w, h, falling); });
    run.add("decoupleQ g128, 2 bit", [&] { return decoupled(w, h); });
    run.add("GQSA, half of the groups, 4 bit", [&] { return cut_groups(w, h); });
    run.add("NoWag, 2 bit", [&] { return normalized(w, h); });
    run.add("QTIP, 2 bit", [&] { return on_bitshift_trellis<2>(w, h); });
    run.add("QTIP, 3 bit", [&] { return on_bitshift_trellis<3>(w, h); });
    run.add("RTN 2 + SVD", [&] { return corrected(w, rtn, lowrank::plain_metric(w.columns()), rank); });
    run.add("RTN 2 + saliency low rank",
            [&] { return corrected(w, rtn, lowrank::diagonal_metric(moments), rank); });
    run.add("RTN 2 + EoRA", [&] { return corrected(w, rtn, lowrank::full_metric(h), rank); });
    run.add("GPTQ 2 + EoRA", [&] { return corrected(w, gptq, lowrank::full_metric(h), rank); });
    run.add("alternating GPTQ 2 / EoRA, 12 rounds", [&] { return alternated(w, h, rank, 12); });
}

void entropy_coded(contest_of_layers& run) {
    const bench::matrix& w = run.layer().weights;
    const bench::moment& h = run.layer().calibration;
    using uniform = calibrate::uniform_step;
    using inverse = calibrate::inverse_deviation;
    using trellis = pith::vector::trellis<8>;
    const bench::moment one = identity(w.columns());
    run.add("coded RTN, 3.11 bit", [&] { return coded<uniform>(w, h, one, 3.11); });
    run.add("coded GPTQ, one step, 3.11 bit", [&] { return coded<uniform>(w, h, h, 3.11); });
    run.add("coded, steps 1/l, 3.11 bit", [&] { return coded<inverse>(w, h, h, 3.11); });
    run.add("coded, steps 1/l, 2.25 bit", [&] { return coded<inverse>(w, h, h, 2.25); });
    run.add("coded on a trellis, 3.11 bit", [&] { return coded<inverse, trellis>(w, h, h, 3.11); });
    run.add("coded on a trellis, 2.25 bit", [&] { return coded<inverse, trellis>(w, h, h, 2.25); });
    run.add("coded, steps 1/l, 2.18 bit", [&] { return coded<inverse>(w, h, h, 2.18); });
    run.add("coded, steps 1/l, 1.41 bit", [&] { return coded<inverse>(w, h, h, 1.41); });
    run.add("coded 2.18 + EoRA of half the rank", [&] {
        return corrected(w, coded<inverse>(w, h, h, 2.18), lowrank::full_metric(h), w.columns() / 64);
    });
}

const outcome& named(const std::vector<outcome>& all, const char* name) {
    for (const outcome& o : all)
        if (o.name == name) return o;
    return all.front();
}

void print(const bench::layer& layer, const std::vector<outcome>& all, bench::rows& rows) {
    bench::table table(
        layer.name + ": " + std::to_string(layer.weights.rows()) + " x " +
            std::to_string(layer.weights.columns()),
        {{"scheme", true}, {"bits/weight"}, {"output error dB"}, {"seconds"}, {"decodes", true}});
    for (const outcome& o : all) {
        table.add({o.name, bench::decimal(o.bits, 3), bench::decimal(o.error, 2),
                   bench::decimal(o.seconds, 2), o.correct ? "ok" : "FAILED"});
        rows.add(o.name, layer.name, "size", o.bits, "bits per weight", bench::better::lower);
        rows.add(o.name, layer.name, "output error", o.error, "dB", bench::better::lower);
    }
    table.print(
        "Bits: 8 x bytes of the stream, with scales, steps and factors in half precision. Error: of outputs "
        "on "
        "held-out inputs, against the outputs.");
    const double gptq3 = named(all, "GPTQ g128 act-order, 3 bit").error;
    const double eora = named(all, "GPTQ 2 + EoRA").error;
    const outcome& ours = named(all, "coded, steps 1/l, 2.25 bit");
    std::printf(
        "At %.2f bits: %+.2f dB against GPTQ 3 bit at %.2f, %+.2f dB against GPTQ 2 + EoRA at %.2f.\n",
        ours.bits, ours.error - gptq3, named(all, "GPTQ g128 act-order, 3 bit").bits, ours.error - eora,
        named(all, "GPTQ 2 + EoRA").bits);
}

/// Weights and inputs made by a formula. decay: how fast the eigenvalues of the inputs' covariance fall.
bench::layer made_layer(std::size_t n, double decay) {
    pith::random_sequence random(7);
    bench::layer out{"made, decay " + bench::decimal(decay, 1), bench::made_weights(n, n, random), {}, {}};
    const bench::input_source inputs(n, decay, random);
    out.calibration = inputs.sample(16 * n, random);
    out.test = inputs.sample(16 * n, random);
    return out;
}

}  // namespace

int main(int count, char** words) {
    const auto arguments = bench::parse_arguments(
        count, words, "Weight quantizers by bytes written and by output error on held-out inputs.");
    const bench::corpora corpora(arguments.corpora);
    if (corpora.missing()) {
        std::fprintf(stderr, "no such folder: %s\n", arguments.corpora.c_str());
        return 2;
    }
    std::printf("%s\n", bench::machine_line().c_str());
    bench::progress_line progress;
    bench::rows rows;
    bool correct = true;
    std::vector<bench::layer> layers;
    for (const double decay : {0.5, 1.0, 1.5})
        if (!arguments.quick || decay == 1.0)
            layers.push_back(made_layer(arguments.quick ? 256 : 1024, decay));
    for (bench::layer& real : bench::trained_layers(corpora, arguments.quick))
        layers.push_back(std::move(real));
    for (const bench::layer& layer : layers) {
        contest_of_layers run(layer, progress);
        published(run);
        entropy_coded(run);
        progress.clear();
        print(layer, run.outcomes(), rows);
        for (const outcome& o : run.outcomes()) correct = correct && o.correct;
    }
    if (!correct) std::fprintf(stderr, "a stream did not decode to what was judged\n");
    return rows.write(arguments.json) && correct ? 0 : 1;
}
