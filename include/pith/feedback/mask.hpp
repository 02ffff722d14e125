// Codes for which k of n places are taken: Golomb gaps, enumeration by arithmetic coding, adaptive contexts.
// Golomb (1966) with the parameter of Sattler et al. (2019); enumeration after Cover (1973), sequentially.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bits.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/golomb.hpp>
#include <pith/feedback/vectors.hpp>

namespace pith::inline v1::feedback {

/// A code for ascending indices at[0] < at[1] < ... < n, whose number both sides know.
///   static std::size_t max_size(std::size_t n, std::size_t k) noexcept;                     // bytes
///   static result<std::size_t> put(std::span<const std::uint32_t> at, std::size_t n, byte_span out)
///   noexcept; static result<void> get(byte_view in, std::size_t n, std::span<std::uint32_t> at) noexcept;
/// Laws: get undoes put, consumes all of `in`, and gives ascending indices below n, or an error.
/// Precondition: n < 2^32 and at.size() <= n.
template <class M>
concept mask_code = requires(std::span<const std::uint32_t> at, std::span<std::uint32_t> to, std::size_t n,
                             byte_span out, byte_view in) {
    { M::max_size(n, n) }
    noexcept->std::same_as<std::size_t>;
    { M::put(at, n, out) }
    noexcept->std::same_as<result<std::size_t>>;
    { M::get(in, n, to) }
    noexcept->std::same_as<result<void>>;
};

/// Rice codes of the gaps. With p = k / n the parameter is 1 + floor(log2(log(g - 1) / log(1 - p))), g the
/// golden ratio, and at least 0: nothing of it is sent.
struct golomb_mask {
    [[nodiscard]] static unsigned parameter(std::size_t n, std::size_t k) noexcept {
        if (k == 0 || k >= n) return 0;
        const double p = static_cast<double>(k) / static_cast<double>(n);
        unsigned b = 0;
        for (double ratio = -0.48121182505960347 / exact::log1p(-p); ratio >= 1; ratio /= 2) ++b;
        return b;
    }
    // A code word has at most 24 + 32 bits, and 1 + parameter <= 33 unless its gap has many times
    // 2^parameter.
    [[nodiscard]] static std::size_t max_size(std::size_t, std::size_t k) noexcept { return 7 * k + 1; }

    [[nodiscard]] static result<std::size_t> put(std::span<const std::uint32_t> at, std::size_t n,
                                                 byte_span out) noexcept {
        const entropy::rice_code code{parameter(n, at.size()), bits_for(n)};
        span_sink sink(out);
        bit_writer writer(sink);
        std::uint32_t next = 0;
        for (const std::uint32_t i : at) {
            code.put(writer, i - next);
            next = i + 1;
        }
        writer.finish();
        return sink.written();
    }
    [[nodiscard]] static result<void> get(byte_view in, std::size_t n, std::span<std::uint32_t> at) noexcept {
        const entropy::rice_code code{parameter(n, at.size()), bits_for(n)};
        bit_reader reader(in);
        std::uint64_t next = 0;
        for (std::uint32_t& i : at) {
            const auto gap = code.get(reader);
            if (!gap) return gap.error();
            if (*gap >= n - next)
                return bad_message(reader.byte_position(), "an index lies outside the vector");
            i = static_cast<std::uint32_t>(next + *gap);
            next = std::uint64_t{i} + 1;
        }
        if (reader.byte_position() != in.size() || !reader.padding_is_zero())
            return error{error_code::trailing_data, reader.byte_position(), "bits follow the mask"};
        return {};
    }
};

namespace detail {

/// Places left and marks left: when a place is not certain, its probability by counting.
struct remaining {
    std::uint64_t places;
    std::uint64_t marks;
    [[nodiscard]] bool certain() const noexcept { return marks == 0 || marks == places; }
    /// Probability of a mark times 2^32. 0 < marks < places < 2^32: within 1 .. 2^32 - 1.
    [[nodiscard]] std::uint32_t probability() const noexcept {
        return static_cast<std::uint32_t>((marks << 32) / places);
    }
    void pass(bool mark) noexcept {
        --places;
        marks -= mark;
    }
};

/// The binary probabilities of enumeration: whatever the marks, they cost log2 of n over k bits in all.
struct uniform_places {
    [[nodiscard]] static std::uint32_t probability(const remaining& left) noexcept {
        return left.probability();
    }
    static void learn(bool) noexcept {}
};

/// Counts of marks by how far back the last mark lies (its binary order of magnitude) and whether the place
/// after the mark before it was taken too.
class places_by_gap {
  public:
    [[nodiscard]] std::uint32_t probability(const remaining&) const noexcept {
        const counts& c = counts_[context()];
        // (ones + 1/2) / (all + 1): 1 <= .. < 2^32, since ones <= all < 2^16.
        return static_cast<std::uint32_t>(((2 * std::uint64_t{c.ones} + 1) << 31) / (c.all + 1));
    }
    void learn(bool mark) noexcept {
        counts& c = counts_[context()];
        c.ones += mark;
        if (++c.all == 65535) {
            c.ones /= 2;
            c.all /= 2;
        }
        if (mark) close_ = gap_ < 2;
        gap_ = mark ? 0 : gap_ + 1;
    }

