// The sending side: prefills the prompt, codes each chunk at every level, sends the one that the link allows.
#pragma once

#include <cstdio>
#include <utility>

#include "connection.hpp"
#include "subject.hpp"

namespace transfer {

/// chunks[chunk][level]
using coded_chunks = std::vector<std::vector<std::vector<std::uint8_t>>>;

inline coded_chunks code_all(const subject& of, const settings& s) {
    const std::size_t tokens = of.prompt.size() - 1, width = of.shape().key_channels();
    lm::recording_cache cache(of.shape(), of.loaded.model.rope());
    lm::decoder run(of.loaded.model);
    (void)run.run(std::span(of.prompt).first(tokens), cache, {});
    const kv::calibration& rows = cache.taken().rows;
    coded_chunks out;
    for (std::size_t first = 0; first < tokens; first += s.chunk) {
        const std::size_t n = std::min(s.chunk, tokens - first);
        std::vector<pith::view_2d<const float>> keys, values;
        for (std::size_t l = 0; l < of.shape().layers; ++l) {
            keys.push_back(rows.keys_of(l).block(first, 0, n, width));
            values.push_back(rows.values_of(l).block(first, 0, n, width));
        }
        auto& levels = out.emplace_back(of.levels.size());
        for (std::size_t level = 0; level < levels.size(); ++level)
            kv::write_chunk(of.shape(), of.levels[level], static_cast<std::uint8_t>(level),
                            static_cast<std::uint32_t>(first), keys, values, levels[level]);
    }
    return out;
}

/// Bytes of all chunks from `first` on, at each level.
inline std::vector<std::uint64_t> bytes_left(const coded_chunks& chunks, std::size_t first) {
    std::vector<std::uint64_t> out(chunks[0].size());
    for (std::size_t i = first; i < chunks.size(); ++i)
        for (std::size_t level = 0; level < out.size(); ++level) out[level] += chunks[i][level].size();
    return out;
}

/// Exit status. The table goes to standard output.
inline int send_cache(const subject& of, const settings& s, const descriptor& to, const failure_line& fail) {
    const coded_chunks chunks = code_all(of, s);
    paced_sender link(to.get(), s.rate);
    kv::link_rate control({.deadline = s.deadline});
    if (!link.send_all(greeting{of.digest, of.prompt}.bytes())) return fail("sender", "the receiver is gone");
    control.measured(link.sent(), link.elapsed());
    std::printf("%5s %7s %5s %8s %8s %12s\n", "chunk", "tokens", "level", "bytes", "seconds", "link bytes/s");
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        const std::size_t level =
            s.level != 0 ? s.level - 1 : control.choose(link.elapsed(), bytes_left(chunks, i));
        const pith::byte_view bytes = chunks[i][level];
        const double began = link.elapsed();
        if (s.lose == i + 1) return (void)link.send_all(bytes.first(bytes.size() / 2)), 0;
        if (!link.send_all(bytes)) return fail("sender", "the receiver is gone");
        const double took = link.elapsed() - began;
        control.measured(bytes.size(), took);
        std::printf("%5zu %7zu %5zu %8zu %8.3f %12.0f\n", i + 1,
                    std::min(s.chunk, of.prompt.size() - 1 - i * s.chunk), level + 1, bytes.size(), took,
                    control.estimate());
        std::fflush(stdout);  // a line a chunk, also for who reads a pipe
    }
    const double values =
        2.0 * static_cast<double>((of.prompt.size() - 1) * of.shape().layers * of.shape().key_channels());
    std::printf("sent %llu bytes in %.3f of %.3f seconds, %.2f bits a value\n",
                static_cast<unsigned long long>(link.sent()), link.elapsed(), s.deadline,
                8.0 * static_cast<double>(link.sent()) / values);
    return std::fflush(stdout), 0;
}

}  // namespace transfer
