// Block codecs that are small enough to be seen through: run lengths, all-equal, and one that checks the law.
#pragma once

#include <atomic>
#include <cstring>
#include <vector>

#include <pith/container.hpp>

namespace toy {

using pith::byte_span;
using pith::byte_view;
using pith::error;
using pith::error_code;
using pith::result;

// Pairs (length - 1, byte); neighbouring pairs of one byte only after a full run.
struct run_length {
    static constexpr std::uint32_t recipe = pith::container::recipes::first_of_users + 1;
    static constexpr const char* name = "run length";
    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return 2 * n; }
    static result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        std::size_t at = 0;
        for (std::size_t i = 0; i < in.size();) {
            std::size_t run = 1;
            while (run < 256 && i + run < in.size() && in[i + run] == in[i]) ++run;
            if (out.size() - at < 2) return error{error_code::output_too_small, i, "no room"};
            out[at++] = static_cast<std::uint8_t>(run - 1);
            out[at++] = in[i];
            i += run;
        }
        return at;
    }
    static result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (in.size() % 2 != 0) return error{error_code::truncated, in.size(), "half a pair"};
        std::size_t at = 0;
        for (std::size_t i = 0; i < in.size(); i += 2) {
            const std::size_t run = std::size_t{in[i]} + 1;
            if (i != 0 && in[i + 1] == in[i - 1] && in[i - 2] != 255)
                return error{error_code::bad_stream, i, "a run is cut"};
            if (out.size() - at < run) return error{error_code::bad_stream, i, "a run is too long"};
            std::memset(out.data() + at, in[i + 1], run);
            at += run;
        }
        if (at != out.size()) return error{error_code::truncated, in.size(), "runs are missing"};
        return at;
    }
};

// One byte for a block of equal bytes, whatever its length; else one byte too many.
struct all_equal {
    static constexpr std::uint32_t recipe = pith::container::recipes::first_of_users + 2;
    static constexpr const char* name = "all equal";
    static constexpr std::size_t memory = 100;
    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n + 1; }
    static result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        for (const std::uint8_t b : in)
            if (b != in[0]) return in.size() + 1;
        out[0] = in[0];
        return std::size_t{1};
    }
    static result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (in.size() != 1) return error{error_code::bad_stream, 0, "not one byte"};
        std::memset(out.data(), in[0], out.size());
        return out.size();
    }
};

// Run lengths behind a trailer, counting every breach of what container/concepts.hpp promises to a codec.
struct law_checker {
    static constexpr std::uint32_t recipe = pith::container::recipes::first_of_users + 3;
    static constexpr const char* name = "law checker";
    static inline std::atomic<int> breaches{0};
    static inline std::atomic<int> encodes{0}, decodes{0}, objects{0};
    std::atomic<int> busy{0};

    law_checker() { ++objects; }
    law_checker(const law_checker&) { ++objects; }

    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return 2 * n + 4; }
    result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        ++encodes;
        if (++busy != 1) ++breaches;
        if (in.empty() || in.size() > pith::container::max_block_size) ++breaches;
        if (out.size() != max_encoded_size(in.size())) ++breaches;
        const result<std::size_t> n = run_length::encode_into(in, out);
        pith::store_le<std::uint32_t>(out.data() + *n, static_cast<std::uint32_t>(*n + 4));
        --busy;
        return *n + 4;
    }
    result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        ++decodes;
        if (++busy != 1) ++breaches;
        if (in.empty() || in.size() >= out.size()) ++breaches;
        if (in.size() < 4 || pith::load_le<std::uint32_t>(in.data() + in.size() - 4) != in.size()) ++breaches;
        --busy;
        if (in.size() < 4) return error{error_code::truncated, 0, "no trailer"};
        return run_length::decode_into(in.first(in.size() - 4), out);
    }
};

// Fails at the n-th block, both ways.
struct failing {
    static constexpr std::uint32_t recipe = pith::container::recipes::first_of_users + 4;
    static constexpr const char* name = "failing";
    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n; }
    static result<std::size_t> encode_into(byte_view in, byte_span) noexcept {
        if (in[0] == 77) return error{error_code::unsupported_parameter, 5, "77 is not for this codec"};
        return in.size();
    }
    static result<std::size_t> decode_into(byte_view, byte_span) noexcept {
        return error{error_code::bad_stream, 0, "never"};
    }
};

using recipes = pith::container::recipe_list<run_length, all_equal, law_checker, failing>;

enum class content { random, zeros, runs, mixed };

// Deterministic bytes: incompressible, equal, in runs, or alternating between those from 4 KiB to 4 KiB.
inline std::vector<std::uint8_t> make(std::size_t n, content kind, std::uint64_t seed = 1) {
    std::vector<std::uint8_t> out(n);
    std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
    const auto next = [&] {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<std::uint8_t>(state >> 56);
    };
    for (std::size_t i = 0; i < n;) {
        const content now = kind != content::mixed ? kind
                            : (i / 4096) % 2 == 0  ? content::random
                                                   : content::runs;
        if (now == content::zeros) return out;
        const std::size_t run = now == content::random ? 1 : std::size_t{next()} + 1;
        const std::uint8_t b = next();
        for (std::size_t k = 0; k < run && i < n; ++k) out[i++] = b;
    }
    return out;
}

}  // namespace toy
