// The trained model of the repository, and text that it has not seen.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <system_error>
#include <vector>

#include "../../bench/support/corpora.hpp"

namespace lm {

inline std::filesystem::path trained_model_path() {
    return std::filesystem::path(__FILE__).parent_path() / "../../data/cpp_headers_lm.safetensors";
}

/// xsimd's headers, which were held out; where they are not installed, other headers. A zero byte before
/// each.
inline bench::data_set held_out_text() {
    namespace fs = std::filesystem;
    std::vector<fs::path> files;
    std::error_code failed;
    auto at = fs::recursive_directory_iterator("/usr/include/xsimd", failed);
    for (const fs::recursive_directory_iterator end; !failed && at != end; at.increment(failed))
        if (at->is_regular_file(failed)) files.push_back(at->path());
    std::sort(files.begin(), files.end());
    bench::data_set out{"headers", "xsimd's headers, which it has not seen", {}};
    for (const fs::path& file : files) {
        const bench::bytes one = bench::read_file(file, 1 << 20);
        out.data.push_back(0);
        out.data.insert(out.data.end(), one.begin(), one.end());
    }
    constexpr std::size_t enough = 200'000;
    if (out.data.size() >= enough) return out;
    return {"headers", "installed headers, which it may have seen", bench::installed_headers(1 << 20)};
}

}  // namespace lm
