// bench svd: truncated decompositions against Eigen's full one, by time and by error beyond the optimal.
#include <pith/linalg/svd_solvers.hpp>

#include <Eigen/SVD>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "support/arguments.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

using matrix = pith::linalg::matrix<float>;

/// A quantization error: normal deviates, columns of log-normal scale; its spectrum is flat.
matrix flat(std::size_t n) {
    pith::random_sequence random(3);
    matrix out(n, n);
    for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = static_cast<float>(random.gaussian());
    for (std::size_t c = 0; c < n; ++c) {
        const float scale = static_cast<float>(std::exp(0.5 * random.gaussian()));
        for (std::size_t r = 0; r < n; ++r) out(r, c) *= scale;
    }
    return out;
}

struct measured {
    std::string name;
    double seconds = 0, excess = 0;
};

template <pith::linalg::svd_solver Solver>
measured measure(const std::string& name, const Solver& solver, const matrix& a, std::size_t rank,
                 double optimal, std::size_t repeats) {
    const pith::linalg::dense_operator of(a.view());
    std::vector<double> seconds;
    double error = 0;
    for (std::size_t i = 0; i < repeats; ++i) {
        const double begin = bench::seconds_now();
        const auto got = solver(of, rank, 7);
        seconds.push_back(bench::seconds_now() - begin);
        // From the reconstruction, not from what the solver says.
        error =
            std::sqrt(pith::linalg::squared_norm<float>(pith::linalg::difference<float>(a, got->product())));
    }
    return {name, bench::median(seconds), error / optimal - 1};
}

}  // namespace

int main(int count, char** words) {
    const auto arguments =
        bench::parse_arguments(count, words, "Truncated decompositions against Eigen's BDCSVD, rank 64.");
    std::printf("%s\n", bench::machine_line().c_str());
    const std::size_t n = arguments.quick ? 192 : 2048, rank = arguments.quick ? 16 : 64;
    const std::size_t repeats = arguments.quick ? 1 : 5;
    const matrix a = flat(n);
    bench::progress_line progress;
    progress.show("BDCSVD", 0, 7);
    using dense = Eigen::MatrixXf;
    const Eigen::Map<const dense> all(a.data(), static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(n));
    const double begin = bench::seconds_now();
    const Eigen::BDCSVD<dense> full(all, Eigen::ComputeThinU | Eigen::ComputeThinV);
    const double full_seconds = bench::seconds_now() - begin;
    double rest = 0;
    for (std::size_t i = rank; i < n; ++i) {
        const double v = static_cast<double>(full.singularValues()[static_cast<Eigen::Index>(i)]);
        rest += v * v;
    }
    const double optimal = std::sqrt(rest);
    namespace linalg = pith::linalg;
    std::vector<measured> list;
    const auto add = [&](const std::string& name, const auto& solver) {
        progress.show(name, list.size() + 1, 7);
        list.push_back(measure(name, solver, a, rank, optimal, repeats));
    };
    add("randomized, 1 power step", linalg::randomized{.power = 1});
    add("randomized, 2 power steps", linalg::randomized{});
    add("randomized, 4 power steps", linalg::randomized{.power = 4});
    add("block Krylov, short", linalg::short_krylov);
    add("block Krylov", linalg::block_krylov{});
    add("subspace iteration", linalg::subspace_iteration{});
    progress.clear();

    const std::string data = std::to_string(n) + " x " + std::to_string(n) + ", rank " + std::to_string(rank);
    bench::table table(data, {{"solver", true}, {"seconds"}, {"error beyond optimal"}, {"BDCSVD / this"}});
    bench::rows rows;
    table.add({"Eigen BDCSVD, thin", bench::decimal(full_seconds, 3), "", "1.0"});
    for (const measured& m : list) {
        char excess[32];
        std::snprintf(excess, sizeof(excess), "%.1e", m.excess);
        table.add(
            {m.name, bench::decimal(m.seconds, 4), excess, bench::decimal(full_seconds / m.seconds, 1)});
        rows.add(m.name, data, "speed against BDCSVD", full_seconds / m.seconds, "x", bench::better::higher);
        rows.add(m.name, data, "error beyond optimal", m.excess, "share", bench::better::lower);
    }
    table.print(
        "Error: Frobenius norm of what the product lacks, over that of the optimum, minus 1. CPU time.");
    return rows.write(arguments.json) ? 0 : 1;
}
