// The concepts of key-value caches: what codes a block, what cuts blocks, what decides which tokens stay.
// Each is stated with its laws; the cache is kv/cache.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/shape.hpp>

namespace pith::inline v1::kv {

enum class tensor_kind : std::uint8_t { keys, values };

/// What a codec may know of a block besides its values: a matrix of positions.size() rows and channels()
/// columns, layer after layer, and in a layer head after head.
struct block_scope {
    kv::shape shape;
    std::size_t first_layer = 0;  ///< of the lane
    std::size_t layers = 1;       ///< of the lane; fewer than the codec asks for at the end of the model
    std::size_t heads = 1;        ///< of each layer: all, or one in lanes of one head
    tensor_kind kind = tensor_kind::keys;
    std::span<const std::uint32_t> positions{};  ///< one for each token, ascending
    std::span<const float> saliency{};           ///< higher: keep better; empty if nothing scores
    view_2d<const float> previous_keys{};        ///< reconstructed, same tokens, lane before; or empty
    view_2d<const float> previous_values{};      ///< the same of values
    view_2d<const float> current_keys{};         ///< for values: reconstructed keys of these tokens, or empty
    view_2d<const float> queries{};  ///< recent ones, layer by layer as the channels, encoder only

    std::size_t first_head = 0;  ///< of each layer

    [[nodiscard]] constexpr std::size_t tokens() const noexcept { return positions.size(); }
    [[nodiscard]] constexpr std::size_t channels() const noexcept { return layers * heads * shape.head_size; }
};

/// A coder of blocks of tokens, keys or values. It sees nothing but the block and its scope, so that blocks
/// can be frozen, dropped and sent alone.
///   void encode(view_2d<const float> x, const block_scope&, std::vector<std::byte>& out) const;  // appends
///   result<void> decode(std::span<const std::byte>, const block_scope&, view_2d<float> out) const;
/// Laws: decode depends on the bytes and on shape, lane, kind, positions, previous_*, current_keys of the
/// scope, never on saliency or queries; the same call gives the same floats; bytes of any kind give values
/// or an error; values are finite. encode takes finite values only and is encoder-side.
/// Optional constants of the type:
///   std::size_t layers         // consecutive layers that share a lane; 1
///   bool uses_previous         // reads previous_keys and previous_values; false
///   bool uses_current_keys     // a codec of values that reads current_keys; false
///   bool uses_queries          // reads queries; false
///   const char* name           // saved with the cache, compared when it is read; ""
/// and optional members
///   std::size_t constant_bytes() const;   // size of what was calibrated beforehand; 0
///   std::uint64_t fingerprint() const;    // of what was calibrated or chosen at run time, saved and
///   compared
template <class C>
concept block_codec = std::copy_constructible<C> &&
    requires(const C c, view_2d<const float> x, view_2d<float> out, const block_scope& scope,
             std::vector<std::byte>& bytes, std::span<const std::byte> in) {
    c.encode(x, scope, bytes);
    { c.decode(in, scope, out) } -> std::same_as<result<void>>;
};

/// A codec of blocks that are attended without being decoded.
///   void scores(bytes, scope, head, query, out) const;      // out[t] = <query, key t of the head>
///   void accumulate(bytes, scope, head, weights, out) const;   // out[d] += sum over t of weights[t]
///   value[t][d]
/// `head` counts the heads of the block: (layer - first_layer) * heads + head - first_head.
/// Precondition: decode accepts the bytes. Law: within a stated bound of the same computed from decode's
/// output.
template <class C>
concept attended_codec = block_codec<C> &&
    requires(const C c, std::span<const std::byte> bytes, const block_scope& scope, std::size_t head,
             std::span<const float> in, std::span<float> out) {
    c.scores(bytes, scope, head, in, out);
    c.accumulate(bytes, scope, head, in, out);
};

/// Tokens of a lane as policies see them: one row a token, channels as in block_scope.
struct lane_view {
    view_2d<const float> keys, values;
    std::span<const std::uint32_t> positions;  ///< ascending: what tells a token from the others
    std::span<const float> multiplicity;       ///< tokens that were merged into this one, itself included
    std::size_t movable_first = 0;             ///< the first token that may be dropped, behind the sinks
    std::size_t movable_count = 0;             ///< how many: without frozen blocks and the recent window

