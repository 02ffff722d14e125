// The table of models with parameters per symbol, and of a coder for alphabets of tens of thousands: bits
// against the ideal of the drawn symbols, and symbols per second.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/random.hpp>
#include <pith/entropy/model_mixture.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/model_parametric_table.hpp>
#include <pith/entropy/parametric_codec.hpp>
#include <pith/entropy/range_cdf.hpp>

#include "support/corpora.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace bench {

namespace detail {

inline double draw(pith::entropy::gaussian, pith::random_sequence& r) { return r.gaussian(); }
inline double draw(pith::entropy::logistic, pith::random_sequence& r) {
    const double u = r.uniform_double() + 0x1p-54;
    return std::log(u / (1 - u));
}
inline double draw(pith::entropy::laplace, pith::random_sequence& r) {
    const double e = -std::log(r.uniform_double() + 0x1p-54);
    return (r() & 1U) != 0 ? e : -e;
}

/// Probability of a symbol under the true distribution, rounded to integers.
template <class Family>
double true_probability(std::int32_t symbol, pith::entropy::location_scale p) {
    const double scale = p.scale / 4096.0;
    const double a = (symbol - 0.5 - p.mean / 4096.0) / scale;
    const double b = a + 1 / scale;
    return a > 0 ? Family::cdf(-a) - Family::cdf(-b) : Family::cdf(b) - Family::cdf(a);
}

/// Symbols, the parameters of each, and the bits that the true distributions give them.
template <class Parameters>
struct drawn_symbols {
    std::vector<Parameters> given;
    std::vector<std::int32_t> symbols;
    double ideal_bits = 0;
};

}  // namespace detail

class model_table {
  public:
    model_table(rows& to, const effort& how, progress_line& progress, std::size_t count)
        : rows_(&to), how_(how), progress_(&progress), count_(count) {}

