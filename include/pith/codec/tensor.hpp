// The tensor codec: lossless streams of tensors in three tiers, with blocks that decode alone.
// Own work after ZipNN and DFloat11 (exponents apart from mantissas); the tiers' headers name their sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <pith/codec/element.hpp>
#include <pith/codec/tensor_stream.hpp>
#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>

namespace pith::inline v1::codec {

/// Codes tensors, one after the other; by one thread at a time, which may have others work for it. Scratch
/// memory stays with the object: a few hundred kB for each worker, and bytes in the number of rows and
/// columns. `base` is the bytes of a tensor of the same type and shape, such as an earlier checkpoint, or
/// empty; who decodes passes the same. Streams do not depend on the policy. Exact.
template <tensor_tier Tier, parallel_policy Parallel = serial>
class tensor {
  public:
    static constexpr std::uint32_t recipe = Tier::recipe;
    static constexpr const char* name = Tier::name;

    explicit tensor(Parallel parallel = {}) : parallel_(std::move(parallel)) {}

    /// Bytes that encode_into needs: those of the tensor, 1/1024 of them and at most 300.
    [[nodiscard]] static std::size_t max_encoded_size(const tensor_view& t) noexcept {
        const std::size_t n = t.bytes.size();
        const auto blocks =
            static_cast<std::size_t>(detail::blocks_for(n / size_of(t.type), Tier::block_log2));
        return n + blocks * detail::tensor_entry + head_bound(t);
    }

    /// Bytes written, or output_too_small where `out` has not the bytes of max_encoded_size. Memory: scratch.
    result<std::size_t> encode_into(const tensor_view& t, byte_span out, byte_view base = {}) {
        const std::size_t most = max_encoded_size(t);
        PITH_ASSERT(base.empty() || base.size() == t.bytes.size());
        if (out.size() < most)
            return error{error_code::output_too_small, out.size(), "the destination is too small"};
        side_.clear();
        const tensor_geometry g = geometry_of(t);
        PITH_ASSERT(g.bytes() == t.bytes.size());
        if (g.values != 0) tier_.prepare(g, t.bytes, base, side_);
        std::size_t size = side_.empty() ? 0 : encode_with_side(t, g, base, out.first(most));
        if (size == 0) {
            side_.clear();
            size = encode_with_side(t, g, base, out.first(most));
        }
        return size;
    }
    [[nodiscard]] result<std::vector<std::uint8_t>> encode(const tensor_view& t, byte_view base = {}) {
        std::vector<std::uint8_t> out(max_encoded_size(t));
        const result<std::size_t> size = encode_into(t, out, base);
        if (!size) return size.error();
        out.resize(*size);
        return out;
    }

    /// Bytes written, all of the tensor. Errors: all that a damaged or hostile stream can cause,
    /// output_too_small, and unsupported_parameter where a base is missing or has another size.
    result<std::size_t> decode_into(byte_view in, byte_span out, const limits& bound = {},
                                    byte_view base = {}) {
        const result<detail::tensor_head> head = open(in, bound, base);
        if (!head) return head.error();
        const auto size = static_cast<std::size_t>(head->geometry.bytes());
        if (out.size() < size)
            return error{error_code::output_too_small, out.size(), "the destination is too small"};
        return decode_blocks(*head, in, out.first(size), base);
    }
    [[nodiscard]] result<std::vector<std::uint8_t>> decode(byte_view in, const limits& bound = {},
                                                           byte_view base = {}) {
        const result<tensor_info> info = inspect_tensor(in, bound);
        if (!info) return info.error();
        std::vector<std::uint8_t> out(static_cast<std::size_t>(info->bytes));
        const result<std::size_t> size = decode_into(in, out, bound, base);
        if (!size) return size.error();
        return out;
    }
    /// One block alone, from value block * tensor_info::block_values on; the bytes written. `base` is that of
    /// the whole tensor.
    result<std::size_t> decode_block(byte_view in, std::uint64_t block, byte_span out,
                                     const limits& bound = {}, byte_view base = {}) {
        const result<detail::tensor_head> head = open(in, bound, base);
        if (!head) return head.error();
        if (block >= head->blocks)
            return error{error_code::unsupported_parameter, 0, "the tensor has no such block"};
        const std::size_t size = head->values_of(block) * head->geometry.width();
        if (out.size() < size)
            return error{error_code::output_too_small, out.size(), "the destination is too small"};
        std::uint64_t at = head->size;
        for (std::uint64_t b = 0; b < block; ++b) at += head->coded_size(b);
        hire(1);
        const result<void> done = decode_one(*head, in, at, block, out.first(size), base, workers_[0]);
        if (!done) return done.error();
        return size;
    }

  private:
    [[nodiscard]] static std::size_t head_bound(const tensor_view& t) noexcept {
        return detail::tensor_fixed + 10 * t.shape.size() + 10 + 8 + t.bytes.size() / 2048 + 100;
    }
    [[nodiscard]] static tensor_geometry geometry_of(const tensor_view& t) noexcept {
        PITH_ASSERT(t.shape.size() <= max_rank);
        tensor_geometry g;
        g.type = t.type;
        g.rank = t.shape.size();
        for (std::size_t k = 0; k < g.rank; ++k) g.values *= g.shape[k] = t.shape[k];
        return g;
    }
    void hire(std::size_t workers) {
        if (workers_.size() < workers) workers_.resize(workers);
    }

