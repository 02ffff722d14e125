// Block coder: records of fixed length under a circuit that is fitted to the block and stored in front of it.
// The system of Liu, Mandt and Van den Broeck, "Lossless Compression with Probabilistic Circuits" (2022),
// with the model inside the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/plain_block.hpp>
#include <pith/mixing/circuit.hpp>
#include <pith/mixing/circuit_code.hpp>
#include <pith/mixing/circuit_learning.hpp>

namespace pith::inline v1::mixing {

/// What an encoder makes of a block. A decoder reads it from the stream.
struct circuit_layout {
    std::size_t record = 8;  ///< bytes of a record, 1..64
    unsigned bits = 4;       ///< of a variable: 1, 2, 4 or 8; 8 record / bits <= 256 variables
    std::size_t states =
        16;  ///< most hidden values, 4..32; fewer where the block is too short to pay for them
    circuit_training training = {};
    friend constexpr bool operator==(const circuit_layout&, const circuit_layout&) = default;

    [[nodiscard]] constexpr circuit_shape shape(std::size_t hidden) const noexcept {
        return {8 * record / bits, std::size_t{1} << bits, hidden};
    }
    [[nodiscard]] constexpr bool valid() const noexcept {
        return record >= 1 && record <= 64 && (bits == 1 || bits == 2 || bits == 4 || bits == 8) &&
               shape(states).valid();
    }
};

/// Any layout is decoded by the coder of any other one. Coded block: a form byte, record, bits, states / 4,
/// then one range-coded number: circuit, records, the bytes behind the last whole record. Exact.
template <circuit_layout Layout>
requires(Layout.valid()) class circuit_records {
    static constexpr std::size_t sample_room = std::size_t{1} << 20;  // symbols
    static constexpr std::size_t sample_records = std::size_t{1} << 14;
    static constexpr std::size_t slots = 2 * sample_records;

  public:
    static constexpr std::uint32_t recipe = 0x54;
    static constexpr const char* name = "probabilistic_circuits";
    static constexpr std::size_t memory = circuit::memory + circuit_walk::memory + circuit_learner::memory +
                                          sample_room + sample_records * sizeof(float) +
                                          slots * sizeof(std::uint32_t) + (std::size_t{1} << 14);

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Bytes written, or output_too_small.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        const std::size_t hidden = worthwhile_states(in.size());
        if (hidden != 0 && !entropy::is_run(in)) {
            span_sink sink(out.first(out.size() < in.size() ? out.size() : in.size()));
            put_header(sink, hidden);
            learn(in, hidden);
            detail::symbol_writer_end<span_sink> end(sink);
            const bool coded = code_.code(end, model_, Layout.shape(hidden));
            PITH_ASSERT(coded);
            static_cast<void>(coded);
            encode_records(end, in);
            end.finish();
            if (sink.size() <= in.size()) return sink.written();
        }
        return entropy::encode_plain_block(in, out);
    }

