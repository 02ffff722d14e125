// What takes part in the comparison of whole compressors: our codecs and programs of others, file to file.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <pith/codec/bytes.hpp>

#include "../support/corpora.hpp"
#include "child.hpp"

namespace bench {

struct contestant {
    std::string name;
    std::string about;         ///< version and command lines, or what it is
    std::string ending;        ///< of the encoded file's name
    std::uint64_t memory = 0;  ///< bytes that it says it needs; 0: it does not say
    std::function<child_usage(const std::string& in, const std::string& out)> encode;
    std::function<child_usage(const std::string& in, const std::string& out)> decode;
};

inline bool write_file(const std::string& path, const bytes& data) {
    std::FILE* const file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) return false;
    const bool good = data.empty() || std::fwrite(data.data(), 1, data.size(), file) == data.size();
    return std::fclose(file) == 0 && good;
}

/// A block coder of ours, in one frame whose blocks are as long as every codec allows.
template <class Codec>
contestant own(std::string name) {
    const auto encode = [](const std::string& in, const std::string& out) {
        return run_in_child([&] {
            const bytes data = read_file(in, ~std::size_t{0});
            std::uint32_t block = std::uint32_t{1} << 12;
            while (block < data.size() && block < std::uint32_t{1} << 25) block <<= 1;
            const auto frame = pith::codec::compress<Codec>(data, {.block_size = block});
            return frame && write_file(out, *frame) ? 0 : 1;
        });
    };
    const auto decode = [](const std::string& in, const std::string& out) {
        return run_in_child([&] {
            const bytes frame = read_file(in, ~std::size_t{0});
            pith::limits bound;
            bound.max_memory = std::uint64_t{8} << 30;
            const auto data =
                pith::container::decode_frame<pith::container::recipe_list<Codec>>(frame, bound);
            return data && write_file(out, *data) ? 0 : 1;
        });
    };
    return {std::move(name), std::string("recipe ") + Codec::name,
            ".pith",         pith::container::codec_memory<Codec>(),
            encode,          decode};
}

/// A program of others: words of its command lines, in which "{in}" and "{out}" stand for files, and
/// "{data}", when decoding, for the name that the input had when it was encoded. Without the first two it
/// reads its standard input and writes its standard output.
struct rival_program {
    std::string name;
    std::string version_option;
    std::string ending;
    std::vector<std::string> encode;
    std::vector<std::string> decode;
};

inline child_usage run_program(std::vector<std::string> words, const std::string& in,
                               const std::string& out) {
    std::string piped_in = in;
    std::string piped_out = out;
    for (std::string& word : words) {
        if (word == "{in}") word = std::exchange(piped_in, {});
        if (word == "{out}") word = std::exchange(piped_out, {});
        if (word == "{data}") word = (std::filesystem::path(in).parent_path() / "data").string();
    }
    return run_in_child([&] { return become(words); }, piped_out, piped_in);
}

inline bool installed(const std::string& program) {
    return run_in_child([&] { return become({"sh", "-c", "command -v " + program}); }).good;
}

/// The first line with a digit that the program prints with its version option.
inline std::string version_of(const rival_program& rival, const std::string& scratch) {
    run_in_child(
        [&] {
            return become({"sh", "-c", rival.encode[0] + " " + rival.version_option + " 2>&1"});
        },
        scratch);
    std::ifstream file(scratch);
    for (std::string line; std::getline(file, line);)
        if (line.find_first_of("0123456789") != std::string::npos) return line;
    return "unknown version";
}

inline std::string joined(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
    return line;
}

inline contestant contestant_of(const rival_program& rival, const std::string& scratch) {
    return {rival.name,
            version_of(rival, scratch) + ": " + joined(rival.encode) + "; " + joined(rival.decode),
            rival.ending,
            0,
            [words = rival.encode](const std::string& in, const std::string& out) {
                return run_program(words, in, out);
            },
            [words = rival.decode](const std::string& in, const std::string& out) {
                return run_program(words, in, out);
            }};
}

}  // namespace bench
