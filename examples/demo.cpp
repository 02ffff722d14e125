// demo: compresses real data with every block coder of the library, proves that the bytes are those that
// every machine writes, shows where the bytes of one stream went, and what compressed caches do to a model.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pith/container.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/footprint.hpp>
#include <pith/core/random.hpp>
#include <pith/entropy/adaptive_binary.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/entropy/rans_order1.hpp>
#include <pith/entropy/tans.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_order1.hpp>

#include "../bench/support/corpora.hpp"
#include "../bench/support/machine.hpp"
#include "../bench/support/table.hpp"
#include "../bench/support/timing.hpp"
#include "demo/caches.hpp"
#include "demo_digests.hpp"

namespace {

using bench::bytes;

/// f.operator()<Codec>() for every block coder; a new one is one line here (and new digests).
template <class F>
void for_each_codec(F&& f) {
    namespace entropy = pith::entropy;
    f.template operator()<entropy::huffman<>>();
    f.template operator()<entropy::tans<>>();
    f.template operator()<entropy::rans_bytes<pith::simd::rans_rounds<>>>();
    f.template operator()<entropy::rans_order1<pith::simd::order1_rounds<>, pith::simd::rans_rounds<>>>();
    f.template operator()<entropy::adaptive_nibble<0>>();
    f.template operator()<entropy::adaptive_nibble<1>>();
    f.template operator()<entropy::adaptive_nibble<2>>();
    f.template operator()<entropy::adaptive_binary<0>>();
    f.template operator()<entropy::adaptive_binary<1>>();
    f.template operator()<entropy::adaptive_binary<2>>();
}

/// Words drawn so that the first ones come most often: text of about 4 bits a letter, equal on every machine.
bytes sample_text(std::size_t size) {
    constexpr std::string_view words[] = {
        "the",   "of",    "and",     "to",       "in",         "that",       "was",    "it",
        "with",  "as",    "had",     "which",    "at",         "from",       "said",   "were",
        "upon",  "would", "their",   "little",   "before",     "nothing",    "people", "water",
        "paper", "light", "morning", "question", "themselves", "remarkable", "1850",   "quickly"};
    pith::random_sequence random(1);
    bytes out;
    while (out.size() < size) {
        const std::uint32_t rank = random.below(random.below(32) + 1);
        const std::string_view word = words[rank];
        out.insert(out.end(), word.begin(), word.end());
        if (random.below(12) == 0) out.push_back(random.below(3) == 0 ? '.' : ',');
        out.push_back(random.below(11) == 0 ? '\n' : ' ');
    }
    out.resize(size);
    return out;
}

/// Exponents of normally distributed float32 numbers, equal on every machine.
bytes sample_exponents(std::size_t size) {
    pith::random_sequence random(2);
    bytes out(size);
    for (std::uint8_t& b : out) {
        const auto weight = static_cast<float>(random.gaussian() * 0.02);
        b = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(weight) >> 23);
    }
    return out;
}

/// Data to compress, and the sample of its kind whose frames every machine must write alike.
struct subject {
    bench::data_set real;
    bytes sample;
};

template <class Codec>
std::uint64_t sample_digest(const subject& about, Codec& codec) {
    const auto frame = pith::container::encode_frame(about.sample, codec);
    return frame ? pith::xxh64_of(*frame) : 0;
}

const committed_digest* find_committed(std::string_view codec, std::string_view data) {
    for (const committed_digest& c : committed_digests)
        if (codec == c.codec && data == c.data) return &c;
    return nullptr;
}

