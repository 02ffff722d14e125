// bench systems_midicoth: Midicoth part by part on text, and the publication's figures beside ours.
#include <pith/systems/lossless.hpp>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

namespace mixing = pith::mixing;

struct part_identity {
    static constexpr std::uint32_t recipe = 0x8000'0000;
    static constexpr const char* name = "part";
};
template <class Model, class Calibration = mixing::no_calibration, unsigned TotalBits = 24>
using part = mixing::byte_mixture<part_identity, Model, Calibration, TotalBits>;
using ppm = mixing::ppm<4>;
using match = mixing::byte_match<>;
using words = mixing::word_trie<>;
using orders = mixing::high_orders<5, 8>;
using model = mixing::linear_blend<ppm, match, words, orders>;

struct measured {
    std::string name;
    std::size_t size = 0;
    double encode = 0, decode = 0;  ///< 10^6 bytes a second
    double memory = 0;              ///< 10^6 bytes
    bool correct = true;
};

template <class Coder>
measured measure(std::string name, const bench::bytes& data, std::size_t repeats) {
    const auto coder = std::make_unique<Coder>();
    bench::bytes code(Coder::max_encoded_size(data.size())), back(data.size());
    std::vector<double> encode, decode;
    measured out{std::move(name)};
    out.memory = static_cast<double>(Coder::memory) / 1e6;
    for (std::size_t r = 0; r < repeats && out.correct; ++r) {
        const double begin = bench::seconds_now();
        const auto size = coder->encode_into(data, code);
        encode.push_back(bench::seconds_now() - begin);
        out.size = size ? *size : 0;
        const double middle = bench::seconds_now();
        const auto read = coder->decode_into(pith::byte_view(code).first(out.size), back);
        decode.push_back(bench::seconds_now() - middle);
        out.correct = size && read && back == data;
        std::memset(back.data(), 0xA5, back.size());
    }
    const double megabytes = static_cast<double>(data.size()) / 1e6;
    out.encode = megabytes / bench::median(encode);
    out.decode = megabytes / bench::median(decode);
    return out;
}

/// The parts in the publication's order, and two variants of the whole.
std::vector<measured> measure_all(const bench::data_set& data, bool quick, bench::progress_line& progress) {
    const std::size_t repeats = quick || data.data.size() > 600'000 ? 1 : 3;
    std::vector<measured> out;
    const auto add = [&]<class Coder>(const char* name, Coder*) {
        progress.show(data.name + ": " + name, out.size(), 7);
        out.push_back(measure<Coder>(name, data.data, repeats));
    };
    add("PPM, orders 0 to 4", static_cast<part<mixing::linear_blend<ppm>>*>(nullptr));
    add("+ match", static_cast<part<mixing::linear_blend<ppm, match>>*>(nullptr));
    add("+ words", static_cast<part<mixing::linear_blend<ppm, match, words>>*>(nullptr));
    add("+ orders 5 to 8", static_cast<part<model>*>(nullptr));
    add("+ denoiser = midicoth", static_cast<pith::systems::midicoth*>(nullptr));
    add("midicoth, one pass",
        static_cast<part<model, mixing::denoiser<mixing::denoiser_options{.passes = 1}>>*>(nullptr));
    add("midicoth, total 2^14", static_cast<part<model, mixing::denoiser<>, 14>*>(nullptr));
    return out;
}

/// Row against which the change of row i is told: the one above, and the whole for its variants.
std::size_t reference_of(std::size_t i) { return i == 5 ? 3 : i > 5 ? 4 : i == 0 ? 0 : i - 1; }

double change(const std::vector<measured>& all, std::size_t i) {
    const auto before = static_cast<double>(all[reference_of(i)].size);
    return 100 * (static_cast<double>(all[i].size) / before - 1);
}

void print(const bench::data_set& data, const std::vector<measured>& all) {
    bench::table table(data.name + ": " + bench::grouped(data.data.size()) + " bytes, " + data.origin,
                       {{"model", true},
                        {"bytes"},
                        {"bpb"},
                        {"change"},
                        {"encode MB/s"},
                        {"decode MB/s"},
                        {"memory MB"},
                        {"round trip", true}});
    for (std::size_t i = 0; i < all.size(); ++i) {
        const measured& m = all[i];
        const double bits = 8 * static_cast<double>(m.size) / static_cast<double>(data.data.size());
        table.add({m.name, bench::grouped(m.size), bench::decimal(bits, 3),
                   i == 0 ? "" : bench::signed_percent(change(all, i)), bench::decimal(m.encode, 3),
                   bench::decimal(m.decode, 3), bench::decimal(m.memory, 0), m.correct ? "ok" : "FAILED"});
    }
    table.print(
        "Change: against the row above; one pass against no denoiser; the total against midicoth. Memory is "
        "address space, of which a block touches what its size needs.");
}

