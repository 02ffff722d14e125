// Lanes with sinks, heavy hitters and runs of similar keys, and queries for them. Seeded; never sold as real
// data.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/kv/attention_rows.hpp>
#include <pith/kv/concepts.hpp>
#include <pith/kv/plan_rows.hpp>

namespace samples {

using namespace pith;

/// One layer with `heads` KV heads and two query heads for each.
struct lane_sample {
    std::size_t heads = 1, head_size = 1, tokens = 0;
    std::vector<float> keys, values, queries;
    std::vector<std::uint32_t> positions;
    std::vector<float> multiplicity;

    [[nodiscard]] std::size_t columns() const { return heads * head_size; }
    [[nodiscard]] kv::lane_place place() const {
        return {0, 0, 1, 0, heads, kv::shape{1, heads, 2 * heads, head_size}};
    }
    [[nodiscard]] kv::lane_view rows() const { return first(tokens); }
    [[nodiscard]] kv::lane_view first(std::size_t count) const {
        kv::lane_view out;
        out.keys = {keys.data(), count, columns(), columns()};
        out.values = {values.data(), count, columns(), columns()};
        out.positions = std::span(positions).first(count);
        if (!multiplicity.empty()) out.multiplicity = std::span(multiplicity).first(count);
        out.movable_count = count;
        return out;
    }
    [[nodiscard]] view_2d<const float> queries_from(std::size_t first, std::size_t count) const {
        return {queries.data() + first * 2 * columns(), count, 2 * columns(), 2 * columns()};
    }
    /// Shows the tokens to a policy in batches.
    template <class Policy>
    void show(Policy& policy, std::size_t batch) const {
        for (std::size_t t = 0; t < tokens; t += batch) {
            const std::size_t n = std::min(batch, tokens - t);
            policy.observe(place(), queries_from(t, n), first(t + n));
        }
    }
    /// The movable middle: without 4 sinks and the newest `window` tokens.
    [[nodiscard]] kv::lane_view middle(std::size_t window = 16) const {
        kv::lane_view out = rows();
        const std::size_t n = tokens - 4 - window;
        out.keys = out.keys.block(4, 0, n, columns());
        out.values = out.values.block(4, 0, n, columns());
        out.positions = out.positions.subspan(4, n);
        if (!out.multiplicity.empty()) out.multiplicity = out.multiplicity.subspan(4, n);
        return out;
    }
    /// All rows with the middle replaced by what `plan` leaves of it.
    [[nodiscard]] lane_sample after(const kv::lane_plan& plan, std::size_t window = 16) const {
        const kv::lane_rows left(middle(window), plan);
        lane_sample out;
        out.heads = heads;
        out.head_size = head_size;
        const auto add = [&](const kv::lane_view& from) {
            for (std::size_t t = 0; t < from.tokens(); ++t) {
                for (std::size_t c = 0; c < columns(); ++c) out.keys.push_back(from.keys(t, c));
                for (std::size_t c = 0; c < columns(); ++c) out.values.push_back(from.values(t, c));
                out.positions.push_back(from.positions[t]);
                out.multiplicity.push_back(from.multiplicity.empty() ? 1 : from.multiplicity[t]);
                ++out.tokens;
            }
        };
        const kv::lane_view all = rows();
        const auto part = [&](std::size_t from, std::size_t count) {
            kv::lane_view v = all;
            v.keys = all.keys.block(from, 0, count, columns());
            v.values = all.values.block(from, 0, count, columns());
            v.positions = all.positions.subspan(from, count);
            if (!all.multiplicity.empty()) v.multiplicity = all.multiplicity.subspan(from, count);
            return v;
        };
        add(part(0, 4));
        add(left.view());
        add(part(tokens - window, window));
        return out;
    }
};

struct lane_traits {
    std::size_t heads = 1, head_size = 32, tokens = 256;
    std::size_t heavy = 16;   ///< tokens that queries like
    std::size_t run = 1;      ///< neighbours with nearly the same key
    float run_noise = 0.15F;  ///< of keys in a run, relative
    bool shifted = false;     ///< queries held out like other tokens than those of the text
    std::uint64_t seed = 7;
};

/// Keys are directions; queries mix the sink's, some heavy hitters' and noise. Queries of `later` belong to
/// no token.
struct lane_with_queries {
    lane_sample lane;
    std::vector<float> later;  ///< 32 held-out query rows
    std::vector<std::uint32_t> heavy;

    [[nodiscard]] view_2d<const float> held_out() const {
        return {later.data(), 32, 2 * lane.columns(), 2 * lane.columns()};
    }
    [[nodiscard]] double error_of(const kv::lane_plan& plan) const {
        const lane_sample left = lane.after(plan);
        return kv::attention_error({lane.heads, 2, lane.head_size}, held_out(), lane.rows(), left.rows());
    }
};

inline std::vector<float> gaussians(random_sequence& draw, std::size_t n, float scale) {
    std::vector<float> out(n);
    for (float& v : out) v = scale * static_cast<float>(draw.gaussian());
    return out;
}

inline lane_with_queries make_lane(const lane_traits& traits) {
    random_sequence draw(traits.seed);
    lane_with_queries out;
    lane_sample& s = out.lane;
    s.heads = traits.heads;
    s.head_size = traits.head_size;
    s.tokens = traits.tokens;
    const std::size_t c = s.columns(), d = traits.head_size;
    std::vector<float> centre;
    for (std::size_t t = 0; t < s.tokens; ++t) {
        if (t % traits.run == 0) centre = gaussians(draw, c, 1);
        const auto noise = gaussians(draw, c, traits.run == 1 ? 0.0F : traits.run_noise);
        for (std::size_t j = 0; j < c; ++j) s.keys.push_back(centre[j] + noise[j]);
        const auto value = gaussians(draw, c, t == 0 ? 0.05F : 1);
        s.values.insert(s.values.end(), value.begin(), value.end());
        s.positions.push_back(static_cast<std::uint32_t>(t));
    }
    for (std::size_t i = 0; i < traits.heavy; ++i)
        out.heavy.push_back(4 + draw.below(static_cast<std::uint32_t>(s.tokens > 40 ? s.tokens - 40 : 1)));
    const auto query = [&](std::size_t h) {
        std::vector<float> q = gaussians(draw, d, 0.3F);
        const auto add = [&](std::size_t t, float gain) {
            for (std::size_t j = 0; j < d; ++j) q[j] += gain * s.keys[t * c + h * d + j];
        };
        add(0, 1.3F);
        for (int i = 0; i < 3 && !out.heavy.empty(); ++i)
            add(out.heavy[draw.below(static_cast<std::uint32_t>(out.heavy.size()))], 1.2F);
        return q;
    };
    const auto row = [&](std::vector<float>& to) {
        for (std::size_t g = 0; g < 2 * s.heads; ++g) {
            const auto q = query(g / 2);
            to.insert(to.end(), q.begin(), q.end());
        }
    };
    for (std::size_t t = 0; t < s.tokens; ++t) row(s.queries);
    if (traits.shifted)
        for (std::uint32_t& t : out.heavy) t = 4 + draw.below(static_cast<std::uint32_t>(s.tokens - 40));
    for (int i = 0; i < 32; ++i) row(out.later);
    return out;
}

}  // namespace samples
