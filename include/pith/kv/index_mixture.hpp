// Entropy coding of a matrix of quantizer indices by mixed contexts, for caches that are kept: each binary
// decision under four adaptive predictions (expected size, column, tokens before, neighbours in the row).
// Gated logistic mixing (Mahoney, 2005) on the binarization of video coders (Marpe, Schwarz, Wiegand, 2003);
// the classes are those of kv/index_stream.hpp, which is the fast coder.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/fixed.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/kv/index_contexts.hpp>
#include <pith/kv/index_stream.hpp>
#include <pith/mixing/adaptive_map.hpp>
#include <pith/mixing/mixer.hpp>

namespace pith::inline v1::kv {

namespace detail {

/// Binary decisions of an index: 0 whether it is zero, 1 its sign, 1 + m whether it is larger than m.
inline constexpr std::size_t index_decisions = 16;
inline constexpr std::uint32_t last_unary = 14;

/// How `size` stands to `expected`, both in the same unit: 0 far below ... 5 far above. Sums below 2^36.
[[nodiscard]] inline std::uint32_t standing(std::uint64_t size, std::uint64_t expected) noexcept {
    return std::uint32_t{4 * size > expected} + std::uint32_t{5 * size > 3 * expected} +
           std::uint32_t{size > expected} + std::uint32_t{5 * size > 8 * expected} +
           std::uint32_t{2 * size > 5 * expected};
}
[[nodiscard]] inline std::uint32_t size_of(std::int32_t index) noexcept {
    return static_cast<std::uint32_t>(index < 0 ? -index : index);
}
[[nodiscard]] inline std::uint32_t sign_class(std::int32_t index) noexcept {
    return std::uint32_t{index > 0} + 2 * std::uint32_t{index < 0};
}

/// What one index is coded under; Coder::operator()(p, bit) codes a bit whose probability is p / 2^16 and
/// returns it, or decodes one.
class index_mixture {
    using cell = mixing::adaptive_probability;
    using row = std::array<cell, index_decisions>;
    static constexpr std::uint32_t limit = 255;  // observations that a prediction remembers
    static constexpr int rate = 480;
    static constexpr std::size_t large_classes = size_classes * row_classes * 2;

