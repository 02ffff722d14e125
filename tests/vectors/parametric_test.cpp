#include <pith/core/random.hpp>
#include <pith/entropy/model_mixture.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/model_parametric_table.hpp>
#include <pith/entropy/parametric_codec.hpp>
#include <pith/entropy/range.hpp>

#include <memory>
#include <string>

#include "vectors/frozen.hpp"

namespace {

using namespace pith::entropy;
using bytes = std::vector<std::uint8_t>;

// Means and scales over their whole ranges, symbols near the mean, and now and then far away.
struct sample {
    std::vector<location_scale> given;
    std::vector<std::int32_t> symbols;

    sample() {
        pith::random_sequence random(2024);
        for (int i = 0; i < 2000; ++i) {
            const auto mean = static_cast<std::int32_t>(random() >> random.below(28)) / 2;
            const std::uint32_t scale = min_scale + (random() >> (8 + random.below(20)));
            given.push_back({mean, scale});
            const std::uint32_t reach = 1 + (scale >> 10);
            const std::int32_t near = (mean >> 12) + static_cast<std::int32_t>(random.below(reach)) -
                                      static_cast<std::int32_t>(reach / 2);
            const bool far = random.below(50) == 0;
            symbols.push_back(far ? static_cast<std::int32_t>(random()) : near);
        }
    }
};

bytes raw(std::span<const std::int32_t> symbols) {
    bytes out;
    pith::vector_sink sink(out);
    for (const std::int32_t s : symbols) pith::put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(s));
    return out;
}

template <class Models, unsigned Lanes = 4>
void check(frozen::rows& rows, const std::string& name, const Models& models,
           std::span<const typename Models::parameters> given, std::span<const std::int32_t> symbols) {
    const parametric_codec<Models, Lanes> codec(models);
    bytes coded(codec.max_encoded_size(symbols.size()));
    const auto size = codec.encode_into(symbols, given, coded);
    REQUIRE(size);
    coded.resize(*size);
    std::vector<std::int32_t> back(symbols.size());
    REQUIRE(codec.decode_into(coded, given, back));
    rows.check("parametric/" + name, "random/2000", raw(symbols), coded, raw(back));
}

template <class Family>
void check_family(frozen::rows& rows, const std::string& name, const sample& data) {
    const auto general = std::make_unique<parametric_models<Family>>();
    check(rows, name, *general, data.given, data.symbols);
    const auto coarse = std::make_unique<parametric_models<Family, 12>>();
    check<parametric_models<Family, 12>, 1>(rows, name + ".12bit", *coarse, data.given, data.symbols);
    const auto scales = log_spaced_scales<64>();
    const parametric_scale_table<Family> table(scales, 4);
    std::vector<indexed_scale> indexed;
    for (const location_scale& p : data.given) indexed.push_back({p.mean, table.index_for(p.scale)});
    check(rows, name + ".table", table, indexed, data.symbols);
}

}  // namespace

TEST_CASE("parametric codecs write and read what is frozen, for every family and both paths") {
    frozen::rows rows("parametric/");
    const sample data;
    check_family<gaussian>(rows, "gaussian", data);
    check_family<laplace>(rows, "laplace", data);
    check_family<logistic>(rows, "logistic", data);
    rows.finish();
}

TEST_CASE("mixtures give the frozen intervals through a range coder") {
    frozen::rows rows("mixture/");
    const sample data;
    const standard_table<logistic> table;
    bytes coded;
    pith::vector_sink sink(coded);
    range_encoder<pith::vector_sink> encoder(sink);
    const auto model = [&](std::size_t i) {
        const std::size_t n = data.given.size();
        mixture<3> m{{data.given[i], data.given[(i + 1) % n], data.given[(i + 2) % n]}, {}};
        m.component[1].mean = m.component[0].mean / 2 + 4096;
        m.component[2].mean = m.component[0].mean / 2 - 4096;
        m.weight =
            mixture_weights<3>({static_cast<std::uint32_t>(1 + i % 9), 3, static_cast<std::uint32_t>(i % 4)});
        return mixture_model<logistic, 3>(table, m);
    };
    for (std::size_t i = 0; i < data.symbols.size(); ++i) put_parametric(encoder, model(i), data.symbols[i]);
    encoder.finish();
    range_decoder<> decoder(coded);
    std::vector<std::int32_t> back;
    for (std::size_t i = 0; i < data.symbols.size(); ++i) {
        const auto s = get_parametric(decoder, model(i));
        REQUIRE(s);
        back.push_back(*s);
    }
    REQUIRE(decoder.finish());
    rows.check("mixture/logistic3", "random/2000", raw(data.symbols), coded, raw(back));
    rows.finish();
}
