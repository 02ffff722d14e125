#include <pith/vector/sided_storage.hpp>

#include <limits>

#include <pith/systems/vector.hpp>
#include <pith/vector/centred_code.hpp>
#include <pith/vector/flat_index.hpp>

#include "support/catch.hpp"
#include "vector/index_laws.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;

template <unsigned Bits>
using rotated = vector::centred_code<
    vector::rotation_code<vector::nearest_assignment<Bits>, pith::transform::randomized_hadamard<>,
                          vector::rotation_options{.format = pith::quant::number_format::fp16}>>;

// Vectors of very different lengths around a few centres, some of them zero.
matrix uneven(std::size_t rows, std::size_t columns, std::uint64_t seed) {
    matrix out = gaussian(rows, columns, seed, 0.3F);
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) {
            out(r, c) += static_cast<float>((r * 7 + c) % 5) - 2;
            out(r, c) *= r % 17 == 0 ? 0.0F : 0.25F + static_cast<float>(r % 9);
        }
    return out;
}

template <class Code>
void check_scan(std::size_t dimension, std::size_t rows) {
    CAPTURE(Code::bits_of, dimension, rows);
    using quantizer = typename Code::type;
    const matrix base = uneven(rows, dimension, dimension), queries = gaussian(9, dimension, 3);
    const auto fitted = quantizer::fit(base.view());
    REQUIRE(fitted.has_value());
    for (const auto by : {vector::metric::inner_product, vector::metric::squared_distance}) {
        vector::flat_index<quantizer> fast(*fitted, by);
        vector::flat_index<quantizer, vector::row_storage> plain(*fitted, by);
        REQUIRE((fast.add(base.view()) && plain.add(base.view())));
        const std::vector<std::uint64_t> some(rows / 64 + 1, 0x9249'2492'4924'9249U);
        const auto first = check_same_index(fast, plain, queries.view(), 5, vector::id_filter{some});
        const auto loaded = vector::flat_index<quantizer>::load(first);
        REQUIRE(loaded.has_value());
        CHECK(loaded->search(queries.view(), 5)->found == plain.search(queries.view(), 5)->found);
    }
}
template <class Quantizer, unsigned Bits>
struct code {
    using type = Quantizer;
    static constexpr unsigned bits_of = Bits;
};

}  // namespace

TEST_CASE("rotation codes of 1 to 4 bits are found by the fast scan as by decoding", "[vector]") {
    static_assert(vector::sided_quantizer<rotated<3>>);
    static_assert(!vector::sided_quantizer<rotated<5>>);
    for (const std::size_t dimension : {1UL, 3UL, 16UL, 37UL})
        for (const std::size_t rows : {1UL, 33UL, 700UL}) {
            check_scan<code<rotated<1>, 1>>(dimension, rows);
            check_scan<code<rotated<2>, 2>>(dimension, rows);
            check_scan<code<rotated<3>, 3>>(dimension, rows);
            check_scan<code<rotated<4>, 4>>(dimension, rows);
        }
    using rabitq = vector::centred_code<pith::systems::rabitq<2, pith::transform::randomized_hadamard<>>>;
    check_scan<code<rabitq, 2>>(37, 200);
    check_scan<code<rotated<4>, 4>>(1030, 20);  // longer than the fast scan is for
}

TEMPLATE_TEST_CASE("codes that no encoder writes are found by the fast scan as by decoding", "[vector]",
                   rotated<2>, rotated<3>) {
    for (const std::size_t dimension : {1UL, 19UL}) {
        const auto fitted = TestType::fit(uneven(200, dimension, 1).view());
        REQUIRE(fitted.has_value());
        std::vector<std::uint8_t> codes(200 * fitted->code_size());
        pith::random_sequence random(5);
        for (auto& b : codes) b = static_cast<std::uint8_t>(random());
        vector::sided_storage<> fast(*fitted);
        vector::row_storage plain(fitted->code_size());
        fast.append(codes);
        plain.append(codes);
        std::vector<std::uint8_t> a(fitted->code_size()), b(fitted->code_size());
        for (std::size_t i = 0; i < 200; ++i) {
            plain.copy_code(i, b);
            fast.copy_code(i, a);
            CHECK(a == b);
        }
        std::vector<float> table(fitted->table_size());
        fitted->fill_tables(gaussian(1, dimension, 4).view(), vector::metric::inner_product, table);
        std::vector<vector::nearest_list> first(1, vector::nearest_list(7)), second = first;
        fast.scan(*fitted, table, {}, first);
        plain.scan(*fitted, table, {}, second);
        std::vector<vector::neighbor> x(7), y(7);
        first[0].write(x);
        second[0].write(y);
        CHECK(x == y);
    }
}
