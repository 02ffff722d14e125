// bench mixing_threads: large blocks by context mixing on one and two threads: size, loss, speed both ways.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <pith/codec/bytes.hpp>
#include <pith/core/parallel.hpp>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

using part_times = std::array<double, 2>;

/// One thread, which notes the processor time that each part took: a machine that is busy cannot show what
/// two threads gain, but the head and the longer part can be added.
struct measured_parts {
    part_times* seconds = nullptr;

    [[nodiscard]] static std::size_t workers() noexcept { return 1; }
    template <class F>
    void for_each_index(std::size_t n, F&& f) const {
        for (std::size_t i = 0; i < n; ++i) {
            const double start = bench::seconds_now();
            f(i, std::size_t{0});
            if (seconds != nullptr && i < seconds->size()) (*seconds)[i] = bench::seconds_now() - start;
        }
    }
    template <class Slot, class Produce, class Work, class Consume>
    static void pipeline(std::span<Slot> slots, Produce&& produce, Work&& work, Consume&& consume) {
        pith::serial::pipeline(slots, produce, work, consume);
    }
};

struct measurement {
    bench::bytes coded;
    double wall[2] = {};       // encoding, decoding
    double cpu[2] = {};        // of the calling thread
    part_times parts[2] = {};  // processor time of each part
    bool correct = false;
    /// Processor time where both parts run at the same time.
    [[nodiscard]] double beside(int way) const {
        const double both = parts[way][0] + parts[way][1];
        return cpu[way] - both + std::max(parts[way][0], parts[way][1]);
    }
};

/// Encodes and decodes `in` as one block.
template <class Codec>
measurement measure(Codec& codec, const bench::bytes& in, const part_times& parts = part_times{}) {
    using bench::clock_kind, bench::seconds_now;
    measurement m;
    m.coded.resize(Codec::max_encoded_size(in.size()));
    bench::bytes back(in.size());
    for (int way = 0; way < 2; ++way) {
        const double wall = seconds_now(clock_kind::wall), cpu = seconds_now();
        const pith::result<std::size_t> n =
            way == 0 ? codec.encode_into(in, m.coded) : codec.decode_into(m.coded, back);
        m.cpu[way] = seconds_now() - cpu;
        m.wall[way] = seconds_now(clock_kind::wall) - wall;
        m.parts[way] = parts;
        if (!n) return m;
        if (way == 0) m.coded.resize(*n);
    }
    m.correct = back == in;
    return m;
}

std::string speed(double n, double seconds) { return bench::decimal(n / seconds / 1e6, 3); }

/// A codec on one model, then with blocks cut, on one thread and on two. True if all is right.
template <class Whole, template <class> class Cut>
bool compare(const std::string& name, const bench::bytes& in, bench::rows& rows) {
    const auto n = static_cast<double>(in.size());
    const measurement whole = measure(*std::make_unique<Whole>(), in);
    part_times parts{};
    const auto observed = std::make_unique<Cut<measured_parts>>(measured_parts{&parts});
    const measurement one = measure(*observed, in, parts);
    const measurement two = measure(*std::make_unique<Cut<pith::threads>>(pith::threads{2}), in);
    const double loss = static_cast<double>(one.coded.size()) / static_cast<double>(whole.coded.size()) - 1;
    bench::table table(name + ", one block of " + bench::grouped(in.size()) + " bytes",
                       {{"form", true},
                        {"bytes"},
                        {"bpb"},
                        {"enc MB/s"},
                        {"dec MB/s"},
                        {"× enc"},
                        {"× dec"},
                        {"round trip", true}});
    const auto row = [&](const std::string& form, const measurement& m) {
        table.add({form, bench::grouped(m.coded.size()),
                   bench::decimal(8 * static_cast<double>(m.coded.size()) / n, 4), speed(n, m.wall[0]),
                   speed(n, m.wall[1]), bench::decimal(whole.wall[0] / m.wall[0], 2),
                   bench::decimal(whole.wall[1] / m.wall[1], 2), m.correct ? "right" : "WRONG"});
    };
    row("one model", whole);
    row("cut, one thread", one);
    row("cut, two threads", two);
    table.print(("Loss " + bench::signed_percent(100 * loss) + "; by processor time two threads gain × " +
                 bench::decimal(one.cpu[0] / one.beside(0), 2) + " and × " +
                 bench::decimal(one.cpu[1] / one.beside(1), 2) +
                 " over one.\nMB/s and × are of the time on the clock: true where nothing else runs.")
                    .c_str());
    using bench::better;
    rows.add(name, "mixed", "loss", 100 * loss, "%", better::lower);
    rows.add(name, "mixed", "gain of two threads, encode", one.wall[0] / two.wall[0], "×", better::higher);
    rows.add(name, "mixed", "gain of two threads, decode", one.wall[1] / two.wall[1], "×", better::higher);
    rows.add(name, "mixed", "gain by processor time, encode", one.cpu[0] / one.beside(0), "×",
             better::higher);
    rows.add(name, "mixed", "gain by processor time, decode", one.cpu[1] / one.beside(1), "×",
             better::higher);
    return whole.correct && one.correct && two.correct && one.coded == two.coded;
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words,
        "Blocks of tens of MB by context mixing: one model, or cut into parts that two threads code at the "
        "same\ntime. The files named are joined, otherwise dickens, enwik8_3m and xml of the corpora.",
        true);
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    const std::size_t most = asked.quick ? std::size_t{1} << 17 : std::size_t{1} << 25;
    bench::bytes in;
    const auto append = [&](const bench::bytes& more) {
        in.insert(in.end(), more.begin(),
                  more.begin() + static_cast<std::ptrdiff_t>(std::min(more.size(), most - in.size())));
    };
    for (const std::string& file : asked.files) append(bench::read_file(file, most));
    if (in.empty())
        for (const char* const name : {"text/dickens", "text/enwik8_3m", "text/xml"})
            append(from.read(name, most));
    if (in.empty()) in = bench::installed_headers(std::min(most, std::size_t{1} << 23));
    if (in.empty()) {
        std::fprintf(stderr, "%s: there is nothing to compress\n", words[0]);
        return 1;
    }
    std::printf("Context mixing on threads, %s\n%s\n", bench::machine_line().c_str(),
                asked.files.empty() ? from.says().c_str() : "the files named");
    bench::rows rows;
    bool correct = compare<pith::codec::fast, pith::codec::fast_pair>("fast", in, rows);
    if (!asked.quick) correct = compare<pith::codec::max, pith::codec::max_pair>("max", in, rows) && correct;
    if (!rows.write(asked.json)) return 1;
    if (!correct) std::fprintf(stderr, "a round trip failed, or two threads wrote other bytes than one\n");
    return correct ? 0 : 1;
}
