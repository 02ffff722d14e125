#include <pith/core/random.hpp>
#include <pith/entropy/model_mixture.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/model_parametric_table.hpp>

#include <cmath>
#include <memory>

#include "support/catch.hpp"
#include "support/digest.hpp"

using namespace pith::entropy;

namespace {

/// The least that a family must offer, and no friend of the code: it wavers, so that it falls in places.
struct wavering {
    static double cdf(double z) noexcept {
        const double honest = pith::exact::logistic(z);
        return honest + 0.01 * pith::exact::sin_of_turns(z * 7.3);
    }
};

/// Number of breaches of the laws: tiles the range, no empty interval, halves inverse on every slot.
template <class Model>
std::size_t breaches(const Model& m) {
    constexpr std::uint32_t total = 1U << Model::precision;
    std::size_t wrong = 0;
    std::uint32_t next = 0;
    std::int32_t symbol = m.first() - 1;
    for (std::uint32_t slot = 0; slot < total; ++slot) {
        const auto found = m.at(slot);
        if (slot == next) {
            wrong += found.where.start != slot || found.where.size == 0 || found.symbol != symbol;
            wrong += m.interval_of(found.symbol) != found.where;
            next = found.where.start + found.where.size;
            ++symbol;
        } else {
            wrong += found.symbol != symbol - 1 || found.where.start + found.where.size != next;
        }
    }
    return wrong + (next != total) + (symbol != m.last() + 2);
}

template <class Family, unsigned Precision>
std::size_t breaches_of_family() {
    const auto models = std::make_unique<parametric_models<Family, Precision>>();
    pith::random_sequence draw(Precision);
    std::size_t wrong = 0;
    for (std::uint32_t scale : {0U, 32U, 205U, 450U, 4096U, 40960U, 256U * 4096U, 1U << 24, 0xFFFFFFFFU})
        wrong += breaches(models->given({static_cast<std::int32_t>(draw() >> 16) - 32768, scale}));
    for (int i = 0; i < 12; ++i)
        wrong += breaches(models->given({static_cast<std::int32_t>(draw()),
                                         fixed_scale(pith::exact::exp2(14 * draw.uniform_double() - 5))}));
    for (std::int32_t mean : {-2147483647 - 1, -2147483647 + 4096, -1, 0, 2047, 2048, 2049, 2147483647})
        wrong += breaches(models->given({mean, 700}));
    return wrong;
}

template <class Family>
double probability(std::int32_t symbol, location_scale p) {
    const double scale = p.scale / 4096.0;
    const double a = (symbol - 0.5 - p.mean / 4096.0) / scale;
    const double b = (symbol + 0.5 - p.mean / 4096.0) / scale;
    return a > 0 ? Family::cdf(-a) - Family::cdf(-b) : Family::cdf(b) - Family::cdf(a);
}

/// Bits that a symbol costs, with its escape bits.
template <class Model>
double cost(const Model& m, std::int32_t symbol) {
    const double bits = Model::precision - std::log2(m.interval_of(symbol).size);
    if (symbol >= m.first() && symbol <= m.last()) return bits;
    const std::int32_t distance = symbol < m.first() ? m.first() - 1 - symbol : symbol - m.last() - 1;
    const double below =
        std::floor(std::log2(distance + std::ldexp(1.0, static_cast<int>(m.escape_order()))));
    return bits + 2 * below - m.escape_order() + 1;
}

/// Expected cost over entropy, both averaged over sixteen means within a step.
template <class Family>
void check_cost(const char* name, double steps) {
    static const auto models = std::make_unique<parametric_models<Family>>();
    double entropy = 0;
    double coded = 0;
    for (int f = 0; f < 16; ++f) {
        const location_scale p{fixed_location(f / 16.0 + 7), fixed_scale(steps)};
        const auto m = models->given(p);
        const std::int32_t reach = static_cast<std::int32_t>(24 * steps) + 3;
        for (std::int32_t k = 7 - reach; k <= 8 + reach; ++k) {
            const double q = probability<Family>(k, p);
            if (q < 1e-290) continue;
            entropy -= q * std::log2(q);
            coded += q * cost(m, k);
        }
    }
    CAPTURE(name, steps, coded / entropy - 1);
    CHECK(coded < 1.001 * entropy);
    CHECK(coded > entropy);
}

}  // namespace

