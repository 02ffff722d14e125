// kv_lm: what compressing the key-value cache of a language model does to what the model says.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../bench/support/machine.hpp"
#include "../bench/support/rows.hpp"
#include "../bench/support/table.hpp"
#include "../bench/support/timing.hpp"
#include "compress_file/files.hpp"
#include "kv_lm/load_model.hpp"
#include "kv_lm/measure.hpp"
#include "kv_lm/samples.hpp"
#include "kv_lm/systems.hpp"
#include "kv_lm/table.hpp"

namespace {

constexpr const char* usage =
    "usage: kv_lm MODEL TEXT [--policy NAME]... [--prompt N] [--tokens N] [--windows N] [--generate N]\n"
    "             [--vocabulary FILE] [--json FILE]\n"
    "       kv_lm --list\n"
    "Runs a model over a text with its key-value cache compressed, and tells what that changes.\n"
    "  MODEL         data/cpp_headers_lm.safetensors, a llama2.c file, or a GGUF file (architecture llama;\n"
    "                F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K)\n"
    "  TEXT          the first half calibrates what learns beforehand, windows of the second are measured\n"
    "  --policy      a system of the list; may be repeated; without it all of them\n"
    "  --prompt      tokens that are prefilled exactly and then compressed (three quarters of the context)\n"
    "  --tokens      tokens forced after it, reading the compressed cache (a quarter)\n"
    "  --windows     windows of the text (4)\n"
    "  --generate    also let the model go on after the first prompt, so many tokens\n"
    "  --vocabulary  of a llama2.c model; otherwise tok<size>.bin beside it\n"
    "  --json        also write the numbers as rows\n"
    "  --list        the names of the systems\n";

constexpr failure_line fail{"kv_lm"};

struct settings {
    std::vector<std::string> files{}, policies{};
    std::string vocabulary{}, json{};
    std::size_t prompt = 0, tokens = 0, windows = 4, generate = 0;
    bool list = false;
};

bool read_number(const char* text, std::size_t& out) {
    char* end = nullptr;
    const unsigned long v = std::strtoul(text, &end, 10);
    out = v;
    return *text >= '1' && *text <= '9' && *end == 0 && v < 1UL << 24;
}

// Exit status, or -1 to go on.
int parse(int count, char** words, settings& s) {
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--help" || word == "-h") return std::fputs(usage, stdout), 0;
        if (word == "--list") {
            s.list = true;
            continue;
        }
        if (word.empty() || word[0] != '-') {
            s.files.push_back(word);
            continue;
        }
        if (i + 1 == count) return fail(word, "an option without its value, or none of them", 2);
        const char* const value = words[++i];
        std::size_t* const number = word == "--prompt"     ? &s.prompt
                                    : word == "--tokens"   ? &s.tokens
                                    : word == "--windows"  ? &s.windows
                                    : word == "--generate" ? &s.generate
                                                           : nullptr;
        if (number != nullptr) {
            if (!read_number(value, *number))
                return fail(word, std::string(value) + " is no whole number", 2);
        } else if (word == "--policy") {
            s.policies.emplace_back(value);
        } else if (word == "--vocabulary") {
            s.vocabulary = value;
        } else if (word == "--json") {
            s.json = value;
        } else {
            return fail(word, "no such option", 2);
        }
    }
    if (!s.list && s.files.size() != 2) return std::fputs(usage, stderr), 2;
    return -1;
}

// The systems asked for, the exact cache first; 0, or the exit status.
int choose(const settings& s, std::vector<lm::named_system>& out) {
    std::vector<lm::named_system> all = lm::all_systems();
    if (s.policies.empty()) return out = std::move(all), 0;
    out.push_back(all[0]);
    for (const std::string& name : s.policies) {
        const auto at = std::find_if(all.begin(), all.end(),
                                     [&](const auto& one) { return lm::same_name(one.name, name); });
        if (at == all.end()) return fail(name, "no such system; --list names them all", 2);
        if (at != all.begin()) out.push_back(*at);
    }
    return 0;
}

/// The model with what it is measured on.
struct subject {
    lm::loaded_model loaded{};
    std::vector<lm::reference> references{};
    lm::kv::calibration calibration{};
};

