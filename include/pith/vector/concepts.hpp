// The concepts of vector quantization: codebook, vector quantizer, and quantizer whose codes can be searched.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>

namespace pith::inline v1::vector {

/// How near two vectors are. Costs are what is smaller for nearer ones: minus the inner product, or the
/// squared distance.
enum class metric : std::uint8_t { inner_product, squared_distance };

/// A finite list of vectors.
///   size(), dimension();
///   nearest(point);                // the index of the nearest entry, the lowest among equals
///   copy_entry(k, out);
/// Law: nearest = brute force over all entries.
template <class C>
concept codebook_type = requires(const C c, std::span<const float> point, std::span<float> out) {
    { c.size() } -> std::same_as<std::size_t>;
    { c.dimension() } -> std::same_as<std::size_t>;
    { c.nearest(point) } -> std::same_as<std::uint32_t>;
    {c.copy_entry(std::size_t{}, out)};
};

/// Vectors of one dimension as codes of one size.
///   dimension();                   // coordinates of a vector
///   code_size();                   // bytes of a code, side information of the vector included
///   parameter_bytes();             // bytes of what all codes share, as stored by save
///   encode_into(rows, codes);      // rows.rows() codes one behind the other; fails on what is not finite
///   decode_into(codes, rows);      // any bytes decode to something
/// Laws: encoding does not depend on which other rows are encoded beside; decode, encode, decode gives what
/// the first decode gave.
/// Unlike quant::vector_quantizer, which codes one vector at a time, this one takes many: encoders look at
/// sixteen of them at once.
template <class Q>
concept vector_quantizer = requires(const Q q, view_2d<const float> rows, view_2d<float> decoded,
                                    std::span<std::uint8_t> codes, byte_view coded) {
    { q.dimension() } -> std::same_as<std::size_t>;
    { q.code_size() } -> std::same_as<std::size_t>;
    { q.parameter_bytes() } -> std::same_as<std::size_t>;
    { q.encode_into(rows, codes) } -> std::same_as<result<void>>;
    {q.decode_into(coded, decoded)};
};

/// A quantizer whose parameters go into files: save(sink), and Q::load(reader, limits), which takes what save
/// wrote and refuses the rest.
template <class Q>
concept storable_quantizer = vector_quantizer<Q> &&
    requires(const Q q, vector_sink& sink, byte_reader& from) {
    {q.save(sink)};
    { Q::load(from, limits{}) } -> std::same_as<result<Q>>;
};

/// A quantizer that finds the costs of codes without decoding them.
///   table_size();                  // floats that a query is turned into
///   fill_tables(queries, metric, tables);   // up to 16 queries, their tables one behind the other
///   costs(table, codes, out);      // of out.size() codes
/// Law: a cost is the metric's between the query and the decoded vector, up to rounding.
template <class Q>
concept scannable_quantizer = vector_quantizer<Q> &&
    requires(const Q q, view_2d<const float> queries, std::span<const float> table, byte_view codes,
             std::span<float> out) {
    { q.table_size() } -> std::same_as<std::size_t>;
    {q.fill_tables(queries, metric{}, out)};
    {q.costs(table, codes, out)};
};

}  // namespace pith::inline v1::vector
