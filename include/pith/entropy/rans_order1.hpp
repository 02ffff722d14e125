// Blocks of bytes by order-1 interleaved rANS: contexts are the bytes before, rare ones share tables. Blocks
// that order 0 codes in less, or that do not shrink at all, are written as rans_bytes writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/frequency.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/entropy/rans_order1_header.hpp>
#include <pith/entropy/rans_order1_lanes.hpp>
#include <pith/entropy/rans_order1_model.hpp>

namespace pith::inline v1::entropy {

/// A block_coder. First byte of a block: below 16 as in rans_bytes; 64 + 16 * (precision - 10) + log2(lanes)
/// for order 1 (then the context map, the tables, the states and the words). Memory: 4.2 MB of tables; an
/// encoder touches 1.6 MB of them, a decoder 4 to 16 KB for each value that occurs in the block. Exact.
template <order1_rounds Order1Rounds = scalar_order1_rounds, rans_rounds Order0Rounds = scalar_rounds>
class rans_order1 {
    static constexpr unsigned max_precision = 12;
    static constexpr std::size_t words =
        (std::size_t{256} << max_precision) + order1_slot_word<max_precision>::overrun;

  public:
    static constexpr std::uint32_t recipe = 0x04;
    static constexpr const char* name = "rans_order1";
    static constexpr std::size_t memory = sizeof(rans_bytes<Order0Rounds>) + 4 * words;

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n + 1; }

