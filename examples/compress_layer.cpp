// compress_layer: one weight matrix and what flows into it, under every method for calibrated weights.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <getopt.h>

#include <pith/vector/array_file.hpp>

#include "compress_file/files.hpp"
#include "compress_layer/methods.hpp"

namespace {

constexpr const char* usage =
    "usage: compress_layer [--method NAME]... [options] [WEIGHTS.npy ACTIVATIONS.npy]\n"
    "       compress_layer --method NAME [options] [-f] -o OUT [WEIGHTS.npy ACTIVATIONS.npy]\n"
    "       compress_layer -d [-f] -o OUT.npy FILE          restore the weights\n"
    "WEIGHTS: outputs x inputs, ACTIVATIONS: samples x inputs, both '<f4'; without files a made-up layer. "
    "One\n"
    "line for each method: bits that are stored for a weight, error of the outputs on every fourth sample,\n"
    "which the methods do not see, in decibels of the outputs, and seconds.\n"
    "--bits N (3), --group N (128; 0: whole rows), --rank N (a thirty-second of the shorter side)\n"
    "-o: write what the method stores. -f: replace an existing file. Methods, all of them unless named:\n";

struct settings {
    std::vector<std::string> methods{}, files{};
    layers::wanted how{};
    std::string out{};
    bool restore = false, force = false;
};

constexpr pith::limits bound{std::uint64_t{1} << 34, std::uint64_t{1} << 34, 1 << 10};
constexpr failure_line fail{"compress_layer"};

int read_matrix(const std::string& path, layers::matrix& out) {
    input_file file;
    whole_input whole;
    if (!file.open(path) || !whole.load(file)) return fail(path, std::strerror(file.failure));
    const auto got = pith::vector::read_npy(whole.view(), bound);
    if (!got) return fail(path, got.error());
    if (got->rows == 0) return fail(path, "has no rows");
    out = layers::matrix::copy_of(got->view());
    if (!pith::linalg::all_finite<float>(out)) return fail(path, "a value is infinite or not a number");
    return 0;
}

int write_file(const settings& s, pith::byte_view content) {
    output_file out;
    if (!out.open(s.out, s.force))
        return fail(s.out,
                    out.failure == EEXIST ? "exists already; -f replaces it" : std::strerror(out.failure));
    const input_file none;
    if (!out.write(content) || !out.commit(none)) return fail(s.out, std::strerror(out.failure));
    return 0;
}

int restore(const settings& s) {
    input_file file;
    whole_input whole;
    const std::string& path = s.files[0];
    if (!file.open(path) || !whole.load(file)) return fail(path, std::strerror(file.failure));
    const auto parts = layers::read_parts(whole.view(), bound);
    if (!parts) return fail(path, parts.error());
    const auto weights = layers::restore(*parts, bound);
    if (!weights) return fail(path, weights.error());
    return write_file(s, pith::vector::write_npy(weights->view()));
}

int load_layer(const settings& s, layers::layer& out) {
    layers::matrix weights, samples;
    if (s.files.empty()) {
        weights = layers::made_weights(192, 256);
        samples = layers::made_samples(4096, 256);
    } else {
        if (const int status = read_matrix(s.files[0], weights)) return status;
        if (const int status = read_matrix(s.files[1], samples)) return status;
    }
    if (samples.columns() != weights.columns())
        return fail(s.files[1], "has " + std::to_string(samples.columns()) + " columns, the weights have " +
                                    std::to_string(weights.columns()));
    if (samples.rows() < 4) return fail(s.files[1], "at least four samples are needed");
    auto made = layers::make_layer(weights, samples);
    if (!made) return fail(s.files.empty() ? "layer" : s.files[1], made.error());
    out = std::move(*made);
    return 0;
}

// Runs a method, prints its line and leaves what it stores in `stored`.
int judge(const layers::layer& layer, const layers::method& m, const layers::wanted& how,
          layers::bytes& stored) {
    using clock = std::chrono::steady_clock;
    const auto begin = clock::now();
    const auto parts = m.run(layer, how);
    const double seconds = std::chrono::duration<double>(clock::now() - begin).count();
    if (!parts) return fail(m.name, parts.error());
    stored = layers::write_parts(m.name, *parts);
    const auto read = layers::read_parts(stored, bound);
    const auto restored = read ? layers::restore(*read, bound) : pith::result<layers::matrix>(read.error());
    if (!restored) return fail(m.name, restored.error());
    const double bits = 8 * static_cast<double>(stored.size()) / static_cast<double>(layer.weights.size());
    std::printf("%-14s  %11.3f  %9.2f  %8.2f  %s\n", m.name, bits, layers::decibels(layer, *restored),
                seconds, m.about);
    std::fflush(stdout);
    return 0;
}

int run(const settings& s, const std::vector<layers::method>& methods) {
    layers::layer layer;
    if (const int status = load_layer(s, layer)) return status;
    std::printf("%zu outputs, %zu inputs\n%-14s  %11s  %9s  %8s  %s\n", layer.weights.rows(),
                layer.weights.columns(), "method", "bits/weight", "error, dB", "seconds", "what it is");
    int worst = 0;
    layers::bytes stored;
    for (const layers::method& m : methods) {
        bool asked = s.methods.empty();
        for (const std::string& name : s.methods) asked = asked || name == m.name;
        if (!asked) continue;
        if (const int status = judge(layer, m, s.how, stored)) worst = status;
    }
    return worst == 0 && !s.out.empty() ? write_file(s, stored) : worst;
}

bool number(const char* text, double most, double& out) {
    char* end = nullptr;
    out = std::strtod(text, &end);
    return end != text && *end == '\0' && out >= 0 && out <= most;
}

// Exit status 2 on a mistake, 0 to print the usage as asked, -1 to go on.
int parse(int count, char** words, settings& s, const std::vector<layers::method>& methods) {
    const option longs[] = {
        {"method", required_argument, nullptr, 'm'}, {"bits", required_argument, nullptr, 'b'},
        {"group", required_argument, nullptr, 'g'},  {"rank", required_argument, nullptr, 'r'},
        {"help", no_argument, nullptr, 'h'},         {nullptr, 0, nullptr, 0}};
    double value = 0;
    for (int c; (c = ::getopt_long(count, words, "dfho:", longs, nullptr)) != -1;) {
        if (c == 'd') s.restore = true;
        if (c == 'f') s.force = true;
        if (c == 'o') s.out = optarg;
        if (c == 'm') {
            bool known = false;
            for (const auto& m : methods) known = known || std::strcmp(m.name, optarg) == 0;
            if (!known) return fail(optarg, "no such method; --help lists them", 2);
            s.methods.emplace_back(optarg);
        }
        if ((c == 'b' || c == 'g' || c == 'r') && !number(optarg, c == 'b' ? 8 : 1 << 16, value))
            return fail(optarg, c == 'b' ? "bits are a number up to 8" : "not a number up to 65536", 2);
        if (c == 'b') s.how.bits = value;
        if (c == 'g') s.how.group = static_cast<std::size_t>(value);
        if (c == 'r') s.how.rank = static_cast<std::size_t>(value);
        if (c == '?') return std::fputs(usage, stderr), 2;
        if (c == 'h') {
            std::fputs(usage, stdout);
            for (const auto& m : methods) std::printf("  %-14s %s\n", m.name, m.about);
            return 0;
        }
    }
    if ((s.how.group & (s.how.group - 1)) != 0) return fail("--group", "must be 0 or a power of two", 2);
    s.files.assign(words + optind, words + count);
    if (s.restore && (s.files.size() != 1 || s.out.empty()))
        return fail("-d", "needs one file, and -o for the weights", 2);
    if (!s.restore && s.files.size() != 0 && s.files.size() != 2)
        return fail("files", "weights and activations belong together", 2);
    if (!s.restore && !s.out.empty() && s.methods.size() != 1)
        return fail("-o", "needs exactly one --method", 2);
    return -1;
}

}  // namespace

int main(int count, char** words) {
    const std::vector<layers::method> methods = layers::all_methods();
    settings s;
    if (const int status = parse(count, words, s, methods); status >= 0) return status;
    remove_temporary_on_signals();
    return s.restore ? restore(s) : run(s, methods);
}
