// bench systems/circuits: probabilistic circuits on binary images and 4-bit weights beside order 0 and
// PNG-like filters, and the work of a conditional by the size of the record.
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/entropy/adaptive_binary.hpp>
#include <pith/mixing/circuit.hpp>
#include <pith/systems/lossless.hpp>

#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace {

using bench::bytes;
using pith::mixing::circuit_layout;

/// A strip of binary pictures below each other, `row` bytes wide.
struct picture {
    std::string name;
    std::string origin;
    std::size_t row;
    bytes data;
};

struct outcome {
    std::size_t size = 0;
    double encode_seconds = 0;
    double decode_seconds = 0;
    bool correct = false;
};

template <class Coder>
outcome measure(const bytes& in) {
    const auto coder = std::make_unique<Coder>();
    outcome out;
    bytes code(Coder::max_encoded_size(in.size()));
    bytes back(in.size());
    const double start = bench::seconds_now();
    const auto size = coder->encode_into(in, code);
    const double middle = bench::seconds_now();
    if (!size) return out;
    code.resize(*size);
    const auto read = coder->decode_into(code, back);
    out = {*size, middle - start, bench::seconds_now() - middle, read && back == in};
    return out;
}

/// Handwriting-like signs: one of ten, two or three strokes each, with a place, size, slant and pen of its
/// own; 16 x 16 pixels, a few of them flipped.
picture made_up_signs(std::size_t count) {
    constexpr int side = 16;
    pith::random_sequence random(10);
    struct stroke {
        double x0, y0, x1, y1, bend;
    };
    std::vector<std::vector<stroke>> signs(10);
    for (auto& sign : signs)
        for (std::uint32_t k = 0; k < 2 + random.below(2); ++k)
            sign.push_back({random.uniform_double(), random.uniform_double(), random.uniform_double(),
                            random.uniform_double(), random.uniform_double() - 0.5});
    picture out{"signs", "made-up 16 x 16 handwriting-like signs, ten classes", 2, {}};
    for (std::size_t k = 0; k < count; ++k) {
        bool ink[side][side] = {};
        const double size = 9 + 2 * random.uniform_double(), slant = 0.3 * random.gaussian();
        const double left = 3 + random.gaussian() * 0.6, top = 3 + random.gaussian() * 0.6;
        const double pen = 0.7 + 0.5 * random.uniform_double();
        for (const stroke& s : signs[random.below(10)]) {
            for (double t = 0; t <= 1; t += 0.02) {
                const double u = s.x0 + (s.x1 - s.x0) * t + s.bend * t * (1 - t) * (s.y1 - s.y0) * 2;
                const double v = s.y0 + (s.y1 - s.y0) * t - s.bend * t * (1 - t) * (s.x1 - s.x0) * 2;
                const double px = left + size * (u + slant * (0.5 - v)), py = top + size * v;
                for (int y = 0; y < side; ++y)
                    for (int x = 0; x < side; ++x) ink[y][x] = ink[y][x] || std::hypot(x - px, y - py) < pen;
            }
        }
        for (const auto& row : ink)
            for (int b = 0; b < side; b += 8) {
                unsigned byte = 0;
                for (int x = 0; x < 8; ++x)
                    byte = byte << 1 | (row[b + x] != (random.below(400) == 0) ? 1U : 0U);
                out.data.push_back(static_cast<std::uint8_t>(byte));
            }
    }
    return out;
}

/// Cuts the strip into tiles of `wide` bytes and `high` rows, one record each; rows that are left over stay
/// behind.
bytes tiled(const picture& from, std::size_t wide, std::size_t high) {
    bytes out;
    const std::size_t rows = from.data.size() / from.row;
    const std::size_t whole = rows / high * high;
    for (std::size_t y = 0; y < whole; y += high)
        for (std::size_t x = 0; x + wide <= from.row; x += wide)
            for (std::size_t r = 0; r < high; ++r)
                for (std::size_t b = 0; b < wide; ++b) out.push_back(from.data[(y + r) * from.row + x + b]);
    out.insert(out.end(), from.data.begin() + static_cast<std::ptrdiff_t>(whole * from.row), from.data.end());
    return out;
}

/// PNG's filters on bytes of eight pixels: each byte minus (or, better for pixels, xor) its neighbour.
bytes filtered(const picture& from, const std::string& kind) {
    bytes out = from.data;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::uint8_t left = i % from.row == 0 ? std::uint8_t{0} : from.data[i - 1];
        const std::uint8_t up = i < from.row ? std::uint8_t{0} : from.data[i - from.row];
        if (kind == "sub") out[i] = static_cast<std::uint8_t>(out[i] - left);
        if (kind == "up") out[i] = static_cast<std::uint8_t>(out[i] - up);
        if (kind == "xor up") out[i] = out[i] ^ up;
    }
    return out;
}

