// The transform of text for strong models: line ends, capitals and words, each only where it pays.
// Own composition of line_wrap and words; nothing is assumed of the language, and UTF-8 stays as it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/transform/line_wrap.hpp>
#include <pith/transform/word_dictionary.hpp>
#include <pith/transform/words.hpp>

namespace pith::inline v1::transform {

struct text_options {
    std::size_t most_bytes = std::size_t{1} << 26;  ///< longer blocks are stored
    std::size_t words_from = std::size_t{1} << 18;  ///< shorter blocks get no dictionary, which would not pay
    std::size_t ones = 60;                          ///< words with a code of one byte, at most
    std::uint32_t least_saving = 400;               ///< bytes that a word's codes save, at least
};

/// A byte_transform. Written form: a byte of flags (1: "\n" stands for "\r\n"; 2: lines are unwrapped; 4:
/// words are replaced), then what the parts need, the dictionary, the text. Flags 0: the block itself. Memory
/// is taken at construction: most_bytes of address space, of which a block touches as much as it has bytes,
/// and 6 MB for words. Exact.
template <text_options Options = text_options{}>
class text {
  public:
    static constexpr std::uint64_t memory = Options.most_bytes + (std::uint64_t{6} << 20);

    text() = default;
    /// Nothing is carried from one block to the next: a copy is a new object.
    text(const text&) : text() {}
    text& operator=(const text&) noexcept { return *this; }
    text(text&&) noexcept = default;
    text& operator=(text&&) noexcept = default;
    ~text() = default;

    [[nodiscard]] static constexpr std::size_t max_size(std::size_t n) noexcept { return n + 1; }

    /// Bytes written, at most max_size(in.size()), or output_too_small.
    result<std::size_t> forward_into(byte_view in, byte_span out) noexcept {
        if (in.size() <= Options.most_bytes) {
            span_sink sink(out.size() < in.size() ? out : out.first(in.size()));
            if (rewrite(in, sink) && !sink.overflowed()) return sink.size();
        }
        span_sink stored(out);
        stored.put(0);
        stored.append(in);
        return stored.written();
    }

    /// Bytes written, or truncated, bad_header, bad_model, bad_stream for damaged bytes, output_too_small, or
    /// unsupported_parameter for a block of more than most_bytes.
    result<std::size_t> inverse_into(byte_view in, byte_span out) noexcept {
        byte_reader reader(in);
        const result<std::uint8_t> flags = reader.read_le<std::uint8_t>();
        if (!flags) return flags.error();
        if (*flags > (plain_ends | unwrapped | coded))
            return error{error_code::bad_header, 0, "flags of no text transform"};
        result<std::size_t> size = restore(reader, *flags, out);
        if (!size || (*flags & plain_ends) == 0) return size;
        return with_returns(out, *size);
    }

    /// The two bytes that mark capitals in what forward_into wrote; "\n" where it has no words.
    [[nodiscard]] static std::array<std::uint8_t, 2> marks(byte_view written) noexcept {
        if (written.empty() || (written[0] & coded) == 0) return {'\n', '\n'};
        const std::size_t at = (written[0] & unwrapped) != 0 ? 3 : 1;
        if (written.size() < at + 2) return {'\n', '\n'};
        return {written[at], written[at + 1]};
    }

  private:
    static constexpr std::uint8_t plain_ends = 1;
    static constexpr std::uint8_t unwrapped = 2;
    static constexpr std::uint8_t coded = 4;

