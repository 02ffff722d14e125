// Published systems that drop, merge or skip cached tokens, as aliases over kv/.
// Each alias names its publication, the slots that realise its ideas, and what is not reproduced.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <pith/kv/any_retention.hpp>
#include <pith/kv/cache.hpp>
#include <pith/kv/entropy_budget.hpp>
#include <pith/kv/exact_codec.hpp>
#include <pith/kv/head_classes.hpp>
#include <pith/kv/merging.hpp>
#include <pith/kv/pages.hpp>
#include <pith/kv/pooling.hpp>
#include <pith/kv/retention.hpp>
#include <pith/kv/saliency_accumulated.hpp>
#include <pith/kv/saliency_expected.hpp>
#include <pith/kv/saliency_geometry.hpp>
#include <pith/kv/saliency_subspace.hpp>
#include <pith/kv/saliency_window.hpp>
#include <pith/kv/segmenter.hpp>

namespace pith::inline v1::systems {

/// Exact tokens, of which a retention keeps some. Sinks and window are the segmenter's.
template <kv::retention Retention, kv::placement Placement = kv::post_rope>
using retained_cache = kv::cache<Placement, kv::loose_only, kv::exact_codec, kv::exact_codec, Retention>;

// --- Eviction ----------------------------------------------------------------------------------------------

/// StreamingLLM (Xiao et al., 2023): sinks and the newest tokens, at positions counted in the cache.
/// Segmenter: 4 sinks and the window; retention: nothing else.
/// Not reproduced: nothing.
using streaming_llm = retained_cache<kv::ring<true>, kv::pre_rope>;

/// H2O (Zhang et al., 2023): the tokens that received most attention so far, beside the newest.
/// Saliency: accumulated attention; budget: uniform; disposal: evict.
/// Not reproduced: half of the budget as the window; the window is the segmenter's.
using h2o = retained_cache<kv::scored_retention<kv::accumulated_attention, kv::uniform_budget, kv::evict>>;

/// SnapKV (Li et al., 2024): the tokens that the prompt's last queries attend to, with their neighbours.
/// Saliency: observation window with pooling; budget: uniform; disposal: evict.
/// Not reproduced: nothing; it also runs after the prefill, at intervals.
using snapkv = retained_cache<kv::scored_retention<kv::observation_window, kv::uniform_budget, kv::evict>>;

/// PyramidKV (Cai et al., 2024): SnapKV with budgets that fall over the layers.
/// Saliency: observation window; budget: pyramid, beta 20; disposal: evict.
/// Not reproduced: the window's part in each layer's budget.
using pyramidkv = retained_cache<kv::scored_retention<kv::observation_window, kv::pyramid_budget, kv::evict>>;

/// Ada-KV (Feng et al., 2024): SnapKV whose heads compete for the budget of their layer.
/// Saliency: observation window; budget: head shares, safeguard 0.2; disposal: evict.
/// Not reproduced: nothing.
using adakv = retained_cache<kv::scored_retention<kv::observation_window, kv::head_share_budget, kv::evict>>;

/// TOVA (Oren et al., 2024): what the last query attends to; query-guided eviction is the same with the
/// queries of a whole question. Saliency: observation window of all heads together; budget: uniform;
/// disposal: evict. Not reproduced: one eviction at every token; there are events at intervals.
using tova =
    retained_cache<kv::scored_retention<kv::observation_window, kv::uniform_budget, kv::evict, false>>;

/// Key-norm eviction (Devoto et al., 2024): short keys stay.
/// Saliency: minus the norm of the key; budget: uniform; disposal: evict.
/// Not reproduced: the first layers kept whole.
using key_norm_eviction = retained_cache<kv::scored_retention<kv::key_norm, kv::uniform_budget, kv::evict>>;

/// KeyDiff (Park et al., 2025): keys unlike the mean stay.
/// Saliency: minus the cosine to the mean direction; budget: uniform; disposal: evict.
/// Not reproduced: the prompt in blocks.
using keydiff = retained_cache<kv::scored_retention<kv::key_difference, kv::uniform_budget, kv::evict>>;

/// LagKV (Liang et al., 2025): tokens whose channels spread against the next tokens' ranges.
/// Saliency: lag-relative; budget: uniform; disposal: evict.
/// Not reproduced: the recursion that leaves runs alone once they have been shortened.
using lagkv = retained_cache<kv::scored_retention<kv::lag_relative, kv::uniform_budget, kv::evict>>;

/// Expected attention (Devoto et al., 2025): what coming queries will attend to if they are like those seen.
/// Saliency: mean and covariance of the queries; budget: uniform; disposal: evict.
/// Not reproduced: statistics turned to the positions to come.
using expected_attention_eviction =
    retained_cache<kv::scored_retention<kv::expected_attention, kv::uniform_budget, kv::evict>>;

/// UNComp (Xiong et al., 2024): budgets by the truncated matrix entropy of layers and heads.
/// Saliency: window of 8, mean over 5; budget: entropy stages; disposal: evict.
/// Not reproduced: the compression of hidden states during the prefill.
using uncomp =
    retained_cache<kv::scored_retention<kv::observation_window, kv::entropy_stages_budget, kv::evict>>;

/// PrefixKV (Wang et al., 2024): one share of the accumulated attention for all layers.
/// Saliency: accumulated attention, all heads together; budget: prefix; disposal: evict.
/// Not reproduced: layer ratios profiled offline; they are found for each prompt.
using prefixkv =
    retained_cache<kv::scored_retention<kv::accumulated_attention, kv::prefix_budget, kv::evict, false>>;

/// WindowKV (Zuo et al., 2025): windows of 8 tokens stay together, chosen once for groups of layers.
/// Saliency: observation window over runs of 8; budget: pyramid of groups; disposal: evict; shared_layers.
/// Not reproduced: the classifier of the task, whose window of 32 or 16 queries is a parameter. Within a
/// group the indices are shared where lanes still hold the same tokens.
using windowkv = retained_cache<kv::scored_retention<kv::run_scores<kv::observation_window, 8>,
                                                     kv::grouped_pyramid_budget, kv::evict, false>>;

/// CompressKV (Lin et al., 2025): only heads that retrieve vote; layers get budgets by what eviction costs
/// them. Saliency: observation window with votes; budget: weights from eviction errors; disposal: evict. Not
/// reproduced: scores of heads on needle tests; attention to distant tokens of a calibration text stands in.
using compresskv =
    retained_cache<kv::scored_retention<kv::observation_window, kv::weighted_budget, kv::evict, false>>;

/// HACK (Qin et al., 2025): heads whose attention stands in columns keep those, the others the newest tokens.
/// Saliency: pattern scores; budget: weights by class; disposal: evict.
/// Not reproduced: several diagonals of image scales, and the published classification on images.
using hack = retained_cache<
    kv::scored_retention<kv::pattern_scores<kv::accumulated_attention>, kv::weighted_budget, kv::evict>>;

/// ScaleKV (Li et al., 2025): layers with spread attention, drafters, keep more than refiners.
/// Saliency: window of 16, maximum over 5; budget: weights by class; disposal: evict.
/// Not reproduced: the table of capacities for the scales of an image model.
using scalekv = retained_cache<kv::scored_retention<kv::observation_window, kv::weighted_budget, kv::evict>>;

/// GUI-KV (Huang et al., 2025): attention, norms, and what the current screen does not already show.
/// Saliency: subspace residual; budget: uniform; disposal: evict.
/// Not reproduced: norms of hidden states (norms of values), frames of images (the newest rows), unpivoted
/// QR.
using guikv = retained_cache<kv::scored_retention<kv::subspace_residual, kv::uniform_budget, kv::evict>>;

/// Deep Forcing (Yi et al., 2025): half of the window are sinks whose positions move along; the rest is
/// chosen by recent queries. Placement: before the rotary embedding, positions in the cache; observation
/// window; evict. Not reproduced: the phase of the temporal axis alone; all axes of text are one.
using deep_forcing =
    retained_cache<kv::scored_retention<kv::observation_window, kv::uniform_budget, kv::evict, true, true>,
                   kv::pre_rope>;

// --- Merging and shortening --------------------------------------------------------------------------------

/// KVMerger (Wang et al., 2024): runs of similar keys become one, under a Gaussian kernel around the
/// heaviest. Saliency: accumulated attention; budget: uniform; disposal: merge runs, multiplicity carried.
/// Not reproduced: nothing known; the publication leaves the normalisation of the softmax open.
using kvmerger =
    retained_cache<kv::scored_retention<kv::accumulated_attention, kv::uniform_budget, kv::merge_runs>>;

/// EMS (Li et al., 2024): the larger of global and local attention; what goes is merged or dropped, head by
/// head. Saliency: global-local attention; budget: uniform; disposal: evict, then merge. Not reproduced: the
/// head-wise choice of thresholds, and the kernel.
using ems = retained_cache<
    kv::scored_retention<kv::global_local_attention, kv::uniform_budget, kv::evict_then_merge>>;

/// DMC (Nawrot et al., 2024): tokens accumulate into the last slot.
/// Saliency: unused; budget: uniform; disposal: weighted accumulation.
/// Not reproduced: the trained decisions and weights; similarity of neighbouring keys decides.
using dmc = retained_cache<kv::scored_retention<kv::key_norm, kv::uniform_budget, kv::accumulate_similar>>;

/// Compressive memory (Rae et al., 2020): old tokens are pooled.
/// Saliency: unused; budget: uniform; disposal: means of neighbours, with their multiplicity.
/// Not reproduced: learned compression functions and the separate memory.
using compressive_memory =
    retained_cache<kv::scored_retention<kv::key_norm, kv::uniform_budget, kv::pool_neighbours, false>>;

/// FreqKV (Kai et al., 2025): the sequence is low-passed when the cache is full.
/// Placement: before the rotary embedding, positions in the cache; disposal: low frequencies.
/// Not reproduced: fine-tuning; the prompt is shortened to the budget in one step instead of by halves.
using freqkv =
    retained_cache<kv::scored_retention<kv::key_norm, kv::uniform_budget, kv::low_frequencies, false, true>,
                   kv::pre_rope>;

// --- Reading -----------------------------------------------------------------------------------------------

/// Quest (Tang et al., 2024): nothing is dropped; a step reads the pages whose bounds are highest for its
/// query. Retention: page reading, pages of 16, two dense layers. Not reproduced: a choice for each query
/// head; those of one KV head share theirs.
using quest_pages = retained_cache<kv::page_reading>;

namespace detail {

/// What a factory needs beside shape, rope and calibration: tokens of a lane on average, and which are
/// exempt.
struct retention_sizes {
    std::size_t tokens = 128, sinks = 4, window = 32;
};

/// The retention of a cache type, and the type that tables use for it: the same but for the retention's type.
template <class Cache>
struct table_cache;
template <class P, class S, class K, class V, class R>
struct table_cache<kv::cache<P, S, K, V, R>> {
    using retention = R;
    using held = kv::any_retention<R::per_head, kv::positions_in_cache<R>>;
    using type = kv::cache<P, S, K, V, held>;
};
template <class P, class S, class K, class V, kv::reading_retention R>
struct table_cache<kv::cache<P, S, K, V, R>> {
    using retention = R;
    using held = R;
    using type = kv::cache<P, S, K, V, R>;
};

/// Makes caches whose retention is policies(target, shape, calibration).
template <class Cache, class Policies>
class retention_factory : Policies {
  public:
    retention_factory(const retention_sizes& sizes, Policies policies)
        : Policies(std::move(policies)), sizes_(sizes) {}