    /// Bytes written, or output_too_small. in.size() < 2^32.
    result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.size() >= min_size && !out.empty()) {
            if (const std::size_t size = encode_order1(in, out); size != 0) return size;
        }
        return order0_.encode_into(in, out);
    }

    /// out.size(), or truncated, bad_header, bad_model, bad_stream, trailing_data.
    result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (out.empty() || in.empty() || in[0] < mode_order1) return order0_.decode_into(in, out);
        const unsigned lanes = in[0] & 15U;
        const unsigned precision = min_precision + (unsigned{in[0]} - mode_order1) / 16;
        if (precision > max_precision || !lanes_known(lanes) || out.size() < min_size) {
            return error{error_code::bad_header, 0, "a block of unknown kind"};
        }
        byte_reader reader(in.subspan(1));
        const result<std::uint8_t> first = read_model(reader, precision, out.size());
        if (!first) return first.error().shifted_by(1);
        const std::size_t head = 1 + reader.position();
        const result<void> decoded = decode_lanes(precision, lanes, *first, in.subspan(head), out);
        if (!decoded) return decoded.error().shifted_by(head);
        return out.size();
    }

  private:
    static constexpr std::uint8_t mode_order1 = 64;
    static constexpr unsigned min_precision = 10;
    static constexpr std::size_t min_size = 64;  // shorter blocks cannot pay for the tables
    static constexpr std::size_t pairs = 65536;

    /// Slots of tables for so many bytes at most: keeps the work of reading a small block's header small.
    [[nodiscard]] static constexpr bool worth_tables(std::size_t symbols, unsigned precision,
                                                     std::size_t size) noexcept {
        return (std::uint64_t{symbols} << precision) / 64 <= size;
    }
    [[nodiscard]] static constexpr bool lanes_known(unsigned log2) noexcept {
        return log2 == 2 || log2 == 3 || log2 == 5 || log2 == 6;
    }
    /// log2 of the lanes for a payload of so many bytes. A lane wastes its first 15 bits and a context.
    [[nodiscard]] static constexpr unsigned lanes_log2(std::uint64_t payload) noexcept {
        if (payload >= 80'000) return 6;
        if (payload >= 24'000) return 5;
        return payload >= 5'000 ? 3 : 2;
    }

    // The encoder's view of the words: records of pairs, counts of pairs, counts by rank.
    [[nodiscard]] std::uint32_t* records() noexcept { return words_.data(); }
    [[nodiscard]] std::uint32_t* counts() noexcept { return words_.data() + 4 * pairs; }
    [[nodiscard]] std::uint32_t* tally() noexcept { return words_.data() + 5 * pairs; }

    /// 0 where order 1 does not pay or does not fit.
    std::size_t encode_order1(byte_view in, byte_span out) noexcept {
        count_pairs(in, std::span<std::uint32_t, pairs>(counts(), pairs));
        order1_map map;
        std::uint32_t occurrences[256];
        find_alphabet(in, map, occurrences);
        if (map.symbol_count < 2 || !worth_tables(map.symbol_count, min_precision, in.size())) return 0;
        fill_tally(map);
        order1_clustering clustering(tally(), map.symbol_count);
        const std::uint64_t plain = clustering.priced(min_precision).entropy >> 19;
        const std::uint64_t flat = order0_bytes(clustering, map, occurrences, in.size());
        if (plain >= flat || plain >= in.size()) return 0;
        const unsigned lanes = lanes_log2(plain);
        start_segments(in, lanes, map);
        clustering.recount();
        clustering.join();
        number_tables(clustering, map);
        const unsigned precision = choose_precision(clustering, map, in.size());
        out[0] = static_cast<std::uint8_t>(mode_order1 + 16 * (precision - min_precision) + lanes);
        span_sink header(out.subspan(1));
        write_order1_map(header, map);
        write_tables(header, clustering, map, precision);
        const std::size_t head = 1 + header.size();
        const std::size_t best = flat < in.size() ? static_cast<std::size_t>(flat) : in.size();
        if (header.overflowed() || head + plain >= best) return 0;
        // The words end at the end of the smaller of the room and the bytes that would still be a gain.
        const std::size_t room = out.size() < best ? out.size() : best;
        if (head >= room) return 0;
        const byte_span body = out.subspan(head, room - head);
        const result<std::size_t> size = encode_lanes(lanes, in, map.symbols[map.first], body);
        if (!size) return 0;
        std::memmove(body.data(), body.data() + (body.size() - *size), *size);
        return head + *size;
    }

    /// The bytes that occur, how often, and the most frequent one.
    void find_alphabet(byte_view in, order1_map& map, std::uint32_t (&occurrences)[256]) noexcept {
        std::uint32_t most = 0;
        for (std::size_t s = 0; s < 256; ++s) {
            std::uint32_t sum = in[0] == s ? 1 : 0;
            for (std::size_t c = 0; c < 256; ++c) sum += counts()[s << 8 | c];
            if (sum == 0) continue;
            if (sum > most) map.first = static_cast<std::uint8_t>(map.symbol_count);
            most = sum > most ? sum : most;
            occurrences[map.symbol_count] = sum;
            map.symbols[map.symbol_count++] = static_cast<std::uint8_t>(s);
        }
    }
    void fill_tally(const order1_map& map) noexcept {
        for (std::size_t c = 0; c < map.symbol_count; ++c) {
            for (std::size_t s = 0; s < map.symbol_count; ++s)
                tally()[256 * c + s] = counts()[std::size_t{map.symbols[s]} << 8 | map.symbols[c]];
        }
    }
    /// What order 0 needs at least, in bytes: the entropy, its state and a bit for each symbol of its table.
    /// Being a bound, it makes the choice independent of the room in the destination.
    [[nodiscard]] static std::uint64_t order0_bytes(const order1_clustering& clustering,
                                                    const order1_map& map,
                                                    const std::uint32_t (&occurrences)[256],
                                                    std::size_t size) noexcept {
        std::uint64_t entropy = clustering.plogp(static_cast<std::uint32_t>(size));
        for (std::size_t s = 0; s < map.symbol_count; ++s) entropy -= clustering.plogp(occurrences[s]);
        entropy -= entropy >> 14;  // the error of plogp
        return (entropy >> 19) + map.symbol_count / 8 + 4;
    }

    /// Moves the first byte of each segment to the first context.
    void start_segments(byte_view in, unsigned lanes, const order1_map& map) noexcept {
        const std::size_t stride = in.size() >> lanes;
        const std::uint8_t first = map.symbols[map.first];
        for (std::size_t lane = 0; lane < std::size_t{1} << lanes; ++lane) {
            const std::size_t at = lane * stride;
            if (at != 0) --counts()[std::size_t{in[at]} << 8 | in[at - 1]];
            ++counts()[std::size_t{in[at]} << 8 | first];
        }
        fill_tally(map);
    }

    /// One bit more where it saves 0.7 % (the second: 0.5 %) of the block beyond what it adds to the tables:
    /// their slots leave the fast caches, and decoding loses up to a quarter of its speed.
    [[nodiscard]] static unsigned choose_precision(const order1_clustering& clustering, const order1_map& map,
                                                   std::size_t size) noexcept {
        unsigned precision = min_precision;
        auto price = clustering.priced(precision);
        while (precision < max_precision && worth_tables(map.symbol_count, precision + 1, size)) {
            const auto finer = clustering.priced(precision + 1);
            const std::uint64_t needed =
                price.entropy / (precision == min_precision ? 144 : 200) + (price.frequencies << 15);
            if (price.excess < finer.excess + needed) break;
            price = finer;
            ++precision;
        }
        return precision;
    }

    static void number_tables(const order1_clustering& clustering, order1_map& map) noexcept {
        std::uint8_t number[256];
        bool known[256] = {};
        for (std::size_t r = 0; r < map.symbol_count; ++r) {
            const std::size_t owner = clustering.owner(r);
            if (!known[owner]) {
                known[owner] = true;
                number[owner] = static_cast<std::uint8_t>(map.table_count++);
            }
            map.table[r] = number[owner];
        }
    }

    /// Writes each table, and builds the records of the pairs that occur in its contexts.
    void write_tables(span_sink& header, const order1_clustering& clustering, const order1_map& map,
                      unsigned precision) noexcept {
        detail::table_bit_writer bits(header);
        detail::order1_row_coder coder(precision);
        std::uint16_t frequencies[256];
        const std::span<std::uint16_t> f(frequencies, map.symbol_count);
        std::size_t tables = 0;
        for (std::size_t r = 0; r < map.symbol_count; ++r) {
            if (map.table[r] != tables) continue;
            const unsigned own =
                normalize_order1_row({clustering.row(clustering.owner(r)), map.symbol_count}, f, precision);
            const bool valid = coder.code(bits, own, f);
            PITH_ASSERT(valid);
            static_cast<void>(valid);
            build_records(f, map, tables, precision);
            ++tables;
        }
        bits.finish();
    }
    void build_records(std::span<const std::uint16_t> f, const order1_map& map, std::size_t table,
                       unsigned precision) noexcept {
        std::uint8_t contexts[256];
        std::size_t members = 0;
        for (std::size_t c = 0; c < map.symbol_count; ++c) {
            if (map.table[c] == table) contexts[members++] = map.symbols[c];
        }
        std::uint32_t start = 0;
        for (std::size_t s = 0; s < f.size(); ++s) {
            if (f[s] == 0) continue;
            std::uint32_t record[4];
            build_order1_record(f[s], start, precision, record);
            start += f[s];
            for (std::size_t k = 0; k < members; ++k) {
                const std::size_t pair = std::size_t{map.symbols[s]} << 8 | contexts[k];
                if (counts()[pair] != 0) std::memcpy(records() + 4 * pair, record, sizeof record);
            }
        }
    }

    result<std::size_t> encode_lanes(unsigned log2, byte_view in, std::uint8_t first,
                                     byte_span body) noexcept {
        switch (log2) {
            case 2:
                return order1_encode_lanes<4, Order1Rounds>(in, records(), first, body);
            case 3:
                return order1_encode_lanes<8, Order1Rounds>(in, records(), first, body);
            case 5:
                return order1_encode_lanes<32, Order1Rounds>(in, records(), first, body);
            default:
                return order1_encode_lanes<64, Order1Rounds>(in, records(), first, body);
        }
    }

    /// Reads the map and the tables, and builds the slots of each context; gives the first context.
    result<std::uint8_t> read_model(byte_reader& reader, unsigned precision, std::size_t size) noexcept {
        const result<order1_map> map = read_order1_map(reader);
        if (!map) return map.error();
        const error bad =
            reader.fail(error_code::bad_model, "the tables are not those that an encoder writes");
        if (!worth_tables(map->symbol_count, precision, size)) return bad;
        detail::table_bit_reader bits(reader.rest());
        detail::order1_row_coder coder(precision);
        std::uint32_t* built[256];
        bool met[256] = {};
        std::size_t tables = 0;
        for (std::size_t r = 0; r < map->symbol_count; ++r) {
            std::uint32_t* const slots = words_.data() + (std::size_t{map->symbols[r]} << precision);
            if (map->table[r] < tables) {
                std::memcpy(slots, built[map->table[r]], std::size_t{4} << precision);
                continue;
            }
            std::uint16_t frequencies[256] = {};
            const std::span<std::uint16_t> f(frequencies, map->symbol_count);
            if (!coder.code(bits, 0, f) || bits.overrun()) return bad;
            for (std::size_t s = 0; s < f.size(); ++s) met[s] = met[s] || f[s] != 0;
            build_slots(precision, f, map->symbols, slots);
            built[tables++] = slots;
        }
        for (std::size_t s = 0; s < map->symbol_count; ++s) {
            if (!met[s]) return bad;
        }
        if (!bits.finished() || !reader.read_bytes(bits.position())) return bad;
        return map->symbols[map->first];
    }
    static void build_slots(unsigned precision, std::span<const std::uint16_t> f, const std::uint8_t* symbols,
                            std::uint32_t* slots) noexcept {
        if (precision == 10) return order1_slot_word<10>::build(f, symbols, slots);
        if (precision == 11) return order1_slot_word<11>::build(f, symbols, slots);
        return order1_slot_word<12>::build(f, symbols, slots);
    }

    result<void> decode_lanes(unsigned precision, unsigned lanes, std::uint8_t first, byte_view body,
                              byte_span out) noexcept {
        if (precision == 10) return decode_lanes<10>(lanes, first, body, out);
        if (precision == 11) return decode_lanes<11>(lanes, first, body, out);
        return decode_lanes<12>(lanes, first, body, out);
    }
    template <unsigned Precision>
    result<void> decode_lanes(unsigned log2, std::uint8_t first, byte_view body, byte_span out) noexcept {
        switch (log2) {
            case 2:
                return order1_decode_lanes<4, Precision, Order1Rounds>(body, words_.data(), first, out);
            case 3:
                return order1_decode_lanes<8, Precision, Order1Rounds>(body, words_.data(), first, out);
            case 5:
                return order1_decode_lanes<32, Precision, Order1Rounds>(body, words_.data(), first, out);
            default:
                return order1_decode_lanes<64, Precision, Order1Rounds>(body, words_.data(), first, out);
        }
    }

    table<std::uint32_t> words_ = table<std::uint32_t>::unset(words);
    rans_bytes<Order0Rounds> order0_;
};

static_assert(block_coder<rans_order1<>>);

}  // namespace pith::inline v1::entropy
