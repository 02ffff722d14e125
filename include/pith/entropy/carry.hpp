// What all range coders share: an interval of a binary fraction, carry propagation, and one canonical end.
// After Martin (1979) and Schindler (1998); the end is ours: the shortest byte string inside the last
// interval, which the decoder derives again, so that a message has exactly one stream.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::entropy::detail {

/// Zero bytes at the low end that the shortest number in [low, low + range) has; 0..sizeof(State).
/// Numbers are taken modulo 2^bits: the interval may reach over the top by a carry.
template <std::unsigned_integral State>
[[nodiscard]] constexpr unsigned final_zero_bytes(State low, State range) noexcept {
    for (unsigned k = sizeof(State); k > 0; --k) {
        const State mask = static_cast<State>(~State{0}) >> (8 * (sizeof(State) - k));
        if ((static_cast<State>(State{0} - low) & mask) < range) return k;
    }
    return 0;
}

/// The shape of an interval coder. Its state of `bits` bits is a window on a fraction that is written most
/// significant byte first; words of `step` bits leave it at the top. The range stays in [smallest, largest].
/// With `Headroom` 1 it stays below half of the window, at the price of one bit per stream, so that the sign
/// of a difference tells which part of the interval a code is in.
template <std::unsigned_integral State, unsigned Step, unsigned Headroom>
requires((Step == 8 || Step == 16 || Step == 32) && Step < 8 * sizeof(State) && Headroom <= 1) struct window {
    using state = State;
    static constexpr unsigned bits = 8 * sizeof(State);
    static constexpr unsigned step = Step;
    static constexpr State largest = static_cast<State>(~State{0}) >> Headroom;
    static constexpr State smallest = State{1} << (bits - Headroom - Step);
};

/// The encoder's interval [low, low + range). The last word that left and a run of all-ones words behind it
/// are held back, because a carry may still reach them.
template <class Window, byte_sink Sink>
class carry_writer {
    using State = typename Window::state;
    static constexpr unsigned bits = Window::bits;
    static constexpr unsigned Step = Window::step;
    static constexpr State ones = (State{1} << Step) - 1;

  public:
    explicit carry_writer(Sink& sink) noexcept : sink_(&sink) {}

    [[nodiscard]] State range() const noexcept { return range_; }

    /// Narrows to [low + offset, low + offset + size). 1 <= size and offset + size <= range.
    void narrow(State offset, State size) {
        PITH_ASSERT(size >= 1 && offset <= range_ && size <= range_ - offset);
        low_ = static_cast<State>(low_ + offset);
        if (low_ < offset) carry();
        range_ = size;
        while (range_ < Window::smallest) shift_out();
    }

    /// Writes the shortest bytes inside the interval and starts a new fraction.
    void finish() {
        const unsigned zeros = final_zero_bytes(low_, range_);
        if (zeros > 0) {
            const State mask = static_cast<State>(~State{0}) >> (bits - 8 * zeros);
            const State end =
                static_cast<State>(low_ + static_cast<State>(static_cast<State>(0 - low_) & mask));
            if (end < low_) carry();
            low_ = end;
        }
        flush_held();
        for (unsigned k = sizeof(State); k-- > zeros;) sink_->put(static_cast<std::uint8_t>(low_ >> (8 * k)));
        *this = carry_writer(*sink_);
    }

  private:
    void put_word(State word) {
        for (unsigned k = Step; k > 0; k -= 8) sink_->put(static_cast<std::uint8_t>(word >> (k - 8)));
    }
    void flush_held() {
        if (holding_) put_word(held_);
        for (; ones_ > 0; --ones_) put_word(ones);
        holding_ = false;
    }
    void shift_out() {
        const State word = low_ >> (bits - Step);
        if (word == ones && holding_) {
            ++ones_;
        } else {
            flush_held();
            held_ = word;
            holding_ = true;
        }
        low_ = static_cast<State>(low_ << Step);
        range_ = static_cast<State>(range_ << Step);
    }
    // The held word is not all ones here, or has no all-ones run that wraps into it: a carry can reach it
    // only once, since low and range together stay below twice the weight of its last bit. The very first
    // word cannot be overflown, since the whole interval lies in [0, 1).
    void carry() {
        PITH_ASSERT(holding_);
        ++held_;
        if (ones_ == 0) return;
        put_word(held_);
        for (; ones_ > 1; --ones_) put_word(0);
        ones_ = 0;
        held_ = 0;
    }

    Sink* sink_;
    State low_ = 0;
    State range_ = Window::largest;
    State held_ = 0;
    std::size_t ones_ = 0;
    bool holding_ = false;
};

