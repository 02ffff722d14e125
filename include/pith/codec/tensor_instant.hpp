// The instant tier: exponents as short offsets from a base per 1024 values, all else raw; decodes at the
// speed of memory. Own work on the window codes of ZipServ (2026), see entropy/window_code.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include <pith/codec/tensor_delta.hpp>
#include <pith/codec/tensor_stream.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/window_code.hpp>
#include <pith/simd/float_split.hpp>
#include <pith/simd/narrow_histogram.hpp>
#include <pith/simd/window.hpp>

namespace pith::inline v1::codec {

namespace detail {
#if !defined(PITH_NO_SIMD) && (defined(__AVX2__) || defined(__aarch64__))
using window_kernel = simd::window_kernel<>;
#else
using window_kernel = entropy::portable_windows;
#endif
}  // namespace detail

/// A tensor_tier. Parameters: one byte, the delta_kind. A block is its groups of 1024 values in order, a
/// group its planes from the highest (exponents) to the lowest, each in the form of entropy/window_code.hpp.
/// Exact.
template <entropy::window_kernel Kernel>
class window_tier {
  public:
    static constexpr std::uint32_t recipe = 0x60;
    static constexpr const char* name = "instant";
    static constexpr unsigned block_log2 = 16;

    struct worker {
        std::vector<std::uint8_t> memory =
            std::vector<std::uint8_t>(sizeof(entropy::window_scratch) + 64 + 16 * entropy::window_group);
    };

    /// Looks at 8 to 15 groups, to decide what each plane is worth.
    void prepare(const tensor_geometry& g, byte_view values, byte_view base,
                 std::vector<std::uint8_t>& side) {
        planes_.type = g.type;
        std::uint64_t least = ~std::uint64_t{0};
        plan best;
        delta_kind kind = delta_kind::none;
        for (unsigned k = 0; k < (base.empty() ? 1U : unsigned{delta_kinds}); ++k) {
            planes_.delta = static_cast<delta_kind>(k);
            plan p;
            const std::uint64_t cost = survey(values, base, p);
            if (cost >= least) continue;
            least = cost;
            best = p;
            kind = planes_.delta;
        }
        planes_.delta = kind;
        plan_ = best;
        side.push_back(static_cast<std::uint8_t>(kind));
    }
    result<void> open(const tensor_geometry& g, bool has_base, byte_view side, std::uint64_t) noexcept {
        if (side.size() != 1 || side[0] >= (has_base ? delta_kinds : 1))
            return error{error_code::bad_header, 0, "parameters that the tier does not write"};
        planes_.type = g.type;
        planes_.delta = static_cast<delta_kind>(side[0]);
        return {};
    }

    std::size_t encode_block(worker& w, std::uint64_t, byte_view values, byte_view base,
                             byte_span out) const noexcept {
        span_sink sink(out);
        const std::size_t width = size_of(planes_.type);
        std::uint8_t* const planes = memory_of(w);
        for (std::size_t at = 0; at < values.size(); at += group * width) {
            const std::size_t size = values.size() - at < group * width ? values.size() - at : group * width;
            const byte_view other = base.empty() ? base : base.subspan(at, size);
            planes_.split(values.subspan(at, size), other, planes, group, planes + 8 * group);
            for (std::size_t p = width; p-- > 0;)
                put_plane(sink, planes + p * group, size / width, plan_.bits[p], *scratch_of(w));
            if (sink.overflowed()) return 0;
        }
        return sink.size();
    }
    result<void> decode_block(worker& w, std::uint64_t, byte_view in, byte_view base,
                              byte_span values) const noexcept {
        byte_reader reader(in);
        const std::size_t width = size_of(planes_.type);
        for (std::size_t at = 0; at < values.size(); at += group * width) {
            const std::size_t size = values.size() - at < group * width ? values.size() - at : group * width;
            const byte_span to = values.subspan(at, size);
            const auto got = get_group(w, reader, to);
            if (!got) return got;
            planes_.undo(base.empty() ? base : base.subspan(at, size), to);
        }
        if (reader.remaining() != 0) return reader.fail(error_code::trailing_data, "bytes follow a block");
        return {};
    }

  private:
    static constexpr std::size_t group = entropy::window_group;
    /// For each plane about how many bits its windows have; 0 constant, 8 raw.
    struct plan {
        std::uint8_t bits[8] = {8, 8, 8, 8, 8, 8, 8, 8};
    };

