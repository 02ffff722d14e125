// Block coder: adaptive bit-by-bit coding of bytes under a tree of 255 probabilities per context.
// The model is LZMA's literal coder (Pavlov); four arithmetic streams in lockstep share the tables, which
// hides the latency of one behind the others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/chunked.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/context.hpp>
#include <pith/entropy/model_adaptive_bit.hpp>

namespace pith::inline v1::entropy {

namespace detail {

/// The coder of one chunk: see chunked.hpp for what it must offer. Chunk: four varint lengths, four streams.
template <unsigned Order, bit_rates Rates>
class binary_chunks {
    static constexpr unsigned lanes = 4;
    using predictor = adaptive_bit<Rates>;
    using layout = lane_layout<Order, lanes>;
    using each_lane = std::make_index_sequence<lanes>;
    static constexpr std::size_t lane_room = chunk_size / lanes * 5 / 4;

  public:
    static constexpr std::size_t memory = byte_context<Order>::rows * 256 * sizeof(predictor) +
                                          lanes * lane_room + 2 * sizeof(std::vector<predictor>);

    binary_chunks() : nodes_(byte_context<Order>::rows * 256), scratch_(lanes * lane_room) {}

    void reset() noexcept {
        for (predictor& p : nodes_) p = predictor{};
    }

    /// False if the chunk does not fit.
    [[nodiscard]] bool encode(byte_view in, span_sink& out) noexcept { return encode(in, out, each_lane{}); }
    [[nodiscard]] result<void> decode(byte_reader& in, byte_span out) noexcept {
        return decode(in, out, each_lane{});
    }

  private:
    template <std::size_t... J>
    [[nodiscard]] bool encode(byte_view in, span_sink& out, std::index_sequence<J...>) noexcept {
        span_sink sinks[lanes]{span_sink(byte_span(scratch_).subspan(J * lane_room, lane_room))...};
        binary_encoder<span_sink> encoders[lanes]{binary_encoder<span_sink>(sinks[J])...};
        encode_bytes(in, encoders);
        (encoders[J].finish(), ...);
        if ((sinks[J].overflowed() || ...)) return false;
        (put_varint(out, sinks[J].size()), ...);
        (out.append(byte_view(scratch_).subspan(J * lane_room, sinks[J].size())), ...);
        return true;
    }

    template <std::size_t... J>
    [[nodiscard]] result<void> decode(byte_reader& in, byte_span out, std::index_sequence<J...>) noexcept {
        std::array<std::uint64_t, lanes> sizes;
        for (auto& size : sizes) {
            const auto got = in.read_varint();
            if (!got) return got.error();
            size = *got;
        }
        std::array<byte_view, lanes> streams;
        for (unsigned j = 0; j < lanes; ++j) {
            const auto got = in.read_bytes(sizes[j]);
            if (!got) return got.error();
            streams[j] = *got;
        }
        binary_decoder<> decoders[lanes]{binary_decoder<>(streams[J])...};
        decode_bytes(decoders, out, each_lane{});
        for (const auto& decoder : decoders) {
            const auto end = decoder.finish();
            if (!end) return in.fail(end.error().code, end.error().text);
        }
        return {};
    }

    [[nodiscard]] predictor* tree(const byte_context<Order>& context) noexcept {
        return nodes_.data() + context.row() * 256;
    }

    // Lanes that stand at the same node in the same step all use its probability as it was before the step;
    // their updates follow in lane order. So no lane waits for what another one decodes.