  public:
    /// expected[c] as for write_indices.
    explicit index_mixture(std::span<const std::uint32_t> expected)
        : by_size_(large_classes),
          by_column_(2 * expected.size()),
          by_token_(size_classes * 6 * 3),
          by_row_(6 * row_classes * 6),
          signs_(3 * expected.size(), cell(1U << 21, 2)),
          weights_(size_classes * index_decisions) {
        std::array<row, size_classes> first;
        for (std::uint32_t k = 0; k < size_classes; ++k) first[k] = geometric(k);
        for (std::size_t i = 0; i < by_size_.size(); ++i) by_size_[i] = first[i / (2 * row_classes)];
        for (std::size_t i = 0; i < by_token_.size(); ++i) by_token_[i] = first[i / 18];
        for (std::size_t i = 0; i < by_column_.size(); ++i)
            by_column_[i] = first[size_class(expected[i / 2])];
        weights_.reset(5200);  // 0.32 each
    }
    /// The contexts of index c of a row. before, before_last: the rows of the two tokens before, zeros where
    /// there are none; so_far: this row's indices up to c.
    void aim(const lane_history& history, std::size_t c, bool odd, std::span<const std::uint32_t> expected,
             const std::int32_t* before, const std::int32_t* before_last,
             const std::int32_t* so_far) noexcept {
        class_ = size_class(expected[c]);
        const std::uint32_t context = history.context(class_, odd);
        const std::uint64_t old = 2 * size_of(before[c]) + size_of(before_last[c]);
        const std::uint32_t token = standing(old << size_bits, 3 * (std::uint64_t{expected[c]} + 200));
        std::uint32_t row_stands = 0;
        if (c > 1)
            row_stands =
                standing(std::uint64_t{2 * size_of(so_far[c - 1]) + size_of(so_far[c - 2])} << size_bits,
                         2 * std::uint64_t{expected[c - 1]} + expected[c - 2] + 600);
        const std::uint32_t large = context / 2 % static_cast<std::uint32_t>(row_classes);
        at_[0] = &by_size_[context];
        at_[1] = &by_column_[2 * c + odd];
        at_[2] = &by_token_[(class_ * 6 + token) * 3 + sign_class(before[c])];
        at_[3] = &by_row_[(token * row_classes + large) * 6 + row_stands];
        sign_ = &signs_[3 * c + sign_class(before[c])];
    }
    /// Codes an index of at most max_index, or decodes one; a damaged one may be larger, up to 2^22.
    template <class Coder>
    [[nodiscard]] std::int32_t code(std::int32_t index, Coder&& coder) {
        const std::uint32_t down = plain_bits(class_);
        const std::int32_t half = down == 0 ? 0 : std::int32_t{1} << (down - 1);
        const std::int32_t coarse = (index + half) >> down;
        const std::uint32_t wanted = size_of(coarse);
        std::uint32_t size = 0;
        bool negative = false;
        if (bit(0, wanted != 0, coder)) {
            negative = bit(1, coarse < 0, coder);
            size = 1;
            while (size <= last_unary && bit(1 + size, wanted > size, coder)) ++size;
            if (size > last_unary) size = last_unary + gamma(wanted - last_unary, coder);
        }
        const auto around = static_cast<std::int32_t>(size);
        if (down == 0) return negative ? -around : around;
        std::uint32_t low = 0;
        const auto rest = static_cast<std::uint32_t>(index + half);
        for (unsigned i = down; i-- > 0;)
            low = 2 * low + std::uint32_t{coder(std::uint32_t{1} << 15, (rest >> i & 1) != 0)};
        if (size >> (21 - down) != 0) return max_index + 1;  // down <= 20
        return (negative ? -around : around) * (std::int32_t{1} << down) + static_cast<std::int32_t>(low) -
               half;
    }

  private:
    /// One bit under the mixed prediction, which learns it.
    template <class Coder>
    bool bit(std::size_t decision, bool wanted, Coder& coder) {
        std::array<cell*, 4> cells{&(*at_[0])[decision], &(*at_[1])[decision], &(*at_[2])[decision],
                                   decision == 1 ? sign_ : &(*at_[3])[decision]};
        std::array<std::int16_t, 4> inputs;
        for (std::size_t i = 0; i < 4; ++i) inputs[i] = stretch12_table<>[cells[i]->p12()];
        const std::uint32_t p = squash16(weights_.mix(inputs.data(), class_ * index_decisions + decision));
        const bool got = coder(p, wanted);
        weights_.train(inputs.data(), (got ? 65536 : 0) - static_cast<int>(p), rate);
        for (cell* const one : cells) one->update(got, limit);
        return got;
    }
    /// An Elias gamma code of v >= 1 in even bits; what is longer than 21 bits is cut.
    template <class Coder>
    [[nodiscard]] static std::uint32_t gamma(std::uint32_t v, Coder& coder) {
        constexpr std::uint32_t even = 1U << 15;
        const auto length = static_cast<unsigned>(std::bit_width(v)) - 1;
        unsigned bits = 0;
        while (bits < 21 && coder(even, bits < length)) ++bits;
        std::uint32_t out = 1;
        for (unsigned i = bits; i-- > 0;) out = 2 * out + std::uint32_t{coder(even, (v >> i & 1) != 0)};
        return out;
    }
    /// Decisions of the two-sided geometric distribution of a class, as firm as ten observations. Exact.
    [[nodiscard]] static row geometric(std::uint32_t size_class) noexcept {
        const double ratio = geometric_ratio(size_class);
        const double zero = (1 - ratio) / (1 + ratio);
        const auto fixed = [](double p) {
            const auto v = static_cast<std::int32_t>(exact::mul(p, 1 << 22));
            return static_cast<std::uint32_t>(v < 256 ? 256 : v);
        };
        row out;
        for (cell& c : out) c = cell(fixed(ratio), 10);
        out[0] = cell(fixed(1 - zero), 10);
        out[1] = cell(1U << 21, 10);
        return out;
    }

