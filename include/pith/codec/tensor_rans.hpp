// The rANS tier: planes of elements under static tables of the tensor, exponents under a table for each class
// of rows and columns. Own work after ZipNN (2024) and DFloat11 (2025), which have one table and no classes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <pith/codec/tensor_classes.hpp>
#include <pith/codec/tensor_delta.hpp>
#include <pith/codec/tensor_rans_plan.hpp>
#include <pith/codec/tensor_stream.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/frequency.hpp>
#include <pith/entropy/rans_classes.hpp>
#include <pith/entropy/rans_lanes.hpp>
#include <pith/simd/float_split.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_classes.hpp>

namespace pith::inline v1::codec {

/// A tensor_tier. Parameters: the delta_kind, then for each plane from the highest to the lowest its
/// plane_coding and what belongs to it. A block: for each coded plane from the highest its size (0 where it
/// is raw) and its stream; then the raw planes. Exact.
template <entropy::rans_rounds Rounds, entropy::class_rounds ClassRounds>
class rans_tier {
  public:
    static constexpr std::uint32_t recipe = 0x61;
    static constexpr const char* name = "rans planes";
    static constexpr unsigned block_log2 = 16;

    /// Holds planes, classes and a difference of one block.
    struct worker {
        std::vector<std::uint8_t> memory;
    };

    void prepare(const tensor_geometry& g, byte_view values, byte_view base,
                 std::vector<std::uint8_t>& side) {
        planes_.type = g.type;
        planes_.delta = detail::choose_delta(g, values, base);
        detail::rans_planner planner(planes_, g, values, base);
        planner.plan(plan_);
        side.push_back(static_cast<std::uint8_t>(planes_.delta));
        for (std::size_t p = g.width(); p-- > 0;) write_plane(p, planner, side);
        // Nothing to win: an empty list stores the tensor.
        if (planner.saved() <= side.size()) side.clear();
    }

    result<void> open(const tensor_geometry& g, bool has_base, byte_view side, std::uint64_t max_memory) {
        byte_reader in(side);
        const result<std::uint8_t> kind = in.read_le<std::uint8_t>();
        if (!kind) return kind.error();
        if (*kind >= (has_base ? delta_kinds : 1))
            return in.fail(error_code::bad_header, "parameters that the tier does not write");
        planes_.type = g.type;
        planes_.delta = static_cast<delta_kind>(*kind);
        for (std::size_t p = g.width(); p-- > 0;) {
            const auto read = read_plane(in, p, g, max_memory);
            if (!read) return read;
        }
        if (in.remaining() != 0) return in.fail(error_code::trailing_data, "bytes follow the parameters");
        return {};
    }

    std::size_t encode_block(worker& w, std::uint64_t first, byte_view values, byte_view base,
                             byte_span out) const {
        const std::size_t width = size_of(planes_.type);
        const std::size_t n = values.size() / width;
        w.memory.resize((2 * width + 1) * n);
        std::uint8_t* const planes = w.memory.data();
        planes_.split(values, base, planes, n, planes + (width + 1) * n);
        std::size_t at = 0;
        std::array<bool, 8> raw{};
        for (std::size_t p = width; p-- > 0;) {
            raw[p] = plan_.coding[p] == plane_coding::raw;
            if (raw[p] || plan_.coding[p] == plane_coding::constant) continue;
            if (out.size() - at < 4) return 0;
            const byte_view in(planes + p * n, n);
            const byte_span body = out.subspan(at + 4, out.size() - at - 4 < n ? out.size() - at - 4 : n);
            const result<std::size_t> size =
                encode_plane(p, first, in, byte_span(planes + width * n, n), body);
            raw[p] = !size || *size >= n;
            const std::size_t coded = raw[p] ? 0 : *size;
            store_le<std::uint32_t>(out.data() + at, static_cast<std::uint32_t>(coded));
            if (coded != 0) std::memmove(body.data(), body.data() + (body.size() - coded), coded);
            at += 4 + coded;
        }
        for (std::size_t p = width; p-- > 0;) {
            if (!raw[p]) continue;
            if (out.size() - at < n) return 0;
            std::memcpy(out.data() + at, planes + p * n, n);
            at += n;
        }
        return at;
    }

    result<void> decode_block(worker& w, std::uint64_t first, byte_view in, byte_view base,
                              byte_span values) const {
        const std::size_t width = size_of(planes_.type);
        const std::size_t n = values.size() / width;
        w.memory.resize((width + 1) * n);
        std::uint8_t* const planes = w.memory.data();
        byte_reader reader(in);
        std::array<const std::uint8_t*, 8> from{};  // null: raw, still to come
        for (std::size_t p = width; p-- > 0;) {
            if (plan_.coding[p] == plane_coding::raw) continue;
            from[p] = planes + p * n;
            if (plan_.coding[p] == plane_coding::constant) {
                std::memset(planes + p * n, plan_.value[p], n);
                continue;
            }
            const result<std::uint32_t> size = reader.read_le<std::uint32_t>();
            if (!size) return size.error();
            if (*size == 0) from[p] = nullptr;
            const result<byte_view> coded = reader.read_bytes(*size);
            if (!coded) return coded.error();
            if (*size == 0) continue;
            const auto done = decode_plane(p, first, *coded, byte_span(planes + width * n, n),
                                           byte_span(planes + p * n, n));
            if (!done) return done.error().shifted_by(reader.position() - *size);
        }
        for (std::size_t p = width; p-- > 0;) {
            if (from[p] != nullptr) continue;
            const result<byte_view> raw = reader.read_bytes(n);
            if (!raw) return raw.error();
            from[p] = raw->data();
        }
        if (reader.remaining() != 0) return reader.fail(error_code::trailing_data, "bytes follow a block");
        merge(from, planes, n, values);
        planes_.undo(base, values);
        return {};
    }

