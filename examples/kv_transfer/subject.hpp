// What both sides of a transfer prepare alike: the model, the calibrated codecs of all levels, and the
// greeting.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/result.hpp>
#include <pith/kv/link_rate.hpp>
#include <pith/kv/transform_coded.hpp>
#include <pith/kv/transport_bases.hpp>
#include <pith/kv/transport_chunk.hpp>

#include "../kv_lm/load_model.hpp"
#include "../kv_lm/samples.hpp"

namespace transfer {

namespace kv = pith::kv;
using codec = kv::transform_coded<>;

struct settings {
    std::string mode{}, model{}, text{}, vocabulary{};
    double rate = 0, deadline = 2;
    std::size_t prompt = 0, generate = 48, chunk = 64, level = 0, lose = 0, port = 0, bits = 8;
};

/// Steps of the levels, coarse to fine.
inline constexpr std::array<float, 4> steps{0.8F, 0.4F, 0.2F, 0.1F};

struct subject {
    lm::loaded_model loaded{};
    std::vector<std::uint32_t> prompt{};  ///< and one token more
    std::vector<codec> levels{};
    std::uint64_t digest = 0;  ///< of what was calibrated

    [[nodiscard]] kv::shape shape() const { return loaded.model.cache_shape(); }
};

inline std::uint64_t digest_of(const kv::transport_bases& bases) {
    pith::xxh64 sum;
    for (std::size_t l = 0; l < bases.layers(); ++l)
        for (const kv::tensor_kind kind : {kv::tensor_kind::keys, kv::tensor_kind::values}) {
            const auto d = bases.of(l, kind).deviations();
            sum.update(pith::byte_view(reinterpret_cast<const std::uint8_t*>(d.data()), d.size_bytes()));
        }
    return sum.digest();
}

/// The first half of the text calibrates, the prompt is cut from the second. What is wrong, or nothing.
inline lm::complaint prepare(const settings& s, subject& to) {
    if (lm::complaint wrong = lm::load_model(s.model, s.vocabulary, to.loaded); !wrong.empty())
        return s.model + ": " + wrong;
    whole_input text;
    if (lm::complaint wrong = lm::detail::read_whole(s.text, text); !wrong.empty())
        return s.text + ": " + wrong;
    const std::vector<std::uint32_t> tokens = to.loaded.words.tokens_of(text.view());
    const std::size_t context = to.loaded.model.shape.context;
    const std::size_t room = context > s.generate ? context - s.generate : 1;
    const std::size_t prompt =
        s.prompt != 0 ? s.prompt
                      : std::min({room, std::max<std::size_t>(context / 4 * 3, 1), std::size_t{4096}});
    if (prompt + s.generate > context)
        return s.model + ": prompt and generated tokens are more than its context of " +
               std::to_string(context);
    if (tokens.size() < 2 * (prompt + 1))
        return s.text + ": it has " + std::to_string(tokens.size()) + " tokens, and twice " +
               std::to_string(prompt + 1) + " are needed";
    const std::span<const std::uint32_t> all(tokens);
    to.prompt.assign(all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2),
                     all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2 + prompt + 1));
    const auto sample = lm::calibrate(to.loaded.model, lm::cut_windows(all.first(all.size() / 2), 4, prompt));
    const auto bases = std::make_shared<const kv::transport_bases>(kv::transport_bases::fit(sample));
    to.digest = digest_of(*bases);
    for (const float step : steps) to.levels.emplace_back(bases, step);
    return {};
}

/// What the sender says first: 'pKVG', version, digest, number of tokens, the tokens.
struct greeting {
    static constexpr std::size_t fixed = 20;
    std::uint64_t digest = 0;
    std::vector<std::uint32_t> tokens{};

    [[nodiscard]] std::vector<std::uint8_t> bytes() const {
        std::vector<std::uint8_t> out;
        pith::vector_sink sink(out);
        sink.append(pith::byte_view(magic));
        pith::put_le<std::uint64_t>(sink, digest);
        pith::put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(tokens.size()));
        for (const std::uint32_t t : tokens) pith::put_le<std::uint32_t>(sink, t);
        return out;
    }
    /// Of the first 20 bytes: how many tokens follow.
    static pith::result<std::size_t> read_fixed(pith::byte_view in, std::size_t most, greeting& to) {
        for (std::size_t i = 0; i < magic.size(); ++i)
            if (in[i] != magic[i])
                return pith::error{pith::error_code::bad_magic, i, "this is no sender of key-value caches"};
        to.digest = pith::load_le<std::uint64_t>(in.data() + 8);
        const std::size_t count = pith::load_le<std::uint32_t>(in.data() + 16);
        if (count < 2 || count > most)
            return pith::error{pith::error_code::limit_exceeded, 16, "a prompt that does not fit the model"};
        return count;
    }
    static constexpr std::array<std::uint8_t, 8> magic{'p', 'K', 'V', 'G', 1, 0, 0, 0};
};

}  // namespace transfer
