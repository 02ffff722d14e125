// Parts of block codecs, and the pipeline that makes a codec of them: stages that change a matrix, then a
// leaf that writes it. The order is that in which data flows; a stage sees what follows it, so that it may
// code what that one loses.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/part_traits.hpp>

namespace pith::inline v1::kv {

/// A byte_sink that grows a vector of bytes of the caller.
class byte_output {
  public:
    explicit byte_output(std::vector<std::byte>& out) noexcept : out_(&out), start_(out.size()) {}
    void put(std::uint8_t b) { out_->push_back(std::byte{b}); }
    void append(byte_view v) {
        const auto bytes = as_std_bytes(v);
        out_->insert(out_->end(), bytes.begin(), bytes.end());
    }
    [[nodiscard]] std::size_t size() const noexcept { return out_->size() - start_; }
    [[nodiscard]] bool overflowed() const noexcept { return false; }

  private:
    std::vector<std::byte>* out_;
    std::size_t start_;
};

/// A matrix that owns its values, zero at first.
class matrix {
  public:
    matrix() = default;
    matrix(std::size_t rows, std::size_t columns) : values_(rows * columns), rows_(rows), columns_(columns) {}
    explicit matrix(view_2d<const float> x) : matrix(x.rows(), x.columns()) {
        for (std::size_t r = 0; r < rows_; ++r)
            for (std::size_t c = 0; c < columns_; ++c) (*this)(r, c) = x(r, c);
    }
    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
    [[nodiscard]] float& operator()(std::size_t r, std::size_t c) noexcept {
        return values_[r * columns_ + c];
    }
    [[nodiscard]] float operator()(std::size_t r, std::size_t c) const noexcept {
        return values_[r * columns_ + c];
    }
    [[nodiscard]] std::span<float> row(std::size_t r) noexcept {
        return std::span(values_).subspan(r * columns_, columns_);
    }
    [[nodiscard]] std::span<const float> row(std::size_t r) const noexcept {
        return std::span(values_).subspan(r * columns_, columns_);
    }
    [[nodiscard]] view_2d<float> view() noexcept { return {values_.data(), rows_, columns_, columns_}; }
    [[nodiscard]] view_2d<const float> view() const noexcept {
        return {values_.data(), rows_, columns_, columns_};
    }

  private:
    std::vector<float> values_;
    std::size_t rows_ = 0, columns_ = 0;
};

inline void copy_into(view_2d<const float> from, view_2d<float> to) noexcept {
    PITH_ASSERT(from.rows() == to.rows() && from.columns() == to.columns());
    for (std::size_t r = 0; r < to.rows(); ++r)
        for (std::size_t c = 0; c < to.columns(); ++c) to(r, c) = from(r, c);
}

/// Writes a number as a half; what a half cannot hold becomes the largest or smallest that it can.
inline void put_half(byte_output& out, float value) { put_le<std::uint16_t>(out, nearest_half(value).bits); }
/// What put_half leaves of a number.
[[nodiscard]] inline float as_half(float value) noexcept { return static_cast<float>(nearest_half(value)); }
/// A half that put_half writes for a finite number.
[[nodiscard]] inline result<float> read_half(byte_reader& in) noexcept {
    const auto bits = in.read_le<std::uint16_t>();
    if (!bits) return bits.error();
    if ((*bits & 0x7C00) == 0x7C00) return in.fail(error_code::bad_stream, "a number that is not finite");
    return static_cast<float>(half::from_bits(*bits));
}
[[nodiscard]] inline result<void> read_halves(byte_reader& in, std::span<float> out) noexcept {
    for (float& v : out) {
        const auto number = read_half(in);
        if (!number) return number.error();
        v = *number;
    }
    return {};
}

/// Writes a matrix and reads it back from exactly the bytes it wrote. Laws: write takes finite values, as
/// many rows as the scope has positions, and never fails; what read gives depends on the bytes, the size of
/// `out` and the scope's shape, layers, heads, kind, positions and previous blocks alone; read bears any
/// bytes.
template <class P>
concept block_part = requires(const P p, view_2d<const float> x, const block_scope& scope, byte_output& out,
                              byte_reader& in, view_2d<float> y) {
    { P::name } -> std::convertible_to<const char*>;
    p.write(x, scope, out);
    { p.read(in, scope, y) } -> std::same_as<result<void>>;
};

/// A part that changes a matrix, hands it to `inner`, a block_part, and undoes the change on reading.
template <class S, class Inner>
concept block_stage = block_part<Inner> &&
    requires(const S s, view_2d<const float> x, const block_scope& scope, byte_output& out, byte_reader& in,
             view_2d<float> y, const Inner& inner) {
    { S::name } -> std::convertible_to<const char*>;
    s.write(x, scope, out, inner);
    { s.read(in, scope, y, inner) } -> std::same_as<result<void>>;
};

namespace detail {

template <class P>
[[nodiscard]] std::size_t constant_bytes_of(const P& part) noexcept {
    if constexpr (requires { part.constant_bytes(); }) return part.constant_bytes();
    return 0;
}
template <class Part>
void encode_block(const Part& part, view_2d<const float> x, const block_scope& scope,
                  std::vector<std::byte>& out) {
    constexpr float largest = 65504;
    byte_output sink(out);
    bool fits = true;
    for (std::size_t r = 0; r < x.rows() && fits; ++r)
        for (std::size_t c = 0; c < x.columns(); ++c)
            fits = fits && x(r, c) <= largest && x(r, c) >= -largest;
    if (fits) return part.write(x, scope, sink);
    matrix bounded(x);
    for (std::size_t r = 0; r < x.rows(); ++r)
        for (float& v : bounded.row(r)) v = v > largest ? largest : v < -largest ? -largest : v;
    part.write(std::as_const(bounded).view(), scope, sink);
}
template <class Part>
result<void> decode_block(const Part& part, std::span<const std::byte> bytes, const block_scope& scope,
                          view_2d<float> y) {
    byte_reader in(readable_bytes(bytes));
    if (const auto done = part.read(in, scope, y); !done) return done.error();
    if (in.remaining() != 0) return in.fail(error_code::trailing_data, "bytes behind a block");
    return {};
}

}  // namespace detail

/// A block_codec, and a block_part for larger ones: Stages..., then a leaf. `layers` is the number of
/// consecutive layers whose channels one block holds.
template <class First, class... Rest>
class pipeline {
    using rest_type = pipeline<Rest...>;
    using needs = detail::needs<First, rest_type>;
    static_assert(block_stage<First, rest_type>, "every part but the last is a stage");

