// Measurements as rows of a JSON array, for ./run report and other programs.
#pragma once

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace bench {

enum class better { lower, higher };

/// Collects {"system", "data", "metric", "value", "unit", "better"} and writes them whole or not at all.
class rows {
  public:
    /// Values must be finite: JSON has no other numbers.
    void add(std::string system, std::string data, std::string metric, double value, std::string unit,
             better direction) {
        if (!std::isfinite(value)) return;
        rows_.push_back(
            {std::move(system), std::move(data), std::move(metric), std::move(unit), value, direction});
    }

    /// Writes beside `path` and renames. An empty path writes nothing. False, with a line on stderr, on
    /// failure.
    [[nodiscard]] bool write(const std::string& path) const {
        if (path.empty()) return true;
        const std::string partial = path + ".partial";
        std::FILE* const file = std::fopen(partial.c_str(), "wb");
        bool good = file != nullptr;
        if (good) {
            const std::string text = to_json();
            good = std::fwrite(text.data(), 1, text.size(), file) == text.size();
            good = std::fclose(file) == 0 && good;
            good = good && std::rename(partial.c_str(), path.c_str()) == 0;
        }
        if (!good) {
            std::perror(("cannot write " + path).c_str());
            if (file != nullptr) std::remove(partial.c_str());
        }
        return good;
    }

    [[nodiscard]] std::string to_json() const {
        std::string out = "[";
        for (const row& r : rows_) {
            char value[40];
            std::snprintf(value, sizeof(value), "%.9g", r.value);
            for (char& c : value) c = c == ',' ? '.' : c;  // whatever the locale
            out += out.size() == 1 ? "\n" : ",\n";
            out += "{\"system\": " + quoted(r.system) + ", \"data\": " + quoted(r.data) +
                   ", \"metric\": " + quoted(r.metric) + ", \"value\": " + value +
                   ", \"unit\": " + quoted(r.unit) +
                   ", \"better\": " + (r.direction == better::lower ? "\"lower\"}" : "\"higher\"}");
        }
        return out + "\n]\n";
    }

  private:
    struct row {
        std::string system, data, metric, unit;
        double value;
        better direction;
    };

    static std::string quoted(const std::string& text) {
        std::string out = "\"";
        for (const char c : text) {
            if (c == '"' || c == '\\') {
                out += '\\';
                out += c;
            } else if (static_cast<unsigned char>(c) < 0x20) {
                char escape[8];
                std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
                out += escape;
            } else {
                out += c;
            }
        }
        return out + "\"";
    }

    std::vector<row> rows_;
};

}  // namespace bench
