// The lanes of a cache with the codecs of their blocks: appending, freezing, decoding, forgetting.
// What decoding gives is remembered while there is room; the memo is no part of the cache's bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/finite.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/lane.hpp>
#include <pith/kv/placement.hpp>
#include <pith/kv/rope.hpp>
#include <pith/kv/shape.hpp>

namespace pith::inline v1::kv {

/// What an encoder is told besides the values, for all loose tokens of a lane.
struct freeze_hints {
    std::span<const float> saliency{};
    view_2d<const float> queries{};
};

template <placement Placement, block_codec Keys, block_codec Values>
requires(layers_of<Keys>() == layers_of<Values>()) class lane_store {
  public:
    using floats = std::shared_ptr<const std::vector<float>>;
    static constexpr bool keys_in_place = attended_codec<Keys>, values_in_place = attended_codec<Values>;

    /// index_positions: keys are rotated by their index in the lane. Precondition: check(shape) passes.
    lane_store(const shape& sizes, const rope& turning, Keys keys, Values values, bool per_head,
               bool index_positions, std::size_t memo_bytes)
        : shape_(sizes),
          rotation_(turning, sizes.head_size),
          keys_(std::move(keys)),
          values_(std::move(values)),
          heads_(per_head ? sizes.kv_heads : 1),
          index_positions_(index_positions),
          memo_left_(memo_bytes) {
        constexpr std::size_t together = layers_of<Keys>();
        for (std::size_t first = 0; first < sizes.layers; first += together)
            for (std::size_t h = 0; h < heads_; ++h)
                lanes_.emplace_back(lane_place{lanes_.size(), first, std::min(together, sizes.layers - first),
                                               h, per_head ? 1 : sizes.kv_heads, sizes});
    }

    [[nodiscard]] const kv::shape& sizes() const noexcept { return shape_; }
    [[nodiscard]] rope_rotation& rotation() noexcept { return rotation_; }
    [[nodiscard]] const Keys& keys() const noexcept { return keys_; }
    [[nodiscard]] const Values& values() const noexcept { return values_; }
    [[nodiscard]] std::vector<lane>& lanes() noexcept { return lanes_; }
    [[nodiscard]] const std::vector<lane>& lanes() const noexcept { return lanes_; }
    [[nodiscard]] std::size_t heads_of_lanes() const noexcept { return heads_; }
    /// The lanes that hold a layer.
    [[nodiscard]] std::span<lane> lanes_of(std::size_t layer) noexcept {
        return std::span(lanes_).subspan(layer / layers_of<Keys>() * heads_, heads_);
    }
    /// True when keys are rotated between the store and attention.
    [[nodiscard]] bool turns_when_read() const noexcept { return !Placement::rotated && rotation_.active(); }
    [[nodiscard]] std::uint32_t turning_position(const lane& l, std::size_t token) const noexcept {
        return index_positions_ ? static_cast<std::uint32_t>(token) : l.positions[token];
    }
    [[nodiscard]] bool index_positions() const noexcept { return index_positions_; }

    /// Adds a layer's rows of tokens at positions from first_position on; the first `sinks` tokens of a lane
    /// become its sinks. Layers come in order.
    void append(std::size_t layer, view_2d<const float> keys, view_2d<const float> values,
                std::uint32_t first_position, std::size_t sinks) {
        for (lane& l : lanes_of(layer)) {
            if (layer == l.place.first_layer) extend(l, keys.rows(), first_position, sinks);
            const std::size_t first = l.tokens() - keys.rows(), d = shape_.head_size;
            const std::size_t from = l.place.first_head * d, width = l.place.heads * d;
            const std::size_t to = l.column(layer, l.place.first_head);
            std::vector<float> row(width);
            for (std::size_t t = 0; t < keys.rows(); ++t) {
                for (std::size_t c = 0; c < width; ++c) row[c] = keys(t, from + c);
                if (Placement::rotated) rotation_.turn(row, l.positions[first + t]);
                const std::size_t r = l.exact_row(tensor_kind::keys, first + t);
                l.keys.exact.set(r, to, std::span<const float>(row));
                turn_exact(l, first + t, to, width);
                l.values.exact.set(l.exact_row(tensor_kind::values, first + t), to,
                                   values.row(t).sub(from, width));
            }
        }
    }
    /// Freezes the oldest loose tokens of one kind as blocks of these sizes.
    void freeze(std::size_t index, tensor_kind kind, std::span<const std::size_t> cuts,
                const freeze_hints& hints) {
        lane& l = lanes_[index];
        lane_part& part = l.part(kind);
        std::vector<float> rows;
        std::size_t done = 0;
        for (const std::size_t count : cuts) {
            PITH_ASSERT(count >= 1 && count <= most_block_tokens);
            rows.resize(count * l.channels());
            part.exact.read(l.sinks + done, count, rows);
            auto made = std::make_shared<block>();
            const auto from = l.positions.begin() + static_cast<std::ptrdiff_t>(l.sinks + part.frozen);
            made->positions.assign(from, from + static_cast<std::ptrdiff_t>(count));
            made->context = context_for(index, kind, *made);
            references held;
            block_scope scope = scope_of(index, kind, part.pages.size(), *made, held);
            if (!hints.saliency.empty()) scope.saliency = hints.saliency.subspan(done, count);
            scope.queries = hints.queries;
            const view_2d<const float> x(std::span<const float>(rows), count, l.channels());
            kind == tensor_kind::keys ? keys_.encode(x, scope, made->bytes)
                                      : values_.encode(x, scope, made->bytes);
            part.pages.push_back({std::move(made)});
            part.frozen += count;
            done += count;
            remember(index, kind, part.pages.size() - 1);
        }
        if (done != 0) part.exact.erase(l.sinks, done);
    }
    /// Adds tokens that come as blocks, keys[lane] and values[lane], which begin at first_position; nothing
    /// is added when bytes do not decode. Precondition: no token is loose; the blocks are of as many
    /// consecutive tokens and lean on no other.
    [[nodiscard]] result<void> adopt(std::span<const std::shared_ptr<const block>> keys,
                                     std::span<const std::shared_ptr<const block>> values) {
        for (const bool check : {true, false})
            for (lane& l : lanes_)
                for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
                    const auto& from = kind == tensor_kind::keys ? keys : values;
                    const std::shared_ptr<const block>& b = from[l.place.index];
                    lane_part& part = l.part(kind);
                    if (check) {
                        if (const result<void> ok = decodes(l.place.index, kind, *b); !ok) return ok;
                        continue;
                    }
                    if (kind == tensor_kind::keys) {
                        l.positions.insert(l.positions.end(), b->positions.begin(), b->positions.end());
                        l.multiplicity.resize(l.tokens(), 1.0F);
                    }
                    part.pages.push_back({b});
                    part.frozen += b->tokens();
                    remember(l.place.index, kind, part.pages.size() - 1);
                }
        return {};
    }
    /// What becomes of the tokens first … first + count - 1, which are loose in both kinds.
    void apply(std::size_t index, std::size_t first, std::size_t count, const lane_plan& plan) {
        lane& l = lanes_[index];
        const std::size_t n = plan.kept.size();
        PITH_ASSERT(first >= l.first_loose() && n <= count && first + count <= l.tokens());
        for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
            const std::vector<float>& rows = kind == tensor_kind::keys ? plan.keys : plan.values;
            const std::size_t row = l.exact_row(kind, first);
            l.part(kind).exact.keep(row, count, plan.kept);
            PITH_ASSERT(rows.empty() || rows.size() == n * l.channels());
            for (std::size_t i = 0; i < n && !rows.empty(); ++i)
                l.part(kind).exact.set(row + i, 0, std::span(rows).subspan(i * l.channels(), l.channels()));
        }
        keep_of(l.positions, first, count, plan.kept, plan.positions);
        keep_of(l.multiplicity, first, count, plan.kept, plan.multiplicity);
        const bool moved = index_positions_ ? n != count : !plan.positions.empty();
        if (turns_when_read() && (moved || !plan.keys.empty()))
            for (std::size_t t = first; t < (index_positions_ ? l.tokens() : first + n); ++t) {
                l.keys.exact.refresh(l.exact_row(tensor_kind::keys, t), 1);
                turn_exact(l, t, 0, l.channels());
            }
    }
    /// Floats of the blocks at one place of the block tables, decoded once while they are needed.
    using references = std::vector<floats>;

    /// The scope of a block. `held` keeps the floats alive that the scope points to.
    [[nodiscard]] block_scope scope_of(std::size_t index, tensor_kind kind, std::size_t at, const block& b,
                                       references& held) const {
        const lane_place& p = lanes_[index].place;
        block_scope scope{shape_, p.first_layer, p.layers, p.heads, kind, b.positions};
        scope.first_head = p.first_head;
        const auto given = [&](block::given part, std::size_t lane, tensor_kind what) {
            if ((b.context & part) == 0) return view_2d<const float>();
            return view_2d<const float>(*decoded(lane, what, at, held), b.tokens(), lanes_[lane].channels());
        };
        const std::size_t before = index - heads_;  // looked at only where a lane stands before
        scope.previous_keys = given(block::previous_keys, before, tensor_kind::keys);
        scope.previous_values = given(block::previous_values, before, tensor_kind::values);
        scope.current_keys = given(block::current_keys, index, tensor_kind::keys);
        return scope;
    }
    /// A block's floats as attention takes them. Precondition: its bytes decode.
    [[nodiscard]] floats ready(std::size_t index, tensor_kind kind, std::size_t at, std::size_t first_token) {
        const page& p = lanes_[index].part(kind).pages[at];
        if (p.ready) return p.ready;
        references held;
        return turned(index, kind, decoded(index, kind, at, held), first_token);
    }
    /// A block's floats as stored. Precondition: its bytes decode.
    [[nodiscard]] floats decoded(std::size_t index, tensor_kind kind, std::size_t at) const {
        references held;
        return decoded(index, kind, at, held);
    }
    /// Decodes a block whose bytes came from outside. Each block that it leans on is decoded once: there are
    /// at most two for each lane before it.
    [[nodiscard]] result<floats> decode(std::size_t index, tensor_kind kind, std::size_t at,
                                        references& held) const {
        const lane& l = lanes_[index];
        const block& b = *l.part(kind).pages[at].coded;
        auto out = std::make_shared<std::vector<float>>(b.tokens() * l.channels());
        const block_scope scope = scope_of(index, kind, at, b, held);
        const view_2d<float> rows{std::span<float>(*out), b.tokens(), l.channels()};
        const result<void> ok = kind == tensor_kind::keys ? keys_.decode(b.bytes, scope, rows)
                                                          : values_.decode(b.bytes, scope, rows);
        if (!ok) return ok.error();
        return floats(std::move(out));
    }
    /// Fills the memo of the newest block of a kind, if attention or another block will ask for it. Blocks
    /// are remembered in the order in which they were made.
    void remember(std::size_t index, tensor_kind kind, std::size_t at, floats rows = {}) {
        if (attended_in_place(kind) && !asked_by_others) return;
        lane& l = lanes_[index];
        const bool copies = kind == tensor_kind::keys && turns_when_read();
        const std::size_t size = l.part(kind).pages[at].coded->tokens() * l.channels() * sizeof(float);
        const std::size_t cost = copies && asked_by_others ? 2 * size : size;
        if (cost > memo_left_) return;
        memo_left_ -= cost;
        if (!rows) rows = decoded(index, kind, at);
        page& p = l.part(kind).pages[at];
        const std::size_t before = l.sinks + l.part(kind).frozen - p.coded->tokens();
        p.ready = copies ? turned(index, kind, rows, before) : rows;
        if (!copies || asked_by_others) p.decoded = std::move(rows);
    }
    /// Decodes the newest block of a kind, whose bytes came from outside, and remembers it as usual.
    [[nodiscard]] result<void> verify(std::size_t index, tensor_kind kind, std::size_t at) {
        references held;
        result<floats> rows = decode(index, kind, at, held);
        if (!rows) return rows.error();
        if (!all_finite(std::span<const float>(**rows)))
            return error{error_code::bad_stream, 0, "a block decodes to values that are not finite"};
        remember(index, kind, at, std::move(*rows));
        return {};
    }
    /// Appends the floats of a head, as stored, of all tokens.
    void copy_head(const lane& l, tensor_kind kind, std::size_t column, std::vector<float>& out) const {
        const lane_part& part = l.part(kind);
        std::vector<float> rows;
        const auto add = [&](std::span<const float> from) {
            for (std::size_t at = column; at < from.size(); at += l.channels())
                for (std::size_t d = 0; d < shape_.head_size; ++d) out.push_back(from[at + d]);
        };
        const auto exact = [&](std::size_t first, std::size_t count) {
            rows.resize(count * l.channels());
            part.exact.read(first, count, rows);
            add(rows);
        };
        exact(0, l.sinks);
        for (std::size_t b = 0; b < part.pages.size(); ++b) add(*decoded(l.place.index, kind, b));
        exact(l.sinks, l.loose(kind));
    }
    /// The first `tokens` tokens of a lane as attention takes them, gathered in `buffer` where they do not
    /// lie in one piece.
    [[nodiscard]] view_2d<const float> gathered(const lane& l, tensor_kind kind, std::size_t tokens,
                                                std::vector<float>& buffer) {
        const lane_part& part = l.part(kind);
        if (part.frozen == 0) return part.exact.ready(0, tokens);
        buffer.clear();
        const auto add = [&](std::span<const float> rows) {
            buffer.insert(buffer.end(), rows.begin(), rows.end());
        };
        add(part.exact.ready(0, l.sinks).as_span());
        for (std::size_t b = 0, at = l.sinks; b < part.pages.size(); ++b) {
            add(*ready(l.place.index, kind, b, at));
            at += part.pages[b].coded->tokens();
        }
        add(part.exact.ready(l.sinks, l.loose(kind)).as_span());
        return {std::span<const float>(buffer).first(tokens * l.channels()), tokens, l.channels()};
    }
    /// Turns what is exact of the keys for attention, after the floats were made anew.
    void turn_all(lane& l) {
        if (!turns_when_read()) return;
        for (std::size_t t = 0; t < l.tokens(); ++t)
            if (t < l.sinks || t >= l.sinks + l.keys.frozen) turn_exact(l, t, 0, l.channels());
    }
    /// True when attention computes with the codes of this kind.
    [[nodiscard]] bool attended_in_place(tensor_kind kind) const noexcept {
        return kind == tensor_kind::keys ? keys_in_place && !turns_when_read() : values_in_place;
    }
    /// Which parts of the scope a codec of this kind reads.
    [[nodiscard]] static constexpr std::uint8_t context_of(tensor_kind kind) noexcept {
        const bool previous = kind == tensor_kind::keys ? uses_previous<Keys> : uses_previous<Values>;
        const bool current = kind == tensor_kind::values && uses_current_keys<Values>;
        return static_cast<std::uint8_t>((previous ? block::previous_keys | block::previous_values : 0) |
                                         (current ? block::current_keys : 0));
    }
    /// The parts that exist for a block about to be pushed, or that was read from outside.
    [[nodiscard]] std::uint8_t context_for(std::size_t index, tensor_kind kind, const block& b) const {
        const std::size_t at = lanes_[index].part(kind).pages.size();
        const auto there = [&](std::size_t lane, tensor_kind what) {
            const std::vector<page>& pages = lanes_[lane].part(what).pages;
            return at < pages.size() && pages[at].coded->positions == b.positions;
        };
        unsigned found = block::nothing;
        if (index >= heads_ && there(index - heads_, tensor_kind::keys)) found |= block::previous_keys;
        if (index >= heads_ && there(index - heads_, tensor_kind::values)) found |= block::previous_values;
        if (there(index, tensor_kind::keys)) found |= block::current_keys;
        return static_cast<std::uint8_t>(found & context_of(kind));
    }

  private:
    [[nodiscard]] floats decoded(std::size_t index, tensor_kind kind, std::size_t at,
                                 references& held) const {
        if (const floats& memo = lanes_[index].part(kind).pages[at].decoded) return memo;
        const std::size_t slot = 2 * index + (kind == tensor_kind::values ? 1 : 0);
        if (held.empty()) held.resize(2 * lanes_.size());
        if (!held[slot]) {
            result<floats> made = decode(index, kind, at, held);
            PITH_ASSERT(made.has_value());
            const std::size_t size = lanes_[index].part(kind).pages[at].coded->tokens();
            held[slot] = made ? std::move(*made)
                              : std::make_shared<std::vector<float>>(size * lanes_[index].channels());
        }
        return held[slot];
    }
    /// Whether a block that leans on no other gives finite values.
    [[nodiscard]] result<void> decodes(std::size_t index, tensor_kind kind, const block& b) const {
        references held;
        std::vector<float> rows(b.tokens() * lanes_[index].channels());
        const view_2d<float> out{std::span<float>(rows), b.tokens(), lanes_[index].channels()};
        const block_scope scope = scope_of(index, kind, 0, b, held);
        const result<void> ok = kind == tensor_kind::keys ? keys_.decode(b.bytes, scope, out)
                                                          : values_.decode(b.bytes, scope, out);
        if (ok && !all_finite(std::span<const float>(rows)))
            return error{error_code::bad_stream, 0, "a block decodes to values that are not finite"};
        return ok;
    }
    static constexpr bool asked_by_others =
        uses_previous<Keys> || uses_previous<Values> || uses_current_keys<Values>;

    void extend(lane& l, std::size_t count, std::uint32_t first_position, std::size_t sinks) {
        l.keys.exact.extend(count);
        l.values.exact.extend(count);
        for (std::size_t t = 0; t < count; ++t)
            l.positions.push_back(first_position + static_cast<std::uint32_t>(t));
        l.multiplicity.resize(l.tokens(), 1.0F);
        if (l.keys.frozen == 0 && l.values.frozen == 0) l.sinks = std::min(sinks, l.tokens());
    }
    void turn_exact(lane& l, std::size_t token, std::size_t column, std::size_t width) noexcept {
        if (!turns_when_read()) return;
        const std::span<float> row = l.keys.exact.ready_row(l.exact_row(tensor_kind::keys, token));
        rotation_.turn(row.subspan(column, width), turning_position(l, token));
    }
    [[nodiscard]] floats turned(std::size_t index, tensor_kind kind, const floats& rows,
                                std::size_t first_token) {
        if (kind == tensor_kind::values || !turns_when_read()) return rows;
        const lane& l = lanes_[index];
        auto out = std::make_shared<std::vector<float>>(*rows);
        for (std::size_t at = 0; at < out->size(); at += l.channels())
            rotation_.turn(std::span(*out).subspan(at, l.channels()),
                           turning_position(l, first_token + at / l.channels()));
        return out;
    }
    template <class T>
    static void keep_of(std::vector<T>& all, std::size_t first, std::size_t count,
                        std::span<const std::uint32_t> kept, const std::vector<T>& fresh) {
        PITH_ASSERT(fresh.empty() || fresh.size() == kept.size());
        for (std::size_t i = 0; i < kept.size(); ++i)
            all[first + i] = fresh.empty() ? all[first + kept[i]] : fresh[i];
        const auto end = all.begin() + static_cast<std::ptrdiff_t>(first + count);
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(first + kept.size()), end);
    }

    kv::shape shape_;
    rope_rotation rotation_;
    Keys keys_;
    Values values_;
    std::size_t heads_;
    bool index_positions_;
    std::size_t memo_left_;
    std::vector<lane> lanes_;
};

}  // namespace pith::inline v1::kv