  public:
    static constexpr std::size_t layers = needs::layers;
    static constexpr bool uses_previous = needs::uses_previous;
    static constexpr bool uses_current_keys = needs::uses_current_keys;
    static constexpr bool uses_queries = needs::uses_queries;
    static constexpr const char* name = detail::joined_names<First, rest_type>::text.data();

    pipeline() = default;
    explicit pipeline(First first, Rest... rest) : first_(std::move(first)), rest_(std::move(rest)...) {}

    void write(view_2d<const float> x, const block_scope& scope, byte_output& out) const {
        first_.write(x, scope, out, rest_);
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y) const {
        return first_.read(in, scope, y, rest_);
    }
    /// Precondition: values are finite; those that no half holds are taken as the largest one.
    void encode(view_2d<const float> x, const block_scope& scope, std::vector<std::byte>& out) const {
        detail::encode_block(*this, x, scope, out);
    }
    /// Error: bytes that no encoder writes.
    [[nodiscard]] result<void> decode(std::span<const std::byte> bytes, const block_scope& scope,
                                      view_2d<float> y) const {
        return detail::decode_block(*this, bytes, scope, y);
    }
    /// Bytes of calibrated constants, which no block holds.
    [[nodiscard]] std::size_t constant_bytes() const noexcept {
        return detail::constant_bytes_of(first_) + detail::constant_bytes_of(rest_);
    }
    [[nodiscard]] std::uint64_t fingerprint() const {
        return detail::mark{}.add_part(first_).add_part(rest_).value();
    }
    [[nodiscard]] const First& first() const noexcept { return first_; }
    [[nodiscard]] const rest_type& rest() const noexcept { return rest_; }

  private:
    First first_;
    rest_type rest_;
};

template <class Leaf>
class pipeline<Leaf> {
    static_assert(block_part<Leaf>, "the last part writes the matrix");

  public:
    static constexpr std::size_t layers = detail::needs<Leaf>::layers;
    static constexpr bool uses_previous = detail::needs<Leaf>::uses_previous;
    static constexpr bool uses_current_keys = detail::needs<Leaf>::uses_current_keys;
    static constexpr bool uses_queries = detail::needs<Leaf>::uses_queries;
    static constexpr const char* name = Leaf::name;

    pipeline() = default;
    explicit pipeline(Leaf leaf) : leaf_(std::move(leaf)) {}

