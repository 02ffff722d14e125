// bench kv_transport: how few bytes move a key-value cache at equal damage: the transport codec, CacheGen,
// KIVI. The prompt's whole cache is compressed, nothing stays exact; later tokens are forced and read it.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pith/kv/chunk_blocks.hpp>
#include <pith/kv/packed_affine.hpp>
#include <pith/kv/transport_chunk.hpp>
#include <pith/systems/kv_transport.hpp>

#include "../examples/kv_lm/load_model.hpp"
#include "../examples/kv_lm/measure.hpp"
#include "../examples/kv_lm/samples.hpp"
#include "kv/grouped_codec.hpp"
#include "kv/synthetic_cache.hpp"
#include "support/arguments.hpp"
#include "support/corpora.hpp"
#include "support/machine.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"

namespace {

namespace fs = std::filesystem;
namespace kv = pith::kv;
namespace systems = pith::systems;

using kivi_alone = kv::cache<kv::post_rope, kv::chunked, bench::grouped_codec, bench::grouped_codec>;

struct subject {
    std::string name;
    const lm::model* model = nullptr;
    std::vector<lm::reference> references{};
    kv::calibration calibration{};
};

/// One codec at one setting.
struct point {
    std::string family, setting;
    double bits = 0, divergence = 0;
    double all_bits = 0;  ///< with what stays exact until it fills a block, and what a cache file has besides
};

template <class Codec, class Cache>
point run(const subject& on, const char* family, std::string setting, const Codec& codec, kv::chunked cuts) {
    const auto make = [&](const kv::shape& s, const kv::rope& r, const kv::calibration&) {
        return kv::make_any<Cache>(s, r, codec, codec, cuts);
    };
    const auto q = lm::measure(on.model, on.references, make, on.calibration);
    if (!q) return {family, std::move(setting)};
    return {family, std::move(setting), q->frozen_bits, q->divergence, q->bits};
}

std::vector<point> run_all(const subject& on, bool quick) {
    std::vector<point> out;
    for (unsigned bits = 2; bits <= 4; ++bits)
        out.push_back(run<bench::grouped_codec, kivi_alone>(on, "KIVI", std::to_string(bits) + " bits",
                                                            bench::grouped_codec(bits), {.later_page = 32}));
    const systems::rotated_samples rotated(on.calibration);
    for (const bool calibrated : {true, false})
        for (const unsigned bins :
             quick ? std::vector<unsigned>{16, 64} : std::vector<unsigned>{8, 16, 32, 64, 128, 256}) {
            kv::cachegen_codec codec({.bins = bins, .anchor_every = calibrated ? std::size_t{10} : 0});
            if (calibrated) codec.fit(rotated.views());
            out.push_back(run<kv::cachegen_codec, systems::cachegen>(
                on, calibrated ? "CacheGen" : "CacheGen, tables sent", std::to_string(bins) + " bins", codec,
                calibrated ? systems::short_chunks : systems::transport_chunks));
        }
    const auto bases = std::make_shared<const kv::transport_bases>(kv::transport_bases::fit(on.calibration));
    for (const float step :
         quick ? std::vector<float>{0.1F, 0.4F}
               : std::vector<float>{0.025F, 0.05F, 0.1F, 0.15F, 0.2F, 0.3F, 0.4F, 0.6F, 0.8F})
        out.push_back(run<kv::transform_coded<>, systems::kv_transport>(
            on, "transport", "step " + bench::decimal(double{step}, 3), kv::transform_coded<>(bases, step),
            systems::short_chunks));
    for (const float step :
         quick ? std::vector<float>{0.1F} : std::vector<float>{0.025F, 0.05F, 0.1F, 0.4F, 0.8F})
        out.push_back(run<systems::mixed_transform, systems::kv_transport_mixed>(
            on, "transport, mixed", "step " + bench::decimal(double{step}, 3),
            systems::mixed_transform(bases, step), systems::short_chunks));
    return out;
}

/// Bits of a family at a divergence, between its points in the logarithm of the divergence; 0: not reached.
double bits_at(const std::vector<point>& all, const std::string& family, double divergence,
               double point::*which = &point::bits) {
    double best = 0;
    for (const point& a : all)
        for (const point& b : all) {
            if (a.family != family || b.family != family ||
                !(a.divergence >= divergence && b.divergence <= divergence))
                continue;
            if (!(b.divergence > 0) || a.divergence == b.divergence) continue;
            const double part = std::log(a.divergence / divergence) / std::log(a.divergence / b.divergence);
            const double bits = a.*which + part * (b.*which - a.*which);
            if (best == 0 || bits < best) best = bits;
        }
    return best;
}

/// Bytes of half floats a second of this thread: encode and decode of all layers, best of some.
template <class Codec>
void measure_codec(const char* what, const std::string& name, const kv::calibration& data,
                   std::shared_ptr<const kv::transport_bases> bases, float step, bench::rows& rows) {
    const std::vector<Codec> codec{{std::move(bases), step}};
    std::vector<pith::view_2d<const float>> keys, values;
    const std::size_t tokens = std::min<std::size_t>(256, data.tokens());
    for (std::size_t l = 0; l < data.shape.layers; ++l) {
        keys.push_back(data.keys_of(l).block(0, 0, tokens, data.shape.key_channels()));
        values.push_back(data.values_of(l).block(0, 0, tokens, data.shape.key_channels()));
    }
    const double halves = 4e-6 * static_cast<double>(tokens * data.shape.layers * data.shape.key_channels());
    double encode = 0, decode = 0;
    for (int i = 0; i < 20; ++i) {
        std::vector<std::uint8_t> bytes;
        const double begin = lm::thread_seconds();
        kv::write_chunk(data.shape, codec[0], 0, 0, keys, values, bytes);
        const double coded = lm::thread_seconds();
        (void)kv::read_chunk<Codec>(data.shape, codec, bytes);
        const double decoded = lm::thread_seconds();
        encode = std::max(encode, halves / (coded - begin));
        decode = std::max(decode, halves / (decoded - coded));
    }
    std::printf("%s, step %.2f, one core: encodes %.0f MB/s, decodes %.0f MB/s of half floats\n", what,
                double{step}, encode, decode);
    rows.add(what, name, "encode", encode, "MB/s", bench::better::higher);
    rows.add(what, name, "decode", decode, "MB/s", bench::better::higher);
}
void measure_speed(const std::string& name, const kv::calibration& data, const kv::calibration& sample,
                   float step, bench::rows& rows) {
    const auto bases = std::make_shared<const kv::transport_bases>(kv::transport_bases::fit(sample));
    measure_codec<kv::transform_coded<>>("transport", name, data, bases, step, rows);
    measure_codec<systems::mixed_transform>("transport, mixed", name, data, bases, step, rows);
}

/// Squared error of keys (as attention takes them) and values, over their energy.
struct relative_error {
    double error = 0, energy = 0;
    void add(std::span<const float> truth, std::span<const float> got) {
        for (std::size_t i = 0; i < truth.size(); ++i) {
            error += std::pow(double{got[i]} - double{truth[i]}, 2);
            energy += std::pow(double{truth[i]}, 2);
        }
    }
    [[nodiscard]] double value() const { return error / energy; }
};

/// What quantizing a second time adds: a chunk sent, and received as codes that attention reads.
template <unsigned Bits>
void measure_second(const std::string& name, const kv::calibration& data, const kv::calibration& sample,
                    float step, bench::rows& rows) {
    using packed = kv::packed_affine<kv::packed_affine_options{.bits = Bits}>;
    const kv::shape& s = data.shape;
    const std::size_t tokens = std::min<std::size_t>(256, data.tokens()), width = s.key_channels();
    const std::vector<kv::transform_coded<>> codec{
        {std::make_shared<const kv::transport_bases>(kv::transport_bases::fit(sample)), step}};
    std::vector<pith::view_2d<const float>> keys, values;
    for (std::size_t l = 0; l < s.layers; ++l) {
        keys.push_back(data.keys_of(l).block(0, 0, tokens, width));
        values.push_back(data.values_of(l).block(0, 0, tokens, width));
    }
    std::vector<std::uint8_t> bytes;
    kv::write_chunk(s, codec[0], 0, 0, keys, values, bytes);
    const auto floats = kv::read_chunk<kv::transform_coded<>>(s, codec, bytes);
    const auto blocks = kv::read_chunk_blocks<kv::post_rope, kv::transform_coded<>>(
        s, data.rope, codec, bytes, packed{}, packed{});
    if (!floats || !blocks) return;
    kv::rope_rotation rotation(data.rope, s.head_size);
    relative_error sent, alone, both;
    for (std::size_t i = 0; i < 2 * s.layers; ++i) {
        const auto& block = *(i % 2 == 0 ? blocks->keys : blocks->values)[i / 2];
        const auto& view = (i % 2 == 0 ? keys : values)[i / 2];
        std::vector<float> truth, once = (i % 2 == 0 ? floats->keys : floats->values)[i / 2],
                                  other(once.size());
        for (std::size_t t = 0; t < tokens; ++t)
            for (std::size_t c = 0; c < width; ++c) truth.push_back(view(t, c));
        for (std::size_t t = 0; t < tokens && i % 2 == 0; ++t)
            for (std::vector<float>* const x : {&truth, &once})
                rotation.turn(std::span(*x).subspan(t * width, width), static_cast<std::uint32_t>(t));
        const auto scope =
            kv::detail::chunk_scope(s, i / 2, static_cast<kv::tensor_kind>(i % 2), block.positions);
        const pith::view_2d<float> out(std::span<float>(other), tokens, width);
        sent.add(truth, once);
        if (packed{}.decode(block.bytes, scope, out)) both.add(truth, other);
        std::vector<std::byte> direct;
        packed{}.encode({std::span<const float>(truth), tokens, width}, scope, direct);
        if (packed{}.decode(direct, scope, out)) alone.add(truth, other);
    }
    std::printf(
        "received as %u-bit codes: relative squared error %.5f sent, %.5f of the codes alone, %.5f both\n",
        Bits, sent.value(), alone.value(), both.value());
    rows.add("received as " + std::to_string(Bits) + " bits", name, "error", both.value(), "of energy",
             bench::better::lower);
}

void report(const subject& on, bool quick, bench::rows& rows) {
    const std::vector<point> all = run_all(on, quick);
    point kivi;
    bench::table table(on.name,
                       {{"codec", true}, {"setting", true}, {"bits a value"}, {"all"}, {"KL, nats"}});
    for (const point& p : all) {
        table.add({p.family, p.setting, bench::decimal(p.bits, 3), bench::decimal(p.all_bits, 3),
                   bench::decimal(p.divergence, 7)});
        rows.add(p.family + ", " + p.setting, on.name, "bits", p.bits, "bits/value", bench::better::lower);
        rows.add(p.family + ", " + p.setting, on.name, "divergence", p.divergence, "nats/token",
                 bench::better::lower);
        rows.add(p.family + ", " + p.setting, on.name, "all bits", p.all_bits, "bits/value",
                 bench::better::lower);
        if (p.family == "KIVI") kivi = p;
    }
    table.print(
        "Bytes of the blocks, over the values in them; all: with tokens that are exact until they fill a "
        "block\n"
        "and the rest of a cache file, over all values, mean of the time after the prefill. Calibrated "
        "tables\n"
        "and bases are in neither.");
    for (const char* family : {"transport", "transport, mixed", "CacheGen", "CacheGen, tables sent"}) {
        const double bits = bits_at(all, family, kivi.divergence);
        if (bits == 0) continue;
        const double whole = bits_at(all, family, kivi.divergence, &point::all_bits);
        std::printf("%s at the KL of KIVI with 4 bits (%.7f): %.2f bits, %.0f %%; all %.2f bits, %.0f %%\n",
                    family, kivi.divergence, bits, 100 * bits / kivi.bits, whole,
                    100 * whole / kivi.all_bits);
        rows.add(family, on.name, "bits at the KL of KIVI's 4", bits, "bits/value", bench::better::lower);
    }
    measure_speed(on.name, on.references[0].taken.rows, on.calibration, 0.1F, rows);
    measure_second<4>(on.name, on.references[0].taken.rows, on.calibration, 0.1F, rows);
    measure_second<8>(on.name, on.references[0].taken.rows, on.calibration, 0.1F, rows);
    std::fflush(stdout);  // the next model takes a while
}

/// Half of the windows calibrate.
void add_windows(subject& to, std::vector<std::vector<std::uint32_t>> windows, std::size_t prompt,
                 std::size_t calibrating) {
    to.calibration = lm::calibrate(*to.model, std::span(windows).first(calibrating));
    for (std::size_t i = calibrating; i < windows.size(); ++i)
        to.references.push_back(lm::run_exact(*to.model, {std::move(windows[i]), prompt}));
}

}  // namespace

