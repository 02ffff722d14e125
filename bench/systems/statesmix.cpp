// bench systems statesmix: an online state space model and n-grams, each alone and together, beside the
// figures of the publication.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <pith/container/recipe.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/mixing/gru.hpp>
#include <pith/systems/lossless.hpp>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

using bench::bytes;
using pith::mixing::ensemble_parts;

struct measured {
    std::size_t size = 0;
    double encode = 0;  // seconds
    double decode = 0;
    bool correct = false;
};

template <pith::entropy::block_coder Coder>
measured run(const bytes& data, std::size_t repeats) {
    const auto coder = std::make_unique<Coder>();
    bytes code(Coder::max_encoded_size(data.size()));
    bytes back(data.size());
    measured m;
    std::vector<double> encode, decode;
    for (std::size_t i = 0; i < repeats; ++i) {
        const double begin = bench::seconds_now();
        const auto size = coder->encode_into(data, code);
        encode.push_back(bench::seconds_now() - begin);
        if (!size) return m;
        m.size = *size;
        const double middle = bench::seconds_now();
        const auto n = coder->decode_into(pith::byte_view(code).first(m.size), back);
        decode.push_back(bench::seconds_now() - middle);
        m.correct = n && back == data;
        if (!m.correct) return m;
    }
    m.encode = bench::median(encode);
    m.decode = bench::median(decode);
    return m;
}

struct row {
    const char* name;
    const char* published;  // bits per byte on the first 3 MB of enwik8, from the publication's ablation
    measured (*run)(const bytes&, std::size_t);
};

template <ensemble_parts Parts>
constexpr auto run_parts = run<pith::systems::statesmix<pith::systems::detail::fastest_lanes, Parts>>;

/// The same ensemble with a gated recurrent unit in place of the state space model; no system of its own.
struct recurrent_identity {
    static constexpr std::uint32_t recipe = pith::container::recipes::first_of_users;
    static constexpr const char* name = "recurrent";
};
template <ensemble_parts Parts>
constexpr auto run_recurrent = run<pith::mixing::bitwise_coder<
    pith::mixing::online_ensemble<
        pith::mixing::gru_network<pith::mixing::gru_shape{}, pith::systems::detail::fastest_lanes>,
        pith::mixing::ngrams<pith::systems::statesmix_contexts>, pith::systems::detail::fastest_lanes, Parts>,
    recurrent_identity>>;

constexpr row rows[] = {
    {"counts only", "4.191", run_parts<ensemble_parts{.network = false, .ngrams = false, .gated = false}>},
    {"n-grams without SSM", "3.517", run_parts<ensemble_parts{.network = false, .counts = false}>},
    {"SSM alone", "", run_parts<ensemble_parts{.ngrams = false, .counts = false, .gated = false}>},
    {"SSM + counts", "2.240", run_parts<ensemble_parts{.ngrams = false}>},
    {"all", "2.149", run_parts<ensemble_parts{}>},
    {"GRU alone", "", run_recurrent<ensemble_parts{.ngrams = false, .counts = false, .gated = false}>},
    {"all, GRU for SSM", "", run_recurrent<ensemble_parts{}>},
};

struct file {
    const char* path;
    std::size_t most;
    const char* published;  // bits per byte of the whole system
};
constexpr file files[] = {{"text/enwik8_1m", 1000000, "2.123"},
                          {"text/enwik8_3m", 3000000, "2.149"},
                          {"text/alice29.txt", 1000000, "2.137"}};

double bits_per_byte(const measured& m, std::size_t n) {
    return 8.0 * static_cast<double>(m.size) / static_cast<double>(n);
}

bool measure(const char* name, const char* published, const bytes& data, const bench::arguments& asked,
             bench::rows& out) {
    bench::table table(std::string(name) + ", " + bench::grouped(data.size()) +
                           " bytes; published: " + published + " bits per byte",
                       {{"parts", true},
                        {"bytes"},
                        {"bits/byte"},
                        {"to counts"},
                        {"kB/s enc"},
                        {"kB/s dec"},
                        {"tokens/s"},
                        {"paper, 3 MB"}});
    bench::progress_line progress;
    double counts = 0;
    bool correct = true;
    std::size_t step = 0;
    for (const row& r : rows) {
        progress.show(std::string(name) + ": " + r.name, step++, std::size(rows));
        const measured m = r.run(data, asked.quick ? 1 : 3);
        correct = correct && m.correct;
        const double bits = bits_per_byte(m, data.size());
        if (counts == 0) counts = bits;
        const double encode = static_cast<double>(data.size()) / m.encode / 1e3;
        const double decode = static_cast<double>(data.size()) / m.decode / 1e3;
        table.add({r.name, bench::grouped(m.size), bench::decimal(bits, 4),
                   bench::signed_percent(100 * (bits / counts - 1), 1), bench::decimal(encode, 0),
                   bench::decimal(decode, 0), bench::grouped(static_cast<std::uint64_t>(decode * 1e3)),
                   r.published});
        const std::string system = std::string("statesmix, ") + r.name;
        out.add(system, name, "size", static_cast<double>(m.size), "bytes", bench::better::lower);
        out.add(system, name, "rate", bits, "bits/byte", bench::better::lower);
        out.add(system, name, "encode", encode, "kB/s", bench::better::higher);
        out.add(system, name, "decode", decode, "kB/s", bench::better::higher);
    }
    progress.clear();
    table.print(
        "Tokens are bytes here; the publication's are 3.4 bytes long, of which it codes 2,000 a second by "
        "its\n"
        "own account, 1,100 to 1,300 or 4 kB/s as measured. Thread CPU time, medians; every result was "
        "decoded\n"
        "and compared.");
    return correct;
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words, "StateSMix: what the state space model and the n-grams give, and how fast.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: %s: not a folder\n", words[0], asked.corpora.c_str());
        return 1;
    }
    std::printf("StateSMix on %s\n%s\n", bench::machine_line().c_str(), from.says().c_str());
    bench::rows out;
    bool correct = true;
    bool any = false;
    for (const file& f : files) {
        if (asked.quick && any) break;
        const bytes data = from.read(f.path, asked.quick ? 20000 : f.most);
        if (data.empty()) continue;
        any = true;
        correct = measure(f.path, f.published, data, asked, out) && correct;
    }
    if (!any)
        correct = measure("installed headers", "none",
                          bench::installed_headers(asked.quick ? 20000 : 1000000), asked, out);
    if (!correct) std::fprintf(stderr, "a block did not come back as it was\n");
    return out.write(asked.json) && correct ? 0 : 1;
}
