// What codes weights: pith's tiers and systems, zstd as it is and behind a byte shuffle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pith/codec/tensor.hpp>
#include <pith/codec/tensor_archive.hpp>
#include <pith/codec/tensor_instant.hpp>
#include <pith/codec/tensor_rans.hpp>
#include <pith/simd/planes.hpp>
#include <pith/systems/tensors.hpp>

#include "tensors/data.hpp"

#ifdef PITH_BENCH_ZSTD
#    include <zstd.h>
#endif

namespace bench {

/// Codes one weight_set, which must outlive it.
struct contestant {
    std::string name;
    std::function<std::size_t()> encode;  ///< bytes, 0 on failure; all that was coded is kept
    std::function<bool(bytes&)> decode;   ///< what was coded, into as many bytes as the data has
    bool slow = false;
};

/// A tier of the tensor codec, tensor by tensor.
template <class Tier>
contestant tier_contestant(const weight_set& set, bool slow, bool with_base) {
    struct state {
        pith::codec::tensor<Tier> codec;
        std::vector<bytes> streams;
        std::vector<std::size_t> sizes;
    };
    const auto s = std::make_shared<state>();
    const auto views = std::make_shared<std::vector<std::pair<pith::codec::tensor_view, pith::byte_view>>>();
    std::size_t at = 0;
    for (const tensor_shape& shape : set.shapes) {
        const std::size_t n = values_of(shape) * size_of(set.element);
        const pith::byte_view base = with_base ? pith::byte_view(set.base).subspan(at, n) : pith::byte_view{};
        views->push_back({{set.element, shape, pith::byte_view(set.data).subspan(at, n)}, base});
        s->streams.emplace_back(s->codec.max_encoded_size(views->back().first));
        s->sizes.push_back(0);
        at += n;
    }
    return {std::string(Tier::name) + (with_base ? " + base" : ""),
            [s, views] {
                std::size_t total = 0;
                for (std::size_t i = 0; i < views->size(); ++i) {
                    const auto n = s->codec.encode_into((*views)[i].first, s->streams[i], (*views)[i].second);
                    if (!n) return std::size_t{0};
                    total += s->sizes[i] = *n;
                }
                return total;
            },
            [s, views](bytes& out) {
                std::size_t to = 0;
                for (std::size_t i = 0; i < views->size(); ++i) {
                    const std::size_t n = (*views)[i].first.bytes.size();
                    const auto done =
                        s->codec.decode_into(pith::byte_view(s->streams[i]).first(s->sizes[i]),
                                             pith::byte_span(out).subspan(to, n), {}, (*views)[i].second);
                    if (!done) return false;
                    to += n;
                }
                return to == out.size();
            },
            slow};
}

/// A coder of blocks on all the tensors as one block; with a base where it takes one.
template <class Coder>
contestant block_contestant(const weight_set& set, std::string name, bool slow, bool with_base) {
    struct state {
        Coder coder;
        bytes code;
        std::size_t size = 0;
    };
    const auto s = std::make_shared<state>();
    s->code.resize(Coder::max_encoded_size(set.data.size()));
    const weight_set* const in = &set;
    constexpr bool takes_base = requires(Coder c, pith::byte_view v, pith::byte_span o) {
        c.encode_into(v, v, o);
    };
    return {std::move(name),
            [=] {
                pith::result<std::size_t> n = std::size_t{0};
                if constexpr (takes_base) {
                    n = s->coder.encode_into(
                        in->data, with_base ? pith::byte_view(in->base) : pith::byte_view{}, s->code);
                } else {
                    n = s->coder.encode_into(in->data, s->code);
                }
                return s->size = n ? *n : 0;
            },
            [=](bytes& out) {
                const auto code = pith::byte_view(s->code).first(s->size);
                if constexpr (takes_base) {
                    const pith::byte_view base = with_base ? pith::byte_view(in->base) : pith::byte_view{};
                    return s->coder.decode_into(code, base, out).has_value();
                } else {
                    return s->coder.decode_into(code, out).has_value();
                }
            },
            slow};
}

#ifdef PITH_BENCH_ZSTD
/// zstd on all the tensors; on the byte planes, whose shuffle is part of the time; on the XOR with the base.
inline contestant zstd_contestant(const weight_set& set, int level, bool shuffled, bool with_base) {
    struct state {
        std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> encoder{ZSTD_createCCtx(), ZSTD_freeCCtx};
        std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> decoder{ZSTD_createDCtx(), ZSTD_freeDCtx};
        bytes code, other, planes;
        std::size_t size = 0;
        void xor_with(bytes& v, const bytes& base) const {
            for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<std::uint8_t>(v[i] ^ base[i]);
        }
    };
    const auto s = std::make_shared<state>();
    s->code.resize(ZSTD_compressBound(set.data.size()));
    s->other.resize(set.data.size());
    s->planes.resize(set.data.size());
    const weight_set* const in = &set;
    const bool wide = size_of(set.element) == 4;
    std::string name = "zstd -" + std::to_string(level);
    if (with_base) name += " XOR";
    if (shuffled) name += " shuffled";
    return {std::move(name),
            [=] {
                const bytes* from = &in->data;
                if (with_base) {
                    std::memcpy(s->other.data(), in->data.data(), in->data.size());
                    s->xor_with(s->other, in->base);
                    from = &s->other;
                }
                if (shuffled) {
                    wide ? pith::simd::split_planes<4>(*from, s->planes)
                         : pith::simd::split_planes<2>(*from, s->planes);
                    from = &s->planes;
                }
                const std::size_t n = ZSTD_compressCCtx(s->encoder.get(), s->code.data(), s->code.size(),
                                                        from->data(), from->size(), level);
                return s->size = ZSTD_isError(n) != 0 ? 0 : n;
            },
            [=](bytes& out) {
                bytes& to = shuffled ? s->planes : out;
                if (ZSTD_decompressDCtx(s->decoder.get(), to.data(), to.size(), s->code.data(), s->size) !=
                    out.size())
                    return false;
                if (shuffled)
                    wide ? pith::simd::merge_planes<4>(s->planes, out)
                         : pith::simd::merge_planes<2>(s->planes, out);
                if (with_base) s->xor_with(out, in->base);
                return true;
            },
            level > 9};
}
#endif

namespace detail {

template <class Float>
void add_systems(std::vector<contestant>& to, const weight_set& set) {
    namespace systems = pith::systems;
    if constexpr (std::is_same_v<Float, pith::bfloat16>)
        to.push_back(block_contestant<systems::dfloat11>(set, "DFloat11", false, false));
    to.push_back(block_contestant<systems::zipnn<Float>>(set, "ZipNN", false, false));
    if (set.base.empty()) return;
    to.push_back(block_contestant<systems::zipnn_delta<Float>>(set, "ZipNN delta + base", false, true));
    to.push_back(block_contestant<systems::checkpoint_prediction<Float>>(set, "checkpoint prediction + base",
                                                                         true, true));
}

}  // namespace detail

/// All that codes the set.
inline std::vector<contestant> contestants_for(const weight_set& set) {
    std::vector<contestant> out;
    for (const bool with_base : {false, true}) {
        if (with_base && set.base.empty()) continue;
        out.push_back(tier_contestant<pith::codec::instant>(set, false, with_base));
        out.push_back(tier_contestant<pith::codec::rans_planes>(set, false, with_base));
        out.push_back(tier_contestant<pith::codec::archive>(set, true, with_base));
    }
    if (set.element == pith::codec::element::bf16) detail::add_systems<pith::bfloat16>(out, set);
    if (set.element == pith::codec::element::f16) detail::add_systems<pith::half>(out, set);
    if (set.element == pith::codec::element::f32) detail::add_systems<float>(out, set);
#ifdef PITH_BENCH_ZSTD
    for (const int level : {3, 19})
        for (const bool shuffled : {false, true}) out.push_back(zstd_contestant(set, level, shuffled, false));
    if (!set.base.empty()) out.push_back(zstd_contestant(set, 3, true, true));
#endif
    return out;
}

}  // namespace bench