    [[nodiscard]] std::size_t tokens() const noexcept { return positions.size(); }
};

/// Which lane a view shows.
struct lane_place {
    std::size_t index = 0;  ///< of the lane in the cache: group of layers first, then head
    std::size_t first_layer = 0, layers = 1;
    std::size_t first_head = 0, heads = 1;
    kv::shape shape;
};

/// What becomes of the movable tokens of a lane. Vectors other than `kept` may stay empty: nothing changes.
struct lane_plan {
    std::vector<std::uint32_t> kept;       ///< ascending indices into the view that was shown
    std::vector<float> keys, values;       ///< new rows of the kept tokens, as the view: merged, rewritten
    std::vector<float> multiplicity;       ///< new ones of the kept tokens, at least 1
    std::vector<std::uint32_t> positions;  ///< new ones of the kept tokens, strictly ascending between those
                                           ///< of the tokens before and behind the movable ones
};

/// When tokens are dropped.
struct retention_event {
    bool end_of_prefill = false;
    std::size_t tokens_seen = 0;  ///< appended so far to every layer
    std::size_t exempt = 0;       ///< tokens of a lane that no plan can drop: sinks and window
};

/// Scores tokens from what has been seen. `observe` is called for every token appended, in batches of any
/// size, with the queries of the batch's tokens, which are the last rows of the lane, and keys as attention
/// takes them. Law: batches of any size leave the same state. `score` is shown movable tokens as they are
/// stored; what was observed is known by the tokens' positions.
template <class S>
concept saliency = std::copy_constructible<S> &&
    requires(S s, const S c, const lane_place& lane, view_2d<const float> queries, const lane_view& tokens,
             std::span<float> out) {
    s.observe(lane, queries, tokens);
    c.score(lane, tokens, out);
};

/// Decides which tokens stay. Events are the end of the prefill and, after it, every token at which `due`.
///   static constexpr bool per_head;        // every head has a lane of its own
///   bool due(std::size_t movable) const;    // most movable tokens of any lane
///   void plan(std::span<const lane_place>, std::span<const lane_view> movable, const retention_event&,
///             std::span<lane_plan>);        // plans arrive empty: nothing kept
/// Views show movable tokens alone, as they are stored: sinks, window and frozen blocks cannot be dropped.
/// Optional: the members of saliency (`observe` is then called, `score` hands saliency to codecs);
///   static constexpr bool positions_in_cache;   // keys are rotated by their index in the lane; pre_rope
///   only
template <class R>
concept retention = std::copy_constructible<R> &&
    requires(R r, const R c, std::size_t movable, std::span<const lane_place> places,
             std::span<const lane_view> views, const retention_event& event, std::span<lane_plan> plans) {
    { R::per_head } -> std::convertible_to<bool>;
    { c.due(movable) } -> std::same_as<bool>;
    r.plan(places, views, event, plans);
};

/// A retention that chooses, at every step, which tokens attention reads; none is dropped.
///   void read(const lane_place&, std::size_t layer, view_2d<const float> queries, const lane_view&,
///             std::span<std::uint8_t> chosen);
/// queries: one row for each query head of the lane's one head or, in lanes of all heads, of all heads, as
/// attention takes them; chosen arrives as ones, one for each token of the lane; 0 leaves a token out.
template <class R>
concept reading_retention = retention<R> &&
    requires(R r, const lane_place& lane, std::size_t layer, view_2d<const float> queries,
             const lane_view& tokens, std::span<std::uint8_t> chosen) {
    r.read(lane, layer, queries, tokens, chosen);
};

/// Says which tokens are exact for ever, and when the oldest loose ones become a block.
///   static constexpr bool separate;   // keys and values are cut at different tokens
///   std::size_t sinks() const;        // first tokens of a lane, exact and never dropped
///   std::size_t window() const;       // newest tokens, neither dropped nor (while loose) fewer
///   std::size_t cut(tensor_kind, std::size_t loose, bool end_of_prefill) const;
/// cut: how many of the oldest loose tokens become one block, 0 for none; asked again until it says 0, after
/// the prefill and then after every token. Law: cut() <= loose, and a block has at most 65,536 tokens.
template <class S>
concept segmenter = std::copy_constructible<S> &&
    requires(const S s, tensor_kind kind, std::size_t loose, bool end_of_prefill) {
    { S::separate } -> std::convertible_to<bool>;
    { s.sinks() } -> std::same_as<std::size_t>;
    { s.window() } -> std::same_as<std::size_t>;
    { s.cut(kind, loose, end_of_prefill) } -> std::same_as<std::size_t>;
};

inline constexpr std::size_t most_block_tokens = 65536;

/// Consecutive layers that share a lane under this codec.
template <block_codec C>
[[nodiscard]] constexpr std::size_t layers_of() noexcept {
    if constexpr (requires { C::layers; }) {
        return C::layers;
    } else {
        return 1;
    }
}
template <block_codec C>
inline constexpr bool uses_previous = requires {
    requires C::uses_previous;
};
template <block_codec C>
inline constexpr bool uses_current_keys = requires {
    requires C::uses_current_keys;
};
/// True when a block of these codecs is all that is needed to decode it.
template <block_codec Keys, block_codec Values>
inline constexpr bool blocks_stand_alone = layers_of<Keys>() == 1 && layers_of<Values>() == 1 &&
                                           !uses_previous<Keys> && !uses_previous<Values> &&
                                           !uses_current_keys<Values>;
template <block_codec C>
inline constexpr bool uses_queries = requires {
    requires C::uses_queries;
};
template <retention R>
inline constexpr bool positions_in_cache = requires {
    requires R::positions_in_cache;
};

}  // namespace pith::inline v1::kv
