// Interleaved rANS for intervals of any model and of mixed precisions, in the order in which they were put.
// J. Duda, 2014; interleaving after F. Giesen, 2014 (arXiv:1402.3392). Intervals are kept until `finish`,
// which pushes them last first, so that the outside sees a queue.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>
#include <pith/entropy/rans.hpp>

namespace pith::inline v1::entropy {

/// Several rANS states over one sequence of words that grows downwards from the end of a buffer. Symbol i
/// belongs to state i mod Lanes; symbols are pushed last first. Never allocates. Exact.
template <unsigned Lanes = 4, rans_parameters Layout = rans64>
requires(Lanes >= 1 && Lanes <= 64) class rans_lane_writer {
  public:
    explicit rans_lane_writer(byte_span buffer) noexcept : buffer_(buffer), at_(buffer.size()) {
        x_.fill(Layout::low);
    }
    template <unsigned Precision>
    requires(Precision >= 1 && Precision <= Layout::max_precision) void push(std::size_t lane,
                                                                             interval i) noexcept {
        detail::rans_push<Layout, Precision>(x_[lane], i, [this](typename Layout::word_type w) { emit(w); });
    }
    /// Writes the states. The stream, which stands at the end of the buffer, or output_too_small.
    [[nodiscard]] result<byte_view> finish() noexcept {
        for (std::size_t l = Lanes; l-- > 0;) emit(x_[l]);
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
    std::array<typename Layout::state_type, Lanes> x_;
    bool overflowed_ = false;
};

/// Reads what rans_lane_writer wrote, first symbol first. Past the end it reads zeros, and `finish` says so.
template <unsigned Lanes = 4, rans_parameters Layout = rans64>
requires(Lanes >= 1 && Lanes <= 64) class rans_lane_reader {
  public:
    using state_type = typename Layout::state_type;
    using word_type = typename Layout::word_type;

    explicit rans_lane_reader(byte_view in) noexcept : in_(in) {
        for (state_type& x : x_) {
            x = take<state_type>();
            foreign_ =
                foreign_ || x < Layout::low || (x >> (Layout::low_bits + Layout::word_bits - 1) >> 1) != 0;
        }
    }
    template <unsigned Precision>
    [[nodiscard]] std::uint32_t slot(std::size_t lane) const noexcept {
        return static_cast<std::uint32_t>(x_[lane] & ((state_type{1} << Precision) - 1));
    }
    template <unsigned Precision>
    requires(Precision >= 1 && Precision <= Layout::max_precision) void remove(std::size_t lane,
                                                                               interval i) noexcept {
        state_type x = x_[lane];
        detail::rans_pop<Precision>(x, i);
        if (x < Layout::low) x = static_cast<state_type>((x << Layout::word_bits) | take<word_type>());
        x_[lane] = x;
    }
    /// Symbols 0 .. count - 1 by `find(i, slot)`, which gives symbol i's interval. All of them have one
    /// precision, and the reader stands before lane 0; afterwards it stands before lane count mod Lanes.
    template <unsigned Precision, class Find>
    void read(std::size_t count, Find&& find) noexcept {
        std::size_t done = read_groups<Precision>(count, find, std::make_index_sequence<Lanes>());
        for (; done < count; ++done) {
            const std::size_t lane = done % Lanes;
            remove<Precision>(lane, find(done, slot<Precision>(lane)));
        }
    }
    /// Success when every state is back where the writer began and no byte is left over.
    [[nodiscard]] result<void> finish() const noexcept {
        if (overrun_) return error{error_code::truncated, in_.size(), "the input ends inside an rANS stream"};
        bool home = !foreign_;
        for (state_type x : x_) home = home && x == Layout::low;
        if (!home)
            return error{error_code::bad_stream, at_, "an rANS stream does not end in its first state"};
        if (at_ != in_.size()) return error{error_code::trailing_data, at_, "bytes follow an rANS stream"};
        return {};
    }

  private:
    /// Whole groups of Lanes symbols while their words are surely there; returns how many symbols.
    template <unsigned Precision, class Find, std::size_t... Lane>
    std::size_t read_groups(std::size_t count, Find& find, std::index_sequence<Lane...>) noexcept {
        std::array<state_type, Lanes> x = x_;
        const std::uint8_t* at = in_.data() + at_;
        const std::uint8_t* const end = in_.data() + in_.size();
        std::size_t done = 0;
        const auto step = [&](state_type & state, std::size_t i) __attribute__((always_inline)) {
            constexpr state_type mask = (state_type{1} << Precision) - 1;
            detail::rans_pop<Precision>(state, find(i, static_cast<std::uint32_t>(state & mask)));
            // Without a branch, whose outcome could not be foretold.
            const unsigned low = state < Layout::low ? 1 : 0;
            const state_type word = load_le<word_type>(at) & (state_type{0} - low);
            state = static_cast<state_type>((state << (low * Layout::word_bits)) | word);
            at += low * sizeof(word_type);
        };
        for (; count - done >= Lanes && static_cast<std::size_t>(end - at) >= Lanes * sizeof(word_type);
             done += Lanes)
            (step(x[Lane], done + Lane), ...);
        x_ = x;
        at_ = in_.size() - static_cast<std::size_t>(end - at);
        return done;
    }
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
    std::array<state_type, Lanes> x_{};
    bool overrun_ = false;
    bool foreign_ = false;  // a first state that no writer leaves
};

/// An interval with its precision, as the queue encoder keeps it.
struct kept_interval {
    interval where;
    std::uint32_t precision;
};

/// Queue encoder of intervals of any precision up to 31 bits. Keeps them in `room` (one each); never
/// allocates. `finish` gives the stream, which stands at the end of the buffer. Exact.
template <unsigned Lanes = 4, rans_parameters Layout = rans64>
class rans_intervals_encoder {
  public:
    using order = queue_order;

    rans_intervals_encoder(std::span<kept_interval> room, byte_span buffer) noexcept
        : room_(room), buffer_(buffer) {}

    template <unsigned Precision>
    requires(Precision >= 1 && Precision <= Layout::max_precision) void put(interval i) noexcept {
        if (count_ < room_.size()) room_[count_] = {i, Precision};
        ++count_;
    }
    /// The stream, or output_too_small when the buffer or the room was.
    [[nodiscard]] result<byte_view> finish() noexcept {
        if (count_ > room_.size())
            return error{error_code::output_too_small, room_.size(), "no room to keep the intervals"};
        rans_lane_writer<Lanes, Layout> writer(buffer_);
        for (std::size_t n = count_; n-- > 0;)
            push(writer, n % Lanes, room_[n], std::make_index_sequence<Layout::max_precision>());
        return writer.finish();
    }

  private:
    /// Turns the precision back into a template argument.
    template <std::size_t... P>
    static void push(rans_lane_writer<Lanes, Layout>& writer, std::size_t lane, const kept_interval& kept,
                     std::index_sequence<P...>) noexcept {
        static_cast<void>(((kept.precision == P + 1 &&
                            (writer.template push<static_cast<unsigned>(P + 1)>(lane, kept.where), true)) ||
                           ...));
    }
    std::span<kept_interval> room_;
    byte_span buffer_;
    std::size_t count_ = 0;
};

/// Queue decoder of what rans_intervals_encoder wrote.
template <unsigned Lanes = 4, rans_parameters Layout = rans64>
class rans_intervals_decoder {
  public:
    using order = queue_order;

    explicit rans_intervals_decoder(byte_view in) noexcept : reader_(in) {}

    template <unsigned Precision>
    [[nodiscard]] std::uint32_t slot() const noexcept {
        return reader_.template slot<Precision>(lane_);
    }
    template <unsigned Precision>
    void remove(interval i) noexcept {
        reader_.template remove<Precision>(lane_, i);
        lane_ = lane_ + 1 == Lanes ? 0 : lane_ + 1;
    }
    [[nodiscard]] result<void> finish() const noexcept { return reader_.finish(); }

  private:
    rans_lane_reader<Lanes, Layout> reader_;
    std::size_t lane_ = 0;
};

static_assert(interval_encoder<rans_intervals_encoder<>> && interval_decoder<rans_intervals_decoder<>>);
static_assert(queue_coder<rans_intervals_encoder<>> && queue_coder<rans_intervals_decoder<>>);

}  // namespace pith::inline v1::entropy
