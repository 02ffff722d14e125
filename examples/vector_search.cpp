// vector_search: how well quantized vectors find neighbors, at what size and speed.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <pith/core/random.hpp>

#include "vector_search/methods.hpp"

namespace {

constexpr const char* usage =
    "usage: vector_search [--base FILE --queries FILE] [--method NAME]... [--metric ip|l2] [--neighbors N]\n"
    "                     [--rerank N] [--threads N] [--limit N]\n"
    "FILE: .npy (two-dimensional '<f4') or .fvecs. Without files: Gaussian vectors around 64 centres.\n"
    "--rerank: so many candidates are compared with the vectors themselves. --limit: of the base's vectors\n"
    "only the first N. --threads: 0 is all the machine has. Methods, all of them unless named:\n";

struct settings {
    std::string base, queries;
    std::vector<std::string> methods;
    task job;
    std::size_t limit = 0;
};

int fail(const std::string& what, int status = 1) {
    std::fprintf(stderr, "vector_search: %s\n", what.c_str());
    return status;
}

std::string message_of(const pith::error& e) {
    return std::string(e.text) + " (" + pith::name_of(e.code) + ", at " + std::to_string(e.offset) + ")";
}

bool ends_with(const std::string& text, const char* end) {
    const std::size_t n = std::strlen(end);
    return text.size() >= n && text.compare(text.size() - n, n, end) == 0;
}

// The vectors of a file, or an empty matrix after a line on stderr.
bool read_rows(const std::string& path, pith::vector::float_rows& out) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(path + ": cannot be read"), false;
    const std::vector<char> raw((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const pith::byte_view bytes(reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size());
    if (!ends_with(path, ".npy") && !ends_with(path, ".fvecs"))
        return fail(path + ": the name must end in .npy or .fvecs"), false;
    pith::limits bound;
    bound.max_memory = std::uint64_t{1} << 34;
    auto got = ends_with(path, ".npy") ? pith::vector::read_npy(bytes, bound)
                                       : pith::vector::read_fvecs(bytes, bound);
    if (!got) return fail(path + ": " + message_of(got.error())), false;
    out = std::move(*got);
    return true;
}

pith::vector::float_rows made_up(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    pith::vector::float_rows out{rows, columns, std::vector<float>(rows * columns)};
    pith::random_sequence centres(1), random(seed);
    std::vector<float> centre(64 * columns);
    for (float& x : centre) x = static_cast<float>(centres.gaussian());
    for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t c = random.below(64);
        for (std::size_t j = 0; j < columns; ++j)
            out.values[r * columns + j] =
                0.5F * centre[c * columns + j] + static_cast<float>(random.gaussian());
    }
    return out;
}

bool read_number(const char* text, std::size_t& out) {
    char* end = nullptr;
    const unsigned long long v = std::strtoull(text, &end, 10);
    out = static_cast<std::size_t>(v);
    return *text >= '0' && *text <= '9' && *end == 0 && v < 1ULL << 31;
}

// False after a line on stderr.
bool parse(int count, char** words, settings& out) {
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const char* const value = i + 1 < count ? words[i + 1] : nullptr;
        if (value == nullptr) return fail(word + ": an option without its value, or none of them"), false;
        ++i;
        std::size_t number = 0;
        const bool is_number = read_number(value, number);
        if (word == "--base")
            out.base = value;
        else if (word == "--queries")
            out.queries = value;
        else if (word == "--method")
            out.methods.emplace_back(value);
        else if (word == "--metric" && std::strcmp(value, "ip") == 0)
            out.job.by = pith::vector::metric::inner_product;
        else if (word == "--metric" && std::strcmp(value, "l2") == 0)
            out.job.by = pith::vector::metric::squared_distance;
        else if (word == "--neighbors" && is_number && number != 0)
            out.job.width = number;
        else if (word == "--rerank" && is_number)
            out.job.rerank = number;
        else if (word == "--threads" && is_number)
            out.job.crew = pith::threads{number};
        else if (word == "--limit" && is_number)
            out.limit = number;
        else
            return fail(word + " " + value + ": not understood"), false;
    }
    if (out.base.empty() != out.queries.empty()) return fail("--base and --queries belong together"), false;
    return true;
}

