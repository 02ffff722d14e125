// All caches of quantized, low-rank and merged keys and values, and a list of them for tables.
// The aliases are in systems/kv_scalar.hpp and systems/kv_low_rank.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <pith/kv/any_cache.hpp>
#include <pith/kv/cache.hpp>
#include <pith/kv/calibration.hpp>
#include <pith/kv/erased_codec.hpp>
#include <pith/systems/kv_low_rank.hpp>
#include <pith/systems/kv_scalar.hpp>

namespace pith::inline v1::systems {

namespace detail {

/// A cache over the erased forms of two codecs of equal needs.
template <kv::placement Placement, class Keys, class Values, class Segmenter, class Retention>
[[nodiscard]] std::unique_ptr<kv::any_cache> erased_cache(const kv::shape& shape, const kv::rope& rope,
                                                          Keys keys, Values values, Segmenter cuts,
                                                          Retention keeps) {
    using form =
        kv::erased_codec<kv::layers_of<Keys>(), kv::uses_previous<Keys>, kv::uses_current_keys<Values>,
                         kv::uses_queries<Keys> || kv::uses_queries<Values>>;
    return kv::make_any<kv::cache<Placement, Segmenter, form, form, Retention>>(
        shape, rope, form(std::move(keys)), form(std::move(values)), cuts, std::move(keeps));
}
template <kv::placement Placement, class Keys, class Values, class Segmenter>
[[nodiscard]] std::unique_ptr<kv::any_cache> erased_cache(const kv::shape& shape, const kv::rope& rope,
                                                          Keys keys, Values values, Segmenter cuts) {
    return erased_cache<Placement>(shape, rope, std::move(keys), std::move(values), cuts, kv::keep_all{});
}

inline constexpr kv::residual short_residual{.gathered = 32, .value_page = 32};
inline constexpr kv::sink_residual online{.exact_sinks = 0, .exact_window = 0, .page = 32};
inline constexpr kv::sink_residual windowed{.exact_sinks = 0, .exact_window = 32, .page = 32};
inline constexpr kv::whole_prefill prefill_only{
    .exact_sinks = 0, .exact_window = 32, .page = kv::most_block_tokens};

template <class F>
void for_each_scalar(F& f) {
    using kv::any_cache, kv::calibration, kv::rope, kv::shape, kv::post_rope;
    const auto grouped = [&]<class Keys, class Values>(const char* name, Keys keys, Values values,
                                                       kv::residual cuts = short_residual) {
        f(name, [=](const shape& s, const rope& r, const calibration&) {
            return erased_cache<post_rope>(s, r, keys, values, cuts);
        });
    };
    grouped("per token 2", per_token<2>(), per_token<2>());
    grouped("per token 4", per_token<4>(), per_token<4>());
    grouped("kivi 2", kivi_keys<2>(), kivi_values<2>());
    grouped("kivi 3", kivi_keys<3>(), kivi_values<3>());
    grouped("kivi 4", kivi_keys<4>(), kivi_values<4>());
    grouped("kv-adaquant k4v2", kv_adaquant_keys(), kv_adaquant_values(), {.gathered = 64, .value_page = 32});
    grouped("kv-adaquant k2v4", kivi_keys<2, 64>(), kivi_values<4, 64>(), {.gathered = 64, .value_page = 32});

    const auto whole = [&]<class Keys, class Values>(const char* name, Keys keys, Values values,
                                                     std::size_t page, auto keeps) {
        f(name, [=](const shape& s, const rope& r, const calibration&) {
            return erased_cache<post_rope>(s, r, keys, values, kv::whole_prefill{0, 0, page}, keeps);
        });
    };
    whole("gear 2", gear_keys<2>(), gear_values<2>(), 20, kv::keep_all{});
    whole("gear 4", gear_keys<4>(), gear_values<4>(), 20, kv::keep_all{});
    whole("gear-l 2", gear_l_keys<2>(), gear_l_values<2>(), 20, kv::keep_all{});
    whole("zipcache", zipcache_keys(), zipcache_values(), 100, zipcache_saliency());
    whole("mikv", mikv_keys(), mikv_values(), 32, mikv_saliency());
}

template <class F>
void for_each_rowwise(F& f) {
    using kv::calibration, kv::rope, kv::shape, kv::post_rope;
    const auto engine = [&]<class Codec>(const char* name, Codec codec) {
        f(name, [=](const shape& s, const rope& r, const calibration&) {
            return erased_cache<post_rope>(s, r, codec, codec, online);
        });
    };
    engine("half", kv::pipeline<kv::halves>());
    engine("q8_0", engine_codec<kv::engine_format::q8_0>());
    engine("q5_0", engine_codec<kv::engine_format::q5_0>());
    engine("q4_0", engine_codec<kv::engine_format::q4_0>());
    engine("q4_1", engine_codec<kv::engine_format::q4_1>());
    engine("iq4_nl", engine_codec<kv::engine_format::iq4_nl>());
    const auto windows = [&]<class Codec>(const char* name, Codec codec) {
        f(name, [=](const shape& s, const rope& r, const calibration&) {
            return erased_cache<post_rope>(s, r, codec, codec, windowed);
        });
    };
    windows("mustafar 50", mustafar_codec<500>());
    windows("mustafar 70", mustafar_codec<300>());
    windows("mustafar 70 4-bit", mustafar_codec<300, token_groups<4, 0>>());
}

template <class F>
void for_each_rotated(F& f) {
    using kv::any_cache, kv::calibration, kv::rope, kv::shape, kv::post_rope;
    /// `make` gives the codec for a head size.
    const auto turned = [&](const char* name, auto make) {
        f(name, [=](const shape& s, const rope& r, const calibration&) {
            return erased_cache<post_rope>(s, r, make(s.head_size), make(s.head_size), online);
        });
    };
    turned("hadamard q8_0", make_turned_engine_codec<kv::engine_format::q8_0>);
    turned("hadamard q4_0", make_turned_engine_codec<kv::engine_format::q4_0>);
    turned("turboquant 2", make_turboquant_codec<2>);
    turned("turboquant 3", make_turboquant_codec<3>);
    turned("turboquant 4", make_turboquant_codec<4>);
    turned("turboquant-prod 3", make_turboquant_prod_codec<3>);
    turned("turboquant 2 + outliers", make_split_turboquant_codec<2>);
    turned("turboquant 3 centred", make_centred_turboquant_codec<3>);
    f("turboquant k4v2", [](const shape& s, const rope& r, const calibration&) {
        return erased_cache<post_rope>(s, r, make_turboquant_codec<4>(s.head_size),
                                       make_turboquant_codec<2>(s.head_size), online);
    });
    f("qjl", [](const shape& s, const rope& r, const calibration&) {
        return erased_cache<post_rope>(s, r, make_qjl_keys(s.head_size), kivi_values<2>(),
                                       kv::residual{128, 32});
    });
    f("vidkv", [](const shape& s, const rope& r, const calibration&) {
        return erased_cache<post_rope>(s, r, make_vidkv_keys(s.head_size), vidkv_values(),
                                       kv::residual{128, 32}, mikv_saliency());
    });
    f("polarquant", [](const shape& s, const rope& r, const calibration&) {
        const kv::polar_pairs pairs{.halves = r.pairing == kv::rope_pairing::halves};
        return erased_cache<post_rope>(s, r, polarquant_keys(pairs, {}), kivi_values<4>(),
                                       kv::residual{128, 32});
    });
}

template <class F>
void for_each_low_rank(F& f) {
    using kv::any_cache, kv::calibration, kv::rope, kv::shape, kv::pre_rope, kv::tensor_kind;
    f("xkv", [](const shape& s, const rope& r, const calibration&) {
        return erased_cache<pre_rope>(s, r, make_xkv_codec<>(s, tensor_kind::keys),
                                      make_xkv_codec<>(s, tensor_kind::values), prefill_only);
    });
    f("shadowkv", [](const shape& s, const rope& r, const calibration&) {
        return erased_cache<pre_rope>(s, r, make_shadowkv_keys(s), shadowkv_values(), prefill_only);
    });
    f("minicache", [](const shape& s, const rope& r, const calibration&) {
        return erased_cache<kv::post_rope>(s, r, minicache_codec(), minicache_codec(), online);
    });
    /// `make` gives the codec of a kind from a calibration; without one there is no cache.
    const auto fitted = [&](const char* name, auto make, kv::sink_residual cuts) {
        f(name, [=](const shape& s, const rope& r, const calibration& sample) {
            if (sample.empty()) return std::unique_ptr<any_cache>();
            return erased_cache<pre_rope>(s, r, make(sample, tensor_kind::keys),
                                          make(sample, tensor_kind::values), cuts);
        });
    };
    fitted(
        "cskv 50", [](const auto& c, tensor_kind k) { return make_cskv_codec<>(c, k, 0.5); }, windowed);
    fitted(
        "cskv 80", [](const auto& c, tensor_kind k) { return make_cskv_codec<>(c, k); }, windowed);
    fitted(
        "cskv 80 4-bit",
        [](const auto& c, tensor_kind k) { return make_cskv_codec<token_groups<4, 0>>(c, k); }, windowed);
    fitted(
        "matryoshka 50", [](const auto& c, tensor_kind k) { return make_matryoshka_codec(c, k); }, windowed);
    fitted("aqua-kv 2", make_aqua_codec<2>, kv::sink_residual{4, 128, 32});
    fitted("aqua-kv 3", make_aqua_codec<3>, kv::sink_residual{4, 128, 32});
    f("kvquant 3", [](const shape& s, const rope& r, const calibration& sample) {
        if (sample.empty()) return std::unique_ptr<any_cache>();
        return erased_cache<pre_rope>(s, r, make_kvquant_keys<>(sample), make_kvquant_values<>(sample),
                                      kv::sink_residual{1, 0, 128});
    });
}

}  // namespace detail

/// Calls f(name, factory) for every system of this family and its baselines; factory(shape, rope,
/// calibration) gives std::unique_ptr<kv::any_cache>, which is null where a calibration is needed and the
/// given one is empty. Exact windows are short (32 where the publication has 128) except where codes need 128
/// tokens. Precondition of factories: head sizes are even and at least 8.
template <class F>
void for_each_quantized(F f) {
    detail::for_each_scalar(f);
    detail::for_each_rowwise(f);
    detail::for_each_rotated(f);
    detail::for_each_low_rank(f);
}

}  // namespace pith::inline v1::systems
