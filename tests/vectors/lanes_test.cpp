#include <pith/entropy/frequency.hpp>
#include <pith/entropy/rans_lanes.hpp>
#include <pith/simd/rans.hpp>

#include <memory>
#include <string>

#include "vectors/frozen.hpp"
#include "vectors/samples.hpp"

namespace {

using namespace pith::entropy;
using bytes = std::vector<std::uint8_t>;

template <unsigned Lanes>
void check(frozen::rows& rows, unsigned kind, std::size_t n) {
    const bytes in = samples::sample(kind, n);
    std::uint32_t counts[256];
    std::uint16_t frequencies[256];
    count_bytes(in, counts);
    normalize_frequencies(counts, frequencies, 12);
    const auto symbols = std::make_unique<rans_symbol_table<12>>();
    const auto slots = std::make_unique<rans_slot_table<12>>();
    symbols->build(frequencies);
    slots->build(frequencies);
    bytes buffer(2 * n + 4 * Lanes), vector(buffer.size()), back(n), also(n);
    const auto size = rans_encode_lanes<Lanes, 12, scalar_rounds>(in, *symbols, buffer);
    const auto same = rans_encode_lanes<Lanes, 12, pith::simd::rans_rounds<>>(in, *symbols, vector);
    REQUIRE((size && same && *size == *same));
    buffer.erase(buffer.begin(), buffer.end() - static_cast<std::ptrdiff_t>(*size));
    vector.erase(vector.begin(), vector.end() - static_cast<std::ptrdiff_t>(*size));
    CHECK(buffer == vector);
    REQUIRE(rans_decode_lanes<Lanes, 12, scalar_rounds>(buffer, *slots, back));
    REQUIRE(rans_decode_lanes<Lanes, 12, pith::simd::rans_rounds<>>(buffer, *slots, also));
    CHECK(back == also);
    rows.check("lanes/" + std::to_string(Lanes), samples::name(kind, n), in, buffer, back);
}

}  // namespace

TEST_CASE("interleaved rANS writes what is frozen with any number of lanes, scalar and vector alike") {
    frozen::rows rows("lanes/");
    for (const std::size_t n : {300U, 5000U}) {
        for (const unsigned kind : {2U, 3U, 4U, 6U}) {
            check<1>(rows, kind, n);
            check<4>(rows, kind, n);
            check<32>(rows, kind, n);
            check<64>(rows, kind, n);
            check<128>(rows, kind, n);
        }
    }
    rows.finish();
}
