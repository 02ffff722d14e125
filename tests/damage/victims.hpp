// The streams of the damage campaign: small frames and bare blocks of every coder, with what they hold.
#pragma once

#include <pith/entropy/frequency.hpp>
#include <pith/entropy/rans_lanes.hpp>

#include <memory>
#include <string>
#include <vector>

#include "support/block_coders.hpp"
#include "vectors/samples.hpp"

namespace damage {

using bytes = std::vector<std::uint8_t>;

/// A stream, the bytes in it, and the coder that reads it.
struct victim {
    std::string name;
    const block_coders::entry* entry;
    bytes stream;
    bytes content;
};

inline constexpr unsigned victim_kinds[] = {1, 3, 4, 7};  // two, geometric, rare, halves

inline bytes short_text() {
    std::string words;
    for (unsigned i = 0; i < 40; ++i)
        words += (i % 3 == 0   ? "the coder writes "
                  : i % 3 == 1 ? "what it reads, "
                               : "and then ") +
                 std::to_string(i * i);
    return {words.begin(), words.end()};
}

/// Frames of a few hundred bytes; `sections` of a few blocks stand for larger ones.
inline std::vector<victim> small_frames() {
    std::vector<victim> out;
    for (const block_coders::entry& e : block_coders::entries) {
        if (!e.quick) continue;
        const auto coder = e.native();
        const auto add = [&](const char* what, bytes content) {
            auto frame = coder->encode_frame(content, pith::container::min_block_size);
            if (frame)
                out.push_back({std::string(e.name) + " " + what, &e, std::move(*frame), std::move(content)});
        };
        add("text", short_text());
        for (const unsigned kind : victim_kinds) add(samples::names[kind], samples::sample(kind, 700));
    }
    return out;
}

/// One frame of three blocks of which the middle one is a run and the last one is stored.
inline std::vector<victim> frames_of_blocks() {
    std::vector<victim> out;
    for (const block_coders::entry& e : block_coders::entries) {
        bytes content = samples::sample(4, 4096);
        content.insert(content.end(), 4096, 9);
        const bytes end = samples::sample(2, 50);
        content.insert(content.end(), end.begin(), end.end());
        auto frame = e.native()->encode_frame(content, pith::container::min_block_size);
        if (frame)
            out.push_back({std::string(e.name) + " blocks", &e, std::move(*frame), std::move(content)});
    }
    return out;
}

inline std::vector<victim> bare_blocks() {
    std::vector<victim> out;
    for (const block_coders::entry& e : block_coders::entries) {
        if (!e.quick) continue;
        const auto coder = e.native();
        const auto add = [&](const char* what, const bytes& content) {
            out.push_back(
                {std::string(e.name) + " " + what, &e, block_coders::encoded(*coder, content), content});
        };
        add("text", short_text());
        for (const unsigned kind : victim_kinds) add(samples::names[kind], samples::sample(kind, 700));
        add("wide 2000", samples::sample(samples::wide, 2000));
    }
    return out;
}

/// rANS blocks of more lanes than encoders give to so few bytes, which decoders take all the same: small
/// streams that reach the vector kernels.
template <unsigned Lanes>
victim rans_block_of(unsigned log2_lanes) {
    const bytes in = samples::sample(3, 1500);
    std::uint32_t counts[256];
    std::uint16_t frequencies[256];
    pith::entropy::count_bytes(in, counts);
    pith::entropy::normalize_frequencies(counts, frequencies, 12);
    const auto symbols = std::make_unique<pith::entropy::rans_symbol_table<12>>();
    symbols->build(frequencies);
    bytes block{static_cast<std::uint8_t>(8 + log2_lanes)}, body(4000);
    pith::vector_sink sink(block);
    pith::entropy::write_frequencies(sink, frequencies, 12);
    const auto size =
        pith::entropy::rans_encode_lanes<Lanes, 12, pith::entropy::scalar_rounds>(in, *symbols, body);
    block.insert(block.end(), body.end() - static_cast<std::ptrdiff_t>(size ? *size : 0), body.end());
    const block_coders::entry* rans = nullptr;
    for (const block_coders::entry& e : block_coders::entries)
        if (e.recipe == pith::container::recipes::rans_order0) rans = &e;
    return {"rans of " + std::to_string(Lanes) + " lanes", rans, block, in};
}

inline std::vector<victim> vector_blocks() {
    return {rans_block_of<32>(5), rans_block_of<64>(6), rans_block_of<128>(7)};
}

}  // namespace damage
