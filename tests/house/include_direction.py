"""Includes point only downward: a module includes what cmake/pith-modules.cmake allows it, and only simd/ names
xsimd or an intrinsics header, only linalg/ names Eigen. core/ and entropy/ keep to the light standard headers."""
import re

import common

LIGHT = {"core", "entropy"}
LIGHT_STD = set("array bit compare concepts cstddef cstdint cstring initializer_list limits new span type_traits "
                "utility vector cassert".split())
# The one place in the light modules that starts threads.
LIGHT_EXCEPTIONS = {"pith/core/table.hpp": {"sys/mman.h"}, "pith/core/parallel.hpp": {"thread", "atomic", "exception", "mutex", "condition_variable", "system_error"}}
OUTSIDE = {
    "xsimd": re.compile(r"^(xsimd/|\w*intrin\.h$|arm_(neon|sve)\.h$)"),
    "eigen": re.compile(r"^(Eigen/|unsupported/Eigen)"),
}


def faults_of(name, text, table):
    """Faults of the header `name` (relative to include/) with contents `text`."""
    module = common.module_of(name)
    if module == "pith":
        return []
    if module not in table:
        return [f"{name}: {module} is no module of cmake/pith-modules.cmake"]
    allowed, packages = table[module]
    umbrella = name == f"pith/{module}.hpp"
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        quote, target = match.groups()
        where = f"{name}:{number}: "
        if quote == '"':
            faults.append(where + f'include "{target}" in angle brackets, from the root')
        elif target.startswith("pith/"):
            other = common.module_of(target)
            if other not in allowed:
                faults.append(where + f"{module} must not include {other} ({target})")
            elif target == f"pith/{other}.hpp" and other != "core" and not umbrella:
                faults.append(where + f"a header includes what it uses, not the umbrella {target}")
        else:
            for package, pattern in OUTSIDE.items():
                if pattern.match(target) and package not in packages:
                    faults.append(where + f"{module} must not include {target}")
            if module in LIGHT and target not in LIGHT_STD | LIGHT_EXCEPTIONS.get(name, set()):
                faults.append(where + f"{module} must not include <{target}>, which is slow to compile")
    return faults


def self_test():
    table = common.modules("pith_module(core)\npith_module(simd USES core PACKAGE xsimd)\n"
                           "pith_module(entropy USES core)\npith_module(linalg USES core PACKAGE eigen)\n")
    good = [("pith/entropy/a.hpp", "#include <vector>\n#include <pith/core/bits.hpp>\n#include <pith/version.hpp>"),
            ("pith/simd/a.hpp", "#include <xsimd/xsimd.hpp>\n#    include <immintrin.h>"),
            ("pith/linalg/a.hpp", "#include <Eigen/Core>"), ("pith/pith.hpp", "#include <pith/simd.hpp>")]
    bad = [("pith/core/a.hpp", "#include <pith/entropy/b.hpp>"), ("pith/core/a.hpp", "#include <pith/simd.hpp>"),
           ("pith/entropy/a.hpp", "#include <immintrin.h>"), ("pith/entropy/a.hpp", "# include <xsimd/xsimd.hpp>"),
           ("pith/simd/a.hpp", "#include <Eigen/Core>"), ("pith/entropy/a.hpp", "#include <algorithm>"),
           ("pith/core/a.hpp", '#include "b.hpp"'), ("pith/other/a.hpp", ""),
           ("pith/linalg/a.hpp", "#include <arm_neon.h>")]
    faults = [f"accepted: {case}" for case in bad if not faults_of(*case, table)]
    faults += [f"refused: {case}" for case in good if faults_of(*case, table)]
    common.finish(faults, "the check tells right from wrong")


if __name__ == "__main__":
    if common.arguments().self_test:
        self_test()
    found = []
    for header in common.headers():
        relative = header.relative_to(common.INCLUDE).as_posix()
        found += faults_of(relative, header.read_text(), common.modules())
    common.finish(found, f"{len(common.headers())} headers include only downward")
