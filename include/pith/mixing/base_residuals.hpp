// Codes the numbers of a checkpoint by what they differ in from those of an earlier one, under contexts of
// the earlier number and of the differences before, mixed. After Kim and Belyaev, "An Efficient Compression
// of Deep Neural Network Checkpoints Based on Prediction and Context Modeling" (2025); differs in that whole
// patterns are coded without loss, by mixed contexts where the publication has a recurrent network.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/float_layout.hpp>
#include <pith/core/result.hpp>
#include <pith/mixing/mixed_number.hpp>

namespace pith::inline v1::mixing {

/// A block is a byte 1, the bytes at its end that are less than a number, and the arithmetic code of the
/// differences; or a byte 0 and the bytes themselves; or nothing when it is empty. A difference is that of
/// the places in the order of all numbers (to_ordered), folded to unsigned; its length is coded, then its
/// digits. Exact: integers only.
template <float_format Float>
class base_residuals {
    using layout = float_layout<Float>;
    using word = typename layout::word;
    static constexpr std::size_t width = sizeof(word);
    static constexpr unsigned bits = 8 * width;
    /// Digits below the leading one that have contexts; those below them are as good as random.
    static constexpr unsigned modelled_digits = 2;
    using numbers = mixed_number<1 + modelled_digits, 22>;

  public:
    /// Bytes that an object holds, its heap included.
    static constexpr std::size_t memory = sizeof(numbers) + numbers::memory;

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Codes `in` given `base`, which has the same size. Bytes written, output_too_small, or
    /// unsupported_parameter for a base of another size.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_view base, byte_span out) noexcept {
        if (base.size() != in.size()) return other_size();
        if (in.empty()) return std::size_t{0};
        span_sink sink(out.first(out.size() < in.size() ? out.size() : in.size()));
        sink.put(1);
        sink.append(in.last(in.size() % width));
        bit_writer_end<span_sink> end(sink);
        static_cast<void>(walk(end, in.size() / width, base, in.data()));
        end.finish();
        if (!sink.overflowed()) return sink.size();
        if (sink.size() <= in.size() || out.size() <= in.size())
            return error{error_code::output_too_small, out.size(), "the destination is too small"};
        out[0] = 0;
        std::memcpy(out.data() + 1, in.data(), in.size());
        return in.size() + 1;
    }

    /// Fills out, given the base that the encoder had; another one of its size gives other numbers, or an
    /// error.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_view base, byte_span out) noexcept {
        if (base.size() != out.size()) return other_size();
        if (out.empty() && in.empty()) return std::size_t{0};
        if (out.empty()) return error{error_code::trailing_data, 0, "an empty block has no bytes"};
        if (in.empty()) return error{error_code::truncated, 0, "the block's first byte is missing"};
        if (in[0] > 1) return error{error_code::bad_header, 0, "a block is neither stored nor coded"};
        const std::size_t tail = in[0] == 0 ? out.size() : out.size() % width;
        if (in.size() - 1 < tail) return error{error_code::truncated, in.size(), "the block ends early"};
        if (in.size() > out.size() + (in[0] == 0 ? 1U : 0U))
            return error{error_code::trailing_data, out.size() + 1, "a block is longer than a stored one"};
        std::memcpy(out.data() + out.size() - tail, in.data() + 1, tail);
        if (in[0] == 0) return out.size();
        bit_reader_end end(in.subspan(1 + tail));
        if (!walk(end, out.size() / width, base, out.data()))
            return error{error_code::bad_stream, 1, "a difference is longer than a number"};
        if (const result<void> ended = end.finish(); !ended) return ended.error().shifted_by(1 + tail);
        return out.size();
    }

  private:
    static constexpr unsigned length_digits = bits == 16 ? 5 : 6;

    [[nodiscard]] static error other_size() noexcept {
        return {error_code::unsupported_parameter, 0, "the base has another size than the block"};
    }
    /// The difference of two places, modulo 2^bits, as 0, -1, 1, -2, ...
    [[nodiscard]] static word folded(word now, word before) noexcept {
        return zigzag(static_cast<std::make_signed_t<word>>(to_ordered(now) - to_ordered(before)));
    }
    [[nodiscard]] static word unfolded(word fold, word before) noexcept {
        return from_ordered(static_cast<word>(to_ordered(before) + static_cast<word>(unzigzag(fold))));
    }

    /// What is known of a number before its difference.
    struct surroundings {
        unsigned last = 0, second = 0;  // lengths of the differences before
        unsigned mean = 0;              // of the lengths, times 256; below 33 * 256

        [[nodiscard]] std::array<std::uint64_t, 6> contexts(unsigned exponent) const noexcept {
            return {context_of(0),
                    context_of(1, exponent),
                    context_of(2, last),
                    context_of(3, last, second),
                    context_of(4, exponent, last),
                    context_of(5, exponent, mean / 128)};
        }
        void note(unsigned length) noexcept {
            second = last;
            last = length;
            mean += length * 16;
            mean -= mean / 16;
        }
    };

    /// Codes n numbers; those of an encoder are at `data`, a decoder writes them there. False on a length
    /// that no encoder writes.
    template <coding_end End, class Byte>
    [[nodiscard]] bool walk(End& end, std::size_t n, byte_view base, Byte* data) noexcept {
        numbers_.reset(n);
        surroundings around;
        for (std::size_t i = 0; i < n; ++i, data += width) {
            const word before = load_le<word>(base.data() + width * i);
            const unsigned exponent = static_cast<unsigned>(before >> layout::mantissa);
            word fold = 0;
            if constexpr (End::encodes) fold = folded(load_le<word>(data), before);
            const auto contexts = around.contexts(exponent);
            const unsigned length = numbers_.code_fixed(end, static_cast<unsigned>(std::bit_width(fold)),
                                                        length_digits, 0, contexts);
            if (length > bits) return false;
            fold = digits(end, fold, length, contexts);
            if constexpr (!End::encodes) store_le<word>(data, unfolded(fold, before));
            around.note(length);
        }
        return true;
    }

    /// The digits below the leading one of a number of so many digits.
    template <coding_end End>
    [[nodiscard]] word digits(End& end, word fold, unsigned length,
                              const std::array<std::uint64_t, 6>& contexts) noexcept {
        if (length == 0) return 0;
        std::uint32_t out = 1;
        for (unsigned k = length - 1; k-- > 0;) {
            const auto bit = static_cast<std::uint32_t>(fold >> k & 1);
            const unsigned kind = length - 1 - k;  // from 1 on
            if (kind > modelled_digits) {
                out = out << 1 | (end.code(bit != 0, 1U << 15) ? 1U : 0U);
                continue;
            }
            std::array<std::uint64_t, 6> under = contexts;
            for (std::uint64_t& c : under) c = context_of(c, length, out);
            out = out << 1 | numbers_.code_fixed(end, bit, 1, kind, under);
        }
        return static_cast<word>(out);
    }

    numbers numbers_;
};

}  // namespace pith::inline v1::mixing