/// Bits of a pixel that knows only how many are black.
double pixel_entropy(const bytes& data) {
    double ones = 0;
    for (const std::uint8_t b : data)
        for (int k = 0; k < 8; ++k) ones += b >> k & 1;
    const double p = ones / (8.0 * static_cast<double>(data.size()));
    return p <= 0 || p >= 1 ? 0 : -p * std::log2(p) - (1 - p) * std::log2(1 - p);
}

class comparison {
  public:
    comparison(bench::rows& rows, const std::string& title, const std::string& unit, double per_byte)
        : rows_(&rows),
          unit_(unit),
          per_byte_(per_byte),
          table_(title, {{"coder", true}, {"bytes"}, {unit}, {"enc MB/s"}, {"dec MB/s"}}) {}

    template <class Coder>
    void add(const std::string& name, const std::string& data, const bytes& in, bool own) {
        const outcome got = measure<Coder>(in);
        correct = correct && got.correct;
        const double cost = static_cast<double>(got.size) * 8 / per_byte_ / static_cast<double>(in.size());
        const double mega = static_cast<double>(in.size()) * 1e-6;
        table_.add({name, bench::grouped(got.size), bench::decimal(cost, 4),
                    bench::decimal(mega / got.encode_seconds, 2),
                    bench::decimal(mega / got.decode_seconds, 2)});
        rows_->add(name, data, "size", cost, unit_, bench::better::lower);
        double& best = own ? best_own : best_other;
        best = best == 0 || cost < best ? cost : best;
    }
    void print() {
        table_.print(("Best circuit " + bench::signed_percent(100 * (best_own / best_other - 1)) +
                      " against the best of the others.")
                         .c_str());
    }

    bool correct = true;
    double best_own = 0;
    double best_other = 0;

  private:
    bench::rows* rows_;
    std::string unit_;
    double per_byte_;
    bench::table table_;
};

template <circuit_layout Layout>
using circuits = pith::systems::probabilistic_circuits<Layout>;
template <unsigned Order>
using adaptive = pith::entropy::adaptive_binary<Order>;

bool compare_pictures(bench::rows& rows, const picture& from) {
    comparison all(rows, from.name + ": " + from.origin + ", " + bench::grouped(from.data.size()) + " bytes",
                   "bits/pixel", 8);
    std::printf("\n%s: order 0 of single pixels is %.4f bits/pixel\n", from.name.c_str(),
                pixel_entropy(from.data));
    all.add<adaptive<0>>("order 0", from.name, from.data, false);
    all.add<adaptive<2>>("order 2", from.name, from.data, false);
    for (const char* const kind : {"sub", "up", "xor up"}) {
        const bytes rest = filtered(from, kind);
        all.add<adaptive<0>>(std::string(kind) + " + order 0", from.name, rest, false);
        all.add<adaptive<2>>(std::string(kind) + " + order 2", from.name, rest, false);
    }
    const bytes square = tiled(from, 1, 8);
    all.add<circuits<circuit_layout{.record = 8, .bits = 1, .states = 8}>>("circuit 8x8, pixels, M = 8",
                                                                           from.name, square, true);
    all.add<circuits<circuit_layout{.record = 8, .bits = 4, .states = 8}>>("circuit 8x8, 4 pixels, M = 8",
                                                                           from.name, square, true);
    const bytes large = tiled(from, 2, 16);
    all.add<circuits<circuit_layout{.record = 32, .bits = 1, .states = 12}>>("circuit 16x16, pixels, M = 12",
                                                                             from.name, large, true);
    all.add<circuits<circuit_layout{.record = 32, .bits = 4, .states = 16}>>(
        "circuit 16x16, 4 pixels, M = 16", from.name, large, true);
    all.print();
    return all.correct;
}

/// Weights rounded to 4 bits with one scale in 32 of them, the largest magnitude; two in a byte.
bytes four_bit_weights(const std::vector<float>& weights) {
    bytes out;
    for (std::size_t at = 0; at + 32 <= weights.size(); at += 32) {
        float largest = 1e-30F;
        for (std::size_t i = 0; i < 32; ++i) largest = std::max(largest, std::abs(weights[at + i]));
        for (std::size_t i = 0; i < 32; i += 2) {
            const auto level = [&](std::size_t k) {
                return static_cast<unsigned>(std::lround(weights[at + k] / largest * 7.0F) + 8);
            };
            out.push_back(static_cast<std::uint8_t>(level(i) << 4 | level(i + 1)));
        }
    }
    return out;
}

