// The bytes of a lane in a cache file. FORMAT.md, part 14.
// What is written and what is counted come from the same functions, so that the count is the file's size.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/finite.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/lane.hpp>

namespace pith::inline v1::kv {

/// A sink that only counts.
class counting_sink {
  public:
    void put(std::uint8_t) noexcept { ++size_; }
    void append(byte_view v) noexcept { size_ += v.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool overflowed() const noexcept { return false; }

  private:
    std::size_t size_ = 0;
};

namespace lane_file {

/// Positions as runs, multiplicities where any is not 1, the number of sinks.
template <byte_sink Sink>
void write_tokens(const lane& l, Sink& sink) {
    const std::vector<std::uint32_t>& p = l.positions;
    std::vector<std::pair<std::size_t, std::size_t>> runs;  // first index, length
    for (std::size_t t = 0; t < p.size(); ++t) {
        if (t == 0 || p[t] != p[t - 1] + 1) runs.emplace_back(t, 0);
        ++runs.back().second;
    }
    put_varint(sink, runs.size());
    for (const auto& [first, length] : runs) {
        put_varint(sink, first == 0 ? p[first] : p[first] - p[first - 1] - 2);
        put_varint(sink, length - 1);
    }
    bool merged = false;
    for (const float m : l.multiplicity) merged = merged || m != 1.0F;
    sink.put(merged ? 1 : 0);
    for (std::size_t t = 0; merged && t < p.size(); ++t)
        put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(l.multiplicity[t]));
    put_varint(sink, l.sinks);
}

/// Tokens, size and bytes of every block; `context` adds the byte that says what the codec was given.
template <byte_sink Sink>
void write_pages(const lane_part& part, bool context, Sink& sink) {
    put_varint(sink, part.pages.size());
    for (const page& p : part.pages) {
        put_varint(sink, p.coded->tokens());
        if (context) sink.put(p.coded->context);
        put_varint(sink, p.coded->bytes.size());
        sink.append(readable_bytes(p.coded->bytes));
    }
}

template <byte_sink Sink>
void write_halves(std::span<const std::uint16_t> rows, Sink& sink) {
    for (const std::uint16_t h : rows) put_le<std::uint16_t>(sink, h);
}

/// Sizes of what exact rows take: sinks, loose.
[[nodiscard]] inline std::pair<std::size_t, std::size_t> exact_sizes(const lane& l) noexcept {
    const std::size_t row = 2 * l.channels();
    return {2 * l.sinks * row, (l.loose(tensor_kind::keys) + l.loose(tensor_kind::values)) * row};
}

/// A whole lane. key_context, value_context: whether the codecs read more of their scope than the block.
template <byte_sink Sink>
void write(const lane& l, bool key_context, bool value_context, Sink& sink) {
    write_tokens(l, sink);
    write_pages(l.keys, key_context, sink);
    write_pages(l.values, value_context, sink);
    write_halves(l.keys.exact.stored(0, l.sinks), sink);
    write_halves(l.values.exact.stored(0, l.sinks), sink);
    write_halves(l.keys.exact.stored(l.sinks, l.loose(tensor_kind::keys)), sink);
    write_halves(l.values.exact.stored(l.sinks, l.loose(tensor_kind::values)), sink);
}

/// Reads a lane; a budget of decoded bytes is drawn on before memory is taken.
class reader {
  public:
    reader(byte_view in, std::uint64_t tokens_seen, std::uint64_t& budget) noexcept
        : in_(in), seen_(tokens_seen), budget_(&budget) {}

    [[nodiscard]] result<void> tokens(lane& l) {
        const result<std::uint64_t> runs = in_.read_varint();
        if (!runs) return runs.error();
        std::uint64_t next = 0;
        for (std::uint64_t i = 0; i < *runs; ++i) {
            const result<std::uint64_t> gap = in_.read_varint();
            if (!gap) return gap.error();
            const result<std::uint64_t> more = in_.read_varint();
            if (!more) return more.error();
            const std::uint64_t apart = i == 0 ? 0 : 1;
            // next + apart <= seen_ + 1, so neither subtraction wraps once the test before it has passed.
            if (next + apart > seen_ || *gap > seen_ - next - apart || *more >= seen_ - next - apart - *gap)
                return in_.fail(error_code::bad_header, "a token lies behind the last one");
            next += apart + *gap;
            if (const auto ok = draw(l, *more + 1); !ok) return ok.error();
            for (std::uint64_t k = 0; k <= *more; ++k, ++next)
                l.positions.push_back(static_cast<std::uint32_t>(next));
        }
        if (const auto ok = multiplicities(l); !ok) return ok.error();
        const result<std::uint64_t> sinks = in_.read_varint();
        if (!sinks) return sinks.error();
        if (*sinks > l.tokens()) return in_.fail(error_code::bad_header, "there are more sinks than tokens");
        l.sinks = static_cast<std::size_t>(*sinks);
        return {};
    }
    /// verify() is called after each block; an error of it lies behind the block's first byte.
    template <class Verify>
    [[nodiscard]] result<void> pages(lane& l, tensor_kind kind, bool context, const limits& bound,
                                     Verify&& verify) {
        const result<std::uint64_t> count = in_.read_varint();
        if (!count) return count.error();
        if (*count > bound.max_blocks)
            return in_.fail(error_code::limit_exceeded, "there are more blocks than the limits allow");
        for (std::uint64_t i = 0; i < *count; ++i) {
            if (const auto ok = one_page(l, l.part(kind), context); !ok) return ok.error();
            const std::uint64_t start = in_.position() - l.part(kind).pages.back().coded->bytes.size();
            if (const result<void> ok = verify(); !ok) return ok.error().shifted_by(start);
        }
        return {};
    }
    /// What is left: the exact rows.
    [[nodiscard]] result<void> rows(lane& l) {
        const std::size_t loose_keys = l.loose(tensor_kind::keys);
        const std::size_t loose_values = l.loose(tensor_kind::values);
        const std::pair<exact_rows*, std::size_t> parts[] = {{&l.keys.exact, l.sinks},
                                                             {&l.values.exact, l.sinks},
                                                             {&l.keys.exact, loose_keys},
                                                             {&l.values.exact, loose_values}};
        for (const auto& [to, count] : parts)
            if (const auto ok = some_rows(*to, count); !ok) return ok.error();
        if (in_.remaining() != 0) return in_.fail(error_code::trailing_data, "bytes follow the last row");
        return {};
    }

