// Block coder for logs: templates of lines, and the words in which lines differ column by column, under any
// block coder. The system of Logzip (Liu, Zhu, He, He, Zheng, Lyu, 2019), with words split further and the
// choice of the plain coder where that is smaller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include <pith/codec/log_cells.hpp>
#include <pith/codec/log_columns.hpp>
#include <pith/codec/log_templates.hpp>
#include <pith/container/concepts.hpp>
#include <pith/container/recipe.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/plain_block.hpp>

namespace pith::inline v1::codec {

/// Where the lines of a block went. For reports.
struct log_report {
    std::size_t lines = 0;
    std::size_t alone = 0;  ///< lines without a template
    std::size_t templates = 0;
    std::size_t head = 0;  ///< words of the head in the last chunk
    std::array<std::size_t, detail::log_streams> coded{};
};

/// A block_coder for any bytes; logs are what it is made for. First byte of a block: 0 stored, 1 a run, 2
/// coded as logs in chunks of 4 MB that know nothing of each other, 3 coded by Coder as it is: whatever is
/// smallest. Memory: 237 MB of address space, of which a block touches about 30 bytes a byte, and Coder's.
/// Exact if Coder is.
template <entropy::block_coder Coder>
requires(std::is_default_constructible_v<Coder>&& Coder::recipe < 0x100) class logs {
    static constexpr std::size_t chunk_size = log_templates::most_bytes;
    static constexpr std::size_t room = chunk_size + chunk_size / 16 + 64;  // of a stream
    static constexpr std::uint8_t as_logs = 2;
    static constexpr std::uint8_t as_is = 3;
    using sinks = std::array<span_sink, detail::log_streams>;
    using readers = std::array<byte_reader, detail::log_streams>;
    /// A template as the decoder knows it.
    struct shape {
        std::uint32_t at;
        std::uint32_t size;
        std::uint32_t wild;  // words in columns of its own, those of the head not counted
        std::uint32_t uses;
        std::uint32_t cells;  // its columns begin here, one behind the other
        std::uint32_t next;   // line in these columns
    };

  public:
    static constexpr std::uint32_t recipe = 0x7000 + Coder::recipe;
    static constexpr const char* name = "logs";
    static constexpr std::size_t memory = log_templates::memory + log_column_writer::memory +
                                          log_cells::memory(log_templates::most_words, room) +
                                          detail::log_streams * room + log_templates::most_lines * 4 +
                                          log_templates::most_templates * sizeof(shape) +
                                          container::codec_memory<Coder>();

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Bytes written, or output_too_small.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        report_ = {};
        if (in.empty()) return std::size_t{0};
        if (!entropy::is_run(in)) {
            const byte_span most = out.first(out.size() < in.size() ? out.size() : in.size());
            const std::size_t plain = encode_as_is(in, most);
            const std::size_t coded = encode_as_logs(in, plain == 0 ? most : most.first(plain - 1));
            if (coded != 0) return coded;
            if (plain != 0) return encode_as_is(in, most);
        }
        return entropy::encode_plain_block(in, out);
    }

