// compress_with_model: compresses files with a small language model of the user's, by Nacrith or by LLMZip.
#include <cstdio>
#include <cstring>
#include <string>

#include <pith/container.hpp>
#include <pith/systems/lossless.hpp>

#include "compress_file/files.hpp"
#include "compress_with_model/llama_model.hpp"
#include "compress_with_model/llama_predictor.hpp"
#include "compress_with_model/llama_vocabulary.hpp"

namespace {

namespace box = pith::container;

constexpr const char* suffix = ".model";
constexpr const char* usage =
    "usage: compress_with_model -m MODEL -v VOCABULARY [-z SYSTEM] [-cfq] [-o OUT] [FILE]   compress\n"
    "       compress_with_model -d -m MODEL -v VOCABULARY [-cfq] [-o OUT] [FILE]            decompress\n"
    "       compress_with_model -t -m MODEL -v VOCABULARY [-q] [FILE]                       test a "
    "compressed file\n"
    "MODEL and VOCABULARY are in the format of llama2.c (stories260K.bin, tok512.bin). SYSTEM is nacrith "
    "(the model,\n"
    "n-grams, repeats and a bias head together; the default), llmzip (ranks under the model) or cdf (its\n"
    "distributions). What was compressed with a model needs that model and vocabulary again. Without FILE, "
    "or with\n"
    "-, standard input and output. The input is always kept. -c: to standard output. -f: replace an existing "
    "file.\n";

// What the codecs of this program are made of; set once, before there is any.
struct {
    llama_model model;
    pith::transform::scored_bpe vocabulary;
} loaded;

using tokenizer = pith::transform::scored_bpe;
constexpr std::uint32_t first_recipe = box::recipes::first_of_users + 0x6C6D;

template <class Coder, class Predictor>
struct with_loaded_model : Coder {
    with_loaded_model() : Coder(loaded.vocabulary, Predictor(llama_predictor(loaded.model))) {}
};
using nacrith = with_loaded_model<pith::systems::nacrith<llama_predictor, tokenizer, first_recipe>,
                                  pith::mixing::token_ensemble<llama_predictor>>;
using llmzip =
    with_loaded_model<pith::systems::llmzip<llama_predictor, tokenizer, first_recipe + 1>, llama_predictor>;
using cdf =
    with_loaded_model<pith::systems::language_model_coder<llama_predictor, tokenizer, first_recipe + 2>,
                      llama_predictor>;
using codecs = box::recipe_list<nacrith, llmzip, cdf>;

enum class action { compress, decompress, test };

struct settings {
    action what = action::compress;
    std::string model, vocabulary, system = "nacrith", in = "-", out;
    bool force = false, quiet = false, to_stdout = false;
};

constexpr failure_line fail{"compress_with_model"};

// Where the output goes; a status as parse gives it.
int name_output(settings& s) {
    if (s.to_stdout && !s.out.empty()) return fail("-c", "does not go with -o", 2);
    if (s.to_stdout || (s.in == "-" && s.out.empty())) s.out = "-";
    if (!s.out.empty() || s.what == action::test) return -1;
    if (s.what == action::compress) {
        s.out = s.in + suffix;
        return -1;
    }
    const std::size_t stem = s.in.size() - std::strlen(suffix);
    if (s.in.size() <= std::strlen(suffix) || s.in.substr(stem) != suffix)
        return fail(s.in, "does not end in .model; name the output with -o", 2);
    s.out = s.in.substr(0, stem);
    return -1;
}

// Exit status 2 on a mistake, 0 to print the usage as asked, -1 to go on.
int parse(int argc, char** argv, settings& s) {
    for (int c; (c = ::getopt(argc, argv, "dtcfqhm:v:z:o:")) != -1;) {
        if (c == 'd') s.what = action::decompress;
        if (c == 't') s.what = action::test;
        if (c == 'c') s.to_stdout = true;
        if (c == 'f') s.force = true;
        if (c == 'q') s.quiet = true;
        if (c == 'm') s.model = optarg;
        if (c == 'v') s.vocabulary = optarg;
        if (c == 'z') s.system = optarg;
        if (c == 'o') s.out = optarg;
        if (c == 'h') return std::fputs(usage, stdout), 0;
        if (c == '?') return std::fputs(usage, stderr), 2;
    }
    if (argc - optind > 1) return fail(argv[optind + 1], "only one file at a time", 2);
    if (optind < argc) s.in = argv[optind];
    if (s.model.empty() || s.vocabulary.empty())
        return fail("-m and -v", "must name a model and a vocabulary", 2);
    if (s.system != "nacrith" && s.system != "llmzip" && s.system != "cdf")
        return fail("-z", "must be nacrith, llmzip or cdf", 2);
    return name_output(s);
}

// 0, or the exit status.
int load(const settings& s) {
    input_file file;
    whole_input model;
    if (!file.open(s.model) || !model.load(file)) return fail(s.model, std::strerror(file.failure));
    auto weights = llama_model::load(model.view());
    if (!weights) return fail(s.model, weights.error());
    loaded.model = std::move(*weights);
    input_file second;
    whole_input words;
    if (!second.open(s.vocabulary) || !words.load(second))
        return fail(s.vocabulary, std::strerror(second.failure));
    auto vocabulary = load_vocabulary(words.view(), loaded.model.shape.vocabulary);
    if (!vocabulary) return fail(s.vocabulary, vocabulary.error());
    loaded.vocabulary = std::move(*vocabulary);
    // Streams name both: a distribution is of no use with other words.
    loaded.model.fingerprint ^= static_cast<std::uint32_t>(pith::xxh64_of(words.view()) >> 32);
    return 0;
}

template <class Codec>
pith::result<box::stream_totals> encode(input_file& in, output_file& out) {
    box::frame_options options{.block_size = box::max_block_size};
    if (in.is_regular() && ::lseek(in.descriptor(), 0, SEEK_CUR) == 0)
        options.content_size = static_cast<std::uint64_t>(in.about.st_size);
    return box::encode_stream(in, out, Codec(), options);
}

pith::result<box::stream_totals> run(const settings& s, input_file& in, output_file& out) {
    constexpr pith::limits bound{pith::no_limits.max_output, std::uint64_t{1} << 30,
                                 pith::no_limits.max_blocks};
    if (s.what == action::test) return box::verify_stream<codecs>(in, bound, pith::serial());
    if (s.what == action::decompress) return box::decode_stream<codecs>(in, out, bound, pith::serial());
    if (s.system == "llmzip") return encode<llmzip>(in, out);
    return s.system == "cdf" ? encode<cdf>(in, out) : encode<nacrith>(in, out);
}

int transform(const settings& s, input_file& in) {
    output_file out;
    if (s.what != action::test && !out.open(s.out, s.force))
        return fail(s.out,
                    out.failure == EEXIST ? "exists already; -f replaces it" : std::strerror(out.failure));
    if (s.what == action::compress && out.is_terminal() && !s.force)
        return fail("standard output",
                    "compressed data is not written to a terminal; use -o, or -f to insist", 2);
    if (s.what != action::compress && in.is_terminal())
        return fail("standard input", "compressed data is not read from a terminal", 2);
    const auto totals = run(s, in, out);
    if (!totals) {
        const pith::error& e = totals.error();
        if (e.code == pith::error_code::sink_failed) return fail(s.out, std::strerror(out.failure));
        if (e.code == pith::error_code::source_failed)
            return fail(s.in, in.failure != 0 ? std::strerror(in.failure) : "changed while it was read");
        return fail(s.in, e);
    }
    if (s.what != action::test && !out.commit(in)) return fail(s.out, std::strerror(out.failure));
    if (!s.quiet && ::isatty(STDERR_FILENO) != 0)
        std::fprintf(stderr, "%s: %llu bytes of content, %llu compressed%s\n", s.in.c_str(),
                     static_cast<unsigned long long>(totals->decoded),
                     static_cast<unsigned long long>(totals->encoded),
                     s.what == action::test ? ", whole" : "");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    settings s;
    if (const int status = parse(argc, argv, s); status >= 0) return status;
    remove_temporary_on_signals();
    if (const int status = load(s); status != 0) return status;
    input_file in;
    if (!in.open(s.in)) return fail(s.in, std::strerror(in.failure));
    return transform(s, in);
}
