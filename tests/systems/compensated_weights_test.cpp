// Weights cut, quantized and corrected as the publications do: the laws of each system on small layers.
#include <pith/systems/calibrated_weights.hpp>
#include <pith/systems/lowrank.hpp>
#include <pith/systems/slim.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>
#include <vector>

#include "linalg/random_matrices.hpp"
#include "support/catch.hpp"

namespace {

namespace linalg = pith::linalg;
namespace lowrank = pith::lowrank;
namespace calibrate = pith::calibrate;
namespace systems = pith::systems;
using linalg::difference;
using linalg::matrix;

constexpr std::size_t n = 24;

struct layer {
    matrix<float> w = samples::normal(8, n, 3);
    matrix<double> h = samples::moment_of(samples::correlated(200, n, 2));
    matrix<double> inverse = *calibrate::damped_inverse(h, {.share = 1e-9});

    [[nodiscard]] double error(const matrix<float>& q) const {
        return linalg::weighted_error(difference(w, q), h);
    }
    /// The largest gradient of the error among weights that are not zero.
    [[nodiscard]] double slope(const matrix<float>& q) const {
        const auto d = difference(w, q);
        const auto g = linalg::multiply<double>(matrix<double>::copy_of(d.view()), h);
        double most = 0;
        for (std::size_t i = 0; i < q.size(); ++i)
            if (q.data()[i] != 0) most = std::max(most, std::fabs(g.data()[i]));
        return most;
    }
    template <class Cut>
    [[nodiscard]] matrix<float> rows(const Cut& cut) const {
        matrix<float> out(w.rows(), n);
        for (std::size_t r = 0; r < w.rows(); ++r) {
            const std::vector<float> row = cut(w.row(r));
            std::copy(row.begin(), row.end(), out.row(r).begin());
        }
        return out;
    }
};

std::size_t zeros(const matrix<float>& q) {
    return static_cast<std::size_t>(std::count(q.data(), q.data() + q.size(), 0.0F));
}

}  // namespace

TEST_CASE(
    "OBC and Optimal BERT Surgeon leave least squares on what they keep, and single weights cost least") {
    const layer l;
    const auto single = l.rows([&](std::span<const float> row) { return systems::obc(row, l.inverse, 12); });
    const auto blocks =
        l.rows([&](std::span<const float> row) { return systems::optimal_bert_surgeon(row, l.inverse, 3); });
    CHECK(zeros(single) == 8 * 12);
    CHECK(zeros(blocks) == 8 * 12);
    CHECK(l.slope(single) < 1e-5);
    CHECK(l.slope(blocks) < 1e-5);
    for (std::size_t r = 0; r < 8; ++r)
        for (std::size_t c = 0; c < n; ++c) REQUIRE((blocks(r, c) == 0) == (blocks(r, c / 4 * 4) == 0));
    CHECK(l.error(single) < l.error(blocks));
    // Twelve of the smallest weights cut, the others left alone.
    const auto magnitude = l.rows([](std::span<const float> row) {
        std::vector<float> out(row.begin(), row.end()), sizes;
        for (const float v : row) sizes.push_back(std::fabs(v));
        std::sort(sizes.begin(), sizes.end());
        for (float& v : out) v = std::fabs(v) < sizes[12] ? 0 : v;
        return out;
    });
    CHECK(l.error(single) < 0.5 * l.error(magnitude));
    // OBC is the surgeon with the target zero.
    const auto same = calibrate::surgeon(l.w.row(0), l.inverse, 12, [](float) { return 0.0F; });
    CHECK(std::equal(same.begin(), same.end(), single.row(0).begin()));
}

