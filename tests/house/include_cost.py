"""What an umbrella header costs: the headers that it must not reach and the lines after preprocessing. The seconds
of those that shall be light are printed, never judged: they depend on the machine."""
import re
import statistics
import tempfile
import time

import common

# Lines of preprocessed code, blank ones and line markers left out, with g++ 12's library; caps leave a fifth for
# other libraries. <vector>, <span>, <array>, <bit> and <cstring> alone give about 19,600.
LINE_CAPS = {"pith/entropy.hpp": 40000}
HEAVY = re.compile(r"/(Eigen/|xsimd/|\w*intrin\.h$|arm_neon\.h$|thread$|iostream$|memory$|bits/shared_ptr\.h$|atomic$|"
                   r"functional$|algorithm$|string$|cmath$|random$|map$|unordered_map$|regex$|numeric$|mutex$)")
LIGHT = {"pith/entropy.hpp"}


def reached(command, header):
    """Files that the header pulls in."""
    result = common.run([*command, "-M", "-x", "c++", "-"], input=f"#include <{header}>\n")
    if result.returncode != 0:
        raise SystemExit(result.stderr)
    return [name for name in result.stdout.replace("\\\n", " ").split()[1:] if name != "-"]


def lines(command, header):
    result = common.run([*command, "-E", "-P", "-x", "c++", "-"], input=f"#include <{header}>\n")
    return sum(1 for line in result.stdout.splitlines() if line.strip())


def seconds(command, header, repeats):
    """Median time of that many compilations at -O0."""
    times = []
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
        source.write(f"#include <{header}>\n")
        source.flush()
        for _ in range(repeats):
            start = time.monotonic()
            common.run([*command, "-O0", "-c", source.name, "-o", "/dev/null"])
            times.append(time.monotonic() - start)
    return statistics.median(times)


if __name__ == "__main__":
    options = common.arguments()
    faults = []
    umbrellas = sorted(path.relative_to(common.INCLUDE).as_posix() for path in (common.INCLUDE / "pith").glob("*.hpp"))
    for umbrella in umbrellas:
        files = reached(options.command, umbrella)
        count = lines(options.command, umbrella)
        took = f"  {seconds(options.command, umbrella, 5):.2f} s at -O0" if umbrella in LIGHT else ""
        print(f"{umbrella:24} {len(files):4} files {count:7} lines{took}")
        if umbrella in LIGHT:
            heavy = sorted(file for file in files if HEAVY.search(file))
            faults += [f"{umbrella} reaches {file}" for file in heavy]
        if count > LINE_CAPS.get(umbrella, count):
            faults.append(f"{umbrella}: {count} lines after preprocessing, at most {LINE_CAPS[umbrella]}")
    common.finish(faults, "no umbrella reaches what it must not")
