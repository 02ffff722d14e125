// bench systems/quasicryth: phrases under Fibonacci's tiling, under tilings of period five and anywhere, with
// the published contexts and with mixed word contexts, beside the published sizes.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <pith/systems/lossless.hpp>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

using bench::bytes;
using namespace pith::codec;

struct outcome {
    std::size_t size = 0;
    double encode_seconds = 0;
    double decode_seconds = 0;
    phrase_report report{};
    bool correct = false;
};

template <class Coder>
outcome measure(const bytes& in) {
    const auto coder = std::make_unique<Coder>();
    outcome out;
    bytes code(Coder::max_encoded_size(in.size()));
    bytes back(in.size());
    const double start = bench::seconds_now();
    const auto size = coder->encode_into(in, code);
    const double middle = bench::seconds_now();
    if (!size) return out;
    code.resize(*size);
    out.report = coder->report();
    const auto read = coder->decode_into(code, back);
    out.size = *size;
    out.encode_seconds = middle - start;
    out.decode_seconds = bench::seconds_now() - middle;
    out.correct = read && back == in;
    return out;
}

/// A text, and what the published program makes of it (0: not known).
struct text {
    std::string name;
    std::size_t published;
    bytes data;
};

template <class Tilings, phrase_contexts Contexts, phrase_thresholds Thresholds>
using coder = phrases<Tilings, Contexts, Thresholds>;

class comparison {
  public:
    explicit comparison(bench::rows& rows) : rows_(&rows) {}

    [[nodiscard]] bool run(const text& from) {
        constexpr auto published = phrase_contexts::published, words = phrase_contexts::words;
        bench::table table(from.name + ", " + bench::grouped(from.data.size()) + " bytes", {{"phrases", true},
                                                                                            {"bytes"},
                                                                                            {"bits/byte"},
                                                                                            {"events/word"},
                                                                                            {"13+ words"},
                                                                                            {"enc MB/s"},
                                                                                            {"dec MB/s"}});
        if (from.published != 0)
            table.add({"Quasicryth as published", bench::grouped(from.published), bpb(from, from.published)});
        table.group("published contexts");
        add<coder<fibonacci_tilings<1>, published, all_phrases>>(table, "Fibonacci", from);
        const std::size_t fibonacci = last_;
        add<coder<period_five_tilings<1>, published, all_phrases>>(table, "period five", from);
        const std::size_t periodic = last_;
        add<coder<fibonacci_tilings<12>, published, all_phrases>>(table, "12 x Fibonacci", from);
        const std::size_t fibonaccis = last_;
        add<coder<period_five_tilings<5>, published, all_phrases>>(table, "5 x period five", from);
        const std::size_t periodics = last_;
        add<coder<untiled, published, all_phrases>>(table, "anywhere", from);
        add<coder<untiled, published, no_phrases>>(table, "none", from);
        table.group("mixed word contexts");
        add<coder<fibonacci_tilings<1>, words, all_phrases>>(table, "Fibonacci", from, " w");
        add<pith::systems::quasicryth>(table, "systems::quasicryth", from);
        add<coder<untiled, words, no_phrases>>(table, "none", from, " w");
        const std::string meaning = "Fibonacci against period five, equal codebooks: one tiling " +
                                    against(fibonacci, periodic) + ", all phases laid over each other " +
                                    against(fibonaccis, periodics) + ".";
        table.print(meaning.c_str());
        return correct_;
    }

  private:
    [[nodiscard]] static std::string bpb(const text& from, std::size_t size) {
        return bench::decimal(8.0 * static_cast<double>(size) / static_cast<double>(from.data.size()), 3);
    }
    [[nodiscard]] static std::string against(std::size_t a, std::size_t b) {
        return bench::signed_percent(100 * (static_cast<double>(a) / static_cast<double>(b) - 1));
    }
    template <class Coder>
    void add(bench::table& table, const std::string& name, const text& from, const std::string& mark = {}) {
        const outcome got = measure<Coder>(from.data);
        correct_ = correct_ && got.correct;
        last_ = got.size;
        std::size_t deep = 0;
        for (std::size_t l = 4; l < phrase_levels; ++l) deep += got.report.uses[l];
        const double mega = static_cast<double>(from.data.size()) * 1e-6;
        const double events = static_cast<double>(got.report.events);
        table.add({name, bench::grouped(got.size), bpb(from, got.size),
                   bench::decimal(events / static_cast<double>(got.report.words), 3), bench::grouped(deep),
                   bench::decimal(mega / got.encode_seconds, 2),
                   bench::decimal(mega / got.decode_seconds, 2)});
        rows_->add(name + mark, from.name, "size", static_cast<double>(got.size), "bytes",
                   bench::better::lower);
    }

    bench::rows* rows_;
    std::size_t last_ = 0;
    bool correct_ = true;
};

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked =
        bench::parse_arguments(count, words, "Phrases of words under quasi-periodic and periodic tilings.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    std::printf("Quasicryth on %s\n%s\n", bench::machine_line().c_str(), from.says().c_str());
    std::vector<text> texts;
    const auto add = [&](const char* name, std::size_t published, std::size_t most) {
        bytes data = from.read(std::string("text/") + name, asked.quick ? 60'000 : most);
        if (!data.empty()) texts.push_back({name, asked.quick ? 0 : published, std::move(data)});
    };
    add("alice29.txt", 54'158, 1 << 20);
    if (!asked.quick || texts.empty()) {
        add("enwik8_1m", 0, 1'000'000);
        add("enwik8_3m", 955'788, 3'000'000);
        add("dickens", 0, 4'000'000);
    }
    if (texts.empty())
        texts.push_back({"headers", 0, bench::installed_headers(asked.quick ? 60'000 : 2'000'000)});
    bench::rows rows;
    comparison all(rows);
    bool correct = true;
    for (const text& t : texts) correct = all.run(t) && correct;
    if (!rows.write(asked.json)) return 1;
    if (!correct) std::fprintf(stderr, "at least one round trip failed\n");
    return correct ? 0 : 1;
}
