// The archive tier: every plane under mixed contexts of neighbours, rows, columns, place and base; smallest,
// slow. Own work after context mixing of text (PAQ, lpaq: Mahoney, 2002-2007), see mixing/symbol_mixer.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include <pith/codec/tensor_classes.hpp>
#include <pith/codec/tensor_contexts.hpp>
#include <pith/codec/tensor_delta.hpp>
#include <pith/codec/tensor_rans_plan.hpp>
#include <pith/codec/tensor_stream.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/mixing/symbol_mixer.hpp>
#include <pith/simd/mixing.hpp>
#include <pith/transform/float_planes.hpp>

namespace pith::inline v1::codec {

namespace detail {
#ifndef PITH_NO_SIMD
using symbol_kernel = simd::mixing_kernel<>;
#else
using symbol_kernel = mixing::portable_mixing;
#endif
}  // namespace detail

/// A tensor_tier. Parameters: the difference to a base, the cut between rows and columns, the highest symbol
/// of the highest plane, and a byte whose bit p says that plane p is raw. A block: the size of the code, the
/// code (value by value, planes from the highest down), the raw planes. A base is a context too. Each worker
/// holds 8.5 MB for each plane that is coded. Exact.
template <mixing::mixing_kernel Kernel>
class mixed_tier {
  public:
    static constexpr std::uint32_t recipe = 0x62;
    static constexpr const char* name = "archive";
    static constexpr unsigned block_log2 = 22;

    struct worker {
        std::vector<std::uint8_t> memory;
        std::array<std::unique_ptr<mixing::symbol_mixer<Kernel>>, 8> mixers;
    };

    void prepare(const tensor_geometry& g, byte_view values, byte_view base,
                 std::vector<std::uint8_t>& side) {
        const detail::plane_view view{g.type, detail::choose_delta(g, values, base)};
        std::array<std::array<std::uint32_t, 256>, 8> counts{};
        const std::size_t top = g.width() - 1;
        detail::for_pieces(
            view, values, base, 1, [&](std::size_t, const std::uint8_t* planes, std::size_t n) {
                for (std::size_t p = 0; p <= top; ++p)
                    simd::histogram<>(byte_view(planes + p * detail::plan_piece, n), counts[p]);
            });
        std::uint8_t highest = 255;
        while (highest > 0 && counts[top][highest] == 0) --highest;
        std::uint8_t raw = 0;
        for (std::size_t p = 0; p + 2 < g.width(); ++p) {
            const std::uint64_t whole = g.values << 19;
            if (detail::rough_cost(counts[p].data(), 256) > whole - whole / 256)
                raw = static_cast<std::uint8_t>(raw | 1U << p);
        }
        detail::class_search search;
        unsigned cut = 0;
        if (view.delta == delta_kind::none &&
            search.start(g, static_cast<std::uint8_t>(highest > 24 ? highest - 24 : 0))) {
            detail::for_pieces(view, values, {}, 1,
                               [&](std::size_t, const std::uint8_t* planes, std::size_t n) {
                                   search.add(byte_view(planes + top * detail::plan_piece, n));
                               });
            cut = search.levels(8).cut;
        }
        set(g, view.delta, cut, highest, raw);
        side.insert(side.end(),
                    {static_cast<std::uint8_t>(view.delta), static_cast<std::uint8_t>(cut), highest, raw});
    }
    result<void> open(const tensor_geometry& g, bool has_base, byte_view side,
                      std::uint64_t max_memory) noexcept {
        if (side.size() != 4 || side[0] >= (has_base ? delta_kinds : 1) ||
            side[1] >= (g.rank == 0 ? 1 : g.rank) || side[3] >> (g.width() > 2 ? g.width() - 2 : 0) != 0)
            return error{error_code::bad_header, 0, "parameters that the tier does not write"};
        set(g, static_cast<delta_kind>(side[0]), side[1], side[2], side[3]);
        const std::uint64_t most = std::uint64_t{2} << block_log2;
        const std::uint64_t planes = (2 * g.values < most ? 2 * g.values : most) * g.width();
        const std::uint64_t memory = 17 * matrix_.columns + g.width() * mixer_bytes + planes;
        if (memory > max_memory) return error{error_code::limit_exceeded, 0, "more memory than the limit"};
        return {};
    }

