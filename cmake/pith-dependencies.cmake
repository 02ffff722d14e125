# Finds the header-only packages that pith builds on and makes one imported target of each: pith::xsimd and
# pith::eigen. Used by the build and, installed beside it, by the package configuration.
#
# The found packages' own targets are read, never linked:
#   - Debian's xsimd target links a library `xtl` that no package ships;
#   - it is named `xsimd` up to version 13 and `xsimd::xsimd` from 14 on;
#   - it declares compatibility within one major version only, so a version is never asked of find_package.

set(PITH_XSIMD_MINIMUM 8)

# Where pith::<package> takes its headers from, and what to do when there are none.
set(pith_header_xsimd xsimd/xsimd.hpp)
set(pith_targets_xsimd xsimd::xsimd xsimd)
set(pith_config_xsimd xsimd)
set(pith_debian_xsimd libxsimd-dev)
set(pith_header_eigen Eigen/Core)
set(pith_targets_eigen Eigen3::Eigen)
set(pith_config_eigen Eigen3)
set(pith_debian_eigen libeigen3-dev)

# Sets `result` to the first target of `package` that exists, or to the empty string.
function(pith_existing_target package result)
    set(${result} "" PARENT_SCOPE)
    foreach(target IN LISTS pith_targets_${package})
        if(TARGET ${target})
            set(${result} ${target} PARENT_SCOPE)
            return()
        endif()
    endforeach()
endfunction()

# A directory that holds nothing but links to the package's own folders in `directory`. A cross build must not
# see the build machine's /usr/include, which is where Debian keeps xsimd.
function(pith_private_include_directory package directory result)
    get_filename_component(first ${pith_header_${package}} DIRECTORY)
    set(private ${CMAKE_BINARY_DIR}/pith-dependencies/${package})
    foreach(folder IN ITEMS ${first} unsupported)
        if(EXISTS ${directory}/${folder})
            file(MAKE_DIRECTORY ${private})
            file(CREATE_LINK ${directory}/${folder} ${private}/${folder} SYMBOLIC)
        endif()
    endforeach()
    set(${result} ${private} PARENT_SCOPE)
endfunction()

# Sets `result` to a reason why the headers in `directories` are too old, or to the empty string.
function(pith_too_old package directories result)
    set(${result} "" PARENT_SCOPE)
    if(NOT package STREQUAL "xsimd")
        return()
    endif()
    foreach(directory IN LISTS directories)
        set(header ${directory}/xsimd/config/xsimd_config.hpp)
        if(EXISTS "${header}")
            file(STRINGS ${header} line REGEX "define XSIMD_VERSION_MAJOR")
            if(line MATCHES "([0-9]+)" AND CMAKE_MATCH_1 LESS PITH_XSIMD_MINIMUM)
                set(${result} "xsimd ${CMAKE_MATCH_1} in ${directory} is older than ${PITH_XSIMD_MINIMUM}"
                    PARENT_SCOPE)
            endif()
        endif()
    endforeach()
endfunction()

# Makes pith::<package> from what the machine has. Sets `problem` to a sentence when that is not possible.
function(pith_find_dependency package problem)
    set(${problem} "" PARENT_SCOPE)
    if(TARGET pith::${package})
        return()
    endif()
    pith_existing_target(${package} found)
    if(NOT found AND NOT CMAKE_CROSSCOMPILING)
        find_package(${pith_config_${package}} CONFIG QUIET)
        pith_existing_target(${package} found)
    endif()
    if(found)
        get_target_property(directories ${found} INTERFACE_INCLUDE_DIRECTORIES)
        # An imported target has plain folders but is known only where it was found; one of this build is known
        # everywhere and may still change.
        get_target_property(imported ${found} IMPORTED)
        set(include ${directories})
        if(NOT imported)
            set(include $<TARGET_PROPERTY:${found},INTERFACE_INCLUDE_DIRECTORIES>)
        endif()
    else()
        string(TOUPPER PITH_${package}_INCLUDE_DIR variable)
        find_path(${variable} ${pith_header_${package}} PATH_SUFFIXES eigen3
            DOC "Folder that holds ${pith_header_${package}}")
        if(NOT ${variable})
            set(${problem} "${pith_header_${package}} was not found" PARENT_SCOPE)
            return()
        endif()
        set(directories ${${variable}})
        set(include ${directories})
        if(CMAKE_CROSSCOMPILING)
            pith_private_include_directory(${package} ${directories} include)
        endif()
    endif()
    pith_too_old(${package} "${directories}" old)
    if(old)
        set(${problem} "${old}" PARENT_SCOPE)
        return()
    endif()
    add_library(pith::${package} INTERFACE IMPORTED GLOBAL)
    set_target_properties(pith::${package} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${include}")
endfunction()

# Finds all of `packages`. Sets `problem` to one message that names what is missing and what to type.
function(pith_find_dependencies packages problem)
    set(reasons)
    set(debian)
    foreach(package IN LISTS packages)
        pith_find_dependency(${package} reason)
        if(reason)
            string(APPEND reasons "  ${reason}\n")
            string(APPEND debian " ${pith_debian_${package}}")
            string(TOUPPER "PITH_${package}_INCLUDE_DIR" variable)
            string(APPEND options " -D${variable}=FOLDER")
        endif()
    endforeach()
    set(${problem} "" PARENT_SCOPE)
    if(reasons)
        set(${problem} "pith misses headers that it builds on:\n${reasons}\
On Debian and Ubuntu:  apt-get install${debian}\n\
Elsewhere:  cmake ${options}  (folders that hold the headers)" PARENT_SCOPE)
    endif()
endfunction()
