// What schemes promise: mass is conserved, limits are the known methods, and who converges where.
#include <cmath>
#include <cstdio>

#include "feedback/any_compressor.hpp"
#include "support/catch.hpp"

#include <pith/feedback/exchange.hpp>
#include <pith/systems/feedback.hpp>

namespace {

using namespace feedback_tests;
namespace fb = pith::feedback;
namespace systems = pith::systems;

/// Workers with f_i(x) = 1/2 sum_j a_ij (x_j - c_ij)^2 of different curvatures and centres.
struct quadratics {
    std::size_t workers, size;
    std::vector<double> curvature, centre, optimum;
    double smoothness = 0;  ///< largest curvature of the mean
    double spread = 0;      ///< quadratic mean of the workers' largest curvatures

    quadratics(std::size_t w, std::size_t n, std::uint64_t seed)
        : workers(w), size(n), curvature(w * n), centre(w * n), optimum(n) {
        pith::random_sequence random(seed);
        for (double& a : curvature) a = 0.1 + 1.9 * random.uniform_double();
        for (double& c : centre) c = 3 * random.gaussian();
        for (std::size_t j = 0; j < n; ++j) {
            double total = 0, pull = 0;
            for (std::size_t i = 0; i < w; ++i) {
                total += curvature[i * n + j];
                pull += curvature[i * n + j] * centre[i * n + j];
            }
            optimum[j] = pull / total;
            smoothness = std::max(smoothness, total / static_cast<double>(w));
        }
        for (std::size_t i = 0; i < w; ++i) {
            double most = 0;
            for (std::size_t j = 0; j < n; ++j) most = std::max(most, curvature[i * n + j]);
            spread += most * most / static_cast<double>(w);
        }
        spread = std::sqrt(spread);
    }
    void gradients(std::span<const double> x, floats& out) const {
        for (std::size_t i = 0; i < workers; ++i)
            for (std::size_t j = 0; j < size; ++j)
                out[i * size + j] =
                    static_cast<float>(curvature[i * size + j] * (x[j] - centre[i * size + j]));
    }
    /// Distance to the optimum over that of the start, zero, and the bytes of all workers.
    template <class Exchange>
    double distance_after(std::size_t steps, double step, Exchange& exchange) const {
        std::vector<double> x(size);
        floats all(workers * size);
        double first = 0, last = 0;
        for (std::size_t t = 0; t < steps; ++t) {
            gradients(x, all);
            const auto direction = exchange.round({std::span<const float>(all), workers, size});
            if (!direction) return HUGE_VAL;  // the iterate has left the floats
            for (std::size_t j = 0; j < size; ++j) x[j] -= step * double{(*direction)[j]};
        }
        for (std::size_t j = 0; j < size; ++j) {
            first += optimum[j] * optimum[j];
            last += (x[j] - optimum[j]) * (x[j] - optimum[j]);
        }
        return std::sqrt(last / first);
    }
};

template <class Scheme>
fb::exchange<Scheme> exchange_of(typename Scheme::worker worker, typename Scheme::server server,
                                 std::size_t workers) {
    return {std::vector<typename Scheme::worker>(workers, std::move(worker)), std::move(server)};
}
template <class Scheme, class C, class... Rest>
fb::exchange<Scheme> simple(const C& c, std::size_t workers, Rest... rest) {
    return exchange_of<Scheme>(typename Scheme::worker(c, rest...), typename Scheme::server(c, workers),
                               workers);
}

TEST_CASE(
    "on heterogeneous quadratics the naive scheme stalls far away, EF14 has a floor that shrinks with the "
    "step, "
    "EF21 and EControl converge exactly") {
    const quadratics problem(10, 40, 1);
    const fb::top_k<> top(40, 2);
    const auto at = [&](auto exchange, double part, std::size_t steps) {
        const double d = problem.distance_after(steps, part / problem.smoothness, exchange);
        CHECK(exchange.bytes_down() == 0);
        CHECK(exchange.bytes_up() >= steps * 10 * 9);   // two floats, and a mask of at least a byte
        CHECK(exchange.bytes_up() <= steps * 10 * 11);  // log2(40 over 2) < 10 bits, in whole bytes
        return d;
    };
    const double naive = at(simple<fb::naive<fb::top_k<>>>(top, 10), 0.05, 2000);
    CHECK(naive > 0.3);
    const double coarse = at(simple<systems::ef14<fb::top_k<>>>(top, 10), 0.2, 4000);
    const double middle = at(simple<systems::ef14<fb::top_k<>>>(top, 10), 0.05, 4000);
    const double fine = at(simple<systems::ef14<fb::top_k<>>>(top, 10), 0.02, 8000);
    CHECK(coarse > 1.5 * middle);
    CHECK(middle > 1.5 * fine);
    CHECK(fine > 1e-3);
    CHECK(at(simple<systems::ef21<fb::top_k<>>>(top, 10), 0.05, 6000) < 1e-5);
    CHECK(at(simple<systems::econtrol<fb::top_k<>>>(top, 10, 0.05F), 0.02, 20000) < 1e-5);
}

TEST_CASE(
    "the naive scheme diverges where the compressed gradient points away; EF14, EF21 and EControl do not") {
    // Three workers, f_i(x) = (a_i, x)^2 + |x|^2 / 4 with the a_i of Beznosikov et al. (2020), top-1 of 3:
    // all the messages point away from the optimum.
    const double a[3][3] = {{-3, 2, 2}, {2, -3, 2}, {2, 2, -3}};
    const auto run = [&](auto exchange, double step) {
        double x[3] = {1, 1, 1};
        for (int t = 0; t < 400; ++t) {
            floats all(9);
            for (std::size_t i = 0; i < 3; ++i) {
                const double along = a[i][0] * x[0] + a[i][1] * x[1] + a[i][2] * x[2];
                for (std::size_t j = 0; j < 3; ++j)
                    all[3 * i + j] = static_cast<float>(2 * along * a[i][j] + 0.5 * x[j]);
            }
            const auto direction = exchange.round({std::span<const float>(all), 3, 3});
            if (!direction) return HUGE_VAL;
            for (std::size_t j = 0; j < 3; ++j) x[j] -= step * double{(*direction)[j]};
        }
        return std::sqrt((x[0] * x[0] + x[1] * x[1] + x[2] * x[2]) / 3);
    };
    const fb::top_k<> top(3, 1);
    CHECK(run(simple<fb::naive<fb::top_k<>>>(top, 3), 0.01) > 1e3);
    CHECK(run(simple<systems::ef14<fb::top_k<>>>(top, 3), 0.01) < 0.2);
    CHECK(run(simple<systems::ef21<fb::top_k<>>>(top, 3), 0.01) < 0.05);
    CHECK(run(simple<systems::econtrol<fb::top_k<>>>(top, 3, 0.3F), 0.01) < 0.2);
    CHECK(run(simple<fb::naive<fb::identity>>(fb::identity(3), 3), 0.01) < 0.05);
}

TEST_CASE("what EF14 sends and keeps is all that it was given") {
    constexpr std::size_t n = 50;
    fb::error_feedback_worker<fb::scaled_sign> worker{fb::scaled_sign(n)};
    std::vector<double> given(n), sent(n);
    bytes out(worker.max_encoded_size());
    for (std::uint64_t t = 0; t < 100; ++t) {
        const floats g = heavy(n, t);
        REQUIRE(worker.send(g, {t, 0}, out).has_value());
        for (std::size_t i = 0; i < n; ++i) {
            given[i] += double{g[i]};
            sent[i] += double{worker.sent()[i]};
        }
    }
    for (std::size_t i = 0; i < n; ++i)
        CHECK(sent[i] + double{worker.memory()[i]} == Approx(given[i]).margin(1e-2));
}

TEST_CASE("a gradient that is not finite leaves a worker as it was") {
    constexpr std::size_t n = 12;
    fb::error_feedback_worker<fb::top_k<>> one{fb::top_k<>(n, 3)}, other = one;
    bytes a(one.max_encoded_size()), b(a.size());
    floats bad = gaussian(n, 1);
    bad[4] = NAN;
    REQUIRE(one.send(gaussian(n, 2), {0, 0}, a).has_value());
    REQUIRE(other.send(gaussian(n, 2), {0, 0}, b).has_value());
    CHECK_FALSE(one.send(bad, {1, 0}, a).has_value());
    REQUIRE(one.send(gaussian(n, 3), {1, 0}, a).has_value());
    REQUIRE(other.send(gaussian(n, 3), {1, 0}, b).has_value());
    CHECK(a == b);
}

TEST_CASE("EF21's server believes of each worker what the worker thinks it does; with weights too") {
    constexpr std::size_t n = 30, workers = 4;
    using scheme = systems::ef21<fb::top_k<>>;
    const double weights[workers] = {0.1, 0.2, 0.3, 0.4};
    std::vector<scheme::worker> sides;
    for (const double w : weights)
        sides.emplace_back(fb::top_k<>(n, 5),
                           fb::difference_options{.scale = static_cast<float>(1 / (workers * w))});
    fb::exchange<scheme> exchange(std::move(sides),
                                  {fb::top_k<>(n, 5), std::vector<double>(weights, weights + workers)});
    const floats all = gaussian(n * workers, 3);  // the same gradients again and again are learned wholly
    for (int t = 0; t < 40; ++t)
        REQUIRE(exchange.round({std::span<const float>(all), workers, n}).has_value());
    for (std::size_t j = 0; j < n; ++j) {
        double believed = 0, mean = 0;
        for (std::size_t w = 0; w < workers; ++w) {
            believed += weights[w] * exchange.workers()[w].believed()[j];
            mean += double{all[w * n + j]} / workers;
        }
        CHECK(double{exchange.server().direction()[j]} == Approx(believed).margin(1e-5));
        CHECK(believed == Approx(mean).margin(1e-5));
    }
}

TEST_CASE("EF21 with momentum averages what it is given") {
    constexpr std::size_t n = 8;
    fb::difference_worker<fb::identity> worker(fb::identity(n), {.momentum = 0.1F});
    bytes out(worker.max_encoded_size());
    double mean = 0;
    for (std::uint64_t t = 0; t < 200; ++t) {
        const floats g(n, t % 2 == 0 ? 3.0F : 1.0F);
        REQUIRE(worker.send(g, {t, 0}, out).has_value());
        mean = t == 0 ? 3 : mean + 0.1 * (double{g[0]} - mean);
    }
    CHECK(worker.believed()[0] == Approx(mean).epsilon(1e-4));
}

TEST_CASE(
    "deep gradient compression that sends all is momentum descent, and else conserves what it is given") {
    constexpr std::size_t n = 64;
    fb::momentum_options options{.mask = false, .schedule = {.ratio = 1}};
    fb::momentum_worker<fb::top_k<>> whole(fb::top_k<>(n, n), options);
    options.schedule = {.ratio = 0.01, .warm_up = 3, .stage_steps = 2};
    fb::momentum_worker<fb::top_k<>> sparse(fb::top_k<>(n, n), options);
    bytes out(whole.max_encoded_size());
    std::vector<double> velocity(n), owed(n);
    for (std::uint64_t t = 0; t < 60; ++t) {
        const floats g = gaussian(n, t);
        REQUIRE(whole.send(g, {t, 0}, out).has_value());
        const auto size = sparse.send(g, {t, 0}, out);
        REQUIRE(size.has_value());
        CHECK(*size >= 4 * options.schedule.kept(n, t));
        for (std::size_t i = 0; i < n; ++i) {
            velocity[i] = 0.9 * velocity[i] + double{g[i]};
            CHECK(double{whole.sent()[i]} == Approx(velocity[i]).margin(1e-4));
            owed[i] += velocity[i] - double{sparse.sent()[i]};
        }
    }
    for (std::size_t i = 0; i < n; ++i) CHECK(double{sparse.memory()[i]} == Approx(owed[i]).margin(1e-3));
    CHECK(options.schedule.kept(n, 0) == 21);  // 64 * 0.01^(1/4) = 20.2
    CHECK(options.schedule.kept(n, 7) == 1);
    CHECK(options.schedule.kept(n, 1000) == 1);
}

TEST_CASE("clipping bounds what deep gradient compression takes in, masking forgets what was sent") {
    constexpr std::size_t n = 16;
    fb::momentum_worker<fb::top_k<>> worker(fb::top_k<>(n, n),
                                            {.clip = 0.5, .schedule = {.ratio = 0.25, .warm_up = 0}});
    bytes out(worker.max_encoded_size());
    const floats g = gaussian(n, 1);
    REQUIRE(worker.send(g, {0, 0}, out).has_value());
    double taken = 0;
    std::size_t sent = 0;
    for (std::size_t i = 0; i < n; ++i) {
        taken += std::pow(double{worker.sent()[i] + worker.memory()[i]}, 2);
        sent += worker.sent()[i] != 0;
        CHECK((worker.velocity()[i] == 0) == (worker.sent()[i] != 0));
    }
    CHECK(std::sqrt(taken) == Approx(0.5).epsilon(1e-5));
    CHECK(sent == 4);
}

TEST_CASE("1-bit Adam without loss is Adam with frozen variance; with it, all momenta are sent or kept") {
    constexpr std::size_t n = 20, workers = 3;
    const fb::adam_options options{.variance_rate = 0.05F, .warm_up = 5};
    using exact = fb::frozen_adam<fb::identity>;
    using coarse = systems::one_bit_adam;
    fb::exchange<exact> plain(std::vector(workers, exact::worker(fb::identity(n), options)),
                              {fb::identity(n), workers, options});
    fb::exchange<coarse> bits(std::vector(workers, coarse::worker(fb::scaled_sign(n), options)),
                              {fb::scaled_sign(n), workers, options});
    std::vector<double> m(n), v(n), wanted(workers * n), sent(workers * n);
    for (std::size_t t = 0; t < 40; ++t) {
        const floats all = gaussian(n * workers, t);
        const floats before(bits.workers()[0].momentum().begin(), bits.workers()[0].momentum().end());
        const auto direction = plain.round({std::span<const float>(all), workers, n});
        REQUIRE((direction.has_value() && bits.round({std::span<const float>(all), workers, n}).has_value()));
        for (std::size_t j = 0; j < n; ++j) {
            double g = 0;
            for (std::size_t w = 0; w < workers; ++w) g += double{all[w * n + j]} / workers;
            m[j] += 0.1 * (g - m[j]);
            if (t < 5) v[j] += 0.05 * (g * g - v[j]);
            CHECK(double{(*direction)[j]} ==
                  Approx(m[j] / (std::sqrt(v[j]) + 1e-8)).epsilon(1e-3).margin(1e-4));
            for (std::size_t w = 0; w < workers && t >= 5; ++w) {
                wanted[w * n + j] += double{before[j]} + 0.1 * double{all[w * n + j] - before[j]};
                sent[w * n + j] += double{bits.workers()[w].sent()[j]};
            }
        }
    }
    for (std::size_t w = 0; w < workers; ++w) {
        for (std::size_t j = 0; j < n; ++j) {
            CHECK(sent[w * n + j] + double{bits.workers()[w].memory()[j]} ==
                  Approx(wanted[w * n + j]).margin(1e-3));
            CHECK(bits.workers()[w].momentum()[j] == bits.server().momentum()[j]);
        }
    }
    // 5 plain steps of 80 bytes, 35 steps of 4 + 3 bytes; a worker.
    CHECK(bits.bytes_up() == workers * (5 * 80 + 35 * 7));
    CHECK(bits.bytes_down() == bits.bytes_up());
}

/// The game min over x, max over y of mean_i x^T A_i y + small quadratics, as the operator F_i(z).
struct bilinear_game {
    static constexpr std::size_t half = 10, size = 2 * half, workers = 4;
    std::vector<double> a = std::vector<double>(workers * half * half);
    std::vector<double> b = std::vector<double>(workers * size);

