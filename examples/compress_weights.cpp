// compress_weights: lossless compression of safetensors and .npy files, tensor by tensor, in three tiers.
#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <getopt.h>

#include "compress_file/files.hpp"
#include "compress_weights/archive.hpp"
#include "compress_weights/progress.hpp"
#include "compress_weights/table.hpp"

namespace {

constexpr const char* suffix = ".pith";
constexpr const char* usage =
    "usage: compress_weights [--tier instant|rans|archive] [--base FILE] [-T THREADS] [-fq] [-o OUT] FILE\n"
    "       compress_weights -d [--base FILE] [-T THREADS] [-fq] [-o OUT] FILE   restore, byte for byte\n"
    "       compress_weights -t [--base FILE] [-T THREADS] [-q] FILE             test a compressed file\n"
    "       compress_weights -l FILE                        list tensors, of a compressed file or another\n"
    "       compress_weights --compare [--base FILE] FILE   what each tier makes of each tensor\n"
    "FILE is a safetensors or .npy file; the output is FILE.pith. The input is always kept, what was "
    "written\n"
    "is read again and compared. --tier: instant is the fastest, archive the smallest, rans is usual.\n"
    "--base: an earlier checkpoint; tensors of the same name, type and shape are coded against it, and the\n"
    "same file is needed to restore. -f: replace an existing file. -T: 0 is all the machine has.\n";

enum class action { compress, restore, test, list, compare };

struct settings {
    action what = action::compress;
    weights::tier at_tier = weights::tier::rans;
    std::size_t threads = 0;
    bool force = false, quiet = false;
    std::string in{}, out{}, base{};
};

// Any size; memory is a tensor's, and its directory's.
constexpr pith::limits bound{pith::no_limits.max_output, pith::no_limits.max_memory,
                             pith::no_limits.max_blocks};

constexpr failure_line fail{"compress_weights"};

// A file in memory, mapped.
struct loaded_file {
    input_file file{};
    whole_input whole{};
    weights::weights_view view{};

    // The exit status, 0 to go on.
    int map(const std::string& path) {
        if (!file.open(path) || !whole.load(file)) return fail(path, std::strerror(file.failure));
        return 0;
    }
    int read_tensors(const std::string& path) {
        const weights::complaint wrong = view.open(whole.view());
        return wrong.empty() ? 0 : fail(path, wrong);
    }
};

bool is_archive(pith::byte_view in) {
    return in.size() >= 4 && std::memcmp(in.data(), pith::container::section::magic, 4) == 0;
}

// Takes what is restored and says whether it is what it must be.
class comparison {
  public:
    explicit comparison(pith::byte_view expected) : rest_(expected) {}
    pith::result<void> write(pith::byte_view v) {
        if (v.size() > rest_.size() || (!v.empty() && std::memcmp(v.data(), rest_.data(), v.size()) != 0))
            return pith::error{pith::error_code::checksum_mismatch, 0,
                               "what was written is not what was read"};
        rest_ = rest_.subspan(v.size());
        return {};
    }
    [[nodiscard]] bool ended() const { return rest_.empty(); }

  private:
    pith::byte_view rest_;
};

struct open_archive {
    loaded_file file{};
    weights::archive content{};

