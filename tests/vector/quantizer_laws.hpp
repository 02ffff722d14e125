// The laws of vector_quantizer and scannable_quantizer, for any of them.
#pragma once

#include <pith/vector/concepts.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "vector/samples.hpp"

namespace vector_test {

template <pith::vector::storable_quantizer Quantizer>
std::vector<std::uint8_t> saved(const Quantizer& quantizer) {
    std::vector<std::uint8_t> out;
    pith::vector_sink sink(out);
    quantizer.save(sink);
    return out;
}

/// Rows are coded each by itself, whatever the strides, and what was decoded once is decoded again.
template <pith::vector::vector_quantizer Quantizer>
void check_codes(const Quantizer& quantizer, const matrix& in) {
    REQUIRE(quantizer.dimension() == in.columns);
    const std::size_t size = quantizer.code_size();
    std::vector<std::uint8_t> all(in.rows * size), alone(size), again(in.rows * size);
    REQUIRE(quantizer.encode_into(in.view(), all).has_value());
    matrix wide(in.rows, 2 * in.columns + 1);
    for (std::size_t r = 0; r < in.rows; ++r)
        for (std::size_t c = 0; c < in.columns; ++c) wide(r, 2 * c + 1) = in(r, c);
    const pith::view_2d<const float> strided(wide.values.data() + 1, in.rows, in.columns, wide.columns, 2);
    REQUIRE(quantizer.encode_into(strided, again).has_value());
    CHECK(again == all);
    for (std::size_t r = 0; r < in.rows; r += 5) {
        REQUIRE(quantizer.encode_into(in.view().block(r, 0, 1, in.columns), alone).has_value());
        CHECK(std::equal(alone.begin(), alone.end(), all.begin() + static_cast<std::ptrdiff_t>(r * size)));
    }
    matrix once(in.rows, in.columns), twice(in.rows, in.columns);
    quantizer.decode_into(all, once.view());
    REQUIRE(quantizer.encode_into(once.view(), again).has_value());
    quantizer.decode_into(again, twice.view());
    CHECK(squared_error(once, twice) <= 1e-9 * squared_error(once, matrix(in.rows, in.columns)));
    REQUIRE(quantizer.encode_into(in.view().block(0, 0, 0, in.columns), std::span<std::uint8_t>()));
}

/// Parameters survive being stored; damaged ones are refused or decode to something, never worse.
template <pith::vector::storable_quantizer Quantizer>
void check_stored(const Quantizer& quantizer, const matrix& in) {
    const std::vector<std::uint8_t> bytes = saved(quantizer);
    CHECK(bytes.size() == quantizer.parameter_bytes());
    pith::byte_reader from(bytes);
    auto loaded = Quantizer::load(from, pith::limits{});
    REQUIRE(loaded.has_value());
    CHECK(from.remaining() == 0);
    CHECK(saved(*loaded) == bytes);
    CHECK(coded(*loaded, in).values == coded(quantizer, in).values);
    const std::size_t step = bytes.size() / 97 + 1;
    for (std::size_t n = 0; n < bytes.size(); n += n < 32 ? 1 : step) {
        pith::byte_reader cut(pith::byte_view(bytes).first(n));
        CHECK_FALSE(Quantizer::load(cut, pith::limits{}).has_value());
        std::vector<std::uint8_t> damaged = bytes;
        damaged[n] = static_cast<std::uint8_t>(damaged[n] ^ (1U << (n % 8)));
        pith::byte_reader hurt(damaged);
        pith::limits tight;
        tight.max_memory = 1 << 20;
        if (auto got = Quantizer::load(hurt, tight); got && got->dimension() == in.columns) coded(*got, in);
    }
}

/// What is not a number is refused, and says where.
template <pith::vector::vector_quantizer Quantizer>
void check_refusals(const Quantizer& quantizer, matrix in) {
    std::vector<std::uint8_t> codes(in.rows * quantizer.code_size());
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(), 0x1p60F}) {
        matrix hurt = in;
        hurt(in.rows - 1, in.columns / 2) = bad;
        const auto got = quantizer.encode_into(hurt.view(), codes);
        REQUIRE_FALSE(got.has_value());
        CHECK(got.error().code == pith::error_code::unsupported_parameter);
        CHECK(got.error().offset == (in.rows - 1) * in.columns + in.columns / 2);
    }
}

/// Costs from tables are those from decoded vectors.
template <pith::vector::scannable_quantizer Quantizer>
void check_costs(const Quantizer& quantizer, const matrix& in, const matrix& queries) {
    std::vector<std::uint8_t> codes(in.rows * quantizer.code_size());
    REQUIRE(quantizer.encode_into(in.view(), codes).has_value());
    matrix decoded(in.rows, in.columns);
    quantizer.decode_into(codes, decoded.view());
    std::vector<float> tables(queries.rows * quantizer.table_size()), out(in.rows);
    for (const auto by : {pith::vector::metric::inner_product, pith::vector::metric::squared_distance}) {
        quantizer.fill_tables(queries.view(), by, tables);
        double worst = 0;
        for (std::size_t q = 0; q < queries.rows; ++q) {
            quantizer.costs(
                std::span<const float>(tables).subspan(q * quantizer.table_size(), quantizer.table_size()),
                codes, out);
            for (std::size_t r = 0; r < in.rows; ++r) {
                double cost = 0, scale = 1;
                for (std::size_t c = 0; c < in.columns; ++c) {
                    const double a = static_cast<double>(queries(q, c)),
                                 b = static_cast<double>(decoded(r, c));
                    cost += by == pith::vector::metric::inner_product ? -a * b : (a - b) * (a - b);
                    scale += a * a + b * b;
                }
                worst = std::max(worst, std::abs(cost - static_cast<double>(out[r])) / scale);
            }
        }
        CHECK(worst < 1e-5);
    }
}

template <pith::vector::scannable_quantizer Quantizer>
void check_quantizer(const Quantizer& quantizer, const matrix& in) {
    check_codes(quantizer, in);
    check_stored(quantizer, in);
    check_refusals(quantizer, in);
    check_costs(quantizer, in, gaussian(3, in.columns, 99));
    check_costs(quantizer, in, gaussian(16, in.columns, 98));
}

}  // namespace vector_test
