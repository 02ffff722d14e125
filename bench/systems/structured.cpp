// bench systems/structured: windows of equal information, couplings of least entropy, scans of points, tables
// of categories and orders of latents, each beside what it is claimed to be better than.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/systems/codes.hpp>
#include <pith/systems/learned.hpp>
#include <pith/systems/tables.hpp>

#include "../../tests/vector/lidar_scene.hpp"
#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"
#include "text/child.hpp"

namespace {

using bench::bytes;
using masses = std::vector<std::uint64_t>;
namespace entropy = pith::entropy;

/// A folder of its own, gone at the end.
class scratch_folder {
  public:
    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "pith_structured_XXXXXX").string();
        if (mkdtemp(name.data()) != nullptr) path_ = name;
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code failed;
        if (!path_.empty()) std::filesystem::remove_all(path_, failed);
    }
    /// Bytes of `xz -9e` of the data; 0 if there is no xz.
    [[nodiscard]] std::size_t xz(const bytes& data) const {
        if (path_.empty()) return 0;
        const std::string in = path_ + "/in", out = path_ + "/out";
        std::ofstream(in, std::ios::binary)
            .write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
        const auto used = bench::run_in_child(
            [] {
                return bench::become({"xz", "-9e", "-T1", "-c"});
            },
            out, in);
        std::error_code failed;
        const auto size = std::filesystem::file_size(out, failed);
        return used.good && !failed ? static_cast<std::size_t>(size) : 0;
    }

  private:
    std::string path_;
};

/// What all comparisons write to.
struct report {
    bench::rows rows{};
    scratch_folder scratch{};
    bool correct = true;

    void add(const std::string& system, const std::string& data, double value, const std::string& unit) {
        rows.add(system, data, "size", value, unit, bench::better::lower);
    }
};

template <class Coder>
std::size_t size_of(const bytes& in) {
    const auto coder = std::make_unique<Coder>();
    bytes out(Coder::max_encoded_size(in.size()));
    const auto size = coder->encode_into(in, out);
    return size ? *size : 0;
}

// ---- windows

template <unsigned Bits>
void add_windows(bench::table& table, report& to, const pith::mixing::primed_bytes_model<2>& model,
                 const bytes& text, double ideal) {
    pith::systems::equal_info_windows<pith::mixing::primed_bytes_model<2>, Bits> windows(model);
    const double start = bench::seconds_now();
    const bytes code = windows.encode(text);
    const double seconds = bench::seconds_now() - start;
    bytes head;
    pith::vector_sink sink(head);
    pith::put_varint(sink, text.size());
    const std::size_t count = (code.size() - head.size()) / (Bits / 8);
    bytes alone;  // from the last window to the first, each without the others
    for (std::size_t w = count; w-- > 0;) {
        auto part = windows.decode_window(std::span<const std::uint8_t, Bits / 8>(
            code.data() + code.size() - (count - w) * (Bits / 8), Bits / 8));
        std::reverse(part.begin(), part.end());
        alone.insert(alone.end(), part.begin(), part.end());
    }
    std::reverse(alone.begin(), alone.end());
    const bool same = alone.size() >= text.size() && std::equal(text.begin(), text.end(), alone.begin());
    to.correct = to.correct && same && windows.decode(code) && *windows.decode(code) == text;
    const auto n = static_cast<double>(text.size());
    const double bits = 8 * static_cast<double>(count * Bits / 8) / n;
    table.add({std::to_string(Bits), bench::grouped(count), bench::decimal(n / static_cast<double>(count), 2),
               bench::decimal(bits, 3), bench::signed_percent(100 * (bits / ideal - 1), 1),
               same ? "yes" : "NO", bench::decimal(n * 1e-6 / seconds, 1)});
    to.add("windows of " + std::to_string(Bits) + " bits", "text", bits, "bits/byte");
}

