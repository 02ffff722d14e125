// encode_stream: a frame from a source to an output, in constant memory and on any number of threads.
// The same bytes as encode_frame writes; FORMAT.md, parts 2 and 3.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include <pith/container/frame.hpp>
#include <pith/container/stream_parts.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/progress.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>

namespace pith::inline v1::container {
namespace detail {

template <block_codec Codec, class Source, class Output, class Progress>
class stream_encoder {
  public:
    stream_encoder(Source& source, Output& output, const frame_header& header, Progress& progress)
        : source_(source), output_(output), progress_(&progress), header_(header), ledger_(header) {
        const std::uint64_t most = header.content_size;  // one byte more, to see a source that gives too much
        block_room_ = most < header.block_size ? static_cast<std::size_t>(most) + 1 : header.block_size;
    }
    // header_bytes: the header as it is written.
    template <parallel_policy Policy>
    [[nodiscard]] result<stream_totals> run(byte_view header_bytes, const Codec& prototype,
                                            const Policy& policy) {
        std::size_t workers = policy.workers();
        if (header_.states_size() && header_.content_size / header_.block_size < workers)
            workers = static_cast<std::size_t>(header_.content_size / header_.block_size) + 1;  // one a block
        std::vector<stream_slot> slots(std::same_as<Policy, serial> ? 1 : workers + 1);
        for (stream_slot& s : slots) {
            s.raw.resize(block_room_);
            s.coded.resize(block_header::size + payload_room<Codec>(block_room_));
        }
        std::vector<Codec> codecs(workers, prototype);
        if (const auto ok = output_.write(header_bytes, 0); !ok) return ok.error();
        ordered_pipeline(
            policy, std::span<stream_slot>(slots), [&](stream_slot& s) { return produce(s); },
            [&](stream_slot& s, std::size_t worker) { work(s, codecs[worker]); },
            [&](stream_slot& s) { return consume(s); });
        return finish();
    }

  private:
    bool produce(stream_slot& s) {
        if (ended_) return false;
        s.failed = false;
        s.offset = source_.position();
        const result<std::size_t> n = source_.read(byte_span(s.raw.data(), block_room_));
        const bool is_known = header_.states_size();
        if (!n) {
            s.fail(n.error());
        } else if (is_known && source_.position() > header_.content_size) {
            s.fail({error_code::source_failed, header_.content_size,
                    "the source gave more bytes than announced"});
        } else if (*n < block_room_ && is_known && source_.position() < header_.content_size) {
            s.fail({error_code::source_failed, source_.position(),
                    "the source gave fewer bytes than announced"});
        } else if (*n == 0) {
            return false;
        }
        ended_ = s.failed || *n < block_room_;
        if (s.failed) return true;
        s.raw_size = *n;
        s.seed = header_.seed(planned_++);
        return true;
    }
    static void work(stream_slot& s, Codec& codec) noexcept {
        if (s.failed) return;
        const byte_span room = byte_span(s.coded).subspan(block_header::size);
        const result<block_header> header =
            encode_payload(codec, byte_view(s.raw.data(), s.raw_size), s.seed, room);
        if (!header) return s.fail(header.error().shifted_by(s.offset));
        s.header = *header;
        s.header.write(s.coded.data());
    }
    bool consume(stream_slot& s) {
        if (s.failed) return stop(s.why);
        const std::size_t size = block_header::size + (s.header.stored() ? 0 : s.header.payload_size());
        result<void> ok = output_.write(byte_view(s.coded.data(), size), s.offset);
        if (ok && s.header.stored()) ok = output_.write(byte_view(s.raw.data(), s.raw_size), s.offset);
        if (!ok) return stop(ok.error());
        ledger_.add(s.header);
        return (*progress_)({ledger_.total(), header_.content_size}) ||
               stop(stop_asked.shifted_by(ledger_.total()));
    }
    bool stop(const error& e) {
        outcome_ = e;
        return false;
    }
    [[nodiscard]] result<stream_totals> finish() {
        if (!outcome_) return outcome_.error();
        std::uint8_t raw[end_mark::size];
        const end_mark end = ledger_.end();
        end.write(raw);
        if (const auto ok = output_.write(raw, ledger_.total()); !ok) return ok.error();
        return stream_totals{end.total, output_.position(), ledger_.blocks(), end.digest};
    }

    counted_source<Source> source_;
    counted_output<Output> output_;
    Progress* progress_;
    frame_header header_;
    block_ledger ledger_;        // of blocks written
    std::uint64_t planned_ = 0;  // blocks read
    std::size_t block_room_ = 0;
    bool ended_ = false;
    result<void> outcome_;
};

}  // namespace detail

/// Writes what the source gives as one frame. Memory: workers + 1 blocks, raw and coded, whatever the length.
/// The bytes depend on the content, the codec and the options alone, not on the policy. `prototype` is cloned
/// for each worker. Errors: of source, output and codec; unsupported_parameter; cancelled; source_failed when
/// the source does not give options.content_size bytes. Offsets count bytes of content.
template <block_codec Codec, byte_source Source, byte_output Output, parallel_policy Policy = serial,
          progress_callback Progress = no_progress>
[[nodiscard]] result<stream_totals> encode_stream(Source&& source, Output&& output, const Codec& prototype,
                                                  const frame_options& options = {},
                                                  const Policy& policy = {}, Progress&& progress = {}) {
    result<frame_header> header = make_header(Codec::recipe, options);
    if (!header) return header.error();
    std::uint8_t raw[frame_header::max_size];
    header->write(raw);
    detail::stream_encoder<Codec, std::remove_reference_t<Source>, std::remove_reference_t<Output>,
                           std::remove_reference_t<Progress>>
        encoder(source, output, *header, progress);
    return encoder.run(byte_view(raw, header->size()), prototype, policy);
}

}  // namespace pith::inline v1::container