/// Cuts [0, range) at `bound` and keeps the part that holds the code, which the state then counts from: all
/// ones for the lower one, else 0. Branch-free. All three below 2^(bits - 1), 1 <= bound < range.
template <std::unsigned_integral State>
[[gnu::always_inline]] inline State lower_part_of(State& code, State& range, State bound) noexcept {
#if defined(__x86_64__) && !defined(PITH_NO_SIMD)
    if constexpr (sizeof(State) == 8) {
        // Compilers make masks of the borrow, and seven instructions of the four at the end.
        State mask = code;
        asm("subq %[bound], %[range]\n\t"
            "subq %[bound], %[mask]\n\t"
            "cmovncq %[mask], %[code]\n\t"
            "cmovcq %[bound], %[range]\n\t"
            "sbbq %[mask], %[mask]"
            : [code] "+&r"(code), [range] "+&r"(range), [mask] "+&r"(mask)
            : [bound] "r"(bound)
            : "cc");
        return mask;
    }
#endif
    // Both differences are below 2^(bits - 1) in magnitude, so that the top bit is the sign.
    constexpr unsigned bits = 8 * sizeof(State);
    const State distance = static_cast<State>(code - bound);
    const State rest = static_cast<State>(range - bound);
    const auto mask = static_cast<State>(static_cast<std::make_signed_t<State>>(distance) >> (bits - 1));
    code = static_cast<State>(distance + (bound & mask));
    range = static_cast<State>(rest + (static_cast<State>(bound - rest) & mask));
    return mask;
}

/// The decoder's side: `code` is the distance of the stream's fraction from low; code < range always.
/// Past the end of the input it reads zeros, as the encoder left them out.
template <class Window>
class carry_reader {
    using State = typename Window::state;
    static constexpr unsigned bits = Window::bits;
    static constexpr unsigned Step = Window::step;

  public:
    explicit carry_reader(byte_view in) noexcept : in_(in) {
        for (unsigned k = 0; k < bits; k += Step) code_ = static_cast<State>(code_ << Step) | next_word();
        if (code_ >= range_) {  // no encoder's stream begins so
            code_ = 0;
            valid_ = false;
        }
    }

    [[nodiscard]] State code() const noexcept { return code_; }
    [[nodiscard]] State range() const noexcept { return range_; }

    /// The mirror of carry_writer::narrow. offset <= code < offset + size.
    void narrow(State offset, State size) noexcept {
        PITH_ASSERT(offset <= code_ && static_cast<State>(code_ - offset) < size);
        code_ = static_cast<State>(code_ - offset);
        range_ = size;
        while (range_ < Window::smallest) shift_in();
    }

    /// The range in units of 2^Shift. Renormalises what lower_part left: here the shifted range, which is
    /// needed anyway, is compared with a constant that fits an instruction.
    template <unsigned Shift>
    [[nodiscard]] State units() noexcept {
        static_assert(Shift < bits && ((Window::smallest >> Shift) << Shift) == Window::smallest);
        State count = range_ >> Shift;
        for (; count < (Window::smallest >> Shift); count = range_ >> Shift) [[unlikely]] shift_in();
        return count;
    }

    /// Cuts the interval at `bound` and keeps the part that holds the code: all ones for the lower one, else
    /// 0. 1 <= bound < range, and bound from `units`. Branch-free: the outcome is what cannot be predicted.
    [[nodiscard]] State lower_part(State bound) noexcept
        requires(Window::largest < static_cast<State>(~State{0})) {
        return lower_part_of(code_, range_, bound);
    }

    /// Success if the input is what an encoder writes for what was read, and nothing else.
    [[nodiscard]] result<void> finish() const noexcept {
        carry_reader last = *this;
        while (last.range_ < Window::smallest) last.shift_in();
        return last.canonical_end();
    }

  private:
    using word_type = std::conditional_t<Step == 8, std::uint8_t,
                                         std::conditional_t<Step == 16, std::uint16_t, std::uint32_t>>;

    [[nodiscard]] result<void> canonical_end() const noexcept {
        State tail = 0;  // the window, from the input
        for (std::size_t i = 0; i < sizeof(State); ++i) {
            const std::size_t at = used_ - sizeof(State) + i;
            tail = static_cast<State>(tail << 8) | (at < in_.size() ? in_[at] : 0);
        }
        const State low = static_cast<State>(tail - code_);
        const unsigned zeros = final_zero_bytes(low, range_);
        const std::size_t end = used_ - zeros;
        if (in_.size() < end)
            return error{error_code::truncated, in_.size(), "the stream ends inside its last number"};
        if (in_.size() > end) return error{error_code::trailing_data, end, "bytes follow the stream's end"};
        const State mask = zeros == 0 ? State{0} : static_cast<State>(~State{0}) >> (bits - 8 * zeros);
        const State expected = static_cast<State>(0 - low) & mask;
        if (!valid_ || code_ != expected)
            return error{error_code::bad_stream, end, "the stream's end is not the shortest one"};
        return {};
    }

    void shift_in() noexcept {
        code_ = static_cast<State>(code_ << Step) | next_word();
        range_ = static_cast<State>(range_ << Step);
    }
    [[nodiscard]] State next_word() noexcept {
        const std::size_t at = used_;
        used_ += sizeof(word_type);
        if (used_ <= in_.size()) [[likely]]
            return byte_swapped(load_le<word_type>(in_.data() + at));
        State word = 0;
        for (std::size_t i = at; i < used_; ++i)
            word = static_cast<State>(word << 8) | (i < in_.size() ? in_[i] : std::uint8_t{0});
        return word;
    }

    byte_view in_;
    std::size_t used_ = 0;  // bytes taken, past the end too
    State code_ = 0;
    State range_ = Window::largest;
    bool valid_ = true;
};

}  // namespace pith::inline v1::entropy::detail
