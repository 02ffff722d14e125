// Blocks of bytes by context mixing: text, machine code and records each under contexts of their own.
// The structure is that of PAQ8 (Mahoney and others, 2002-2009); which profile and which transform a block
// gets is told by its first byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/codec/mixing_levels.hpp>
#include <pith/codec/mixing_parts.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/mixing/context_mixer.hpp>
#include <pith/mixing/prime.hpp>
#include <pith/transform/detect.hpp>
#include <pith/transform/text.hpp>
#include <pith/transform/x86.hpp>

namespace pith::inline v1::codec {

/// A block_coder. Payload: the kind of the block in one byte (0 text, 1 machine code, 2 records, 3
/// transformed text, 4 stored), for records their length in two bytes, for transformed text its length in
/// four and two marks, then the arithmetic code of all bits, or those of a level's parts and their sizes.
/// Exact; the policy, which says where parts are coded, changes no byte.
template <mixing_level Level, mixing::mixing_kernel Kernel = mixing::portable_mixing,
          parallel_policy Policy = serial>
class context_mixing {
    using models = mixing_parts<Level, Kernel, Policy>;
    using model_set = typename models::model_set;
    using text_transform =
        transform::text<transform::text_options{.most_bytes = std::size_t{1} << Level::log2_block,
                                                .words_from = Level::words_from,
                                                .least_saving = Level::least_saving}>;

  public:
    static constexpr std::uint32_t recipe = Level::recipe;
    static constexpr const char* name = Level::name;
    static constexpr std::size_t max_block = std::size_t{1} << Level::log2_block;
    static constexpr std::size_t room = max_block + mixing::prime_text::longest;
    static constexpr std::uint64_t memory = models::memory + room + text_transform::memory;

    explicit context_mixing(const Policy& policy = {})
        : models_(policy), scratch_(table<std::uint8_t>::unset(room)) {}
    /// Nothing is carried from one block to the next, so that a copy need not copy hundreds of MB.
    context_mixing(const context_mixing& other) : context_mixing(other.models_.policy()) {}
    context_mixing& operator=(const context_mixing&) = delete;

    /// What coding would lengthen is stored.
    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Bytes written, or output_too_small, or unsupported_parameter for more than max_block bytes.
    result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (in.size() > max_block) return too_long;
        const transform::block_description what = transform::describe_block(in);
        span_sink sink(out.size() < in.size() ? out : out.first(in.size()));
        if (encode_kind(what, in, sink) && !sink.overflowed()) return sink.size();
        span_sink stored(out);
        stored.put(kind_stored);
        stored.append(in);
        return stored.written();
    }