    void write(view_2d<const float> x, const block_scope& scope, byte_output& out) const {
        leaf_.write(x, scope, out);
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y) const {
        return leaf_.read(in, scope, y);
    }
    /// Precondition: values are finite; those that no half holds are taken as the largest one.
    void encode(view_2d<const float> x, const block_scope& scope, std::vector<std::byte>& out) const {
        detail::encode_block(*this, x, scope, out);
    }
    /// Error: bytes that no encoder writes.
    [[nodiscard]] result<void> decode(std::span<const std::byte> bytes, const block_scope& scope,
                                      view_2d<float> y) const {
        return detail::decode_block(*this, bytes, scope, y);
    }
    [[nodiscard]] std::size_t constant_bytes() const noexcept { return detail::constant_bytes_of(leaf_); }
    [[nodiscard]] std::uint64_t fingerprint() const { return detail::mark{}.add_part(leaf_).value(); }
    [[nodiscard]] const Leaf& first() const noexcept { return leaf_; }

  private:
    Leaf leaf_;
};

template <class... Parts>
pipeline(Parts...) -> pipeline<Parts...>;

/// The scope of one head of one of a block's layers, with its columns of what the scope refers to.
[[nodiscard]] inline block_scope scope_of_head(const block_scope& scope, std::size_t layer,
                                               std::size_t head) {
    block_scope out = scope;
    const std::size_t d = scope.shape.head_size;
    out.first_layer = scope.first_layer + layer;
    out.first_head = scope.first_head + head;
    out.layers = out.heads = 1;
    const auto head_of = [&](view_2d<const float> x) {
        const bool fits = x.columns() == scope.layers * scope.heads * d;
        return fits ? x.block(0, (layer * scope.heads + head) * d, x.rows(), d) : view_2d<const float>();
    };
    out.previous_keys = head_of(scope.previous_keys);
    out.previous_values = head_of(scope.previous_values);
    out.current_keys = head_of(scope.current_keys);
    const std::size_t width = scope.shape.queries_per_head() * d;
    const bool known = scope.queries.columns() == scope.layers * scope.heads * width;
    out.queries =
        known ? scope.queries.block(0, (layer * scope.heads + head) * width, scope.queries.rows(), width)
              : view_2d<const float>();
    return out;
}

/// The scope of a matrix whose columns are no longer those of heads: nothing but tokens is known of it.
[[nodiscard]] inline block_scope scope_of_columns(const block_scope& scope, std::size_t columns) {
    block_scope out = scope;
    out.shape.kv_heads = out.shape.query_heads = out.layers = out.heads = 1;
    out.shape.head_size = columns;
    out.previous_keys = out.previous_values = out.current_keys = out.queries = {};
    return out;
}

/// A stage that codes every head of every layer by itself.
struct each_head {
    static constexpr const char* name = "heads";

    template <block_part Inner>
    void write(view_2d<const float> x, const block_scope& scope, byte_output& out, const Inner& inner) const {
        for_each(x, scope, [&](view_2d<const float> part, const block_scope& s) {
            inner.write(part, s, out);
            return true;
        });
    }
    template <block_part Inner>
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope& scope, view_2d<float> y,
                                    const Inner& inner) const {
        error failure{};
        const bool sound = for_each(y, scope, [&](view_2d<float> part, const block_scope& s) {
            const auto done = inner.read(in, s, part);
            if (!done) failure = done.error();
            return done.has_value();
        });
        if (!sound) return failure;
        return {};
    }

  private:
    template <class T, class Each>
    static bool for_each(view_2d<T> x, const block_scope& scope, Each each) {
        const std::size_t d = scope.shape.head_size;
        PITH_ASSERT(x.columns() == scope.layers * scope.heads * d);
        for (std::size_t l = 0; l < scope.layers; ++l)
            for (std::size_t h = 0; h < scope.heads; ++h)
                if (!each(x.block(0, (l * scope.heads + h) * d, x.rows(), d), scope_of_head(scope, l, h)))
                    return false;
        return true;
    }
};

/// A leaf: every value as a half.
struct halves {
    static constexpr const char* name = "half";

    void write(view_2d<const float> x, const block_scope&, byte_output& out) const {
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c) put_half(out, x(r, c));
    }
    [[nodiscard]] result<void> read(byte_reader& in, const block_scope&, view_2d<float> y) const noexcept {
        for (std::size_t r = 0; r < y.rows(); ++r)
            for (std::size_t c = 0; c < y.columns(); ++c) {
                const auto value = read_half(in);
                if (!value) return value.error();
                y(r, c) = *value;
            }
        return {};
    }
};

}  // namespace pith::inline v1::kv
