// The CacheGen codec: differences to anchor tokens, symmetric bins scaled by token, static tables by channel.
// Y. Liu et al., CacheGen (SIGCOMM 2024). What differs: one rANS stream a block instead of an arithmetic code
// a channel; tables are sent with each block, as the published code does, or calibrated, as the paper says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/entropy/rans.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv {

struct cachegen_options {
    unsigned level = 2;  ///< 1 (small) ... 3 (fine): bins by layer third, as published for a 7B model
    unsigned bins = 0;   ///< 4 ... 256: so many for all layers, in place of a level
    std::size_t anchor_every = 10;  ///< tokens a group; its first one is coded by itself; 0: no differences
    unsigned anchor_bins = 2;       ///< how many times finer an anchor is
    friend constexpr bool operator==(const cachegen_options&, const cachegen_options&) = default;
};

/// The bins of a layer's keys or values: even, at least 4. Thirds of the layers for keys; values have the
/// first sixteenth of the layers (at least one) for themselves.
[[nodiscard]] constexpr unsigned cachegen_bins(const cachegen_options& o, tensor_kind kind, std::size_t layer,
                                               std::size_t layers) noexcept {
    if (o.bins != 0) return o.bins;
    constexpr unsigned keys[3][3] = {{16, 16, 12}, {32, 16, 16}, {32, 32, 32}};
    constexpr unsigned values[3][2] = {{16, 12}, {32, 16}, {32, 32}};
    const unsigned level = o.level < 1 ? 0 : o.level > 3 ? 2 : o.level - 1;
    if (kind == tensor_kind::keys) return keys[level][3 * layer / layers];
    return values[level][16 * layer >= layers && layer > 0];
}

namespace detail {

/// A static distribution of one channel in 16 bits: sizes of up to 511 symbols.
class channel_table {
  public:
    static constexpr std::uint32_t total = 1U << 16;

    channel_table() = default;
    /// counts.size() <= 511; every symbol gets a slot at least.
    explicit channel_table(std::span<const std::uint32_t> counts) : starts_(counts.size() + 1) {
        std::uint64_t sum = 0;
        for (const std::uint32_t n : counts) sum += n;
        const std::uint64_t room = total - counts.size();
        std::vector<std::uint32_t> sizes(counts.size());
        std::size_t largest = 0;
        std::uint32_t used = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            sizes[i] = 1 + static_cast<std::uint32_t>(sum == 0 ? 0 : counts[i] * room / sum);
            used += sizes[i];
            if (sizes[i] > sizes[largest]) largest = i;
        }
        sizes[largest] += total - used;
        for (std::size_t i = 0; i < sizes.size(); ++i) starts_[i + 1] = starts_[i] + sizes[i];
    }
    [[nodiscard]] entropy::interval of(std::size_t symbol) const noexcept {
        return {starts_[symbol], starts_[symbol + 1] - starts_[symbol]};
    }
    [[nodiscard]] std::size_t at(std::uint32_t slot) const noexcept {
        std::size_t low = 0, high = starts_.size() - 1;
        while (high - low > 1) {
            const std::size_t middle = (low + high) / 2;
            (starts_[middle] <= slot ? low : high) = middle;
        }
        return low;
    }
    /// All starts but the first one, 16 bits each.
    void write(vector_sink& sink) const {
        for (std::size_t i = 1; i + 1 < starts_.size(); ++i)
            put_le<std::uint16_t>(sink, static_cast<std::uint16_t>(starts_[i]));
    }
    [[nodiscard]] result<void> read(byte_reader& in, std::size_t symbols) {
        starts_.assign(symbols + 1, 0);
        for (std::size_t i = 1; i < symbols; ++i) {
            const auto start = in.read_le<std::uint16_t>();
            if (!start) return start.error();
            if (*start <= starts_[i - 1]) return in.fail(error_code::bad_model, "a table does not rise");
            starts_[i] = *start;
        }
        starts_[symbols] = total;
        return {};
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return starts_.size() < 2 ? 0 : 2 * (starts_.size() - 2);
    }

  private:
    std::vector<std::uint32_t> starts_;
};

/// Tables of a block: by channel, of anchors (0) and of other tokens (1).
struct channel_tables {
    std::array<std::vector<channel_table>, 2> of;
};

}  // namespace detail

/// A block_codec for lanes of one layer. Stream: a half float a token (its largest size), the tables if they
/// are sent, the rANS code of the symbols, token after token. Decoded values are the same on every machine
/// but for a last bit.
class cachegen_codec {
  public:
    static constexpr const char* name = "cachegen";