/// One line of the table. False when a round trip or a digest is wrong.
template <class Codec>
bool show(const subject& about, bench::table& to, bench::progress_line& progress) {
    const bytes& data = about.real.data;
    std::vector<Codec> codec(1);  // its tables may be too large for a stack
    bytes frame(
        pith::container::max_frame_size<Codec>(data.size(), pith::container::frame_options{}.block_size));
    bytes decoded(data.size());
    std::size_t size = 0;
    bool good = true;
    bench::contest timed;
    timed.add("encode", [&] {
        const auto n = pith::container::encode_frame_into(data, frame, codec[0]);
        size = n ? *n : 0;
    });
    timed.add(
        "decode",
        [&] {
            const pith::byte_view in = pith::byte_view(frame).first(size);
            good = pith::container::decode_frame_into(in, decoded, codec[0]).has_value() && good;
        },
        [&] {
            good = good && decoded == data;
            return good;
        });
    const auto& results = timed.run({2, 0.02}, progress, about.real.name + ", " + Codec::name);
    progress.clear();

    const std::uint64_t digest = sample_digest(about, codec[0]);
    const committed_digest* const committed = find_committed(Codec::name, about.real.name);
    const bool equal = committed != nullptr && committed->digest == digest;
    const double megabytes = 1e-6 * static_cast<double>(data.size());
    char checksum[20];
    std::snprintf(checksum, sizeof(checksum), "%016llx", static_cast<unsigned long long>(digest));
    to.add({Codec::name, bench::grouped(size),
            bench::decimal(100.0 * static_cast<double>(size) / static_cast<double>(data.size()), 2) + " %",
            bench::decimal(megabytes / results[0].seconds, 0),
            bench::decimal(megabytes / results[1].seconds, 0), good ? "yes" : "NO", checksum,
            committed == nullptr ? "NOT COMMITTED"
            : equal              ? "yes"
                                 : "NO"});
    return good && equal;
}

void print_digests(const std::vector<subject>& subjects) {
    std::printf(
        "// Checksums of the frames that examples/demo.cpp makes of its samples. Written by:\n"
        "//   demo --digests > examples/demo_digests.hpp\n"
        "#pragma once\n\n"
        "#include <cstdint>\n\n"
        "/// XXH64 of a frame, by codec and kind of data.\n"
        "struct committed_digest {\n"
        "    const char* codec;\n"
        "    const char* data;\n"
        "    std::uint64_t digest;\n"
        "};\n\n"
        "// clang-format off\n"
        "inline constexpr committed_digest committed_digests[] = {\n");
    for (const subject& s : subjects) {
        for_each_codec([&]<class Codec>() {
            std::vector<Codec> codec(1);
            std::printf("    {\"%s\", \"%s\", 0x%016llxU},\n", Codec::name, s.real.name.c_str(),
                        static_cast<unsigned long long>(sample_digest(s, codec[0])));
        });
    }
    std::printf("};\n// clang-format on\n");
}

/// What an order-0 rANS payload is made of, added to the parts of the tree.
struct rans_parts {
    pith::footprint::part tables, states, words, plain;

    void charge(pith::footprint& tree, pith::byte_view payload) const {
        // A byte of the form: below 8 not coded, else 8 + log2 of the lanes; see FORMAT.md.
        pith::byte_reader reader(payload);
        const auto form = reader.read_le<std::uint8_t>();
        std::uint16_t frequencies[256];
        if (!form || *form < 8 || !pith::entropy::read_frequencies(reader, frequencies, 12)) {
            tree.charge(plain, payload.size());
            return;
        }
        const std::size_t lanes = std::size_t{1} << (*form - 8);
        tree.charge(tables, reader.position());
        tree.charge(states, 4 * lanes);
        tree.charge(words, reader.remaining() - 4 * lanes);
    }
};

