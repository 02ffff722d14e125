// The table of coders x data: size against order-0 entropy, speed both ways, and the ratios that matter.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>

#include "entropy/coders.hpp"
#include "entropy/rivals.hpp"
#include "support/corpora.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace bench {

inline constexpr std::size_t block_size = std::size_t{1} << 20;

/// f(first byte, size) for each block of n bytes.
template <class F>
void for_each_block(std::size_t n, F&& f) {
    for (std::size_t at = 0; at < n; at += block_size) f(at, n - at < block_size ? n - at : block_size);
}

/// Bytes of all blocks at the order-0 entropy of each.
inline double entropy_bytes(pith::byte_view data) {
    double bits = 0;
    for_each_block(data.size(), [&](std::size_t at, std::size_t n) {
        std::array<std::size_t, 256> counts{};
        for (const std::uint8_t b : data.subspan(at, n)) ++counts[b];
        for (const std::size_t c : counts)
            if (c != 0)
                bits += static_cast<double>(c) * std::log2(static_cast<double>(n) / static_cast<double>(c));
    });
    return bits / 8;
}

/// One coder at work on one set of data: its buffers, and what is to be timed.
class entry {
  public:
    entry(coder& c, const bytes& data) : coder_(&c), data_(&data), decoded_(data.size()) {
        std::size_t room = 0;
        for_each_block(data.size(), [&](std::size_t, std::size_t n) {
            starts_.push_back(room);
            room += c.bound(n);
        });
        starts_.push_back(room);
        encoded_.resize(room);
        sizes_.resize(starts_.size() - 1);
    }

    void encode() {
        std::size_t k = 0;
        for_each_block(data_->size(), [&](std::size_t at, std::size_t n) {
            const pith::byte_span out(encoded_.data() + starts_[k], starts_[k + 1] - starts_[k]);
            sizes_[k++] = coder_->encode(pith::byte_view(*data_).subspan(at, n), out);
        });
    }
    void decode() {
        std::size_t k = 0;
        for_each_block(data_->size(), [&](std::size_t at, std::size_t n) {
            const pith::byte_view in(encoded_.data() + starts_[k], sizes_[k]);
            decoded_good_ = coder_->decode(in, pith::byte_span(decoded_).subspan(at, n)) && decoded_good_;
            ++k;
        });
    }
    /// After encoding: the same bytes as ever, and no block failed.
    bool same_encoding() {
        pith::xxh64 hash;
        for (std::size_t k = 0; k < sizes_.size(); ++k) {
            if (sizes_[k] == 0) return false;
            hash.update(pith::byte_view(encoded_.data() + starts_[k], sizes_[k]));
        }
        const std::uint64_t digest = hash.digest();
        if (first_digest_ == 0) first_digest_ = digest;
        return digest == first_digest_;
    }
    /// After decoding: the data. Spoils the output, so that the next decoding has to write it all.
    bool same_data() {
        const bool same = decoded_good_ && std::memcmp(decoded_.data(), data_->data(), data_->size()) == 0;
        std::memset(decoded_.data(), 0xA5, decoded_.size());
        return same;
    }
    [[nodiscard]] std::size_t encoded_size() const {
        std::size_t sum = 0;
        for (const std::size_t s : sizes_) sum += s;
        return sum;
    }

  private:
    coder* coder_;
    const bytes* data_;
    bytes encoded_, decoded_;
    std::vector<std::size_t> starts_, sizes_;
    std::uint64_t first_digest_ = 0;
    bool decoded_good_ = true;
};

/// What was measured of one coder on one set of data.
struct measurement {
    std::size_t size;
    double decode, encode;  ///< 10^6 bytes of data per second
};

class block_table {
  public:
    block_table(rows& to, const effort& how, progress_line& progress)
        : rows_(&to), how_(how), progress_(&progress) {}

    /// Measures all coders on the data and prints the table; false when a coder failed.
    bool run(const data_set& data, std::vector<coder>& own, rivals& others) {
        std::vector<coder*> all;
        for (auto* list : {&own, &others.coders, &others.references})
            for (coder& c : *list) all.push_back(&c);
        std::vector<measurement> found = measure(data, all);
        progress_->clear();
        print(data, all, found, own.size(), own.size() + others.coders.size());
        return correct_;
    }

