// Measures the prefix and table coders: size against order-0 entropy, speed, and the ratio to zstd's Huffman.
// Usage: prefix_speed [--corpora DIR]. Link libzstd statically (-l:libzstd.a) to time its Huffman alone;
// with the shared library its literals-only blocks are timed instead.
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/tans.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#if __has_include(<zstd.h>)
#    define ZSTD_STATIC_LINKING_ONLY
#    include <zstd.h>
#    define HAVE_ZSTD 1
// Internal functions of 1.5.4, there when linked statically.
extern "C" {
[[gnu::weak]] std::size_t HUF_decompress4X_hufOnly_wksp(std::uint32_t*, void*, std::size_t, const void*,
                                                        std::size_t, void*, std::size_t, int);
[[gnu::weak]] std::size_t HUF_compress4X_repeat(void*, std::size_t, const void*, std::size_t, unsigned,
                                                unsigned, void*, std::size_t, void*, int*, int);
}
#endif

namespace {

using bytes = std::vector<std::uint8_t>;

double thread_seconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct coder {
    std::string name;
    std::size_t block;
    std::function<std::size_t(const std::uint8_t*, std::size_t, std::uint8_t*, std::size_t)> encode;
    std::function<bool(const std::uint8_t*, std::size_t, std::uint8_t*, std::size_t)> decode;
};

template <class Coder>
coder of(std::string name, std::size_t block) {
    const auto c = std::make_shared<Coder>();
    return {std::move(name), block,
            [c](const std::uint8_t* in, std::size_t n, std::uint8_t* out, std::size_t room) {
                return c->encode_into({in, n}, {out, room}).value_or(0);
            },
            [c](const std::uint8_t* in, std::size_t size, std::uint8_t* out, std::size_t n) {
                return c->decode_into({in, size}, {out, n}).has_value();
            }};
}

#ifdef HAVE_ZSTD
coder zstd_huffman() {
    constexpr std::size_t block = 128 * 1024;
    const auto work = std::make_shared<std::vector<std::uint64_t>>(8192);
    if (HUF_compress4X_repeat != nullptr && HUF_decompress4X_hufOnly_wksp != nullptr &&
        ZSTD_versionNumber() == 10504) {
        const auto tables = std::make_shared<std::vector<std::uint32_t>>(8192);
        return {"zstd HUF", block,
                [=](const std::uint8_t* in, std::size_t n, std::uint8_t* out, std::size_t room) {
                    int repeat = 0;
                    return HUF_compress4X_repeat(out, room, in, n, 255, 11, work->data(), work->size() * 8,
                                                 tables->data(), &repeat, 1);
                },
                [=](const std::uint8_t* in, std::size_t size, std::uint8_t* out, std::size_t n) {
                    (*tables)[0] = 11 * 0x01000001U;
                    return HUF_decompress4X_hufOnly_wksp(tables->data(), out, n, in, size, work->data(),
                                                         work->size() * 8, 1) == n;
                }};
    }
    const std::shared_ptr<ZSTD_CCtx> c(ZSTD_createCCtx(), ZSTD_freeCCtx);
    const std::shared_ptr<ZSTD_DCtx> d(ZSTD_createDCtx(), ZSTD_freeDCtx);
    ZSTD_CCtx_setParameter(c.get(), ZSTD_c_blockDelimiters, ZSTD_sf_explicitBlockDelimiters);
    return {"zstd literals", block,
            [=](const std::uint8_t* in, std::size_t n, std::uint8_t* out, std::size_t room) {
                const ZSTD_Sequence all{0, static_cast<unsigned>(n), 0, 0};
                return ZSTD_compressSequences(c.get(), out, room, &all, 1, in, n);
            },
            [=](const std::uint8_t* in, std::size_t size, std::uint8_t* out, std::size_t n) {
                return ZSTD_decompressDCtx(d.get(), out, n, in, size) == n;
            }};
}
#endif

struct timing {
    std::size_t size = 0;
    std::vector<double> encode, decode;
};

void run_once(const coder& c, const bytes& in, timing& t) {
    bytes code(in.size() + in.size() / 4 + 65536), back(in.size());
    std::vector<std::size_t> sizes;
    std::size_t at = 0;
    const double start = thread_seconds();
    for (std::size_t i = 0; i < in.size(); i += c.block) {
        const std::size_t n = std::min(c.block, in.size() - i);
        sizes.push_back(c.encode(in.data() + i, n, code.data() + at, code.size() - at));
        at += sizes.back();
    }
    const double middle = thread_seconds();
    bool good = true;
    std::size_t from = 0;
    for (std::size_t i = 0, k = 0; i < in.size(); i += c.block, from += sizes[k++])
        good &= c.decode(code.data() + from, sizes[k], back.data() + i, std::min(c.block, in.size() - i));
    const double end = thread_seconds();
    if (!good || back != in) std::printf("  %s: WRONG OUTPUT\n", c.name.c_str());
    t.size = at;
    t.encode.push_back(middle - start);
    t.decode.push_back(end - middle);
}

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

/// Bytes at the order-0 entropy, statistics per block.
double entropy_bytes(const bytes& in, std::size_t block) {
    double bits = 0;
    for (std::size_t i = 0; i < in.size(); i += block) {
        const std::size_t n = std::min(block, in.size() - i);
        std::size_t counts[256] = {};
        for (std::size_t k = 0; k < n; ++k) ++counts[in[i + k]];
        for (const std::size_t k : counts)
            if (k != 0)
                bits -= static_cast<double>(k) * std::log2(static_cast<double>(k) / static_cast<double>(n));
    }
    return bits / 8;
}

bytes file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return bytes(std::istreambuf_iterator<char>(in), {});
}

