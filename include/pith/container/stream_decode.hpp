// decode_stream: the content of a frame from a source to an output, in constant memory and on any number of
// threads. Bytes reach the output only after their checksum was found right; FORMAT.md, parts 2 and 3.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <pith/container/frame.hpp>
#include <pith/container/recipe.hpp>
#include <pith/container/stream_parts.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/progress.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>

namespace pith::inline v1::container {
namespace detail {

template <block_codec Codec, byte_source Source, byte_output Output, class Progress>
class stream_decoder {
  public:
    stream_decoder(counted_source<Source>& source, Output& output, const frame_header& header,
                   const limits& bound, Progress& progress)
        : source_(&source),
          output_(output),
          progress_(&progress),
          header_(header),
          bound_(bound),
          ledger_(header) {}

    template <parallel_policy Policy>
    [[nodiscard]] result<stream_totals> run(const Policy& policy) {
        const result<std::size_t> count = plan_slots(std::same_as<Policy, serial> ? 0 : policy.workers());
        if (!count) return count.error();
        workers_ = *count > 1 ? *count - 1 : 1;
        std::vector<stream_slot> slots(*count);
        ordered_pipeline(
            policy, std::span<stream_slot>(slots), [&](stream_slot& s) { return produce(s); },
            [&](stream_slot& s, std::size_t worker) { work(s, worker); },
            [&](stream_slot& s) { return consume(s); });
        if (!outcome_) return outcome_.error();
        return stream_totals{ledger_.total(), source_->position(), ledger_.blocks(), ledger_.end().digest};
    }

  private:
    // As many slots as threads can use and the limits allow; fewer mean less speed, never another result.
    [[nodiscard]] result<std::size_t> plan_slots(std::size_t threads) const noexcept {
        if (header_.states_size()) {
            const std::uint64_t blocks = header_.content_size / header_.block_size + 1;
            if (blocks < threads) threads = static_cast<std::size_t>(blocks);
        }
        constexpr std::uint64_t memory = codec_memory<Codec>();
        while (threads > 0 && decode_memory(header_, memory, threads, threads + 1) > bound_.max_memory)
            --threads;
        if (threads == 0 && decode_memory(header_, memory, 1, 1) > bound_.max_memory)
            return error{error_code::limit_exceeded, 6, "decoding needs more memory than the limits allow"};
        return threads + 1;
    }
    bool produce(stream_slot& s) {
        if (ended_) return false;
        s.failed = false;
        const result<bool> more = read_block(s);
        if (!more) s.fail(more.error());
        ended_ = !more || !*more;
        return s.failed || !ended_;
    }
    // The next block into a slot; false at the end of the frame.
    [[nodiscard]] result<bool> read_block(stream_slot& s) {
        constexpr const char* cut = "the input ends where a block or the end mark must stand";
        const std::uint64_t start = source_->position();
        std::uint8_t raw[end_mark::size];
        if (const auto ok = source_->fill(byte_span(raw, 4), cut); !ok) return ok.error();
        const bool last = load_le<std::uint32_t>(raw) == 0;
        const std::size_t size = last ? end_mark::size : block_header::size;
        if (const auto ok = source_->fill(byte_span(raw + 4, size - 4), cut); !ok) return ok.error();
        if (last) return finish(end_mark::read(raw), start);
        s.header = block_header::read(raw);
        if (const auto ok = ledger_.admit(s.header, bound_, start); !ok) return ok.error();
        s.offset = source_->position();
        s.seed = ledger_.seed();
        ledger_.add(s.header);
        if (const auto ok = read_payload(s.header.stored() ? s.raw : s.coded, s.header.payload_size()); !ok)
            return ok.error();
        if (!s.header.stored()) prepare(s);
        return true;
    }
    [[nodiscard]] result<bool> finish(const end_mark& end, std::uint64_t start) {
        if (const auto ok = ledger_.close(end, start); !ok) return ok.error();
        std::uint8_t extra;
        const std::uint64_t place = source_->position();
        const result<std::size_t> n = source_->read(byte_span(&extra, 1));
        if (!n) return n.error();
        if (*n != 0) return error{error_code::trailing_data, place, "bytes follow the end of the frame"};
        return false;
    }
    // Memory grows with what has arrived, at most to twice of it: a header alone takes 64 KiB.
    [[nodiscard]] result<void> read_payload(buffer& b, std::size_t size) {
        constexpr std::size_t first = std::size_t{1} << 16;
        for (std::size_t got = 0; got < size;) {
            std::size_t target = 2 * got < first ? first : 2 * got;
            target = target < b.size() ? b.size() : target;
            target = target < size ? target : size;
            if (b.size() < target) {
                if (got == 0) b = buffer();  // nothing to carry over, so never two at once
                b.resize(got);
                b.reserve(target);
                b.resize(target);
            }
            const auto ok =
                source_->fill(byte_span(b.data() + got, target - got), "the input ends inside a block");
            if (!ok) return ok;
            got = target;
        }
        return {};
    }
    // The payload has arrived: now there is reason for memory to decode it.
    void prepare(stream_slot& s) {
        if (s.raw.size() < s.header.decoded) {
            s.raw = buffer();
            s.raw.resize(s.header.decoded);
        }
        if (codecs_.empty()) codecs_ = std::vector<Codec>(workers_);
    }
    void work(stream_slot& s, std::size_t worker) noexcept {
        if (s.failed) return;
        const byte_span out(s.raw.data(), s.header.decoded);
        const result<void> ok =
            s.header.stored()
                ? check_block(s.header, out, s.seed)
                : decode_payload(codecs_[worker], s.header,
                                 byte_view(s.coded.data(), s.header.payload_size()), s.seed, out);
        if (!ok) s.fail(ok.error().shifted_by(s.offset));
    }
    bool consume(stream_slot& s) {
        if (s.failed) return stop(s.why);
        const auto ok = output_.write(byte_view(s.raw.data(), s.header.decoded), s.offset);
        if (!ok) return stop(ok.error());
        return (*progress_)({output_.position(), header_.content_size}) ||
               stop(stop_asked.shifted_by(s.offset));
    }
    bool stop(const error& e) {
        outcome_ = e;
        return false;
    }