int main(int count, char** words) {
    const bench::arguments asked = bench::parse_arguments(
        count, words, "Bytes of a sent key-value cache at equal damage. FILE: a model of bytes.", true);
    const bench::corpora from(asked.corpora);
    std::printf("Sending key-value caches, on %s\n", bench::machine_line().c_str());
    const std::size_t prompt = asked.quick ? 96 : 384, forced = asked.quick ? 8 : 127,
                      length = prompt + forced + 1;
    const std::size_t calibrating = asked.quick ? 2 : 8, measured = asked.quick ? 1 : 6;
    bench::rows rows;
    bench::synthetic_options made_up;
    made_up.tokens = 640;
    std::printf("A made-up cache, heads of 128:\n");
    measure_speed("made up", bench::synthetic_cache(made_up, 1).rows(),
                  bench::synthetic_cache(made_up, 2).rows(), 0.1F, rows);
    const fs::path checkout = fs::path(__FILE__).parent_path().parent_path();
    const fs::path trained =
        asked.files.empty() ? checkout / "data/cpp_headers_lm.safetensors" : fs::path(asked.files[0]);
    lm::loaded_model headers, stories;
    if (lm::load_model(trained.string(), {}, headers).empty()) {
        subject on{"headers", &headers.model};
        const bench::bytes text = bench::installed_headers(1 << 20);
        add_windows(on, lm::cut_windows(headers.words.tokens_of(text), calibrating + measured, length),
                    prompt, calibrating);
        report(on, asked.quick, rows);
    } else {
        std::printf("Not measured: %s\n", trained.c_str());
    }
    if (from.found() &&
        lm::load_model((from.folder() / "language_model/stories260K.bin").string(), {}, stories).empty()) {
        subject on{"stories260K", &stories.model};
        std::vector<std::vector<std::uint32_t>> windows;
        for (std::size_t i = 0; i < calibrating + measured; ++i)
            windows.push_back(lm::sample_text(stories.model, stories.words.beginning(), length, 1 + i));
        add_windows(on, std::move(windows), prompt, calibrating);
        report(on, asked.quick, rows);
    }
    return rows.write(asked.json) ? 0 : 1;
}
