// Aligned text tables: a title, columns with units, right-aligned numbers, one line that says what it means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Characters of UTF-8 text as a terminal shows them, each one column wide.
inline std::size_t display_width(const std::string& text) {
    std::size_t n = 0;
    for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return n;
}

/// 12.3 or, with digits = 0, 12.
inline std::string decimal(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof(text), "%.*f", digits, value);
    return text;
}
/// +0.17 %
inline std::string signed_percent(double value, int digits = 2) {
    char text[64];
    std::snprintf(text, sizeof(text), "%+.*f %%", digits, value);
    return text;
}
/// 1,048,576
inline std::string grouped(std::uint64_t value) {
    std::string digits = std::to_string(value);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
    return digits;
}

class table {
  public:
    struct column {
        std::string name;
        bool left = false;  ///< for text; numbers stand to the right
    };

    table(std::string title, std::vector<column> columns)
        : title_(std::move(title)), columns_(std::move(columns)) {}

    /// As many cells as columns; missing ones stay empty.
    void add(std::vector<std::string> cells) {
        cells.resize(columns_.size());
        lines_.push_back(std::move(cells));
    }
    /// A heading between rows.
    void group(std::string name) { lines_.push_back({std::move(name)}); }

    /// Prints the table and what its numbers mean.
    void print(const char* meaning, std::FILE* to = stdout) const {
        std::vector<std::size_t> widths;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            std::size_t width = display_width(columns_[c].name);
            for (const auto& cells : lines_)
                if (cells.size() == columns_.size() && display_width(cells[c]) > width)
                    width = display_width(cells[c]);
            widths.push_back(width);
        }
        std::vector<std::string> names;
        std::size_t total = 0;
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            names.push_back(columns_[c].name);
            total += widths[c] + (c == 0 ? 0 : 2);
        }
        std::string rule;
        for (std::size_t i = 0; i < total; ++i) rule += "─";
        std::fprintf(to, "\n%s\n%s\n", title_.c_str(), rule.c_str());
        print_cells(names, widths, to);
        std::fprintf(to, "%s\n", rule.c_str());
        for (const auto& cells : lines_) {
            if (cells.size() == columns_.size())
                print_cells(cells, widths, to);
            else
                std::fprintf(to, "%s\n", cells[0].c_str());
        }
        std::fprintf(to, "%s\n%s\n", rule.c_str(), meaning);
        std::fflush(to);
    }

  private:
    void print_cells(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                     std::FILE* to) const {
        std::string line;
        for (std::size_t c = 0; c < cells.size(); ++c) {
            if (c != 0) line += "  ";
            const std::string space(widths[c] - display_width(cells[c]), ' ');
            line += columns_[c].left ? cells[c] + space : space + cells[c];
        }
        line.erase(line.find_last_not_of(' ') + 1);
        std::fprintf(to, "%s\n", line.c_str());
    }

    std::string title_;
    std::vector<column> columns_;
    std::vector<std::vector<std::string>> lines_;
};

}  // namespace bench