void print_footprint(const subject& about) {
    namespace container = pith::container;
    pith::entropy::rans_bytes<pith::simd::rans_rounds<>> codec;
    const auto frame = container::encode_frame(about.real.data, codec);
    if (!frame) return;
    auto walker = container::frame_walker::open(*frame);
    if (!walker) return;
    pith::footprint tree("frame");
    tree.add(pith::footprint::root, "frame header", walker->header().size());
    const auto blocks = tree.add(pith::footprint::root, "blocks");
    const auto headers = tree.add(blocks, "sizes and checksums");
    const auto payloads = tree.add(blocks, "payloads");
    const rans_parts parts{tree.add(payloads, "frequency tables"), tree.add(payloads, "states of the lanes"),
                           tree.add(payloads, "words"), tree.add(payloads, "not coded")};
    for (container::frame_block block;;) {
        const auto more = walker->next(block);
        if (!more || !*more) break;
        tree.charge(headers, container::block_header::size);
        if (block.header.stored()) {
            tree.charge(parts.plain, block.payload.size());
        } else {
            parts.charge(tree, block.payload.first(block.header.coded));
            tree.charge(parts.plain, block.payload.size() - block.header.coded);
        }
    }
    tree.add(pith::footprint::root, "end mark", container::end_mark::size);
    bytes lines;
    pith::vector_sink sink(lines);
    tree.print(sink);
    std::printf("\nWhere the bytes of the rans frame of %s went:\n", about.real.name.c_str());
    std::fwrite(lines.data(), 1, lines.size(), stdout);
    if (tree.bytes() != frame->size())
        std::printf("(the parts do not add up to the frame's %zu bytes)\n", frame->size());
}

int run(const std::vector<subject>& subjects, const bench::corpora& from) {
    std::printf("pith on %s\n%s\n", bench::machine_line().c_str(), from.says().c_str());
    bench::progress_line progress;
    bool good = true;
    bench::table table("Every block coder, in frames with a checksum per block", {{"codec", true},
                                                                                  {"bytes"},
                                                                                  {"ratio"},
                                                                                  {"encode MB/s"},
                                                                                  {"decode MB/s"},
                                                                                  {"decoded = input"},
                                                                                  {"sample's checksum"},
                                                                                  {"as committed"}});
    for (const subject& s : subjects) {
        table.group(s.real.name + ": " + s.real.origin + ", " + bench::grouped(s.real.data.size()) +
                    " bytes");
        for_each_codec([&]<class Codec>() { good = show<Codec>(s, table, progress) && good; });
    }
    table.print(
        "MB = 10^6 bytes of input per second of one core, checksums included. The checksum is that of the "
        "frame\n"
        "of a made-up sample of the same kind: any machine, compiler and instruction set must write these "
        "bytes.");
    print_footprint(subjects[0]);
    std::fputs(
        good
            ? "\nAll of it decoded to what went in, and every sample's frame is the committed one: a stream\n"
              "written here can be read on any machine. The static coders (huffman, tans, rans) differ in\n"
              "speed and in how close they come to the entropy; adaptive ones learn while they code.\n"
            : "\nSomething above is WRONG: a round trip failed, or frames differ from the committed ones.\n"
              "(After a deliberate change of format: demo --digests > examples/demo_digests.hpp)\n",
        stdout);
    show_caches();
    return good ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    std::string folder;
    bool digests = false;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--digests") {
            digests = true;
        } else if (word == "--corpora" && i + 1 < count) {
            folder = words[++i];
        } else {
            std::FILE* const to = word == "--help" ? stdout : stderr;
            std::fprintf(to,
                         "usage: %s [--corpora DIR] [--digests]\n"
                         "Compresses real data with every block coder and checks the bytes.\n"
                         "  --digests  print the checksums to commit instead\n",
                         words[0]);
            return word == "--help" ? 0 : 2;
        }
    }
    const bench::corpora from(folder);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], folder.c_str());
        return 1;
    }
    constexpr std::size_t most = std::size_t{2} << 20;
    constexpr std::size_t sample = 1'000'003;
    std::vector<subject> subjects;
    subjects.push_back({bench::text_data(from, most), sample_text(sample)});
    subjects.push_back({bench::exponent_plane(from, most / 2), sample_exponents(sample)});
    if (digests) {
        print_digests(subjects);
        return 0;
    }
    return run(subjects, from);
}
