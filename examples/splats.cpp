// splats: what a cloud of Gaussian splats weighs with quantized and coded attributes, and what that does to
// them.
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "splats/cloud.hpp"
#include "splats/codec.hpp"
#include "splats/ply.hpp"

namespace {

constexpr const char* usage =
    "usage: splats [FILE.ply] [--kept SHARE] [--step STEP] [--part N] [--save FILE] [--ply FILE]\n"
    "FILE.ply: a trained scene of 3D Gaussian splatting, binary little endian. Without it: 20000 made-up "
    "splats.\n"
    "--kept: the share of splats whose harmonics keep values of their own; the others share codebooks.\n"
    "--step: of those values, over their root mean square. --part: harmonics for each codebook.\n"
    "--save: the coded cloud. --ply: the decoded one. A FILE that --save wrote is decoded: splats FILE "
    "--ply OUT.\n";

struct settings {
    std::string file, save, ply;
    splat_options options;
};

int fail(const std::string& what, int status = 1) {
    std::fprintf(stderr, "splats: %s\n", what.c_str());
    return status;
}
std::string message_of(const pith::error& e) {
    return std::string(e.text) + " (" + pith::name_of(e.code) + ", at " + std::to_string(e.offset) + ")";
}

bool read_share(const char* text, float least, float most, float& out) {
    char* end = nullptr;
    out = std::strtof(text, &end);
    return end != text && *end == 0 && out >= least && out <= most;
}

// False after a line on stderr.
bool parse(int count, char** words, settings& out) {
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word.rfind("--", 0) != 0) {
            if (!out.file.empty()) return fail("one file at a time"), false;
            out.file = word;
            continue;
        }
        if (i + 1 == count) return fail(word + ": an option without its value, or none of them"), false;
        const char* const value = words[++i];
        float part = 0;
        bool good = true;
        if (word == "--save")
            out.save = value;
        else if (word == "--ply")
            out.ply = value;
        else if (word == "--kept")
            good = read_share(value, 0, 1, out.options.kept);
        else if (word == "--step")
            good = read_share(value, 1e-4F, 100, out.options.step);
        else if (word == "--part" && read_share(value, 1, 1024, part))
            out.options.part = static_cast<std::size_t>(part);
        else
            good = false;
        if (!good) return fail(word + " " + value + ": not understood"), false;
    }
    return true;
}

bool read_file(const std::string& path, splats::bytes& out) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return false;
    out.assign((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return !file.bad();
}
bool write_file(const std::string& path, const splats::bytes& in) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(in.data()), static_cast<std::streamsize>(in.size()));
    file.flush();
    return file.good();
}

// Peak over root mean squared error in dB, the peak being the range of each column; rows weighted. The mean
// over the columns is of the errors.
double signal_to_noise(const float* a, const float* b, std::size_t rows, std::size_t columns,
                       std::size_t stride, const std::vector<float>& weights) {
    double error = 0, weight = 0;
    for (std::size_t r = 0; r < rows; ++r) weight += double{weights[r]};
    for (std::size_t c = 0; c < columns; ++c) {
        double sum = 0;
        float low = a[c], high = a[c];
        for (std::size_t r = 0; r < rows; ++r) {
            const double e = double{a[r * stride + c]} - double{b[r * stride + c]};
            sum += double{weights[r]} * e * e;
            low = std::min(low, a[r * stride + c]);
            high = std::max(high, a[r * stride + c]);
        }
        const double range = double{high} - double{low};
        if (range > 0) error += sum / weight / (range * range);
    }
    error /= static_cast<double>(columns);
    return error > 0 ? std::min(999.0, -10 * std::log10(error)) : 999;
}

void print_row(const char* name, std::size_t size, std::size_t count, double plain, double weighted) {
    if (size != 0)
        std::printf("%-10s %10zu %12.2f %9.2f %9.2f\n", name, size,
                    8 * static_cast<double>(size) / static_cast<double>(count), plain, weighted);
    else
        std::printf("%-10s %10s %12s %9.2f %9.2f\n", name, "", "", plain, weighted);
}

