// The account of a damage campaign: what became of each damaged stream, and one aligned table of it all.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace damage {

enum class outcome { error, identical, other };

/// One line of the table. `other`: decoding succeeded with other bytes. In a frame that is a silent
/// corruption and must not be; a bare block has no checksum, so that it may decode to another block.
struct line {
    std::string stream;
    std::size_t size = 0;
    std::uint64_t cases = 0, errors = 0, identical = 0, other = 0;
    std::size_t peak = 0;  ///< most bytes that a decoder which allocates took; 0 if none was tried

    void add(outcome o) noexcept {
        ++cases;
        ++(o == outcome::error ? errors : o == outcome::identical ? identical : other);
    }
    void add(const line& l) noexcept {
        cases += l.cases, errors += l.errors, identical += l.identical, other += l.other;
        peak = peak < l.peak ? l.peak : peak;
    }
};

inline void print(const char* title, const char* other, const std::vector<line>& lines) {
    std::printf("\n%s\n%-28s %8s %10s %10s %10s %*s %12s\n", title, "stream", "bytes", "cases", "errors",
                "identical", 18, other, "peak bytes");
    line all{"all"};
    const auto row = [](const line& l) {
        const auto number = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
        std::printf("%-28s %8zu %10llu %10llu %10llu %18llu %12zu\n", l.stream.c_str(), l.size,
                    number(l.cases), number(l.errors), number(l.identical), number(l.other), l.peak);
    };
    for (const line& l : lines) {
        row(l);
        all.add(l);
    }
    row(all);
    std::fflush(stdout);
}

}  // namespace damage
