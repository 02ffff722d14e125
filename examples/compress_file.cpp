// compress_file: a file compressor for the command line; a frame of pith/container around the entropy coders.
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <pith/core/parallel.hpp>

#include "compress_file/files.hpp"
#include "compress_file/levels.hpp"

namespace {

namespace box = pith::container;

constexpr const char* suffix = ".pith";
constexpr const char* usage =
    "usage: compress_file [-1..-9] [-B BLOCK] [-T THREADS] [-cfkq] [-o OUT] [FILE]   compress\n"
    "       compress_file -d [-T THREADS] [-cfkq] [-o OUT] [FILE]                    decompress\n"
    "       compress_file -t [-T THREADS] [-q] [FILE]                                test a compressed file\n"
    "       compress_file -l [FILE]                                                  list what is in it\n"
    "Without FILE, or with -, standard input and output. The input is always kept. -c: to standard output.\n"
    "-f: replace an existing file. -B: block size, a power of two from 4K to 64M. -T: 0 is all the machine "
    "has.\n"
    "-1 to -6 code fast, -5 unless told otherwise; -7 to -9 mix contexts: much smaller and slower, both "
    "ways,\n"
    "in blocks of 16, 16 and 64 MB. At most 4 GB of memory are used, if need be on fewer threads than asked "
    "for.\n";

enum class action { compress, decompress, test, list };

struct settings {
    action what = action::compress;
    std::size_t at_level = usual_level;
    std::uint32_t block_size = 0;  // the level's
    std::size_t threads = 0;
    bool force = false, quiet = false, to_stdout = false;
    std::string in = "-", out;
};

constexpr failure_line fail{"compress_file"};

// A bar on a terminal, redrawn when it changes and twice a second, since a block may take long; nothing
// elsewhere.
class progress_bar {
  public:
    explicit progress_bar(bool wanted) : drawn_(wanted && ::isatty(STDERR_FILENO) != 0) {
        if (drawn_) clock_ = std::thread([this] { tick(); });
    }
    progress_bar(const progress_bar&) = delete;
    ~progress_bar() {
        if (!drawn_) return;
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        wake_.notify_one();
        clock_.join();
        std::fputs("\r\033[K", stderr);
    }
    bool operator()(pith::progress_report r) {
        if (!drawn_) return true;
        const std::lock_guard lock(mutex_);
        const bool known = r.total_known() && r.total != 0;
        const std::uint64_t step = known ? r.done / (r.total / 1000 + 1) : r.done >> 22;
        report_ = r;
        if (step != last_) draw();
        last_ = step;
        return true;
    }

  private:
    void tick() {
        std::unique_lock lock(mutex_);
        while (!ended_) {
            draw();
            wake_.wait_for(lock, std::chrono::milliseconds(500));
        }
    }
    void draw() const {
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start_;
        const auto megabytes = static_cast<double>(report_.done) / 1e6;
        if (report_.total_known() && report_.total != 0) {
            const int filled = static_cast<int>(40.0 * static_cast<double>(report_.done) /
                                                static_cast<double>(report_.total));
            std::fprintf(stderr, "\r[%-40.*s] %3d %%  %.1f MB  %.0f s", filled,
                         "########################################", filled * 5 / 2, megabytes, time.count());
        } else {
            std::fprintf(stderr, "\r%.1f MB  %.0f s", megabytes, time.count());
        }
    }

