#include <pith/systems/vector.hpp>
#include <pith/vector/composed_rows.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;
using hashed = vector::composed_rows<>;
using digits = vector::composed_rows<vector::row_digits>;

template <class Table>
double error(const matrix& in, vector::composed_rows_options options) {
    const auto table = Table::fit(in.view(), options);
    REQUIRE(table.has_value());
    matrix out(in.rows, in.columns);
    for (std::size_t r = 0; r < in.rows; ++r)
        table->row_into(r, std::span(out.values).subspan(r * in.columns, in.columns));
    return squared_error(in, out) / squared_error(in, matrix(in.rows, in.columns));
}

}  // namespace

TEST_CASE("composed rows lose less with more entries, and no round makes them worse", "[vector]") {
    const matrix in = gaussian(600, 7, 1);
    double last = 1;
    for (const std::uint32_t entries : {16U, 64U, 256U}) {
        const double e = error<hashed>(in, {.tables = 2, .entries = entries});
        CHECK(e < last);
        last = e;
    }
    last = 1;
    for (const unsigned rounds : {1U, 2U, 5U, 20U}) {
        const double e = error<hashed>(in, {.tables = 3, .entries = 64, .rounds = rounds});
        CHECK(e <= last * 1.000001);
        last = e;
    }
}

TEST_CASE("rows that are sums of entries of digits are found again", "[vector]") {
    const matrix ones = gaussian(20, 5, 2), twenties = gaussian(20, 5, 3);
    matrix in(400, 5);
    for (std::size_t r = 0; r < 400; ++r)
        for (std::size_t c = 0; c < 5; ++c) in(r, c) = ones(r % 20, c) + twenties(r / 20, c);
    CHECK(error<digits>(in, {.tables = 2, .entries = 20}) < 1e-10);
    CHECK(error<hashed>(in, {.tables = 2, .entries = 20}) > 0.5);
    CHECK(error<digits>(gaussian(30, 3, 4), {.tables = 1, .entries = 30}) == 0);
}

TEST_CASE("addresses of rows are within their tables, and are frozen", "[vector]") {
    for (std::uint64_t r = 0; r < 1000; ++r)
        for (std::uint32_t t = 0; t < 3; ++t) {
            CHECK(vector::hashed_rows{}(r, t, 17) < 17);
            CHECK(vector::row_digits{}(r, t, 10) == (t == 0 ? r % 10 : t == 1 ? r / 10 % 10 : r / 100));
        }
    const auto words = pith::philox({5, 0, 1, 0}, {1, 0});
    CHECK(vector::hashed_rows{}(5, 1, 1000) == std::uint64_t{words[0]} * 1000 >> 32);
}

TEST_CASE("composed rows survive being stored, and damaged ones are refused or give numbers", "[vector]") {
    const matrix in = gaussian(50, 3, 5);
    const auto table = pith::systems::hashed_embeddings::fit(in.view(), {.tables = 2, .entries = 8});
    REQUIRE(table.has_value());
    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    table->save(sink);
    CHECK(bytes.size() == table->stored_bytes());
    std::vector<float> a(3), b(3);
    pith::byte_reader whole(bytes);
    const auto loaded = hashed::load(whole);
    REQUIRE(loaded.has_value());
    for (std::size_t r = 0; r < 50; ++r) {
        table->row_into(r, a);
        loaded->row_into(r, b);
        CHECK(a == b);
    }
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        pith::byte_reader from(pith::byte_view(bytes).first(cut));
        CHECK_FALSE(hashed::load(from).has_value());
    }
    pith::limits tight;
    tight.max_memory = 1 << 16;
    for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
        auto hurt = bytes;
        hurt[i / 8] = static_cast<std::uint8_t>(hurt[i / 8] ^ 1U << i % 8);
        pith::byte_reader from(hurt);
        if (const auto got = hashed::load(from, tight)) {
            std::vector<float> out(got->dimension());
            got->row_into(got->rows() - 1, out);
            for (const float v : out) CHECK(std::isfinite(v));
        }
    }
    CHECK_FALSE(hashed::fit(matrix(0, 3).view()).has_value());
    CHECK_FALSE(hashed::fit(in.view(), {.tables = 0}).has_value());
    matrix bad = in;
    bad(7, 1) = std::numeric_limits<float>::infinity();
    CHECK_FALSE(hashed::fit(bad.view()).has_value());
}
