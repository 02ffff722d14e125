// bench feedback: who converges on workers whose data differ, what masks cost, and what each compressor does.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/feedback/exchange.hpp>
#include <pith/feedback/identity.hpp>
#include <pith/feedback/low_rank.hpp>
#include <pith/feedback/natural.hpp>
#include <pith/feedback/stochastic_uniform.hpp>
#include <pith/systems/feedback.hpp>

#include "support/arguments.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

namespace fb = pith::feedback;
namespace systems = pith::systems;
using bench::better;

// --- Schemes on quadratics
// -------------------------------------------------------------------------------------

/// Ten workers, f_i(x) = 1/2 sum_j a_ij (x_j - c_ij)^2 in 40 dimensions, with curvatures from 0.1 to 2.
struct quadratics {
    static constexpr std::size_t workers = 10, size = 40;
    std::vector<double> curvature, centre;
    double smoothness = 0;  ///< the largest curvature of the mean

    quadratics() : curvature(workers * size), centre(workers * size) {
        pith::random_sequence random(1);
        for (double& a : curvature) a = 0.1 + 1.9 * random.uniform_double();
        for (double& c : centre) c = 3 * random.gaussian();
        for (std::size_t j = 0; j < size; ++j) {
            double total = 0;
            for (std::size_t i = 0; i < workers; ++i) total += curvature[i * size + j];
            smoothness = std::max(smoothness, total / workers);
        }
    }
    /// The workers' gradients; returns the norm of their mean.
    double gradients(std::span<const double> x, std::vector<float>& out) const {
        double squares = 0;
        for (std::size_t j = 0; j < size; ++j) {
            double mean = 0;
            for (std::size_t i = 0; i < workers; ++i) {
                const double g = curvature[i * size + j] * (x[j] - centre[i * size + j]);
                out[i * size + j] = static_cast<float>(g);
                mean += g / workers;
            }
            squares += mean * mean;
        }
        return std::sqrt(squares);
    }
};

/// A scheme behind one type.
struct channel {
    std::function<pith::result<std::span<const float>>(pith::view_2d<const float>)> round;
    std::function<std::uint64_t()> bytes;
};
template <class Scheme>
channel channel_of(typename Scheme::worker worker, typename Scheme::server server) {
    using exchange = fb::exchange<Scheme>;
    const auto it =
        std::make_shared<exchange>(std::vector<typename Scheme::worker>(quadratics::workers, worker), server);
    return {[it](auto gradients) { return it->round(gradients); },
            [it] { return it->bytes_up() + it->bytes_down(); }};
}
template <template <class> class Scheme, class C, class... Rest>
channel simple(const C& code, Rest... rest) {
    return channel_of<Scheme<C>>(typename Scheme<C>::worker(code, rest...),
                                 typename Scheme<C>::server(code, quadratics::workers));
}

struct contender {
    std::string name;
    std::string claim;
    double step;  ///< times 1 / smoothness
    channel wire;
};

std::vector<contender> contenders(std::size_t steps) {
    constexpr std::size_t n = quadratics::size, k = 2;
    const fb::top_k<> top(n, k);
    const fb::scaled_sign sign(n);
    std::vector<contender> all;
    all.push_back({"no compression", "exact", 0.05, simple<fb::naive>(fb::identity(n))});
    all.push_back({"naive top-2", "does not converge", 0.05, simple<fb::naive>(top)});
    all.push_back({"naive sign", "does not converge", 0.05, simple<fb::naive>(sign)});
    all.push_back(
        {"QSGD, 4 levels", "ball of the variance", 0.05, simple<fb::naive>(fb::stochastic_uniform(n, 4, 1))});
    all.push_back({"random-2", "ball of the variance", 0.05, simple<fb::naive>(fb::random_k<>(n, k, 1))});
    for (const double step : {0.2, 0.05, 0.02})
        all.push_back({"EF14 top-2, step " + bench::decimal(step, 2), "floor that shrinks with the step",
                       step, simple<systems::ef14>(top)});
    all.push_back({"EF14 sign", "floor", 0.02, simple<systems::ef14>(sign)});
    all.push_back({"EF21 top-2", "exact", 0.05, simple<systems::ef21>(top)});
    all.push_back({"EF21 sign", "exact", 0.02, simple<systems::ef21>(sign)});
    all.push_back(
        {"EF21 damped random-2", "exact", 0.02, simple<systems::ef21>(fb::damped(fb::random_k<>(n, k, 1)))});
    all.push_back({"EF21 low rank 1", "exact", 0.02, simple<systems::ef21>(fb::low_rank({8, 5, 1}, 1))});
    all.push_back({"EControl top-2", "exact", 0.02, simple<systems::econtrol>(top, 0.05F)});
    const fb::momentum_options dgc{.schedule = {.ratio = 0.05, .stage_steps = steps / 50 + 1}};
    using dgc_scheme = systems::deep_gradient_compression;
    all.push_back({"DGC, 2 values", "close to momentum descent", 0.005,
                   channel_of<dgc_scheme>(dgc_scheme::worker(top, dgc),
                                          dgc_scheme::server(top, quadratics::workers, dgc.schedule))});
    const fb::adam_options adam{.epsilon = 1e-3F, .warm_up = steps / 6};
    using adam_scheme = systems::one_bit_adam;
    all.push_back({"1-bit Adam", "close to Adam, 5x less traffic", 0.002,
                   channel_of<adam_scheme>(adam_scheme::worker(sign, adam),
                                           adam_scheme::server(sign, quadratics::workers, adam))});
    return all;
}

