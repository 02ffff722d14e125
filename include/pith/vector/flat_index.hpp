// A flat index: coded vectors, all of them compared with each query; filters, re-ranking, files, threads.
// Four-bit product codes, codes of 1 to 4 bits with a scalar and codes of variable bits are searched by the
// fast scan; the result is the same as without it.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <pith/container/section.hpp>
#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/view.hpp>
#include <pith/simd/dot.hpp>
#include <pith/simd/nearest.hpp>
#include <pith/vector/checks.hpp>
#include <pith/vector/code_storage.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/mixed_storage.hpp>
#include <pith/vector/nearest_list.hpp>
#include <pith/vector/sided_storage.hpp>

namespace pith::inline v1::vector {

/// The answers to a number of queries: `width` neighbors each, the nearest first; where fewer were found, the
/// last ones have the id no_neighbor.
struct neighbors {
    std::size_t width = 0;
    std::vector<neighbor> found{};

    [[nodiscard]] std::span<const neighbor> of(std::size_t query) const noexcept {
        return std::span(found).subspan(query * width, width);
    }
};

namespace detail {
template <class Quantizer>
concept nibble_coded = requires {
    requires Quantizer::bits == 4;
}
&&requires(const Quantizer q) { {q.parts()}; };
}  // namespace detail

/// How the codes of a quantizer are kept, unless one asks otherwise.
template <class Quantizer>
using default_storage = std::conditional_t<
    detail::nibble_coded<Quantizer>, block_storage<>,
    std::conditional_t<sided_quantizer<Quantizer>, sided_storage<>,
                       std::conditional_t<level_coded_quantizer<Quantizer>, mixed_storage<>, row_storage>>>;

/// Codes of vectors 0, 1, 2, … and search among all of them.
template <scannable_quantizer Quantizer, class Storage = default_storage<Quantizer>>
class flat_index {
  public:
    using quantizer_type = Quantizer;

    explicit flat_index(Quantizer quantizer, metric by = metric::inner_product)
        : quantizer_(std::move(quantizer)), by_(by), storage_(empty_storage(quantizer_)) {}

    [[nodiscard]] const Quantizer& quantizer() const noexcept { return quantizer_; }
    [[nodiscard]] metric measured_by() const noexcept { return by_; }
    [[nodiscard]] std::size_t size() const noexcept { return storage_.size(); }
    /// Bytes of all codes and of what they share.
    [[nodiscard]] std::uint64_t stored_bytes() const noexcept {
        return std::uint64_t{size()} * quantizer_.code_size() + quantizer_.parameter_bytes();
    }

    /// Adds vectors; the first gets the id size(). On an error (what the quantizer refuses, or more than
    /// 2^32 - 1 vectors in all) none is added. The codes do not depend on the policy.
    template <parallel_policy Policy = serial>
    [[nodiscard]] result<void> add(view_2d<const float> rows, const Policy& policy = {}) {
        constexpr std::size_t step = 1024;
        if (rows.rows() >= no_neighbor - size())
            return error{error_code::unsupported_parameter, 0, "an index holds fewer than 2^32 - 1 vectors"};
        if (rows.columns() != quantizer_.dimension())
            return error{error_code::unsupported_parameter, 0, "the vectors' dimension is not the index's"};
        std::vector<std::uint8_t> codes(rows.rows() * quantizer_.code_size());
        const std::size_t tasks = (rows.rows() + step - 1) / step;
        std::vector<std::uint8_t> failed(tasks);
        const auto encode = [&](std::size_t task) {
            const std::size_t first = task * step, count = std::min(step, rows.rows() - first);
            return quantizer_.encode_into(
                rows.block(first, 0, count, rows.columns()),
                std::span(codes).subspan(first * quantizer_.code_size(), count * quantizer_.code_size()));
        };
        for_each_index(policy, tasks, [&](std::size_t task, std::size_t) {
            failed[task] = encode(task).has_value() ? 0 : 1;
        });
        for (std::size_t task = 0; task < tasks; ++task)
            if (failed[task] != 0) return encode(task).error().shifted_by(task * step * rows.columns());
        storage_.append(codes);
        return {};
    }