    counted_source<Source>* source_;
    counted_output<Output> output_;
    Progress* progress_;
    frame_header header_;
    limits bound_;
    block_ledger ledger_;  // of blocks read
    std::vector<Codec> codecs_;
    std::size_t workers_ = 1;
    bool ended_ = false;
    result<void> outcome_;
};

template <byte_source Source>
[[nodiscard]] result<frame_header> read_header(counted_source<Source>& source) {
    std::uint8_t raw[frame_header::max_size];
    result<std::size_t> n = source.read(byte_span(raw, frame_header::min_size));
    if (!n) return n.error();
    std::size_t size = *n;
    if (size == frame_header::min_size && frame_header::size_of(raw) > size) {
        n = source.read(byte_span(raw + size, frame_header::size_of(raw) - size));
        if (!n) return n.error();
        size += *n;
    }
    return frame_header::parse(byte_view(raw, size));
}

}  // namespace detail

/// Writes the content of a frame, whose recipe must be in the list, to the output; e.g.
/// decode_stream<recipe_list<A, B>>(source, output). Memory: see decode_memory, never above bound.max_memory.
/// The result, good or bad, does not depend on the policy, and blocks before a damaged one have been written.
/// Offsets of errors count bytes of the frame.
template <class Recipes, byte_source Source, byte_output Output, parallel_policy Policy = serial,
          progress_callback Progress = no_progress>
[[nodiscard]] result<stream_totals> decode_stream(Source&& source, Output&& output, const limits& bound = {},
                                                  const Policy& policy = {}, Progress&& progress = {}) {
    using source_type = std::remove_reference_t<Source>;
    detail::counted_source<source_type> counted(source);
    const result<frame_header> header = detail::read_header(counted);
    if (!header) return header.error();
    return Recipes::visit(header->recipe, 8, [&]<class Codec>() -> result<stream_totals> {
        detail::stream_decoder<Codec, source_type, std::remove_reference_t<Output>,
                               std::remove_reference_t<Progress>>
            decoder(counted, output, *header, bound, progress);
        return decoder.run(policy);
    });
}

/// Decodes a frame without keeping its content: success when it is whole.
template <class Recipes, byte_source Source, parallel_policy Policy = serial,
          progress_callback Progress = no_progress>
[[nodiscard]] result<stream_totals> verify_stream(Source&& source, const limits& bound = {},
                                                  const Policy& policy = {}, Progress&& progress = {}) {
    return decode_stream<Recipes>(source, discard_output{}, bound, policy, progress);
}

}  // namespace pith::inline v1::container