    /// Tables are sent with each block.
    explicit cachegen_codec(cachegen_options options = {}) : options_(options) {
        PITH_ASSERT(options.bins == 0 || (options.bins >= 4 && options.bins <= 256 && options.bins % 2 == 0));
        PITH_ASSERT(options.anchor_bins >= 1 && options.anchor_bins <= 2);
    }
    /// Tables are made beforehand: samples[2 * layer + kind], as the cache stores them. Encoder-side.
    void fit(std::span<const view_2d<const float>> samples) {
        auto tables = std::make_shared<std::vector<detail::channel_tables>>();
        const std::size_t layers = samples.size() / 2;
        for (std::size_t i = 0; i < samples.size(); ++i) {
            const auto kind = static_cast<tensor_kind>(i % 2);
            const shape_of_block s(options_, kind, i / 2, layers, samples[i].rows(), samples[i].columns());
            std::vector<std::uint16_t> symbols(samples[i].size());
            std::vector<half> scales(samples[i].rows());
            quantize(samples[i], s, symbols, scales);
            tables->push_back(count(symbols, s));
        }
        calibrated_ = std::move(tables);
    }
    /// Of the tables that were made beforehand.
    [[nodiscard]] std::size_t constant_bytes() const noexcept {
        std::size_t sum = 0;
        if (calibrated_ != nullptr)
            for (const auto& tables : *calibrated_)
                for (const auto& kind : tables.of)
                    for (const auto& t : kind) sum += t.bytes();
        return sum;
    }

    void encode(view_2d<const float> x, const block_scope& scope, std::vector<std::byte>& out) const {
        const shape_of_block s(options_, scope.kind, scope.first_layer, scope.shape.layers, x.rows(),
                               x.columns());
        std::vector<std::uint16_t> symbols(x.size());
        std::vector<half> scales(x.rows());
        quantize(x, s, symbols, scales);
        std::vector<std::uint8_t> bytes;
        vector_sink sink(bytes);
        for (const half h : scales) put_le<std::uint16_t>(sink, h.bits);
        detail::channel_tables own;
        if (calibrated_ == nullptr) {
            own = count(symbols, s);
            for (unsigned which = 0; which < 2; ++which)
                if (s.tokens_of(which) != 0)
                    for (const auto& t : own.of[which]) t.write(sink);
        }
        const detail::channel_tables& tables = calibrated_ == nullptr ? own : tables_of(scope);
        // 16 bits a symbol at most, and the state.
        std::vector<std::uint8_t> buffer(4 * symbols.size() + 16);
        entropy::rans_encoder<entropy::rans64> coder{byte_span(buffer)};
        for (std::size_t i = symbols.size(); i-- > 0;)
            coder.put<16>(tables.of[s.which(i / s.channels)][i % s.channels].of(symbols[i]));
        const auto code = coder.finish();
        PITH_ASSERT(code.has_value());
        sink.append(*code);
        const auto raw = as_std_bytes(bytes);
        out.insert(out.end(), raw.begin(), raw.end());
    }
    [[nodiscard]] result<void> decode(std::span<const std::byte> in, const block_scope& scope,
                                      view_2d<float> out) const {
        const shape_of_block s(options_, scope.kind, scope.first_layer, scope.shape.layers, out.rows(),
                               out.columns());
        byte_reader reader(readable_bytes(in));
        const auto raw = reader.read_bytes(2 * out.rows());
        if (!raw) return raw.error();
        detail::channel_tables own;
        if (calibrated_ == nullptr) {
            for (unsigned which = 0; which < 2; ++which) {
                own.of[which].resize(s.tokens_of(which) == 0 ? 0 : s.channels);
                for (auto& t : own.of[which])
                    if (const auto read = t.read(reader, s.symbols(which)); !read) return read.error();
            }
        } else if (!fits(scope, s)) {
            return error{error_code::unsupported_parameter, 0,
                         "the block is not of a layer that was calibrated"};
        }
        const detail::channel_tables& tables = calibrated_ == nullptr ? own : tables_of(scope);
        return decode_symbols(reader, *raw, tables, s, out);
    }

  private:
    struct shape_of_block {
        shape_of_block(const cachegen_options& o, tensor_kind kind, std::size_t layer, std::size_t layers,
                       std::size_t rows, std::size_t columns)
            : every(o.anchor_every), tokens(rows), channels(columns) {
            const unsigned bins = cachegen_bins(o, kind, layer, layers);
            most[1] = static_cast<std::int32_t>(bins / 2) - 1;
            most[0] = every == 0 ? most[1] : static_cast<std::int32_t>(bins * o.anchor_bins / 2) - 1;
        }
        /// 0 for anchors, 1 for other tokens and where there are no anchors.
        [[nodiscard]] unsigned which(std::size_t token) const noexcept {
            return every != 0 && token % every == 0 ? 0 : 1;
        }
        [[nodiscard]] std::size_t tokens_of(unsigned which) const noexcept {
            const std::size_t anchors = every == 0 ? 0 : (tokens + every - 1) / every;
            return which == 0 ? anchors : tokens - anchors;
        }
        [[nodiscard]] std::size_t symbols(unsigned which) const noexcept {
            return static_cast<std::size_t>(2 * most[which] + 1);
        }
        std::size_t every, tokens, channels;
        std::array<std::int32_t, 2> most;  ///< symbols are -most ... most
    };

