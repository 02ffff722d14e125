// Runs a fuzz target over the files and folders named on the command line, without libFuzzer.
// It also tries every input cut to half its length and with each of its first bytes changed.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// The copy has exactly the input's size, so that a sanitizer sees a read past its end.
void run(const std::vector<std::uint8_t>& input) {
    const std::vector<std::uint8_t> exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void replay(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::vector<std::uint8_t> input{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    run(input);
    for (std::size_t i = 0; i < input.size() && i < 16; ++i) {
        const std::uint8_t kept = input[i];
        input[i] = static_cast<std::uint8_t>(kept ^ 0x55U);
        run(input);
        input[i] = kept;
    }
    input.resize(input.size() / 2);
    run(input);
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t files = 0;
    for (int i = 1; i < argc; ++i) {
        const std::filesystem::path path = argv[i];
        if (std::filesystem::is_directory(path)) {
            for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
                if (!entry.is_regular_file()) continue;
                replay(entry.path());
                ++files;
            }
        } else if (std::filesystem::is_regular_file(path)) {
            replay(path);
            ++files;
        }
    }
    run({});
    std::printf("%zu inputs replayed\n", files);
    if (files != 0) return 0;
    std::fprintf(stderr, "no input was found: a fuzz target needs a corpus\n");
    return 1;
}
