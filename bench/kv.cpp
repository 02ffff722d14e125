// bench kv: every key-value cache compressor in one table: on the trained model, on stories260K, on made-up
// caches.
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "../examples/kv_lm/held_out.hpp"
#include "../examples/kv_lm/load_model.hpp"
#include "../examples/kv_lm/measure.hpp"
#include "../examples/kv_lm/samples.hpp"
#include "../examples/kv_lm/systems.hpp"
#include "../examples/kv_lm/table.hpp"
#include "kv/claims.hpp"
#include "kv/synthetic_cache.hpp"
#include "kv/synthetic_facts.hpp"
#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

namespace fs = std::filesystem;

/// What the systems are measured on. No model: attention's errors alone.
struct subject {
    std::string name, about;
    const lm::model* model = nullptr;
    std::vector<lm::reference> references{};
    lm::kv::calibration calibration{};
};

/// Lengths of one run.
struct lengths {
    std::size_t prompt = 384, forced = 128, windows = 4;

    static lengths of(bool quick) { return quick ? lengths{96, 8, 1} : lengths{}; }
    [[nodiscard]] std::size_t tokens() const { return prompt + forced + 1; }
};

void add_windows(subject& to, std::span<const std::uint32_t> tokens, const lengths& l) {
    const auto half = tokens.size() / 2;
    to.calibration = lm::calibrate(*to.model, lm::cut_windows(tokens.first(half), 3, l.tokens()));
    for (auto& part : lm::cut_windows(tokens.subspan(half), l.windows, l.tokens()))
        to.references.push_back(lm::run_exact(*to.model, {std::move(part), l.prompt}));
}

subject header_model(const lm::loaded_model& m, const lengths& l) {
    const bench::data_set text = lm::held_out_text();
    subject out{"headers", "The trained model (6 layers, 2 heads of 64) on " + text.origin, &m.model};
    add_windows(out, m.words.tokens_of(text.data), l);
    return out;
}

subject story_model(const lm::loaded_model& m, const lengths& l) {
    subject out{"stories260K", "stories260K (5 layers, 4 heads of 8) on stories that it makes up", &m.model};
    const auto beginning = m.words.beginning();
    out.calibration =
        lm::calibrate(m.model, std::vector{lm::sample_text(m.model, beginning, l.tokens(), 101),
                                           lm::sample_text(m.model, beginning, l.tokens(), 102)});
    for (std::size_t i = 0; i < l.windows; ++i)
        out.references.push_back(
            lm::run_exact(m.model, {lm::sample_text(m.model, beginning, l.tokens(), 1 + i), l.prompt}));
    return out;
}

subject made_up(bool quick) {
    bench::synthetic_options options;
    if (quick) options.tokens = 160;
    subject out{"made up", "A made-up cache (2 layers, 2 heads of 128), with sinks; no model behind it"};
    out.calibration = bench::synthetic_cache(options, 2).rows();
    out.references.push_back(
        lm::replay_exact(bench::synthetic_cache(options, 1).rows(), options.tokens - options.tokens / 9));
    return out;
}

/// The made-up cache beside real ones; false when a property is not that of real ones.
bool print_facts() {
    bench::synthetic_cache cache({}, 1);
    bench::table table("The made-up cache beside what real ones are like",
                       {{"property", true}, {"value"}, {"from"}, {"to"}, {"holds"}, {"range as in", true}});
    bool good = true;
    for (const bench::cache_fact& f : bench::facts_of(cache.rows(), cache.sinks())) {
        table.add({f.name, bench::decimal(f.value, 3), bench::decimal(f.low, 2), bench::decimal(f.high, 2),
                   f.holds() ? "yes" : "NO", f.of});
        good = good && f.holds();
    }
    table.print("Keys before the rotary embedding, layer 0, one text of 1,152 tokens.");
    return good;
}

bool measure(const subject& on, const std::vector<lm::named_system>& systems, bool claims,
             bench::rows& rows) {
    bench::progress_line progress;
    std::vector<lm::measured_system> all;
    bool good = !on.references.empty();
    for (std::size_t i = 0; i < systems.size(); ++i) {
        progress.show(on.name + ": " + systems[i].name, i, systems.size());
        all.push_back(lm::measure_system(systems[i], on.model, on.references, on.calibration));
        good = good && all.back().failure.empty();
    }
    progress.clear();
    const lm::window& first = on.references[0].window;
    lm::print_systems(on.about + ": " + std::to_string(on.references.size()) + " window(s), " +
                          std::to_string(first.prompt) + " tokens prefilled, " +
                          std::to_string(first.forced()) + " forced",
                      all, on.model != nullptr);
    if (claims) bench::print_claims(all);
    lm::add_rows(rows, on.name, all, on.model != nullptr);
    return good;
}

/// A model that may be missing; false after a line that says so.
bool find_model(const fs::path& path, lm::loaded_model& to) {
    const lm::complaint wrong = lm::load_model(path.string(), {}, to);
    if (!wrong.empty()) std::printf("\nNot measured: %s: %s\n", path.c_str(), wrong.c_str());
    return wrong.empty();
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words,
        "Key-value cache compressors on a language model: stored bits, divergence, attention error, speed.\n"
        "FILE: another model than data/cpp_headers_lm.safetensors, of bytes.",
        true);
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    std::printf("Key-value cache compressors on %s\n%s\n", bench::machine_line().c_str(),
                from.says().c_str());
    const lengths l = lengths::of(asked.quick);
    const std::vector<lm::named_system> systems = lm::all_systems();
    bench::rows rows;
    bool good = print_facts();
    lm::loaded_model headers, stories;
    if (find_model(asked.files.empty() ? lm::trained_model_path() : fs::path(asked.files[0]), headers))
        good = measure(header_model(headers, l), systems, !asked.quick, rows) && good;
    else
        good = asked.files.empty() && good;
    if (from.found() && find_model(from.folder() / "language_model/stories260K.bin", stories))
        good = measure(story_model(stories, l), systems, !asked.quick, rows) && good;
    good = measure(made_up(asked.quick), systems, false, rows) && good;
    if (!rows.write(asked.json)) return 1;
    return good ? 0 : 1;
}