    std::vector<row> by_size_, by_column_, by_token_, by_row_;
    std::vector<cell> signs_;
    mixing::small_weight_set<4> weights_;
    std::array<row*, 4> at_{};
    cell* sign_ = nullptr;
    std::uint32_t class_ = 0;
};

/// Codes all indices of a matrix in order, or decodes them; false where one is too large.
template <class Machine, class Coder>
inline bool mix_indices(std::span<std::int32_t> indices, std::span<const std::uint32_t> first_expected,
                        Coder&& coder) {
    const std::size_t columns = first_expected.size();
    std::vector<std::uint32_t> expected(first_expected.begin(), first_expected.end());
    const std::vector<std::int32_t> nothing(columns);
    index_mixture mixture(expected);
    lane_history history;
    for (std::size_t first = 0; first < indices.size(); first += columns) {
        std::int32_t* const row = indices.data() + first;
        const std::int32_t* const before = first < columns ? nothing.data() : row - columns;
        const std::int32_t* const before_last = first < 2 * columns ? nothing.data() : before - columns;
        history.start_row();
        unsigned state = 0;
        for (std::size_t c = 0; c < columns; ++c) {
            mixture.aim(history, c, Machine::odd(state), expected, before, before_last, row);
            row[c] = mixture.code(row[c], coder);
            const std::uint32_t size = size_of(row[c]);
            if (size > static_cast<std::uint32_t>(max_index)) return false;
            history.template learn<4>(expected[c], size);
            state = Machine::next[state][static_cast<std::uint32_t>(row[c]) & 1];
        }
    }
    return true;
}

}  // namespace detail

/// An index_coder: 1 to 4 % smaller than adaptive_indices, most for few tokens, at a fifth of its speed. One
/// arithmetic code.
struct mixed_indices {
    static constexpr const char* codec_name = "transform_coded, mixed";

    /// As write_indices. Exact: the same bytes on every machine.
    template <class Machine>
    static void write(std::span<const std::int32_t> indices, std::span<const std::uint32_t> expected,
                      std::vector<std::uint8_t>& out) {
        vector_sink sink(out);
        entropy::binary_encoder<vector_sink> coder(sink);
        std::vector<std::int32_t> values(indices.begin(), indices.end());
        (void)detail::mix_indices<Machine>(values, expected, [&](std::uint32_t p, bool bit) {
            coder.put(bit, p);
            return bit;
        });
        coder.finish();
    }
    /// As read_indices; an end that was cut off may go unnoticed, which a chunk's checksum tells. Exact.
    template <class Machine>
    [[nodiscard]] static result<void> read(byte_view in, std::span<const std::uint32_t> expected,
                                           std::span<std::int32_t> half_steps) {
        entropy::binary_decoder<> coder(in);
        const std::size_t columns = expected.size();
        for (std::int32_t& k : half_steps) k = 0;
        if (!detail::mix_indices<Machine>(half_steps, expected,
                                          [&](std::uint32_t p, bool) { return coder.get(p); }))
            return error{error_code::bad_stream, 0, "an index is too large"};
        if (const auto end = coder.finish(); !end) return end.error();
        unsigned state = 0;
        for (std::size_t i = 0; i < half_steps.size(); ++i) {
            if (i % columns == 0) state = 0;
            std::int32_t& k = half_steps[i];
            const bool odd = Machine::odd(state);
            state = Machine::next[state][static_cast<std::uint32_t>(k) & 1];
            k = 2 * k - (odd ? (k > 0) - (k < 0) : 0);
        }
        return {};
    }
};

static_assert(index_coder<mixed_indices>);

}  // namespace pith::inline v1::kv