TEST_CASE("parametric models tile the range and their halves are inverse for every slot") {
    CHECK(breaches_of_family<gaussian, 12>() == 0);
    CHECK(breaches_of_family<gaussian, 16>() == 0);
    CHECK(breaches_of_family<laplace, 12>() == 0);
    CHECK(breaches_of_family<laplace, 16>() == 0);
    CHECK(breaches_of_family<logistic, 12>() == 0);
    CHECK(breaches_of_family<logistic, 13>() == 0);
    CHECK(breaches_of_family<logistic, 14>() == 0);
    CHECK(breaches_of_family<logistic, 15>() == 0);
    CHECK(breaches_of_family<logistic, 16>() == 0);
}

TEST_CASE("a family whose cumulative function falls in places still gives no empty interval") {
    CHECK(breaches_of_family<wavering, 12>() == 0);
    CHECK(breaches_of_family<wavering, 16>() == 0);
}

TEST_CASE("parametric models cost within a thousandth of the discretised distribution's entropy") {
    for (double steps :
         {0.05, 0.08, 0.11, 0.17, 0.3, 0.5, 0.7, 1.0, 1.9, 4.1, 9.0, 20.0, 47.0, 100.0, 170.0, 256.0}) {
        check_cost<gaussian>("gaussian", steps);
        check_cost<laplace>("laplace", steps);
        check_cost<logistic>("logistic", steps);
    }
}

TEST_CASE("a tabled scale gives the intervals of the general path at the rounded mean") {
    const auto general = std::make_unique<parametric_models<laplace>>();
    const auto scales = log_spaced_scales<12>(0.05, 256);
    pith::random_sequence draw(3);
    for (unsigned fraction_bits : {0U, 1U, 4U, 8U}) {
        const parametric_scale_table<laplace> table(scales, fraction_bits);
        CHECK(table.size() == 12);
        std::size_t wrong = 0;
        for (int i = 0; i < 300; ++i) {
            const indexed_scale p{static_cast<std::int32_t>(draw()) / 2, draw.below(12)};
            const auto fast = table.given(p);
            const auto slow = general->given(table.general(p));
            wrong += std::abs(table.general(p).mean - p.mean) > 1 << 11;
            wrong += fast.first() != slow.first() || fast.last() != slow.last() ||
                     fast.escape_order() != slow.escape_order();
            for (std::int32_t k = fast.first() - 2; k <= fast.last() + 2; ++k)
                wrong += fast.interval_of(k) != slow.interval_of(k);
            for (std::int32_t k : {-2147483647 - 1, 2147483647})
                wrong += fast.interval_of(k) != slow.interval_of(k);
            const std::uint32_t slot = draw.below(65536);
            wrong +=
                fast.at(slot).symbol != slow.at(slot).symbol || fast.at(slot).where != slow.at(slot).where;
        }
        for (std::uint32_t s = 0; s < 12; ++s)
            wrong += breaches(table.given({static_cast<std::int32_t>(draw.below(1U << 20)), s}));
        CHECK(wrong == 0);
    }
    const parametric_scale_table<laplace, 12> coarse(scales, 2);
    for (std::uint32_t s = 0; s < 12; ++s) CHECK(breaches(coarse.given({-5000, s})) == 0);
}

TEST_CASE("scales are found from above and spaced evenly in the logarithm") {
    const auto scales = log_spaced_scales<64>();
    CHECK(scales.front() == 451);
    CHECK(scales.back() == 256 * 4096);
    for (std::size_t i = 1; i < 64; ++i) CHECK(scales[i] > scales[i - 1]);
    const parametric_scale_table<gaussian> table(scales, 0);
    CHECK(table.index_for(0) == 0);
    CHECK(table.index_for(451) == 0);
    CHECK(table.index_for(452) == 1);
    CHECK(table.index_for(scales[40]) == 40);
    CHECK(table.index_for(scales[40] + 1) == 41);
    CHECK(table.index_for(0xFFFFFFFF) == 63);
    CHECK(table.memory() < 200 * 1024);
    CHECK(fixed_scale(0.0) == min_scale);
    CHECK(fixed_scale(std::nan("")) == min_scale);
    CHECK(fixed_scale(1e30) == max_scale);
    CHECK(fixed_scale(1.0) == 4096);
    CHECK(fixed_location(-1.5) == -6144);
}