    /// out.size(), or truncated, bad_header, bad_stream, trailing_data. Damage that leaves a code decodes to
    /// other bytes: the container's checksum tells.
    result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (out.empty() && in.empty()) return std::size_t{0};
        if (in.empty()) return error{error_code::truncated, 0, "the block is cut off"};
        if (out.empty()) return error{error_code::trailing_data, 0, "an empty block has no code"};
        if (out.size() > max_block) return too_long;
        model_set& first = models_.first();
        if (in[0] == kind_text) {
            prepare(out, {'\n', '\n'});
            return models_.decode(&model_set::text, in, 1, out);
        }
        if (in[0] == kind_words) return decode_words(in, out);
        if (in[0] == kind_stored) return copy_stored(in.subspan(1), out);
        if (in[0] == kind_code) {
            prepare(first.code, out);
            result<std::size_t> size = models_.decode(&model_set::code, in, 1, out);
            if (size) transform::x86_branches::inverse(out);
            return size;
        }
        if (in[0] != kind_records || in.size() < 3)
            return error{error_code::bad_header, 0, "a block of unknown kind"};
        const std::uint32_t stride = load_le<std::uint16_t>(in.data() + 1);
        if (stride == 0 || stride > transform::max_stride)
            return error{error_code::bad_header, 1, "a record length out of bounds"};
        first.records.history().set_stride(stride);
        prepare(first.records, out);
        return models_.decode(&model_set::records, in, 3, out);
    }

  private:
    static constexpr error too_long{error_code::unsupported_parameter, 0,
                                    "the block is too long for this codec"};
    static constexpr std::uint8_t kind_text = 0, kind_code = 1, kind_records = 2, kind_words = 3,
                                  kind_stored = 4;

    /// Lines for a block of n bytes: two thirds to four thirds of Level::lines_for for each byte, as far as
    /// there are so many.
    [[nodiscard]] static constexpr unsigned log2_lines(std::size_t n) noexcept {
        unsigned log2 = 16;
        const std::size_t wanted = 4 * Level::lines_for * n;
        while (log2 < Level::log2_lines && (std::size_t{3} << log2) < wanted) ++log2;
        return log2;
    }
    void prepare(byte_view block, std::array<std::uint8_t, 2> marks) noexcept {
        auto& model = models_.first().text;
        models_.first().slots.reset(log2_lines(block.size()));
        model.history().set_marks('\n', '\n');
        model.reset(models_.first().slots, scratch_.data());
        mixing::prime(model, scratch_.data());
        model.history().set_marks(marks[0], marks[1]);
        model.start(block.data());
    }
    template <class Model>
    void prepare(Model& model, byte_view block) noexcept {
        models_.first().slots.reset(log2_lines(block.size()));
        model.reset(models_.first().slots, block.data());
    }
    /// The payload; false or a sink that overflowed if it is longer than the block.
    bool encode_kind(const transform::block_description& what, byte_view in, span_sink& sink) noexcept {
        if (what.kind == transform::block_kind::text) return encode_text(in, sink);
        model_set& first = models_.first();
        if (what.stride == 0 || what.kind == transform::block_kind::x86) {
            sink.put(kind_code);
            const byte_span block(scratch_.data(), in.size());
            std::memcpy(block.data(), in.data(), in.size());
            transform::x86_branches::forward(block);
            prepare(first.code, block);
            return models_.encode(&model_set::code, block, sink);
        }
        sink.put(kind_records);
        put_le<std::uint16_t>(sink, static_cast<std::uint16_t>(what.stride));
        first.records.history().set_stride(what.stride);
        prepare(first.records, in);
        return models_.encode(&model_set::records, in, sink);
    }
    bool encode_text(byte_view in, span_sink& sink) noexcept {
        const byte_span written(scratch_.data(), in.size());
        const result<std::size_t> size = transform_.forward_into(in, written);
        if (!size || *size == in.size() || written[0] == 0) {
            sink.put(kind_text);
            prepare(in, {'\n', '\n'});
            return models_.encode(&model_set::text, in, sink);
        }
        sink.put(kind_words);
        put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(*size));
        const std::array<std::uint8_t, 2> marks = transform_.marks(written.first(*size));
        sink.put(marks[0]);
        sink.put(marks[1]);
        std::memmove(scratch_.data() + mixing::prime_text::longest, scratch_.data(), *size);
        const byte_view block(scratch_.data() + mixing::prime_text::longest, *size);
        prepare(block, marks);
        return models_.encode(&model_set::text, block, sink);
    }
    static result<std::size_t> copy_stored(byte_view in, byte_span out) noexcept {
        if (in.size() < out.size())
            return error{error_code::truncated, 1 + in.size(), "the block is cut off"};
        if (in.size() > out.size())
            return error{error_code::trailing_data, 1 + out.size(), "bytes follow the end of the block"};
        std::memcpy(out.data(), in.data(), out.size());
        return out.size();
    }
    result<std::size_t> decode_words(byte_view in, byte_span out) noexcept {
        constexpr std::size_t head = 7;
        if (in.size() < head) return error{error_code::truncated, in.size(), "the block is cut off"};
        const std::size_t size = load_le<std::uint32_t>(in.data() + 1);
        // What the transform does not shorten is coded as it is.
        if (size == 0 || size >= out.size())
            return error{error_code::bad_header, 1, "a transformed text must be shorter than the text"};
        const byte_span block(scratch_.data() + mixing::prime_text::longest, size);
        prepare(block, {in[5], in[6]});
        const result<std::size_t> decoded = models_.decode(&model_set::text, in, head, block);
        if (!decoded) return decoded.error();
        const result<std::size_t> restored = transform_.inverse_into(block, out);
        if (!restored) return error{error_code::bad_stream, head, "the words of a text cannot be restored"};
        if (*restored != out.size())
            return error{error_code::bad_stream, head, "a text has another length than the block"};
        return out.size();
    }
    models models_;
    table<std::uint8_t> scratch_;
    text_transform transform_;
};

}  // namespace pith::inline v1::codec
