// What is told of the machine beside a measurement: processor, instruction set compiled for, compiler.
#pragma once

#include <fstream>
#include <string>

#include <pith/simd/arch.hpp>

namespace bench {

/// The processor's name as the system gives it, or "unknown processor".
inline std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.rfind("model name", 0) != 0 && line.rfind("Model", 0) != 0) continue;
        const std::size_t colon = line.find(':');
        if (colon != std::string::npos && colon + 2 < line.size()) return line.substr(colon + 2);
    }
    return "unknown processor";
}

inline std::string compiler_name() {
#if defined(__clang__)
    return "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) + "." +
           std::to_string(__clang_patchlevel__);
#elif defined(__GNUC__)
    return "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
           std::to_string(__GNUC_PATCHLEVEL__);
#else
    return "unknown compiler";
#endif
}

/// One line for the head of every benchmark's output.
inline std::string machine_line() {
    std::string line =
        processor_name() + ", compiled for " + pith::simd::native::name + " by " + compiler_name();
#if !defined(__OPTIMIZE__)
    line += " WITHOUT OPTIMISATION: the speeds below mean nothing";
#elif defined(__SANITIZE_ADDRESS__)
    line += " with sanitizers: the speeds below mean nothing";
#endif
    return line;
}

}  // namespace bench