    [[nodiscard]] std::unique_ptr<kv::any_cache> operator()(const kv::shape& shape, const kv::rope& rope,
                                                            const kv::calibration& text) const {
        using made = table_cache<Cache>;
        kv::retention_target target;
        target.tokens = sizes_.tokens;
        target.interval = 16;
        const Policies& policies = *this;
        return kv::make_any<typename made::type>(
            shape, rope, kv::exact_codec(), kv::exact_codec(), kv::loose_only{sizes_.sinks, sizes_.window},
            typename made::held(typename made::retention(policies(target, shape, text))));
    }

  private:
    retention_sizes sizes_;
};

/// Calls f(name, factory) for a cache of this type.
template <class Cache, class F, class Policies>
void offer_made(F& f, const char* name, const retention_sizes& sizes, Policies policies) {
    f(name, retention_factory<Cache, Policies>(sizes, std::move(policies)));
}

/// The same with a retention made of the target and these policies.
template <class Cache, class F, class... Policies>
void offer(F& f, const char* name, const retention_sizes& sizes, const Policies&... policies) {
    using retention = typename table_cache<Cache>::retention;
    offer_made<Cache>(f, name, sizes,
                      [=](const kv::retention_target& target, const kv::shape&, const kv::calibration&) {
                          return retention(target, policies...);
                      });
}

/// Weights of lanes of all heads that follow a number for each layer, scaled so that none is zero.
[[nodiscard]] inline std::vector<double> layer_weights(std::vector<double> numbers) {
    double sum = 0;
    for (const double v : numbers) sum += v;
    for (double& v : numbers) v += 0.1 * sum / static_cast<double>(numbers.size()) + 1e-9;
    return numbers;
}

[[nodiscard]] inline auto windowkv_policies() {
    using scores = kv::run_scores<kv::observation_window, 8>;
    return [](kv::retention_target target, const kv::shape&, const kv::calibration&) {
        target.shared_layers = 8;
        return kv::scored_retention<scores, kv::grouped_pyramid_budget, kv::evict, false>(
            target, scores(kv::observation_window(32)));
    };
}

[[nodiscard]] inline auto compresskv_policies() {
    using retention = kv::scored_retention<kv::observation_window, kv::weighted_budget, kv::evict, false>;
    return [](const kv::retention_target& target, const kv::shape& shape, const kv::calibration& text) {
        kv::observation_window window(32, kv::pooling::mean, 5);
        if (text.empty()) return retention(target, std::move(window));
        window.weigh_heads(kv::retrieval_votes(text, (shape.query_heads + 3) / 4));
        return retention(target, std::move(window), {layer_weights(kv::eviction_errors(text))});
    };
}

[[nodiscard]] inline auto hack_policies() {
    using scores = kv::pattern_scores<kv::accumulated_attention>;
    return [](const kv::retention_target& target, const kv::shape&, const kv::calibration& text) {
        std::vector<std::uint8_t> contextual;
        std::vector<double> weights;
        if (!text.empty()) contextual = kv::contextual_heads(text);
        for (const std::uint8_t flag : contextual) weights.push_back(flag != 0 ? 1.5 : 0.5);
        return kv::scored_retention<scores, kv::weighted_budget, kv::evict>(target, scores(contextual),
                                                                            {weights});
    };
}

[[nodiscard]] inline auto scalekv_policies() {
    return [](const kv::retention_target& target, const kv::shape& shape, const kv::calibration& text) {
        std::vector<double> weights;
        if (!text.empty()) {
            const std::vector<double> entropies = kv::layer_entropies(text);
            const std::vector<float> spread(entropies.begin(), entropies.end());
            weights.assign(shape.layers * shape.kv_heads, 0.5);
            for (const std::uint32_t layer : kv::highest(spread, (spread.size() + 1) / 2))
                for (std::size_t h = 0; h < shape.kv_heads; ++h) weights[layer * shape.kv_heads + h] = 1.5;
        }
        return kv::scored_retention<kv::observation_window, kv::weighted_budget, kv::evict>(
            target, kv::observation_window(16, kv::pooling::max, 5), {weights});
    };
}

template <class F>
void offer_eviction(F& f, std::size_t tokens) {
    const retention_sizes usual{tokens}, newest{tokens, 4, tokens > 5 ? tokens - 4 : 1};
    const kv::observation_window snap(32, kv::pooling::max, 7), narrow(8, kv::pooling::mean, 5);
    offer_made<streaming_llm>(f, "StreamingLLM", newest,
                              [](const auto&, const auto&, const auto&) { return kv::ring<true>(); });
    offer<h2o>(f, "H2O", usual);
    offer<snapkv>(f, "SnapKV", usual, snap);
    offer<pyramidkv>(f, "PyramidKV", usual, snap);
    offer<adakv>(f, "Ada-KV", usual, snap);
    offer<tova>(f, "TOVA", usual, kv::observation_window(1));
    offer<tova>(f, "Query-guided", usual, kv::observation_window(16));
    offer<key_norm_eviction>(f, "Knorm", usual);
    offer<keydiff>(f, "KeyDiff", usual);
    offer<lagkv>(f, "LagKV", usual, kv::lag_relative(32));
    offer<expected_attention_eviction>(f, "Expected Attention", usual);
    offer<uncomp>(f, "UNComp", usual, narrow);
    offer<prefixkv>(f, "PrefixKV", usual);
    offer_made<windowkv>(f, "WindowKV", usual, windowkv_policies());
    offer_made<compresskv>(f, "CompressKV", usual, compresskv_policies());
    offer_made<hack>(f, "HACK", usual, hack_policies());
    offer_made<scalekv>(f, "ScaleKV", usual, scalekv_policies());
    offer<guikv>(f, "GUI-KV", usual);
    offer<deep_forcing>(f, "Deep Forcing", {tokens, tokens / 2, std::min<std::size_t>(16, tokens / 4)},
                        kv::observation_window(16));
}

template <class F>
void offer_merging_and_reading(F& f, std::size_t tokens) {
    const retention_sizes usual{tokens};
    offer<kvmerger>(f, "KVMerger", usual);
    offer<ems>(f, "EMS", usual);
    offer<dmc>(f, "DMC", usual);
    offer<compressive_memory>(f, "Compressive memory", usual);
    offer<freqkv>(f, "FreqKV", usual);
    offer_made<quest_pages>(f, "Quest", usual,
                            [](const kv::retention_target& target, const auto&, const auto&) {
                                return kv::page_reading{target.tokens};
                            });
}

}  // namespace detail

/// Calls f(name, factory) for every system above; factory(shape, rope, calibration) gives a
/// std::unique_ptr<kv::any_cache>. `tokens`: what a lane keeps on average, usually with 4 sinks and the 32
/// newest among them; Quest reads as many. The calibration may be empty.
template <class F>
void for_each_retention(F f, std::size_t tokens = 128) {
    detail::offer_eviction(f, tokens);
    detail::offer_merging_and_reading(f, tokens);
}

}  // namespace pith::inline v1::systems
