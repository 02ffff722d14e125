# pith_native(target): builds a program of this project for the machine that builds it, where that is allowed.
# Tests are not built so: they choose their instruction sets themselves (tests/CMakeLists.txt).
include(CheckCXXCompilerFlag)
include(CMakeDependentOption)

cmake_dependent_option(PITH_NATIVE "Build examples and benchmarks for this machine's processor" ON
    "PROJECT_IS_TOP_LEVEL;NOT CMAKE_CROSSCOMPILING;CMAKE_SYSTEM_PROCESSOR MATCHES x86_64|AMD64|aarch64|arm64" OFF)
if(PITH_NATIVE)
    check_cxx_compiler_flag(-march=native PITH_HAS_MARCH_NATIVE)
endif()

function(pith_native target)
    if(PITH_NATIVE AND PITH_HAS_MARCH_NATIVE AND NOT PITH_NO_SIMD)
        target_compile_options(${target} PRIVATE -march=native)
    endif()
endfunction()