bytes exponents(const bytes& floats) {
    bytes out;
    for (std::size_t i = 0; i + 4 <= floats.size(); i += 4)
        out.push_back(static_cast<std::uint8_t>(pith::load_le<std::uint32_t>(floats.data() + i) >> 23));
    return out;
}

/// Folded two-sided geometric residuals; spread in units of one step.
bytes residuals(double spread) {
    bytes out(4 << 20);
    std::uint64_t state = 0x9E3779B97F4A7C15ULL;
    for (std::uint8_t& b : out) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        const double u = (static_cast<double>(state >> 12) + 0.5) * 0x1p-52;
        const int magnitude = std::min(127, static_cast<int>(std::floor(0.5 - spread * std::log(u))));
        b = static_cast<std::uint8_t>(magnitude == 0 ? 0 : 2 * magnitude - static_cast<int>(state & 1));
    }
    return out;
}

void measure(const char* name, bytes in) {
    constexpr std::size_t most = 4 << 20;
    if (in.size() > most) in.resize(most);
    if (in.empty()) return;
    std::vector<coder> coders;
#ifdef HAVE_ZSTD
    coders.push_back(zstd_huffman());
#endif
    using namespace pith::entropy;
    coders.push_back(of<huffman<>>("huffman 128K", 128 << 10));
    coders.push_back(of<huffman<>>("huffman 1M", 1 << 20));
    coders.push_back(of<huffman<4>>("huffman<4> 128K", 128 << 10));
    coders.push_back(of<tans<11>>("tans<11> 128K", 128 << 10));
    coders.push_back(of<tans<12, 2>>("tans<12,2> 1M", 1 << 20));
    coders.push_back(of<tans<>>("tans 1M", 1 << 20));
    std::vector<timing> timings(coders.size());
    for (unsigned repeat = 0; repeat < 9; ++repeat)
        for (std::size_t k = 0; k < coders.size(); ++k) run_once(coders[k], in, timings[k]);
    std::printf("%s, %zu bytes\n  %-18s%8s%10s%10s%10s%14s\n", name, in.size(), "coder", "bits/B", "over H %",
                "enc MB/s", "dec MB/s", "dec x first");
    for (std::size_t k = 0; k < coders.size(); ++k) {
        const double bytes_in = static_cast<double>(in.size()), size = static_cast<double>(timings[k].size);
        const double over = 100 * (size / entropy_bytes(in, coders[k].block) - 1);
        std::printf("  %-18s%8.3f%10.2f%10.0f%10.0f%14.2f\n", coders[k].name.c_str(), 8 * size / bytes_in,
                    over, bytes_in / median(timings[k].encode) / 1e6,
                    bytes_in / median(timings[k].decode) / 1e6,
                    median(timings[0].decode) / median(timings[k].decode));
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string corpora = "../shared/corpora";
    if (argc == 3 && std::strcmp(argv[1], "--corpora") == 0) corpora = argv[2];
#ifdef HAVE_ZSTD
    std::printf("zstd %s\n", ZSTD_versionString());
#endif
    measure("text (dickens)", file(corpora + "/text/dickens"));
    measure("exponents (ppocr_rec)", exponents(file(corpora + "/weights/ppocr_rec.f32")));
    measure("residuals, 1.5 bits", residuals(0.48));
    measure("residuals, 7 bits", residuals(24));
}