    /// 0 where the stream would be longer than `out`. Blocks are coded into places of their own, then moved.
    std::size_t encode_with_side(const tensor_view& t, const tensor_geometry& g, byte_view base,
                                 byte_span out) {
        span_sink sink(out);
        detail::write_tensor_head(sink, recipe, t, !base.empty() && !side_.empty(), Tier::block_log2, side_);
        detail::tensor_head head;
        head.geometry = g;
        head.block_log2 = Tier::block_log2;
        head.blocks = detail::blocks_for(g.values, head.block_log2);
        const auto blocks = static_cast<std::size_t>(head.blocks);
        const std::size_t directory = sink.size();
        const std::size_t body = directory + blocks * detail::tensor_entry + 8;
        const std::size_t stride = g.width() << Tier::block_log2;
        if (body > out.size()) return 0;
        for (std::size_t b = 0; b < blocks; ++b)  // each block must have a place, were it of one byte
            if (body + b * stride >= out.size()) return 0;
        hire(parallel_.workers() < blocks ? parallel_.workers() : blocks);
        for_each_index(parallel_, blocks, [&](std::size_t b, std::size_t worker) {
            encode_one(head, t.bytes, base, b, out, body + b * stride, directory, workers_[worker]);
        });
        std::size_t at = body;
        for (std::size_t b = 0; b < blocks; ++b) {
            const std::size_t n = load_le<std::uint32_t>(out.data() + directory + detail::tensor_entry * b);
            if (n == 0) return 0;
            if (at != body + b * stride) std::memmove(out.data() + at, out.data() + body + b * stride, n);
            at += n;
        }
        store_le<std::uint64_t>(out.data() + body - 8, xxh64_of(out.first(body - 8)));
        return at;
    }
    void encode_one(const detail::tensor_head& head, byte_view values, byte_view base, std::size_t b,
                    byte_span out, std::size_t at, std::size_t directory,
                    typename Tier::worker& worker) const {
        const std::size_t width = head.geometry.width();
        const auto from = static_cast<std::size_t>(head.first_of(b)) * width;
        const std::size_t size = head.values_of(b) * width;
        const byte_view in = values.subspan(from, size);
        const byte_view other = base.empty() || side_.empty() ? byte_view{} : base.subspan(from, size);
        const std::size_t room = out.size() - at < size ? out.size() - at : size;
        std::size_t coded = 0;
        if (!side_.empty()) {
            coded = tier_.encode_block(worker, head.first_of(b), in, other, out.subspan(at, room));
            if (coded >= size) coded = 0;
        }
        if (coded == 0 && room == size) {
            std::memcpy(out.data() + at, in.data(), size);
            coded = size;
        }
        std::uint8_t* const entry = out.data() + directory + detail::tensor_entry * b;
        store_le<std::uint32_t>(entry, static_cast<std::uint32_t>(coded));
        store_le<std::uint64_t>(entry + 4, detail::tensor_block_check(out.subspan(at, coded), other, b));
    }

    [[nodiscard]] result<detail::tensor_head> open(byte_view in, const limits& bound, byte_view base) {
        result<detail::tensor_head> head = detail::read_tensor_head(in, bound);
        if (!head) return head;
        if (head->recipe != recipe)
            return error{error_code::unknown_recipe, 5, "the tensor was coded by another tier"};
        if (head->has_base && base.size() != head->geometry.bytes())
            return error{error_code::unsupported_parameter, 7, "the tensor was coded against a base"};
        if (head->block_log2 != Tier::block_log2)
            return error{error_code::unsupported_parameter, 9, "another block size than the tier's"};
        if (head->side.empty()) return head;
        const std::size_t at = head->size - 8 - head->directory.size() - head->side.size();
        const result<void> opened = tier_.open(head->geometry, head->has_base, head->side, bound.max_memory);
        if (!opened) return opened.error().shifted_by(at);
        return head;
    }
    result<std::size_t> decode_blocks(const detail::tensor_head& head, byte_view in, byte_span out,
                                      byte_view base) {
        const auto blocks = static_cast<std::size_t>(head.blocks);
        hire(parallel_.workers() < blocks ? parallel_.workers() : blocks);
        starts_.resize(blocks);
        std::uint64_t at = head.size;
        for (std::size_t b = 0; b < blocks; ++b) {
            starts_[b] = {at, {}};
            at += head.coded_size(b);
        }
        for_each_index(parallel_, blocks, [&](std::size_t b, std::size_t worker) {
            const auto from = static_cast<std::size_t>(head.first_of(b)) * head.geometry.width();
            const byte_span to = out.subspan(from, head.values_of(b) * head.geometry.width());
            starts_[b].outcome = decode_one(head, in, starts_[b].at, b, to, base, workers_[worker]);
        });
        for (const start& s : starts_)
            if (!s.outcome) return s.outcome.error();
        return out.size();
    }
    result<void> decode_one(const detail::tensor_head& head, byte_view in, std::uint64_t at,
                            std::uint64_t block, byte_span out, byte_view base,
                            typename Tier::worker& worker) const {
        const auto from = static_cast<std::size_t>(head.first_of(block)) * head.geometry.width();
        const byte_view other = head.has_base ? base.subspan(from, out.size()) : byte_view{};
        const byte_view coded =
            in.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(head.coded_size(block)));
        if (detail::tensor_block_check(coded, other, block) != head.check_of(block))
            return error{error_code::checksum_mismatch, at,
                         "a block of a tensor is damaged, or its base differs"};
        if (coded.size() == out.size()) {
            std::memcpy(out.data(), coded.data(), out.size());
            return {};
        }
        const result<void> done = tier_.decode_block(worker, head.first_of(block), coded, other, out);
        return done ? result<void>() : result<void>(done.error().shifted_by(at));
    }

    struct start {
        std::uint64_t at;
        result<void> outcome;
    };
    Parallel parallel_;
    Tier tier_;
    std::vector<typename Tier::worker> workers_;
    std::vector<std::uint8_t> side_;
    std::vector<start> starts_;
};

}  // namespace pith::inline v1::codec
