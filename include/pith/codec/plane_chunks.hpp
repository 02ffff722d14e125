// Block coder for floating-point numbers: chunks, their byte planes, each coded by a byte coder or stored.
// Source: ZipNN (Hershcovitch, Wood et al., 2024).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <pith/container/concepts.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/float_layout.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/mixing/bitwise_coder.hpp>
#include <pith/simd/planes.hpp>

namespace pith::inline v1::codec {

/// A block is cut into chunks of 256 KB. A chunk is, for each byte plane from the lowest on, 3 bytes, the
/// size of its code or 0 where it is stored, and then the codes and stored planes. Words whose exponent would
/// lie across two bytes are turned left by one bit first, so that it fills the highest. A code has less than
/// 95 % of its plane's bytes; a plane whose codes miss that in the whole first tenth of the chunks is stored
/// from there on. Bytes that are less than a number stand at the end.
/// With a base, a block of the same size, what is coded is the difference of the patterns (XOR).
template <float_format Float, entropy::block_coder Coder, mixing::coder_identity Identity>
class plane_chunks {
    using word = typename float_layout<Float>::word;
    static constexpr std::size_t width = sizeof(word);

  public:
    static constexpr std::uint32_t recipe = Identity::recipe;
    static constexpr const char* name = Identity::name;
    static constexpr std::size_t chunk = std::size_t{1} << 18;
    /// Bytes that an object holds, its heap included.
    static constexpr std::size_t memory =
        container::codec_memory<Coder>() + 3 * chunk + Coder::max_encoded_size(chunk / width);

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n + chunks_of(n) * width * size_bytes;
    }