    /// An object of arrays, which the memory holds from the start: making it anew would clear it each time.
    [[nodiscard]] static entropy::window_scratch* scratch_of(worker& w) noexcept {
        const std::size_t over = reinterpret_cast<std::uintptr_t>(w.memory.data()) % 64;
        return std::launder(reinterpret_cast<entropy::window_scratch*>(w.memory.data() + (64 - over) % 64));
    }
    [[nodiscard]] static std::uint8_t* memory_of(worker& w) noexcept {
        return w.memory.data() + sizeof(entropy::window_scratch) + 64;
    }

    /// A census of every second symbol of a whole group; of a short one, or where asked, of all.
    [[nodiscard]] static entropy::window_census take(const std::uint8_t* symbols, std::size_t n,
                                                     bool all) noexcept {
        std::uint16_t counts[256];
        const simd::value_range r = n == group && !all ? simd::narrow_histogram<2>(symbols, n, counts)
                                                       : simd::narrow_histogram<1>(symbols, n, counts);
        return entropy::window_census(counts, r.lowest, r.highest);
    }
    [[nodiscard]] static bool is_constant(const std::uint8_t* symbols, std::size_t n) noexcept {
        return n == 1 || std::memcmp(symbols, symbols + 1, n - 1) == 0;
    }

    static void put_plane(span_sink& sink, const std::uint8_t* symbols, std::size_t n, unsigned expected,
                          entropy::window_scratch& s) noexcept {
        entropy::window_form form;
        if (expected < 8) {
            form = entropy::choose_window(take(symbols, n, false), expected > 1 ? expected - 1 : 1,
                                          expected < 7 ? expected + 1 : 7);
            if (form.bits == 0 && !is_constant(symbols, n)) form.bits = form.base < 255 ? 1 : 8;
        }
        entropy::put_window_group<Kernel>(sink, symbols, n, form, s);
    }

    std::uint64_t survey(byte_view values, byte_view base, plan& out) const {
        worker w;
        std::uint8_t* const planes = memory_of(w);
        const std::size_t width = size_of(planes_.type);
        const std::size_t bytes = group * width;
        const std::size_t groups = (values.size() + bytes - 1) / bytes;
        const std::size_t step = groups > 8 ? groups / 8 : 1;
        std::uint64_t costs[8][9] = {};
        std::uint64_t whole = 0;
        for (std::size_t k = 0; k < groups; k += step) {
            const std::size_t at = k * bytes;
            const std::size_t size = values.size() - at < bytes ? values.size() - at : bytes;
            const byte_view other = base.empty() ? base : base.subspan(at, size);
            planes_.split(values.subspan(at, size), other, planes, group, planes + 8 * group);
            whole += 8 * size / width;
            for (std::size_t p = 0; p < width; ++p) {
                const entropy::window_census census = take(planes + p * group, size / width, true);
                std::uint8_t ignored = 0;
                for (unsigned bits = 1; bits < 8; ++bits)
                    costs[p][bits] += census.constant()              ? 8
                                      : bits < 6 && !census.skewed() ? 8 * census.total()
                                                                     : census.best_base(bits, ignored);
            }
        }
        std::uint64_t sum = 0;
        for (std::size_t p = 0; p < width; ++p) {
            std::uint64_t least = whole - whole / 64;
            for (unsigned bits = 1; bits < 8; ++bits)
                if (costs[p][bits] < least)
                    least = costs[p][bits], out.bits[p] = static_cast<std::uint8_t>(bits);
            sum += least;
        }
        return sum;
    }

    /// One group into `to`, still as a difference where there is one.
    result<void> get_group(worker& w, byte_reader& in, byte_span to) const noexcept {
        const std::size_t width = size_of(planes_.type);
        const std::size_t n = to.size() / width;
        std::uint8_t* const planes = memory_of(w);
        const std::uint8_t* from[8];
        for (std::size_t p = width; p-- > 0;) {
            const auto got = entropy::get_window_group<Kernel>(in, n, planes + p * group, *scratch_of(w));
            if (!got) return got.error();
            from[p] = *got;
        }
        if (width == 2 && planes_.order() == transform::plane_order::exponent_first) {
            simd::merge_halves(from[0], from[1], to);
            return {};
        }
        for (std::size_t p = 0; p < width; ++p)
            if (from[p] != planes + p * group) std::memcpy(planes + p * group, from[p], n);
        transform::merge_elements(planes, group, width, planes_.order(), to);
        return {};
    }

    detail::plane_view planes_;
    plan plan_;
};

/// Exponents in 3 to 4 bits, mantissas raw: decodes at half the speed of memcpy or faster.
using instant = window_tier<detail::window_kernel>;
static_assert(tensor_tier<instant>);

}  // namespace pith::inline v1::codec
