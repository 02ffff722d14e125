"""Compiles and runs the programs in README.md and docs/*.md.

A ```cpp block is a program when it contains `int main`; it is compiled and run and must exit with 0. Any other cpp
block after a line <!-- compiled --> is compiled only; a program after <!-- not run --> too. A ```text block after a
line <!-- output --> is what the program before it prints, to the byte, blank lines at the ends left out.
"""
import pathlib
import re
import tempfile

import common

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"]


def blocks_of(text):
    """(line, language, marker, code) of every fenced block; the marker is the comment right above it, or ''."""
    found = []
    pattern = r"(?:^<!-- ([^\n]*?) -->\n\n?)?^```(\w*)\n(.*?)^```$"
    for match in re.finditer(pattern, text, re.M | re.S):
        line = text.count("\n", 0, match.start(3)) + 1
        found.append((line, match.group(2), match.group(1) or "", match.group(3)))
    return found


def check(name, text, command, work):
    """(faults, number of programs) of one document."""
    faults = []
    programs = 0
    printed = None
    for line, language, marker, code in blocks_of(text):
        where = f"{name}:{line}"
        if language == "text" and marker == "output":
            if printed is None:
                faults.append(f"{where}: output of no program")
            elif printed.strip() != code.strip():
                faults.append(f"{where}: the program prints something else:\n{printed}")
        if language != "cpp" or not ("int main" in code or marker == "compiled"):
            continue
        programs += 1
        source = work / f"{re.sub(r'[^A-Za-z0-9]', '_', where)}.cpp"
        source.write_text(code)
        binary = source.with_suffix("")
        is_program = "int main" in code
        target = ["-o", str(binary), "-pthread"] if is_program else ["-fsyntax-only"]
        built = common.run([*command, "-O1", *WARNINGS, str(source), *target])
        printed = None
        if built.returncode != 0:
            faults.append(f"{where}: does not compile\n{built.stderr}")
        elif is_program and marker != "not run":
            ran = common.run([str(binary)], cwd=work, timeout=120)
            printed = ran.stdout
            if ran.returncode != 0:
                faults.append(f"{where}: exits with {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return faults, programs


def self_test():
    good = "```cpp\nint main() {}\n```\n\n```cpp\na fragment\n```\n<!-- compiled -->\n```cpp\nint f();\n```\n" \
           "```cpp\n#include <cstdio>\nint main() { std::puts(\"1\"); }\n```\nprints\n\n<!-- output -->\n```text\n1\n```\n"
    bad = ["```cpp\nint main() { return 1; }\n```\n", "```cpp\nint main() { x }\n```\n", "<!-- compiled -->\n```cpp\nint f()\n```\n",
           good.replace("1\n```", "2\n```"), "<!-- output -->\n```text\n1\n```\n"]
    with tempfile.TemporaryDirectory() as folder:
        def faults_in(text): return check("x.md", text, common.arguments().command, pathlib.Path(folder))[0]
        faults = [f"refused: {faults_in(good)}"] if faults_in(good) else []
        faults += [f"accepted: {text}" for text in bad if not faults_in(text)]
    common.finish(faults, "the check tells right from wrong")


if __name__ == "__main__":
    options = common.arguments("--work")
    if options.self_test:
        self_test()
    folder = pathlib.Path(options.work)
    folder.mkdir(parents=True, exist_ok=True)
    documents = [common.ROOT / "README.md", *sorted((common.ROOT / "docs").rglob("*.md"))]
    found, count = [], 0
    for document in documents:
        more, programs_here = check(document.relative_to(common.ROOT).as_posix(), document.read_text(), options.command, folder)
        found += more
        count += programs_here
    if count == 0:
        found.append("no program was found: the check looks at nothing")
    common.finish(found, f"{count} programs of {len(documents)} documents compile and run")
