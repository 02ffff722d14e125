// Logistic regression on several simulated workers with different data: loss against bytes on the wire.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pith/core/exact.hpp>
#include <pith/core/random.hpp>
#include <pith/feedback/exchange.hpp>
#include <pith/feedback/natural.hpp>
#include <pith/feedback/stochastic_uniform.hpp>
#include <pith/systems/feedback.hpp>

namespace {

namespace fb = pith::feedback;
namespace systems = pith::systems;

struct settings {
    std::size_t workers = 10;
    std::size_t features = 200;
    std::size_t samples = 60;  ///< of each worker
    std::size_t steps = 1500;
    std::size_t kept = 5;  ///< values a sparse message keeps
    std::size_t seed = 1;
};

/// Mean over workers of mean log(1 + exp(-y (a, x))) + |x|^2 / 2000. Each worker's points have a centre, a
/// scale and a separating plane of their own.
class regression {
  public:
    static constexpr double ridge = 1e-3;

    explicit regression(const settings& s)
        : workers_(s.workers),
          size_(s.features),
          samples_(s.samples),
          points_(s.workers * s.samples * s.features) {
        pith::random_sequence random(s.seed);
        std::vector<double> plane(size_), centre(size_);
        std::vector<double> common(size_);
        for (double& v : common) v = random.gaussian();
        float* point = points_.data();
        for (std::size_t w = 0; w < workers_; ++w) {
            for (std::size_t j = 0; j < size_; ++j) {
                plane[j] = common[j] + random.gaussian();
                centre[j] = random.gaussian() * 0.3;
            }
            const double scale = std::exp(0.5 * random.gaussian());
            for (std::size_t i = 0; i < samples_; ++i, point += size_) {
                double along = 0;
                for (std::size_t j = 0; j < size_; ++j) {
                    // Features of very different size, as in real data: sparse messages find few that matter.
                    const double value =
                        scale * (centre[j] + random.gaussian()) / (1.0 + 0.1 * static_cast<double>(j));
                    point[j] = static_cast<float>(value);
                    along += plane[j] * value;
                }
                const float label = along > 0 ? 1 : -1;
                for (std::size_t j = 0; j < size_; ++j) point[j] *= label;
            }
        }
    }

    [[nodiscard]] std::size_t workers() const { return workers_; }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// The loss at x; where wanted, the workers' gradients, one a row.
    double loss(const std::vector<double>& x, std::vector<float>* gradients) const {
        double total = 0;
        const std::vector<float> at(x.begin(), x.end());
        const std::span<const float> points(points_);
        for (std::size_t w = 0; w < workers_; ++w) {
            std::vector<float> g(size_);
            pith::exact::add_scaled(g, static_cast<float>(ridge), at);
            for (std::size_t i = 0; i < samples_; ++i) {
                const auto point = points.subspan((w * samples_ + i) * size_, size_);
                const double margin = double{pith::exact::dot(point, at)};
                const double small = std::exp(-std::fabs(margin));  // never overflows
                total += std::log1p(small) + std::max(-margin, 0.0);
                const double pull = (margin > 0 ? small : 1.0) / (1 + small) / static_cast<double>(samples_);
                if (gradients != nullptr) pith::exact::add_scaled(g, static_cast<float>(-pull), point);
            }
            if (gradients != nullptr)
                std::copy(g.begin(), g.end(), gradients->begin() + static_cast<std::ptrdiff_t>(w * size_));
        }
        double squares = 0;
        for (const double v : x) squares += v * v;
        return total / static_cast<double>(workers_ * samples_) + ridge / 2 * squares;
    }

    /// An upper bound of the curvature: a quarter of the mean of |a|^2, and the ridge.
    [[nodiscard]] double smoothness() const {
        double squares = 0;
        for (const float v : points_) squares += double{v} * double{v};
        return squares / static_cast<double>(workers_ * samples_) / 4 + ridge;
    }

