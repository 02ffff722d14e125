// bench text: whole compressors on whole files, ours and those of others: size, speed, memory, round trip.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"
#include "text/contestants.hpp"

namespace {

namespace fs = std::filesystem;

/// A folder for the files that contestants read and write; gone with the object.
class scratch_folder {
  public:
    scratch_folder() {
        std::string name = (fs::temp_directory_path() / "pith_text_XXXXXX").string();
        if (mkdtemp(name.data()) != nullptr) path_ = name;
    }
    ~scratch_folder() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    [[nodiscard]] bool good() const { return !path_.empty(); }
    [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

  private:
    fs::path path_;
};

struct measurement {
    bool correct = false;
    double size = 0;
    double seconds[2] = {};  // encoding, decoding
    double peak[2] = {};
};

struct input_file {
    std::string name;
    std::string path;
};

/// The files of text/ and binary/ in the corpora, or those named, or installed headers.
std::vector<input_file> inputs(const bench::arguments& asked, const bench::corpora& from,
                               const scratch_folder& scratch) {
    std::vector<input_file> out;
    for (const std::string& path : asked.files) out.push_back({fs::path(path).filename().string(), path});
    for (const char* const part : {"text", "binary"}) {
        std::error_code failed;
        if (!asked.files.empty() || !from.found()) break;
        std::vector<fs::path> paths;
        for (const auto& entry : fs::directory_iterator(from.folder() / part, failed))
            if (entry.is_regular_file(failed)) paths.push_back(entry.path());
        std::sort(paths.begin(), paths.end());
        if (asked.quick && paths.size() > 1) paths.resize(1);
        for (const fs::path& path : paths) out.push_back({path.filename().string(), path.string()});
    }
    if (out.empty()) {
        const std::string path = scratch.file("headers");
        if (bench::write_file(path, bench::installed_headers(std::size_t{1} << 22)))
            out.push_back({"installed headers", path});
    }
    return out;
}

/// Encodes, decodes and compares; repeated where one pass is short, then the median of the times.
measurement measure(const bench::contestant& who, const std::string& in, const bench::bytes& data,
                    const scratch_folder& scratch, bool quick) {
    const std::string coded = scratch.file("coded" + who.ending);
    const std::string back = scratch.file("back");
    measurement m;
    m.correct = true;
    std::vector<double> times[2];
    for (std::size_t pass = 0; pass < (quick ? 1U : 3U); ++pass) {
        if (pass != 0 && times[0].front() + times[1].front() > 1) break;
        std::error_code ignored;
        fs::remove_all(coded, ignored);
        fs::remove_all(back, ignored);
        const bench::child_usage writing = who.encode(in, coded);
        const bench::child_usage reading = writing.good ? who.decode(coded, back) : bench::child_usage{};
        m.correct = m.correct && reading.good && bench::read_file(back, ~std::size_t{0}) == data;
        const auto size = fs::file_size(coded, ignored);
        m.size = ignored ? 0 : static_cast<double>(size);
        times[0].push_back(writing.seconds);
        times[1].push_back(reading.seconds);
        m.peak[0] = std::max(m.peak[0], writing.peak_bytes);
        m.peak[1] = std::max(m.peak[1], reading.peak_bytes);
    }
    for (int k = 0; k < 2; ++k) m.seconds[k] = std::max(bench::median(times[k]), 1e-4);
    return m;
}

void add_rows(bench::rows& rows, const std::string& system, const std::string& data, double n,
              const measurement& m) {
    using bench::better;
    rows.add(system, data, "size", m.size, "bytes", better::lower);
    rows.add(system, data, "rate", 8 * m.size / n, "bpb", better::lower);
    rows.add(system, data, "encode", n / m.seconds[0] / 1e6, "MB/s", better::higher);
    rows.add(system, data, "decode", n / m.seconds[1] / 1e6, "MB/s", better::higher);
    rows.add(system, data, "encode memory", m.peak[0] / 1e6, "MB", better::lower);
    rows.add(system, data, "decode memory", m.peak[1] / 1e6, "MB", better::lower);
}

std::string speed(double n, double seconds) {
    const double rate = n / seconds / 1e6;
    return bench::decimal(rate, rate < 1 ? 3 : rate < 10 ? 2 : 0);
}

/// All contestants on one file, the smallest result first. True if every round trip was right.
bool compare(const std::vector<bench::contestant>& all, const input_file& file, const scratch_folder& scratch,
             bool quick, bench::rows& rows, bench::progress_line& progress) {
    bench::bytes data = bench::read_file(file.path, quick ? std::size_t{1} << 16 : ~std::size_t{0});
    const std::string in = scratch.file("data");
    if (data.empty() || !bench::write_file(in, data)) {
        std::fprintf(stderr, "cannot read %s, or it is empty\n", file.path.c_str());
        return false;
    }
    const auto n = static_cast<double>(data.size());
    std::vector<std::pair<const bench::contestant*, measurement>> found;
    for (std::size_t k = 0; k < all.size(); ++k) {
        progress.show(file.name + ": " + all[k].name, k, all.size());
        found.emplace_back(&all[k], measure(all[k], in, data, scratch, quick));
        if (found.back().second.correct) add_rows(rows, all[k].name, file.name, n, found.back().second);
    }
    progress.clear();
    // The strongest rival that is installed is the measure of speed.
    const measurement* against = &found.front().second;
    std::string against_name = found.front().first->name;
    bool correct = true;
    for (const auto& [who, m] : found) correct = correct && m.correct;
    std::vector<std::size_t> order(found.size());
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const double x = found[a].second.size, y = found[b].second.size;
        return x < y || (x == y && a < b);
    });
    bench::table table(file.name + ", " + bench::grouped(data.size()) + " bytes", {{"codec", true},
                                                                                   {"bytes"},
                                                                                   {"bpb"},
                                                                                   {"enc MB/s"},
                                                                                   {"dec MB/s"},
                                                                                   {"× enc"},
                                                                                   {"× dec"},
                                                                                   {"enc MB"},
                                                                                   {"dec MB"},
                                                                                   {"states MB"},
                                                                                   {"round trip", true}});
    for (const std::size_t k : order) {
        const auto& [who, m] = found[k];
        table.add({who->name, bench::grouped(static_cast<std::uint64_t>(m.size)),
                   bench::decimal(8 * m.size / n, 3), speed(n, m.seconds[0]), speed(n, m.seconds[1]),
                   bench::decimal(against->seconds[0] / m.seconds[0], 2),
                   bench::decimal(against->seconds[1] / m.seconds[1], 2), bench::decimal(m.peak[0] / 1e6, 0),
                   bench::decimal(m.peak[1] / 1e6, 0),
                   who->memory == 0 ? "" : bench::decimal(static_cast<double>(who->memory) / 1e6, 1),
                   m.correct ? "right" : "WRONG"});
    }
    table.print(("× is the speed as a multiple of that of " + against_name + " in this run.").c_str());
    return correct;
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words,
        "Whole compressors on every file of text/ and binary/ in the corpora, or on the files named: bytes, "
        "bits\n"
        "per byte, speed of the processor time used, peak memory. Each runs in a process of its own.",
        true);
    const bench::corpora from(asked.corpora);
    const scratch_folder scratch;
    if (from.missing() || !scratch.good()) {
        std::fprintf(
            stderr, "%s: %s\n", words[0],
            scratch.good() ? ("not a folder: " + asked.corpora).c_str() : "no folder for temporary files");
        return 1;
    }
    std::printf("Whole compressors on %s\n%s\n", bench::machine_line().c_str(),
                asked.files.empty() ? from.says().c_str() : "the files named");
    std::vector<bench::contestant> all;
    for (const bench::rival_program& rival : bench::rival_programs()) {
        if (bench::installed(rival.encode[0]))
            all.push_back(bench::contestant_of(rival, scratch.file("version")));
        else
            std::printf("not installed, not measured: %s\n", rival.name.c_str());
    }
    for (bench::contestant& codec : bench::own_contestants()) all.push_back(std::move(codec));
    for (const bench::contestant& who : all) std::printf("  %s: %s\n", who.name.c_str(), who.about.c_str());
    std::fflush(stdout);  // or each child would print it again

    bench::rows rows;
    bench::progress_line progress;
    bool correct = true;
    for (const input_file& file : inputs(asked, from, scratch))
        correct = compare(all, file, scratch, asked.quick, rows, progress) && correct;
    if (!rows.write(asked.json)) return 1;
    if (!correct) std::fprintf(stderr, "at least one round trip failed; see above\n");
    return correct ? 0 : 1;
}
