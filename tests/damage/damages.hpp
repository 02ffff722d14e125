// Ways to damage a stream: every single one of a kind, or a seeded random choice of several at once.
#pragma once

#include <cstdint>
#include <vector>

#include "vectors/samples.hpp"

namespace damage {

using bytes = std::vector<std::uint8_t>;

/// Calls `attempt(damaged)` with each damaged copy. A copy is made for every case, of exactly its size, so
/// that sanitizers see a read past its end.
template <class Attempt>
void every_bit_flip(const bytes& in, Attempt&& attempt) {
    bytes out = in;
    for (std::size_t bit = 0; bit < 8 * in.size(); ++bit) {
        out[bit / 8] = static_cast<std::uint8_t>(out[bit / 8] ^ 1U << bit % 8);
        attempt(out);
        out[bit / 8] = in[bit / 8];
    }
}

template <class Attempt>
void every_truncation(const bytes& in, Attempt&& attempt) {
    for (std::size_t n = 0; n < in.size(); ++n)
        attempt(bytes(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(n)));
}

template <class Attempt>
void every_deletion(const bytes& in, Attempt&& attempt) {
    if (in.empty()) return;
    bytes out(in.begin() + 1, in.end());
    for (std::size_t at = 0; at < in.size(); ++at) {
        attempt(out);
        if (at + 1 < in.size()) out[at] = in[at];
    }
}

/// A byte of each given value before every byte and at the end.
template <class Attempt>
void every_insertion_of(const bytes& in, const std::vector<std::uint8_t>& values, Attempt&& attempt) {
    bytes out(in.size() + 1);
    for (std::size_t i = 0; i < in.size(); ++i) out[i + 1] = in[i];
    for (std::size_t at = 0; at <= in.size(); ++at) {
        for (const std::uint8_t v : values) {
            out[at] = v;
            attempt(out);
        }
        if (at < in.size()) out[at] = in[at];
    }
}

/// A copy of its neighbour before every byte: what a stuttering transport does.
template <class Attempt>
void every_repetition(const bytes& in, Attempt&& attempt) {
    for (std::size_t at = 0; at < in.size(); ++at) {
        bytes out = in;
        out.insert(out.begin() + static_cast<std::ptrdiff_t>(at), in[at]);
        out.shrink_to_fit();
        attempt(out);
    }
}

/// Every other value of every byte.
template <class Attempt>
void every_substitution(const bytes& in, Attempt&& attempt) {
    bytes out = in;
    for (std::size_t at = 0; at < in.size(); ++at) {
        for (unsigned v = 1; v < 256; ++v) {
            out[at] = static_cast<std::uint8_t>(in[at] ^ v);
            attempt(out);
        }
        out[at] = in[at];
    }
}

/// One to four random injuries of a random kind: bursts, erasures, insertions, exchanges of parts, parts of
/// `donor` (another stream), cuts.
inline bytes injured(const bytes& in, const bytes& donor, samples::generator& g) {
    bytes out = in;
    for (unsigned wounds = 1 + g.next() % 4; wounds-- > 0 && !out.empty();) {
        const std::size_t at = g.next() % out.size();
        const std::size_t most = out.size() - at < 40 ? out.size() - at : 40;
        const std::size_t n = 1 + g.next() % most;
        const auto begin = out.begin() + static_cast<std::ptrdiff_t>(at);
        const auto length = static_cast<std::ptrdiff_t>(n);
        switch (g.next() % 8) {
            case 0:
                for (std::size_t i = at; i < at + n; ++i) out[i] = static_cast<std::uint8_t>(g.next());
                break;
            case 1:
                for (std::size_t i = at; i < at + n; ++i) out[i] = 0;
                break;
            case 2:
                out.erase(begin, begin + length);
                break;
            case 3:
                out.insert(begin, n, static_cast<std::uint8_t>(g.next()));
                break;
            case 4: {  // exchange with another part
                const std::size_t other = g.next() % (out.size() - n + 1);
                for (std::size_t i = 0; i < n; ++i) std::swap(out[at + i], out[other + i]);
                break;
            }
            case 5:
                for (std::size_t i = 0; i < n && at + i < donor.size(); ++i) out[at + i] = donor[at + i];
                break;
            case 6:
                out[at] = static_cast<std::uint8_t>(out[at] + (g.next() % 2 == 0 ? 1 : 255));
                break;
            default:
                out.resize(at);
                break;
        }
    }
    out.shrink_to_fit();
    return out;
}

/// All single damages that the ordinary suite tries.
template <class Attempt>
void every_single(const bytes& in, Attempt&& attempt) {
    every_bit_flip(in, attempt);
    every_truncation(in, attempt);
    every_deletion(in, attempt);
    every_repetition(in, attempt);
    samples::generator g{in.size() + 1};
    const auto random = static_cast<std::uint8_t>(g.next());
    every_insertion_of(in, {0, 0xFF, random}, attempt);
}

}  // namespace damage