    /// The least loss, by accelerated gradient descent without compression.
    [[nodiscard]] double least_loss() const {
        std::vector<double> x(size_), y(size_), before(size_);
        std::vector<float> all(workers_ * size_);
        const double step = 1 / smoothness();
        const double momentum = (1 - std::sqrt(ridge * step)) / (1 + std::sqrt(ridge * step));
        double best = loss(x, nullptr);
        for (int t = 0; t < 3000; ++t) {
            loss(y, &all);
            before = x;
            for (std::size_t j = 0; j < size_; ++j) {
                double mean = 0;
                for (std::size_t w = 0; w < workers_; ++w) mean += double{all[w * size_ + j]};
                x[j] = y[j] - step * mean / static_cast<double>(workers_);
                y[j] = x[j] + momentum * (x[j] - before[j]);
            }
            if (t % 100 == 99) best = std::min(best, loss(x, nullptr));
        }
        return best;
    }

  private:
    std::size_t workers_, size_, samples_;
    std::vector<float> points_;  // times their labels
};

/// An exchange behind one type: gradients in, direction out, and the bytes that this took so far.
struct channel {
    std::function<pith::result<std::span<const float>>(pith::view_2d<const float>)> round;
    std::function<std::uint64_t()> bytes;
};

template <class Scheme>
channel channel_of(typename Scheme::worker worker, typename Scheme::server server, std::size_t workers) {
    using exchange = fb::exchange<Scheme>;
    const auto it = std::make_shared<exchange>(std::vector<typename Scheme::worker>(workers, worker), server);
    return {[it](auto gradients) { return it->round(gradients); },
            [it] { return it->bytes_up() + it->bytes_down(); }};
}

struct method {
    std::string name;
    std::function<channel()> make;
    bool adaptive = false;  ///< its steps are lengths, not multiples of a gradient
};

template <template <class> class Scheme, class C, class... Rest>
method method_of(std::string name, const regression& problem, C code, Rest... rest) {
    const std::size_t workers = problem.workers();
    return {std::move(name), [=] {
                using scheme = Scheme<C>;
                return channel_of<scheme>(typename scheme::worker(code, rest...),
                                          typename scheme::server(code, workers), workers);
            }};
}

std::vector<method> methods(const regression& problem, const settings& s) {
    const std::size_t n = problem.size();
    const fb::top_k<> sparse(n, s.kept);
    const fb::scaled_sign sign(n);
    std::vector<method> out;
    out.push_back(method_of<fb::naive>("no compression", problem, fb::identity(n)));
    out.push_back(method_of<fb::naive>("natural", problem, fb::natural<>(n, s.seed)));
    out.push_back(method_of<fb::naive>("QSGD, 4 levels", problem, fb::stochastic_uniform(n, 4, s.seed)));
    out.push_back(method_of<fb::naive>("random-k", problem, fb::random_k<>(n, s.kept, s.seed)));
    out.push_back(method_of<fb::naive>("naive top-k", problem, sparse));
    out.push_back(method_of<fb::naive>("naive sign", problem, sign));
    out.push_back(method_of<systems::ef14>("EF14 top-k", problem, sparse));
    out.push_back(method_of<systems::ef14>("EF14 sign", problem, sign));
    out.push_back(method_of<systems::ef21>("EF21 top-k", problem, sparse));
    const auto eta = static_cast<float>(sparse.contraction());
    out.push_back(method_of<systems::econtrol>("EControl top-k", problem, sparse, eta));
    const fb::momentum_options dgc{.schedule = {.ratio = static_cast<double>(s.kept) / static_cast<double>(n),
                                                .stage_steps = s.steps / 50 + 1}};
    out.push_back({"DGC", [=, workers = s.workers] {
                       using scheme = systems::deep_gradient_compression;
                       return channel_of<scheme>(scheme::worker(sparse, dgc),
                                                 scheme::server(sparse, workers, dgc.schedule), workers);
                   }});
    fb::momentum_options unmasked = dgc;
    unmasked.mask = false;
    out.push_back({"DGC, no masking", [=, workers = s.workers] {
                       using scheme = systems::deep_gradient_compression;
                       return channel_of<scheme>(scheme::worker(sparse, unmasked),
                                                 scheme::server(sparse, workers, unmasked.schedule), workers);
                   }});
    const fb::adam_options adam{.epsilon = 1e-4F, .warm_up = s.steps / 6 + 1};
    out.push_back({"1-bit Adam",
                   [=, workers = s.workers] {
                       using scheme = systems::one_bit_adam;
                       return channel_of<scheme>(scheme::worker(sign, adam),
                                                 scheme::server(sign, workers, adam), workers);
                   },
                   true});
    return out;
}

constexpr std::size_t budgets = 5;

struct outcome {
    double step = 0;
    double final_excess = HUGE_VAL;
    double bytes = 0;             ///< of one worker
    double excess[budgets] = {};  ///< when the budgets were spent; negative: they were not
};

/// What a worker of the uncompressed method sends in all, times 1, 1/4, 1/16, ...
double budget(const settings& s, std::size_t column) {
    return 4.0 * static_cast<double>(s.features * s.steps) /
           std::pow(4.0, static_cast<double>(budgets - 1 - column));
}

outcome run(const regression& problem, const settings& s, const method& how, double step, double least) {
    channel wire = how.make();
    std::vector<double> x(problem.size());
    std::vector<float> gradients(problem.workers() * problem.size());
    outcome out{.step = step};
    for (double& e : out.excess) e = -1;
    for (std::size_t t = 0; t <= s.steps; ++t) {
        const double excess = problem.loss(x, &gradients) - least;
        out.bytes = static_cast<double>(wire.bytes()) / static_cast<double>(problem.workers());
        for (std::size_t b = 0; b < budgets; ++b)
            if (out.excess[b] < 0 && out.bytes >= budget(s, b)) out.excess[b] = std::max(excess, 0.0);
        out.final_excess = std::isfinite(excess) ? std::max(excess, 0.0) : HUGE_VAL;
        if (t == s.steps || !(excess < 1e6)) break;
        const auto direction =
            wire.round({std::span<const float>(gradients), problem.workers(), problem.size()});
        if (!direction) return out.final_excess = HUGE_VAL, out;
        for (std::size_t j = 0; j < x.size(); ++j) x[j] -= step * double{(*direction)[j]};
    }
    return out;
}

/// The best of a few steps, a factor of four apart: each method gets its own.
outcome best_run(const regression& problem, const settings& s, const method& how, double least) {
    outcome best;
    const double longest = how.adaptive ? 0.1 : 16 / problem.smoothness();
    for (const double part : {1.0, 0.25, 0.0625, 0.015625}) {
        const outcome got = run(problem, s, how, part * longest, least);
        if (got.final_excess < best.final_excess || best.step == 0) best = got;
    }
    return best;
}

[[noreturn]] void usage(const char* program, int status) {
    std::fprintf(
        status == 0 ? stdout : stderr,
        "usage: %s [--workers N] [--features N] [--samples N] [--steps N] [--kept N] [--seed N]\n\n"
        "Logistic regression on simulated workers whose data differ. Prints, for every way to compress\n"
        "gradients, how far the loss is from the least one after given numbers of bytes on the wire.\n\n"
        "  --workers N   1 to 1000 (10)\n"
        "  --features N  1 to 100000 (200)\n"
        "  --samples N   of each worker, 1 to 100000 (60)\n"
        "  --steps N     1 to 1000000 (1500)\n"
        "  --kept N      values in a sparse message, 1 to the number of features (5)\n"
        "  --seed N      of the data and of what is random in messages (1)\n",
        program);
    std::exit(status);
}

settings read_arguments(int count, char** words) {
    settings s;
    const struct {
        std::string_view name;
        std::size_t& value;
        std::size_t least, most;
    } options[] = {{"--workers", s.workers, 1, 1000},   {"--features", s.features, 1, 100000},
                   {"--samples", s.samples, 1, 100000}, {"--steps", s.steps, 1, 1000000},
                   {"--kept", s.kept, 1, 100000},       {"--seed", s.seed, 0, 0xFFFFFFFF}};
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--help" || word == "-h") usage(words[0], 0);
        bool known = false;
        for (const auto& option : options) {
            if (word != option.name) continue;
            known = true;
            const char* const text = i + 1 < count ? words[++i] : "";
            char* end = nullptr;
            errno = 0;
            const unsigned long long value = std::strtoull(text, &end, 10);
            if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0 || value < option.least ||
                value > option.most) {
                std::fprintf(stderr, "%s: %s takes a number from %zu to %zu, not '%s'\n", words[0],
                             option.name.data(), option.least, option.most, text);
                std::exit(2);
            }
            option.value = static_cast<std::size_t>(value);
        }
        if (!known) {
            std::fprintf(stderr, "%s: cannot read the argument: %s\n\n", words[0], words[i]);
            usage(words[0], 2);
        }
    }
    if (s.kept > s.features) {
        std::fprintf(stderr, "%s: --kept %zu is more than there are features, %zu\n", words[0], s.kept,
                     s.features);
        std::exit(2);
    }
    if (s.workers * s.samples * s.features > std::size_t{1} << 27) {
        std::fprintf(stderr, "%s: workers x samples x features is above 2^27: more than 1 GiB of data\n",
                     words[0]);
        std::exit(2);
    }
    return s;
}