  private:
    static constexpr unsigned fine = 12;     // precision of a plane's table
    static constexpr unsigned classed = 10;  // of a class's: sixteen of them stay near the processor

    void write_plane(std::size_t p, const detail::rans_planner& planner, std::vector<std::uint8_t>& side) {
        side.push_back(static_cast<std::uint8_t>(plan_.coding[p]));
        vector_sink sink(side);
        std::uint16_t frequencies[256];
        if (plan_.coding[p] == plane_coding::constant) side.push_back(plan_.value[p]);
        if (plan_.coding[p] == plane_coding::table) {
            entropy::normalize_frequencies(planner.counts(p), frequencies, fine);
            entropy::write_frequencies(sink, frequencies, fine);
            symbols_.resize(8);
            symbols_[p].build(frequencies);
        }
        if (plan_.coding[p] != plane_coding::classes) return;
        plan_.classes.write(side);
        class_symbols_.resize(16);
        for (unsigned c = 0; c < plan_.classes.count; ++c) {
            entropy::normalize_frequencies(planner.counts_of_class(c), frequencies, classed);
            entropy::write_frequencies(sink, frequencies, classed);
            class_symbols_[c].build(frequencies);
        }
    }
    [[nodiscard]] result<void> read_plane(byte_reader& in, std::size_t p, const tensor_geometry& g,
                                          std::uint64_t max_memory) {
        const result<std::uint8_t> coding = in.read_le<std::uint8_t>();
        if (!coding) return coding.error();
        const error bad = in.fail(error_code::bad_header, "a plane coded in an unknown way");
        if (*coding > static_cast<unsigned>(plane_coding::raw)) return bad;
        plan_.coding[p] = static_cast<plane_coding>(*coding);
        std::uint16_t frequencies[256];
        if (plan_.coding[p] == plane_coding::constant) {
            const result<std::uint8_t> value = in.read_le<std::uint8_t>();
            if (!value) return value.error();
            plan_.value[p] = *value;
        } else if (plan_.coding[p] == plane_coding::table) {
            if (const auto read = entropy::read_frequencies(in, frequencies, fine); !read) return read;
            for (const std::uint16_t f : frequencies)
                if (f >> fine != 0) return in.fail(error_code::bad_model, "a table for one value");
            slots_.resize(8);
            slots_[p].build(frequencies);
        } else if (plan_.coding[p] == plane_coding::classes) {
            if (p + 1 != g.width()) return bad;
            if (const auto read = plan_.classes.read(in, g, max_memory); !read) return read;
            class_slots_.resize(16);
            for (unsigned c = 0; c < plan_.classes.count; ++c) {
                if (const auto read = entropy::read_frequencies(in, frequencies, classed); !read) return read;
                class_slots_[c].build(frequencies);
            }
        }
        return {};
    }

    /// f with the number of lanes for n symbols as a constant: a lane costs three bytes.
    template <class F>
    static auto with_lanes(std::size_t n, F f) {
        if (n >= 32768) return f(std::integral_constant<unsigned, 64>{});
        if (n >= 8192) return f(std::integral_constant<unsigned, 32>{});
        if (n >= 1024) return f(std::integral_constant<unsigned, 4>{});
        return f(std::integral_constant<unsigned, 1>{});
    }
    result<std::size_t> encode_plane(std::size_t p, std::uint64_t first, byte_view in, byte_span classes,
                                     byte_span out) const {
        return with_lanes(in.size(), [&](auto lanes) {
            if (plan_.coding[p] == plane_coding::table)
                return entropy::rans_encode_lanes<lanes(), fine, Rounds>(in, symbols_[p], out);
            plan_.classes.fill(first, classes);
            return entropy::rans_encode_classes<lanes(), ClassRounds>(in, classes, class_symbols_[0].words,
                                                                      out);
        });
    }
    result<void> decode_plane(std::size_t p, std::uint64_t first, byte_view in, byte_span classes,
                              byte_span out) const {
        return with_lanes(out.size(), [&](auto lanes) {
            if (plan_.coding[p] == plane_coding::table)
                return entropy::rans_decode_lanes<lanes(), fine, Rounds>(in, slots_[p], out);
            plan_.classes.fill(first, classes);
            return entropy::rans_decode_classes<lanes(), classed, ClassRounds>(in, classes,
                                                                               class_slots_[0].words, out);
        });
    }
    void merge(const std::array<const std::uint8_t*, 8>& from, std::uint8_t* planes, std::size_t n,
               byte_span values) const noexcept {
        const std::size_t width = size_of(planes_.type);
        if (width == 2 && planes_.order() == transform::plane_order::exponent_first)
            return simd::merge_halves(from[0], from[1], values);
        for (std::size_t p = 0; p < width; ++p)
            if (from[p] != planes + p * n) std::memcpy(planes + p * n, from[p], n);
        transform::merge_elements(planes, n, width, planes_.order(), values);
    }

    detail::plane_view planes_;
    rans_plan plan_;
    std::vector<entropy::rans_symbol_table<fine>> symbols_;
    std::vector<entropy::rans_symbol_table<classed>> class_symbols_;
    std::vector<entropy::rans_slot_table<fine>> slots_;
    std::vector<entropy::rans_slot_table<classed>> class_slots_;
};

/// Exponents within a few thousandths of their entropy under row and column classes; decodes at several GB/s.
using rans_planes = rans_tier<simd::rans_rounds<>, simd::class_rounds<>>;
static_assert(tensor_tier<rans_planes>);

}  // namespace pith::inline v1::codec
