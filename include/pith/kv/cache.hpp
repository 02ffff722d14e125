// A key-value cache composed of policies: where keys stand, what is cut into blocks, how blocks are coded,
// what stays. Systems are aliases of it (systems/kv.hpp); the exact cache is cache<post_rope, loose_only,
// exact_codec, exact_codec>.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/any_cache.hpp>
#include <pith/kv/cache_file.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/keep_all.hpp>
#include <pith/kv/lane_attention.hpp>
#include <pith/kv/lane_store.hpp>
#include <pith/kv/recent_queries.hpp>
#include <pith/kv/rows_check.hpp>

namespace pith::inline v1::kv {

struct cache_options {
    /// Most bytes of decoded blocks that are remembered for attention. They are no part of the cache: not
    /// counted, not saved. Without room a block is decoded at every step.
    std::size_t memo_bytes = std::size_t{1} << 28;
};

/// One head's tokens: keys as they are stored (decoded), values decoded, both tokens x head size.
struct head_view {
    std::vector<std::uint32_t> positions;
    std::vector<float> multiplicity, keys, values;
};

/// The cache. Keys and queries come before the rotary embedding, positions go on from 0. A batch is one call
/// of `append` for every layer in order; then every layer can be attended. Until `end_prefill` all tokens
/// stay exact (as half floats); after it, what the policies say happens to a token takes effect when the next
/// one comes or when the cache is looked at, so that a token's own attention sees it exact.
/// Law: the same tokens in batches of any size leave the same cache.
/// One thread at a time uses a cache; forks are caches of their own, though they share frozen blocks.
template <placement Placement, segmenter Segmenter, block_codec Keys, block_codec Values,
          retention Retention = keep_all>
requires(!positions_in_cache<Retention> || !Placement::rotated) class cache {
  public:
    using store_type = lane_store<Placement, Keys, Values>;

    /// Precondition: check(sizes) passes.
    cache(const kv::shape& sizes, const rope& turning, Keys keys = {}, Values values = {},
          Segmenter cuts = {}, Retention keeps = {}, cache_options options = {})
        : turning_(turning),
          segmenter_(std::move(cuts)),
          retention_(std::move(keeps)),
          store_(sizes, turning, std::move(keys), std::move(values), Retention::per_head,
                 positions_in_cache<Retention>, options.memo_bytes),
          queries_(sizes),
          read_(sizes.layers) {
        PITH_ASSERT(check(sizes).has_value());
    }

    [[nodiscard]] const kv::shape& shape() const noexcept { return store_.sizes(); }
    /// Tokens appended to every layer.
    [[nodiscard]] std::size_t tokens_seen() const noexcept { return seen_; }
    [[nodiscard]] bool in_prefill() const noexcept { return prefill_; }

    /// Adds tokens to a layer: keys and values [n x key channels], queries [n x query channels]; no queries
    /// where no policy asks for them. unsupported_parameter, and nothing changed, when layers come out of
    /// order, sizes do not fit, or a number is not finite or too large for a half float.
    [[nodiscard]] result<void> append(std::size_t layer, view_2d<const float> keys,
                                      view_2d<const float> values, view_2d<const float> queries = {}) {
        if (const result<void> ok = admit(layer, keys, values, queries); !ok) return ok;
        if (layer == 0) {
            settle();
            batch_ = keys.rows();
        }
        store_.append(layer, keys, values, static_cast<std::uint32_t>(seen_), segmenter_.sinks());
        queries_.take(layer, queries);
        next_layer_ = layer + 1;
        const lane_place& place = store_.lanes_of(layer)[0].place;
        if (prefill_ && next_layer_ == place.first_layer + place.layers)
            for (lane& l : store_.lanes_of(layer)) observe(l, 0, batch_, 0);
        if (next_layer_ < shape().layers) return {};
        next_layer_ = 0;
        seen_ += batch_;
        return {};
    }
    /// Adds tokens that are frozen already, keys[layer] and values[layer], to a cache without exact ones:
    /// what was received in place of a prefill, which is over then. unsupported_parameter, and nothing
    /// changed, when there are exact tokens or the blocks are not of the next tokens; else what the codecs
    /// say of them.
    [[nodiscard]] result<void> append_blocks(
        std::span<const std::shared_ptr<const block>> keys,
        std::span<const std::shared_ptr<const block>>
            values) requires(std::same_as<Retention, keep_all>&& blocks_stand_alone<Keys, Values>) {
        settle();
        if (const result<void> ok = admit_blocks(keys, values); !ok) return ok;
        if (const result<void> ok = store_.adopt(keys, values); !ok) return ok;
        prefill_ = false;
        seen_ = settled_ = seen_ + keys[0]->tokens();
        return {};
    }
    /// The prompt is complete: what may be dropped is dropped, what may be frozen is frozen.
    /// Precondition: the batch is complete.
    void end_prefill() {
        PITH_ASSERT(next_layer_ == 0);
        settle();
        if (!std::exchange(prefill_, false)) return;
        if constexpr (!std::same_as<Retention, keep_all>) hold_event(true, 0);
        freeze(true, 0);
    }
    /// Attention of the newest n tokens of a layer, each to itself and what came before it: queries and out
    /// [n x query channels]. unsupported_parameter when sizes do not fit.
    [[nodiscard]] result<void> attend(std::size_t layer, view_2d<const float> queries, view_2d<float> out) {
        if (layer >= shape().layers || queries.columns() != shape().query_channels() ||
            out.columns() != queries.columns() || out.rows() != queries.rows() ||
            queries.rows() > tokens_of(layer))
            return error{error_code::unsupported_parameter, 0, "the queries do not fit the cache"};
        const std::uint64_t first = tokens_of(layer) - queries.rows();
        double read = 0;
        for (lane& l : store_.lanes_of(layer)) read += attend_lane(l, layer, queries, first, out);
        read_[layer] = static_cast<std::size_t>(read);
        return {};
    }
    /// The bytes of the cache, exactly those that `save` writes.
    [[nodiscard]] stored_bytes bytes() {
        settle();
        return cache_file::count(store_, header());
    }
    /// Bytes that the last attend of each layer read for one query token, all layers together.
    [[nodiscard]] std::size_t bytes_read() const noexcept {
        std::size_t sum = 0;
        for (const std::size_t n : read_) sum += n;
        return sum;
    }
    /// Tokens kept for a head. Precondition: the layer and the head exist.
    [[nodiscard]] std::size_t tokens(std::size_t layer, std::size_t head) {
        settle();
        return lane_of(layer, head).tokens();
    }
    /// A copy of what is kept for a head. Precondition: the layer and the head exist.
    [[nodiscard]] head_view view(std::size_t layer, std::size_t head) {
        settle();
        const lane& l = lane_of(layer, head);
        head_view out{l.positions, l.multiplicity, {}, {}};
        store_.copy_head(l, tensor_kind::keys, l.column(layer, head), out.keys);
        store_.copy_head(l, tensor_kind::values, l.column(layer, head), out.values);
        return out;
    }
    /// A cache that goes its own way from here; frozen blocks are shared, and never change.
    [[nodiscard]] cache fork() {
        settle();
        return *this;
    }
    /// Writes the cache to a sink; unsupported_parameter inside a batch. What policies have observed is not
    /// part of it: a loaded cache's retention begins anew.
    template <byte_sink Sink>
    [[nodiscard]] result<void> save(Sink& sink) {
        if (next_layer_ != 0)
            return error{error_code::unsupported_parameter, 0, "a batch has not reached all layers"};
        settle();
        cache_file::write(store_, header(), sink);
        return {};
    }
    /// Reads what `save` of the same composition wrote; codecs and policies are given anew. Every block is
    /// decoded once, so that no attention can fail. max_output bounds the floats of the cache decoded.
    [[nodiscard]] static result<cache> load(byte_view in, Keys keys = {}, Values values = {},
                                            Segmenter cuts = {}, Retention keeps = {},
                                            const limits& bound = {}, cache_options options = {}) {
        const result<cache_file::header> h = cache_file::read_header(in, bound);
        if (!h) return h.error();
        const std::size_t lanes =
            h->sizes.layers / layers_of<Keys>() * (Retention::per_head ? h->sizes.kv_heads : 1);
        if (lanes > in.size() / container::section::header_size)
            return error{error_code::truncated, in.size(), "the file is too short for its lanes"};
        cache made(h->sizes, h->turning, std::move(keys), std::move(values), std::move(cuts),
                   std::move(keeps), options);
        made.prefill_ = h->prefill;
        made.seen_ = made.settled_ = static_cast<std::size_t>(h->tokens);
        if (!(made.header() == *h))
            return error{error_code::unknown_recipe, 0, "the file was written by another composition"};
        if (const result<void> ok = cache_file::read_lanes(in, *h, made.store_, bound); !ok)
            return ok.error();
        return made;
    }
    [[nodiscard]] const Retention& keeps() const noexcept { return retention_; }

  private:
    static constexpr bool observes = saliency<Retention>;
    static constexpr bool wants_queries = observes || uses_queries<Keys> || uses_queries<Values>;

    [[nodiscard]] cache_file::header header() const {
        return {shape(), turning_, prefill_, seen_,
                cache_file::composition<Placement>(store_.keys(), store_.values(), Retention::per_head,
                                                   positions_in_cache<Retention>)};
    }
    [[nodiscard]] std::size_t tokens_of(std::size_t layer) const noexcept {
        return seen_ + (layer < next_layer_ ? batch_ : 0);
    }
    [[nodiscard]] const lane& lane_of(std::size_t layer, std::size_t head) {
        PITH_ASSERT(layer < shape().layers && head < shape().kv_heads);
        return store_.lanes_of(layer)[Retention::per_head ? head : 0];
    }
    [[nodiscard]] result<void> admit(std::size_t layer, view_2d<const float> keys,
                                     view_2d<const float> values, view_2d<const float> queries) const {
        if (layer != next_layer_ || layer >= shape().layers)
            return error{error_code::unsupported_parameter, 0, "layers are appended in order"};
        if (layer != 0 && keys.rows() != batch_)
            return error{error_code::unsupported_parameter, 0, "every layer gets the same number of tokens"};
        if (keys.rows() > most_tokens - seen_)
            return error{error_code::unsupported_parameter, 0, "a cache has at most 2^31 tokens"};
        return check_rows(shape(), keys, values, queries, wants_queries);
    }
    [[nodiscard]] result<void> admit_blocks(std::span<const std::shared_ptr<const block>> keys,
                                            std::span<const std::shared_ptr<const block>> values) const {
        constexpr auto wrong = [](const char* why) {
            return error{error_code::unsupported_parameter, 0, why};
        };
        if (next_layer_ != 0 || keys.size() != shape().layers || values.size() != shape().layers)
            return wrong("every layer gets a block of keys and one of values");
        for (const lane& l : store_.lanes())
            if (l.keys.frozen != l.tokens() || l.values.frozen != l.tokens())
                return wrong("a block cannot stand behind exact tokens");
        const std::size_t count = keys[0]->tokens();
        if (count == 0 || count > most_block_tokens || count > most_tokens - seen_)
            return wrong("a block has too many tokens");
        for (const auto& of_kind : {keys, values})
            for (const std::shared_ptr<const block>& b : of_kind) {
                bool next = b->tokens() == count && b->context == block::nothing;
                for (std::size_t t = 0; t < count && next; ++t) next = b->positions[t] == seen_ + t;
                if (!next) return wrong("a block is not of the next tokens");
            }
        return {};
    }
    /// Brings into effect what the policies say of every token up to the last complete batch.
    void settle() {
        if (next_layer_ != 0) return;
        for (; settled_ < seen_; ++settled_) {
            const std::size_t pending = seen_ - settled_ - 1;
            queries_.advance(batch_ - pending - 1, wants_queries);
            if (prefill_) continue;
            for (lane& l : store_.lanes()) observe(l, batch_ - pending - 1, 1, pending);
            if constexpr (!std::same_as<Retention, keep_all>) {
                std::size_t most = 0;
                for (const lane& l : store_.lanes()) most = std::max(most, movable(l, pending).second);
                if (most != 0 && retention_.due(most)) hold_event(false, pending);
            }
            freeze(false, pending);
        }
    }
    /// First and number of the tokens of a lane that may be dropped while `pending` ones still wait.
    [[nodiscard]] std::pair<std::size_t, std::size_t> movable(const lane& l, std::size_t pending) const {
        const std::size_t exempt = std::min(l.tokens(), pending + segmenter_.window());
        const std::size_t first = l.first_loose(), end = l.tokens() - exempt;
        return {first, end > first ? end - first : 0};
    }
    void observe(lane& l, std::size_t first_row, std::size_t rows, std::size_t pending) {
        if constexpr (observes) {
            const std::size_t n = l.tokens() - pending;
            lane_view seen;
            seen.keys = store_.gathered(l, tensor_kind::keys, n, keys_buffer_);
            seen.values = store_.gathered(l, tensor_kind::values, n, values_buffer_);
            seen.positions = std::span(l.positions).first(n);
            seen.multiplicity = std::span(l.multiplicity).first(n);
            std::tie(seen.movable_first, seen.movable_count) = movable(l, pending);
            const std::vector<float> q =
                queries_.of_batch(l, first_row, rows, n, store_.rotation(), store_.index_positions());
            retention_.observe(l.place, view_2d<const float>(q, rows, rows == 0 ? 0 : q.size() / rows), seen);
        }
    }
    void hold_event(bool end_of_prefill, std::size_t pending) {
        std::vector<lane>& lanes = store_.lanes();
        std::vector<lane_place> places;
        std::vector<lane_view> views;
        std::vector<std::vector<float>> rows(2 * lanes.size());
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            const auto [first, count] = movable(lanes[i], pending);
            places.push_back(lanes[i].place);
            views.push_back(loose_view(lanes[i], first, count, rows[2 * i], rows[2 * i + 1]));
        }
        std::vector<lane_plan> plans(lanes.size());
        const retention_event event{end_of_prefill, seen_ - pending,
                                    segmenter_.sinks() + segmenter_.window()};
        retention_.plan(places, std::span<const lane_view>(views), event, plans);
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            const auto [first, count] = movable(lanes[i], pending);
            store_.apply(i, first, count, plans[i]);
        }
    }
    /// Tokens as they are stored; a kind in which they are not all loose is left empty.
    [[nodiscard]] static lane_view loose_view(const lane& l, std::size_t first, std::size_t count,
                                              std::vector<float>& keys, std::vector<float>& values) {
        lane_view out;
        const auto rows = [&](tensor_kind kind, std::vector<float>& to) -> view_2d<const float> {
            if (first < l.sinks + l.part(kind).frozen) return {};
            to.resize(count * l.channels());
            l.part(kind).exact.read(l.exact_row(kind, first), count, to);
            return {std::span<const float>(to), count, l.channels()};
        };
        out.keys = rows(tensor_kind::keys, keys);
        out.values = rows(tensor_kind::values, values);
        out.positions = std::span(l.positions).subspan(first, count);
        out.multiplicity = std::span(l.multiplicity).subspan(first, count);
        out.movable_count = count;
        return out;
    }
    void freeze(bool end_of_prefill, std::size_t pending) {
        std::vector<std::size_t> cuts;
        for (lane& l : store_.lanes()) {
            const std::size_t first[] = {l.sinks + l.keys.frozen, l.sinks + l.values.frozen};
            for (const tensor_kind kind : {tensor_kind::keys, tensor_kind::values}) {
                std::size_t left = l.loose(kind) - std::min(l.loose(kind), pending), sum = 0;
                cuts.clear();
                while (const std::size_t n = segmenter_.cut(kind, left, end_of_prefill)) {
                    PITH_ASSERT(n <= left);
                    cuts.push_back(n);
                    left -= n;
                    sum += n;
                }
                if (!cuts.empty())
                    freeze_cuts(l, kind, cuts, first[kind == tensor_kind::keys ? 0 : 1], sum,
                                seen_ - pending - 1);
            }
        }
    }
    /// `newest` is the position of the token at which this happens.
    void freeze_cuts(lane& l, tensor_kind kind, std::span<const std::size_t> cuts, std::size_t first,
                     std::size_t count, [[maybe_unused]] std::size_t newest) {
        freeze_hints hints;
        std::vector<float> scores, q;
        if constexpr (observes) {
            scores.resize(count);
            retention_.score(l.place, loose_view(l, first, count, keys_buffer_, values_buffer_), scores);
            hints.saliency = scores;
        }
        if constexpr (uses_queries<Keys> || uses_queries<Values>) {
            const std::size_t n = queries_.recent(l, newest, q, store_.rotation(), Placement::rotated);
            if (n != 0) hints.queries = view_2d<const float>(q, n, q.size() / n);
        }
        store_.freeze(l.place.index, kind, cuts, hints);
    }
    double attend_lane(lane& l, std::size_t layer, view_2d<const float> queries, std::uint64_t first,
                       view_2d<float> out) {
        lane_attention<store_type> pass(store_, l, layer, scratch_);
        const double all = static_cast<double>(cache_file::rows_of_layer(l));
        if constexpr (reading_retention<Retention>) {
            lane_view seen;
            seen.keys = store_.gathered(l, tensor_kind::keys, l.tokens(), keys_buffer_);
            seen.values = store_.gathered(l, tensor_kind::values, l.tokens(), values_buffer_);
            double tokens = 0, chosen = 0;
            const auto read = [&](view_2d<const float> q, std::span<std::uint8_t> marks) {
                seen.positions = std::span(l.positions).first(marks.size());
                seen.multiplicity = std::span(l.multiplicity).first(marks.size());
                std::tie(seen.movable_first, seen.movable_count) = movable(l, l.tokens() - marks.size());
                retention_.read(l.place, layer, q, seen, marks);
                tokens += static_cast<double>(marks.size());
                for (const std::uint8_t m : marks) chosen += m != 0 ? 1.0 : 0.0;
            };
            pass.run(queries, first, out, read);
            return tokens == 0 ? 0 : all * chosen / tokens;
        } else {
            read_all everything;
            pass.run(queries, first, out, everything);
            return all;
        }
    }

    static constexpr std::size_t most_tokens = std::size_t{1} << 31;

    rope turning_;
    Segmenter segmenter_;
    Retention retention_;
    store_type store_;
    recent_queries queries_;
    std::vector<std::size_t> read_;
    attention_scratch scratch_;
    std::vector<float> keys_buffer_, values_buffer_;
    std::size_t next_layer_ = 0;  ///< the layer that comes next; 0 between batches
    std::size_t batch_ = 0;       ///< tokens of the newest batch
    std::size_t seen_ = 0, settled_ = 0;
    bool prefill_ = true;
};

}  // namespace pith::inline v1::kv