std::string size_text(double bytes) {
    char text[32];
    std::snprintf(text, sizeof text,
                  bytes < 10e3   ? "%.0f B"
                  : bytes < 10e6 ? "%.0f kB"
                                 : "%.0f MB",
                  bytes < 10e3   ? bytes
                  : bytes < 10e6 ? bytes / 1e3
                                 : bytes / 1e6);
    return text;
}
std::string excess_text(double excess) {
    if (excess < 0) return "";
    if (!std::isfinite(excess) || excess > 1e3) return "diverged";
    char text[32];
    std::snprintf(text, sizeof text, "%.1e", excess);
    return text;
}

}  // namespace

int main(int count, char** words) {
    const settings s = read_arguments(count, words);
    const regression problem(s);
    const double least = problem.least_loss();
    std::printf(
        "%zu workers with %zu samples of %zu features each; least loss %.6f, loss at the start %.6f.\n"
        "Loss above the least one when a worker has exchanged so many bytes; %zu steps, each method with\n"
        "the best of four step lengths; sparse messages keep %zu values.\n\n",
        s.workers, s.samples, s.features, least, std::log(2.0), s.steps, s.kept);
    std::printf("%-16s", "method");
    for (std::size_t b = 0; b < budgets; ++b) std::printf(" %9s", size_text(budget(s, b)).c_str());
    std::printf(" %9s %9s %9s\n", "in the end", "bytes", "a step");
    for (const method& how : methods(problem, s)) {
        const outcome got = best_run(problem, s, how, least);
        std::printf("%-16s", how.name.c_str());
        for (const double e : got.excess) std::printf(" %9s", excess_text(e).c_str());
        std::printf("  %9s %9s %9s\n", excess_text(got.final_excess).c_str(), size_text(got.bytes).c_str(),
                    size_text(got.bytes / static_cast<double>(s.steps)).c_str());
        std::fflush(stdout);
    }
    std::printf(
        "\nBytes are those of the messages as written. 1-bit Adam's include the server's answers; what "
        "others\n"
        "tell their workers of the model is not counted. EF14, DGC and 1-bit Adam stay above the least loss\n"
        "while workers' data differ, by less the shorter the step: EF21 and EControl do not. With --workers "
        "1\n"
        "they reach it as well.\n");
    return 0;
}
