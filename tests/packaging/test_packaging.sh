#!/bin/sh
# test_packaging.sh WAY WORK: installs pith below WORK, or builds the consumer project in one of the ways in which
# a project can depend on pith, and runs it. Reads CMAKE, CXX and PITH_BINARY_DIR from the environment.
set -eu
way=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
prefix=$work/prefix
build=$work/$way
flags='-Wall -Wextra -Werror'

fail() {
    echo "packaging: $*" >&2
    exit 1
}

# The consumer must not find its pith by accident in the environment.
unset pith_DIR pith_ROOT CMAKE_PREFIX_PATH CMAKE_MODULE_PATH CPATH || true

configure() {
    rm -rf "$build"
    "$CMAKE" -S "$here/consumer" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_CXX_FLAGS="$flags" "$@"
}

build_and_run() {
    "$CMAKE" --build "$build"
    runs "$build/consumer"
    runs "$build/bare"
}

# Runs one program; where the processor is older than half of the program was built for, linking it was the test.
runs() {
    if grep -qw avx2 /proc/cpuinfo 2>/dev/null || [ "$(uname -m)" != x86_64 ]; then
        "$1" || fail "$1 failed"
    fi
}

# Configuring must fail, and with a message that holds each of the given texts.
refused() {
    log=$work/$way.log
    if configure "$@" >"$log" 2>&1; then
        fail "configured, and must not"
    fi
    shift $#
}

says() {
    grep -q -e "$1" "$work/$way.log" || {
        cat "$work/$way.log"
        fail "no \`$1' in the message"
    }
}

case $way in
    install)
        rm -rf "$prefix"
        "$CMAKE" --install "$PITH_BINARY_DIR" --prefix "$prefix"
        [ -f "$prefix/include/pith/version.hpp" ] || fail "no headers were installed"
        if grep -rF "$source" "$prefix"; then
            fail "an installed file names the source folder"
        fi
        # Nothing may depend on the machine's architecture.
        [ ! -e "$prefix/lib" ] || fail "something was installed into lib"
        ;;
    find_package)
        configure -DPITH_WAY=find_package -DCMAKE_PREFIX_PATH="$prefix"
        build_and_run
        ;;
    relocated)
        rm -rf "$work/moved here"
        mkdir -p "$work/moved here"
        cp -R "$prefix" "$work/moved here/prefix"
        configure -DPITH_WAY=find_package -DCMAKE_PREFIX_PATH="$work/moved here/prefix"
        build_and_run
        ninja -C "$build" -t commands | grep -qF "moved here" ||
            fail "the moved headers were not used"
        ;;
    component)
        # Without any other library on the machine.
        configure -DPITH_WAY=component -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_IGNORE_PATH=/usr/include \
            -DCMAKE_DISABLE_FIND_PACKAGE_xsimd=ON -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON
        build_and_run
        ;;
    missing_dependency)
        [ -d "$prefix/include/pith/simd" ] || {
            echo "skipped: no module needs another library yet"
            exit 77
        }
        refused -DPITH_WAY=find_package -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_IGNORE_PATH=/usr/include \
            -DCMAKE_DISABLE_FIND_PACKAGE_xsimd=ON
        says 'apt-get install libxsimd-dev'
        says 'PITH_XSIMD_INCLUDE_DIR'
        says 'COMPONENTS entropy'
        ;;
    version_refused)
        refused -DPITH_WAY=find_package -DCMAKE_PREFIX_PATH="$prefix" -DPITH_ASKED_VERSION=99.0
        says '99.0'
        ;;
    add_subdirectory | fetch_content)
        configure -DPITH_WAY="$way" -DPITH_SOURCE="$source"
        build_and_run
        if [ -e "$build/pith/tests" ] || [ -e "$build/_deps/pith-build/tests" ]; then
            fail "a project that uses pith must not build pith's tests"
        fi
        ;;
    pkg_config)
        command -v pkg-config >/dev/null 2>&1 || {
            echo "skipped: pkg-config is not installed"
            exit 77
        }
        rm -rf "$build"
        mkdir -p "$build"
        for name in pith pith-entropy; do
            options=$(PKG_CONFIG_PATH="$prefix/share/pkgconfig" pkg-config --cflags "$name")
            # The options are meant to be split into words.
            # shellcheck disable=SC2086
            "$CXX" -std=c++20 $flags "$here"/consumer/*.cpp $options -o "$build/$name"
            "$build/$name"
        done
        version=$(PKG_CONFIG_PATH="$prefix/share/pkgconfig" pkg-config --modversion pith)
        grep -q "set(PACKAGE_VERSION \"$version\")" "$prefix/share/cmake/pith/pith-config-version.cmake" ||
            fail "pkg-config and CMake tell different versions"
        ;;
    plain)
        # No build system at all.
        rm -rf "$build"
        mkdir -p "$build"
        # shellcheck disable=SC2086
        "$CXX" -std=c++20 $flags -I "$prefix/include" "$here"/consumer/*.cpp -o "$build/consumer"
        "$build/consumer"
        ;;
    *)
        fail "unknown way $way"
        ;;
esac
echo "packaging: $way works"
