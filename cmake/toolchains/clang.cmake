# The newest clang of at least version 16 that the machine has, whatever name it goes by.
if(NOT CMAKE_CXX_COMPILER)
    find_program(pith_clang NAMES clang++-21 clang++-20 clang++-19 clang++-18 clang++-17 clang++-16 clang++ NO_CACHE)
    if(NOT pith_clang)
        message(FATAL_ERROR "No clang++ was found. On Debian and Ubuntu:  apt-get install clang-19")
    endif()
    execute_process(COMMAND ${pith_clang} -dumpversion OUTPUT_VARIABLE pith_clang_version
        OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(pith_clang_version VERSION_LESS 16)
        message(FATAL_ERROR "${pith_clang} is version ${pith_clang_version}; pith needs clang 16 or newer. "
            "On Debian and Ubuntu:  apt-get install clang-19")
    endif()
    set(CMAKE_CXX_COMPILER ${pith_clang})
endif()
