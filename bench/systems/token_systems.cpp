// bench systems/token_systems: logs by templates and columns, vocabularies by bits saved, meta-tokens, each
// beside what it was published against.
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pith/codec/bytes.hpp>
#include <pith/systems/logs.hpp>
#include <pith/systems/tokens.hpp>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

using bench::bytes;
using tokens = std::vector<std::uint32_t>;

std::string change(double from, double to) { return bench::signed_percent(100 * (to / from - 1)); }

/// A log of a store of blocks: a time, a level, and four templates.
bytes made_up_log(std::size_t lines) {
    pith::random_sequence random(11);
    std::string out;
    std::uint64_t clock = 20'000, block = 904'791'815'409'399'662U;
    for (std::size_t i = 0; i < lines; ++i) {
        clock += random.below(3);
        block += random.below(3) == 0 ? random.below(1'000'000) : 0;
        const unsigned kind = random.below(4), thread = random.below(30), size = random.below(67'108'864);
        const unsigned node = random.below(200), port = 50010 + random.below(4);
        const auto second = static_cast<unsigned>(clock % 60),
                   minute = static_cast<unsigned>(clock / 60 % 60);
        char line[200];
        std::snprintf(line, sizeof line, "2026-03-01 %02u:%02u:%02u INFO [xceiver-%u] ",
                      static_cast<unsigned>(clock / 3600 % 24), minute, second, thread);
        out += line;
        const char* const kinds[] = {
            "Receiving block blk_%llu src: /10.250.7.%u:%u (%u)",
            "Received block blk_%llu from /10.250.7.%u:%u of size %u",
            "PacketResponder for block blk_%llu at 10.250.7.%u:%u terminating, %u left",
            "Deleting block blk_%llu on 10.250.7.%u:%u, file number %u"};
        std::snprintf(line, sizeof line, kinds[kind], static_cast<unsigned long long>(block), node, port,
                      size);
        out += line;
        out += '\n';
    }
    return {out.begin(), out.end()};
}

template <class Coder>
std::size_t coded_size(const bytes& in, bool& correct, double& encode, double& decode) {
    const auto coder = std::make_unique<Coder>();
    bytes code(Coder::max_encoded_size(in.size())), back(in.size());
    const double start = bench::seconds_now();
    const auto size = coder->encode_into(in, code);
    const double middle = bench::seconds_now();
    correct = correct && size && coder->decode_into({code.data(), *size}, back) && back == in;
    encode = static_cast<double>(in.size()) * 1e-6 / (middle - start);
    decode = static_cast<double>(in.size()) * 1e-6 / (bench::seconds_now() - middle);
    return size ? *size : 0;
}

template <class Coder>
void compare_log(bench::table& table, bench::rows& rows, const bench::data_set& log, const char* name,
                 bool& correct) {
    double encode = 0, decode = 0;
    const std::size_t plain = coded_size<Coder>(log.data, correct, encode, decode);
    const std::size_t apart = coded_size<pith::systems::logzip<Coder>>(log.data, correct, encode, decode);
    table.add({name, bench::grouped(plain), bench::grouped(apart),
               change(static_cast<double>(plain), static_cast<double>(apart)), bench::decimal(encode, 1),
               bench::decimal(decode, 1)});
    rows.add(std::string("logzip, ") + name, log.name, "size", static_cast<double>(apart), "bytes",
             bench::better::lower);
}

