"""pith's headers leave no macro behind but PITH_VERSION_*, PITH_NO_SIMD and PITH_ASSERT."""
import re

import common

ALLOWED = re.compile(r"PITH_(VERSION_\w+|NO_SIMD|ASSERT)$")


def left_by_own_headers(preprocessed):
    """Macros that are defined at the end and whose definition stands in a file below include/."""
    file = ""
    defined = {}
    for line in preprocessed.splitlines():
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            file = marker.group(1)
        elif line.startswith("#define "):
            defined[re.match(r"#define (\w+)", line).group(1)] = file
        elif line.startswith("#undef "):
            defined.pop(line.split()[1], None)
    return {name for name, where in defined.items() if where.startswith(str(common.INCLUDE))}


if __name__ == "__main__":
    options = common.arguments("--source")
    result = common.run([*options.command, "-dD", "-E", options.source])
    if result.returncode != 0:
        common.finish([result.stderr], "")
    left = left_by_own_headers(result.stdout)
    faults = [f"macro left behind: {name}" for name in sorted(left) if not ALLOWED.match(name)]
    if "PITH_VERSION_MAJOR" not in left:
        faults.append("PITH_VERSION_MAJOR was not seen: the check itself is broken")
    common.finish(faults, "only " + ", ".join(sorted(left)))