// Lengths that fit the model; 0, or the exit status.
int fit(const subject& of, settings& s) {
    const std::size_t context = of.loaded.model.shape.context;
    if (s.prompt == 0) s.prompt = std::max<std::size_t>(1, std::min<std::size_t>(context / 4 * 3, 1536));
    if (s.tokens == 0) s.tokens = std::max<std::size_t>(1, std::min<std::size_t>(context / 4, 512));
    if (s.prompt + s.tokens > context)
        return fail(s.files[0], "prompt and tokens are more than its context of " + std::to_string(context));
    return 0;
}

int prepare(settings& s, subject& to) {
    if (const lm::complaint wrong = lm::load_model(s.files[0], s.vocabulary, to.loaded); !wrong.empty())
        return fail(s.files[0], wrong);
    if (const int status = fit(to, s); status != 0) return status;
    whole_input text;
    if (const lm::complaint wrong = lm::detail::read_whole(s.files[1], text); !wrong.empty())
        return fail(s.files[1], wrong);
    const std::vector<std::uint32_t> tokens = to.loaded.words.tokens_of(text.view());
    const std::size_t length = s.prompt + s.tokens + 1;
    if (tokens.size() < 2 * length)
        return fail(s.files[1], "it has " + std::to_string(tokens.size()) +
                                    " tokens, of which two windows of " + std::to_string(length) +
                                    " cannot be cut");
    const std::span<const std::uint32_t> all(tokens);
    to.calibration = lm::calibrate(to.loaded.model, lm::cut_windows(all.first(all.size() / 2), 2, length));
    for (auto& part : lm::cut_windows(all.subspan(all.size() / 2), s.windows, length))
        to.references.push_back(lm::run_exact(to.loaded.model, {std::move(part), s.prompt}));
    return 0;
}

void print_head(const settings& s, const subject& about) {
    const lm::sizes& z = about.loaded.model.shape;
    std::printf(
        "%s: %s, %zu layers, %zu heads of %zu, %zu of keys and values, context %zu\n%s: %zu window(s), %zu "
        "tokens "
        "prefilled and %zu forced in each; on %s\n",
        s.files[0].c_str(), about.loaded.kind.c_str(), z.layers, z.heads, z.head_size, z.kv_heads, z.context,
        s.files[1].c_str(), about.references.size(), s.prompt, s.tokens, bench::machine_line().c_str());
}

// What each system goes on with after the first prompt.
int generate(const settings& s, const subject& about, const std::vector<lm::named_system>& systems) {
    const lm::reference& first = about.references[0];
    const std::size_t room = about.loaded.model.shape.context - s.prompt;
    const std::size_t count = std::min(s.generate, room);
    std::vector<std::uint32_t> exact;
    for (const lm::named_system& system : systems) {
        const auto cache = system.make(first.taken.rows.shape, first.taken.rows.rope, about.calibration);
        if (cache == nullptr || !lm::feed(*cache, first.taken.rows, 0, s.prompt)) continue;
        cache->end_prefill();
        const auto went = lm::continue_text(about.loaded.model, first.window.tokens[s.prompt], count, *cache);
        if (!went) continue;
        if (exact.empty()) exact = *went;
        std::size_t same = 0;
        while (same < exact.size() && exact[same] == (*went)[same]) ++same;
        std::printf("\n--- %s: the same as the exact cache for %zu of %zu tokens\n%s\n", system.name.c_str(),
                    same, exact.size(), about.loaded.words.text_of(*went).c_str());
    }
    return 0;
}

int run(settings& s) {
    std::vector<lm::named_system> systems;
    if (const int status = choose(s, systems); status != 0) return status;
    if (s.list) {
        for (const lm::named_system& system : systems) std::puts(system.name.c_str());
        return 0;
    }
    subject about;
    if (const int status = prepare(s, about); status != 0) return status;
    print_head(s, about);
    bench::progress_line progress;
    std::vector<lm::measured_system> all;
    for (std::size_t i = 0; i < systems.size(); ++i) {
        progress.show(systems[i].name, i, systems.size());
        all.push_back(
            lm::measure_system(systems[i], &about.loaded.model, about.references, about.calibration));
    }
    progress.clear();
    lm::print_systems("The cache of " + s.files[0] + ", compressed", all, true);
    if (s.generate != 0) generate(s, about, systems);
    bench::rows rows;
    lm::add_rows(rows, s.files[1], all, true);
    if (!rows.write(s.json)) return 1;
    for (const lm::measured_system& m : all)
        if (!m.failure.empty() && !s.policies.empty()) return fail(m.name, m.failure);
    return 0;
}

}  // namespace

int main(int count, char** words) {
    settings s;
    if (const int status = parse(count, words, s); status >= 0) return status;
    return run(s);
}
