// Rows of stream_v1.txt: what a sample must be encoded to and decoded to, on every machine, for ever.
// PITH_WRITE_VECTORS=FILE in the environment makes the tests add the rows that FILE lacks. A row that is
// there is never changed: a difference is an error then as well.
#pragma once

#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace frozen {

using bytes = std::vector<std::uint8_t>;

/// Of a file in this folder. Appended step by step: g++ 12 takes `string + literal` for an overrun.
inline std::string path_of(const std::string& name) {
    std::string path(PITH_TEST_FOLDER "/vectors/");
    path += name;
    return path;
}
inline const char* file_to_write() { return std::getenv("PITH_WRITE_VECTORS"); }

inline bytes read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::string hex(std::uint64_t v) {
    char text[20];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(v));
    return text;
}
inline std::string digest(pith::byte_view in) { return hex(pith::xxh64_of(in)); }

/// The rows whose name begins with `prefix`. Law of a test: it checks every one of them, and `finish`es.
class rows {
  public:
    explicit rows(const std::string& prefix) {
        std::ifstream in(file_to_write() != nullptr ? file_to_write() : path_of("stream_v1.txt"));
        for (std::string line; std::getline(in, line);) {
            const std::size_t name = line.find(' ');
            const std::size_t input = line.find_first_not_of(' ', name);
            const std::size_t rest = line.find_first_not_of(' ', line.find(' ', input));
            if (line.rfind(prefix, 0) != 0 || rest == std::string::npos) continue;
            expected_[line.substr(0, name) + " " + line.substr(input, line.find(' ', input) - input)] =
                line.substr(rest);
        }
    }
    /// Encoded bytes of an input, and what decoding gave.
    void check(const std::string& name, const std::string& input, pith::byte_view in, pith::byte_view coded,
               pith::byte_view decoded) {
        check(name, input,
              digest(in) + " " + std::to_string(coded.size()) + " " + digest(coded) + " " + digest(decoded));
    }
    /// Values that have no decoder.
    void check(const std::string& name, const std::string& input, pith::byte_view values) {
        check(name, input, "- " + std::to_string(values.size()) + " " + digest(values) + " -");
    }
    void finish() {
        if (file_to_write() != nullptr) {
            std::ofstream out(file_to_write(), std::ios::app);
            for (const std::string& line : added_) out << line << "\n";
            return;
        }
        CHECK(added_.empty());
        std::string unchecked;
        for (const auto& [key, row] : expected_) unchecked += key + "\n";
        CHECK(unchecked.empty());
    }

  private:
    void check(const std::string& name, const std::string& input, const std::string& row) {
        const std::string key = name + " " + input;
        const auto found = expected_.find(key);
        if (found == expected_.end()) {
            char line[200];
            std::snprintf(line, sizeof line, "%-36s %-16s %s", name.c_str(), input.c_str(), row.c_str());
            added_.push_back(line);
            return;
        }
        INFO("an encoder writes, or a decoder reads, other bytes than those that are frozen: " << key);
        CHECK(found->second == row);
        expected_.erase(found);
    }
    std::map<std::string, std::string> expected_;
    std::vector<std::string> added_;
};

}  // namespace frozen