void schemes(bool quick, bench::rows& rows, bench::progress_line& progress) {
    const quadratics problem;
    const std::size_t steps = quick ? 1000 : 20000;
    bench::table table(
        "Ten workers with quadratics of their own in 40 dimensions, " + bench::grouped(steps) + " steps",
        {{"scheme", true},
         {"step L"},
         {"|gradient| / first"},
         {"bytes / worker"},
         {"bytes / step"},
         {"the papers say", true}});
    std::vector<contender> all = contenders(steps);
    for (std::size_t c = 0; c < all.size(); ++c) {
        contender& who = all[c];
        progress.show(who.name, c, all.size());
        std::vector<double> x(quadratics::size);
        std::vector<float> gradients(quadratics::workers * quadratics::size);
        const double first = problem.gradients(x, gradients);
        double last = first;
        for (std::size_t t = 0; t < steps; ++t) {
            const auto direction =
                who.wire.round({std::span<const float>(gradients), quadratics::workers, quadratics::size});
            if (!direction) break;
            for (std::size_t j = 0; j < x.size(); ++j)
                x[j] -= who.step / problem.smoothness * double{(*direction)[j]};
            last = problem.gradients(x, gradients);
        }
        const double bytes = static_cast<double>(who.wire.bytes()) / quadratics::workers;
        char norm[32];
        std::snprintf(norm, sizeof norm, "%.1e", last / first);
        table.add({who.name, bench::decimal(who.step, 3), norm,
                   bench::grouped(static_cast<std::uint64_t>(bytes)),
                   bench::decimal(bytes / static_cast<double>(steps), 1), who.claim});
        rows.add(who.name, "quadratics", "gradient norm", last / first, "of first", better::lower);
        rows.add(who.name, "quadratics", "wire", bytes / static_cast<double>(steps), "B/step", better::lower);
    }
    progress.clear();
    table.print(
        "Gradients and messages are float: an exact scheme ends below 1e-7. Bytes are those of the "
        "messages as\n"
        "written; 1-bit Adam's include the server's answers.");
}

// --- Masks
// -----------------------------------------------------------------------------------------------------

/// Places taken with probability p on average; clustered: by a two-state chain that takes long runs.
std::vector<std::uint32_t> places(std::size_t n, double p, bool clustered) {
    pith::random_sequence random(3);
    std::vector<std::uint32_t> at;
    bool dense = false;
    for (std::size_t i = 0; i < n; ++i) {
        // In the dense state, a tenth of the time, nine tenths of all marks are found.
        if (random.uniform_double() < (dense ? 0.01 : 0.01 / 9)) dense = !dense;
        const double here = !clustered ? p : std::min(1.0, dense ? 9 * p : p / 9);
        if (random.uniform_double() < here) at.push_back(static_cast<std::uint32_t>(i));
    }
    return at;
}

