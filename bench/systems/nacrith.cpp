// bench systems/nacrith: what a small real language model is worth as a compressor, part by part.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/systems/lossless.hpp>

#include "../../examples/compress_with_model/llama_model.hpp"
#include "../../examples/compress_with_model/llama_predictor.hpp"
#include "../../examples/compress_with_model/llama_vocabulary.hpp"
#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

using namespace pith;
using bench::bytes;
using tokens = std::vector<std::uint32_t>;
using vocabulary = transform::scored_bpe;

tokens tokenized(const vocabulary& words, byte_view text) {
    tokens out;
    std::uint32_t step[vocabulary::max_step];
    while (!text.empty()) {
        const transform::token_step s = words.step(text, step);
        out.insert(out.end(), step, step + s.tokens);
        text = text.subspan(s.bytes);
    }
    return out;
}

/// Text that the model writes itself, drawn from its distribution.
bytes sampled(const llama_model& model, const vocabulary& words, std::size_t size) {
    llama_predictor predictor(model);
    random_sequence random(260);
    std::vector<float> p(predictor.alphabet_size());
    bytes out;
    while (out.size() < size) {
        predictor.predict(p);
        float left = random.uniform();
        std::uint32_t token = 0;
        while (token + 1 < p.size() && left >= p[token]) left -= p[token++];
        const byte_view piece = words.bytes_of(token);
        out.insert(out.end(), piece.begin(), piece.end());
        if (piece.empty())
            predictor.reset(size);  // the end of a story
        else
            predictor.update(token);
    }
    return out;
}

/// A stream that counts what one coding of the same distributions gives.
template <class Coding>
struct coded {
    explicit coded(std::size_t alphabet) : tables(alphabet), sink(out), coder(sink, tables) {}
    coded(const coded&) = delete;
    std::vector<std::uint8_t> out;
    Coding tables;
    vector_sink sink;
    typename Coding::template encoder<vector_sink> coder;
    double bits() {
        coder.finish();
        return 8.0 * static_cast<double>(out.size());
    }
};

struct outcome {
    double entropy = 0, at_16 = 0, at_24 = 0, ranks = 0, seconds = 0;  // bits of all tokens
};

/// Runs the predictor over the text and codes what it says in all ways.
template <mixing::symbol_predictor Predictor>
outcome measure(Predictor predictor, const tokens& text) {
    outcome out;
    std::vector<float> p(predictor.alphabet_size());
    coded<mixing::cdf_coding<16>> at_16(p.size());
    coded<mixing::cdf_coding<24>> at_24(p.size());
    coded<mixing::rank_coding> ranks(p.size());
    predictor.reset(text.size());
    for (const std::uint32_t token : text) {
        const double start = bench::seconds_now();
        predictor.predict(p);
        at_24.coder.put(p, token);
        predictor.update(token);
        out.seconds += bench::seconds_now() - start;
        double sum = 0;
        for (const float v : p) sum += static_cast<double>(v);
        out.entropy -= std::log2(std::max(static_cast<double>(p[token]) / sum, 0x1p-64));
        at_16.coder.put(p, token);
        ranks.coder.put(p, token);
    }
    out.at_16 = at_16.bits();
    out.at_24 = at_24.bits();
    out.ranks = ranks.bits();
    return out;
}

class report {
  public:
    report(bench::rows& rows, std::string data, std::size_t symbols, std::size_t size)
        : rows_(&rows),
          data_(std::move(data)),
          symbols_(static_cast<double>(symbols)),
          size_(static_cast<double>(size)),
          table_("bits a token: " + data_ + ", " + bench::grouped(size) + " bytes, " +
                     bench::grouped(symbols) + " tokens",
                 {{"predictor", true},
                  {"cross-entropy"},
                  {"2^16"},
                  {"2^24"},
                  {"ranks"},
                  {"bits a byte"},
                  {"tokens/s"}}) {}
    void add(const std::string& system, const outcome& o) {
        const auto per_token = [&](double bits) { return bench::decimal(bits / symbols_, 4); };
        table_.add({system, per_token(o.entropy), per_token(o.at_16), per_token(o.at_24), per_token(o.ranks),
                    bench::decimal(o.at_24 / size_, 3), bench::decimal(symbols_ / o.seconds, 0)});
        rows_->add(system, data_, "cross-entropy", o.entropy / symbols_, "bits/token", bench::better::lower);
        rows_->add(system, data_, "code length, totals of 2^16", o.at_16 / symbols_, "bits/token",
                   bench::better::lower);
        rows_->add(system, data_, "code length, totals of 2^24", o.at_24 / symbols_, "bits/token",
                   bench::better::lower);
        rows_->add(system, data_, "code length, ranks", o.ranks / symbols_, "bits/token",
                   bench::better::lower);
        rows_->add(system, data_, "rate", o.at_24 / size_, "bits/byte", bench::better::lower);
        rows_->add(system, data_, "speed", symbols_ / o.seconds, "tokens/s", bench::better::higher);
        if (o.at_24 <= o.entropy + 0.01 * symbols_ + 64) return;
        std::fprintf(stderr,
                     "%s, %s: the code length is more than 0.01 bit a token above the cross-entropy\n",
                     data_.c_str(), system.c_str());
        good_ = false;
    }
    bool print() const {
        table_.print(
            "Cross-entropy is what an ideal coder needs; 2^16 and 2^24 are totals of the range coder, ranks "
            "is LLMZip's\n"
            "coding; all are sizes of real streams. A stream is below the cross-entropy where the model gave "
            "less than\n"
            "2^-24 to what came: the coder keeps a share for everything. Speed is prediction and coding at "
            "2^24.");
        return good_;
    }