TEST_CASE("A block's joint cost is what cutting it first adds to the error") {
    const layer l;
    const calibrate::block_surgeon whole{.block = n};
    const auto nothing = whole(l.w.row(0), l.inverse, 1);
    CHECK(std::all_of(nothing.begin(), nothing.end(), [](float v) { return v == 0; }));
    calibrate::detail::surgery now{{l.w.row(0).begin(), l.w.row(0).end()},
                                   matrix<double>::copy_of(l.inverse.view())};
    const double told = now.cost_of_cut(8, 4);
    for (std::size_t p = 8; p < 12; ++p) now.settle(p, 0);
    matrix<float> d(1, n);
    for (std::size_t j = 0; j < n; ++j) d(0, j) = l.w(0, j) - static_cast<float>(now.weights[j]);
    CHECK(std::fabs(linalg::weighted_error(d, l.h) - told) < 1e-4 * told);
}

TEST_CASE("OBQ gives values of its grid and beats rounding to the nearest") {
    const layer l;
    const auto greedy = l.rows([&](std::span<const float> row) { return systems::obq<3>(row, l.inverse); });
    matrix<float> nearest(8, n);
    for (std::size_t r = 0; r < 8; ++r) {
        const auto row = l.w.row(r);
        const float low = std::min(0.0F, *std::min_element(row.begin(), row.end()));
        const float high = std::max(0.0F, *std::max_element(row.begin(), row.end()));
        const float scale = (high - low) / 7;
        for (std::size_t c = 0; c < n; ++c) {
            nearest(r, c) = low + scale * std::nearbyint((row[c] - low) / scale);
            const float code = (greedy(r, c) - low) / scale;
            REQUIRE(std::fabs(code - std::nearbyint(code)) < 1e-3F);
            REQUIRE((code > -0.5F && code < 7.5F));
        }
    }
    CHECK(l.error(greedy) < 0.7 * l.error(nearest));
}

TEST_CASE("LLM Surgeon cuts whole columns by both moments and leaves least squares on the others") {
    const layer l;
    auto plain = samples::identity<double>(8);
    const auto cut = systems::llm_surgeon(l.w, l.inverse, plain, 6);
    std::size_t gone = 0;
    for (std::size_t c = 0; c < n; ++c) {
        std::size_t none = 0;
        for (std::size_t r = 0; r < 8; ++r) none += cut(r, c) == 0;
        REQUIRE((none == 0 || none == 8));
        gone += none == 8;
    }
    CHECK(gone == 6);
    CHECK(l.slope(cut) < 1e-5);
    // An output that counts a thousandfold is served better when the cut knows.
    auto steep = plain;
    steep(0, 0) = 1000;
    const auto aware = systems::llm_surgeon(l.w, l.inverse, steep, 6);
    const auto first = [&](const matrix<float>& q) {
        return linalg::weighted_error(difference(l.w, q).view().block(0, 0, 1, n), l.h);
    };
    CHECK(first(aware) < first(cut));
    CHECK(l.error(aware) >= l.error(cut) * 0.999);
    // One row: the same as OBC.
    const auto row = matrix<float>::copy_of(l.w.view().block(0, 0, 1, n));
    const auto one = systems::llm_surgeon(row, l.inverse, samples::identity<double>(1), 6);
    const auto obc = systems::obc(l.w.row(0), l.inverse, 6);
    for (std::size_t c = 0; c < n; ++c) REQUIRE(std::fabs(one(0, c) - obc[c]) < 1e-5F);
}

TEST_CASE("AdaQuant's layer fit never errs more than the codes that it starts from") {
    const layer l;
    const auto how = calibrate::prepare(l.h);
    REQUIRE(how);
    const auto fitted = calibrate::decouple(l.w, l.h, *how, systems::ada_quant);
    REQUIRE(fitted);
    REQUIRE(fitted->trace.size() > 1);
    CHECK(fitted->trace.back() < fitted->trace.front());
    CHECK(std::is_sorted(fitted->trace.rbegin(), fitted->trace.rend()));
}

