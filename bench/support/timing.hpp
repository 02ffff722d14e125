// Timing of competitors in one interleaved run: thread CPU time, medians over repeats, results checked each
// time.
#pragma once

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

enum class clock_kind {
    thread_cpu,  ///< time that this thread has run: steady on a loaded machine
    wall         ///< the only one that sees several threads
};

inline double seconds_now(clock_kind kind = clock_kind::thread_cpu) {
    timespec t{};
    clock_gettime(kind == clock_kind::wall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

inline double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// One line on stderr, rewritten in place, when that is a terminal and the work has taken two seconds.
class progress_line {
  public:
    void show(const std::string& text, std::size_t done, std::size_t total) {
        if (!terminal_ || seconds_now(clock_kind::wall) - begin_ < 2) return;
        std::fprintf(stderr, "\r\033[K%3zu %%  %s", total == 0 ? 100 : 100 * done / total, text.c_str());
        std::fflush(stderr);
        shown_ = true;
    }
    void clear() {
        if (shown_) std::fprintf(stderr, "\r\033[K");
        shown_ = false;
    }
    ~progress_line() { clear(); }

  private:
    bool terminal_ = isatty(STDERR_FILENO) != 0;
    bool shown_ = false;
    double begin_ = seconds_now(clock_kind::wall);
};

/// How long to measure.
struct effort {
    std::size_t repeats = 5;  ///< samples of each competitor; the median is told
    double seconds = 0.1;     ///< least length of a sample
    clock_kind clock = clock_kind::thread_cpu;

    static effort of(bool quick) { return quick ? effort{1, 0.002} : effort{}; }
};

/// Competitors that do the same work. Each repeat times all of them in turn, so that drift of the machine
/// hits all alike.
class contest {
  public:
    struct competitor {
        std::string name;
        std::function<void()> run;    ///< once through the data
        std::function<bool()> check;  ///< untimed, after every sample; may also undo; empty: nothing to check
        double seconds = 0;           ///< measured: median of one run
        bool correct = true;          ///< measured: every check succeeded
        std::vector<double> samples{};
        std::size_t passes = 1;
    };

    void add(std::string name, std::function<void()> run, std::function<bool()> check = {}) {
        competitors_.push_back({std::move(name), std::move(run), std::move(check)});
    }

    /// Measures. `what` goes to the progress line.
    const std::vector<competitor>& run(const effort& how, progress_line& progress, const std::string& what) {
        const std::size_t steps = competitors_.size() * (how.repeats + 1);
        std::size_t step = 0;
        for (competitor& c : competitors_) {
            progress.show(what + ": " + c.name, step++, steps);
            const double once = sample(c, 1, how.clock);  // also warms up
            c.passes =
                once >= how.seconds ? 1 : static_cast<std::size_t>(how.seconds / std::max(once, 1e-7)) + 1;
            c.samples.clear();
        }
        for (std::size_t repeat = 0; repeat < how.repeats; ++repeat) {
            for (competitor& c : competitors_) {
                progress.show(what + ": " + c.name, step++, steps);
                c.samples.push_back(sample(c, c.passes, how.clock));
            }
        }
        for (competitor& c : competitors_) c.seconds = median(c.samples);
        return competitors_;
    }
    [[nodiscard]] const std::vector<competitor>& competitors() const { return competitors_; }

  private:
    // Seconds of one pass.
    static double sample(competitor& c, std::size_t passes, clock_kind clock) {
        const double begin = seconds_now(clock);
        for (std::size_t i = 0; i < passes; ++i) c.run();
        const double seconds = (seconds_now(clock) - begin) / static_cast<double>(passes);
        if (c.check) c.correct = c.check() && c.correct;
        return std::max(seconds, 1e-9);
    }

    std::vector<competitor> competitors_;
};

}  // namespace bench
