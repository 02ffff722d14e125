// A block codec of codes into up to sixteen levels that attention reads in place, after a random rotation.
// TurboQuant's rotation and Lloyd-Max levels (Zandieh et al., 2025) with the least-squares scale in place of
// the norm (as RaBitQ, Gao and Long, 2024, chooses its factor); levels are integers of seven bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/packed_block.hpp>
#include <pith/kv/packed_tokens.hpp>
#include <pith/quant/grid.hpp>
#include <pith/quant/lloyd_max.hpp>
#include <pith/simd/levels.hpp>
#include <pith/simd/lut.hpp>
#include <pith/transform/randomized_hadamard.hpp>

namespace pith::inline v1::kv {

struct packed_codebook_options {
    unsigned bits = 4;         ///< 2, 3 or 4
    unsigned query_bytes = 1;  ///< to which queries are rounded
    bool rotated = true;       ///< a random rotation of each head comes first
    unsigned rounds = 1;       ///< of it, where the head size is a power of two
    friend constexpr bool operator==(const packed_codebook_options&,
                                     const packed_codebook_options&) = default;
};

/// An attended codec for keys and values. Stored: an fp16 scale for each token and head, codes in units.
/// Levels lie at multiples of 1/63 of the largest, which adds 1.6 % to the error of sixteen Lloyd-Max levels.
template <packed_codebook_options Options = packed_codebook_options{},
          simd::instruction_set Arch = simd::native>
requires(Options.bits >= 2 && Options.bits <= 4 &&
         (Options.query_bytes == 1 || Options.query_bytes == 2)) class packed_codebook {
    using format = detail::code_format<Options.bits, true, false>;
    using keys = detail::keys_by_token<format, Options.query_bytes, Arch>;
    using values = detail::values_by_token<format, Arch>;
    using rotation =
        transform::randomized_hadamard<transform::hadamard_options{.rounds = Options.rounds}, Arch>;
    using block_rotation = transform::randomized_hadamard<transform::hadamard_options{}, Arch>;

  public:
    static constexpr packed_codebook_options options = Options;
    static constexpr const char* name = "packed codebook";

    /// Lloyd-Max levels for rotated heads of this size.
    explicit packed_codebook(std::size_t head_size, std::uint64_t seed = 0)
        : packed_codebook(head_size, quant::lloyd_max<Options.bits>(quant::sphere_density{head_size}), seed) {
    }
    /// Levels for values of variance 1. Precondition: at least 1/63 of the largest apart.
    packed_codebook(std::size_t head_size, const quant::grid<Options.bits>& levels, std::uint64_t seed = 0)
        : head_size_(head_size),
          seed_(seed),
          rotation_(rotation_size(true), seed),
          blocks_(rotation_size(false), seed) {
        float largest = 0;
        for (const float l : levels.levels())
            largest = largest > (l < 0 ? -l : l) ? largest : (l < 0 ? -l : l);
        unit_ = largest / 63;
        std::array<float, 16> between{};
        between.fill(std::numeric_limits<float>::infinity());
        float number = 63, last = 0;
        for (std::size_t i = 0; i < 16; ++i, last = number) {
            if (i < levels.size())
                number = static_cast<float>(
                    simd::attention_lanes<simd::scalar>::rounded(levels.levels()[i] / unit_));
            levels_[i] = static_cast<std::uint8_t>(static_cast<int>(number) + 64);
            signed_levels_[i] = static_cast<std::uint8_t>(static_cast<int>(number));
            if (i == 0 || i >= levels.size()) continue;
            PITH_ASSERT(last < number);
            between[i - 1] = (last + number) / 2;
        }
        thresholds_ = simd::thresholds_of<Options.bits>(between);
    }

    /// What a cache file compares: head size, seed, levels and options.
    [[nodiscard]] std::uint64_t fingerprint() const noexcept {
        std::uint8_t raw[40];
        store_le<std::uint64_t>(raw, head_size_);
        store_le<std::uint64_t>(raw + 8, seed_);
        store_le<std::uint64_t>(raw + 16, Options.bits | Options.rounds << 8 | (Options.rotated ? 128U : 0U));
        std::memcpy(raw + 24, levels_.data(), 16);
        return xxh64_of(raw);
    }
    /// Bytes of one head of so many tokens.
    [[nodiscard]] static constexpr std::size_t head_bytes(tensor_kind kind, std::size_t head_size,
                                                          std::size_t tokens) noexcept {
        const packed_head head{head_size};
        return kind == tensor_kind::values ? values::size(head, tokens, 0) : keys::size(head, tokens);
    }
    /// Precondition: finite values, x of scope's shape, its head size this codec's. Encoder-side.
    void encode(view_2d<const float> x, const block_scope& scope, std::vector<std::byte>& out) const {
        PITH_ASSERT(scope.shape.head_size == head_size_);
        detail::encode_heads(x, scope, head_bytes(scope.kind, head_size_, x.rows()), out,
                             [&](const float* rows, std::size_t stride, std::uint8_t* to) {
                                 encode_head(rows, stride, scope.kind, x.rows(), to);
                             });
    }
    /// Exact.
    [[nodiscard]] result<void> decode(std::span<const std::byte> in, const block_scope& scope,
                                      view_2d<float> out) const noexcept {
        if (scope.shape.head_size != head_size_)
            return error{error_code::unsupported_parameter, 0, "a codec for heads of another size"};
        return detail::decode_heads(
            in, scope, head_bytes(scope.kind, head_size_, out.rows()), out,
            [&](const std::uint8_t* from, view_2d<float> to) { return decode_head(from, scope.kind, to); });
    }
    /// Precondition: decode accepts the bytes; query.size() is the head size, out.size() the tokens.
    void scores(std::span<const std::byte> in, const block_scope& scope, std::size_t head,
                std::span<const float> query, std::span<float> out) const noexcept {
        float turned[simd::max_head_channels];
        turn(query, {turned, head_size_});
        turned_scores(in, scope, head, {turned, 1, head_size_, head_size_, 1}, detail::one_row(out));
    }
    /// Precondition: decode accepts the bytes; weights, one for each token, are finite and not negative.
    void accumulate(std::span<const std::byte> in, const block_scope& scope, std::size_t head,
                    std::span<const float> weights, std::span<float> out) const noexcept {
        float sums[simd::max_head_channels] = {}, back[simd::max_head_channels];
        turned_accumulate(in, scope, head, detail::one_row(weights), {sums, 1, head_size_, head_size_, 1});
        turn_back({sums, head_size_}, {back, head_size_});
        for (std::size_t c = 0; c < head_size_; ++c) out[c] += back[c];
    }

    // For whole lists of blocks (kv/attention.hpp): queries are turned once, and the sums of all turned back.
    void turn(std::span<const float> x, std::span<float> out) const noexcept {
        PITH_ASSERT(x.size() == head_size_ && out.size() == head_size_);
        if constexpr (!Options.rotated)
            std::memcpy(out.data(), x.data(), x.size_bytes());
        else if (whole())
            rotation_.forward_into(x, out);
        else
            blocks_.forward_into(x, out);
    }
    /// Destroys x.
    void turn_back(std::span<float> x, std::span<float> out) const noexcept {
        if constexpr (!Options.rotated)
            std::memcpy(out.data(), x.data(), x.size_bytes());
        else if (whole())
            rotation_.inverse_into(x, out);
        else
            blocks_.inverse_into(x, out);
    }
    void turned_scores(std::span<const std::byte> in, const block_scope&, std::size_t head,
                       view_2d<const float> queries, view_2d<float> out) const noexcept {
        const std::uint8_t* const from =
            readable_bytes(in).data() + head * head_bytes(tensor_kind::keys, head_size_, out.columns());
        detail::for_shared_rows(queries, out, [&](view_2d<const float> some, view_2d<float> to) {
            keys::scores(from, packed_head{head_size_}, levels_, some, to);
        });
    }
    void turned_accumulate(std::span<const std::byte> in, const block_scope&, std::size_t head,
                           view_2d<const float> weights, view_2d<float> out) const noexcept {
        const std::uint8_t* const from =
            readable_bytes(in).data() + head * head_bytes(tensor_kind::values, head_size_, weights.columns());
        detail::for_shared_rows(weights, out, [&](view_2d<const float> some, view_2d<float> to) {
            values::accumulate(from, packed_head{head_size_}, 0, levels_, some, to);
        });
    }

  private:
    [[nodiscard]] bool whole() const noexcept { return (head_size_ & (head_size_ - 1)) == 0; }
    /// Signs are kept for one of the two rotations only.
    [[nodiscard]] std::size_t rotation_size(bool of_whole) const noexcept {
        return Options.rotated && whole() == of_whole ? head_size_ : 0;
    }
    static constexpr std::size_t rows_at_once = 4;

    /// Codes of some rows, `apart` bytes from row to row, and their scales. Rows are rotated together: none
    /// waits for the norm of the one before.
    void encode_rows(const float* x, std::size_t stride, std::size_t some, std::uint8_t* codes,
                     std::size_t apart, std::uint8_t* scales) const noexcept {
        alignas(64) float turned[rows_at_once * simd::max_head_channels];
        float spread[rows_at_once];
        for (std::size_t i = 0; i < some; ++i) {
            float* const y = turned + i * head_size_;
            turn({x + i * stride, head_size_}, {y, head_size_});
            spread[i] = exact::sqrt(simd::energy_of<Arch>(y, head_size_) / static_cast<float>(head_size_));
        }
        for (std::size_t i = 0; i < some; ++i) {
            const float scale = encode_turned(turned + i * head_size_, spread[i], codes + i * apart);
            store_le<std::uint16_t>(scales + 2 * i, nearest_half(scale).bits);
        }
    }
    [[nodiscard]] float encode_turned(const float* y, float spread, std::uint8_t* codes) const noexcept {
        if (!(spread > 0x1p-24F && spread < 0x1p60F)) {
            std::memset(codes, 0, head_size_);
            return 0;
        }
        alignas(64) std::uint8_t levels[simd::max_head_channels];
        const std::span<std::uint8_t> to(codes, head_size_);
        simd::nearest_levels<Options.bits, Arch>(std::span<const float>(y, head_size_), thresholds_,
                                                 spread * unit_, to);
        simd::look_up<Arch>(to, signed_levels_, {levels, head_size_});
        return simd::nearest_scale<Arch>(y, reinterpret_cast<const std::int8_t*>(levels), head_size_);
    }
    void encode_head(const float* x, std::size_t stride, tensor_kind kind, std::size_t tokens,
                     std::uint8_t* out) const noexcept {
        const packed_head head{head_size_};
        const bool of_keys = kind == tensor_kind::keys;
        const std::size_t chunk = of_keys ? head.chunk_tokens() : 16;
        const std::size_t row = of_keys ? head.row() : 32 * head.vectors(), padded = rounded_up(tokens, 16);
        std::uint8_t* const units = out + (of_keys ? format::side * tokens : values::group_side(tokens));
        detail::code_rows rows;
        for (std::size_t t = 0; t < tokens; t += chunk) {
            const std::size_t some = tokens - t < chunk ? tokens - t : chunk;
            if (some < chunk || head_size_ != row) rows.clear(chunk * row);
            for (std::size_t i = 0; i < some; i += rows_at_once)
                encode_rows(x + (t + i) * stride, stride, some - i < rows_at_once ? some - i : rows_at_once,
                            rows.codes + i * row, row, out + 2 * (t + i));
            if (of_keys)
                detail::store_key_chunk<Options.bits, Arch>(head, rows,
                                                            units + head.key_bytes<Options.bits>(t));
            else
                detail::store_value_group<Options.bits, Arch>(head, rows, t / 16, padded / 16, units);
        }
        if (!of_keys) std::memset(out + 2 * tokens, 0, 2 * (padded - tokens));
    }
    [[nodiscard]] result<void> decode_head(const std::uint8_t* in, tensor_kind kind,
                                           view_2d<float> out) const noexcept {
        const packed_head head{head_size_};
        const auto put = [&](std::size_t t, const std::int8_t* signed_levels, float scale) {
            float turned[simd::max_head_channels];
            const float none = 0;
            simd::affine_values<true, Arch>(signed_levels, &scale, &none, head_size_, turned);
            turn_back({turned, head_size_}, {&out(t, 0), head_size_});
        };
        if (kind == tensor_kind::keys)
            return keys::decode(
                in, head, out.rows(), levels_,
                [&](std::size_t t, const std::int8_t* l, float scale, float) { put(t, l, scale); });
        return values::decode(in, head, out.rows(), 0,
                              [&](std::size_t first, std::size_t some, detail::code_rows& rows) {
                                  for (std::size_t i = 0; i < some; ++i) {
                                      std::int8_t signed_levels[simd::max_head_channels];
                                      const std::uint8_t* const codes = rows.codes + i * 32 * head.vectors();
                                      for (std::size_t c = 0; c < head_size_; ++c)
                                          signed_levels[c] = format::signed_level(codes[c], levels_);
                                      put(first + i, signed_levels, detail::load_half(in + 2 * (first + i)));
                                  }
                                  return true;
                              });
    }

    std::size_t head_size_;
    std::uint64_t seed_;
    rotation rotation_;
    block_rotation blocks_;
    float unit_ = 1;                    // of numbers_, for values of variance 1
    simd::byte_table signed_levels_{};  // the levels in units, -63..63
    simd::code_levels levels_{};        // 64 more
    simd::level_thresholds thresholds_{};
};

}  // namespace pith::inline v1::kv
