#include <pith/codec/bytes.hpp>

#include <memory>
#include <string>

#include "vectors/frozen.hpp"
#include "vectors/samples.hpp"

namespace {

using bytes = std::vector<std::uint8_t>;

/// Functions of x86 code, the same on every machine.
bytes machine_code(std::size_t n) {
    samples::generator g{0x9E3779B97F4A7C15ULL};
    bytes out;
    while (out.size() < n)
        for (const unsigned c : {0x55U, 0x8BU, 0xECU, 0x8BU, 0x45U, 8 + 4 * (g.next() % 3), 0x50U, 0xE8U,
                                 g.next() % 256, g.next() % 16, 0U, 0U, 0x83U, 0xC4U, 0x04U, 0x5DU, 0xC3U})
            out.push_back(static_cast<std::uint8_t>(c));
    out.resize(n);
    return out;
}
/// Rows of 24 bytes: a counter, slow waves, noise.
bytes records(std::size_t n) {
    samples::generator g{0xBF58476D1CE4E5B9ULL};
    bytes out(n);
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t row = i / 24, column = i % 24;
        out[i] = static_cast<std::uint8_t>(column < 4    ? row >> (8 * column)
                                           : column < 20 ? 200 * column + row / 8
                                                         : g.next());
    }
    return out;
}

// In the fastest form; the build without vectors checks the portable one.
template <class Codec>
void check(frozen::rows& rows, Codec& codec, const std::string& input, const bytes& in) {
    CAPTURE(Codec::name, input);
    bytes coded(Codec::max_encoded_size(in.size())), back(in.size(), 0xA5);
    const auto size = codec.encode_into(in, coded);
    REQUIRE(size);
    coded.resize(*size);
    REQUIRE(codec.decode_into(coded, back));
    rows.check(std::string("mixing/") + Codec::name, input, in, coded, back);
}

/// fast_pair, but for the size from which it cuts blocks: 2^21 bytes take long.
struct cut_level : pith::codec::fast_pair_mixing {
    static constexpr std::size_t cut_from = 1024;
};

template <class Codec>
void check_all(frozen::rows& rows, std::size_t n) {
    const auto codec = std::make_unique<Codec>();
    check(rows, *codec, "code/" + std::to_string(n), machine_code(n));
    check(rows, *codec, "records/" + std::to_string(n), records(n));
    check(rows, *codec, "text", frozen::read_file("text.txt"));
    for (const unsigned kind : {0U, 3U, 5U})
        check(rows, *codec, samples::name(kind, 300), samples::sample(kind, 300));
}

}  // namespace

TEST_CASE("context mixing writes and reads what is frozen") {
    frozen::rows rows("mixing/");
    check_all<pith::codec::fast>(rows, 5000);
    check_all<pith::codec::max>(rows, 2000);
    const auto cut =
        std::make_unique<pith::codec::context_mixing<cut_level, pith::codec::detail::mixing_kernel>>();
    check(rows, *cut, "code/5000", machine_code(5000));
    check(rows, *cut, "text", frozen::read_file("text.txt"));
    rows.finish();
}