template <fb::mask_code Mask>
double mask_bits(const std::vector<std::uint32_t>& at, std::size_t n) {
    std::vector<std::uint8_t> out(Mask::max_size(n, at.size()));
    std::vector<std::uint32_t> back(at.size());
    const auto size = Mask::put(at, n, out);
    const bool right = size && Mask::get(pith::byte_view(out).first(*size), n, back) && back == at;
    return right ? 8 * static_cast<double>(*size) / static_cast<double>(at.size()) : std::nan("");
}

bool masks(bool quick, bench::rows& rows) {
    const std::size_t n = quick ? 1U << 15 : 1U << 20;
    bench::table table("Masks of " + bench::grouped(n) + " places: bits for each taken place",
                       {{"places", true}, {"taken"}, {"entropy"}, {"Golomb"}, {"enumerated"}, {"adaptive"}});
    bool correct = true;
    for (const bool clustered : {false, true}) {
        for (const double p : {0.5, 0.1, 0.05, 0.01, 0.001}) {
            if (clustered && p > 0.1) continue;
            const auto at = places(n, p, clustered);
            const double q = static_cast<double>(at.size()) / static_cast<double>(n);
            const double entropy = -(q * std::log2(q) + (1 - q) * std::log2(1 - q)) / q;
            const double bits[] = {mask_bits<fb::golomb_mask>(at, n), mask_bits<fb::enumerated_mask>(at, n),
                                   mask_bits<fb::adaptive_mask>(at, n)};
            const char* const names[] = {"Golomb mask", "enumerated mask", "adaptive mask"};
            const std::string kind = clustered ? "clustered" : "independent";
            for (int m = 0; m < 3; ++m) {
                correct = correct && std::isfinite(bits[m]);
                rows.add(names[m], kind + " " + bench::decimal(100 * p, 1) + " %", "mask", bits[m],
                         "bits/place", better::lower);
            }
            table.add({kind, bench::decimal(100 * q, 2) + " %", bench::decimal(entropy, 3),
                       bench::decimal(bits[0], 3), bench::decimal(bits[1], 3), bench::decimal(bits[2], 3)});
        }
    }
    table.print(
        "Entropy: of independent places. ComPEFT codes masks by Golomb; clustered ones cost less than that "
        "entropy.");
    return correct;
}

// --- Compressors
// -----------------------------------------------------------------------------------------------

struct any_compressor {
    std::string name;
    std::size_t room;
    std::function<pith::result<std::size_t>(std::span<const float>, pith::byte_span)> encode;
    std::function<pith::result<void>(pith::byte_view, std::span<float>)> decode;
};
template <fb::compressor C>
any_compressor any(std::string name, C code) {
    const auto it = std::make_shared<C>(std::move(code));
    return {std::move(name), it->max_encoded_size(),
            [it](auto x, auto out) { return it->encode_into(x, 1, out); },
            [it](auto in, auto y) { return it->decode_into(in, 1, y); }};
}

std::vector<any_compressor> compressors(std::size_t side) {
    const std::size_t n = side * side, k = n / 100;
    std::vector<any_compressor> all;
    all.push_back(any("identity", fb::identity(n)));
    all.push_back(any("scaled sign", fb::scaled_sign(n)));
    all.push_back(any("top 1 %, Golomb, float", fb::top_k<fb::golomb_mask>(n, k)));
    all.push_back(any("top 1 %, enumerated, half", fb::top_k<fb::enumerated_mask, fb::half_values>(n, k)));
    all.push_back(any("top 1 %, adaptive, ternary", fb::top_k<fb::adaptive_mask, fb::ternary_values>(n, k)));
    all.push_back(any("ComPEFT 10 %, Golomb", systems::compeft(n, n / 10, {1.5})));
    all.push_back(any("ComPEFT 10 %, arithmetic", systems::compeft_arithmetic(n, n / 10, {1.5})));
    all.push_back(any("random 1 %", fb::random_k<>(n, k, 1)));
    all.push_back(any("QSGD, 1 level", fb::stochastic_uniform(n, 1, 1)));
    all.push_back(any("QSGD, 1023 levels", fb::stochastic_uniform(n, 1023, 1)));
    all.push_back(
        any("uniform, 15 levels of max", fb::stochastic_uniform(n, 15, 1, fb::level_norm::largest)));
    all.push_back(any("natural, rANS", fb::natural<>(n, 1)));
    all.push_back(any("natural, adaptive", fb::natural<pith::entropy::adaptive_nibble<0>>(n, 1)));
    all.push_back(any("PowerSGD rank 4", fb::low_rank({side, side, 4}, 1)));
    all.push_back(any("GACT 4 bits", systems::gact<4>(n, 1)));
    all.push_back(any("GACT 2 bits", systems::gact<2>(n, 1)));
    all.push_back(any("DIVISION", systems::division(fb::grouped_uniform<2, 256>(n, 1))));
    all.push_back(any("CompAct rank 64", systems::compact({side, side, 64}, 1)));
    return all;
}

