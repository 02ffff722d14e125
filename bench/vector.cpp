// bench vector: vector quantizers on embeddings: what they keep of the neighbors, and what they cost.
#include <cstdio>
#include <string>
#include <vector>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"
#include "vector/contestants.hpp"
#include "vector/embeddings.hpp"
#include "vector/rivals.hpp"

namespace {

using bench::decimal;
using bench::vector_measure;

void add_rows(bench::rows& rows, const std::string& data, const vector_measure& m, std::size_t n) {
    using bench::better;
    const std::string where = data + ", " + decimal(m.bits, 2) + " bits";
    rows.add(m.name, where, "recall", m.recall, "10@10", better::higher);
    if (m.error > 0) rows.add(m.name, where, "distortion", m.error, "of the energy", better::lower);
    rows.add(m.name, where, "training", m.train, "s", better::lower);
    if (m.encode > 0)
        rows.add(m.name, where, "encode", static_cast<double>(n) / m.encode, "vectors/s", better::higher);
    rows.add(m.name, where, "search", 1e3 * m.search, "ms/query", better::lower);
}

std::vector<std::string> cells(const vector_measure& m, std::size_t n) {
    return {m.name,
            decimal(m.bits, 2),
            decimal(m.recall, 3),
            m.error > 0 ? decimal(m.error, 4) : "-",
            decimal(m.train, 2),
            m.encode > 0 ? decimal(static_cast<double>(n) / m.encode / 1e3, 0) : "-",
            decimal(1e3 * m.search, 3),
            m.shared > 0 ? decimal(m.shared / 1e3, 0) : "-"};
}

/// Ours over faiss's with the same code, where both were measured.
void compare(const std::vector<vector_measure>& all, const char* ours, const char* theirs, bench::table& to) {
    const vector_measure *a = nullptr, *b = nullptr;
    for (const vector_measure& m : all) {
        if (m.name == ours) a = &m;
        if (m.name == theirs) b = &m;
    }
    if (a == nullptr || b == nullptr || a->train <= 0 || a->encode <= 0 || a->search <= 0) return;
    to.add({theirs, decimal(a->bits, 2), bench::decimal(a->recall - b->recall, 3),
            decimal(b->train / a->train, 1), decimal(b->encode / a->encode, 1),
            decimal(b->search / a->search, 1)});
}

/// All contestants of one rate; true if none failed.
template <unsigned Bits>
bool measure_rate(const bench::embeddings& data, const std::vector<std::uint32_t>& truth, bool quick,
                  bench::rows& rows, bench::table& ratios, bench::progress_line& progress) {
    bench::table table("Vectors of " + std::to_string(data.base.columns) + " coordinates at " +
                           std::to_string(Bits) + " bits each",
                       {{"quantizer", true},
                        {"bits"},
                        {"recall 10@10"},
                        {"distortion"},
                        {"train, s"},
                        {"encode, 1000/s"},
                        {"search, ms/query"},
                        {"shared, kB"}});
    std::vector<bench::vector_contestant> who = bench::our_contestants<Bits>(quick);
    for (auto& rival : bench::rivals(Bits)) who.push_back(std::move(rival));
    std::vector<vector_measure> all;
    bool correct = true;
    for (std::size_t i = 0; i < who.size(); ++i) {
        progress.show(who[i].name, i, who.size());
        vector_measure m = who[i].run(data, truth);
        m.name = who[i].name;
        if (!m.correct) std::fprintf(stderr, "%s failed\n", m.name.c_str());
        correct = correct && m.correct;
        table.add(cells(m, data.base.rows));
        add_rows(rows, data.name, m, data.base.rows);
        all.push_back(std::move(m));
    }
    progress.clear();
    table.print(
        "Bits: of a code with all its scalars, per coordinate; what all vectors share stands at the end. "
        "Recall: "
        "of the ten\nvectors with the largest inner products, those among the ten found, codes against exact "
        "queries. One thread.");
    compare(all, "pith product, 8-bit parts", "faiss IndexPQ, 8-bit parts", ratios);
    compare(all, "pith product, 4-bit parts, fast scan", "faiss IndexPQFastScan, 4-bit parts", ratios);
    return correct;
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words, "Vector quantizers on embeddings: recall, distortion, size and speed, faiss beside.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    const bench::embeddings data = bench::find_embeddings(from, asked.quick);
    std::printf("Vector quantizers on %s\n%s: %zu of %s, %zu queries\n", bench::machine_line().c_str(),
                data.name.c_str(), data.base.rows, data.origin.c_str(), data.queries.rows);
    const std::vector<std::uint32_t> truth = bench::true_neighbors(data);
    bench::rows rows;
    bench::progress_line progress;
    bench::table ratios("pith against faiss with codes of the same size", {{"faiss", true},
                                                                           {"bits"},
                                                                           {"recall, difference"},
                                                                           {"training, x faster"},
                                                                           {"encoding, x faster"},
                                                                           {"search, x faster"}});
    bool correct = measure_rate<2>(data, truth, asked.quick, rows, ratios, progress);
    correct = measure_rate<4>(data, truth, asked.quick, rows, ratios, progress) && correct;
    ratios.print(
        ("Both are given all vectors to train on; faiss takes at most 256 for each entry of a codebook and "
         "25 rounds,\npith its defaults (vector/kmeans.hpp): batches that double, then whole rounds. " +
         bench::faiss_note())
            .c_str());
    if (!rows.write(asked.json)) return 1;
    return correct ? 0 : 1;
}