    bilinear_game() {
        pith::random_sequence random(11);
        for (std::size_t w = 0; w < workers; ++w)
            for (std::size_t i = 0; i < half; ++i)
                for (std::size_t j = 0; j < half; ++j)
                    a[(w * half + i) * half + j] = 0.1 * random.gaussian() + (i == j ? 1.0 : 0.0);
        for (double& v : b) v = random.gaussian();
    }
    void evaluate(std::span<const float> z, floats& out) const {
        for (std::size_t w = 0; w < workers; ++w) {
            for (std::size_t i = 0; i < half; ++i) {
                double x = b[w * size + i], y = b[w * size + half + i];
                for (std::size_t j = 0; j < half; ++j) {
                    x += a[(w * half + i) * half + j] * double{z[half + j]};
                    y -= a[(w * half + j) * half + i] * double{z[j]};
                }
                out[w * size + i] = static_cast<float>(x);
                out[w * size + half + i] = static_cast<float>(y);
            }
        }
    }
    [[nodiscard]] double residual(std::span<const float> z) const {
        floats out(workers * size);
        evaluate(z, out);
        double sum = 0;
        for (std::size_t j = 0; j < size; ++j) {
            double mean = 0;
            for (std::size_t w = 0; w < workers; ++w) mean += double{out[w * size + j]} / workers;
            sum += mean * mean;
        }
        return std::sqrt(sum);
    }
    template <class Exchange>
    double anchored(Exchange exchange, fb::anchored_options options, int steps) const {
        const floats start(size);
        fb::anchored_extragradient iterate(start, options);
        floats at_reference(workers * size), at_half(workers * size), mean(size);
        const auto refresh = [&] {
            evaluate(iterate.reference(), at_reference);
            for (std::size_t j = 0; j < size; ++j) {
                mean[j] = 0;
                for (std::size_t w = 0; w < workers; ++w) mean[j] += at_reference[w * size + j] / workers;
            }
        };
        refresh();
        for (int t = 0; t < steps; ++t) {
            evaluate(iterate.half_point(mean), at_half);
            for (std::size_t i = 0; i < at_half.size(); ++i) at_half[i] -= at_reference[i];
            const auto direction = exchange.round({std::span<const float>(at_half), workers, size});
            if (!direction) return HUGE_VAL;
            if (iterate.advance(*direction)) refresh();
        }
        return residual(iterate.iterate());
    }
    template <class Exchange>
    double descent(Exchange exchange, float step, int steps) const {
        floats z(size), all(workers * size);
        for (int t = 0; t < steps; ++t) {
            evaluate(z, all);
            const auto direction = exchange.round({std::span<const float>(all), workers, size});
            if (!direction) return HUGE_VAL;
            for (std::size_t j = 0; j < size; ++j) z[j] -= step * (*direction)[j];
        }
        return residual(z);
    }
};

TEST_CASE("on a bilinear game MASHA1 and MASHA2 converge and compressed descent-ascent does not") {
    const bilinear_game game;
    const floats start(game.size);
    const double at_start = game.residual(start);
    const fb::random_k<> random(game.size, 10, 3);
    const fb::top_k<> top(game.size, 10);
    CHECK(game.descent(simple<fb::naive<fb::random_k<>>>(random, 4), 0.1F, 2000) > at_start);
    CHECK(game.anchored(simple<systems::masha1<>>(random, 4), {.step = 0.1F, .stay = 0.75F}, 3000) <
          1e-3 * at_start);
    CHECK(game.anchored(simple<systems::masha2<>>(top, 4), {.step = 0.1F, .stay = 0.75F}, 3000) <
          1e-3 * at_start);
}

TEST_CASE(
    "PowerSGD's factors add up: the mean of products is the product of means, and no gradient is lost") {
    const fb::low_rank_shape shape{12, 9, 2};
    constexpr std::size_t workers = 3;
    std::vector<fb::power_averaging> sides(workers, fb::power_averaging(shape, 5));
    std::vector<double> given(shape.size()), updated(shape.size());
    for (std::uint64_t t = 0; t < 30; ++t) {
        floats left(shape.left_size()), right(shape.right_size()), mean(shape.size()),
            of_mean(shape.left_size());
        std::vector<floats> gradients;
        for (std::size_t w = 0; w < workers; ++w) gradients.push_back(gaussian(shape.size(), 100 * t + w));
        if (t == 0) {  // equal memories: the factor of the mean gradient is the mean of the factors
            for (const floats& g : gradients)
                for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += g[i] / workers;
            fb::power_averaging alone(shape, 5);
            const auto got = alone.left(mean);
            of_mean.assign(got.begin(), got.end());
        }
        for (std::size_t w = 0; w < workers; ++w) {
            const auto l = sides[w].left(gradients[w]);
            for (std::size_t i = 0; i < left.size(); ++i) left[i] += l[i] / workers;
            for (std::size_t i = 0; i < mean.size(); ++i) given[i] += double{gradients[w][i]} / workers;
        }
        for (std::size_t i = 0; i < left.size() && t == 0; ++i)
            CHECK(double{left[i]} == Approx(double{of_mean[i]}).margin(1e-5));
        for (auto& side : sides) {
            const auto r = side.right(left);
            for (std::size_t i = 0; i < right.size(); ++i) right[i] += r[i] / workers;
        }
        for (std::size_t w = 0; w < workers; ++w) {
            const auto update = sides[w].update(right);
            for (std::size_t i = 0; i < mean.size() && w == 0; ++i) updated[i] += double{update[i]};
        }
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
        double kept = 0;
        for (const auto& side : sides) kept += double{side.memory()[i]} / workers;
        CHECK(updated[i] + kept == Approx(given[i]).margin(1e-3));
    }
}

TEST_CASE("a warm start finds the top subspace of a fixed matrix") {
    const fb::low_rank_shape shape{20, 16, 2};
    // Two strong directions that overlap nothing else: rows 0 and 1 of a frame of cosines, plus little noise.
    floats m = gaussian(shape.size(), 1);
    for (std::size_t i = 0; i < 20; ++i)
        for (std::size_t j = 0; j < 16; ++j) {
            const double u0 = std::cos(0.3 * static_cast<double>(i)),
                         u1 = std::sin(0.5 * static_cast<double>(i));
            const double v0 = std::sin(0.7 * static_cast<double>(j)),
                         v1 = std::cos(0.2 * static_cast<double>(j));
            m[16 * i + j] = 0.01F * m[16 * i + j] + static_cast<float>(5 * u0 * v0 + 3 * u1 * v1);
        }
    fb::low_rank compressor(shape, 1);
    bytes out(compressor.max_encoded_size());
    floats y(shape.size());
    double first = 0, last = 0;
    for (std::uint64_t t = 0; t < 8; ++t) {
        const auto size = compressor.encode_into(m, t, out);
        REQUIRE(size.has_value());
        REQUIRE(compressor.decode_into(out, t, y).has_value());
        double error = 0;
        for (std::size_t i = 0; i < y.size(); ++i) error += std::pow(double{y[i]} - double{m[i]}, 2);
        (t == 0 ? first : last) = error;
    }
    CHECK(last <= first);
    CHECK(last < 1.01 * 1e-4 * 320);  // not above the noise, whose two greatest directions are fitted too
}

}  // namespace