/// Like a layer's gradient: a low-rank part, rows of different size, heavy tails.
std::vector<float> gradient_like(std::size_t side) {
    pith::random_sequence random(9);
    std::vector<double> u(4 * side), v(4 * side);
    for (double& w : u) w = random.gaussian();
    for (double& w : v) w = random.gaussian();
    std::vector<float> x(side * side);
    for (std::size_t i = 0; i < side; ++i) {
        const double scale = std::exp(random.gaussian());
        for (std::size_t j = 0; j < side; ++j) {
            double shared = 0;
            for (std::size_t r = 0; r < 4; ++r)
                shared += u[4 * i + r] * v[4 * j + r] / static_cast<double>(1 + r);
            const double noise = random.gaussian();
            x[i * side + j] =
                static_cast<float>(1e-3 * scale * (0.5 * shared + noise * (1 + 0.3 * noise * noise)));
        }
    }
    return x;
}

bool speeds(bool quick, bench::rows& rows, bench::progress_line& progress) {
    const std::size_t side = quick ? 64 : 1024;
    const std::vector<float> x = gradient_like(side);
    const double megabytes = 4e-6 * static_cast<double>(x.size());
    bench::table table(
        "A made-up gradient of " + bench::grouped(side) + " x " + bench::grouped(side) + " floats",
        {{"compressor", true},
         {"bits/value"},
         {"x smaller"},
         {"|error|^2 / |x|^2"},
         {"enc MB/s"},
         {"dec MB/s"}});
    bool correct = true;
    for (const any_compressor& code : compressors(side)) {
        std::vector<std::uint8_t> out(code.room);
        std::vector<float> y(x.size());
        std::size_t size = 0;
        bench::contest contest;
        contest.add("encode", [&] { size = code.encode(x, out).value_or(0); });
        contest.add("decode", [&] {
            correct = code.decode(pith::byte_view(out).first(size), y).has_value() && correct;
        });
        const auto& times = contest.run(bench::effort::of(quick), progress, code.name);
        double error = 0, energy = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            error += (double{x[i]} - double{y[i]}) * (double{x[i]} - double{y[i]});
            energy += double{x[i]} * double{x[i]};
        }
        correct = correct && size != 0;
        const double bits = 8 * static_cast<double>(size) / static_cast<double>(x.size());
        table.add({code.name, bench::decimal(bits, 3), bench::decimal(32 / bits, 1),
                   bench::decimal(error / energy, 4), bench::decimal(megabytes / times[0].seconds, 0),
                   bench::decimal(megabytes / times[1].seconds, 0)});
        rows.add(code.name, "gradient", "rate", bits, "bits/value", better::lower);
        rows.add(code.name, "gradient", "error", error / energy, "of energy", better::lower);
        rows.add(code.name, "gradient", "encode", megabytes / times[0].seconds, "MB/s", better::higher);
        rows.add(code.name, "gradient", "decode", megabytes / times[1].seconds, "MB/s", better::higher);
    }
    progress.clear();
    table.print(
        "MB/s of floats. Unbiased codes (QSGD, natural, random, CompAct, GACT) may have errors above 1: they "
        "are averaged.");
    return correct;
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words,
        "Error feedback: final gradient norms and bytes on the wire of every scheme, what masks cost, and "
        "rate,\n"
        "error and speed of every compressor. The data are made up; --corpora is not used.");
    std::printf("Error feedback and communication on %s\n", bench::machine_line().c_str());
    bench::rows rows;
    bench::progress_line progress;
    schemes(asked.quick, rows, progress);
    bool correct = masks(asked.quick, rows);
    correct = speeds(asked.quick, rows, progress) && correct;
    if (!rows.write(asked.json)) return 1;
    if (!correct) std::fprintf(stderr, "a code did not come back as it should; see above\n");
    return correct ? 0 : 1;
}
