// bench entropy: every entropy coder on four kinds of data, beside memcpy and the coders of other libraries.
#include <cstdio>
#include <vector>

#include "entropy/block_table.hpp"
#include "entropy/coders.hpp"
#include "entropy/model_table.hpp"
#include "entropy/rivals.hpp"
#include "entropy/thread_table.hpp"
#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/timing.hpp"

namespace {

void print_head(const bench::corpora& from, const bench::rivals& others) {
    std::printf("Entropy coders on %s\n%s\n", bench::machine_line().c_str(), from.says().c_str());
    std::printf("Others:");
    for (const std::string& note : others.notes) std::printf(" %s;", note.c_str());
    std::printf("\n");
    for (const auto* list : {&others.coders, &others.references})
        for (const bench::coder& c : *list) std::printf("  %s: %s\n", c.name.c_str(), c.call.c_str());
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words,
        "Size and speed of pith's entropy coders and of other libraries' on four kinds of data.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    bench::rivals others = bench::find_rivals();
    std::vector<bench::coder> own = bench::own_coders();
    print_head(from, others);

    bench::rows rows;
    bench::progress_line progress;
    const std::size_t most = std::size_t{asked.quick ? 1U : 32U} << 19;
    const std::size_t made_up = std::size_t{asked.quick ? 1U : 16U} << 19;
    const bench::effort effort = bench::effort::of(asked.quick);
    bench::block_table blocks(rows, effort, progress);
    const bench::data_set text = bench::text_data(from, most);
    bool correct = blocks.run(text, own, others);
    correct = blocks.run(bench::exponent_plane(from, most), own, others) && correct;
    correct = blocks.run(bench::int8_residuals(made_up), own, others) && correct;
    correct = blocks.run(bench::skewed_residuals(made_up), own, others) && correct;
    bench::model_table models(rows, effort, progress, asked.quick ? 50'000 : 1'000'000);
    correct = models.run() && correct;
    bench::thread_table threads(rows, effort, progress);
    correct = threads.run(text) && correct;

    if (!rows.write(asked.json)) return 1;
    if (!correct) std::fprintf(stderr, "at least one round trip failed; see above\n");
    return correct ? 0 : 1;
}