    int open(const std::string& path, const std::string& shown) {
        if (const int status = file.map(path)) return status;
        weights::complaint why;
        auto opened = weights::archive::open(file.whole.view(), bound, why);
        if (!opened) return why.empty() ? fail(shown, opened.error()) : fail(shown, "its header: " + why);
        content = std::move(*opened);
        return 0;
    }
};

int check_base(const settings& s, const weights::archive& from, const weights::base_tensors& base) {
    if (from.needs_base && !base.present())
        return fail(s.in, "was compressed against an earlier checkpoint; name it with --base");
    if (from.needs_base && from.base_digest != base.digest())
        return fail(s.base, "is not the checkpoint that it was compressed against");
    return 0;
}

// Reads the archive that was written under its temporary name, and compares it with the input.
int verify(const settings& s, const weights::weights_view& file, const weights::base_tensors& base) {
    if (temporary_path[0] == '\0') return 0;  // a device
    open_archive written;
    if (const int status = written.open(temporary_path, s.out)) return status;
    comparison same(file.bytes);
    progress_line progress(!s.quiet, "verifying", file.bytes.size());
    const auto done =
        weights::restore(written.content, base, pith::threads{s.threads}, bound, same, progress);
    if (!done) return fail(s.out, done.error());
    return same.ended() ? 0 : fail(s.out, "what was written is not what was read");
}

int open_output(const settings& s, output_file& out) {
    if (out.open(s.out, s.force)) return 0;
    return fail(s.out, out.failure == EEXIST ? "exists already; -f replaces it" : std::strerror(out.failure));
}

int compress(const settings& s, loaded_file& in, const weights::base_tensors& base) {
    if (const int status = in.read_tensors(s.in)) return status;
    output_file out;
    if (const int status = open_output(s, out)) return status;
    pith::result<std::uint64_t> size = std::uint64_t{0};
    {
        progress_line progress(!s.quiet, "compressing", in.view.bytes.size());
        size = weights::write_archive(in.view, base, s.at_tier, pith::threads{s.threads}, out, progress);
    }
    if (!size)
        return size.error().code == pith::error_code::sink_failed ? fail(s.out, std::strerror(out.failure))
                                                                  : fail(s.in, size.error());
    if (const int status = verify(s, in.view, base)) return status;
    if (!out.commit(in.file)) return fail(s.out, std::strerror(out.failure));
    if (!s.quiet && ::isatty(STDERR_FILENO) != 0)
        std::fprintf(stderr, "%s: %zu bytes, compressed %" PRIu64 " (%.2f %%), verified\n", s.in.c_str(),
                     in.view.bytes.size(), *size, weights::percent(*size, in.view.bytes.size()));
    return 0;
}

int restore(const settings& s, const weights::base_tensors& base) {
    open_archive from;
    if (const int status = from.open(s.in, s.in)) return status;
    if (const int status = check_base(s, from.content, base)) return status;
    output_file out;
    pith::container::discard_output nowhere;
    const bool testing = s.what == action::test;
    if (!testing)
        if (const int status = open_output(s, out)) return status;
    pith::result<void> done;
    {
        progress_line progress(!s.quiet, testing ? "testing" : "restoring", from.content.size);
        done = testing
                   ? weights::restore(from.content, base, pith::threads{s.threads}, bound, nowhere, progress)
                   : weights::restore(from.content, base, pith::threads{s.threads}, bound, out, progress);
    }
    if (!done)
        return done.error().code == pith::error_code::sink_failed ? fail(s.out, std::strerror(out.failure))
                                                                  : fail(s.in, done.error());
    if (!testing && !out.commit(from.file.file)) return fail(s.out, std::strerror(out.failure));
    return 0;
}

int list(const settings& s, loaded_file& in) {
    if (!is_archive(in.whole.view())) {
        if (const int status = in.read_tensors(s.in)) return status;
        weights::print_tensors(in.view.layout);
    } else {
        open_archive from;
        if (const int status = from.open(s.in, s.in)) return status;
        weights::print_archive(from.content, in.whole.view().size());
    }
    return std::fflush(stdout) == 0 ? 0 : fail("standard output", std::strerror(errno));
}

int compare(const settings& s, loaded_file& in, const weights::base_tensors& base) {
    if (const int status = in.read_tensors(s.in)) return status;
    std::vector<weights::sizes_by_tier> sizes;
    {
        progress_line progress(!s.quiet, "comparing", in.view.bytes.size());
        sizes = weights::measure_tiers(in.view, base, pith::threads{s.threads}, progress);
    }
    weights::print_comparison(in.view.layout, sizes);
    return std::fflush(stdout) == 0 ? 0 : fail("standard output", std::strerror(errno));
}

// Exit status 2 on a mistake, 0 to print the usage as asked, -1 to go on.
int parse(int argc, char** argv, settings& s) {
    enum : int { tier_option = 256, base_option, compare_option };
    const option longs[] = {{"tier", required_argument, nullptr, tier_option},
                            {"base", required_argument, nullptr, base_option},
                            {"compare", no_argument, nullptr, compare_option},
                            {"help", no_argument, nullptr, 'h'},
                            {nullptr, 0, nullptr, 0}};
    for (int c; (c = ::getopt_long(argc, argv, "dtlkfqhT:o:", longs, nullptr)) != -1;) {
        switch (c) {
            case 'd':
                s.what = action::restore;
                break;
            case 't':
                s.what = action::test;
                break;
            case 'l':
                s.what = action::list;
                break;
            case compare_option:
                s.what = action::compare;
                break;
            case 'k':
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
            case base_option:
                s.base = optarg;
                break;
            case tier_option: {
                const auto* const found = std::find(std::begin(weights::tier_names),
                                                    std::end(weights::tier_names), std::string(optarg));
                if (found == std::end(weights::tier_names))
                    return fail("--tier", "must be instant, rans or archive", 2);
                s.at_tier = static_cast<weights::tier>(found - std::begin(weights::tier_names));
                break;
            }
            case 'T': {
                char* end = nullptr;
                errno = 0;
                const unsigned long n = std::strtoul(optarg, &end, 10);
                if (errno != 0 || end == optarg || *end != '\0' || *optarg == '-' || n > 256)
                    return fail("-T", "needs a number from 0 to 256", 2);
                s.threads = n;
                break;
            }
            case 'h':
                std::fputs(usage, stdout);
                return 0;
            default:
                std::fputs(usage, stderr);
                return 2;
        }
    }
    if (argc - optind > 1) return fail(argv[optind + 1], "only one file at a time", 2);
    if (optind == argc) return fail("FILE", "a file must be named; -h tells more", 2);
    s.in = argv[optind];
    if (s.in == "-" || s.out == "-") return fail("-", "pipes are not supported; name files", 2);
    if (!s.out.empty() || s.what == action::test || s.what == action::list || s.what == action::compare)
        return -1;
    if (s.what == action::compress) {
        s.out = s.in + suffix;
    } else {
        const std::size_t length = std::strlen(suffix);
        if (s.in.size() <= length || s.in.substr(s.in.size() - length) != suffix)
            return fail(s.in, "does not end in .pith; name the output with -o", 2);
        s.out = s.in.substr(0, s.in.size() - length);
    }
    return -1;
}

}  // namespace

int main(int argc, char** argv) {
    settings s;
    if (const int status = parse(argc, argv, s); status >= 0) return status;
    remove_temporary_on_signals();
    loaded_file before;
    weights::base_tensors base;
    if (!s.base.empty() && s.what != action::list) {
        if (const int status = before.map(s.base)) return status;
        if (const int status = before.read_tensors(s.base)) return status;
        base = weights::base_tensors(before.view);
    }
    if (s.what == action::restore || s.what == action::test) return restore(s, base);
    loaded_file in;
    if (const int status = in.map(s.in)) return status;
    if (s.what == action::list) return list(s, in);
    return s.what == action::compare ? compare(s, in, base) : compress(s, in, base);
}