void windows(report& to, const bench::corpora& from, bool quick) {
    const bench::data_set all = bench::text_data(from, quick ? 400'000 : 3'000'000);
    const std::size_t half = all.data.size() / 2;
    const pith::mixing::primed_bytes_model<2> model(pith::byte_view(all.data).first(half));
    const bytes text(
        all.data.begin() + static_cast<std::ptrdiff_t>(half),
        all.data.begin() + static_cast<std::ptrdiff_t>(std::min(all.data.size(), half + 300'000)));
    auto running = model;
    double ideal = 0;
    for (const std::uint8_t byte : text)
        for (unsigned b = 8; b-- > 0;) {
            const bool bit = (byte >> b & 1) != 0;
            const double one = running.probability_of_one() / 65536.0;
            ideal -= std::log2(bit ? one : 1 - one);
            running.update(bit);
        }
    ideal /= static_cast<double>(text.size());
    bench::table table(
        "Equal-info windows on " + all.origin + ", order 2 learned from the first half",
        {{"bits", true}, {"windows"}, {"bytes each"}, {"bits/byte"}, {"overhead"}, {"alone"}, {"enc MB/s"}});
    add_windows<16>(table, to, model, text, ideal);
    add_windows<32>(table, to, model, text, ideal);
    add_windows<64>(table, to, model, text, ideal);
    add_windows<128>(table, to, model, text, ideal);
    add_windows<1024>(table, to, model, text, ideal);
    const std::string meaning =
        "Overhead: against the same model without windows, " + bench::decimal(ideal, 3) +
        " bits a byte; contexts begin anew in each window. Claim: each window decodes alone.";
    table.print(meaning.c_str());
}

// ---- couplings

masses random_masses(pith::random_sequence& random, std::size_t n, double power) {
    masses out(n);
    for (auto& m : out) m = 1 + static_cast<std::uint64_t>(1e6 * std::pow(random.uniform_double(), power));
    return out;
}
/// The same sum as `like` has, in the largest.
void level(masses& m, std::uint64_t sum) {
    std::uint64_t now = pith::entropy::total_mass(m);
    for (auto& v : m) v = 1 + v * (sum - m.size()) / now;
    now = pith::entropy::total_mass(m);
    *std::max_element(m.begin(), m.end()) += sum - now;
}
/// Entropy below that of every coupling: of the greatest distribution that both majorize.
double lower_bound(masses a, masses b) {
    std::sort(a.rbegin(), a.rend());
    std::sort(b.rbegin(), b.rend());
    masses out;
    std::uint64_t x = 0, y = 0, before = 0;
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
        x += i < a.size() ? a[i] : 0;
        y += i < b.size() ? b[i] : 0;
        out.push_back(std::min(x, y) - before);
        before = std::min(x, y);
    }
    return entropy::entropy_of(out);
}

void couplings(report& to, bool quick) {
    bench::table table(
        "Minimum entropy coupling, two marginals",
        {{"symbols", true}, {"H(X)"}, {"H(Y)"}, {"bound below"}, {"greedy"}, {"mean excess"}, {"worst"}});
    pith::random_sequence random(1);
    for (const std::size_t n : {3U, 8U, 64U, 1024U}) {
        const int rounds = quick ? 3 : n > 100 ? 20 : 200;
        double hx = 0, hy = 0, below = 0, greedy = 0, worst = 0;
        for (int i = 0; i < rounds; ++i) {
            const masses x = random_masses(random, n, 3);
            masses y = random_masses(random, n, 1);
            level(y, entropy::total_mass(x));
            const double low = lower_bound(x, y),
                         got = pith::systems::minimum_entropy_coupling::greedy(x, y).joint_entropy();
            hx += entropy::entropy_of(x) / rounds;
            hy += entropy::entropy_of(y) / rounds;
            below += low / rounds;
            greedy += got / rounds;
            worst = std::max(worst, got - low);
        }
        to.correct = to.correct && worst < 0.5308;
        table.add({std::to_string(n), bench::decimal(hx, 3), bench::decimal(hy, 3), bench::decimal(below, 3),
                   bench::decimal(greedy, 3), bench::decimal(greedy - below, 3), bench::decimal(worst, 3)});
        to.add("greedy coupling", std::to_string(n) + " symbols", greedy - below, "bits");
    }
    table.print(
        "Published: at most log2(e) / e = 0.531 bits above the least entropy, which is above the bound.");

    bench::table code("MEC-B: 64 symbols through a code of bounded entropy to 48 symbols",
                      {{"bound", true}, {"classes"}, {"H(code)"}, {"I(source; out)"}});
    const masses source = random_masses(random, 64, 3);
    masses out = random_masses(random, 48, 2);
    level(out, entropy::total_mass(source));
    for (const double bound : {0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0}) {
        const pith::systems::mec_b pair = entropy::couple_through(source, out, bound);
        const double h = entropy::entropy_of(pair.code.masses);
        const double information = h + entropy::entropy_of(out) - pair.code_to_out.joint_entropy();
        to.correct = to.correct && h <= bound;
        code.add({bench::decimal(bound, 1), std::to_string(pair.code.masses.size()), bench::decimal(h, 3),
                  bench::decimal(information, 3)});
    }
    code.print("No pair has more information than its bound.");
}

// ---- scans

bytes differences(const std::vector<pith::vector::scan_point>& points, double bound) {
    bytes out(12 * points.size());
    for (std::size_t k = 0; k < 3; ++k) {  // a plane for each coordinate and byte, as published
        std::int32_t last = 0;
        for (std::size_t i = 0; i < points.size(); ++i) {
            const auto q = static_cast<std::int32_t>(std::lround(double{points[i][k]} / (2 * bound)));
            const std::uint32_t d = pith::zigzag(q - last);
            for (std::size_t b = 0; b < 4; ++b)
                out[(4 * k + b) * points.size() + i] = static_cast<std::uint8_t>(d >> 8 * b);
            last = q;
        }
    }
    return out;
}

void scans(report& to, bool quick) {
    bench::table table("LiZIP: made-up scans of 32 beams, bits a point", {{"noise, bound", true},
                                                                          {"points"},
                                                                          {"lizip"},
                                                                          {"delta + adaptive"},
                                                                          {"delta + xz"},
                                                                          {"against xz"},
                                                                          {"worst error"},
                                                                          {"dec Mpoints/s"}});
    for (const double noise : {0.0, 0.01, 0.02})
        for (const float bound : {0.02F, 0.01F, 0.001F}) {
            const auto points =
                lidar_scene::scan({.columns = quick ? std::size_t{100} : std::size_t{1800}, .noise = noise});
            const auto code = pith::systems::lizip::encode(points, {.bound = bound});
            const double start = bench::seconds_now();
            const auto back = code ? pith::systems::lizip::decode(*code) : code.error();
            const double seconds = bench::seconds_now() - start;
            double worst = back ? 0 : 1e9;
            for (std::size_t i = 0; back && i < points.size(); ++i)
                for (std::size_t k = 0; k < 3; ++k)
                    worst = std::max(worst, std::fabs(double{points[i][k]} - double{(*back)[i][k]}));
            to.correct = to.correct && worst <= double{bound};
            const bytes plain = differences(points, double{bound});
            const double scale = 8 / static_cast<double>(points.size());
            const double ours = code ? scale * static_cast<double>(code->size()) : 0,
                         adaptive = scale * static_cast<double>(size_of<entropy::adaptive_nibble<1>>(plain)),
                         xz = scale * static_cast<double>(to.scratch.xz(plain));
            const std::string name =
                bench::decimal(100 * noise, 0) + " cm, " + bench::decimal(1000 * double{bound}, 0) + " mm";
            table.add({name, bench::grouped(points.size()), bench::decimal(ours, 2),
                       bench::decimal(adaptive, 2), xz > 0 ? bench::decimal(xz, 2) : "-",
                       xz > 0 ? bench::signed_percent(100 * (ours / xz - 1), 1) : "-",
                       bench::decimal(1000 * worst, 3) + " mm",
                       bench::decimal(1e-6 * static_cast<double>(points.size()) / seconds, 2)});
            to.add("lizip", name, ours, "bits/point");
            if (xz > 0) to.add("delta + xz -9e", name, xz, "bits/point");
        }
    table.print(
        "Differences of lattice points in byte planes. Claim: fewer bits than delta and xz, the bound kept.");
}

// ---- tables

struct clustered_table {
    std::size_t rows, columns;
    bytes entries{};
    double ideal = 0;  ///< bits an entry, if all classes are known

    clustered_table(std::size_t r, std::size_t c, std::size_t classes) : rows(r), columns(c) {
        pith::random_sequence random(classes);
        const auto any = [&](std::size_t n) { return random.below(static_cast<std::uint32_t>(n)); };
        std::vector<std::uint32_t> of_row(rows), of_column(columns), favourite(classes * classes);
        for (auto& k : of_row) k = any(classes);
        for (auto& k : of_column) k = any(classes);
        for (auto& f : favourite) f = any(8);
        for (std::size_t i = 0; i < rows * columns; ++i) {
            const std::uint32_t f = favourite[of_row[i / columns] * classes + of_column[i % columns]];
            entries.push_back(static_cast<std::uint8_t>('a' + (any(10) < 7 ? f : any(8))));
        }
        ideal = -0.7375 * std::log2(0.7375) - 0.2625 * std::log2(0.0375);
    }
    [[nodiscard]] bytes turned() const {
        bytes out(entries.size());
        for (std::size_t i = 0; i < out.size(); ++i) out[i % columns * rows + i / columns] = entries[i];
        return out;
    }
};

void tables(report& to, bool quick) {
    bench::table table("Tables by latent variables: made-up tables of eight categories, bits an entry",
                       {{"classes", true},
                        {"found"},
                        {"latent_tables"},
                        {"given classes"},
                        {"rows, rans"},
                        {"columns, rans"},
                        {"rows, adaptive"},
                        {"columns, adaptive"},
                        {"rows, xz"},
                        {"columns, xz"}});
    for (const std::size_t classes : {1U, 2U, 3U, 5U, 8U}) {
        const clustered_table t(quick ? 200 : 2000, quick ? 60 : 150, classes);
        const double scale = 8 / static_cast<double>(t.entries.size());
        const auto bits = [&](std::size_t size) {
            return bench::decimal(scale * static_cast<double>(size), 3);
        };
        const auto found = pith::codec::find_latent_classes(t.entries, t.rows, t.columns);
        pith::systems::latent_tables<> codec;
        const auto code = codec.encode(t.entries, found);
        const auto back = code ? codec.decode(*code) : code.error();
        to.correct = to.correct && back && back->entries == t.entries;
        const std::size_t size = code ? code->size() : 0;
        const bytes across = t.turned();
        using rans = entropy::rans_bytes<>;
        using adaptive = entropy::adaptive_nibble<1>;
        table.add({std::to_string(classes) + " x " + std::to_string(classes),
                   std::to_string(found.rows) + " x " + std::to_string(found.columns), bits(size),
                   bench::decimal(t.ideal, 3), bits(size_of<rans>(t.entries)), bits(size_of<rans>(across)),
                   bits(size_of<adaptive>(t.entries)), bits(size_of<adaptive>(across)),
                   bits(to.scratch.xz(t.entries)), bits(to.scratch.xz(across))});
        to.add("latent_tables", std::to_string(classes) + " classes", scale * static_cast<double>(size),
               "bits/entry");
    }
    table.print(
        "Claim: fewer bits than row after row and column after column where rows and columns have classes.");
}

// ---- orders

struct plane_context {
    entropy::latent_shape shape;
    std::vector<bool> decoded = std::vector<bool>(shape.size());
    std::vector<std::uint32_t> last{};
    std::size_t calls = 0;

    void operator()(std::size_t, std::span<const std::uint32_t> places, std::span<const std::int32_t> known,
                    std::span<entropy::location_scale> given) {
        ++calls;
        for (const std::uint32_t p : last) decoded[p] = true;
        last.assign(places.begin(), places.end());
        for (std::size_t i = 0; i < places.size(); ++i) given[i] = about(places[i], known);
    }
    /// The place in the channel before, or the mean of the neighbours; widths as measured on such planes.
    [[nodiscard]] entropy::location_scale about(std::size_t p, std::span<const std::int32_t> known) const {
        std::int32_t sum = 0, count = 0;
        const auto add = [&](bool inside, std::size_t q) {
            if (!inside || !decoded[q]) return;
            sum += std::clamp(known[q], -1000, 1000);
            ++count;
        };
        const std::size_t x = p % shape.width, y = p / shape.width % shape.height;
        if (p >= shape.plane()) add(true, p - shape.plane());
        if (count != 0) return {sum * 4096, 3 * 4096};
        add(x > 0, p - 1);
        add(x + 1 < shape.width, p + 1);
        add(y > 0, p - shape.width);
        add(y + 1 < shape.height, p + shape.width);
        return count == 0 ? entropy::location_scale{0, 12 * 4096}
                          : entropy::location_scale{sum * 4096 / count, 7 * 4096};
    }
};

template <unsigned Lanes, class Order>
void add_order(bench::table& table, report& to, const std::string& name, Order order,
               const entropy::parametric_models<entropy::gaussian>& models, const entropy::latent_shape& s,
               const std::vector<std::int32_t>& latents) {
    using codec = entropy::parametric_codec<entropy::parametric_models<entropy::gaussian>, Lanes>;
    const entropy::ordered_latents<codec, Order> coder(codec(models), order);
    plane_context sender{s}, receiver{s};
    const auto code = coder.encode(latents, s, sender);
    std::vector<std::int32_t> back(latents.size());
    to.correct = code && coder.decode(*code, s, receiver, back) && back == latents && to.correct;
    const double bits = code ? 8 * static_cast<double>(code->size()) / static_cast<double>(s.size()) : 0;
    table.add({name, bench::grouped(receiver.calls), bench::decimal(bits, 3)});
    to.add(name, "made-up latents", bits, "bits/latent");
}

void orders(report& to, bool quick) {
    const entropy::latent_shape s{quick ? std::size_t{8} : std::size_t{64}, 48, 48};
    pith::random_sequence random(3);
    std::vector<double> wide(50 * 50);
    for (double& v : wide) v = 12 * random.gaussian();
    std::vector<std::int32_t> latents(s.size());
    for (std::size_t c = 0; c < s.channels; ++c)
        for (std::size_t y = 0; y < 48; ++y)
            for (std::size_t x = 0; x < 48; ++x) {
                double sum = 2 * random.gaussian();
                for (std::size_t j = 0; j < 9; ++j) sum += wide[(y + j / 3) * 50 + x + j % 3] / 3;
                latents[s.at(c, y, x)] = static_cast<std::int32_t>(sum);
            }
    const auto models = std::make_unique<entropy::parametric_models<entropy::gaussian>>();
    const std::vector<std::size_t> groups{1, 3, 4, 8, 16};
    bench::table table("Orders of latents: " + std::to_string(s.channels) + " alike planes of 48 x 48",
                       {{"order", true}, {"calls of the context"}, {"bits/latent"}});
    add_order<4>(table, to, "one pass", entropy::one_pass(), *models, s, latents);
    add_order<4>(table, to, "checkerboard", entropy::checkerboard_groups(), *models, s, latents);
    add_order<4>(table, to, "groups of channels", entropy::checkerboard_groups(groups), *models, s, latents);
    add_order<1>(table, to, "row after row", entropy::raster_passes(), *models, s, latents);
    table.print(
        "Claim: two calls for a group in place of one for each place. A call's code begins with 34 bytes, in "
        "the last "
        "row with 10.");
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words, "Windows, couplings, scans, tables and orders of latents beside their claims.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    std::printf("Codes of structured data on %s\n%s\n", bench::machine_line().c_str(), from.says().c_str());
    report to;
    windows(to, from, asked.quick);
    couplings(to, asked.quick);
    scans(to, asked.quick);
    tables(to, asked.quick);
    orders(to, asked.quick);
    if (!to.rows.write(asked.json)) return 1;
    if (!to.correct) std::fprintf(stderr, "at least one claim or round trip failed\n");
    return to.correct ? 0 : 1;
}