void report(const splat_cloud& original, const splat_cloud& decoded, const splats::encoded& coded) {
    const std::vector<float> even(original.count, 1.0F), importance = importance_of(original);
    const auto row = [&](const char* name, std::size_t size, const std::vector<float>& a,
                         const std::vector<float>& b, std::size_t first, std::size_t n, std::size_t stride) {
        const float *x = a.data() + first, *y = b.data() + first;
        print_row(name, size, original.count, signal_to_noise(x, y, original.count, n, stride, even),
                  signal_to_noise(x, y, original.count, n, stride, importance));
    };
    std::printf("%-10s %10s %12s %9s %9s\n", "attribute", "bytes", "bits/splat", "PSNR, dB", "weighted");
    row("position", coded.sizes[0], original.position, decoded.position, 0, 3, 3);
    row("shape", coded.sizes[1], original.shape, decoded.shape, 0, 8, 8);
    row("  opacity", 0, original.shape, decoded.shape, 0, 1, 8);
    row("  scales", 0, original.shape, decoded.shape, 1, 3, 8);
    row("  rotation", 0, original.shape, decoded.shape, 4, 4, 8);
    row("colour", coded.sizes[2], original.colour, decoded.colour, 0, 3, 3);
    if (original.detail_columns != 0)
        row("harmonics", coded.sizes[3], original.detail, decoded.detail, 0, original.detail_columns,
            original.detail_columns);
    std::printf(
        "PSNR is that of the attributes over their ranges, not of pictures: nothing is rendered here. "
        "Weighted:\nby opacity and volume, which say what a splat adds to pictures, not which of them.\n");
}

int run(const settings& asked, splat_cloud cloud, std::size_t file_size) {
    cloud.normalize_rotations();
    const auto begin = std::chrono::steady_clock::now();
    const auto box = splats::box_of(cloud);
    auto points = splats::snapped(cloud, box);
    const auto order = splats::curve_order(points);
    cloud = cloud.in_order(order);
    points = splats::snapped(cloud, box);
    const auto coded = splats::encode(cloud, box, points, asked.options);
    if (!coded) return fail(message_of(coded.error()));
    const auto encoded_at = std::chrono::steady_clock::now();
    auto decoded = splats::decode(coded->file);
    const auto decoded_at = std::chrono::steady_clock::now();
    if (!decoded) return fail("the own code: " + message_of(decoded.error()));
    const auto seconds = [](auto d) { return std::chrono::duration<double>(d).count(); };
    std::printf(
        "%zu splats of %zu values, %zu bytes -> %zu bytes, %.1f x smaller; %.2f s, decoded in %.2f s\n",
        cloud.count, 14 + cloud.detail_columns, file_size, coded->file.size(),
        static_cast<double>(file_size) / static_cast<double>(coded->file.size()), seconds(encoded_at - begin),
        seconds(decoded_at - encoded_at));
    if (cloud.count != 0) report(cloud, *decoded, *coded);
    if (!asked.save.empty() && !write_file(asked.save, coded->file))
        return fail(asked.save + ": cannot be written");
    if (!asked.ply.empty() && !write_file(asked.ply, ply::write(*decoded)))
        return fail(asked.ply + ": cannot be written");
    return 0;
}

}  // namespace

int main(int count, char** words) {
    if (count > 1 && (std::strcmp(words[1], "--help") == 0 || std::strcmp(words[1], "-h") == 0))
        return std::fputs(usage, stdout), 0;
    settings asked;
    if (!parse(count, words, asked)) return 2;
    if (asked.file.empty()) {
        splat_cloud cloud = made_up_cloud(20000);
        std::printf("No file is given: made-up splats, which no camera has seen.\n");
        return run(asked, std::move(cloud), 20000 * 59 * sizeof(float));
    }
    splats::bytes raw;
    if (!read_file(asked.file, raw)) return fail(asked.file + ": cannot be read");
    pith::limits bound;
    bound.max_memory = std::uint64_t{1} << 34;
    if (raw.size() >= 4 && std::memcmp(raw.data(), pith::container::section::magic, 4) == 0) {
        auto cloud = splats::decode(raw, bound);
        if (!cloud) return fail(asked.file + ": " + message_of(cloud.error()));
        if (!asked.save.empty()) return fail("a coded cloud is only decoded", 2);
        std::printf("%zu splats decoded\n", cloud->count);
        if (!asked.ply.empty() && !write_file(asked.ply, ply::write(*cloud)))
            return fail(asked.ply + ": cannot be written");
        return 0;
    }
    auto cloud = ply::read(raw, bound);
    if (!cloud) return fail(asked.file + ": " + message_of(cloud.error()));
    return run(asked, std::move(*cloud), raw.size());
}
