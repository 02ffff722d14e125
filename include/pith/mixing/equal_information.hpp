// Windows of equal information: arithmetic codes of exactly so many bits, each of which decodes alone.
// Lester, Lee, Alemi, Pennington, Roberts, Sohl-Dickstein, Constant, "Training LLMs over Neurally Compressed
// Text" (2024). Here codes are shared out among bits as in block arithmetic coding (Boncelet, 1993), so that
// every code of a window is of use and a window needs neither a length nor a mark of its end.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::mixing {

/// Predicts the bits of symbols, the highest bit of each first.
///   using symbol_type = ...;          // unsigned
///   static constexpr unsigned precision;   // of probabilities, 8..32
///   symbol_bits(): bits of a symbol, 1..24; restart(): forgets all since the last restart
///   probability_of_one(): 1..2^precision - 1, or 0 if no symbol has a one here; once for each bit, then
///   update(bit)
/// Law: after restart predictions depend on the bits since then alone.
template <class M>
concept window_model = requires(M m, const M c, bool bit) {
    requires std::unsigned_integral<typename M::symbol_type>;
    requires M::precision >= 8 && M::precision <= 32;
    { c.symbol_bits() }
    noexcept->std::convertible_to<unsigned>;
    { m.restart() }
    noexcept;
    { m.probability_of_one() }
    noexcept->std::convertible_to<std::uint32_t>;
    { m.update(bit) }
    noexcept;
};

namespace detail {

/// How many codes of a window are still free: `codes` 2^(8 `later`), and the number of those in the upper
/// part of the next bit.
template <unsigned Precision>
struct window_share {
    std::uint64_t codes;
    std::size_t later;  ///< bytes of the window that have not been shared out yet

    explicit window_share(std::size_t bytes) noexcept
        : codes(bytes < 8 ? std::uint64_t{1} << 8 * bytes : std::uint64_t{1} << 56),
          later(bytes < 8 ? 0 : bytes - 7) {}
    [[nodiscard]] bool single() const noexcept { return codes == 1; }
    [[nodiscard]] bool wants_byte() const noexcept { return codes < std::uint64_t{1} << 48 && later > 0; }
    void take_byte() noexcept {
        codes <<= 8;
        --later;
    }
    /// Codes of a one: none if p is 0, else both parts get `least` codes or more; codes >= 2 least. The sum
    /// of products is below codes (2^Precision - 1) / 2^Precision + 1, and (2^32 - 1)^2 is below 2^64.
    [[nodiscard]] std::uint64_t ones(std::uint32_t p, std::uint64_t least) const noexcept {
        if (p == 0) return 0;
        constexpr std::uint64_t mask = (std::uint64_t{1} << Precision) - 1;
        const std::uint64_t share = (codes >> Precision) * p + ((codes & mask) * p >> Precision);
        return share < least ? least : share > codes - least ? codes - least : share;
    }
};

/// The last symbol of a window if it ends inside of it: its first `known` bits.
struct cut_symbol {
    unsigned known = 0;
    std::uint64_t bits = 0;
    /// A symbol of so many bits may be the one that was cut.
    [[nodiscard]] bool fits(std::uint64_t symbol, unsigned width) const noexcept {
        return known == 0 || symbol >> (width - known) == bits;
    }
};

}  // namespace detail

