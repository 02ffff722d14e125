// What a compressed layer consists of: parts that add up to the weights, in a checked list of sections.
// FORMAT.md, part 4.2; the sections are named by what decodes them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pith/calibrate.hpp>
#include <pith/container/section.hpp>
#include <pith/lowrank.hpp>

#include "layer.hpp"

namespace layers {

using bytes = std::vector<std::uint8_t>;
using pith::container::section_id;

struct part {
    section_id id;
    bytes content;
};
using parts = std::vector<part>;

/// Ids of parts. GA + bits: codes in groups; SP + bits: the same with outliers apart.
inline constexpr section_id coded_id{"CODE"}, rows_id{"ROWS"}, factors_id{"LRNK"}, offset_id{"OFFS"},
    normalized_id{"NORM"}, remapped_id{"REMP"}, name_id{"NAME"};
constexpr section_id with_bits(const char (&two)[3], unsigned bits) {
    return section_id(std::uint32_t{static_cast<std::uint8_t>(two[0])} |
                      std::uint32_t{static_cast<std::uint8_t>(two[1])} << 8 | std::uint32_t{'0'} << 16 |
                      ('0' + std::uint32_t{bits}) << 24);
}

/// Calls run.operator()<Bits>() for one of the widths that methods with whole bits offer.
template <class Run>
auto with_width(unsigned bits, const Run& run) -> decltype(run.template operator()<2>()) {
    switch (bits) {
        case 2:
            return run.template operator()<2>();
        case 3:
            return run.template operator()<3>();
        case 4:
            return run.template operator()<4>();
        default:
            return pith::error{pith::error_code::unsupported_parameter, 0,
                               "this method takes 2, 3 or 4 whole bits"};
    }
}

/// Two factors in half precision: rows, rank, columns, then the values of left and right.
inline bytes encode_factors(const pith::lowrank::factors& f) {
    bytes out;
    pith::vector_sink sink(out);
    for (const std::size_t v : {f.left.rows(), f.rank(), f.right.columns()}) pith::put_varint(sink, v);
    for (const matrix* m : {&f.left, &f.right})
        for (std::size_t i = 0; i < m->size(); ++i)
            pith::put_le<std::uint16_t>(sink, pith::half(m->data()[i]).bits);
    return out;
}

inline pith::result<matrix> decode_factors(pith::byte_view in, const pith::limits& bound) {
    pith::byte_reader reader(in);
    const auto shape = pith::lowrank::read_factor_shape(reader, bound);
    if (!shape) return shape.error();
    const auto [m, r, n] = *shape;
    if (reader.remaining() != 2 * (m * r + r * n))
        return reader.fail(pith::error_code::bad_header, "the factors do not fit their shape");
    pith::lowrank::factors f{matrix(m, r), matrix(r, n)};
    for (matrix* to : {&f.left, &f.right})
        for (std::size_t i = 0; i < to->size(); ++i)
            to->data()[i] = float(pith::half::from_bits(*reader.read_le<std::uint16_t>()));
    matrix out = f.product();
    if (!pith::linalg::all_finite<float>(out))
        return reader.fail(pith::error_code::bad_stream, "a factor is not finite");
    return out;
}

inline pith::result<matrix> decode(const part& p, const pith::limits& bound) {
    if (p.id == coded_id) return pith::calibrate::decode_weights(p.content, bound);
    if (p.id == rows_id) return pith::calibrate::decode_rows(p.content, bound);
    if (p.id == offset_id) return pith::calibrate::decode_offset_codes(p.content, bound);
    if (p.id == normalized_id) return pith::calibrate::decode_normalized(p.content, bound);
    if (p.id == factors_id) return decode_factors(p.content, bound);
    if (p.id == remapped_id) {
        const auto read = pith::lowrank::read_remapped(p.content, bound);
        if (!read) return read.error();
        return read->product();
    }
    for (unsigned bits = 2; bits <= 4; ++bits) {
        const auto grouped = [&](pith::byte_view in) {
            return with_width(bits, [&]<unsigned Bits>() {
                return pith::calibrate::decode_group_affine<Bits>(in, bound.max_output / sizeof(float));
            });
        };
        if (p.id == with_bits("GA", bits)) return grouped(p.content);
        if (p.id == with_bits("SP", bits)) return pith::calibrate::decode_outliers_apart(p.content, grouped);
    }
    return pith::error{pith::error_code::unknown_recipe, 0, "a part of an unknown kind"};
}

/// The sum of the parts. Errors: of outside bytes; parts of different shapes.
inline pith::result<matrix> restore(const parts& all, const pith::limits& bound) {
    matrix sum;
    for (const part& p : all) {
        auto one = decode(p, bound);
        if (!one) return one.error();
        if (&p == &all.front()) {
            sum = std::move(*one);
            continue;
        }
        if (one->rows() != sum.rows() || one->columns() != sum.columns())
            return pith::error{pith::error_code::bad_stream, 0, "the parts have different shapes"};
        for (std::size_t i = 0; i < sum.size(); ++i) sum.data()[i] += one->data()[i];
    }
    return sum;
}

inline bytes write_parts(const std::string& method, const parts& all) {
    bytes out;
    pith::vector_sink sink(out);
    pith::container::section_writer writer(sink);
    writer.put(name_id, {reinterpret_cast<const std::uint8_t*>(method.data()), method.size()},
               pith::container::section_use::optional);
    for (const part& p : all) writer.put(p.id, p.content);
    writer.finish();
    return out;
}

inline pith::result<parts> read_parts(pith::byte_view in, const pith::limits& bound) {
    auto reader = pith::container::section_reader::open(in, bound);
    if (!reader) return reader.error();
    parts out;
    for (pith::container::section one;;) {
        const auto more = reader->next(one);
        if (!more) return more.error();
        if (!*more) break;
        if (one.use == pith::container::section_use::optional) continue;
        out.push_back({one.id, bytes(one.payload.begin(), one.payload.end())});
    }
    if (out.empty()) return pith::error{pith::error_code::bad_stream, 0, "there are no weights in it"};
    return out;
}

}  // namespace layers
