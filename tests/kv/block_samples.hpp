// Blocks of keys and values for tests of codecs, and what is measured on them.
#pragma once

#include <pith/kv/block_part.hpp>
#include <pith/kv/calibration.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include <pith/core/random.hpp>

namespace block_samples {

namespace kv = pith::kv;
using input = pith::view_2d<const float>;

/// What a scope refers to.
struct block {
    kv::shape shape;
    kv::matrix x;
    std::vector<std::uint32_t> positions;
    std::vector<float> saliency;
    kv::matrix previous_keys, previous_values, current_keys, queries;
    kv::tensor_kind kind = kv::tensor_kind::keys;
    std::size_t first_layer = 0, layers = 1;

    [[nodiscard]] kv::block_scope scope() const {
        kv::block_scope out;
        out.shape = shape;
        out.first_layer = first_layer;
        out.layers = layers;
        out.heads = shape.kv_heads;
        out.kind = kind;
        out.positions = positions;
        out.saliency = saliency;
        out.previous_keys = previous_keys.view();
        out.previous_values = previous_values.view();
        out.current_keys = current_keys.view();
        out.queries = queries.view();
        return out;
    }
    [[nodiscard]] input view() const { return x.view(); }
};

inline kv::matrix gaussian(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    kv::matrix out(rows, columns);
    pith::random_sequence random(seed);
    for (std::size_t r = 0; r < rows; ++r)
        for (float& v : out.row(r)) v = static_cast<float>(random.gaussian());
    return out;
}

/// Keys as models make them: a fixed mean per channel, twice the deviation, ten times that in a few channels,
/// and a falling spectrum shared by all tokens. Values: no channel structure, a size for each token.
inline kv::matrix structured(kv::tensor_kind kind, std::size_t rows, std::size_t columns, std::uint64_t seed,
                             std::uint64_t model = 1) {
    constexpr std::size_t axes = 24;
    const bool keys = kind == kv::tensor_kind::keys;
    const kv::matrix basis = gaussian(axes, columns, 100 + model), noise = gaussian(rows, columns, seed + 7);
    const kv::matrix weights = gaussian(rows, axes, seed), side = gaussian(2, columns, 200 + model);
    kv::matrix out(rows, columns);
    for (std::size_t r = 0; r < rows; ++r) {
        const float size = keys ? 1 : std::exp(0.3F * weights(r, 0));
        for (std::size_t c = 0; c < columns; ++c) {
            float v = 0.3F * noise(r, c);
            for (std::size_t k = 0; k < axes; ++k)
                v += weights(r, k) * basis(k, c) * std::pow(static_cast<float>(k + 1), keys ? -1.2F : -0.4F) *
                     0.5F;
            const float large = c % 29 == 5 ? 8.0F : 1.0F;
            out(r, c) = keys ? large * (v + 2 * side(0, c)) : size * v;
        }
    }
    return out;
}

inline block make_block(const kv::shape& shape, std::size_t tokens, kv::tensor_kind kind, std::uint64_t seed,
                        std::size_t layers = 1) {
    block out;
    out.shape = shape;
    out.kind = kind;
    out.layers = layers;
    const std::size_t columns = layers * shape.key_channels();
    out.x = structured(kind, tokens, columns, seed);
    out.positions.resize(tokens);
    std::iota(out.positions.begin(), out.positions.end(), 5U);
    for (std::size_t t = 0; t < tokens; ++t) out.saliency.push_back(static_cast<float>((t * 7) % 11));
    out.queries = gaussian(9, layers * shape.query_channels(), seed + 1);
    return out;
}

/// Keys, values and queries of the layers, from the first token on.
inline kv::calibration calibration_of(const kv::shape& shape, const std::vector<kv::matrix>& keys,
                                      const std::vector<kv::matrix>& values,
                                      const std::vector<kv::matrix>& queries) {
    kv::calibration out;
    out.shape = shape;
    out.positions.resize(keys.front().rows());
    std::iota(out.positions.begin(), out.positions.end(), 0U);
    const auto flat = [](const kv::matrix& m) {
        std::vector<float> v;
        for (std::size_t r = 0; r < m.rows(); ++r) v.insert(v.end(), m.row(r).begin(), m.row(r).end());
        return v;
    };
    for (std::size_t l = 0; l < shape.layers; ++l) {
        out.keys.push_back(flat(keys[l]));
        out.values.push_back(flat(values[l]));
        out.queries.push_back(flat(queries[l]));
    }
    return out;
}

/// A codec without its type.
struct codec {
    const char* name;
    std::size_t layers;
    std::function<std::vector<std::byte>(input, const kv::block_scope&)> encode;
    std::function<pith::result<void>(std::span<const std::byte>, const kv::block_scope&,
                                     pith::view_2d<float>)>
        decode;
};

template <kv::block_codec C>
codec erased(C c) {
    return {C::name, C::layers,
            [c](input x, const kv::block_scope& scope) {
                std::vector<std::byte> out;
                c.encode(x, scope, out);
                return out;
            },
            [c](std::span<const std::byte> in, const kv::block_scope& scope, pith::view_2d<float> y) {
                return c.decode(in, scope, y);
            }};
}
template <class... Parts>
codec of(Parts... parts) {
    return erased(kv::pipeline<Parts...>(std::move(parts)...));
}

struct measured {
    double bits = 0;   ///< stored, per value
    double error = 0;  ///< |x - decoded|^2 / |x - mean of its channel|^2
    double worst = 0;  ///< largest |x - decoded|
    kv::matrix decoded;
};

inline measured measure(const codec& c, const block& b) {
    measured out;
    const auto bytes = c.encode(b.view(), b.scope());
    out.decoded = kv::matrix(b.x.rows(), b.x.columns());
    block bare = b;  // what a decoder knows
    bare.saliency.clear();
    bare.queries = {};
    if (!c.decode(bytes, bare.scope(), out.decoded.view())) {
        out.error = out.worst = 1e30;
        return out;
    }
    double lost = 0, all = 0;
    for (std::size_t k = 0; k < b.x.columns(); ++k) {
        double mean = 0;
        for (std::size_t r = 0; r < b.x.rows(); ++r)
            mean += double{b.x(r, k)} / static_cast<double>(b.x.rows());
        for (std::size_t r = 0; r < b.x.rows(); ++r) {
            const double e = double{b.x(r, k)} - double{out.decoded(r, k)};
            lost += e * e;
            all += (double{b.x(r, k)} - mean) * (double{b.x(r, k)} - mean);
            out.worst = std::max(out.worst, std::abs(e));
        }
    }
    out.error = all > 0 ? lost / all : 0;
    if (b.x.rows() != 0)
        out.bits = 8.0 * static_cast<double>(bytes.size()) / static_cast<double>(b.x.rows() * b.x.columns());
    return out;
}

}  // namespace block_samples