  private:
    bench::rows* rows_;
    std::string data_;
    double symbols_, size_;
    bench::table table_;
    bool good_ = true;
};

using ensemble = mixing::token_ensemble<llama_predictor>;

bool measure_text(const llama_model& model, const vocabulary& words, const std::string& name,
                  const bytes& text, bench::rows& rows, bench::progress_line& progress) {
    const tokens symbols = tokenized(words, text);
    report out(rows, name, symbols.size(), text.size());
    mixing::ensemble_options o;
    o.bias = o.ngram = o.lzp = false;
    std::size_t step = 0;
    const auto add = [&](const std::string& system, skipped_tokens skipped = skipped_tokens::seen) {
        progress.show(name + ": " + system, step++, 10);
        out.add(system, measure(ensemble(llama_predictor(model, skipped), o), symbols));
    };
    out.add("n-grams without a model", measure(mixing::token_ngram<4>(words.alphabet_size()), symbols));
    add("the model alone");
    o.bias = true;
    add("+ bias head, rate 0.001");
    o.bias_rate = 0.02F;
    add("+ bias head, rate 0.02");
    o.bias_rate = mixing::ensemble_options().bias_rate;
    o.bias = false;
    o.ngram = true;
    add("+ n-grams");
    o.lzp = true;
    add("+ n-grams, repeats");
    o.bias = true;
    add("+ all: nacrith");
    const float share = std::exchange(o.share, 0.0F);
    add("nacrith, weights not shared, as published");
    o.share = share;
    o.certain_above = 0.354F;  // 2^-1.5
    add("nacrith, skipping");
    add("nacrith, skipping, skipped tokens left out", skipped_tokens::left_out);
    progress.clear();
    return out.print();
}

/// Whole blocks through the systems, and back.
template <class Coder>
bool measure_block(Coder coder, const std::string& system, const bytes& in, bench::table& table) {
    bytes code(Coder::max_encoded_size(in.size()));
    const double start = bench::seconds_now();
    const auto size = coder.encode_into(in, code);
    const double middle = bench::seconds_now();
    if (!size) return false;
    bytes back(in.size());
    const auto got = coder.decode_into(byte_view(code).first(*size), back);
    const double end = bench::seconds_now();
    const bool good = got && back == in;
    const auto length = static_cast<double>(in.size());
    table.add({system, bench::grouped(in.size()), bench::grouped(*size),
               bench::decimal(8.0 * static_cast<double>(*size) / length, 3),
               bench::decimal(length / 1e3 / (middle - start), 1),
               bench::decimal(length / 1e3 / (end - middle), 1), good ? "ok" : "WRONG"});
    return good;
}

bool measure_blocks(const llama_model& model, const vocabulary& words, const std::string& name,
                    const bytes& in) {
    bench::table table(
        "blocks: " + name,
        {{"system", true}, {"bytes"}, {"coded"}, {"bits a byte"}, {"kB/s in"}, {"kB/s out"}, {"", true}});
    const llama_predictor predictor(model);
    bool good = measure_block(systems::nacrith<llama_predictor, vocabulary>(words, ensemble(predictor)),
                              "nacrith", in, table);
    good =
        measure_block(systems::llmzip<llama_predictor, vocabulary>(words, predictor), "llmzip", in, table) &&
        good;
    good = measure_block(systems::language_model_coder<llama_predictor, vocabulary>(words, predictor),
                         "arithmetic under the model", in, table) &&
           good;
    good = measure_block(entropy::adaptive_nibble<1>(), "adaptive nibbles of order 1, no model", in, table) &&
           good;
    table.print("Encoded and decoded in this run, and compared.");
    return good;
}

/// One symbol has most of the probability, the rest falls off as 1 / rank: what large vocabularies look like.
std::vector<float> peaked(std::size_t n, std::uint32_t top, float share) {
    std::vector<float> p(n);
    float sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += p[(top + i) % n] = 1.0F / static_cast<float>(i + 2);
    for (float& v : p) v *= (1.0F - share) / sum;
    p[top] += share;
    return p;
}

