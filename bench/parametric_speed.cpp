// Cost and speed of parametric models: bits per symbol against the ideal, million symbols per second.
// Usage: parametric_speed [symbols]. Thread CPU time, best of five runs, one thread.
#include <pith/core/random.hpp>
#include <pith/entropy/model_mixture.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/model_parametric_table.hpp>
#include <pith/entropy/parametric_codec.hpp>

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

using namespace pith::entropy;

double seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <class Work>
double best_of_five(Work work) {
    double best = 1e30;
    for (int i = 0; i < 5; ++i) {
        const double start = seconds();
        work();
        best = std::min(best, seconds() - start);
    }
    return best;
}

double draw(gaussian, pith::random_sequence& r) { return r.gaussian(); }
double draw(logistic, pith::random_sequence& r) {
    const double u = r.uniform_double() + 0x1p-54;
    return pith::exact::log(u / (1 - u));
}
double draw(laplace, pith::random_sequence& r) {
    const double e = -pith::exact::log(r.uniform_double() + 0x1p-54);
    return (r() & 1U) != 0 ? e : -e;
}

/// Probability of a symbol under the true, discretised distribution.
template <class Family>
double probability(std::int32_t symbol, location_scale p) {
    const double scale = p.scale / 4096.0;
    const double a = (symbol - 0.5 - p.mean / 4096.0) / scale;
    const double b = a + 1 / scale;
    return a > 0 ? Family::cdf(-a) - Family::cdf(-b) : Family::cdf(b) - Family::cdf(a);
}

/// Times one codec on symbols whose ideal cost is known, and prints a row.
template <unsigned Lanes = 8, class Models, class Parameters>
void report(const char* name, const char* range, const Models& models, const std::vector<Parameters>& given,
            const std::vector<std::int32_t>& symbols, double ideal_bits) {
    const parametric_codec<Models, Lanes> codec(models);
    std::vector<std::uint8_t> bytes(codec.max_encoded_size(symbols.size()));
    std::vector<std::int32_t> back(symbols.size());
    std::size_t size = 0;
    bool sound = true;
    const double encode = best_of_five([&] { size = codec.encode_into(symbols, given, bytes).value_or(0); });
    const double decode = best_of_five([&] {
        sound = codec.decode_into(pith::byte_view(bytes).first(size), given, back).has_value() && sound;
    });
    const double n = static_cast<double>(symbols.size());
    std::printf("%-34s %-11s %9.5f %9.5f %+8.4f%% %8.1f %8.1f  %s\n", name, range, ideal_bits / n,
                8 * static_cast<double>(size) / n, 100 * (8 * static_cast<double>(size) / ideal_bits - 1),
                n / encode * 1e-6, n / decode * 1e-6, sound && back == symbols ? "ok" : "WRONG");
}

template <class Family>
void family_rows(const char* name, double low, double high, std::size_t n, bool fractions) {
    pith::random_sequence r(1);
    const auto scales = low < high ? log_spaced_scales<64>(low, high) : [&] {
        std::array<std::uint32_t, 64> one{};
        for (std::size_t i = 0; i < 64; ++i) one[i] = fixed_scale(low) + static_cast<std::uint32_t>(i);
        return one;
    }();
    const auto general = std::make_unique<parametric_models<Family>>();
    const parametric_scale_table<Family> table(scales, fractions ? 8 : 0);
    std::vector<indexed_scale> indexed(n);
    std::vector<location_scale> located(n);
    std::vector<std::int32_t> symbols(n);
    double ideal = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double mean = (r.uniform_double() - 0.5) * 64;
        indexed[i] = {fixed_location(fractions ? mean : std::nearbyint(mean)), r.below(64)};
        located[i] = table.general(indexed[i]);
        symbols[i] = static_cast<std::int32_t>(
            std::lround(located[i].mean / 4096.0 + located[i].scale / 4096.0 * draw(Family{}, r)));
        ideal -= std::log2(probability<Family>(symbols[i], located[i]));
    }
    char range[32];
    std::snprintf(range, sizeof range, low < high ? "%g..%g" : "%g", low, high);
    char row[64];
    std::snprintf(row, sizeof row, "%s, table %zu KB", name, table.memory() / 1024);
    report<4>(row, range, table, indexed, symbols, ideal);
    report<8>(row, range, table, indexed, symbols, ideal);
    std::snprintf(row, sizeof row, "%s, any mean and scale", name);
    report<4>(row, range, *general, located, symbols, ideal);
    report<8>(row, range, *general, located, symbols, ideal);
}

template <std::size_t Components>
void mixture_row(std::size_t n) {
    pith::random_sequence r(2);
    const auto models = std::make_unique<mixture_models<logistic, Components>>();
    std::vector<mixture<Components>> given(n);
    std::vector<std::int32_t> symbols(n);
    double ideal = 0;
    for (std::size_t i = 0; i < n; ++i) {
        std::array<std::uint32_t, Components> weights{};
        for (std::size_t c = 0; c < Components; ++c) {
            weights[c] = 1 + r.below(1000);
            given[i].component[c] = {fixed_location((r.uniform_double() - 0.5) * 40),
                                     fixed_scale(pith::exact::exp2(r.uniform_double() * 6 - 2))};
        }
        given[i].weight = mixture_weights(weights);
        std::uint32_t u = r.below(1U << mixture_weight_bits);
        std::size_t c = 0;
        while (u >= given[i].weight[c]) u -= given[i].weight[c++];
        symbols[i] = static_cast<std::int32_t>(
            std::lround(given[i].component[c].mean / 4096.0 +
                        given[i].component[c].scale / 4096.0 * draw(logistic{}, r)));
        double p = 0;
        for (std::size_t j = 0; j < Components; ++j)
            p += given[i].weight[j] * 0x1p-15 * probability<logistic>(symbols[i], given[i].component[j]);
        ideal -= std::log2(p);
    }
    char row[64];
    std::snprintf(row, sizeof row, "mixture of %zu logistics", Components);
    report(row, "0.25..16", *models, given, symbols, ideal);
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t n = argc > 1 ? static_cast<std::size_t>(std::atoll(argv[1])) : 1000000;
    std::printf("%-34s %-11s %9s %9s %9s %8s %8s\n", "model", "scales", "ideal", "coded", "excess", "enc M/s",
                "dec M/s");
    family_rows<gaussian>("gaussian, whole means", 0.11, 256, n, false);
    family_rows<gaussian>("gaussian", 0.05, 256, n, true);
    family_rows<gaussian>("gaussian", 0.11, 4, n, true);
    family_rows<laplace>("laplace", 0.05, 256, n, true);
    family_rows<logistic>("logistic", 0.05, 256, n, true);
    for (double scale : {0.05, 0.5, 4.0, 32.0, 255.0})
        family_rows<gaussian>("gaussian", scale, scale, n, true);
    mixture_row<2>(n / 4);
    mixture_row<3>(n / 4);
    mixture_row<5>(n / 4);
}