TEST_CASE("Every stage of SLiM lowers the weighted error, and its bytes are those of its parts") {
    const std::size_t m = 64, k = 96, rank = 8;
    auto w = samples::normal(m, k, 5);
    for (std::size_t i = 0; i < w.size(); ++i) w.data()[i] *= 1 + 0.3F * w.data()[i] * w.data()[i];
    const auto h = samples::moment_of(samples::correlated(300, k, 6));
    const lowrank::diagonal_metric metric(lowrank::saliency_moments(h));
    // The largest weight as the clip, 2 of 4 by magnitude alone, no correction.
    float largest = 0;
    for (std::size_t i = 0; i < w.size(); ++i) largest = std::max(largest, std::fabs(w.data()[i]));
    const auto rounded = [&](const matrix<float>& x) {
        auto out = x;
        for (std::size_t i = 0; i < out.size(); ++i)
            out.data()[i] = std::nearbyint(out.data()[i] / largest * 7) * largest / 7;
        return out;
    };
    const auto clipped = systems::slim_base<4, 4>(lowrank::saliency_moments(h))(w);
    REQUIRE(clipped);
    CHECK(metric.error(difference(w, clipped->values)) < metric.error(difference(w, rounded(w))));

    const auto masked = systems::slim_base<>(lowrank::saliency_moments(h))(w);
    const auto blind = systems::slim_base<>(std::vector<double>(k, 1.0))(w);
    REQUIRE(masked);
    CHECK(metric.error(difference(w, masked->values)) < metric.error(difference(w, blind->values)));
    CHECK(masked->bytes == 4 + m * k / 2 * 6 / 8);
    for (std::size_t r = 0; r < m; ++r)
        for (std::size_t c = 0; c < k; c += 4) {
            int kept = 0;
            for (std::size_t j = c; j < c + 4; ++j) kept += masked->values(r, j) != 0;
            REQUIRE(kept <= 2);
        }

    const auto whole = systems::slim<>(w, h, rank);
    REQUIRE(whole);
    CHECK(whole->trace.back() < 0.9 * metric.error(difference(w, masked->values)));
    const auto wide = systems::slim<4, 2>(w, h, rank, lowrank::half_store{});
    REQUIRE(wide);
    CHECK(wide->trace.back() < whole->trace.back());
    CHECK(whole->trace.back() < 1.05 * wide->trace.back());
    CHECK(10 * whole->correction.bytes < 4 * wide->correction.bytes);
    // Without saliency the correction serves the inputs worse.
    const auto plain = lowrank::compensator<linalg::exact_svd>{}(difference(w, masked->values),
                                                                 lowrank::plain_metric(k), rank);
    CHECK(wide->trace.back() < metric.error(difference(difference(w, masked->values), plain->product())));
    CHECK_FALSE(systems::slim<>(w, samples::identity<double>(k - 1), rank));
    w(3, 3) = INFINITY;
    CHECK_FALSE(systems::slim<>(w, h, rank));
}

TEST_CASE("The click-through factors are the principal axes of what a layer gives out") {
    const auto w = samples::normal(10, n, 7);
    const auto x = samples::correlated(300, n, 8);
    const auto h = samples::moment_of(x);
    const auto f = lowrank::compensator<linalg::exact_svd>{}(w, lowrank::full_metric(h), 3);
    REQUIRE(f);
    const auto y = linalg::multiply<float>(w, x.view().transposed());  // outputs, 10 x 300
    const auto axes = linalg::exact_svd{}(linalg::dense_operator(y.view()), 3, 0);
    const auto on = [&](const matrix<float>& u) {  // y projected on the span of u
        const auto base = linalg::orthonormal(matrix<float>::copy_of(u.view()));
        return linalg::multiply<float>(base, linalg::multiply<float>(base.view().transposed(), y));
    };
    CHECK(samples::close(on(f->left), on(axes->left), 1e-3));
    STATIC_REQUIRE(std::is_same_v<systems::ctr_low_rank, systems::lord>);
    // A table of embeddings whose rows are asked for unequally: axes weighted by that serve the requests.
    const auto table = samples::normal(40, 12, 9);
    matrix<double> often(40, 40);
    for (std::size_t r = 0; r < 40; ++r) often(r, r) = std::exp2(-static_cast<double>(r) / 4);
    const matrix<float> turned = linalg::transposed<float>(table);  // 12 x 40, rows asked for are inputs
    const auto weighted = systems::ctr_low_rank{}(turned, lowrank::full_metric(often), 4);
    const auto flat = systems::ctr_low_rank{}(turned, lowrank::plain_metric(40), 4);
    CHECK(linalg::weighted_error(difference(turned, weighted->product()), often) <
          0.9 * linalg::weighted_error(difference(turned, flat->product()), often));
}

