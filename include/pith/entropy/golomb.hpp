// Golomb-Rice and Exp-Golomb codes of nonnegative integers, and a block coder of bytes with a parameter for
// every 1024 of them. Sources: Golomb 1966, Rice & Plaunt 1971, Teuhola 1978; differs in that the unary part
// is capped and longer ones escape to plain bits, so that no input takes long.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/elias.hpp>
#include <pith/entropy/plain_block.hpp>

namespace pith::inline v1::entropy {

/// Rice code of values below 2^width: v >> parameter in unary (so many zero bits, then a one), then the low
/// `parameter` bits; where the unary part would reach `cap` zeros, `cap` zeros and all `width` bits instead.
/// Each value has one code word. parameter <= width <= 56, 1 <= cap <= 32.
struct rice_code {
    unsigned parameter;
    unsigned width;
    unsigned cap = 24;

    /// Length of the code word of v in bits.
    [[nodiscard]] constexpr unsigned length(std::uint64_t v) const noexcept {
        const std::uint64_t q = v >> parameter;
        return q < cap ? static_cast<unsigned>(q) + 1 + parameter : cap + width;
    }
    template <byte_sink Sink>
    void put(bit_writer<Sink>& out, std::uint64_t v) const {
        PITH_ASSERT(parameter <= width && width <= 56 && cap >= 1 && cap <= 32 && v <= low_mask(width));
        const std::uint64_t q = v >> parameter;
        if (q < cap) {
            out.put(std::uint64_t{1} << q, static_cast<unsigned>(q) + 1);
            out.put(v & low_mask(parameter), parameter);
        } else {
            out.put(0, cap);
            out.put(v, width);
        }
    }
    /// Errors: truncated; bad_stream for an escape that was not due or a value of too many bits.
    [[nodiscard]] result<std::uint64_t> get(bit_reader& in) const noexcept {
        const auto q = static_cast<unsigned>(std::countr_zero(in.peek(cap) | std::uint64_t{1} << cap));
        std::uint64_t v;
        bool valid;
        if (q < cap) {
            in.skip(q + 1);
            v = std::uint64_t{q} << parameter | in.get(parameter);
            valid = v <= low_mask(width);
        } else {
            in.skip(cap);
            v = in.get(width);
            valid = v >> parameter >= cap;
        }
        if (in.overrun() || !valid) return detail::code_error(in, "a Rice code word that no encoder writes");
        return v;
    }
};

/// The best parameter found for a histogram, and the bits it costs.
struct rice_choice {
    unsigned parameter;
    std::uint64_t bits;
};

/// The cheapest parameter in 0..most (the lowest of equals) for values v that occur histogram[v] times; of
/// `code`, width and cap count. Exact.
[[nodiscard]] constexpr rice_choice best_rice_parameter(std::span<const std::uint32_t> histogram,
                                                        rice_code code, unsigned most) noexcept {
    PITH_ASSERT(most <= code.width);
    rice_choice best{0, ~std::uint64_t{0}};
    for (code.parameter = 0; code.parameter <= most; ++code.parameter) {
        std::uint64_t bits = 0;  // < 2^32 * 88 for each value
        for (std::size_t v = 0; v < histogram.size(); ++v)
            bits += std::uint64_t{histogram[v]} * code.length(v);
        if (bits < best.bits) best = {code.parameter, bits};
    }
    return best;
}

/// Exp-Golomb code of order k <= 56: (v >> k) + 1 in Elias gamma, then the low k bits. v < 2^64 - 2^k.
template <byte_sink Sink>
void put_exp_golomb(bit_writer<Sink>& out, std::uint64_t v, unsigned k) {
    PITH_ASSERT(k <= 56 && v >> k != ~std::uint64_t{0});
    put_gamma(out, (v >> k) + 1);
    out.put(v & low_mask(k), k);
}

/// Errors: truncated; bad_stream for a number of more than 64 bits.
[[nodiscard]] inline result<std::uint64_t> get_exp_golomb(bit_reader& in, unsigned k) noexcept {
    const result<std::uint64_t> high = get_gamma(in);
    if (!high) return high.error();
    if (*high - 1 > ~std::uint64_t{0} >> k) return detail::code_error(in, "a number has more than 64 bits");
    const std::uint64_t v = (*high - 1) << k | in.get(k);
    if (in.overrun()) return detail::code_error(in, "");
    return v;
}

/// A block_coder: Rice codes of bytes, such as zigzag residuals. A coded block is the byte 2 and, for each
/// 1024 bytes, the parameter in 3 bits and the code words; width 8, cap 16. No tables, 4 KB of counters.
class rice_bytes {
  public:
    static constexpr std::uint32_t recipe = 0x05;
    static constexpr const char* name = "rice";
    static constexpr std::size_t group = 1024;

    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n == 0 ? 0 : n + 1; }

