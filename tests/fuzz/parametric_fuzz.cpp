// Parametric codecs: any bytes under any parameters give an error or symbols whose encoding is those bytes;
// any symbols come back; the tabled path and the general one agree.
#include <pith/entropy/model_mixture.hpp>
#include <pith/entropy/model_parametric_table.hpp>
#include <pith/entropy/parametric_codec.hpp>

#include <memory>

#include "fuzz/input.hpp"

namespace {

using namespace pith::entropy;

template <class Models, unsigned Lanes>
void decode(const Models& models, const std::vector<typename Models::parameters>& given,
            const fuzz::bytes& in) {
    const parametric_codec<Models, Lanes> codec(models);
    std::vector<std::int32_t> symbols(given.size());
    if (!codec.decode_into(in, given, symbols)) return;
    fuzz::bytes again(codec.max_encoded_size(symbols.size()));
    const auto n = codec.encode_into(symbols, given, again);
    fuzz::require(n.has_value(), "what was decoded can be encoded");
    again.resize(*n);
    fuzz::require(again == in, "parametric symbols have one form");
}

template <class Models, unsigned Lanes>
void round_trip(const Models& models, const std::vector<typename Models::parameters>& given,
                fuzz::input& in) {
    const parametric_codec<Models, Lanes> codec(models);
    std::vector<std::int32_t> symbols(given.size()), back(given.size());
    for (std::int32_t& s : symbols) {
        const std::uint8_t shift = in.byte();
        s = static_cast<std::int32_t>(in.four_bytes()) >> shift % 32;
    }
    fuzz::bytes coded(codec.max_encoded_size(symbols.size()));
    const auto n = codec.encode_into(symbols, given, coded);
    fuzz::require(n.has_value(), "any symbols can be encoded");
    coded.resize(*n);
    coded.shrink_to_fit();
    fuzz::require(codec.decode_into(coded, given, back).has_value() && back == symbols, "symbols come back");
}

struct tables {
    parametric_models<gaussian> general;
    parametric_models<logistic, 12> coarse;
    parametric_scale_table<laplace> tabled{log_spaced_scales<16>(), 4};
};

void mix(const standard_table<gaussian>& table, fuzz::input& in) {
    mixture<3> m{};
    for (location_scale& c : m.component) c = {static_cast<std::int32_t>(in.four_bytes()), in.four_bytes()};
    const std::uint32_t a = in.byte(), b = in.byte();
    m.weight = mixture_weights<3>({a + 1, b, in.byte()});
    const mixture_model<gaussian, 3> model(table, m);
    for (int i = 0; i < 8; ++i) {
        const std::uint32_t slot = in.two_bytes();
        const auto found = model.at(slot);
        fuzz::require(found.where.size >= 1 && slot - found.where.start < found.where.size,
                      "a slot is owned");
        fuzz::require(model.interval_of(found.symbol) == found.where, "both halves of a mixture agree");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto all = std::make_unique<tables>();
    fuzz::input in(data, size);
    const unsigned kind = in.byte() % 7;
    const std::size_t count = in.byte() % 64;
    const std::size_t distinct = 1 + in.byte() % 4;
    location_scale choice[4];
    for (std::size_t i = 0; i < distinct; ++i)
        choice[i] = {static_cast<std::int32_t>(in.four_bytes()), in.four_bytes()};
    std::vector<location_scale> given;
    std::vector<indexed_scale> indexed;
    for (std::size_t i = 0; i < count; ++i) {
        const location_scale p = choice[i % distinct];
        given.push_back(p);
        indexed.push_back({p.mean, p.scale % 16});
    }
    if (kind == 0) decode<parametric_models<gaussian>, 4>(all->general, given, in.rest());
    if (kind == 1) round_trip<parametric_models<gaussian>, 4>(all->general, given, in);
    if (kind == 2) decode<parametric_models<logistic, 12>, 1>(all->coarse, given, in.rest());
    if (kind == 3) round_trip<parametric_models<logistic, 12>, 1>(all->coarse, given, in);
    if (kind == 4) decode<parametric_scale_table<laplace>, 4>(all->tabled, indexed, in.rest());
    if (kind == 5) round_trip<parametric_scale_table<laplace>, 4>(all->tabled, indexed, in);
    if (kind == 6) mix(all->general.table(), in);
    return 0;
}
