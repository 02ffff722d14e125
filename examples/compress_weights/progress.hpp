// How far the work has come: one line on a terminal, rewritten in place; nothing elsewhere.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "../weights_file/entries.hpp"

/// Called with the tensor that comes next and the bytes done before it. Says at once what is being done, so
/// that a tensor that takes long does not look like a program that hangs.
class progress_line {
  public:
    progress_line(bool wanted, const char* verb, std::uint64_t total)
        : verb_(verb), total_(total == 0 ? 1 : total), drawn_(wanted && ::isatty(STDERR_FILENO) != 0) {}
    progress_line(const progress_line&) = delete;
    ~progress_line() {
        if (drawn_) std::fputs("\r\033[K", stderr);
    }
    bool operator()(const std::string& name, std::uint64_t done) {
        const auto now = std::chrono::steady_clock::now();
        if (!drawn_ || (now - last_ < std::chrono::milliseconds(50) && done != 0)) return true;
        last_ = now;
        const int filled = static_cast<int>(30.0 * static_cast<double>(done) / static_cast<double>(total_));
        std::fprintf(stderr, "\r\033[K%s [%-30.*s] %3d %%  %.1f MB  %.32s", verb_, filled < 30 ? filled : 30,
                     "##############################", filled * 10 / 3, static_cast<double>(done) / 1e6,
                     weights::printable(name).c_str());
        std::fflush(stderr);
        return true;
    }

  private:
    const char* verb_;
    std::uint64_t total_;
    bool drawn_;
    std::chrono::steady_clock::time_point last_{};
};