    /// Encodes a block; returns the bytes written. Errors: output_too_small. Exact.
    result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (is_run(in)) return encode_plain_block(in, out);
        span_sink sink(out.size() > in.size() ? out.first(in.size()) : out);
        sink.put(static_cast<std::uint8_t>(block_form::coded));
        bit_writer writer(sink);
        for (std::size_t i = 0; i < in.size() && !sink.overflowed(); i += group)
            encode_group(in.subspan(i, in.size() - i < group ? in.size() - i : group), writer);
        writer.finish();
        if (sink.overflowed()) return encode_plain_block(in, out);
        return sink.size();
    }

    /// Decodes a block of out.size() bytes; returns that. Errors: truncated, trailing_data, bad_header,
    /// bad_stream. Exact.
    result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (in.empty() || out.empty() || in[0] != static_cast<std::uint8_t>(block_form::coded))
            return decode_plain_block(in, out);
        if (in.size() > out.size())
            return error{error_code::bad_header, 0, "a coded block is larger than a stored one"};
        bit_reader reader(in.subspan(1));
        for (std::size_t i = 0; i < out.size(); i += group) {
            const std::size_t n = out.size() - i < group ? out.size() - i : group;
            if (!decode_group(reader, out.subspan(i, n)))
                return detail::code_error(reader, "a Rice code word that no encoder writes").shifted_by(1);
        }
        if (reader.byte_position() != in.size() - 1 || !reader.padding_is_zero())
            return error{error_code::trailing_data, 1 + reader.byte_position(), "bits follow the block"};
        return out.size();
    }

  private:
    static constexpr rice_code code_of(unsigned parameter) noexcept { return {parameter, 8, 16}; }

    void encode_group(byte_view in, bit_writer<span_sink>& writer) noexcept {
        for (std::uint32_t& c : counts_) c = 0;
        for (const std::uint8_t b : in) ++counts_[b];
        const rice_choice best = best_rice_parameter(counts_, code_of(0), 7);
        writer.put(best.parameter, 3);
        const rice_code code = code_of(best.parameter);
        for (const std::uint8_t b : in) {  // one write a value: at most 24 bits
            const unsigned q = b >> code.parameter;
            const std::uint64_t low = b & low_mask(code.parameter);
            const bool escape = q >= code.cap;
            writer.put(escape ? std::uint64_t{b} << code.cap : (low << 1 | 1) << q, code.length(b));
        }
    }

    static bool decode_group(bit_reader& reader, byte_span out) noexcept {
        const rice_code code = code_of(static_cast<unsigned>(reader.get(3)));
        const auto low = static_cast<unsigned>(low_mask(code.parameter));
        unsigned wrong = 0;  // all checks at the end: bits past the end are zeros and lead nowhere
        for (std::uint8_t& b : out) {
            const auto ahead = static_cast<std::uint32_t>(reader.peek(24));
            const auto q = static_cast<unsigned>(std::countr_zero(ahead | 1U << 16));
            const bool escape = q >= 16;
            const unsigned plain = q << code.parameter | (ahead >> (q + 1) & low);
            const unsigned v = escape ? ahead >> 16 : plain;
            wrong |= v >> 8 | (escape && v >> code.parameter < 16 ? 1U : 0U);
            b = static_cast<std::uint8_t>(v);
            reader.skip(escape ? 24 : q + 1 + code.parameter);
        }
        return wrong == 0 && !reader.overrun();
    }

    std::uint32_t counts_[256];
};

}  // namespace pith::inline v1::entropy