  private:
    /// Keys and values as floats, positions and multiplicities: at most 2^31 tokens of 2^26 channels.
    [[nodiscard]] result<void> draw(const lane& l, std::uint64_t count) noexcept {
        const std::uint64_t each = 2 * sizeof(float) * (l.channels() + 1);
        if (count > *budget_ / each)
            return in_.fail(error_code::limit_exceeded, "the cache is larger than the limits allow");
        *budget_ -= count * each;
        return {};
    }
    [[nodiscard]] result<void> multiplicities(lane& l) {
        const result<std::uint8_t> merged = in_.read_le<std::uint8_t>();
        if (!merged) return merged.error();
        if (*merged > 1) return in_.fail(error_code::bad_header, "a flag is neither 0 nor 1");
        if (*merged == 1 && in_.remaining() / 4 < l.tokens())
            return in_.fail(error_code::truncated, "the input ends inside the multiplicities");
        l.multiplicity.assign(l.tokens(), 1.0F);
        bool any = false;
        for (std::size_t t = 0; *merged == 1 && t < l.tokens(); ++t) {
            const float m = std::bit_cast<float>(*in_.read_le<std::uint32_t>());
            if (!is_finite(m) || m < 1.0F)
                return in_.fail(error_code::bad_header, "a multiplicity is below 1");
            any = any || m != 1.0F;
            l.multiplicity[t] = m;
        }
        if (*merged == 1 && !any)
            return in_.fail(error_code::bad_header, "multiplicities are stated, but all are 1");
        return {};
    }
    [[nodiscard]] result<void> one_page(lane& l, lane_part& part, bool context) {
        const result<std::uint64_t> tokens = in_.read_varint();
        if (!tokens) return tokens.error();
        const std::size_t left = l.tokens() - l.sinks - part.frozen;
        if (*tokens == 0 || *tokens > left || *tokens > most_block_tokens)
            return in_.fail(error_code::bad_header, "a block has no tokens or too many");
        auto b = std::make_shared<block>();
        if (context) {
            const result<std::uint8_t> given = in_.read_le<std::uint8_t>();
            if (!given) return given.error();
            b->context = *given;
        }
        const result<std::uint64_t> size = in_.read_varint();
        if (!size) return size.error();
        const result<byte_view> bytes = in_.read_bytes(*size);
        if (!bytes) return bytes.error();
        const std::span<const std::byte> raw = as_std_bytes(*bytes);
        b->bytes.assign(raw.begin(), raw.end());
        const auto first = l.positions.begin() + static_cast<std::ptrdiff_t>(l.sinks + part.frozen);
        b->positions.assign(first, first + static_cast<std::ptrdiff_t>(*tokens));
        part.frozen += static_cast<std::size_t>(*tokens);
        part.pages.push_back({std::move(b)});
        return {};
    }
    [[nodiscard]] result<void> some_rows(exact_rows& to, std::size_t count) {
        const result<byte_view> raw = in_.read_bytes(std::uint64_t{2} * count * to.channels());
        if (!raw) return raw.error();
        std::vector<std::uint16_t> halves(raw->size() / 2);
        for (std::size_t i = 0; i < halves.size(); ++i) {
            halves[i] = load_le<std::uint16_t>(raw->data() + 2 * i);
            if ((halves[i] & half::top) == half::top)
                return in_.fail(error_code::bad_stream, "a stored key or value is not finite");
        }
        to.append(halves);
        return {};
    }

    byte_reader in_;
    std::uint64_t seen_;
    std::uint64_t* budget_;
};

}  // namespace lane_file

}  // namespace pith::inline v1::kv