    // False where nothing pays.
    bool rewrite(byte_view in, span_sink& sink) noexcept {
        std::size_t size = without_returns(in);
        const bool returns = size != in.size();
        line_wrap wrap;
        wrap.width = line_wrap::best_width({scratch_.data(), size});
        const free_bytes free({scratch_.data(), size});
        const bool wraps = wrap.width != 0 && free.size() != 0;
        if (wraps) {
            wrap.keep = free[0];
            size = wrap.forward({scratch_.data(), size});
        }
        const byte_view plain(scratch_.data(), size);
        word_alphabet alphabet;
        const bool codes = size >= Options.words_from && choose_words(plain, free, wraps ? 1U : 0U, alphabet);
        if (!returns && !wraps && !codes) return false;
        sink.put(static_cast<std::uint8_t>((returns ? plain_ends : 0) | (wraps ? unwrapped : 0) |
                                           (codes ? coded : 0)));
        if (wraps) {
            sink.put(wrap.width);
            sink.put(wrap.keep);
        }
        if (!codes) {
            sink.append(plain);
            return true;
        }
        alphabet.write(sink);
        word_list::write(sink, counter_);
        encode_words(plain, counter_, alphabet, sink);
        return true;
    }
    bool choose_words(byte_view plain, const free_bytes& free, std::size_t taken,
                      word_alphabet& alphabet) noexcept {
        if (free.size() < taken + 8) return false;
        const std::size_t codes = free.size() - taken - 2;
        const std::size_t ones = Options.ones < codes / 2 ? Options.ones : codes / 2;
        const std::size_t leads = codes - ones;
        const std::size_t twos = leads * codes_per_lead < word_list::most_words - ones
                                     ? leads * codes_per_lead
                                     : word_list::most_words - ones;
        counter_.count(plain);
        const std::size_t chosen = counter_.choose(ones, twos, Options.least_saving);
        const std::size_t used = (chosen - counter_.ones() + codes_per_lead - 1) / codes_per_lead;
        alphabet.assign(free, taken, counter_.ones(), used);
        return chosen != 0;
    }
    // Copies `in` to the scratch buffer, without the returns if every line ends with one.
    std::size_t without_returns(byte_view in) noexcept {
        std::size_t ends = 0;
        std::size_t pairs = 0;
        for (std::size_t i = 0; i < in.size(); ++i) {
            if (in[i] != '\n') continue;
            ++ends;
            pairs += i != 0 && in[i - 1] == '\r' ? 1U : 0U;
        }
        std::size_t size = 0;
        for (std::size_t i = 0; i < in.size(); ++i)
            if (ends != pairs || in[i] != '\r' || i + 1 == in.size() || in[i + 1] != '\n')
                scratch_[size++] = in[i];
        return size;
    }

    // Everything but the returns.
    result<std::size_t> restore(byte_reader& reader, std::uint8_t flags, byte_span out) noexcept {
        line_wrap wrap;
        if ((flags & unwrapped) != 0) {
            const result<byte_view> two = reader.read_bytes(2);
            if (!two) return two.error();
            wrap = {(*two)[0], (*two)[1]};
            if (wrap.width == 0 || wrap.width > line_wrap::widest || !may_be_code(wrap.keep))
                return reader.fail(error_code::bad_header, "a width that no encoder chooses");
        }
        if ((flags & coded) == 0) return wrap.inverse(reader.rest(), out);
        if (wrap.width == 0) return restore_words(reader, out);
        // Wrapping makes nothing shorter, so what does not fit here would not fit there.
        const result<std::size_t> size = restore_words(
            reader, {scratch_.data(), out.size() < scratch_.size() ? out.size() : scratch_.size()});
        if (!size) {
            const bool ours =
                size.error().code == error_code::output_too_small && out.size() > scratch_.size();
            return ours ? error{error_code::unsupported_parameter, 0, "a text longer than most_bytes"}
                        : size.error();
        }
        return wrap.inverse({scratch_.data(), *size}, out);
    }
    result<std::size_t> restore_words(byte_reader& reader, byte_span out) noexcept {
        word_alphabet alphabet;
        if (const result<void> read = alphabet.read(reader); !read) return read.error();
        if (const result<void> read = words_.read(reader); !read) return read.error();
        if (words_.ones() != alphabet.ones ||
            (words_.twos() + codes_per_lead - 1) / codes_per_lead != alphabet.leads)
            return reader.fail(error_code::bad_model, "more or fewer words than codes");
        span_sink sink(out);
        if (const result<void> done = decode_words(reader, words_, alphabet, sink); !done)
            return done.error();
        return sink.written();
    }
    // Puts a return before each of the line ends in the first `size` bytes of `out`, from the last to the
    // first.
    static result<std::size_t> with_returns(byte_span out, std::size_t size) noexcept {
        std::size_t ends = 0;
        for (std::size_t i = 0; i < size; ++i) ends += out[i] == '\n' ? 1U : 0U;
        if (ends == 0) return error{error_code::bad_stream, 0, "no line to end with a return"};
        if (ends > out.size() - size)
            return error{error_code::output_too_small, out.size(), "the destination is too small"};
        std::size_t to = size + ends;
        for (std::size_t i = size; i-- > 0;) {
            out[--to] = out[i];
            if (out[to] == '\n') out[--to] = '\r';
        }
        return size + ends;
    }

    table<std::uint8_t> scratch_ = table<std::uint8_t>::unset(Options.most_bytes);
    word_counter counter_;
    word_list words_;
};

}  // namespace pith::inline v1::transform