    /// The `width` nearest of the admitted vectors to each query, equal ones by their ids. Errors: a wrong
    /// dimension, a width of 0, coordinates that are not finite. Does not depend on the policy, which runs
    /// groups of 16 queries.
    template <parallel_policy Policy = serial>
    [[nodiscard]] result<neighbors> search(view_2d<const float> queries, std::size_t width,
                                           const id_filter& filter = {}, const Policy& policy = {}) const {
        if (queries.columns() != quantizer_.dimension() || width == 0)
            return error{error_code::unsupported_parameter, 0,
                         "a search wants queries of the index's dimension and a width of at least 1"};
        if (const auto finite = check_finite(queries); !finite) return finite.error();
        neighbors out{width, std::vector<neighbor>(queries.rows() * width)};
        const std::size_t kept = std::max<std::size_t>(1, std::min(width, size()));
        const std::size_t groups = (queries.rows() + simd::tile_points - 1) / simd::tile_points;
        for_each_index(policy, groups, [&](std::size_t group, std::size_t) {
            const std::size_t first = group * simd::tile_points;
            const std::size_t count = std::min(simd::tile_points, queries.rows() - first);
            std::vector<float> tables(count * quantizer_.table_size());
            quantizer_.fill_tables(queries.block(first, 0, count, queries.columns()), by_, tables);
            std::vector<nearest_list> lists(count, nearest_list(kept));
            storage_.scan(quantizer_, tables, filter, lists);
            for (std::size_t q = 0; q < count; ++q)
                lists[q].write(std::span(out.found).subspan((first + q) * width, kept));
        });
        return out;
    }

    /// The vector that stands for the one with this id. Precondition: id < size(), out has its dimension.
    void decode_into(std::size_t id, std::span<float> out) const {
        PITH_ASSERT(id < size() && out.size() == quantizer_.dimension());
        std::vector<std::uint8_t> code(quantizer_.code_size());
        storage_.copy_code(id, code);
        quantizer_.decode_into(code, view_2d<float>(out, 1, out.size()));
    }

    /// Writes the index as a list of sections (container/section.hpp): INDX, QUAN, CODE.
    template <byte_sink Sink>
    void save(Sink& sink) const requires storable_quantizer<Quantizer> {
        container::section_writer<Sink> sections(sink);
        std::vector<std::uint8_t> bytes;
        vector_sink head(bytes);
        put_le<std::uint64_t>(head, size());
        put_le<std::uint32_t>(head, static_cast<std::uint32_t>(quantizer_.code_size()));
        put_le<std::uint32_t>(head, static_cast<std::uint32_t>(by_));
        sections.put(container::section_id("INDX"), bytes);
        bytes.clear();
        vector_sink parameters(bytes);
        quantizer_.save(parameters);
        sections.put(container::section_id("QUAN"), bytes);
        bytes.resize(size() * quantizer_.code_size());
        for (std::size_t i = 0; i < size(); ++i)
            storage_.copy_code(i,
                               std::span(bytes).subspan(i * quantizer_.code_size(), quantizer_.code_size()));
        sections.put(container::section_id("CODE"), bytes);
        sections.finish();
    }
    /// Reads what `save` wrote for the same type. Never takes more memory than the limits grant.
    [[nodiscard]] static result<flat_index> load(byte_view in, const limits& bound = {}) requires
        storable_quantizer<Quantizer> {
        auto sections = container::section_reader::open(in, bound);
        if (!sections) return sections.error();
        container::section head, parameters, codes;
        if (const auto got = expect(*sections, container::section_id("INDX"), head); !got) return got.error();
        if (const auto got = expect(*sections, container::section_id("QUAN"), parameters); !got)
            return got.error();
        if (const auto got = expect(*sections, container::section_id("CODE"), codes); !got)
            return got.error();
        if (const auto got = expect_end(*sections); !got) return got.error();
        if (head.payload.size() != 16)
            return error{error_code::bad_header, head.offset, "an index header has 16 bytes"};
        const std::uint64_t count = load_le<std::uint64_t>(head.payload.data());
        const std::uint32_t code_size = load_le<std::uint32_t>(head.payload.data() + 8);
        const std::uint32_t by = load_le<std::uint32_t>(head.payload.data() + 12);
        if (by > 1 || count >= no_neighbor || code_size == 0)
            return error{error_code::bad_header, head.offset, "an index header has values out of range"};
        byte_reader from(parameters.payload);
        auto quantizer = Quantizer::load(from, bound);
        if (!quantizer) return quantizer.error().shifted_by(parameters.offset);
        if (from.remaining() != 0)
            return from.fail(error_code::trailing_data, "bytes follow the quantizer")
                .shifted_by(parameters.offset);
        // count < 2^32 and code_size < 2^32.
        if (quantizer->code_size() != code_size || codes.payload.size() != count * code_size)
            return error{error_code::bad_header, codes.offset,
                         "the codes are not as many as the header says"};
        if (codes.payload.size() > bound.max_memory / 2)
            return error{error_code::limit_exceeded, codes.offset,
                         "the codes are larger than the limits allow"};
        flat_index out(std::move(*quantizer), static_cast<metric>(by));
        out.storage_.append(codes.payload);
        return out;
    }

