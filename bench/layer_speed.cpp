// bench layer_speed: what GPTQ and EoRA of one large layer take, stage by stage, against Eigen's products in
// the same run.
#include <pith/calibrate/group_affine.hpp>
#include <pith/calibrate/successive.hpp>
#include <pith/linalg/gram.hpp>
#include <pith/systems/lowrank.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "support/arguments.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

namespace calibrate = pith::calibrate;
namespace linalg = pith::linalg;
using matrix = linalg::matrix<float>;

/// Neighbours share most of their noise; uniform deviates, since only the time matters.
matrix correlated(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    pith::random_sequence random(seed);
    matrix out(rows, columns);
    for (std::size_t r = 0; r < rows; ++r) {
        float last = 0;
        for (float& v : out.row(r))
            v = last = 0.8F * last + static_cast<float>(random.below(65536)) * 0x1p-16F - 0.5F;
    }
    return out;
}

/// Leaves columns as they are: what the loop costs without a quantizer.
struct unchanged {
    std::size_t group() const { return 0; }
    pith::result<void> start(pith::view_2d<const float>, std::span<const float>) { return {}; }
    void fit(std::size_t, pith::view_2d<const float>) {}
    void quantize(std::size_t, std::span<const float> running, std::span<float> out) {
        std::copy(running.begin(), running.end(), out.begin());
    }
};

struct stage {
    std::string name;
    double operations = 0;  ///< multiplications and additions that the stage cannot do without, each one
    double seconds = 1e9;
};

template <class Run>
void keep_best(stage& s, const Run& run) {
    const double begin = bench::seconds_now();
    run();
    s.seconds = std::min(s.seconds, bench::seconds_now() - begin);
}

}  // namespace

int main(int count, char** words) {
    const auto arguments =
        bench::parse_arguments(count, words, "GPTQ and EoRA of a large layer, stage by stage.");
    std::printf("%s\n", bench::machine_line().c_str());
    const std::size_t n = arguments.quick ? 256 : 4096, samples = n + n / 8, rank = 64;
    const double cube = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
    const matrix x = correlated(samples, n, 1), w = correlated(n, n, 2);
    const std::size_t part = n / 2;
    stage product{"Eigen's product of matrices, float", cube / 4}, wide{"the same, double", cube / 32},
        gram{"second moments of the inputs", cube * 9 / 8},
        factor{"metric: order, factor, feedback", cube / 3}, loop{"the loop, 4 bits in groups of 128", cube},
        bare{"the loop without a quantizer", cube}, all{"GPTQ in all", cube * (9.0 / 8 + 1.0 / 3 + 1)},
        correction{"EoRA, rank 64, of what GPTQ left", 0};
    bench::progress_line progress;
    const std::size_t repeats = arguments.quick ? 1 : 3;
    matrix c(part, part);
    linalg::matrix<double> d(part / 2, part / 2), e = d;
    bool good = true;
    for (std::size_t i = 0; i < repeats; ++i) {
        progress.show("repeat", i, repeats);
        keep_best(product, [&] {
            linalg::multiply_add<float>(1, w.view().block(0, 0, part, part), x.view().block(0, 0, part, part),
                                        c);
        });
        keep_best(wide, [&] { linalg::multiply_add<double>(1, d, d, e); });
        linalg::second_moment sum(n);
        linalg::matrix<double> h;
        keep_best(gram, [&] {
            good = good && sum.add(x);
            h = sum.moment();
        });
        pith::result<calibrate::metric> how = linalg::wrong_shape();
        keep_best(factor,
                  [&] { how = calibrate::prepare(h, {.order = calibrate::column_order::falling_diagonal}); });
        pith::result<calibrate::successive_result> done = linalg::wrong_shape();
        keep_best(loop, [&] {
            calibrate::group_affine<4> quantizer(128);
            done = calibrate::successive_quantize(w, *how, quantizer);
        });
        keep_best(bare, [&] {
            unchanged quantizer;
            good = good && calibrate::successive_quantize(w, *how, quantizer);
        });
        const matrix left = linalg::difference<float>(w, done->quantized);
        keep_best(correction,
                  [&] { good = good && pith::systems::eora{}(left, pith::systems::eora_metric(h), rank); });
    }
    progress.clear();
    all.seconds = gram.seconds + factor.seconds + loop.seconds;
    const std::string data =
        std::to_string(n) + " x " + std::to_string(n) + ", " + std::to_string(samples) + " samples";
    bench::table table(data, {{"stage", true}, {"seconds"}, {"GFLOP/s"}, {"of Eigen's product"}});
    bench::rows rows;
    for (const stage& s : {product, wide, gram, factor, loop, bare, all, correction}) {
        const double rate = s.operations / s.seconds * 1e-9;
        const double whole = product.operations / product.seconds * 1e-9;
        table.add({s.name, bench::decimal(s.seconds, 3), s.operations > 0 ? bench::decimal(rate, 1) : "",
                   s.operations > 0 ? bench::decimal(rate / whole, 2) : ""});
        rows.add(s.name, data, "time", s.seconds, "s", bench::better::lower);
    }
    table.print(
        "CPU time, best of the repeats. Operations: those without which the stage cannot do; the factor is "
        "made in "
        "double.");
    return rows.write(arguments.json) && good ? 0 : 1;
}
