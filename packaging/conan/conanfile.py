"""Conan 2 recipe of pith. Run it from a checkout: conan create packaging/conan"""
import os

from conan import ConanFile
from conan.tools.cmake import CMake
from conan.tools.files import copy


class Pith(ConanFile):
    name = "pith"
    version = "0.1.0"
    license = "Apache-2.0"
    description = "Header-only C++20 library of compression algorithms"
    topics = ("compression", "entropy-coding", "quantization", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeToolchain", "CMakeDeps"
    no_copy_source = True

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "packaging/pith.pc.in"):
            copy(self, pattern, root, self.export_sources_folder)

    def requirements(self):
        self.requires("xsimd/[>=8.1]", transitive_headers=True)
        self.requires("eigen/[>=3.4 <4]", transitive_headers=True)

    def build(self):
        cmake = CMake(self)
        cmake.configure({"PITH_BUILD_TESTS": False, "PITH_BUILD_EXAMPLES": False, "PITH_BUILD_BENCH": False})

    def package(self):
        CMake(self).install()

    def package_info(self):
        # The installed package configuration knows the modules and their needs.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append(os.path.join("share", "cmake", "pith"))
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []

    def package_id(self):
        self.info.clear()