    std::size_t encode_block(worker& w, std::uint64_t first, byte_view values, byte_view base,
                             byte_span out) const {
        const std::size_t n = values.size() / width_;
        if (out.size() < 4) return 0;
        block b(*this, w, n, base);
        view_.split(values, base, b.planes[0], n, b.scratch);
        span_sink sink(out.subspan(4));
        entropy::binary_encoder<span_sink> coder(sink);
        walk(w, b, first, n,
             [&](mixing::symbol_mixer<Kernel>& m, const mixing::symbol_contexts& c, std::uint8_t& s) {
                 m.encode(coder, s, c);
             });
        coder.finish();
        if (sink.overflowed()) return 0;
        store_le<std::uint32_t>(out.data(), static_cast<std::uint32_t>(sink.size()));
        for (std::size_t p = width_; p-- > 0;)
            if (is_raw(p)) sink.append(byte_view(b.planes[p], n));
        return sink.overflowed() ? 0 : 4 + sink.size();
    }
    result<void> decode_block(worker& w, std::uint64_t first, byte_view in, byte_view base,
                              byte_span values) const {
        const std::size_t n = values.size() / width_;
        byte_reader reader(in);
        const result<std::uint32_t> size = reader.read_le<std::uint32_t>();
        if (!size) return size.error();
        const result<byte_view> code = reader.read_bytes(*size);
        if (!code) return code.error();
        block b(*this, w, n, base);
        for (std::size_t p = width_; p-- > 0;) {
            if (!is_raw(p)) continue;
            const result<byte_view> raw = reader.read_bytes(n);
            if (!raw) return raw.error();
            std::memcpy(b.planes[p], raw->data(), n);
        }
        if (reader.remaining() != 0) return reader.fail(error_code::trailing_data, "bytes follow a block");
        entropy::binary_decoder<> coder(*code);
        walk(w, b, first, n,
             [&](mixing::symbol_mixer<Kernel>& m, const mixing::symbol_contexts& c, std::uint8_t& s) {
                 s = m.decode(coder, c);
             });
        if (const auto ended = coder.finish(); !ended) return ended.error().shifted_by(4);
        view_.merge(b.planes[0], n, base, values);
        return {};
    }

  private:
    static constexpr std::uint64_t mixer_bytes = std::uint64_t{9} << 20;
    static constexpr std::uint64_t most_columns = std::uint64_t{1} << 22;

    /// Where a block's planes and its base's stand in a worker's memory.
    struct block {
        block(const mixed_tier& t, worker& w, std::size_t n, byte_view other) {
            w.memory.resize((other.empty() ? 1 : 3) * t.width_ * n);
            for (std::size_t p = 0; p < t.width_; ++p) {
                planes[p] = w.memory.data() + p * n;
                if (!other.empty()) base[p] = planes[p] + t.width_ * n;
            }
            if (other.empty()) return;
            scratch = w.memory.data() + 2 * t.width_ * n;
            const detail::plane_view values{t.view_.type, delta_kind::none};
            values.split(other, {}, w.memory.data() + t.width_ * n, n, nullptr);
        }
        std::array<std::uint8_t*, 8> planes{};
        std::array<const std::uint8_t*, 8> base{};
        std::uint8_t* scratch = nullptr;  // of differences
    };

    void set(const tensor_geometry& g, delta_kind delta, unsigned cut, std::uint8_t highest,
             std::uint8_t raw) noexcept {
        view_ = {g.type, delta};
        width_ = g.width();
        raw_ = raw;
        matrix_.highest = highest;
        matrix_.differences = delta != delta_kind::none;
        matrix_.floats = !matrix_.differences && exponent_bits(g.type) != 0 && g.width() > 1;
        std::uint64_t columns = 1, inner = 1;
        for (std::size_t k = cut; k < g.rank; ++k) columns *= g.shape[k];
        for (std::size_t k = cut + 1; k < g.rank; ++k) inner *= g.shape[k];
        // A vector, and rows too long to remember, have no columns.
        if (cut == 0 || columns > most_columns || columns == 0) columns = inner = 1;
        matrix_.columns = static_cast<std::size_t>(columns);
        matrix_.inner = static_cast<std::size_t>(inner);
    }
    [[nodiscard]] bool is_raw(std::size_t p) const noexcept { return (raw_ >> p & 1) != 0; }

    template <class Code>
    void walk(worker& w, block& b, std::uint64_t first, std::size_t n, Code code) const {
        for (std::size_t p = 0; p < width_; ++p) {
            if (is_raw(p)) continue;
            if (w.mixers[p] == nullptr)
                w.mixers[p] = std::make_unique<mixing::symbol_mixer<Kernel>>();
            else
                w.mixers[p]->reset();
        }
        detail::context_walk contexts(matrix_, width_, b.planes.data(), b.base.data());
        contexts.start(first);
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t p = width_; p-- > 0;) {
                const mixing::symbol_contexts c = contexts.at(p, i);
                if (!is_raw(p)) code(*w.mixers[p], c, b.planes[p][i]);
            }
            contexts.update(i);
        }
    }

    detail::plane_view view_;
    std::size_t width_ = 1;
    std::uint8_t raw_ = 0;
    detail::tensor_matrix matrix_;
};

/// The smallest form, at about a million values a second in either direction.
using archive = mixed_tier<detail::symbol_kernel>;
static_assert(tensor_tier<archive>);

}  // namespace pith::inline v1::codec
