// Real data for benchmarks, found where it is, and what stands in for it where there is none.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/random.hpp>

namespace bench {

using bytes = std::vector<std::uint8_t>;

/// Bytes to measure on, and in words what they are.
struct data_set {
    std::string name;
    std::string origin;
    bytes data;
};

/// The first `most` bytes of a file; empty when it cannot be read.
inline bytes read_file(const std::filesystem::path& path, std::size_t most) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);
    std::ifstream file(path, std::ios::binary);
    if (failed || !file) return {};
    bytes out(size < most ? static_cast<std::size_t>(size) : most);
    file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<std::size_t>(file.gcount()));
    return out;
}

/// Where real data is looked for.
class corpora {
  public:
    /// `asked` (from --corpora) goes before PITH_CORPORA, that before ../shared/corpora beside the checkout.
    explicit corpora(const std::string& asked = {}) {
        if (!asked.empty()) {
            folder_ = asked;
        } else if (const char* const named = std::getenv("PITH_CORPORA"); named != nullptr && *named != 0) {
            folder_ = named;
        } else {
            const auto checkout = std::filesystem::path(__FILE__).parent_path() / "../..";
            folder_ = checkout / "../shared/corpora";
            std::error_code failed;
            if (!std::filesystem::is_directory(folder_, failed)) folder_ = "../shared/corpora";
        }
        std::error_code failed;
        found_ = std::filesystem::is_directory(folder_, failed);
        missing_ = !asked.empty() && !found_;
    }

    [[nodiscard]] bool found() const { return found_; }
    /// --corpora named a folder that is not there.
    [[nodiscard]] bool missing() const { return missing_; }
    [[nodiscard]] std::string says() const {
        return found_ ? "real data from the corpora folder"
                      : "no corpora folder found (--corpora DIR or PITH_CORPORA): installed headers and "
                        "made-up data";
    }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] bytes read(const std::string& name, std::size_t most) const {
        return found_ ? read_file(folder_ / name, most) : bytes();
    }

  private:
    std::filesystem::path folder_;
    bool found_ = false;
    bool missing_ = false;
};

/// Text that every machine that builds pith has: the headers of Eigen, xsimd and the standard library, one
/// after the other in the order of their names.
inline bytes installed_headers(std::size_t most) {
    namespace fs = std::filesystem;
    bytes out;
    for (const char* const root : {"/usr/include/eigen3/Eigen", "/usr/include/xsimd", "/usr/include/c++",
                                   "/usr/local/include", "/opt/homebrew/include", "/usr/include"}) {
        std::vector<fs::path> files;
        std::error_code failed;
        auto at =
            fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied, failed);
        for (const fs::recursive_directory_iterator end; !failed && at != end; at.increment(failed))
            if (at->is_regular_file(failed)) files.push_back(at->path());
        std::sort(files.begin(), files.end());
        for (const fs::path& file : files) {
            if (out.size() >= most) return out;
            const bytes one = read_file(file, most - out.size());
            out.insert(out.end(), one.begin(), one.end());
        }
    }
    return out;
}

/// Silesia dickens, or the installed headers.
inline data_set text_data(const corpora& from, std::size_t most) {
    if (bytes dickens = from.read("text/dickens", most); !dickens.empty())
        return {"text", "Silesia dickens", std::move(dickens)};
    return {"text", "installed headers of Eigen, xsimd and the standard library", installed_headers(most)};
}

/// Integers from a normal distribution, wrapped to bytes by `to_byte`. Equal on every machine.
template <class ToByte>
bytes gaussian_bytes(std::size_t count, double sigma, std::uint64_t seed, ToByte to_byte) {
    pith::random_sequence random(seed);
    bytes out(count);
    for (std::uint8_t& b : out) {
        const int value = static_cast<int>(std::lround(random.gaussian() * sigma));
        b = to_byte(std::clamp(value, -128, 127));
    }
    return out;
}

/// Bits per symbol of a normal distribution rounded to integers.
inline double rounded_gaussian_entropy(double sigma) {
    double bits = 0;
    for (int k = -128; k <= 127; ++k) {
        const double scale = sigma * std::sqrt(2.0);
        const double p = 0.5 * (std::erf((k + 0.5) / scale) - std::erf((k - 0.5) / scale));
        if (p > 0) bits -= p * std::log2(p);
    }
    return bits;
}

/// The sigma that gives so many bits per symbol.
inline double sigma_for_entropy(double bits) {
    double low = 0.05;
    double high = 60;
    for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (rounded_gaussian_entropy(middle) < bits ? low : high) = middle;
    }
    return low;
}

/// Signed residuals in the order 0, -1, 1, -2, … so that small magnitudes are small bytes.
inline std::uint8_t zigzag(int v) { return static_cast<std::uint8_t>(v < 0 ? -2 * v - 1 : 2 * v); }

/// 8-bit residuals of 7.00 bits each.
inline data_set int8_residuals(std::size_t count) {
    return {"int8", "made-up zigzag Gaussian residuals of 7.00 bits",
            gaussian_bytes(count, sigma_for_entropy(7.0), 7, zigzag)};
}

/// Residuals of 1.5 bits each.
inline data_set skewed_residuals(std::size_t count) {
    return {"skewed", "made-up zigzag Gaussian residuals of 1.50 bits",
            gaussian_bytes(count, sigma_for_entropy(1.5), 15, zigzag)};
}

/// Weights whose rows have scales of their own, as float32: what stands in for a trained network.
inline std::vector<float> made_up_weights(std::size_t count) {
    constexpr std::size_t row = 512;
    pith::random_sequence random(32);
    std::vector<float> out(count);
    double scale = 0.05;
    for (std::size_t i = 0; i < count; ++i) {
        if (i % row == 0) scale = 0.05 * std::exp2(random.gaussian() * 0.7);
        out[i] = static_cast<float>(random.gaussian() * scale);
    }
    return out;
}

/// Bits 23 to 30 of each float32: the exponents that bfloat16 shares with it.
inline data_set exponent_plane(const corpora& from, std::size_t most) {
    const bytes raw = from.read("weights/ppocr_rec.f32", 4 * most);
    if (!raw.empty()) {
        bytes plane(raw.size() / 4);
        for (std::size_t i = 0; i < plane.size(); ++i)
            plane[i] = static_cast<std::uint8_t>(pith::load_le<std::uint32_t>(raw.data() + 4 * i) >> 23);
        return {"exponents", "bf16 exponents of the PP-OCRv4 recogniser", std::move(plane)};
    }
    const std::vector<float> weights = made_up_weights(std::min(most, std::size_t{4} << 20));
    bytes plane(weights.size());
    for (std::size_t i = 0; i < plane.size(); ++i)
        plane[i] = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(weights[i]) >> 23);
    return {"exponents", "bf16 exponents of made-up Gaussian weights with a scale per row", std::move(plane)};
}

}  // namespace bench
