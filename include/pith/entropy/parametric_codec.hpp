// Coding of integers each under its own parametric model: through any queue coder, and as whole blocks fast.
// Exp-Golomb escapes after J. Teuhola (1978); the rest is ours.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/rans_intervals.hpp>

namespace pith::inline v1::entropy {

namespace detail {

/// Symbols' distances outside a window fit in 33 bits, so a prefix of 1 bits is never longer than this.
inline constexpr unsigned max_escape_prefix = 34;

/// Exp-Golomb code of order k: with v = distance + 2^k, as many ones as v has bits more than k + 1, a zero,
/// then v below its leading one, highest bit first. `bit(b)` takes each bit.
template <class Bit>
inline void write_escape(std::uint64_t distance, unsigned k, Bit&& bit) {
    const std::uint64_t v = distance + (std::uint64_t{1} << k);
    const unsigned below = static_cast<unsigned>(std::bit_width(v)) - 1;
    for (unsigned i = k; i < below; ++i) bit(true);
    bit(false);
    for (unsigned i = below; i-- > 0;) bit(((v >> i) & 1) != 0);
}

/// The distance that write_escape wrote, or ~0 for what it cannot have written. `bit()` gives each bit.
template <class Bit>
[[nodiscard]] inline std::uint64_t read_escape(unsigned k, Bit&& bit) {
    unsigned below = k;
    while (bit())
        if (++below > max_escape_prefix) return ~std::uint64_t{0};
    std::uint64_t v = 1;
    for (unsigned i = 0; i < below; ++i) v = v * 2 + (bit() ? 1 : 0);
    return v - (std::uint64_t{1} << k);
}

/// How far `symbol` lies outside the window; precondition: it does.
template <class Model>
[[nodiscard]] inline std::uint64_t escape_distance(const Model& model, std::int32_t symbol) noexcept {
    const std::int64_t d = symbol < model.first() ? std::int64_t{model.first()} - 1 - symbol
                                                  : std::int64_t{symbol} - 1 - model.last();
    return static_cast<std::uint64_t>(d);
}

template <class Model>
[[nodiscard]] inline bool escapes(const Model& model, std::int32_t symbol) noexcept {
    return symbol < model.first() || symbol > model.last();
}

/// Turns the name of an escape interval and a distance into the symbol; false when it is not an int32.
[[nodiscard]] inline bool escaped_symbol(bool below, std::uint64_t distance, std::int32_t& symbol) noexcept {
    if (distance > 0xFFFF'FFFFU) return false;
    const std::int64_t d = static_cast<std::int64_t>(distance);
    const std::int64_t value = below ? symbol - d : symbol + d;
    symbol = static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(value)));
    return symbol == value;
}

}  // namespace detail

/// Puts one symbol, any int32, into a queue coder: its interval, and for escapes the distance in bits of
/// probability 1/2.
template <interval_encoder Coder, class Model>
requires queue_coder<Coder> && encoder_model<Model>
inline void put_parametric(Coder& coder, const Model& model, std::int32_t symbol) {
    coder.template put<Model::precision>(model.interval_of(symbol));
    if (detail::escapes(model, symbol))
        detail::write_escape(detail::escape_distance(model, symbol), model.escape_order(), [&](bool b) {
            coder.template put<1>({b ? 1U : 0U, 1});
        });
}

/// The next symbol out of a queue coder, or bad_stream.
template <interval_decoder Coder, class Model>
requires queue_coder<Coder> && decoder_model<Model>
[[nodiscard]] inline result<std::int32_t> get_parametric(Coder& coder, const Model& model) {
    const located<std::int32_t> found = model.at(coder.template slot<Model::precision>());
    coder.template remove<Model::precision>(found.where);
    std::int32_t symbol = found.symbol;
    if (detail::escapes(model, symbol)) {
        const std::uint64_t distance = detail::read_escape(model.escape_order(), [&] {
            const std::uint32_t b = coder.template slot<1>();
            coder.template remove<1>({b, 1});
            return b != 0;
        });
        if (!detail::escaped_symbol(symbol < model.first(), distance, symbol))
            return error{error_code::bad_stream, 0, "an escaped symbol is out of range"};
    }
    return symbol;
}

/// Blocks of int32 symbols, each with its own parameters, over `Lanes` interleaved rANS states.
/// Stream: the byte length of the escape bits (varint), these bits (escapes in symbol order, lowest bit of a
/// byte first, zero padding), the states from lane 0 on (8 bytes each), the 32-bit words. No symbols: no
/// bytes. Neither direction allocates. Exact: same bytes everywhere.
template <conditional_model Models, unsigned Lanes = 4>
class parametric_codec {
  public:
    using parameters = typename Models::parameters;
    using model = typename Models::model;

