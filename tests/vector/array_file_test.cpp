#include <pith/vector/array_file.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace vector = pith::vector;
using bytes = std::vector<std::uint8_t>;

bytes npy(const std::string& header, std::size_t floats, unsigned major = 1) {
    bytes out{0x93, 'N', 'U', 'M', 'P', 'Y', static_cast<std::uint8_t>(major), 0};
    pith::vector_sink sink(out);
    if (major == 1)
        pith::put_le<std::uint16_t>(sink, static_cast<std::uint16_t>(header.size()));
    else
        pith::put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(header.size()));
    out.insert(out.end(), header.begin(), header.end());
    for (std::size_t i = 0; i < floats; ++i)
        pith::put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(static_cast<float>(i)));
    return out;
}

const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }      \n";

}  // namespace

TEST_CASE("arrays of both formats are read", "[vector]") {
    for (const unsigned major : {1U, 2U, 3U}) {
        const auto got = vector::read_npy(npy(header, 6, major));
        REQUIRE(got.has_value());
        CHECK(got->rows == 3);
        CHECK(got->columns == 2);
        CHECK(got->values == std::vector<float>{0, 1, 2, 3, 4, 5});
    }
    const auto written = vector::write_npy(vector::read_npy(npy(header, 6))->view());
    CHECK(written.size() == 128 + 24);
    const auto again = vector::read_npy(written);
    REQUIRE(again.has_value());
    CHECK(again->rows == 3);
    CHECK(again->values == std::vector<float>{0, 1, 2, 3, 4, 5});
    bytes two;
    pith::vector_sink sink(two);
    for (int r = 0; r < 2; ++r) {
        pith::put_le<std::uint32_t>(sink, 3);
        for (int j = 0; j < 3; ++j)
            pith::put_le<std::uint32_t>(sink, std::bit_cast<std::uint32_t>(static_cast<float>(3 * r + j)));
    }
    const auto got = vector::read_fvecs(two);
    REQUIRE(got.has_value());
    CHECK(got->rows == 2);
    CHECK(got->values == std::vector<float>{0, 1, 2, 3, 4, 5});
    two[16] = 2;
    CHECK(vector::read_fvecs(two).error().code == pith::error_code::bad_stream);
    two.pop_back();
    CHECK(vector::read_fvecs(two).error().code == pith::error_code::truncated);
}

TEST_CASE("files that are no arrays of floats give errors", "[vector]") {
    const bytes good = npy(header, 6);
    for (std::size_t n = 0; n < good.size(); ++n) {
        CHECK_FALSE(vector::read_npy(pith::byte_view(good).first(n)).has_value());
        bytes hurt = good;
        for (unsigned bit = 0; bit < 8; ++bit) {
            hurt[n] = static_cast<std::uint8_t>(good[n] ^ (1U << bit));
            static_cast<void>(vector::read_npy(hurt));
            static_cast<void>(vector::read_fvecs(hurt));
        }
    }
    const auto refused = [](const std::string& from, const std::string& to) {
        std::string changed = header;
        changed.replace(changed.find(from), from.size(), to);
        return !vector::read_npy(npy(changed, 6)).has_value();
    };
    CHECK(refused("<f4", "<f8"));
    CHECK(refused("False", "True"));
    CHECK(refused("(3, 2)", "(3, 0)"));
    CHECK(refused("(3, 2)", "(6,)"));
    CHECK(refused("(3, 2)", "(1, 3, 2)"));
    CHECK(refused("(3, 2)", "(4294967299, 2)"));
    CHECK_FALSE(vector::read_npy(npy(header, 7)).has_value());
    pith::limits tight;
    tight.max_memory = 8;
    CHECK(vector::read_npy(good, tight).error().code == pith::error_code::limit_exceeded);
}

TEST_CASE("a header of any type and shape is understood, and nothing else", "[vector]") {
    bytes file;  // what was read looks into it
    const auto read = [&](const std::string& text) {
        file = npy(text, 0);
        return vector::read_npy_header(file);
    };
    const auto got = read("{\"shape\":(7,5, 3) ,'fortran_order':True,'descr':'|V2'}\n");
    REQUIRE(got.has_value());
    CHECK(got->type == "|V2");
    CHECK(got->columns_first);
    CHECK(std::vector<std::uint64_t>(got->shape().begin(), got->shape().end()) ==
          std::vector<std::uint64_t>{7, 5, 3});
    CHECK(read("{'descr': '<i8', 'fortran_order': False, 'shape': (), }")->dimensions == 0);
    for (const char* bad :
         {"", "{}", "{'descr': '<f4', 'fortran_order': False}",
          "{'descr': '<f4', 'descr': '<f4', 'shape': ()}",
          "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
          "{'descr': '<f4', 'fortran_order': None, 'shape': (1,)}",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
          "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", "{'descr': '<f4"})
        CHECK_FALSE(read(bad).has_value());
}