    /// Measures everything and prints; false when something did not decode to what was encoded.
    bool run() {
        using namespace pith::entropy;
        family<gaussian>("gaussian");
        family<laplace>("laplace");
        family<logistic>("logistic");
        mixture_of_logistics<3>();
        large_alphabet(50'000);
        progress_->clear();
        out_.print(
            "Each symbol has a mean and a scale of its own. Ideal: what the true distribution gives the "
            "drawn symbols.\n"
            "Loss: bits per symbol above it, in millionths, and in percent. M/s: million symbols per second "
            "of thread\n"
            "CPU time. Large alphabet: the ideal is that of the integer frequencies, so the loss is the "
            "coder's alone;\n"
            "decoding it is a binary search.");
        return correct_;
    }

  private:
    /// One line: `encode` gives a number of bytes, `same` compares after decoding.
    template <class Encode, class Decode, class Same>
    void line(const std::string& name, std::size_t count, double ideal_bits, Encode encode, Decode decode,
              Same same) {
        std::size_t size = 0;
        bool decoded = true;
        contest timed;
        timed.add("encode", [&] { size = encode(); });
        timed.add(
            "decode", [&] { decoded = decode(size) && decoded; }, [&] { return decoded && same(); });
        const auto& results = timed.run(how_, *progress_, name);
        if (size == 0 || !results[1].correct) {
            correct_ = false;
            std::fprintf(stderr, "%s: the round trip FAILED\n", name.c_str());
        }
        const double n = static_cast<double>(count);
        const double ideal = ideal_bits / n;
        const double bits = 8 * static_cast<double>(size) / n;
        const double encoding = 1e-6 * n / results[0].seconds;
        const double decoding = 1e-6 * n / results[1].seconds;
        out_.add({name, grouped(count), decimal(ideal, 5), decimal(bits, 5), decimal(1e6 * (bits - ideal), 1),
                  signed_percent(100 * (bits / ideal - 1), 4), decimal(encoding, 1), decimal(decoding, 1)});
        const std::string data = "symbols with their own models";
        rows_->add(name, data, "loss", 1e6 * (bits - ideal), "10^-6 bits/symbol", better::lower);
        rows_->add(name, data, "over ideal", 100 * (bits / ideal - 1), "%", better::lower);
        rows_->add(name, data, "encode", encoding, "M symbols/s", better::higher);
        rows_->add(name, data, "decode", decoding, "M symbols/s", better::higher);
    }

    template <class Models, class Parameters>
    void parametric_line(const std::string& name, const Models& models,
                         const detail::drawn_symbols<Parameters>& from) {
        const pith::entropy::parametric_codec<Models, 8> codec(models);
        bytes encoded(codec.max_encoded_size(from.symbols.size()));
        std::vector<std::int32_t> back(from.symbols.size());
        line(
            name, from.symbols.size(), from.ideal_bits,
            [&] { return codec.encode_into(from.symbols, from.given, encoded).value_or(0); },
            [&](std::size_t size) {
                return codec.decode_into(pith::byte_view(encoded).first(size), from.given, back).has_value();
            },
            [&] {
                const bool same = back == from.symbols;
                std::fill(back.begin(), back.end(), 0x5A5A5A5A);
                return same;
            });
    }

    /// Means within +-32 steps, 64 scales from 0.05 to 256 steps.
    template <class Family>
    void family(const std::string& name) {
        namespace entropy = pith::entropy;
        pith::random_sequence random(1);
        const auto general = std::make_unique<entropy::parametric_models<Family>>();
        const entropy::parametric_scale_table<Family> table(entropy::log_spaced_scales<64>(0.05, 256.0), 8);
        detail::drawn_symbols<entropy::indexed_scale> indexed;
        detail::drawn_symbols<entropy::location_scale> located;
        for (std::size_t i = 0; i < count_; ++i) {
            const double mean = (random.uniform_double() - 0.5) * 64;
            indexed.given.push_back({entropy::fixed_location(mean), random.below(64)});
            const entropy::location_scale at = table.general(indexed.given[i]);
            located.given.push_back(at);
            const double value = at.mean / 4096.0 + at.scale / 4096.0 * detail::draw(Family{}, random);
            located.symbols.push_back(static_cast<std::int32_t>(std::lround(value)));
            located.ideal_bits -= std::log2(detail::true_probability<Family>(located.symbols[i], at));
        }
        indexed.symbols = located.symbols;
        indexed.ideal_bits = located.ideal_bits;
        parametric_line(name + ", one of 64 scales", table, indexed);
        parametric_line(name + ", any mean and scale", *general, located);
    }

    template <std::size_t Components>
    void mixture_of_logistics() {
        namespace entropy = pith::entropy;
        pith::random_sequence random(2);
        const auto models = std::make_unique<entropy::mixture_models<entropy::logistic, Components>>();
        detail::drawn_symbols<entropy::mixture<Components>> from;
        for (std::size_t i = 0; i < count_ / 4; ++i) {
            entropy::mixture<Components> one{};
            std::array<std::uint32_t, Components> weights{};
            for (std::size_t c = 0; c < Components; ++c) {
                weights[c] = 1 + random.below(1000);
                one.component[c] = {entropy::fixed_location((random.uniform_double() - 0.5) * 40),
                                    entropy::fixed_scale(std::exp2(random.uniform_double() * 6 - 2))};
            }
            one.weight = entropy::mixture_weights(weights);
            std::uint32_t u = random.below(std::uint32_t{1} << entropy::mixture_weight_bits);
            std::size_t c = 0;
            while (u >= one.weight[c]) u -= one.weight[c++];
            const entropy::location_scale at = one.component[c];
            const double value =
                at.mean / 4096.0 + at.scale / 4096.0 * detail::draw(entropy::logistic{}, random);
            from.symbols.push_back(static_cast<std::int32_t>(std::lround(value)));
            double p = 0;
            for (std::size_t j = 0; j < Components; ++j)
                p += one.weight[j] * 0x1p-15 *
                     detail::true_probability<entropy::logistic>(from.symbols[i], one.component[j]);
            from.ideal_bits -= std::log2(p);
            from.given.push_back(one);
        }
        parametric_line("mixture of " + std::to_string(Components) + " logistics", *models, from);
    }

    /// A Zipf distribution in frequencies of 31 bits, as a vocabulary has it.
    void large_alphabet(std::size_t alphabet) {
        constexpr unsigned precision = 31;
        std::vector<std::uint64_t> weights(alphabet);
        for (std::size_t i = 0; i < alphabet; ++i) weights[i] = (std::uint64_t{1} << 32) / (i + 3);
        std::vector<std::uint32_t> frequencies(alphabet);
        std::vector<std::uint32_t> cumulative(alphabet + 1);
        pith::entropy::frequencies_from_weights<precision>(weights, frequencies);
        pith::entropy::accumulate(frequencies, cumulative);
        const pith::entropy::cumulative_model<precision> model(cumulative);

        pith::random_sequence random(3);
        const std::size_t count = 4 * count_;  // the end of the stream, a few bytes, must not show
        std::vector<std::uint32_t> symbols(count);
        double ideal_bits = 0;
        for (std::uint32_t& s : symbols) {
            s = model.at(random() >> 1).symbol;
            ideal_bits += precision - std::log2(static_cast<double>(frequencies[s]));
        }
        bytes encoded(count * 4 + 64);
        std::vector<std::uint32_t> back(count);
        line(
            "CDF coder, 50,000 symbols", count, ideal_bits,
            [&] {
                pith::span_sink sink{pith::byte_span(encoded)};
                pith::entropy::cdf_encoder<pith::span_sink> encoder(sink);
                for (const std::uint32_t s : symbols) encoder.template put<precision>(model.interval_of(s));
                encoder.finish();
                return sink.overflowed() ? 0 : sink.size();
            },
            [&](std::size_t size) {
                pith::entropy::cdf_decoder decoder(pith::byte_view(encoded).first(size));
                for (std::uint32_t& s : back) {
                    const auto found = model.at(decoder.slot<precision>());
                    decoder.remove<precision>(found.where);
                    s = found.symbol;
                }
                return decoder.finish().has_value();
            },
            [&] {
                const bool same = back == symbols;
                std::fill(back.begin(), back.end(), 0);
                return same;
            });
    }

    rows* rows_;
    effort how_;
    progress_line* progress_;
    std::size_t count_;
    bool correct_ = true;
    table out_{"Models with parameters per symbol, and a large alphabet",
               {{"model", true},
                {"symbols"},
                {"ideal bits"},
                {"coded bits"},
                {"loss [10^-6 bits]"},
                {"over ideal"},
                {"encode M/s"},
                {"decode M/s"}}};
};

}  // namespace bench