    /// `models` must outlive the codec.
    explicit parametric_codec(const Models& models) noexcept : models_(&models) {}

    /// 12 bytes a symbol: at most 16 bits for its interval and 68 for its escape; and what every stream has.
    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : 12 * n + 8 * Lanes + 16;
    }
    /// Bytes written to the front of `out` (which is used as work space as a whole), or output_too_small;
    /// max_encoded_size(n) bytes always suffice. Precondition: as many parameters as symbols.
    [[nodiscard]] result<std::size_t> encode_into(std::span<const std::int32_t> symbols,
                                                  std::span<const parameters> given,
                                                  byte_span out) const noexcept {
        PITH_ASSERT(symbols.size() == given.size());
        if (symbols.empty()) return std::size_t{0};
        span_sink sink(out);
        const std::size_t escaped = count_escape_bytes(symbols, given);
        put_varint(sink, escaped);
        write_escapes(symbols, given, sink);
        if (sink.overflowed()) return sink.written();
        rans_lane_writer<Lanes> writer(out.subspan(sink.size()));
        for (std::size_t i = symbols.size(); i-- > 0;)
            writer.template push<model::precision>(i % Lanes,
                                                   models_->given(given[i]).interval_of(symbols[i]));
        result<byte_view> words = writer.finish();
        if (!words) return words.error();
        std::memmove(out.data() + sink.size(), words->data(), words->size());
        return sink.size() + words->size();
    }
    /// Fills `symbols` from the whole of `in`, or gives an error; symbols are then unspecified.
    /// Precondition: as many parameters as symbols, the same as the encoder's.
    [[nodiscard]] result<void> decode_into(byte_view in, std::span<const parameters> given,
                                           std::span<std::int32_t> symbols) const noexcept {
        PITH_ASSERT(symbols.size() == given.size());
        if (symbols.empty()) {
            if (!in.empty()) return error{error_code::trailing_data, 0, "bytes where no symbols are"};
            return {};
        }
        byte_reader header(in);
        result<std::uint64_t> length = header.read_varint();
        if (!length) return length.error();
        result<byte_view> escaped = header.read_bytes(*length);
        if (!escaped) return escaped.error();
        bit_reader bits(*escaped);
        rans_lane_reader<Lanes> reader(header.rest());
        bool sound = true;
        const auto find = [&, models = models_, from = given.data(), to = symbols.data() ](
            std::size_t i, std::uint32_t slot) __attribute__((always_inline)) {
            const model m = models->given(from[i]);
            const located<std::int32_t> found = m.at(slot);
            to[i] = found.symbol;
            if (detail::escapes(m, found.symbol)) [[unlikely]]
                sound = read_one_escape(m, bits, to[i]) && sound;
            return found.where;
        };
        reader.template read<model::precision>(symbols.size(), find);
        const result<void> end = reader.finish();
        if (!end) return end.error().shifted_by(header.position());
        if (!sound || bits.overrun() || bits.byte_position() != escaped->size() || !bits.padding_is_zero())
            return header.fail(error_code::bad_stream, "escape bits that no encoder writes");
        return {};
    }

  private:
    static bool read_one_escape(const model& m, bit_reader& bits, std::int32_t& symbol) noexcept {
        const std::uint64_t distance =
            detail::read_escape(m.escape_order(), [&] { return bits.get(1) != 0; });
        return detail::escaped_symbol(symbol < m.first(), distance, symbol);
    }
    template <class Bit>
    void each_escape_bit(std::span<const std::int32_t> symbols, std::span<const parameters> given,
                         Bit&& bit) const noexcept {
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            const model m = models_->given(given[i]);
            if (detail::escapes(m, symbols[i])) [[unlikely]]
                detail::write_escape(detail::escape_distance(m, symbols[i]), m.escape_order(), bit);
        }
    }
    std::size_t count_escape_bytes(std::span<const std::int32_t> symbols,
                                   std::span<const parameters> given) const noexcept {
        std::uint64_t count = 0;
        each_escape_bit(symbols, given, [&](bool) { ++count; });
        return static_cast<std::size_t>((count + 7) / 8);
    }
    void write_escapes(std::span<const std::int32_t> symbols, std::span<const parameters> given,
                       span_sink& sink) const noexcept {
        bit_writer writer(sink);
        each_escape_bit(symbols, given, [&](bool b) { writer.put(b ? 1 : 0, 1); });
        writer.finish();
    }

    const Models* models_;
};

}  // namespace pith::inline v1::entropy