TEST_CASE("mixtures obey the laws of parametric models") {
    const auto three = std::make_unique<mixture_models<logistic, 3>>();
    const auto five = std::make_unique<mixture_models<gaussian, 5, 12>>();
    pith::random_sequence draw(9);
    std::size_t wrong = 0;
    for (int i = 0; i < 25; ++i) {
        mixture<3> m{};
        std::array<std::uint32_t, 3> raw{};
        for (std::size_t c = 0; c < 3; ++c) {
            raw[c] = draw() >> draw.below(32);
            m.component[c] = {static_cast<std::int32_t>(draw()) >> draw.below(24),
                              fixed_scale(pith::exact::exp2(16 * draw.uniform_double() - 5))};
        }
        raw[0] += raw[0] + raw[1] + raw[2] == 0;
        m.weight = mixture_weights(raw);
        wrong += breaches(three->given(m));
    }
    for (int i = 0; i < 25; ++i) {
        mixture<5> m{};
        for (std::size_t c = 0; c < 5; ++c)
            m.component[c] = {static_cast<std::int32_t>(draw.below(1U << 18)), 1U << (5 + draw.below(16))};
        m.weight = mixture_weights<5>({1, 0, draw.below(100), 7, 0});
        wrong += breaches(five->given(m));
    }
    CHECK(wrong == 0);
}

TEST_CASE("mixture weights add up and keep proportions") {
    CHECK(mixture_weights<2>({1, 1}) == std::array<std::uint16_t, 2>{16384, 16384});
    CHECK(mixture_weights<3>({0, 0xFFFFFFFF, 0}) == std::array<std::uint16_t, 3>{0, 32768, 0});
    CHECK(mixture_weights<3>({1, 1, 1}) == std::array<std::uint16_t, 3>{10924, 10922, 10922});
}

TEST_CASE("overlapping mixtures cost within a thousandth of their entropy") {
    const auto models = std::make_unique<mixture_models<gaussian, 3>>();
    pith::random_sequence draw(10);
    for (int i = 0; i < 20; ++i) {
        mixture<3> m{};
        for (auto& c : m.component)
            c = {fixed_location(draw.uniform_double() * 60),
                 fixed_scale(pith::exact::exp2(5 * draw.uniform_double()))};
        m.weight = mixture_weights<3>({1 + draw.below(50), 1 + draw.below(50), 1 + draw.below(50)});
        const auto model = models->given(m);
        double entropy = 0;
        double coded = 0;
        for (std::int32_t k = -400; k <= 460; ++k) {
            double q = 0;
            for (std::size_t c = 0; c < 3; ++c)
                q += m.weight[c] * 0x1p-15 * probability<gaussian>(k, m.component[c]);
            if (q < 1e-290) continue;
            entropy -= q * std::log2(q);
            coded += q * cost(model, k);
        }
        CAPTURE(i, coded / entropy - 1);
        CHECK(coded < 1.001 * entropy);
        CHECK(coded > entropy);
    }
}

TEST_CASE("intervals of parametric models are frozen") {
    digest d;
    const auto add = [&](const auto& model) {
        for (std::int32_t k = model.first() - 1; k <= model.last() + 1; ++k) d.add(model.interval_of(k).size);
        d.add(model.first());
        d.add(model.escape_order());
    };
    const auto g = std::make_unique<parametric_models<gaussian>>();
    const auto l = std::make_unique<parametric_models<laplace, 14>>();
    const auto s = std::make_unique<parametric_models<logistic, 12>>();
    const auto x = std::make_unique<mixture_models<logistic, 2>>();
    for (std::uint32_t i = 0; i < 200; ++i) {
        const location_scale p{static_cast<std::int32_t>(i * 3001), 150 + i * i * 10};
        add(g->given(p));
        add(l->given(p));
        add(s->given(p));
        if (i % 8 == 0) add(x->given({{p, location_scale{-p.mean / 64, 9000}}, {20000, 12768}}));
    }
    for (std::uint32_t scale : log_spaced_scales<64>()) d.add(scale);
    for (std::uint32_t i = 0; i < 4096; ++i) d.add(g->table().quantile(i));
    CHECK(d.value() == 0xea05a671c6583754);
}