// The exact neighbors, by re-ranking all there are.
pith::vector::neighbors exact_neighbors(const task& job) {
    pith::vector::neighbors all{job.base->rows, {}};
    all.found.resize(job.base->rows * job.queries->rows);
    for (std::size_t i = 0; i < all.found.size(); ++i)
        all.found[i].id = static_cast<std::uint32_t>(i % job.base->rows);
    return pith::vector::rerank(job.queries->view(), job.base->view(), all, job.width, job.by, job.crew);
}

double recall(const pith::vector::neighbors& truth, const pith::vector::neighbors& found) {
    std::size_t hits = 0, all = 0;
    for (std::size_t q = 0; q * truth.width < truth.found.size(); ++q)
        for (const auto& wanted : truth.of(q)) {
            if (wanted.id == pith::vector::no_neighbor) continue;
            ++all;
            for (const auto& got : found.of(q)) hits += got.id == wanted.id ? 1 : 0;
        }
    return all == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(all);
}

int run(const settings& asked, const std::vector<method>& methods) {
    const task& job = asked.job;
    const pith::vector::neighbors truth = exact_neighbors(job);
    std::printf("%zu vectors of %zu coordinates, %zu queries, %zu neighbors by %s\n", job.base->rows,
                job.base->columns, job.queries->rows, job.width,
                job.by == pith::vector::metric::inner_product ? "inner product" : "distance");
    std::printf("%-14s  %7s  %12s  %8s  %9s  %9s  %s\n", "method", "recall", "bytes/vector", "train, s",
                "encode, s", "ms/query", "what it is");
    for (const method& m : methods) {
        bool wanted = asked.methods.empty();
        for (const std::string& name : asked.methods) wanted = wanted || name == m.name;
        if (!wanted) continue;
        const auto got = m.run(job);
        if (!got) return fail(std::string(m.name) + ": " + message_of(got.error()));
        std::printf("%-14s  %7.4f  %12.1f  %8.2f  %9.2f  %9.4f  %s\n", m.name, recall(truth, got->found),
                    got->bytes, got->train, got->encode,
                    1e3 * got->search / static_cast<double>(job.queries->rows), m.about);
        std::fflush(stdout);
    }
    return 0;
}

}  // namespace

int main(int count, char** words) {
    const std::vector<method> methods = all_methods();
    if (count > 1 && (std::strcmp(words[1], "--help") == 0 || std::strcmp(words[1], "-h") == 0)) {
        std::fputs(usage, stdout);
        for (const method& m : methods) std::printf("  %-14s %s\n", m.name, m.about);
        return 0;
    }
    settings asked;
    if (!parse(count, words, asked)) return 2;
    for (const std::string& name : asked.methods) {
        bool known = false;
        for (const method& m : methods) known = known || name == m.name;
        if (!known) return fail(name + ": no such method; --help lists them", 2);
    }
    pith::vector::float_rows base, queries;
    if (asked.base.empty()) {
        base = made_up(4000, 64, 2);
        queries = made_up(100, 64, 3);
    } else if (!read_rows(asked.base, base) || !read_rows(asked.queries, queries)) {
        return 1;
    }
    if (asked.limit != 0 && asked.limit < base.rows) {
        base.rows = asked.limit;
        base.values.resize(base.rows * base.columns);
    }
    if (base.rows == 0 || queries.rows == 0) return fail("there are no vectors");
    if (base.columns != queries.columns) return fail("base and queries have different dimensions");
    if (const auto finite = pith::vector::check_finite(base.view()); !finite)
        return fail("base: " + message_of(finite.error()));
    if (const auto finite = pith::vector::check_finite(queries.view()); !finite)
        return fail("queries: " + message_of(finite.error()));
    asked.job.base = &base;
    asked.job.queries = &queries;
    return run(asked, methods);
}
