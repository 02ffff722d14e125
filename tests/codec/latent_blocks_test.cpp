// Tables by latent variables: tables come back, clustered ones are shorter than in any order of their
// entries.
#include <pith/codec/latent_blocks.hpp>

#include <cstdint>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/entropy/rans_block.hpp>

#include "support/catch.hpp"

namespace {

using namespace pith;
using namespace pith::codec;
using bytes = std::vector<std::uint8_t>;
using rans = entropy::rans_bytes<>;
template <unsigned Order>
using coder = entropy::adaptive_nibble<Order>;

/// Entries that depend on a class of the row and one of the column, each drawn for itself.
bytes clustered(std::size_t rows, std::size_t columns, std::size_t classes, std::uint64_t seed) {
    random_sequence random(seed);
    const auto any = [&](std::size_t n) { return random.below(static_cast<std::uint32_t>(n)); };
    std::vector<std::uint32_t> of_row(rows), of_column(columns), favourite(classes * classes);
    for (auto& c : of_row) c = any(classes);
    for (auto& c : of_column) c = any(classes);
    for (auto& f : favourite) f = any(8);
    bytes out;
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) {
            const std::uint32_t f = favourite[of_row[r] * classes + of_column[c]];
            out.push_back(static_cast<std::uint8_t>('a' + (any(10) < 7 ? f : any(8))));
        }
    return out;
}

bytes turned(const bytes& in, std::size_t rows, std::size_t columns) {
    bytes out(in.size());
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = in[r * columns + c];
    return out;
}

template <class Coder>
std::size_t size_of(const bytes& in) {
    Coder one;
    bytes out(Coder::max_encoded_size(in.size()));
    return *one.encode_into(in, out);
}

template <class Coder>
bytes check_round_trip(const bytes& in, std::size_t rows, std::size_t columns, std::size_t most = 16) {
    latent_blocks<Coder> codec(most);
    const auto code = codec.encode(in, rows, columns);
    REQUIRE(code.has_value());
    const auto back = codec.decode(*code);
    REQUIRE(back.has_value());
    REQUIRE(*back == byte_table{rows, columns, in});
    return *code;
}

}  // namespace

TEST_CASE("Clustered tables are shorter by classes than row after row and column after column") {
    for (const std::size_t classes : {2U, 3U, 5U}) {
        constexpr std::size_t rows = 600, columns = 90;
        const bytes table = clustered(rows, columns, classes, 10 + classes);
        const bytes across = turned(table, rows, columns);
        const std::size_t by_classes = check_round_trip<rans>(table, rows, columns).size();
        for (const bytes& order : {table, across}) {
            CHECK(by_classes < size_of<rans>(order) * 3 / 4);
            CHECK(by_classes < size_of<coder<1>>(order) * 3 / 4);
        }
        // Probabilities of 0.7375 for an entry's favourite and 0.0375 for seven others: 1.567 bits an entry.
        CHECK(8 * static_cast<double>(by_classes) / (rows * columns) < 1.07 * 1.567);
    }
}

TEST_CASE("Tables without classes, of one entry, one row or one column come back at no great cost") {
    random_sequence random(2);
    for (const std::size_t rows : {1U, 2U, 3U, 17U, 100U})
        for (const std::size_t columns : {1U, 2U, 5U, 65U}) {
            bytes in(rows * columns);
            for (auto& e : in) e = static_cast<std::uint8_t>(random());
            CHECK(check_round_trip<rans>(in, rows, columns, 4).size() < in.size() + 32);
            (void)check_round_trip<rans>(bytes(in.size(), 7), rows, columns);
        }
    for (const std::size_t n : {0U, 1U, 300U}) {
        (void)check_round_trip<rans>({}, 0, n);
        (void)check_round_trip<rans>({}, n, 0);
    }
    CHECK(check_round_trip<rans>(bytes(100'000), 1000, 100).size() == 100'000 / 1024 + 8);
}

TEST_CASE("Damaged tables are errors") {
    const bytes table = clustered(24, 16, 2, 5);
    latent_blocks<rans> codec(4);
    for (const bytes& code : {*codec.encode(table, 24, 16), *codec.encode(bytes(5000, 3), 50, 100),
                              *codec.encode(table, {bytes{0, 1, 2, 0, 1, 2, 0, 1}, bytes(48), 3, 1})}) {
        for (std::size_t cut = 0; cut < code.size(); ++cut)
            REQUIRE_FALSE(codec.decode(byte_view(code).first(cut)).has_value());
        bytes longer = code;
        longer.push_back(0);
        REQUIRE_FALSE(codec.decode(longer).has_value());
        for (std::size_t bit = 0; bit < 8 * code.size(); ++bit) {
            bytes damaged = code;
            damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            REQUIRE_FALSE(codec.decode(damaged, limits{.max_output = 1 << 20}).has_value());
        }
    }
    CHECK(codec.decode(*codec.encode(table, 24, 16), limits{.max_output = 383}).error().code ==
          error_code::limit_exceeded);
}
