// rANS: the range variant of asymmetric numeral systems, one state, for intervals of any model (a stack).
// Source: J. Duda, 2009 and 2014 (arXiv:1311.2540); word-wise renormalisation after F. Giesen, 2014.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::entropy {

/// Sizes of an rANS coder. The state x stays in [L, L * 2^word_bits), L = 2^low_bits; precisions up to
/// low_bits may be coded, at a loss of about 2^(precision - low_bits - 1) of a slot.
template <std::unsigned_integral State, std::unsigned_integral Word, unsigned LowBits>
requires(sizeof(Word) < sizeof(State) && LowBits + 8 * sizeof(Word) <= 8 * sizeof(State)) struct rans_layout {
    using state_type = State;
    using word_type = Word;
    static constexpr unsigned low_bits = LowBits;
    static constexpr unsigned word_bits = 8 * sizeof(Word);
    static constexpr State low = State{1} << LowBits;
    /// At most one word moves per symbol when one word is as wide as any precision.
    static constexpr unsigned max_precision = LowBits < word_bits ? LowBits : word_bits;
};

/// 31-bit states and 16-bit words: what the interleaved and SIMD coders use (31 bits let encoders divide by
/// multiplication, and SIMD compare signed).
using rans32 = rans_layout<std::uint32_t, std::uint16_t, 15>;
/// 63-bit states and 32-bit words, for precisions up to 31 bits.
using rans64 = rans_layout<std::uint64_t, std::uint32_t, 31>;
/// 31-bit states and bytes, the finest renormalisation.
using rans_byte = rans_layout<std::uint32_t, std::uint8_t, 23>;

template <class L>
concept rans_parameters = requires {
    typename L::state_type;
    typename L::word_type;
    { L::low_bits } -> std::convertible_to<unsigned>;
    { L::max_precision } -> std::convertible_to<unsigned>;
};

namespace detail {

/// Pushes an interval onto state x; `emit(word)` receives what leaves the state. Exact.
template <rans_parameters Layout, unsigned Precision, class Emit>
inline void rans_push(typename Layout::state_type& x, interval i, Emit&& emit) noexcept(noexcept(emit(0))) {
    using state = typename Layout::state_type;
    PITH_ASSERT(i.size >= 1 && i.start + std::uint64_t{i.size} <= (std::uint64_t{1} << Precision));
    // x < size * 2^(low_bits + word_bits - Precision) keeps the new state below low * 2^word_bits.
    constexpr unsigned room = Layout::low_bits + Layout::word_bits - Precision;
    while ((x >> room) >= i.size) {
        emit(static_cast<typename Layout::word_type>(x));
        x >>= Layout::word_bits;
    }
    x = static_cast<state>((x / i.size << Precision) + x % i.size + i.start);
}

/// Removes the interval in which the low bits of x lie; the state may then be below low. Exact.
template <unsigned Precision, class State>
inline void rans_pop(State& x, interval i) noexcept {
    constexpr State mask = (State{1} << Precision) - 1;
    x = static_cast<State>(i.size * (x >> Precision) + (x & mask) - i.start);
}

}  // namespace detail

/// Encoder onto the end of a buffer, written downwards: the last symbol put is the first that comes out.
/// Never allocates; `finish` gives the bytes, which stand at the end of the buffer.
template <rans_parameters Layout = rans32>
class rans_encoder {
  public:
    using order = stack_order;
    using state_type = typename Layout::state_type;

    explicit rans_encoder(byte_span buffer) noexcept : buffer_(buffer), at_(buffer.size()) {}

    template <unsigned Precision>
    requires(Precision >= 1 && (Precision <= Layout::low_bits)) void put(interval i) noexcept {
        detail::rans_push<Layout, Precision>(x_, i, [this](typename Layout::word_type w) { emit(w); });
    }
    /// Writes the state. The view into the buffer that holds the stream, or output_too_small.
    [[nodiscard]] result<byte_view> finish() noexcept {
        emit(x_);
        if (overflowed_)
            return error{error_code::output_too_small, buffer_.size(), "the destination is too small"};
        return byte_view(buffer_.subspan(at_));
    }

  private:
    template <std::unsigned_integral T>
    void emit(T v) noexcept {
        if (at_ < sizeof(T)) {
            overflowed_ = true;
            return;
        }
        at_ -= sizeof(T);
        store_le<T>(buffer_.data() + at_, v);
    }
    byte_span buffer_;
    std::size_t at_;
    state_type x_ = Layout::low;
    bool overflowed_ = false;
};

/// Decoder of what rans_encoder wrote. Reading past the end yields zeros and is told by `finish`.
template <rans_parameters Layout = rans32>
class rans_decoder {
  public:
    using order = stack_order;
    using state_type = typename Layout::state_type;

    explicit rans_decoder(byte_view in) noexcept : in_(in) {
        x_ = take<state_type>();
        foreign_ = x_ < Layout::low || (x_ >> (Layout::low_bits + Layout::word_bits - 1) >> 1) != 0;
    }

    template <unsigned Precision>
    requires(Precision >= 1 && (Precision <= Layout::low_bits)) [[nodiscard]] std::uint32_t
        slot() const noexcept {
        return static_cast<std::uint32_t>(x_ & ((state_type{1} << Precision) - 1));
    }
    template <unsigned Precision>
    void remove(interval i) noexcept {
        detail::rans_pop<Precision>(x_, i);
        while (x_ < Layout::low && !overrun_) {
            x_ = static_cast<state_type>((x_ << Layout::word_bits) | take<typename Layout::word_type>());
        }
    }
    /// Success when the state is back where the encoder began and no byte is left over.
    [[nodiscard]] result<void> finish() const noexcept {
        if (overrun_) return error{error_code::truncated, in_.size(), "the input ends inside an rANS stream"};
        if (foreign_ || x_ != Layout::low)
            return error{error_code::bad_stream, at_, "an rANS stream does not end in its first state"};
        if (at_ != in_.size()) return error{error_code::trailing_data, at_, "bytes follow an rANS stream"};
        return {};
    }

  private:
    template <std::unsigned_integral T>
    T take() noexcept {
        if (in_.size() - at_ < sizeof(T)) {
            overrun_ = true;
            return 0;
        }
        const T v = load_le<T>(in_.data() + at_);
        at_ += sizeof(T);
        return v;
    }
    byte_view in_;
    std::size_t at_ = 0;
    state_type x_ = Layout::low;
    bool overrun_ = false;
    bool foreign_ = false;  // a first state that no encoder leaves
};

static_assert(interval_encoder<rans_encoder<>> && interval_decoder<rans_decoder<>>);

}  // namespace pith::inline v1::entropy
