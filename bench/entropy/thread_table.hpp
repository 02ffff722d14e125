// The table of threads: one frame written and read by 1, 2, … threads, whose bytes must not differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <pith/container.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/parallel.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/entropy/tans.hpp>
#include <pith/simd/rans.hpp>

#include "support/corpora.hpp"
#include "support/rows.hpp"
#include "support/table.hpp"
#include "support/timing.hpp"

namespace bench {

class thread_table {
  public:
    thread_table(rows& to, effort how, progress_line& progress)
        : rows_(&to), how_(how), progress_(&progress) {
        how_.clock = clock_kind::wall;
    }

    /// Measures and prints; false when a frame differed or did not decode to the data.
    bool run(const data_set& from) {
        data_ = &from;
        codec<pith::entropy::rans_bytes<pith::simd::rans_rounds<>>>("rans");
        codec<pith::entropy::tans<>>("tans");
        progress_->clear();
        out_.print(
            "Frames of 1 MiB blocks as streams in memory, checksums included. Wall clock: other work on the "
            "machine\n"
            "shows. Speed-up against one thread. The bytes are compared: they do not depend on the number of "
            "threads.");
        return correct_;
    }

  private:
    static std::vector<std::size_t> counts() {
        std::vector<std::size_t> list{1, 2};
        const std::size_t machine = std::thread::hardware_concurrency();
        for (std::size_t n = 4; n <= machine; n *= 2) list.push_back(n);
        return list;
    }

    template <class Codec>
    void codec(const std::string& name) {
        namespace container = pith::container;
        struct work {
            std::size_t threads;
            bytes frame, back;
            bool good = true;
        };
        std::vector<work> all;
        for (const std::size_t n : counts()) all.push_back({n, {}, {}});
        const std::vector<Codec> prototype(1);
        contest encoding;
        contest decoding;
        for (work& w : all) {
            encoding.add(
                name + ", " + std::to_string(w.threads) + " threads",
                [&] {
                    w.frame.clear();
                    const auto done = container::encode_stream(container::view_source(data_->data),
                                                               container::vector_output(w.frame),
                                                               prototype[0], {}, pith::threads{w.threads});
                    w.good = done.has_value() && w.good;
                },
                [&] { return w.good && w.frame == all[0].frame; });
            decoding.add(
                name + ", " + std::to_string(w.threads) + " threads",
                [&] {
                    w.back.clear();
                    const auto done = container::decode_stream<container::recipe_list<Codec>>(
                        container::view_source(w.frame), container::vector_output(w.back), {},
                        pith::threads{w.threads});
                    w.good = done.has_value() && w.good;
                },
                [&] { return w.good && w.back == data_->data; });
        }
        const auto& encoded = encoding.run(how_, *progress_, "threads, encoding");
        const auto& decoded = decoding.run(how_, *progress_, "threads, decoding");
        const double megabytes = 1e-6 * static_cast<double>(data_->data.size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!encoded[i].correct || !decoded[i].correct) {
                correct_ = false;
                std::fprintf(stderr, "%s: the frame differs or does not decode\n", encoded[i].name.c_str());
            }
            const std::string threads = std::to_string(all[i].threads);
            out_.add({name, threads, grouped(all[i].frame.size()), decimal(megabytes / encoded[i].seconds, 0),
                      decimal(encoded[0].seconds / encoded[i].seconds, 2),
                      decimal(megabytes / decoded[i].seconds, 0),
                      decimal(decoded[0].seconds / decoded[i].seconds, 2)});
            const std::string system = name + " frames, threads: " + threads;
            rows_->add(system, data_->name, "stream encode", megabytes / encoded[i].seconds, "MB/s",
                       better::higher);
            rows_->add(system, data_->name, "stream decode", megabytes / decoded[i].seconds, "MB/s",
                       better::higher);
        }
    }

    rows* rows_;
    effort how_;
    progress_line* progress_;
    const data_set* data_ = nullptr;
    bool correct_ = true;
    table out_{"Frames on several threads",
               {{"codec", true},
                {"threads"},
                {"bytes"},
                {"encode MB/s"},
                {"speed-up"},
                {"decode MB/s"},
                {"speed-up"}}};
};

}  // namespace bench