bool compare_weights(bench::rows& rows, const bench::corpora& from, std::size_t most) {
    const bytes raw = from.read("weights/ppocr_rec.f32", 4 * most);
    std::vector<float> weights(raw.size() / 4);
    for (std::size_t i = 0; i < weights.size(); ++i)
        weights[i] = std::bit_cast<float>(pith::load_le<std::uint32_t>(raw.data() + 4 * i));
    const bool real = !weights.empty();
    if (!real) weights = bench::made_up_weights(most);
    const bytes data = four_bit_weights(weights);
    comparison all(rows,
                   std::string("4-bit weights of ") + (real ? "the PP-OCRv4 recogniser" : "made-up rows"),
                   "bits/weight", 2);
    all.add<adaptive<0>>("order 0", "4-bit weights", data, false);
    all.add<adaptive<1>>("order 1", "4-bit weights", data, false);
    all.add<circuits<circuit_layout{.record = 16, .bits = 4, .states = 8}>>("circuit of 32 weights, M = 8",
                                                                            "4-bit weights", data, true);
    all.add<circuits<circuit_layout{.record = 32, .bits = 4, .states = 8}>>("circuit of 64 weights, M = 8",
                                                                            "4-bit weights", data, true);
    all.print();
    return all.correct;
}

/// Messages a record takes in our order, beside D log2 D and beside evaluating everything for each variable.
void count_messages(bench::rows& rows) {
    const auto model = std::make_unique<pith::mixing::circuit>();
    pith::mixing::circuit_walk walk;
    bench::table table("Messages for all conditionals of a record of D variables",
                       {{"D"}, {"chain"}, {"random tree"}, {"D log2 D"}, {"all anew: D (D - 1)"}});
    pith::random_sequence random(8);
    for (std::size_t size = 8; size <= 256; size *= 2) {
        std::vector<std::string> cells{std::to_string(size)};
        for (const bool chain : {true, false}) {
            std::vector<std::uint8_t> parents(size, 0);
            for (std::size_t i = 1; i < size; ++i)
                parents[i] =
                    static_cast<std::uint8_t>(chain ? i - 1 : random.below(static_cast<std::uint32_t>(i)));
            pith::mixing::circuit_tree::hang_at_centroid(parents);
            pith::mixing::circuit_tree tree;
            if (!tree.assign(parents)) return;
            model->reshape({size, 2, 4}, tree);
            for (std::size_t i = 0; i < size; ++i)
                for (std::size_t z = 0; z < 4; ++z) {
                    for (float& p : model->transition(i, z)) p = 0.25F;
                    for (float& p : model->emission(i, z)) p = 0.5F;
                }
            model->refresh();
            const std::uint64_t before = walk.evaluations();
            for (walk.start(*model); !walk.done();) walk.observe(0);
            cells.push_back(bench::grouped(walk.evaluations() - before));
            rows.add(chain ? "chain" : "random tree", "D = " + std::to_string(size), "messages",
                     static_cast<double>(walk.evaluations() - before), "messages", bench::better::lower);
        }
        cells.push_back(bench::decimal(static_cast<double>(size) * std::log2(static_cast<double>(size)), 0));
        cells.push_back(bench::grouped(size * (size - 1)));
        table.add(cells);
    }
    table.print("A message is a product with an M x M matrix; the depth of the tree does not matter.");
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words,
        "Probabilistic circuits on binary images and 4-bit weights, beside order 0 and filters.");
    const bench::corpora from(asked.corpora);
    if (from.missing()) {
        std::fprintf(stderr, "%s: not a folder: %s\n", words[0], asked.corpora.c_str());
        return 1;
    }
    std::printf("Probabilistic circuits on %s\n%s\n", bench::machine_line().c_str(), from.says().c_str());
    bench::rows rows;
    bool correct = compare_pictures(rows, made_up_signs(asked.quick ? 1500 : 30000));
    if (bytes fax = from.read("binary/ptt5", asked.quick ? 216 * 400 : 1 << 20); !fax.empty())
        correct =
            compare_pictures(rows, {"fax", "a page of 1728 pixels a row (ptt5)", 216, std::move(fax)}) &&
            correct;
    correct = compare_weights(rows, from, asked.quick ? 100'000 : 2'000'000) && correct;
    count_messages(rows);
    if (!rows.write(asked.json)) return 1;
    if (!correct) std::fprintf(stderr, "at least one round trip failed\n");
    return correct ? 0 : 1;
}
