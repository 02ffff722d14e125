// Speed and size of the adaptive block coders: a table of coder, data, size against order-0 entropy, MB/s.
// Usage: adaptive_speed [FILE...]; without files, skewed bytes only. A file that ends in .f32 gives the exponent
// bits of its values.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <pith/entropy/adaptive_binary.hpp>
#include <pith/entropy/adaptive_nibble.hpp>

namespace {

using bytes = std::vector<std::uint8_t>;
using namespace pith::entropy;

double seconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double order0_bits(const bytes& data) {
    double counts[256] = {};
    for (const auto b : data) counts[b] += 1;
    double bits = 0;
    for (const double c : counts)
        if (c > 0) bits -= c * std::log2(c / static_cast<double>(data.size()));
    return bits;
}

bytes skewed(std::size_t n) {  // geometric with ratio 0.35: 1.44 bits
    bytes out(n);
    std::uint64_t state = 1;
    for (auto& b : out) {
        b = 0;
        do {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        } while ((state >> 40) < 5872026 && ++b < 255);
    }
    return out;
}

bytes read(const std::string& path) {
    bytes out;
    if (std::FILE* file = std::fopen(path.c_str(), "rb")) {
        out.resize(std::size_t{16} << 20);
        out.resize(std::fread(out.data(), 1, out.size(), file));
        std::fclose(file);
    }
    if (path.size() < 4 || path.substr(path.size() - 4) != ".f32") return out;
    bytes exponents(out.size() / 4);
    for (std::size_t i = 0; i < exponents.size(); ++i)
        exponents[i] = static_cast<std::uint8_t>(pith::load_le<std::uint32_t>(out.data() + 4 * i) >> 23);
    return exponents;
}

template <class Coder>
void row(const char* data_name, const bytes& data, const char* coder_name = Coder::name) {
    constexpr std::size_t block = std::size_t{1} << 20;
    auto coder = std::make_unique<Coder>();
    double encode = 1e9;
    double decode = 1e9;
    std::size_t size = 0;
    bytes back(data.size());
    bool good = true;
    for (int repeat = 0; repeat < 5; ++repeat) {
        std::vector<bytes> coded;
        double enc = 0;
        double dec = 0;
        size = 0;
        for (std::size_t at = 0; at < data.size(); at += block) {
            const pith::byte_view in = pith::byte_view(data).subspan(at, std::min(block, data.size() - at));
            coded.emplace_back(Coder::max_encoded_size(in.size()));
            const double start = seconds();
            const auto n = coder->encode_into(in, coded.back());
            enc += seconds() - start;
            coded.back().resize(n ? *n : 0);
            size += coded.back().size();
        }
        std::size_t at = 0;
        for (const bytes& c : coded) {
            const auto out = pith::byte_span(back).subspan(at, std::min(block, data.size() - at));
            const double start = seconds();
            const auto n = coder->decode_into(c, out);
            dec += seconds() - start;
            good = good && n;
            at += out.size();
        }
        encode = std::min(encode, enc);
        decode = std::min(decode, dec);
    }
    const auto n = static_cast<double>(data.size());
    std::printf("%-24s %-16s %10zu %8.4f %+8.2f %8.1f %8.1f%s\n", coder_name, data_name, size,
                8 * static_cast<double>(size) / n, 100 * (8 * static_cast<double>(size) / order0_bits(data) - 1),
                n / encode * 1e-6, n / decode * 1e-6, good && back == data ? "" : "  WRONG");
}

void table(const char* name, const bytes& data) {
    row<adaptive_binary<0>>(name, data);
    row<adaptive_binary<1>>(name, data);
    row<adaptive_binary<2>>(name, data);
    row<adaptive_nibble<0>>(name, data);
    row<adaptive_nibble<1>>(name, data);
    row<adaptive_nibble<2>>(name, data);
    row<adaptive_nibble<0, 6>>(name, data, "nibble_0 rate 6");
    row<adaptive_nibble<0, 7>>(name, data, "nibble_0 rate 7");
}

}  // namespace

int main(int argc, char** argv) {
    std::printf("%-24s %-16s %10s %8s %8s %8s %8s\n", "coder", "data", "bytes", "bits/B", "vs H0 %", "enc MB/s",
                "dec MB/s");
    table("skewed", skewed(4000000));
    for (int i = 1; i < argc; ++i) {
        const std::string path = argv[i];
        const std::string name = path.substr(path.find_last_of('/') + 1);
        const bytes data = read(path);
        if (data.empty()) {
            std::fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
        table(name.c_str(), data);
    }
}
