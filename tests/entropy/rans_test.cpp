#include <pith/entropy/model_static.hpp>
#include <pith/entropy/rans.hpp>

#include <random>
#include <vector>

#include "support/catch.hpp"

using namespace pith::entropy;

namespace {

std::vector<std::uint16_t> skewed_frequencies(unsigned precision) {
    std::vector<std::uint32_t> counts(256);
    for (std::size_t s = 0; s < 256; s += 5) counts[s] = static_cast<std::uint32_t>(1 + 100000 / (1 + s * s));
    std::vector<std::uint16_t> f(256);
    normalize_frequencies(counts, f, precision);
    return f;
}

template <class Layout, unsigned Precision>
void round_trip() {
    const auto f = skewed_frequencies(Precision);
    const static_model<Precision> model(std::span<const std::uint16_t, 256>(f.data(), 256));
    std::mt19937 random(7);
    for (const int size : {0, 1, 2, 3, 10, 257, 5000}) {
        const auto n = static_cast<std::size_t>(size);
        std::vector<std::uint8_t> symbols(n);
        for (auto& s : symbols) s = model.at(random() & ((1U << Precision) - 1)).symbol;
        std::vector<std::uint8_t> buffer(4 * n + 16);
        rans_encoder<Layout> encoder{pith::byte_span(buffer)};
        for (std::size_t i = n; i-- > 0;) encoder.template put<Precision>(model.interval_of(symbols[i]));
        const auto coded = encoder.finish();
        REQUIRE(coded);
        rans_decoder<Layout> decoder(*coded);
        bool equal = true;
        for (const auto s : symbols) {
            const auto found = model.at(decoder.template slot<Precision>());
            equal = equal && found.symbol == s;
            decoder.template remove<Precision>(found.where);
        }
        CHECK(equal);
        CHECK(decoder.finish());
    }
}

}  // namespace

TEST_CASE("a static model's halves are inverse at every slot, and its intervals tile the range") {
    const auto f = skewed_frequencies(12);
    const static_model<12> model(std::span<const std::uint16_t, 256>(f.data(), 256));
    std::uint32_t next = 0;
    for (std::uint32_t slot = 0; slot < 4096; ++slot) {
        const auto found = model.at(slot);
        CHECK(found.where == model.interval_of(found.symbol));
        CHECK((found.where.start <= slot && slot - found.where.start < found.where.size));
        if (slot == found.where.start) {
            CHECK(slot == next);
            next += found.where.size;
        }
    }
    CHECK(next == 4096);
}

TEST_CASE("rANS gives back what was put, in the reverse order, in every layout and precision") {
    round_trip<rans32, 12>();
    round_trip<rans32, 15>();
    round_trip<rans64, 12>();
    round_trip<rans64, 15>();
    round_trip<rans_byte, 8>();
    round_trip<rans_byte, 14>();
}

TEST_CASE("an rANS stream that is cut or continued is refused") {
    std::vector<std::uint8_t> buffer(4096);
    rans_encoder<> encoder{pith::byte_span(buffer)};
    for (unsigned i = 0; i < 1000; ++i) encoder.put<8>({(i * 37) & 0xE0, 1 + (i & 31)});
    const auto coded = encoder.finish();
    REQUIRE(coded);
    const std::vector<std::uint8_t> whole(coded->begin(), coded->end());
    const auto decode = [](const std::vector<std::uint8_t>& bytes) {
        rans_decoder<> decoder{pith::byte_view(bytes)};
        for (unsigned i = 1000; i-- > 0;) decoder.remove<8>({(i * 37) & 0xE0, 1 + (i & 31)});
        return decoder.finish();
    };
    CHECK(decode(whole));
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        CHECK_FALSE(decode({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut)}));
    }
    auto longer = whole;
    longer.push_back(0);
    const auto result = decode(longer);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == pith::error_code::trailing_data);
}

TEST_CASE(
    "an rANS stream that begins with a state out of range is refused, even if it comes back to its start") {
    // A symbol of all slots leaves the state as it is; below low it then draws words until it is low.
    const std::vector<std::uint8_t> below{0, 0, 0, 0, 0x80, 0, 0};
    rans_decoder<rans_byte> decoder{pith::byte_view(below)};
    decoder.remove<8>({0, 256});
    const auto end = decoder.finish();
    REQUIRE_FALSE(end);
    CHECK(end.error().code == pith::error_code::bad_stream);
    const std::vector<std::uint8_t> above{0, 0, 0, 0x80};
    rans_decoder<rans32> other{pith::byte_view(above)};
    other.remove<15>({0, 1});
    CHECK_FALSE(other.finish());
}

TEST_CASE("an rANS encoder never writes outside its buffer") {
    for (std::size_t room = 0; room < 40; ++room) {
        std::vector<std::uint8_t> buffer(room + 16, 0xEE);
        rans_encoder<> encoder(pith::byte_span(buffer).subspan(8, room));
        for (unsigned i = 0; i < 16; ++i) encoder.put<15>({i, 1});
        CHECK(encoder.finish().has_value() == (room >= 34));
        for (std::size_t i = 0; i < 8; ++i) CHECK((buffer[i] == 0xEE && buffer[8 + room + i] == 0xEE));
    }
}