TEST_CASE("CASP's queries and keys of low rank keep the logits better than factors blind to the inputs") {
    const std::size_t head = 16, rank = 6;
    const auto q = samples::normal(head, n, 10), k = samples::normal(head, n, 11);
    const auto x = samples::correlated(100, n, 2);
    const auto h = samples::moment_of(x);
    const auto logits = [&](const matrix<float>& a, const matrix<float>& b) {
        return linalg::multiply<float>(linalg::multiply<float>(x, a.view().transposed()),
                                       linalg::multiply<float>(b, x.view().transposed()));
    };
    const auto left_with = [&](const auto& metric) {
        const systems::casp_low_rank reduce{};
        return linalg::squared_norm(difference(
            logits(q, k), logits(reduce(q, metric, rank)->product(), reduce(k, metric, rank)->product())));
    };
    CHECK(left_with(systems::svd_llm_metric(h)) < 0.8 * left_with(lowrank::plain_metric(n)));
}

TEST_CASE("CoSpaDi and DSFormer lose less than low rank at equal bits where columns lie in clusters") {
    // Sixteen groups of rows, each in a space of two dimensions: 32 in all.
    const auto planes = samples::normal(32, 64, 2);
    const auto mix = samples::normal(256, 2, 3);
    matrix<float> w(256, 64);
    for (std::size_t r = 0; r < 256; ++r)
        for (std::size_t c = 0; c < 64; ++c)
            w(r, c) = mix(r, 0) * planes(2 * (r / 16), c) + mix(r, 1) * planes(2 * (r / 16) + 1, c);
    const auto h = samples::moment_of(samples::correlated(300, 64, 4));
    const lowrank::full_metric metric(h);
    const auto check = [&](lowrank::sparse_dictionary_options how, std::size_t entries, double share) {
        how.nonzeros = std::max<std::size_t>(1, how.nonzeros * entries / how.entries);
        how.entries = entries;
        how.rounds = std::min(how.rounds, 12U);
        const auto sparse = lowrank::fit_sparse_dictionary(w, metric, how);
        REQUIRE(sparse);
        const auto rank = static_cast<std::size_t>(sparse->stored_bits()) / (16 * (256 + 64));
        const auto dense = lowrank::compensator<linalg::exact_svd>{}(w, metric, rank);
        CHECK(metric.error(difference(w, sparse->product()).view()) <
              share * metric.error(difference(w, dense->product()).view()));
    };
    check(systems::cospadi, 32, 0.9);
    check(systems::dsformer, 32, 0.9);
}

TEST_CASE("Tucker's form and trains keep their bounds, and trains multiply without the weights") {
    const auto w = samples::normal(24, 30, 6);
    const std::vector<std::size_t> rows{4, 6}, columns{5, 6};
    const auto train = linalg::decompose_train(w, rows, columns, 9);
    REQUIRE(train);
    const systems::compactif_ai& cut = *train;
    const auto all = cut.apply(samples::identity<float>(30));
    CHECK(linalg::squared_norm(difference(w, all)) <= cut.lost * 1.001);
    const auto x = samples::normal(30, 3, 7);
    CHECK(samples::close(cut.apply(x), linalg::multiply<float>(all, x), 1e-5));
    const std::array<std::size_t, 3> sizes{24, 5, 6}, ranks{12, 4, 5};
    const auto tucker = linalg::decompose_tucker(w, std::span<const std::size_t, 3>(sizes),
                                                 std::span<const std::size_t, 3>(ranks));
    REQUIRE(tucker);
    const systems::tucker_layer& form = *tucker;
    CHECK(linalg::squared_norm(difference(w, form.product())) <= form.lost * 1.001);
    CHECK(form.parameters() < w.size());
}