    void encode_bytes(byte_view in, binary_encoder<span_sink> (&encoders)[lanes]) noexcept {
        const layout where(in.size());
        std::array<byte_context<Order>, lanes> contexts{};
        for (std::size_t t = 0; t < where.rounds; ++t) {
            std::array<predictor*, lanes> trees;
#pragma GCC unroll 4
            for (unsigned j = 0; j < lanes; ++j) trees[j] = tree(contexts[j]);
            for (unsigned k = 8; k-- > 0;) {
                std::array<std::uint32_t, lanes> ones;
#pragma GCC unroll 4
                for (unsigned j = 0; j < lanes; ++j)
                    ones[j] = trees[j][(0x100U | in[where.at(j, t)]) >> (k + 1)].probability_of_one();
#pragma GCC unroll 4
                for (unsigned j = 0; j < lanes; ++j) {
                    const std::uint8_t byte = in[where.at(j, t)];
                    const std::uint64_t bit = std::uint64_t{0} - ((byte >> k) & 1U);
                    encoders[j].put_mask(bit, ones[j]);
                    update(trees[j], (0x100U | byte) >> (k + 1), bit);
                }
            }
            for (unsigned j = 0; j < lanes; ++j) contexts[j].push(in[where.at(j, t)]);
        }
        for (std::size_t i = where.tail(); i < in.size(); ++i) {
            predictor* const last = tree(contexts[lanes - 1]);
            for (unsigned k = 8; k-- > 0;)
                put_bit(encoders[lanes - 1], last[(0x100U | in[i]) >> (k + 1)], ((in[i] >> k) & 1) != 0);
            contexts[lanes - 1].push(in[i]);
        }
    }
    static void put_bit(binary_encoder<span_sink>& encoder, predictor& p, bool bit) noexcept {
        encoder.put(bit, p.probability_of_one());
        p.update(bit);
    }

    // Not inlined: alone it fits the registers.
    template <std::size_t... J>
    [[gnu::noinline]] void decode_bytes(binary_decoder<> (&shared)[lanes], byte_span out,
                                        std::index_sequence<J...>) noexcept {
        const layout where(out.size());
        std::array<byte_context<Order>, lanes> contexts{};
        binary_decoder<> decoders[lanes]{shared[J]...};  // copies that can live in registers
        for (std::size_t t = 0; t < where.rounds; ++t) {
            const std::array<predictor*, lanes> trees{tree(contexts[J])...};
            std::array<std::uint64_t, lanes> nodes{(J * 0 + 1)...};
            for (unsigned k = 0; k < 8; ++k) {
                const std::array<std::uint32_t, lanes> ones{trees[J][nodes[J]].probability_of_one()...};
                const std::array<std::uint64_t, lanes> bits{decoders[J].get_mask(ones[J])...};
                ((update(trees[J], nodes[J], bits[J]), nodes[J] = 2 * nodes[J] - bits[J]), ...);
            }
            ((out[where.at(J, t)] = static_cast<std::uint8_t>(nodes[J])), ...);
            (contexts[J].push(static_cast<std::uint8_t>(nodes[J])), ...);
        }
        for (std::size_t i = where.tail(); i < out.size(); ++i) {
            predictor* const last = tree(contexts[lanes - 1]);
            std::size_t node = 1;
            for (unsigned k = 0; k < 8; ++k) node = 2 * node - get_mask(decoders[lanes - 1], last[node]);
            out[i] = static_cast<std::uint8_t>(node);
            contexts[lanes - 1].push(out[i]);
        }
        ((shared[J] = decoders[J]), ...);
    }
    static void update(predictor* bits, std::uint64_t at, std::uint64_t mask) noexcept {
        if constexpr (requires { predictor::update_at(bits, at, mask); })
            predictor::update_at(bits, at, mask);
        else
            bits[at].update_masked(mask);
    }
    [[nodiscard]] static std::uint64_t get_mask(binary_decoder<>& decoder, predictor& p) noexcept {
        const std::uint64_t mask = decoder.get_mask(p.probability_of_one());
        p.update_masked(mask);
        return mask;
    }

    std::vector<predictor> nodes_;
    std::vector<std::uint8_t> scratch_;
};

}  // namespace detail

/// Adaptive binary coding under the last Order bytes (0, 1 or 2). Lossless and exact on every machine.
/// Memory: 0.3 MB for encoding, and tables of 512 B, 256 KB or 16 MB.
template <unsigned Order, bit_rates Rates = Order == 0 ? bit_rates{6, 0, 0} : bit_rates{6, 0, 1}>
requires(Order <= 2) class adaptive_binary
    : public detail::chunked_coder<detail::binary_chunks<Order, Rates>> {
  public:
    static constexpr std::uint32_t recipe = 0x10 + Order;
    static constexpr const char* name = Order == 0   ? "adaptive_binary_0"
                                        : Order == 1 ? "adaptive_binary_1"
                                                     : "adaptive_binary_2";
};

}  // namespace pith::inline v1::entropy
