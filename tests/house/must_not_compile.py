"""Programs that must be refused: every tests/must_not_compile/*.cpp begins with lines `// expect: TEXT`. With MISTAKE
defined as 1 it must fail to compile, with all the texts in the diagnostics; with MISTAKE 0 it must compile."""
import re

import common


def faults_of(command, path):
    name = path.relative_to(common.ROOT)
    text = path.read_text()
    expected = re.findall(r"^// expect: (.+)$", text, re.M)
    faults = [] if text.startswith("// expect: ") else [f"{name}:1: the first line must be `// expect: TEXT`"]
    wrong = common.run([*command, "-fsyntax-only", "-DMISTAKE=1", str(path)])
    if wrong.returncode == 0:
        faults.append(f"{name}: compiles, and must not")
    for phrase in expected:
        if phrase not in wrong.stderr:
            faults.append(f"{name}: no `{phrase}` in the diagnostics:\n" + "\n".join(wrong.stderr.splitlines()[:12]))
    if re.search(r"\bMISTAKE\b", text):
        right = common.run([*command, "-fsyntax-only", "-DMISTAKE=0", str(path)])
        if right.returncode != 0:
            faults.append(f"{name}: does not compile without its mistake:\n{right.stderr}")
    else:
        faults.append(f"{name}: nothing depends on MISTAKE, so the refusal may have another reason")
    return faults


if __name__ == "__main__":
    options = common.arguments()
    programs = sorted((common.ROOT / "tests/must_not_compile").glob("*.cpp"))
    found = [] if programs else ["no programs were found"]
    for program in programs:
        found += faults_of(options.command, program)
    common.finish(found, f"{len(programs)} wrong programs were refused, each for its reason")
