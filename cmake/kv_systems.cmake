# pith_kv_systems: the list of cache compressors, compiled once for all programs that measure them.
if(NOT TARGET pith_kv_systems)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/kv_systems/*.cpp)
    add_library(pith_kv_systems STATIC EXCLUDE_FROM_ALL ${sources})
    target_link_libraries(pith_kv_systems PUBLIC pith::pith)
    pith_native(pith_kv_systems)
endif()
