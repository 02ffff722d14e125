# The compiler's options for each instruction set that kernels are tested on; scalar is PITH_NO_SIMD.
set(options_scalar -DPITH_NO_SIMD)
set(options_baseline)
set(options_avx2 -march=x86-64-v3)
set(options_avx512 -march=x86-64-v4 -mavx512vbmi -mavx512vbmi2 -mavx512vnni)

# pith_link_block_coders(target isa): the block coders that the frozen vectors, the damage campaign and the fuzz
# targets have in common, compiled once for each instruction set.
function(pith_link_block_coders target isa)
    set(library pith_block_coders.${isa})
    if(NOT TARGET ${library})
        add_library(${library} STATIC ${PROJECT_SOURCE_DIR}/tests/support/block_coders.cpp)
        target_include_directories(${library} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
        target_compile_options(${library} PRIVATE $<$<CONFIG:Release>:-O2> ${options_${isa}})
        if(PITH_BUILD_FUZZERS)
            target_compile_options(${library} PRIVATE -fsanitize=fuzzer-no-link,address,undefined)
        endif()
        target_link_libraries(${library} PRIVATE pith::pith)
    endif()
    target_link_libraries(${target} PRIVATE ${library})
endfunction()
