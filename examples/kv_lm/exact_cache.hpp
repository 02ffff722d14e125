// The cache that every other one is measured against: keys and values as they come, in float32.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/any_cache.hpp>
#include <pith/kv/calibration.hpp>
#include <pith/kv/rope.hpp>
#include <pith/kv/shape.hpp>
#include <pith/simd/dot.hpp>

namespace lm {

namespace kv = pith::kv;
using floats = pith::view_2d<const float>;

/// Contiguous rows only.
class exact_cache : public kv::any_cache {
  public:
    exact_cache(const kv::shape& s, const kv::rope& r)
        : shape_(s), rotation_(r, s.head_size), keys_(s.layers), values_(s.layers) {}

    pith::result<void> append(std::size_t layer, floats keys, floats values, floats) override {
        std::vector<float>&k = keys_[layer], &v = values_[layer];
        for (std::size_t t = 0; t < keys.rows(); ++t) {
            const auto position = static_cast<std::uint32_t>(rows(layer));
            const auto key = keys.row(t).as_span(), value = values.row(t).as_span();
            k.insert(k.end(), key.begin(), key.end());
            v.insert(v.end(), value.begin(), value.end());
            rotation_.turn(std::span(k).last(shape_.key_channels()), position);
        }
        return {};
    }
    void end_prefill() override {}
    pith::result<void> attend(std::size_t layer, floats queries, pith::view_2d<float> out) override {
        const std::size_t n = queries.rows(), size = shape_.head_size, first = rows(layer) - n;
        std::vector<float> turned;
        for (std::size_t t = 0; t < n; ++t) {
            const auto row = queries.row(t).as_span();
            turned.assign(row.begin(), row.end());
            rotation_.turn(turned, static_cast<std::uint32_t>(first + t));
            for (std::size_t h = 0; h < shape_.query_heads; ++h)
                attend_head(layer, h / shape_.queries_per_head(), first + t + 1,
                            std::span(turned).subspan(h * size, size),
                            out.row(t).as_span().subspan(h * size, size));
        }
        return {};
    }
    kv::stored_bytes bytes() override {
        kv::stored_bytes out;
        for (std::size_t l = 0; l < shape_.layers; ++l) out.loose += 8 * keys_[l].size();
        return out;
    }
    std::size_t bytes_read() const override {
        return 8 * shape_.layers * shape_.key_channels() * tokens_seen();
    }
    std::size_t tokens(std::size_t layer, std::size_t) override { return rows(layer); }
    std::size_t tokens_seen() const override { return rows(shape_.layers - 1); }
    const kv::shape& shape() const override { return shape_; }
    std::unique_ptr<kv::any_cache> fork() override { return std::make_unique<exact_cache>(*this); }

  private:
    [[nodiscard]] std::size_t rows(std::size_t layer) const {
        return keys_[layer].size() / shape_.key_channels();
    }
    void attend_head(std::size_t layer, std::size_t head, std::size_t seen, std::span<const float> query,
                     std::span<float> out) {
        const std::size_t size = shape_.head_size, stride = shape_.key_channels();
        const float scale = 1 / std::sqrt(static_cast<float>(size));
        const float *const keys = keys_[layer].data() + head * size, *const values =
                                                                         values_[layer].data() + head * size;
        scores_.resize(seen);
        float most = -INFINITY, sum = 0;
        for (std::size_t t = 0; t < seen; ++t) {
            scores_[t] = scale * pith::simd::dot_fast(query, {keys + t * stride, size});
            most = std::max(most, scores_[t]);
        }
        std::fill(out.begin(), out.end(), 0.0F);
        for (std::size_t t = 0; t < seen; ++t) {
            const float weight = std::exp(scores_[t] - most);
            sum += weight;
            for (std::size_t d = 0; d < size; ++d) out[d] += weight * values[t * stride + d];
        }
        for (float& x : out) x /= sum;
    }

    kv::shape shape_;
    kv::rope_rotation rotation_;
    std::vector<std::vector<float>> keys_, values_;
    std::vector<float> scores_;
};

/// What went through a cache: rows before the rotation, and what attention gave.
struct recording {
    kv::calibration rows{};
    std::vector<std::vector<float>> attention{};  ///< [layer][tokens x query channels]

    recording() = default;
    recording(const kv::shape& s, const kv::rope& r) : attention(s.layers) {
        rows.shape = s;
        rows.rope = r;
        rows.keys.resize(s.layers);
        rows.values.resize(s.layers);
        rows.queries.resize(s.layers);
    }
};

/// An exact cache that remembers all of it.
class recording_cache final : public exact_cache {
  public:
    recording_cache(const kv::shape& s, const kv::rope& r) : exact_cache(s, r), taken_(s, r) {}

    pith::result<void> append(std::size_t layer, floats keys, floats values, floats queries) override {
        kv::calibration& to = taken_.rows;
        if (layer == 0)
            for (std::size_t t = 0; t < keys.rows(); ++t)
                to.positions.push_back(static_cast<std::uint32_t>(to.positions.size()));
        add(to.keys[layer], keys);
        add(to.values[layer], values);
        add(to.queries[layer], queries);
        return exact_cache::append(layer, keys, values, queries);
    }
    pith::result<void> attend(std::size_t layer, floats queries, pith::view_2d<float> out) override {
        auto done = exact_cache::attend(layer, queries, out);
        add(taken_.attention[layer], out);
        return done;
    }
    [[nodiscard]] recording& taken() { return taken_; }

  private:
    static void add(std::vector<float>& to, floats rows) {
        const auto all = rows.as_span();
        to.insert(to.end(), all.begin(), all.end());
    }

    recording taken_;
};

}  // namespace lm