/// Symbols as windows of Bits bits. The model starts anew in each window; a symbol whose bits the window's
/// last code does not tell apart from others begins the next window. Stream: the number of symbols (varint),
/// the windows. Exact if the model is.
template <window_model Model, unsigned Bits>
requires(Bits % 8 == 0 && Bits >= 8 && Bits <= 65536) class equal_information_windows {
    using share = detail::window_share<Model::precision>;

  public:
    using symbol_type = typename Model::symbol_type;
    static constexpr std::size_t window_bytes = Bits / 8;
    /// However cheap symbols are, a window has no more of them: bounds what a few bytes can ask for.
    static constexpr std::size_t most_symbols = 1024 * window_bytes;

    /// Precondition: a symbol has at most Bits bits, and at most 24.
    explicit equal_information_windows(Model model = Model()) : model_(std::move(model)) {
        PITH_ASSERT(width() >= 1 && width() <= 24 && width() <= Bits);
    }

    /// Writes one window and returns how many symbols it holds: at least one, if there is one.
    [[nodiscard]] std::size_t encode_window(std::span<const symbol_type> symbols,
                                            std::span<std::uint8_t, window_bytes> out) noexcept {
        for (std::uint8_t& b : out) b = 0;
        share free(window_bytes);
        model_.restart();
        std::size_t done = 0;
        for (; done < symbols.size() && done < most_symbols; ++done) {
            const std::uint64_t symbol = symbols[done];
            PITH_ASSERT(symbol >> width() == 0);
            for (unsigned b = width(); b-- > 0;) {
                while (free.wants_byte()) free.take_byte();
                if (free.single()) return done;
                const bool bit = (symbol >> b & 1) != 0;
                const std::uint64_t ones = share_of_one(free, done, b);
                PITH_ASSERT(!bit || ones != 0);
                if (!bit) add(out, free, ones);
                free.codes = bit ? ones : free.codes - ones;
                model_.update(bit);
            }
        }
        return done;
    }

    /// The symbols of one window, at most `most` of them, for itself: what other windows hold is not needed.
    /// A window that is the last of its stream holds made-up symbols behind the stream's last one.
    [[nodiscard]] std::vector<symbol_type> decode_window(std::span<const std::uint8_t, window_bytes> in,
                                                         std::size_t most = most_symbols) {
        std::vector<symbol_type> out;
        (void)read(in, most, out);
        return out;
    }

    /// Precondition: symbols have symbol_bits() bits, and none that the model excludes.
    [[nodiscard]] std::vector<std::uint8_t> encode(std::span<const symbol_type> symbols) {
        std::vector<std::uint8_t> out;
        vector_sink sink(out);
        put_varint(sink, symbols.size());
        while (!symbols.empty()) {
            out.resize(out.size() + window_bytes);
            const std::span<std::uint8_t, window_bytes> window(out.data() + out.size() - window_bytes,
                                                               window_bytes);
            symbols = symbols.subspan(encode_window(symbols, window));
        }
        return out;
    }

    /// Errors: limit_exceeded for more bytes of symbols than `bound` allows, truncated, trailing_data,
    /// bad_stream.
    [[nodiscard]] result<std::vector<symbol_type>> decode(byte_view in, const limits& bound = {}) {
        byte_reader reader(in);
        const auto count = reader.read_varint();
        if (!count) return count.error();
        if (*count > bound.max_output / sizeof(symbol_type))
            return error{error_code::limit_exceeded, 0, "more symbols than the limits allow"};
        std::vector<symbol_type> out;
        detail::cut_symbol cut;
        while (out.size() < *count) {
            const std::size_t before = out.size(), at = reader.position();
            const auto window = reader.read_bytes(window_bytes);
            if (!window) return window.error();
            const outcome got =
                read(std::span<const std::uint8_t, window_bytes>(window->data(), window_bytes),
                     static_cast<std::size_t>(*count) - before, out);
            if (!cut.fits(out[before], width()) || !got.lowest)
                return error{error_code::bad_stream, at, "a window that no encoder writes here"};
            cut = got.cut;
        }
        if (reader.remaining() != 0)
            return reader.fail(error_code::trailing_data, "bytes behind the last window");
        return out;
    }

    [[nodiscard]] const Model& model() const noexcept { return model_; }

  private:
    struct outcome {
        detail::cut_symbol cut;
        bool lowest;  ///< the code is the first one of what it stands for
    };

    [[nodiscard]] unsigned width() const noexcept { return model_.symbol_bits(); }

    /// The first symbol's bits leave 2^b codes for the b bits behind each, so that it always fits.
    [[nodiscard]] std::uint64_t share_of_one(const share& free, std::size_t done, unsigned b) noexcept {
        const std::uint64_t least = done == 0 ? std::uint64_t{1} << b : 1;
        return free.ones(static_cast<std::uint32_t>(model_.probability_of_one()), least);
    }

    /// Adds to the code's part that has been shared out; the interval stays in the window, so the carry ends.
    static void add(std::span<std::uint8_t, window_bytes> out, const share& free, std::uint64_t v) noexcept {
        unsigned carry = 0;
        for (std::size_t i = window_bytes - free.later; i-- > 0 && (v != 0 || carry != 0); v >>= 8) {
            const unsigned sum = out[i] + static_cast<unsigned>(v & 0xFF) + carry;
            out[i] = static_cast<std::uint8_t>(sum);
            carry = sum >> 8;
        }
    }

    [[nodiscard]] outcome read(std::span<const std::uint8_t, window_bytes> in, std::size_t most,
                               std::vector<symbol_type>& out) {
        share free(window_bytes);
        std::uint64_t code = 0;  // below free.codes
        for (std::size_t i = 0; i < window_bytes - free.later; ++i) code = code << 8 | in[i];
        model_.restart();
        if (most > most_symbols) most = most_symbols;
        for (std::size_t done = 0; done < most; ++done) {
            std::uint64_t symbol = 0;
            for (unsigned b = width(); b-- > 0;) {
                while (free.wants_byte()) {
                    code = code << 8 | in[window_bytes - free.later];
                    free.take_byte();
                }
                if (free.single()) return {{width() - 1 - b, symbol}, true};
                const std::uint64_t ones = share_of_one(free, done, b);
                const bool bit = code < ones;
                if (!bit) code -= ones;
                free.codes = bit ? ones : free.codes - ones;
                symbol = symbol << 1 | (bit ? 1U : 0U);
                model_.update(bit);
            }
            out.push_back(static_cast<symbol_type>(symbol));
        }
        bool lowest = code == 0;
        for (std::size_t i = window_bytes - free.later; i < window_bytes; ++i) lowest = lowest && in[i] == 0;
        return {{}, lowest};
    }

    Model model_;
};

}  // namespace pith::inline v1::mixing