    /// Bytes written, or output_too_small. Exact.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        return encode_into(in, byte_view{}, out);
    }
    /// The same with a base; an empty one stands for zeros. Errors: unsupported_parameter for a base of
    /// another size.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_view base, byte_span out) noexcept {
        if (!base.empty() && base.size() != in.size()) return other_size();
        trial given_up(chunks_of(in.size()));
        std::size_t size = 0;
        std::size_t at = 0;
        for (; in.size() - at >= width; at += next_chunk(in.size() - at)) {
            const byte_view part = in.subspan(at, next_chunk(in.size() - at));
            split(part, base.empty() ? base : base.subspan(at, part.size()));
            const std::size_t needed = encode_planes(part.size() / width, given_up);
            if (needed > out.size() - size) return too_small(out);
            write_chunk(out.data() + size, part.size() / width);
            size += needed;
        }
        if (in.size() - at > out.size() - size) return too_small(out);
        for (; at < in.size(); ++at)
            out[size++] = static_cast<std::uint8_t>(in[at] ^ (base.empty() ? std::uint8_t{0} : base[at]));
        return size;
    }

    /// Fills out, or says what is wrong. Exact.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        return decode_into(in, byte_view{}, out);
    }
    /// The same with the base that the encoder had; another one of its size goes unnoticed.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_view base, byte_span out) noexcept {
        if (!base.empty() && base.size() != out.size()) return other_size();
        trial given_up(chunks_of(out.size()));
        byte_reader reader(in);
        std::size_t at = 0;
        for (; out.size() - at >= width; at += next_chunk(out.size() - at)) {
            const byte_span part = out.subspan(at, next_chunk(out.size() - at));
            const result<void> done = decode_planes(reader, part.size() / width, given_up);
            if (!done) return done.error();
            merge(part, base.empty() ? base : base.subspan(at, part.size()));
        }
        const result<byte_view> tail = reader.read_bytes(out.size() - at);
        if (!tail) return tail.error();
        for (std::size_t i = 0; at < out.size(); ++i, ++at)
            out[at] = static_cast<std::uint8_t>((*tail)[i] ^ (base.empty() ? std::uint8_t{0} : base[at]));
        if (reader.remaining() != 0) return reader.fail(error_code::trailing_data, "bytes follow the block");
        return out.size();
    }

  private:
    static constexpr std::size_t size_bytes = 3;
    // bfloat16 and float have exponents of 8 bits behind the sign.
    static constexpr bool turned = 8 * width - 1 - float_layout<Float>::mantissa == 8;

    [[nodiscard]] static constexpr std::size_t chunks_of(std::size_t n) noexcept {
        return (n / width * width + chunk - 1) / chunk;
    }
    [[nodiscard]] static constexpr std::size_t next_chunk(std::size_t left) noexcept {
        return left < chunk ? left / width * width : chunk;
    }
    [[nodiscard]] static error too_small(byte_span out) noexcept {
        return {error_code::output_too_small, out.size(), "the destination is too small"};
    }
    [[nodiscard]] static error other_size() noexcept {
        return {error_code::unsupported_parameter, 0, "the base has another size than the block"};
    }
    [[nodiscard]] static constexpr bool pays(std::size_t coded, std::size_t n) noexcept {
        return coded * 20 < n * 19;  // n <= 2^17
    }

    /// Which planes are no longer tried.
    class trial {
      public:
        explicit trial(std::size_t chunks) noexcept : left_((chunks + 9) / 10) {}
        [[nodiscard]] bool tried(std::size_t plane) const noexcept { return left_ != 0 || paid_[plane]; }
        void note(const std::size_t (&sizes)[width]) noexcept {
            if (left_ == 0) return;
            --left_;
            for (std::size_t p = 0; p < width; ++p) paid_[p] = paid_[p] || sizes[p] != 0;
        }

      private:
        std::size_t left_;  // chunks of the first tenth
        bool paid_[width] = {};
    };

    void split(byte_view in, byte_view base) noexcept {
        const std::size_t n = in.size() / width;
        std::uint8_t* const words = words_.data();
        for (std::size_t i = 0; i < n; ++i) {
            word w = load_le<word>(in.data() + width * i);
            if (!base.empty()) w = static_cast<word>(w ^ load_le<word>(base.data() + width * i));
            if constexpr (turned) w = static_cast<word>(w << 1 | w >> (8 * width - 1));
            store_le<word>(words + width * i, w);
        }
        simd::split_planes<width>(byte_view(words, in.size()), byte_span(planes_.data(), in.size()));
    }
    void merge(byte_span out, byte_view base) noexcept {
        simd::merge_planes<width>(byte_view(planes_.data(), out.size()), out);
        for (std::size_t i = 0; (turned || !base.empty()) && i < out.size() / width; ++i) {
            word w = load_le<word>(out.data() + width * i);
            if constexpr (turned) w = static_cast<word>(w >> 1 | w << (8 * width - 1));
            if (!base.empty()) w = static_cast<word>(w ^ load_le<word>(base.data() + width * i));
            store_le<word>(out.data() + width * i, w);
        }
    }

    /// Codes the planes of n words into coded_, and sets sizes_; the bytes of the whole chunk.
    [[nodiscard]] std::size_t encode_planes(std::size_t n, trial& given_up) noexcept {
        std::size_t total = width * size_bytes, at = 0;
        for (std::size_t p = 0; p < width; ++p) {
            sizes_[p] = 0;
            if (given_up.tried(p)) {
                const auto size = coder_[0].encode_into(byte_view(planes_.data() + p * n, n),
                                                        byte_span(coded_).subspan(at));
                if (size && pays(*size, n)) sizes_[p] = *size;
            }
            at += sizes_[p];
            total += sizes_[p] != 0 ? sizes_[p] : n;
        }
        given_up.note(sizes_);
        return total;
    }
    void write_chunk(std::uint8_t* to, std::size_t n) const noexcept {
        for (const std::size_t size : sizes_)
            for (unsigned b = 0; b < size_bytes; ++b) *to++ = static_cast<std::uint8_t>(size >> (8 * b));
        const std::uint8_t* code = coded_.data();
        for (std::size_t p = 0; p < width; ++p) {
            const bool stored = sizes_[p] == 0;
            const std::size_t size = stored ? n : sizes_[p];
            std::memcpy(to, stored ? planes_.data() + p * n : code, size);
            to += size;
            code += sizes_[p];
        }
    }
    [[nodiscard]] result<void> decode_planes(byte_reader& in, std::size_t n, trial& given_up) noexcept {
        const result<byte_view> sizes = in.read_bytes(width * size_bytes);
        if (!sizes) return sizes.error();
        for (std::size_t p = 0; p < width; ++p) {
            const std::uint8_t* const s = sizes->data() + p * size_bytes;
            sizes_[p] = s[0] | std::size_t{s[1]} << 8 | std::size_t{s[2]} << 16;
            if (sizes_[p] != 0 && (!pays(sizes_[p], n) || !given_up.tried(p)))
                return in.fail(error_code::bad_header, "a plane is coded that would be stored");
        }
        for (std::size_t p = 0; p < width; ++p) {
            const std::uint64_t start = in.position();
            const result<byte_view> code = in.read_bytes(sizes_[p] != 0 ? sizes_[p] : n);
            if (!code) return code.error();
            const byte_span plane(planes_.data() + p * n, n);
            if (sizes_[p] == 0) {
                std::memcpy(plane.data(), code->data(), n);
            } else if (const auto size = coder_[0].decode_into(*code, plane); !size) {
                return size.error().shifted_by(start);
            }
        }
        given_up.note(sizes_);
        return {};
    }

    std::size_t sizes_[width] = {};
    std::vector<Coder> coder_ = std::vector<Coder>(1);  // its tables do not belong on a stack
    table<std::uint8_t> words_ = table<std::uint8_t>::unset(chunk);
    table<std::uint8_t> planes_ = table<std::uint8_t>::unset(chunk);
    // Codes that pay are shorter than their planes; the one that is tried may be longer.
    std::vector<std::uint8_t> coded_ =
        std::vector<std::uint8_t>(chunk + Coder::max_encoded_size(chunk / width));
};

}  // namespace pith::inline v1::codec