template <unsigned Precision>
double bits_at(const std::vector<std::pair<float, std::uint32_t>>& drawn, std::size_t n) {
    coded<mixing::cdf_coding<Precision>> stream(n);
    for (const auto& [share, symbol] : drawn) stream.coder.put(peaked(n, 7, share), symbol);
    return stream.bits();
}

/// The floor of one count a symbol, on an alphabet of 50,000.
bool measure_floor(bench::rows& rows, bool quick) {
    constexpr std::size_t n = 50'000;
    const std::size_t count = quick ? 100 : 2000;
    random_sequence random(50);
    std::vector<std::pair<float, std::uint32_t>> drawn;
    double entropy = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const float share = random.uniform();  // from no idea to certainty
        const std::vector<float> p = peaked(n, 7, share);
        float left = random.uniform();
        std::uint32_t symbol = 7;
        for (std::size_t k = 0; k < n && left >= p[symbol]; ++k) {
            left -= p[symbol];
            symbol = static_cast<std::uint32_t>((7 + k + 1) % n);
        }
        drawn.emplace_back(share, symbol);
        double sum = 0;
        for (const float v : p) sum += static_cast<double>(v);
        entropy -= std::log2(static_cast<double>(p[symbol]) / sum);
    }
    const auto symbols = static_cast<double>(count);
    bench::table table(
        "an alphabet of 50,000 symbols: what the totals cost",
        {{"totals", true}, {"bits a symbol"}, {"above cross-entropy"}, {"floor's share, at most"}});
    const auto add = [&](const char* name, double total, double bits) {
        table.add({name, bench::decimal(bits / symbols, 4), bench::decimal((bits - entropy) / symbols, 4),
                   bench::decimal(-std::log2(1.0 - n / total), 4)});
        rows.add("range coder", "50,000 symbols", std::string("above cross-entropy, totals of ") + name,
                 (bits - entropy) / symbols, "bits/symbol", bench::better::lower);
    };
    const double at_24 = bits_at<24>(drawn, n);
    table.add({"cross-entropy", bench::decimal(entropy / symbols, 4), "", ""});
    add("2^16", 0x1p16, bits_at<16>(drawn, n));
    add("2^20", 0x1p20, bits_at<20>(drawn, n));
    add("2^24", 0x1p24, at_24);
    add("2^31", 0x1p31, bits_at<31>(drawn, n));
    table.print(
        "Distributions of one likely symbol, its share drawn anew each time, above a tail of 1 / rank.");
    return at_24 <= entropy + 0.01 * symbols + 64;
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words, "Nacrith, LLMZip and arithmetic coding on a small real language model, part by part.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    std::printf("Language models as compressors on %s\n%s\n", bench::machine_line().c_str(),
                from.says().c_str());
    bench::rows rows;
    bench::progress_line progress;
    bool good = measure_floor(rows, asked.quick);
    const bytes model_file = from.read("language_model/stories260K.bin", std::size_t{1} << 30);
    const bytes words_file = from.read("language_model/tok512.bin", std::size_t{1} << 30);
    if (model_file.empty() || words_file.empty()) {
        std::printf("\nno language_model/stories260K.bin and tok512.bin: the model's part is left out\n");
    } else {
        const auto model = llama_model::load(model_file);
        if (!model) return std::fprintf(stderr, "stories260K.bin: %s\n", model.error().text), 1;
        const auto vocabulary = load_vocabulary(words_file, model->shape.vocabulary);
        if (!vocabulary) return std::fprintf(stderr, "tok512.bin: %s\n", vocabulary.error().text), 1;
        const bytes own = sampled(*model, *vocabulary, asked.quick ? 600 : 20'000);
        std::printf("\nThe model writes: %.300s...\n", reinterpret_cast<const char*>(own.data()));
        const bench::data_set text{"alice29", "", from.read("text/alice29.txt", asked.quick ? 600 : 30'000)};
        good = measure_text(*model, *vocabulary, "written by the model", own, rows, progress) && good;
        if (!text.data.empty())
            good = measure_text(*model, *vocabulary, text.name, text.data, rows, progress) && good;
        const std::size_t part = asked.quick ? 600 : 10'000;
        bytes mixed(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(std::min(part, own.size())));
        const bytes binary = from.read("binary/ooffice", 2 * part + 8192);
        mixed.insert(mixed.end(), binary.begin(), binary.end());
        good = measure_blocks(*model, *vocabulary, "text of the model, then a program", mixed) && good;
        if (!text.data.empty()) good = measure_blocks(*model, *vocabulary, "alice29", text.data) && good;
    }
    if (!rows.write(asked.json)) return 1;
    if (!good) std::fprintf(stderr, "a round trip or a bound failed; see above\n");
    return good ? 0 : 1;
}
