// Command line of every benchmark program: --json, --corpora, --quick, --help, and for some names of files.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct arguments {
    std::string json;     ///< file for the rows; empty: none
    std::string corpora;  ///< folder of real data; empty: look for one
    bool quick = false;   ///< little data, few repeats: proves that everything runs, measures badly
    std::vector<std::string> files{};  ///< data to measure on instead of the corpora
};

namespace detail {

inline void print_usage(std::FILE* to, const char* program, const char* purpose, bool takes_files) {
    std::fprintf(
        to,
        "usage: %s [--quick] [--corpora DIR] [--json FILE]%s\n\n%s\n\n"
        "  --quick        little data and few repeats, a few seconds in all\n"
        "  --corpora DIR  real data; otherwise PITH_CORPORA, ../shared/corpora beside the checkout,\n"
        "                 or the headers installed on this machine and made-up data\n"
        "  --json FILE    also write the numbers as an array of rows\n",
        program, takes_files ? " [FILE...]" : "", purpose);
}

}  // namespace detail

/// Reads the command line. Ends the program with status 0 after --help, with 2 after what it cannot read.
inline arguments parse_arguments(int count, char** words, const char* purpose, bool takes_files = false) {
    arguments out;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        const auto value_of = [&](std::string_view option, std::string& to) {
            if (word == option && i + 1 < count) {
                to = words[++i];
            } else if (word.size() > option.size() + 1 && word.substr(0, option.size()) == option &&
                       word[option.size()] == '=') {
                to = word.substr(option.size() + 1);
            } else {
                return false;
            }
            return true;
        };
        if (word == "--help" || word == "-h") {
            detail::print_usage(stdout, words[0], purpose, takes_files);
            std::exit(0);
        } else if (word == "--quick") {
            out.quick = true;
        } else if (value_of("--json", out.json) || value_of("--corpora", out.corpora)) {
            continue;
        } else if (takes_files && !word.empty() && word[0] != '-') {
            out.files.emplace_back(word);
        } else {
            std::fprintf(stderr, "%s: cannot read the argument: %s\n\n", words[0], words[i]);
            detail::print_usage(stderr, words[0], purpose, takes_files);
            std::exit(2);
        }
    }
    return out;
}

}  // namespace bench