void add_rows(bench::rows& rows, const bench::data_set& data, const std::vector<measured>& all) {
    for (const measured& m : all) {
        const double bits = 8 * static_cast<double>(m.size) / static_cast<double>(data.data.size());
        rows.add(m.name, data.name, "size", bits, "bits per byte", bench::better::lower);
        rows.add(m.name, data.name, "encode", m.encode, "MB/s", bench::better::higher);
        rows.add(m.name, data.name, "decode", m.decode, "MB/s", bench::better::higher);
    }
}

/// Sizes that the publication's program gives; 0: not known. Its speed was 0.039 MB/s on a machine of the
/// same class, its memory 0.5, 2.4 and 4.0 GB.
struct published {
    const char* file;
    std::size_t sizes[5];
};
constexpr published figures[] = {{"alice29.txt", {42672, 42429, 41980, 41350, 40274}},
                                 {"enwik8_1m", {0, 0, 0, 0, 257915}},
                                 {"enwik8_3m", {0, 0, 0, 0, 751187}}};

void add_published(bench::table& table, const std::string& file, const std::vector<measured>& all) {
    for (const published& p : figures) {
        if (file != p.file) continue;
        table.group(file);
        for (std::size_t i = 0; i < 5; ++i) {
            if (p.sizes[i] == 0) continue;
            const double ratio = static_cast<double>(all[i].size) / static_cast<double>(p.sizes[i]);
            table.add({"  " + all[i].name, bench::grouped(p.sizes[i]), bench::grouped(all[i].size),
                       bench::signed_percent(100 * (ratio - 1)),
                       i == 4 ? bench::decimal(all[i].decode / 0.039, 0) + " x" : ""});
        }
    }
}

std::vector<bench::data_set> texts(const bench::corpora& from, bool quick) {
    std::vector<bench::data_set> out;
    const std::size_t most = quick ? 60'000 : 3'000'000;
    for (const char* const name : {"alice29.txt", "asyoulik.txt", "lcet10.txt", "plrabn12.txt", "enwik8_1m",
                                   "enwik8_3m", "dickens", "xml"}) {
        if (quick && !out.empty()) break;
        bench::bytes data = from.read(std::string("text/") + name, most);
        if (data.empty()) continue;
        const bool cut = data.size() == most && std::strcmp(name, "enwik8_3m") != 0;
        out.push_back({name, cut ? "its beginning" : "the whole file", std::move(data)});
    }
    if (out.empty()) out.push_back({"headers", "installed headers", bench::installed_headers(most / 3)});
    return out;
}

}  // namespace

int main(int count, char** words_given) {
    const bench::arguments asked = bench::parse_arguments(
        count, words_given,
        "Midicoth part by part: what each model and the denoiser give, and what they cost.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words_given[0], asked.corpora.c_str());
        return 1;
    }
    std::printf("Midicoth on %s\n%s\n", bench::machine_line().c_str(), from.says().c_str());

    bench::rows rows;
    bench::progress_line progress;
    bench::table beside("Midicoth as published, and ours",
                        {{"model", true}, {"published"}, {"ours"}, {"difference"}, {"speed of decoding"}});
    bool correct = true;
    bool any_published = false;
    for (const bench::data_set& data : texts(from, asked.quick)) {
        const std::vector<measured> all = measure_all(data, asked.quick, progress);
        progress.clear();
        print(data, all);
        add_rows(rows, data, all);
        if (!asked.quick) add_published(beside, data.name, all);
        for (const published& p : figures)
            any_published = any_published || (!asked.quick && data.name == p.file);
        for (const measured& m : all) correct = correct && m.correct;
    }
    if (any_published)
        beside.print(
            "Published: bytes as its program writes them with totals of 2^14 (with 2^24: 40,010 on alice29). "
            "Speed: ours over its 0.039 MB/s.");
    if (!rows.write(asked.json)) return 1;
    if (!correct) std::fprintf(stderr, "at least one round trip failed; see above\n");
    return correct ? 0 : 1;
}