  private:
    struct counts {
        std::uint32_t ones = 0;
        std::uint32_t all = 0;
    };
    [[nodiscard]] std::size_t context() const noexcept {
        return 2 * static_cast<std::size_t>(std::bit_width(gap_)) + close_;
    }
    std::array<counts, 66> counts_{};
    std::uint32_t gap_ = 0xFFFF'FFFEU >> 1;
    bool close_ = false;
};

template <class Places>
[[nodiscard]] result<std::size_t> put_places(std::span<const std::uint32_t> at, std::size_t n,
                                             byte_span out) noexcept {
    span_sink sink(out);
    entropy::binary_encoder<span_sink, 32> encoder(sink);
    Places places;
    remaining left{n, at.size()};
    const std::uint32_t* next = at.data();
    for (std::uint32_t i = 0; !left.certain(); ++i) {
        const bool mark = *next == i;
        encoder.put(mark, places.probability(left));
        places.learn(mark);
        left.pass(mark);
        next += mark;
    }
    encoder.finish();
    return sink.written();
}

template <class Places>
[[nodiscard]] result<void> get_places(byte_view in, std::size_t n, std::span<std::uint32_t> at) noexcept {
    entropy::binary_decoder<32> decoder(in);
    Places places;
    remaining left{n, at.size()};
    std::uint32_t* to = at.data();
    std::uint32_t i = 0;
    for (; !left.certain(); ++i) {
        const bool mark = decoder.get(places.probability(left));
        places.learn(mark);
        left.pass(mark);
        if (mark) *to++ = i;
    }
    for (; left.marks != 0; --left.marks) *to++ = i++;
    return decoder.finish();
}

}  // namespace detail

/// Arithmetic coding under the number of marks and places that are left: ceil(log2(n over k)) bits and at
/// most a byte or two, for any mask. Exact: integers only.
struct enumerated_mask {
    // n bits at most, and 2^-14 of a bit a place for the coder's rounding.
    [[nodiscard]] static std::size_t max_size(std::size_t n, std::size_t) noexcept {
        return n / 8 + n / 65536 + 10;
    }
    [[nodiscard]] static result<std::size_t> put(std::span<const std::uint32_t> at, std::size_t n,
                                                 byte_span out) noexcept {
        return detail::put_places<detail::uniform_places>(at, n, out);
    }
    [[nodiscard]] static result<void> get(byte_view in, std::size_t n, std::span<std::uint32_t> at) noexcept {
        return detail::get_places<detail::uniform_places>(in, n, at);
    }
};

/// Arithmetic coding that learns how marks cluster. A byte 1 in front; or a byte 0 and the enumerated mask,
/// where that is not longer. Exact: integers only.
struct adaptive_mask {
    [[nodiscard]] static std::size_t max_size(std::size_t n, std::size_t k) noexcept {
        return 1 + enumerated_mask::max_size(n, k);
    }
    [[nodiscard]] static result<std::size_t> put(std::span<const std::uint32_t> at, std::size_t n,
                                                 byte_span out) noexcept {
        if (out.empty()) return no_room(out);
        const auto plain = enumerated_mask::put(at, n, out.subspan(1));
        // A longer adaptive code stops at the length of the plain one, which is then written again.
        if (plain && *plain > 0) {
            const auto adaptive =
                detail::put_places<detail::places_by_gap>(at, n, out.subspan(1, *plain - 1));
            if (adaptive) return out[0] = 1, 1 + *adaptive;
            (void)enumerated_mask::put(at, n, out.subspan(1)).has_value();
        }
        out[0] = 0;
        return plain ? result<std::size_t>(1 + *plain) : result<std::size_t>(plain.error());
    }
    [[nodiscard]] static result<void> get(byte_view in, std::size_t n, std::span<std::uint32_t> at) noexcept {
        if (in.empty()) return wrong_length(in, 1);
        if (in[0] > 1) return bad_message(0, "no form of a mask");
        return in[0] == 0 ? enumerated_mask::get(in.subspan(1), n, at)
                          : detail::get_places<detail::places_by_gap>(in.subspan(1), n, at);
    }
};

}  // namespace pith::inline v1::feedback