[[nodiscard]] bool show_logs(bench::rows& rows, bool quick) {
    std::vector<bench::data_set> logs;
    logs.push_back({"made-up log", "made up", made_up_log(quick ? 500 : 40'000)});
    if (!quick)
        for (const char* const path :
             {"/var/log/dpkg.log", "/var/log/syslog", "/var/log/apt/term.log", "/var/log/alternatives.log"})
            if (bytes data = bench::read_file(path, 1 << 24); data.size() > 10'000)
                logs.push_back({path, path, std::move(data)});
    bool correct = true;
    for (const bench::data_set& log : logs) {
        bench::table table(
            log.name + ", " + bench::grouped(log.data.size()) + " bytes",
            {{"coder", true}, {"as it is"}, {"Logzip"}, {"change"}, {"enc MB/s"}, {"dec MB/s"}});
        compare_log<pith::codec::rans_order1>(table, rows, log, "rans, order 1", correct);
        compare_log<pith::codec::adaptive_nibble<2>>(table, rows, log, "adaptive, order 2", correct);
        compare_log<pith::codec::smallest_bytes>(table, rows, log, "smallest of both and orders 0, 1",
                                                 correct);
        table.print("Published: half of the space of general compressors, on average over five logs.");
    }
    return correct;
}

tokens tokens_of(const pith::transform::scored_bpe& vocabulary, pith::byte_view text) {
    tokens out;
    std::uint32_t step[pith::transform::scored_bpe::max_step];
    while (!text.empty()) {
        const pith::transform::token_step s = vocabulary.step(text, step);
        out.insert(out.end(), step, step + s.tokens);
        text = text.subspan(s.bytes);
    }
    return out;
}

/// Bits of all tokens at the frequencies that they have.
double order0_bits(const tokens& in) {
    std::map<std::uint32_t, double> counts;
    for (const std::uint32_t t : in) ++counts[t];
    double bits = 0;
    for (const auto& [token, n] : counts) bits -= n * std::log2(n / static_cast<double>(in.size()));
    return bits;
}
/// Bits of all tokens under counts of order 1 that learn, 8 of whose weight is order 0's, as a coder pays
/// them.
double order1_bits(const tokens& in, std::size_t alphabet) {
    std::vector<double> alone(alphabet, 0.5), context(alphabet, 0);
    std::map<std::pair<std::uint32_t, std::uint32_t>, double> pairs;
    double total = 0.5 * static_cast<double>(alphabet), bits = 0;
    std::uint32_t before = 0;
    for (const std::uint32_t t : in) {
        double& pair = pairs[{before, t}];
        bits -= std::log2((pair + 8 * alone[t] / total) / (context[before] + 8));
        ++pair, ++context[before], ++alone[t], ++total;
        before = t;
    }
    return bits;
}

struct vocabulary_outcome {
    double order0 = 0;
    double order1 = 0;
};
template <class Trainer>
vocabulary_outcome train(bench::table& table, bench::rows& rows, const bench::data_set& text,
                         std::size_t size, const char* name, bool& correct) {
    const double start = bench::seconds_now();
    Trainer trainer{pith::byte_view(text.data)};
    const auto vocabulary = pith::transform::vocabulary_of(trainer.learn(size - 256));
    const double seconds = bench::seconds_now() - start;
    const tokens cut = tokens_of(vocabulary, text.data);
    bytes back;
    for (const std::uint32_t t : cut)
        for (const std::uint8_t b : vocabulary.bytes_of(t)) back.push_back(b);
    correct = correct && back == text.data;
    const auto per_byte = [&](double v) { return v / static_cast<double>(text.data.size()); };
    const vocabulary_outcome out{per_byte(order0_bits(cut)), per_byte(order1_bits(cut, size))};
    table.add({std::to_string(size), name, bench::grouped(cut.size()), bench::decimal(out.order0, 4),
               bench::decimal(out.order1, 4), bench::decimal(seconds, 2)});
    rows.add(std::string(name) + " " + std::to_string(size), text.name, "order 0", out.order0, "bits/byte",
             bench::better::lower);
    return out;
}

[[nodiscard]] bool show_vocabularies(bench::rows& rows, const bench::data_set& text, bool quick) {
    bench::table table("vocabularies of " + text.name + ", " + bench::grouped(text.data.size()) + " bytes",
                       {{"tokens"}, {"merged by", true}, {"text"}, {"order 0"}, {"order 1"}, {"s"}});
    bool correct = true;
    std::string meaning =
        "Bits a byte: at the tokens' own frequencies, and by learning counts of order 1. Change:";
    for (const std::size_t size : {512U, 1024U, 4096U}) {
        if (quick && size > 512) break;
        const auto plain = train<pith::systems::plain_bpe>(table, rows, text, size, "count", correct);
        const auto aware =
            train<pith::systems::compression_aware_bpe>(table, rows, text, size, "bits saved", correct);
        meaning += " " + change(plain.order0, aware.order0) + " and " + change(plain.order1, aware.order1) +
                   " at " + std::to_string(size) + " tokens.";
    }
    table.print(meaning.c_str());
    return correct;
}

[[nodiscard]] bool show_meta_tokens(bench::rows& rows, const std::vector<bench::data_set>& texts,
                                    bool quick) {
    bench::table table("meta-tokens over a vocabulary of the text itself",
                       {{"text", true}, {"vocabulary"}, {"tokens"}, {"shortened"}, {"change"}, {"s"}});
    bool correct = true;
    for (const bench::data_set& text : texts)
        for (const std::size_t size : {256U, 1024U, 4096U}) {
            if (quick && size > 1024) break;
            pith::systems::plain_bpe trainer{pith::byte_view(text.data)};
            const tokens cut =
                tokens_of(pith::transform::vocabulary_of(trainer.learn(size - 256)), text.data);
            const pith::systems::meta_tokens system(static_cast<std::uint32_t>(size));
            const double start = bench::seconds_now();
            const tokens shorter = system.encode(cut);
            const double seconds = bench::seconds_now() - start;
            const auto back = system.decode(shorter);
            correct = correct && back && *back == cut;
            table.add({text.name, std::to_string(size), bench::grouped(cut.size()),
                       bench::grouped(shorter.size()),
                       change(static_cast<double>(cut.size()), static_cast<double>(shorter.size())),
                       bench::decimal(seconds, 2)});
            rows.add("meta-tokens " + std::to_string(size), text.name, "length",
                     static_cast<double>(shorter.size()), "tokens", bench::better::lower);
        }
    table.print("Published: 27 and 18 % shorter on average, on its two tasks for language models.");
    return correct;
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked =
        bench::parse_arguments(count, words, "Logs by templates, vocabularies by bits saved, meta-tokens.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    std::printf("Logs and tokens on %s\n%s\n", bench::machine_line().c_str(), from.says().c_str());
    const std::size_t most = asked.quick ? 40'000 : 1'000'000;
    std::vector<bench::data_set> texts;
    for (const char* const name : {"alice29.txt", "enwik8_1m", "xml"})
        if (bytes data = from.read(std::string("text/") + name, most); !data.empty())
            texts.push_back({name, name, std::move(data)});
    if (texts.empty()) texts.push_back({"headers", "installed headers", bench::installed_headers(most)});
    bench::rows rows;
    bool correct = show_logs(rows, asked.quick);
    for (const bench::data_set& text : texts) correct = show_vocabularies(rows, text, asked.quick) && correct;
    correct = show_meta_tokens(rows, texts, asked.quick) && correct;
    if (!rows.write(asked.json)) return 1;
    if (!correct) std::fprintf(stderr, "at least one round trip failed\n");
    return correct ? 0 : 1;
}
