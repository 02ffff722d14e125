// Tables of tensors: what a file holds, what each takes compressed, what each tier makes of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "archive.hpp"

namespace weights {

inline double percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

inline std::string text_of(const std::vector<std::size_t>& shape) {
    std::string out = "[";
    for (const std::size_t n : shape) out += (out.size() == 1 ? "" : ",") + std::to_string(n);
    return out + "]";
}

namespace detail {

/// Rows whose first three cells are text, and the others numbers, under their headings.
class aligned_table {
  public:
    explicit aligned_table(std::vector<std::string> headings) { add(std::move(headings)); }
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    void print() const {
        std::vector<std::size_t> widths(rows_[0].size());
        for (const auto& row : rows_)
            for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
        for (const auto& row : rows_) {
            std::string line;
            for (std::size_t c = 0; c < row.size(); ++c) {
                const std::string space(widths[c] - row[c].size(), ' ');
                line += (c == 0 ? "" : "  ") + (c < 3 ? row[c] + space : space + row[c]);
            }
            line.erase(line.find_last_not_of(' ') + 1);
            std::printf("%s\n", line.c_str());
        }
    }

  private:
    std::vector<std::vector<std::string>> rows_{};
};

inline std::string share(std::uint64_t part, std::uint64_t whole) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f %%", percent(part, whole));
    return whole == 0 ? std::string("-") : std::string(text);
}

inline std::vector<std::string> start_of_row(const tensor_entry& t) {
    return {printable(t.name), t.type, text_of(t.shape), std::to_string(t.end - t.begin)};
}

}  // namespace detail

inline void print_tensors(const weights_file& file) {
    detail::aligned_table table({"tensor", "dtype", "shape", "bytes"});
    std::uint64_t bytes = file.header_size;
    for (const tensor_entry& t : file.tensors) {
        table.add(detail::start_of_row(t));
        bytes += t.end - t.begin;
    }
    table.add({"(header)", "", "", std::to_string(file.header_size)});
    table.add({"(all)", "", "", std::to_string(bytes)});
    table.print();
}

inline void print_archive(const archive& from, std::uint64_t stored_in_all) {
    std::printf("tier %s, restores %llu bytes of %s%s\n", tier_names[static_cast<std::size_t>(from.at_tier)],
                static_cast<unsigned long long>(from.size),
                from.format == file_format::npy ? ".npy" : "safetensors",
                from.needs_base ? ", needs its base" : "");
    detail::aligned_table table({"tensor", "dtype", "shape", "bytes", "stored", "%"});
    std::uint64_t streams = 0;
    for (std::size_t i = 0; i < from.streams.size(); ++i) {
        const tensor_entry& t = from.layout.tensors[i];
        const std::uint64_t stored = from.streams[i].size();
        std::vector<std::string> row = detail::start_of_row(t);
        row.push_back(std::to_string(stored));
        row.push_back(detail::share(stored, t.end - t.begin));
        table.add(std::move(row));
        streams += stored;
    }
    table.add({"(header, frame)", "", "", std::to_string(from.layout.header_size),
               std::to_string(stored_in_all - streams),
               detail::share(stored_in_all - streams, from.layout.header_size)});
    table.add({"(all)", "", "", std::to_string(from.size), std::to_string(stored_in_all),
               detail::share(stored_in_all, from.size)});
    table.print();
}

/// Bytes of a tensor's stream in each tier.
using sizes_by_tier = std::array<std::uint64_t, 3>;

/// Codes every tensor in every tier, in memory.
template <class Step>
std::vector<sizes_by_tier> measure_tiers(const weights_view& file, const base_tensors& base,
                                         pith::threads threads, Step&& step) {
    std::vector<sizes_by_tier> out(file.layout.tensors.size());
    for (std::size_t k = 0; k < 3; ++k) {
        with_tier(static_cast<tier>(k), [&]<class Tier>() {
            pith::codec::tensor<Tier, pith::threads> codec(threads);
            std::uint64_t done = 0;
            for (std::size_t i = 0; i < out.size(); ++i) {
                const tensor_entry& t = file.layout.tensors[i];
                step(t.name, (k * file.bytes.size() + done) / 3);
                const auto coded = codec.encode({t.element, t.shape, file.data(t)}, base.of(t));
                out[i][k] = coded ? coded->size() : 0;  // encoding into enough room does not fail
                done += t.end - t.begin;
            }
        });
    }
    return out;
}

inline void print_comparison(const weights_file& file, const std::vector<sizes_by_tier>& sizes) {
    detail::aligned_table table({"tensor", "dtype", "shape", "bytes", "instant", "rans", "archive"});
    std::uint64_t bytes = 0;
    sizes_by_tier all{};
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const tensor_entry& t = file.tensors[i];
        std::vector<std::string> row = detail::start_of_row(t);
        for (std::size_t k = 0; k < 3; ++k) {
            row.push_back(detail::share(sizes[i][k], t.end - t.begin));
            all[k] += sizes[i][k];
        }
        table.add(std::move(row));
        bytes += t.end - t.begin;
    }
    table.add({"(all tensors)", "", "", std::to_string(bytes), detail::share(all[0], bytes),
               detail::share(all[1], bytes), detail::share(all[2], bytes)});
    table.print();
}

}  // namespace weights
