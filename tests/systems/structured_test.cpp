#include <pith/codec/latent_blocks.hpp>
#include <pith/entropy/coupling.hpp>
#include <pith/entropy/model_parametric.hpp>
#include <pith/entropy/ordered_latents.hpp>
#include <pith/entropy/parametric_codec.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/mixing/window_models.hpp>
#include <pith/vector/point_scan.hpp>

#include <memory>

#include "vectors/frozen.hpp"
#include "vectors/samples.hpp"

namespace {

using bytes = std::vector<std::uint8_t>;

// Letters of which each is one of four.
bytes letters(std::size_t n) {
    samples::generator g{31};
    bytes out(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>('a' + 3 * (i % 7) + g.next() % 4);
    return out;
}

template <class Values>
bytes raw(const Values& values) {
    bytes out;
    pith::vector_sink sink(out);
    for (const auto& v : values) pith::put_le<std::uint32_t>(sink, static_cast<std::uint32_t>(v));
    return out;
}

bytes raw_points(const std::vector<pith::vector::scan_point>& points) {
    std::vector<std::uint32_t> out;
    for (const auto& p : points)
        for (const float v : p) out.push_back(std::bit_cast<std::uint32_t>(v));
    return raw(out);
}

template <unsigned Bits>
void check_windows(frozen::rows& rows, const std::string& name) {
    const bytes in = letters(3000);
    pith::mixing::equal_information_windows<pith::mixing::window_bytes_model<>, Bits> windows;
    const bytes code = windows.encode(in);
    const auto back = windows.decode(code);
    REQUIRE(back);
    rows.check("structured/windows" + name, "letters/3000", in, code, *back);
}

}  // namespace

TEST_CASE("windows, scans, tables and passes write and read what is frozen") {
    frozen::rows rows("structured/");
    check_windows<16>(rows, "16");
    check_windows<256>(rows, "256");

    std::vector<pith::vector::scan_point> points;  // ten beams turn inside of a box
    samples::generator g{77};
    for (int column = 0; column < 60; ++column)
        for (int beam = 0; beam < 10; ++beam)
            if (g.next() % 20 != 0)
                points.push_back({10.0F + static_cast<float>(g.next() % 64) / 1024.0F,
                                  static_cast<float>(column - 30) / 4.0F,
                                  static_cast<float>(beam) / 2.0F - 1.0F});
    const auto scan = pith::vector::point_scan::encode(points, {.bound = 0.01F});
    REQUIRE(scan);
    const auto decoded = pith::vector::point_scan::decode(*scan);
    REQUIRE(decoded);
    rows.check("structured/scan", "box/600", raw_points(points), *scan, raw_points(*decoded));

    bytes table;
    for (std::size_t i = 0; i < 60 * 40; ++i) {
        const std::size_t r = i / 40 * 7 % 60 % 3, c = i % 40 * 3 % 5 % 2;
        table.push_back(static_cast<std::uint8_t>(g.next() % 8 < 5 ? 10 * r + c : g.next() % 40));
    }
    pith::codec::latent_blocks<pith::entropy::rans_bytes<>> tables;
    const auto coded = tables.encode(table, 60, 40);
    REQUIRE(coded);
    const auto table_back = tables.decode(*coded);
    REQUIRE(table_back);
    rows.check("structured/table", "classes/60x40", table, *coded, table_back->entries);

    using models = pith::entropy::parametric_models<pith::entropy::gaussian>;
    using codec = pith::entropy::parametric_codec<models>;
    const auto model = std::make_unique<models>();
    const std::vector<std::size_t> groups{1, 2};
    const pith::entropy::ordered_latents<codec> passes(codec{*model},
                                                       pith::entropy::checkerboard_groups(groups));
    const pith::entropy::latent_shape shape{6, 9, 7};
    std::vector<std::int32_t> latents(shape.size()), latents_back(shape.size());
    for (std::int32_t& v : latents) v = static_cast<std::int32_t>(g.next() % 16 + g.next() % 16) - 15;
    const auto context = [](std::size_t, std::span<const std::uint32_t> places,
                            std::span<const std::int32_t> known,
                            std::span<pith::entropy::location_scale> given) {
        for (std::size_t i = 0; i < places.size(); ++i)
            given[i] = {known[(places[i] + 1) % known.size()] * 512, 6 * 4096};
    };
    const auto code = passes.encode(latents, shape, context);
    REQUIRE(code);
    REQUIRE(passes.decode(*code, shape, context, latents_back));
    rows.check("structured/passes", "sums/6x9x7", raw(latents), *code, raw(latents_back));

    std::vector<std::uint64_t> source(20), target(15);
    for (auto& m : source) m = g.next() % 1000;
    for (std::size_t i = 0; i < 20; ++i) target[i * i % 15] += source[i];
    const auto pair = pith::entropy::couple_through(source, target, 2.5);
    std::vector<std::uint64_t> cells(pair.code.class_of.begin(), pair.code.class_of.end());
    for (const auto& c : pair.code_to_out.cells()) cells.insert(cells.end(), {c.row, c.column, c.mass});
    rows.check("structured/coupling", "squares/20x15", raw(cells));
    rows.finish();
}
