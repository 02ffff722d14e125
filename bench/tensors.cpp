// bench tensors: weights of networks in pith's tiers, in published systems and in zstd: size, speed, round
// trip.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"
#include "tensors/contestants.hpp"
#include "tensors/data.hpp"

namespace {

struct measured {
    std::size_t size = 0;
    double encode = 0, decode = 0;  // 10^6 bytes of weights a second
    bool correct = true;
};

/// Measures those contestants that are slow, or those that are not, and fills their places in `found`; the
/// speed of memcpy.
double measure(const bench::weight_set& set, std::vector<bench::contestant>& all, bool slow, bool quick,
               std::vector<measured>& found, bench::progress_line& progress) {
    bench::contest encoding, decoding;
    bench::bytes back(set.data.size()), copy(set.data.size());
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].slow != slow) continue;
        places.push_back(i);
        bench::contestant& c = all[i];
        measured& m = found[i];
        encoding.add(
            c.name, [&c, &m] { m.size = c.encode(); }, [&m] { return m.size != 0; });
        decoding.add(
            c.name, [&c, &m, &back] { m.correct = c.decode(back) && m.correct; },
            [&] {
                const bool same = back == set.data;
                std::memset(back.data(), 0xA5, back.size());
                return same;
            });
    }
    decoding.add(
        "memcpy", [&] { std::memcpy(copy.data(), set.data.data(), copy.size()); },
        [&] { return copy == set.data; });
    bench::effort effort = bench::effort::of(quick);
    if (slow) effort.repeats = 1;
    encoding.run(effort, progress, set.name + ", encoding");
    decoding.run(effort, progress, set.name + ", decoding");
    const double megabytes = 1e-6 * static_cast<double>(set.data.size());
    for (std::size_t k = 0; k < places.size(); ++k) {
        measured& m = found[places[k]];
        m.encode = megabytes / encoding.competitors()[k].seconds;
        m.decode = megabytes / decoding.competitors()[k].seconds;
        m.correct = m.correct && encoding.competitors()[k].correct && decoding.competitors()[k].correct;
    }
    return megabytes / decoding.competitors().back().seconds;
}

std::string speed(double rate) { return bench::decimal(rate, rate < 10 ? 2 : 0); }

/// All contestants on one set; true if every round trip was right.
bool compare(const bench::weight_set& set, bool quick, bench::rows& rows, bench::progress_line& progress) {
    using bench::better;
    std::vector<bench::contestant> all = bench::contestants_for(set);
    std::vector<measured> found(all.size());
    const double copying = measure(set, all, false, quick, found, progress);
    measure(set, all, true, quick, found, progress);
    progress.clear();
    bench::table table(set.name + ": " + set.origin + ", " + bench::grouped(set.data.size()) + " bytes in " +
                           bench::grouped(set.shapes.size()) +
                           (set.shapes.size() == 1 ? " tensor" : " tensors") + ", memcpy " +
                           bench::decimal(copying, 0) + " MB/s",
                       {{"codec", true},
                        {"stored %"},
                        {"encode MB/s"},
                        {"decode MB/s"},
                        {"decode/memcpy"},
                        {"round trip", true}});
    bool correct = true;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const measured& m = found[i];
        const double stored = 100 * static_cast<double>(m.size) / static_cast<double>(set.data.size());
        table.add({all[i].name, bench::decimal(stored, 2), speed(m.encode), speed(m.decode),
                   bench::decimal(m.decode / copying, 3), m.correct ? "right" : "WRONG"});
        correct = correct && m.correct;
        if (!m.correct) continue;
        rows.add(all[i].name, set.name, "stored", stored, "%", better::lower);
        rows.add(all[i].name, set.name, "encode", m.encode, "MB/s", better::higher);
        rows.add(all[i].name, set.name, "decode", m.decode, "MB/s", better::higher);
        rows.add(all[i].name, set.name, "decode / memcpy", m.decode / copying, "×", better::higher);
    }
    table.print(
        "stored: of the weights' bytes, all headers counted; tensors apart from each other in the tiers, "
        "all\n"
        "as one block elsewhere. MB = 10^6 bytes of weights, thread CPU time, medians of interleaved "
        "repeats\n"
        "(of one pass for archive, checkpoint prediction and zstd -19).");
    return correct;
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words,
        "Lossless coders of weights on bf16, fp32 and fp16: bytes stored, speed on one core, round trip.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    std::printf("Coders of weights on %s\n%s\n", bench::machine_line().c_str(),
                from.found() ? from.says().c_str() : "no corpora folder found: made-up weights");
#ifdef PITH_BENCH_ZSTD
    std::printf("zstd %s: ZSTD_compressCCtx, ZSTD_decompressDCtx; shuffled: byte planes, in the time\n",
                ZSTD_versionString());
#else
    std::printf("zstd: not installed, not measured (apt-get install libzstd-dev)\n");
#endif
    std::vector<bench::weight_set> sets = bench::network_weights(from, asked.quick);
    sets.push_back(bench::gaussian_weights(asked.quick ? 32 : 2048, "gaussian"));
    sets.push_back(bench::gaussian_weights(asked.quick ? 8 : 64, "gaussian in cache"));
    sets.push_back(bench::next_checkpoint(sets[1]));
    bench::rows rows;
    bench::progress_line progress;
    bool correct = true;
    for (const bench::weight_set& set : sets) correct = compare(set, asked.quick, rows, progress) && correct;
    if (!rows.write(asked.json)) return 1;
    if (!correct) std::fprintf(stderr, "at least one round trip failed; see above\n");
    return correct ? 0 : 1;
}
