# Installation: headers, package configuration, pkg-config files. Nothing depends on the architecture, so all
# of it lies under the include and data folders, and the prefix may be moved afterwards.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_DATADIR}/cmake/pith)
foreach(module IN LISTS PITH_PRESENT_MODULES)
    list(APPEND targets pith_${module})
endforeach()
install(TARGETS pith ${targets} EXPORT pith-targets
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT pith-targets NAMESPACE pith:: DESTINATION ${package_folder})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/pith-config.cmake.in
    ${PROJECT_BINARY_DIR}/pith-config.cmake INSTALL_DESTINATION ${package_folder}
    NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Below 1.0 a new minor version may change the interface; from 1.0 on only a new major one may.
set(compatibility SameMinorVersion)
if(PROJECT_VERSION_MAJOR GREATER 0)
    set(compatibility SameMajorVersion)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pith-config-version.cmake
    COMPATIBILITY ${compatibility} ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/pith-config.cmake ${PROJECT_BINARY_DIR}/pith-config-version.cmake
    ${PROJECT_SOURCE_DIR}/cmake/pith-modules.cmake ${PROJECT_SOURCE_DIR}/cmake/pith-dependencies.cmake
    DESTINATION ${package_folder})

# pith.pc asks for everything; pith-entropy.pc is for the modules that need nothing but the standard library.
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_DATADIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
foreach(name IN ITEMS pith pith-entropy)
    set(pc_name ${name})
    set(pc_requires)
    if(name STREQUAL "pith")
        list(APPEND pc_requires ${packages})
        list(TRANSFORM pc_requires REPLACE "^eigen$" "eigen3")
        list(JOIN pc_requires " " pc_requires)
    endif()
    configure_file(${PROJECT_SOURCE_DIR}/packaging/pith.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
endforeach()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