    /// out.size(), or what is wrong with the block.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (out.empty() || in.empty() || (in[0] != as_logs && in[0] != as_is))
            return entropy::decode_plain_block(in, out);
        if (in.size() > out.size())
            return error{error_code::bad_stream, 0, "a block that is longer coded than stored"};
        byte_reader reader(in.subspan(1));
        if (in[0] == as_is) {
            const auto done = coder_.decode_into(in.subspan(1), out);
            if (!done) return done.error().shifted_by(1);
        } else {
            for (std::size_t at = 0; at < out.size(); at += chunk_size) {
                const auto done = decode_chunk(
                    reader, out.subspan(at, out.size() - at < chunk_size ? out.size() - at : chunk_size));
                if (!done) return done.error().shifted_by(1);
            }
            if (reader.remaining() != 0)
                return reader.fail(error_code::trailing_data, "bytes follow the block").shifted_by(1);
        }
        if (entropy::is_run(out)) return error{error_code::bad_stream, 1, "a run was coded"};
        return out.size();
    }

    /// What the last call of encode_into made of its block.
    [[nodiscard]] const log_report& report() const noexcept { return report_; }

  private:
    /// Bytes written; 0 if it does not fit.
    [[nodiscard]] std::size_t encode_as_is(byte_view in, byte_span out) noexcept {
        if (out.empty()) return 0;
        out[0] = as_is;
        const auto size = coder_.encode_into(in, out.subspan(1));
        return size ? 1 + *size : 0;
    }
    [[nodiscard]] std::size_t encode_as_logs(byte_view in, byte_span out) noexcept {
        span_sink sink(out);
        sink.put(as_logs);
        for (std::size_t at = 0; at < in.size(); at += chunk_size)
            if (sink.overflowed() ||
                !encode_chunk(in.subspan(at, in.size() - at < chunk_size ? in.size() - at : chunk_size), out,
                              sink))
                return 0;
        return sink.overflowed() ? 0 : sink.size();
    }
    [[nodiscard]] bool encode_chunk(byte_view in, byte_span out, span_sink& sink) noexcept {
        if (!templates_.cut(in)) return false;
        templates_.cluster_lines();
        sinks to = [this]<std::size_t... I>(std::index_sequence<I...>) {
            return sinks{span_sink(stream(I))...};
        }
        (std::make_index_sequence<detail::log_streams>{});
        put_lines(in, to);
        put_templates(in, to);
        put_columns(to);
        put_varint(sink, templates_.lines().size());
        put_varint(sink, templates_.templates().size());
        put_varint(sink, templates_.headed_templates());
        put_varint(sink, templates_.head());
        report_.lines += templates_.lines().size();
        report_.templates += templates_.templates().size();
        report_.head = templates_.head();
        for (std::size_t s = 0; s < detail::log_streams; ++s) {
            const std::size_t start = sink.size();
            if (to[s].overflowed() || !put_stream(byte_view(stream(s)).first(to[s].size()), out, sink))
                return false;
            report_.coded[s] += sink.size() - start;
        }
        return true;
    }
    [[nodiscard]] byte_span stream(std::size_t s) noexcept { return {streams_.data() + s * room, room}; }
    [[nodiscard]] bool put_stream(byte_view in, byte_span out, span_sink& sink) noexcept {
        put_varint(sink, in.size());
        if (in.empty()) return true;
        const std::size_t start = sink.size();
        put_le<std::uint32_t>(sink, 0);
        if (sink.overflowed()) return false;
        const auto size = coder_.encode_into(in, out.subspan(sink.size()));
        if (!size) return false;
        store_le<std::uint32_t>(out.data() + start, static_cast<std::uint32_t>(*size));
        for (std::size_t i = 0; i < *size; ++i) sink.put(out[start + 4 + i]);  // in their place already
        return true;
    }
    /// For each line its template, 0 for none, and the lines that have none.
    void put_lines(byte_view in, sinks& to) noexcept {
        for (const log_line& line : templates_.lines()) {
            const bool alone = line.chosen == log_templates::none;
            detail::put_log_number(to[detail::log_ids], to[detail::log_tails],
                                   alone ? 0 : std::uint64_t{line.chosen} + 1);
            if (!alone) continue;
            to[detail::log_alone].append(in.subspan(line.at, line.size));
            to[detail::log_alone].put('\n');
            ++report_.alone;
        }
    }
    /// Each with a zero for each wild word.
    void put_templates(byte_view in, sinks& to) noexcept {
        for (const log_template& shown : templates_.templates()) {
            const log_line& line = templates_.lines()[shown.line];
            std::size_t at = line.at;
            for (std::size_t i = line.first; i < line.first + line.words; ++i) {
                if (!templates_.is_wild(i)) continue;
                const log_word& word = templates_.word(i);
                to[detail::log_shapes].append(in.subspan(at, word.at - at));
                to[detail::log_shapes].put(0);
                at = word.at + word.size;
            }
            to[detail::log_shapes].append(in.subspan(at, line.at + line.size - at));
            to[detail::log_shapes].put('\n');
        }
    }
    /// The head's columns over all lines that have one, then those of each template.
    void put_columns(sinks& to) noexcept {
        columns_.reset(templates_.distinct());
        const auto lines = templates_.lines();
        const std::size_t headed = templates_.headed_templates();
        std::size_t count = 0;
        for (std::size_t n = 0; n < lines.size(); ++n)
            if (lines[n].chosen < headed) order_[count++] = static_cast<std::uint32_t>(n);
        for (std::size_t w = 0; w < templates_.head(); ++w) put_column(count, w, to);
        std::size_t start = 0;
        for (std::size_t t = 0; t < templates_.templates().size(); ++t) {
            shapes_[t].next = static_cast<std::uint32_t>(start);
            start += templates_.templates()[t].uses;
        }
        for (std::size_t n = 0; n < lines.size(); ++n)
            if (lines[n].chosen != log_templates::none)
                order_[shapes_[lines[n].chosen].next++] = static_cast<std::uint32_t>(n);
        start = 0;
        for (std::size_t t = 0; t < templates_.templates().size(); ++t) {
            const log_template& shown = templates_.templates()[t];
            const log_line& line = lines[shown.line];
            for (std::size_t w = t < headed ? templates_.head() : 0; w < line.words; ++w)
                if (templates_.is_wild(line.first + w)) put_column(shown.uses, w, to, start);
            start += shown.uses;
        }
    }
    void put_column(std::size_t count, std::size_t w, sinks& to, std::size_t start = 0) noexcept {
        columns_.put(count, std::span<span_sink>(to), [&](std::size_t i) {
            const std::size_t number = templates_.lines()[order_[start + i]].first + w;
            return log_column_writer::word{templates_.text(number), templates_.word(number).id};
        });
    }

    /// What a chunk states of itself.
    struct chunk_header {
        std::uint64_t lines, templates, headed, head;
    };
    [[nodiscard]] static result<chunk_header> get_header(byte_reader& reader, std::size_t size) noexcept {
        std::uint64_t v[4];
        const auto done = reader.read_varints(v);
        if (!done) return done.error();
        const chunk_header h{v[0], v[1], v[2], v[3]};
        if (h.lines < 2 || h.lines > log_templates::most_lines || h.lines > size ||
            h.templates > log_templates::most_templates || h.templates > h.lines / 3 ||
            h.headed > h.templates || h.head > log_templates::most_head || (h.head == 0) != (h.headed == 0))
            return reader.fail(error_code::bad_header, "numbers of lines that no encoder writes");
        return h;
    }
    [[nodiscard]] result<void> decode_chunk(byte_reader& reader, byte_span out) noexcept {
        const auto header = get_header(reader, out.size());
        if (!header) return header.error();
        std::array<std::size_t, detail::log_streams> sizes{};
        for (std::size_t s = 0; s < detail::log_streams; ++s) {
            const auto done = get_stream(reader, stream(s), sizes[s]);
            if (!done) return done.error();
        }
        readers from = [&]<std::size_t... I>(std::index_sequence<I...>) {
            return readers{byte_reader(byte_view(stream(I)).first(sizes[I]))...};
        }
        (std::make_index_sequence<detail::log_streams>{});
        bool good = get_templates(*header, from) && get_lines(*header, from) && get_columns(*header, from) &&
                    join(*header, from, out);
        for (const byte_reader& r : from) good = good && r.remaining() == 0;
        if (!good) return reader.fail(error_code::bad_stream, "lines that no encoder writes");
        return {};
    }
    [[nodiscard]] result<void> get_stream(byte_reader& reader, byte_span to, std::size_t& size) noexcept {
        const auto raw = reader.read_varint();
        if (!raw) return raw.error();
        if (*raw > to.size()) return reader.fail(error_code::bad_header, "a part longer than its block");
        size = static_cast<std::size_t>(*raw);
        if (size == 0) return {};
        const auto coded = reader.template read_le<std::uint32_t>();
        if (!coded) return coded.error();
        const std::size_t base = reader.position();
        const auto payload = reader.read_bytes(*coded);
        if (!payload) return payload.error();
        const auto done = coder_.decode_into(*payload, to.first(size));
        if (!done) return done.error().shifted_by(base);
        return {};
    }
    [[nodiscard]] bool get_templates(const chunk_header& header, readers& from) noexcept {
        byte_reader& reader = from[detail::log_shapes];
        for (std::size_t t = 0; t < header.templates; ++t) {
            const byte_view rest = reader.rest();
            const std::size_t at = reader.position();
            std::size_t size = 0, wild = 0;
            for (; size < rest.size() && rest[size] != '\n'; ++size) wild += rest[size] == 0 ? 1U : 0U;
            const std::size_t own = t < header.headed ? static_cast<std::size_t>(header.head) : 0;
            if (size == rest.size() || wild < own || !reader.read_bytes(size + 1)) return false;
            shapes_[t] = {static_cast<std::uint32_t>(at),
                          static_cast<std::uint32_t>(size),
                          static_cast<std::uint32_t>(wild - own),
                          0,
                          0,
                          0};
        }
        return true;
    }
    [[nodiscard]] bool get_lines(const chunk_header& header, readers& from) noexcept {
        for (std::size_t n = 0; n < header.lines; ++n) {
            std::uint64_t id = 0;
            if (!detail::get_log_number(from[detail::log_ids], from[detail::log_tails], id) ||
                id > header.templates)
                return false;
            order_[n] = static_cast<std::uint32_t>(id);
            if (id != 0) ++shapes_[id - 1].uses;
        }
        return true;
    }
    [[nodiscard]] bool get_columns(const chunk_header& header, readers& from) noexcept {
        cells_.reset(from);
        std::size_t headed = 0;
        for (std::size_t t = 0; t < header.templates; ++t) {
            if (shapes_[t].uses == 0) return false;
            if (t < header.headed) headed += shapes_[t].uses;
        }
        for (std::size_t w = 0; w < header.head; ++w)
            if (!cells_.get(headed)) return false;
        for (std::size_t t = 0; t < header.templates; ++t) {
            shapes_[t].cells = static_cast<std::uint32_t>(cells_.size());
            for (std::size_t w = 0; w < shapes_[t].wild; ++w)
                if (!cells_.get(shapes_[t].uses)) return false;
        }
        return true;
    }

    /// A cursor over the chunk that is decoded.
    struct writer {
        byte_span out;
        std::size_t at = 0;
        [[nodiscard]] bool put(byte_view bytes) noexcept {
            if (out.size() - at < bytes.size()) return false;
            if (!bytes.empty()) std::memcpy(out.data() + at, bytes.data(), bytes.size());
            at += bytes.size();
            return true;
        }
    };
    /// All lines; true if they fill the chunk, the last one with or without its end.
    [[nodiscard]] bool join(const chunk_header& header, readers& from, byte_span out) noexcept {
        constexpr std::uint8_t end[] = {'\n'};
        writer to{out};
        std::size_t headed = 0;
        for (std::size_t n = 0; n < header.lines; ++n) {
            const std::size_t start = to.at;
            if (order_[n] == 0 ? !put_alone(from[detail::log_alone], to)
                               : !put_line(header, order_[n] - 1, headed, to))
                return false;
            const bool open = n + 1 == header.lines && to.at == out.size() && to.at != start;
            if (!open && !to.put(end)) return false;
        }
        return to.at == out.size();
    }
    [[nodiscard]] static bool put_alone(byte_reader& from, writer& to) noexcept {
        const byte_view rest = from.rest();
        const void* end = rest.empty() ? nullptr : std::memchr(rest.data(), '\n', rest.size());
        if (end == nullptr) return false;
        const auto size = static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - rest.data());
        return to.put(rest.first(size)) && from.read_bytes(size + 1).has_value();
    }
    [[nodiscard]] bool put_line(const chunk_header& header, std::size_t t, std::size_t& headed,
                                writer& to) noexcept {
        shape& s = shapes_[t];
        const auto head = t < header.headed ? static_cast<std::size_t>(header.head) : std::size_t{0};
        const byte_view text = byte_view(stream(detail::log_shapes)).subspan(s.at, s.size);
        std::size_t at = 0;
        for (std::size_t w = 0; w < head + s.wild; ++w) {
            std::size_t zero = at;
            while (text[zero] != 0) ++zero;
            const std::size_t cell =
                w < head ? w * headed_lines(header) + headed : s.cells + (w - head) * s.uses + s.next;
            if (!to.put(text.subspan(at, zero - at)) || !to.put(cells_.text(cell))) return false;
            at = zero + 1;
        }
        headed += t < header.headed ? 1U : 0U;
        ++s.next;
        return to.put(text.subspan(at));
    }
    /// The head's columns are in front of all others and of equal length.
    [[nodiscard]] std::size_t headed_lines(const chunk_header& header) const noexcept {
        return shapes_[0].cells / static_cast<std::size_t>(header.head);
    }

    Coder coder_;
    log_report report_;
    log_templates templates_;
    log_column_writer columns_;
    log_cells cells_ = log_cells(log_templates::most_words, room);
    table<std::uint32_t> order_ = table<std::uint32_t>::unset(log_templates::most_lines);
    table<shape> shapes_ = table<shape>::unset(log_templates::most_templates);
    table<std::uint8_t> streams_ = table<std::uint8_t>::unset(detail::log_streams * room);
};

}  // namespace pith::inline v1::codec