  private:
    [[nodiscard]] static Storage empty_storage(const Quantizer& quantizer) {
        if constexpr (std::constructible_from<Storage, const Quantizer&>)
            return Storage(quantizer);
        else
            return Storage(quantizer.code_size());
    }
    // The next section, which must have this id; unknown optional ones are passed over.
    [[nodiscard]] static result<void> expect(container::section_reader& from, container::section_id id,
                                             container::section& out) {
        for (;;) {
            const auto more = from.next(out);
            if (!more) return more.error();
            if (!*more) return error{error_code::truncated, out.offset, "a section of the index is missing"};
            if (out.id == id) return {};
            if (const auto skipped = container::section_reader::skip(out); !skipped) return skipped.error();
        }
    }
    [[nodiscard]] static result<void> expect_end(container::section_reader& from) {
        for (container::section extra;;) {
            const auto more = from.next(extra);
            if (!more) return more.error();
            if (!*more) return {};
            if (const auto skipped = container::section_reader::skip(extra); !skipped) return skipped.error();
        }
    }

    Quantizer quantizer_;
    metric by_;
    Storage storage_;
};

/// The `width` nearest of the candidates of each query, by their vectors themselves: row `id` of `base` is
/// the vector with that id. Precondition: one answer per query, ids below base.rows() or no_neighbor, equal
/// dimensions. Encoder-side: sums in whatever order is fastest.
template <simd::instruction_set Arch = simd::native, parallel_policy Policy = serial>
[[nodiscard]] inline neighbors rerank(view_2d<const float> queries, view_2d<const float> base,
                                      const neighbors& candidates, std::size_t width, metric by,
                                      const Policy& policy = {}) {
    PITH_ASSERT(width != 0 && candidates.found.size() == queries.rows() * candidates.width &&
                queries.columns() == base.columns());
    neighbors out{width, std::vector<neighbor>(queries.rows() * width)};
    for_each_index(policy, queries.rows(), [&](std::size_t q, std::size_t) {
        const std::size_t d = base.columns();
        std::vector<float> query(d), row(d);
        nearest_list list(width);
        for (std::size_t j = 0; j < d; ++j) query[j] = queries(q, j);
        for (const neighbor& candidate : candidates.of(q)) {
            if (candidate.id == no_neighbor) continue;
            for (std::size_t j = 0; j < d; ++j)
                row[j] =
                    by == metric::inner_product ? base(candidate.id, j) : base(candidate.id, j) - query[j];
            const float cost = by == metric::inner_product ? -simd::dot_fast<Arch>(query, row)
                                                           : simd::dot_fast<Arch>(row, row);
            list.offer(cost, candidate.id);
        }
        list.write(std::span(out.found).subspan(q * width, width));
    });
    return out;
}

}  // namespace pith::inline v1::vector