    /// out.size(), or what is wrong with the block.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (out.empty() || in.empty() || in[0] != static_cast<std::uint8_t>(entropy::block_form::coded))
            return entropy::decode_plain_block(in, out);
        if (in.size() < 4) return error{error_code::truncated, in.size(), "the block is cut off"};
        const circuit_layout layout{in[1], in[2], std::size_t{4} * in[3], {}};
        if (!layout.valid() || !worthwhile(layout.shape(layout.states), out.size()))
            return error{error_code::bad_header, 1, "a circuit of a shape that no encoder chooses"};
        if (in.size() > out.size())
            return error{error_code::bad_stream, 0, "a block that is longer coded than stored"};
        detail::symbol_reader_end end(in.subspan(4));
        if (!code_.code(end, model_, layout.shape(layout.states)))
            return error{error_code::bad_model, 4, "the tree is not one that an encoder writes"};
        decode_records(end, layout, out);
        const auto finished = end.finish();
        if (!finished) return finished.error().shifted_by(4);
        if (entropy::is_run(out)) return error{error_code::bad_stream, 4, "a run was coded"};
        return out.size();
    }

  private:
    /// The stored circuit, at about 4 bits a parameter, takes at most a twelfth of the block.
    [[nodiscard]] static constexpr bool worthwhile(const circuit_shape& shape, std::size_t size) noexcept {
        const std::size_t emissions = shape.symbols == 2 ? 1 : shape.symbols;
        return shape.variables * shape.states * (shape.states + emissions) * 6 <= size;
    }
    /// As many states as the layout says, or fewer so that the circuit is worthwhile; 0 where not even 4 are.
    [[nodiscard]] static constexpr std::size_t worthwhile_states(std::size_t size) noexcept {
        std::size_t m = Layout.states;
        while (m != 0 && !worthwhile(Layout.shape(m), size)) m -= 4;
        return m;
    }
    static void put_header(span_sink& sink, std::size_t hidden) noexcept {
        sink.put(static_cast<std::uint8_t>(entropy::block_form::coded));
        sink.put(static_cast<std::uint8_t>(Layout.record));
        sink.put(static_cast<std::uint8_t>(Layout.bits));
        sink.put(static_cast<std::uint8_t>(hidden / 4));
    }

    static void unpack(const std::uint8_t* record, std::size_t bytes, unsigned bits,
                       std::uint8_t* symbols) noexcept {
        const unsigned mask = (1U << bits) - 1;
        for (std::size_t i = 0; i < bytes; ++i)
            for (unsigned at = 8; at > 0; at -= bits)
                *symbols++ = static_cast<std::uint8_t>((record[i] >> (at - bits)) & mask);
    }
    static void pack(const std::uint8_t* symbols, std::size_t bytes, unsigned bits,
                     std::uint8_t* record) noexcept {
        for (std::size_t i = 0; i < bytes; ++i) {
            unsigned byte = 0;
            for (unsigned k = 0; k < 8; k += bits) byte = byte << bits | *symbols++;
            record[i] = static_cast<std::uint8_t>(byte);
        }
    }

    template <symbol_end End>
    void encode_records(End& end, byte_view in) noexcept {
        std::uint8_t symbols[circuit_tree::max_size];
        std::size_t at = 0;
        for (; in.size() - at >= Layout.record; at += Layout.record) {
            unpack(in.data() + at, Layout.record, Layout.bits, symbols);
            records_.code(end, model_, walk_, symbols);
        }
        for (; at < in.size(); ++at) end.template code_even<8>(in[at]);
    }
    void decode_records(detail::symbol_reader_end& end, const circuit_layout& layout,
                        byte_span out) noexcept {
        std::uint8_t symbols[circuit_tree::max_size] = {};
        std::size_t at = 0;
        for (; out.size() - at >= layout.record; at += layout.record) {
            records_.code(end, model_, walk_, symbols);
            pack(symbols, layout.record, layout.bits, out.data() + at);
        }
        for (; at < out.size(); ++at) out[at] = static_cast<std::uint8_t>(end.template code_even<8>(0));
    }

    void learn(byte_view in, std::size_t hidden) noexcept {
        constexpr std::size_t width = 8 * Layout.record / Layout.bits;
        const std::size_t records = in.size() / Layout.record;
        std::size_t stride = (records + 4 * sample_records - 1) / (4 * sample_records);
        std::size_t distinct = gather(in, records, stride);
        while (distinct == most_distinct) distinct = gather(in, records, stride = 2 * stride);
        const circuit_sample sample{{symbols_.data(), distinct * width}, {weights_.data(), distinct}};
        std::uint8_t parents[width];
        chow_liu(sample.symbols, Layout.bits, parents);
        circuit_tree tree;
        const bool valid = tree.assign(parents);
        PITH_ASSERT(valid);
        static_cast<void>(valid);
        model_.reshape(Layout.shape(hidden), tree);
        learner_.fit(model_, sample, Layout.training);
    }

    static constexpr std::size_t most_distinct =
        sample_room / (8 * Layout.record / Layout.bits) < sample_records
            ? sample_room / (8 * Layout.record / Layout.bits)
            : sample_records;

    /// Every stride-th record into the sample, equal ones once with their number as weight. Returns their
    /// number; it stops when the sample is full.
    [[nodiscard]] std::size_t gather(byte_view in, std::size_t records, std::size_t stride) noexcept {
        constexpr std::size_t width = 8 * Layout.record / Layout.bits;
        std::size_t distinct = 0;
        std::memset(slots_.data(), 0xFF, slots * sizeof(std::uint32_t));
        for (std::size_t r = 0; r < records; r += stride) {
            std::uint8_t* const symbols = symbols_.data() + distinct * width;
            if (distinct == most_distinct) break;
            unpack(in.data() + r * Layout.record, Layout.record, Layout.bits, symbols);
            std::uint64_t hash = 0;
            for (std::size_t i = 0; i < Layout.record; ++i)
                hash = (hash ^ in[r * Layout.record + i]) * 0x9E37'79B9'7F4A'7C15U;
            std::size_t slot = hash >> 49;  // slots = 2^15, at most half of them taken
            while (slots_[slot] != ~std::uint32_t{0} &&
                   std::memcmp(symbols_.data() + slots_[slot] * width, symbols, width) != 0)
                slot = (slot + 1) % slots;
            if (slots_[slot] == ~std::uint32_t{0}) {
                slots_[slot] = static_cast<std::uint32_t>(distinct);
                weights_[distinct++] = 0.0F;
            }
            weights_[slots_[slot]] += 1.0F;
        }
        return distinct;
    }

    circuit model_;
    circuit_walk walk_;
    circuit_learner learner_;
    circuit_code code_;
    circuit_record_code records_;
    table<std::uint8_t> symbols_ = table<std::uint8_t>(sample_room);
    table<float> weights_ = table<float>(sample_records);
    table<std::uint32_t> slots_ = table<std::uint32_t>(slots);
};

}  // namespace pith::inline v1::mixing
