# pith_json: nlohmann's JSON parser for programs that read safetensors files; no target where it is not installed.
# The library itself does not depend on it.
include_guard(GLOBAL)
find_path(PITH_JSON_INCLUDE_DIR nlohmann/json.hpp)
if(PITH_JSON_INCLUDE_DIR)
    add_library(pith_json INTERFACE)
    target_include_directories(pith_json SYSTEM INTERFACE ${PITH_JSON_INCLUDE_DIR})
else()
    message(STATUS "nlohmann's JSON parser not installed, what reads model files is left out: "
        "apt-get install nlohmann-json3-dev")
endif()