    [[nodiscard]] const detail::channel_tables& tables_of(const block_scope& scope) const noexcept {
        return (*calibrated_)[2 * scope.first_layer + static_cast<std::size_t>(scope.kind)];
    }
    [[nodiscard]] bool fits(const block_scope& scope, const shape_of_block& s) const noexcept {
        return 2 * scope.first_layer + 1 < calibrated_->size() && tables_of(scope).of[1].size() == s.channels;
    }

    /// Symbols (from 0) and scales; differences are taken to anchors as they are decoded.
    static void quantize(view_2d<const float> x, const shape_of_block& s, std::span<std::uint16_t> symbols,
                         std::span<half> scales) {
        std::vector<float> anchor(s.channels), rest(s.channels);
        for (std::size_t t = 0; t < s.tokens; ++t) {
            const unsigned which = s.which(t);
            if (which == 0) anchor.assign(s.channels, 0.0F);
            float largest = 0;
            for (std::size_t c = 0; c < s.channels; ++c) {
                rest[c] = x(t, c) - anchor[c];
                const float size = rest[c] < 0 ? -rest[c] : rest[c];
                largest = size > largest ? size : largest;
            }
            scales[t] = nearest_half(largest);
            const float unit = static_cast<float>(scales[t]) / static_cast<float>(s.most[which]);
            for (std::size_t c = 0; c < s.channels; ++c) {
                const float place = unit > 0 ? rest[c] / unit : 0;
                std::int32_t q = static_cast<std::int32_t>(place < 0 ? place - 0.5F : place + 0.5F);
                q = q < -s.most[which] ? -s.most[which] : q > s.most[which] ? s.most[which] : q;
                symbols[t * s.channels + c] = static_cast<std::uint16_t>(q + s.most[which]);
                if (which == 0) anchor[c] = static_cast<float>(q) * unit;
            }
        }
    }
    [[nodiscard]] static detail::channel_tables count(std::span<const std::uint16_t> symbols,
                                                      const shape_of_block& s) {
        detail::channel_tables out;
        for (unsigned which = 0; which < 2; ++which) {
            std::vector<std::uint32_t> counts(s.channels * s.symbols(which));
            for (std::size_t i = 0; i < symbols.size(); ++i)
                if (s.which(i / s.channels) == which)
                    ++counts[i % s.channels * s.symbols(which) + symbols[i]];
            for (std::size_t c = 0; c < s.channels; ++c)
                out.of[which].emplace_back(std::span(counts).subspan(c * s.symbols(which), s.symbols(which)));
        }
        return out;
    }
    [[nodiscard]] static result<void> decode_symbols(byte_reader& reader, byte_view raw_scales,
                                                     const detail::channel_tables& tables,
                                                     const shape_of_block& s, view_2d<float> out) {
        entropy::rans_decoder<entropy::rans64> coder(reader.rest());
        std::vector<float> anchor(s.channels);
        for (std::size_t t = 0; t < s.tokens; ++t) {
            const unsigned which = s.which(t);
            const half scale = half::from_bits(load_le<std::uint16_t>(raw_scales.data() + 2 * t));
            const auto largest = static_cast<float>(scale);
            if (!(largest >= 0 && largest <= 65504.0F))
                return error{error_code::bad_stream, 2 * t, "a token's scale is no size"};
            const float unit = largest / static_cast<float>(s.most[which]);
            for (std::size_t c = 0; c < s.channels; ++c) {
                const detail::channel_table& table = tables.of[which][c];
                const std::size_t symbol = table.at(coder.slot<16>());
                coder.remove<16>(table.of(symbol));
                const float v = static_cast<float>(static_cast<std::int32_t>(symbol) - s.most[which]) * unit;
                if (which == 0) anchor[c] = v;
                out(t, c) = which == 0 ? v : anchor[c] + v;
            }
        }
        if (const auto end = coder.finish(); !end) return end.error().shifted_by(reader.position());
        return {};
    }

    cachegen_options options_;
    std::shared_ptr<const std::vector<detail::channel_tables>> calibrated_;
};
static_assert(block_codec<cachegen_codec>);

}  // namespace pith::inline v1::kv