    bool drawn_;
    bool ended_ = false;
    pith::progress_report report_{};
    std::uint64_t last_ = ~std::uint64_t{0};
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::mutex mutex_;
    std::condition_variable wake_;
    std::thread clock_;
};

// A number with an optional K or M behind it; false when it is none or is above `most`.
bool parse_number(const char* text, std::uint64_t most, std::uint64_t& out) {
    char* end = nullptr;
    errno = 0;
    const std::uint64_t v = std::strtoull(text, &end, 10);
    if (errno != 0 || end == text || *text == '-') return false;
    const unsigned shift = *end == 'K' || *end == 'k' ? 10 : *end == 'M' || *end == 'm' ? 20 : 0;
    if (shift != 0) ++end;
    out = v << shift;
    return *end == '\0' && v <= most >> shift;
}

// Exit status 2 on a mistake, 0 to print the usage as asked, -1 to go on.
int parse(int argc, char** argv, settings& s) {
    std::uint64_t number = 0;
    for (int c; (c = ::getopt(argc, argv, "123456789dtlkcfqhT:o:B:")) != -1;) {
        switch (c) {
            case 'd':
                s.what = action::decompress;
                break;
            case 't':
                s.what = action::test;
                break;
            case 'l':
                s.what = action::list;
                break;
            case 'k':
                break;
            case 'c':
                s.to_stdout = true;
                break;
            case 'f':
                s.force = true;
                break;
            case 'q':
                s.quiet = true;
                break;
            case 'o':
                s.out = optarg;
                break;
            case 'T':
                if (!parse_number(optarg, 256, number)) return fail("-T", "needs a number from 0 to 256", 2);
                s.threads = static_cast<std::size_t>(number);
                break;
            case 'B':
                if (!parse_number(optarg, box::max_block_size, number) || number < box::min_block_size ||
                    (number & (number - 1)) != 0)
                    return fail("-B", "needs a power of two from 4K to 64M", 2);
                s.block_size = static_cast<std::uint32_t>(number);
                break;
            case 'h':
                std::fputs(usage, stdout);
                return 0;
            case '?':
                std::fputs(usage, stderr);
                return 2;
            default:
                s.at_level = static_cast<std::size_t>(c - '0');
        }
    }
    if (argc - optind > 1) return fail(argv[optind + 1], "only one file at a time", 2);
    if (optind < argc) s.in = argv[optind];
    if (s.to_stdout && !s.out.empty()) return fail("-c", "does not go with -o", 2);
    if (s.to_stdout || (s.in == "-" && s.out.empty())) s.out = "-";
    if (!s.out.empty() || s.what == action::test || s.what == action::list) return -1;
    if (s.what == action::compress) {
        s.out = s.in + suffix;
    } else {
        const std::size_t stem = s.in.size() - std::strlen(suffix);
        if (s.in.size() <= std::strlen(suffix) || s.in.substr(stem) != suffix)
            return fail(s.in, "does not end in .pith; name the output with -o", 2);
        s.out = s.in.substr(0, stem);
    }
    return -1;
}

int report(const settings& s, const pith::error& e, const input_file& in, const output_file& out) {
    if (e.code == pith::error_code::sink_failed) return fail(s.out, std::strerror(out.failure));
    if (e.code == pith::error_code::source_failed)
        return fail(s.in, in.failure != 0 ? std::strerror(in.failure) : "changed while it was read");
    return fail(s.in, e);
}

pith::result<box::stream_totals> encode(const settings& s, input_file& in, output_file& out) {
    const level& l = levels[s.at_level];
    box::frame_options options{.block_size = s.block_size != 0 ? s.block_size : l.block_size};
    if (in.is_regular() && ::lseek(in.descriptor(), 0, SEEK_CUR) == 0)
        options.content_size = static_cast<std::uint64_t>(in.about.st_size);
    const std::size_t threads = threads_for(s.threads == 1 ? 1 : pith::threads{s.threads}.workers(),
                                            codecs::memory_of(l.recipe), options.block_size);
    return codecs::visit(l.recipe, 0, [&]<class Codec>() {
        if (threads == 1)
            return box::encode_stream(in, out, Codec{}, options, pith::serial{}, progress_bar(!s.quiet));
        return box::encode_stream(in, out, Codec{}, options, pith::threads{threads}, progress_bar(!s.quiet));
    });
}

template <class Policy>
pith::result<box::stream_totals> decode(const settings& s, input_file& in, output_file& out,
                                        const Policy& policy) {
    // Any length and number of blocks.
    constexpr pith::limits bound{pith::no_limits.max_output, most_memory, pith::no_limits.max_blocks};
    if (s.what == action::test) return box::verify_stream<codecs>(in, bound, policy, progress_bar(!s.quiet));
    return box::decode_stream<codecs>(in, out, bound, policy, progress_bar(!s.quiet));
}

int transform(const settings& s, input_file& in) {
    output_file out;
    if (s.what != action::test && !out.open(s.out, s.force)) {
        if (out.failure == EEXIST) return fail(s.out, "exists already; -f replaces it");
        return fail(s.out, std::strerror(out.failure));
    }
    if (s.what == action::compress && out.is_terminal() && !s.force)
        return fail("standard output",
                    "compressed data is not written to a terminal; use -o, or -f to insist", 2);
    if (s.what != action::compress && in.is_terminal())
        return fail("standard input", "compressed data is not read from a terminal", 2);
    const auto totals = s.what == action::compress ? encode(s, in, out)
                        : s.threads == 1           ? decode(s, in, out, pith::serial{})
                                                   : decode(s, in, out, pith::threads{s.threads});
    if (!totals) return report(s, totals.error(), in, out);
    if (s.what != action::test && !out.commit(in)) return fail(s.out, std::strerror(out.failure));
    if (!s.quiet && ::isatty(STDERR_FILENO) != 0)
        std::fprintf(stderr, "%s: %llu bytes of content, %llu compressed%s\n", s.in.c_str(),
                     static_cast<unsigned long long>(totals->decoded),
                     static_cast<unsigned long long>(totals->encoded),
                     s.what == action::test ? ", whole" : "");
    return 0;
}

int list(const settings& s, input_file& in) {
    whole_input whole;
    if (!whole.load(in)) return fail(s.in, std::strerror(in.failure));
    const auto info = box::inspect(whole.view());
    if (!info) return report(s, info.error(), in, {});
    const auto row = [](const char* name, std::uint64_t value, const char* unit) {
        std::printf("%-22s %20llu %s\n", name, static_cast<unsigned long long>(value), unit);
    };
    const std::uint32_t recipe = info->header.recipe;
    std::printf("%-22s %20s\n", "file", s.in.c_str());
    std::printf("%-22s %20s\n", "recipe", codecs::name_of(recipe));
    row("recipe id", recipe, codecs::contains(recipe) ? "" : "(not built in here)");
    row("stream version", info->header.version, "");
    row("content", info->decoded, info->header.states_size() ? "bytes" : "bytes (written as a stream)");
    row("compressed", info->encoded, "bytes");
    std::printf("%-22s %20.4f compressed bits a byte\n", "rate",
                info->decoded == 0
                    ? 0.0
                    : 8.0 * static_cast<double>(info->encoded) / static_cast<double>(info->decoded));
    row("block size", info->header.block_size, "bytes");
    row("blocks", info->blocks, "");
    row("stored blocks", info->stored_blocks, "");
    row("memory to decode", info->decode_memory + codecs::memory_of(recipe), "bytes on one thread");
    std::printf("%-22s     %016llx XXH64 of the blocks' checksums\n\n", "digest",
                static_cast<unsigned long long>(info->digest));
    std::vector<std::uint8_t> text;
    pith::vector_sink sink(text);
    box::footprint_of(*info).print(sink);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::fflush(stdout) == 0 ? 0 : fail("standard output", std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
    settings s;
    if (const int status = parse(argc, argv, s); status >= 0) return status;
    remove_temporary_on_signals();
    input_file in;
    if (!in.open(s.in)) return fail(s.in, std::strerror(in.failure));
    return s.what == action::list ? list(s, in) : transform(s, in);
}
