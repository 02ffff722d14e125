// Whether rows that a program appends fit a cache: sizes, and numbers that a half float can hold.
#pragma once

#include <cstddef>

#include <pith/core/finite.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/kv/shape.hpp>

namespace pith::inline v1::kv {

/// Below this a value rounds to a finite half float, also when it turns: a pair turned grows by sqrt(2) at
/// most, and nearest_half keeps what then exceeds 65504 finite.
inline constexpr float most_value = 65504.0F;

[[nodiscard]] inline bool fits_half(view_2d<const float> rows) noexcept {
    bool good = true;
    for (std::size_t r = 0; r < rows.rows(); ++r)
        for (std::size_t c = 0; c < rows.columns(); ++c)
            good = good && is_finite(rows(r, c)) && rows(r, c) <= most_value && rows(r, c) >= -most_value;
    return good;
}

[[nodiscard]] inline result<void> check_rows(const shape& sizes, view_2d<const float> keys,
                                             view_2d<const float> values, view_2d<const float> queries,
                                             bool wants_queries) noexcept {
    if (keys.columns() != sizes.key_channels() || values.columns() != sizes.key_channels() ||
        values.rows() != keys.rows())
        return error{error_code::unsupported_parameter, 0, "keys or values do not have the cache's shape"};
    const bool none = queries.empty() && !(wants_queries && keys.rows() != 0);
    if (!none && (queries.rows() != keys.rows() || queries.columns() != sizes.query_channels()))
        return error{error_code::unsupported_parameter, 0, "the queries do not have the cache's shape"};
    if (!fits_half(keys) || !fits_half(values))
        return error{error_code::unsupported_parameter, 0,
                     "a key or value is not finite or exceeds a half float"};
    if (!all_finite(queries)) return error{error_code::unsupported_parameter, 0, "a query is not finite"};
    return {};
}

}  // namespace pith::inline v1::kv