  private:
    std::vector<measurement> measure(const data_set& data, const std::vector<coder*>& all) {
        std::vector<entry> entries;
        entries.reserve(all.size());
        for (coder* const c : all) entries.emplace_back(*c, data.data);
        contest encoding;
        contest decoding;
        bytes copy(data.data.size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            entry& e = entries[i];
            encoding.add(
                all[i]->name, [&e] { e.encode(); }, [&e] { return e.same_encoding(); });
            decoding.add(
                all[i]->name, [&e] { e.decode(); }, [&e] { return e.same_data(); });
        }
        decoding.add(
            "memcpy",
            [&] {
                for_each_block(copy.size(), [&](std::size_t at, std::size_t n) {
                    std::memcpy(copy.data() + at, data.data.data() + at, n);
                });
            },
            [&] { return copy == data.data; });
        encoding.run(how_, *progress_, data.name + ", encoding");
        decoding.run(how_, *progress_, data.name + ", decoding");

        const double megabytes = 1e-6 * static_cast<double>(data.data.size());
        std::vector<measurement> out;
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto& e = encoding.competitors()[i];
            const auto& d = decoding.competitors()[i];
            out.push_back({entries[i].encoded_size(), megabytes / d.seconds, megabytes / e.seconds});
            if (e.correct && d.correct) continue;
            correct_ = false;
            std::fprintf(stderr, "%s on %s: the round trip FAILED\n", e.name.c_str(), data.name.c_str());
        }
        copy_speed_ = megabytes / decoding.competitors().back().seconds;
        return out;
    }

    void print(const data_set& data, const std::vector<coder*>& all, const std::vector<measurement>& found,
               std::size_t first_rival, std::size_t first_reference) {
        const double ideal = entropy_bytes(data.data);
        const double n = static_cast<double>(data.data.size());
        table out(data.name + ": " + data.origin + ", " + grouped(data.data.size()) +
                      " bytes, order-0 entropy " + decimal(8 * ideal / n, 3) + " bits per byte, memcpy " +
                      decimal(copy_speed_, 0) + " MB/s",
                  {{"coder", true},
                   {"bytes"},
                   {"bits/byte"},
                   {"over entropy"},
                   {"decode MB/s"},
                   {"encode MB/s"},
                   {"decode/memcpy"},
                   {"pith ÷ it: decode"},
                   {"encode"}});
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (i == first_rival && i != first_reference) out.group("same task, other libraries");
            if (i == first_reference)
                out.group("for orientation: whole compressors (matches, then Huffman or similar)");
            const measurement& m = found[i];
            const double size = static_cast<double>(m.size);
            const double over = 100 * (size - ideal) / ideal;
            std::vector<std::string> cells{all[i]->name,
                                           grouped(m.size),
                                           decimal(8 * size / n, 3),
                                           signed_percent(over),
                                           decimal(m.decode, 0),
                                           decimal(m.encode, 0),
                                           decimal(m.decode / copy_speed_, 3)};
            record(data, *all[i], m, over);
            for (std::size_t k = 0; k < first_rival; ++k) {
                if (all[k]->name != all[i]->counterpart) continue;
                cells.push_back(decimal(found[k].decode / m.decode, 2));
                cells.push_back(decimal(found[k].encode / m.encode, 2));
                rows_->add("pith " + all[k]->name + " / " + all[i]->name, data.name, "decode ratio",
                           found[k].decode / m.decode, "×", better::higher);
                rows_->add("pith " + all[k]->name + " / " + all[i]->name, data.name, "encode ratio",
                           found[k].encode / m.encode, "×", better::higher);
            }
            out.add(std::move(cells));
        }
        out.print(
            "Blocks of 1 MiB; entropy: of each block by itself, tables not counted (below it only what "
            "adapts\n"
            "inside a block or uses context). MB = 10^6 bytes of data, thread CPU time, medians of "
            "interleaved\n"
            "repeats, every result compared with the data.");
    }

    void record(const data_set& data, const coder& c, const measurement& m, double over) {
        rows_->add(c.name, data.name, "size", static_cast<double>(m.size), "bytes", better::lower);
        rows_->add(c.name, data.name, "over order-0 entropy", over, "%", better::lower);
        rows_->add(c.name, data.name, "decode", m.decode, "MB/s", better::higher);
        rows_->add(c.name, data.name, "encode", m.encode, "MB/s", better::higher);
        rows_->add(c.name, data.name, "decode / memcpy", m.decode / copy_speed_, "×", better::higher);
    }

    rows* rows_;
    effort how_;
    progress_line* progress_;
    double copy_speed_ = 0;
    bool correct_ = true;
};

}  // namespace bench
