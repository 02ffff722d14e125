"""Every name in the tables of docs/systems.md stands in the header beside it, and what shows it is in the tree."""
import re

import common

OUTCOMES = {"holds", "law", "printed", "refuted", "part", "not built"}


def check(page, header_text, exists):
    """(faults, number of names). header_text(path) gives a header's text without comments, None where there is none."""
    faults = []
    names = 0
    for number, line in enumerate(page.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 5 or cells[0] in ("system", "---"):
            continue
        _, name, header, shown, outcome = cells
        if outcome not in OUTCOMES:
            faults.append(f"{number}: no outcome: {outcome}")
        if outcome == "not built":
            continue
        text = header_text(header)
        found = re.findall(r"`(\w+)`", name)
        names += len(found)
        if not found or text is None:
            faults.append(f"{number}: no name, or no such header: {header}")
            continue
        faults += [f"{number}: {one} is not in {header}" for one in found if not re.search(rf"\b{one}\b", text)]
        faults += [f"{number}: no such file: {path}" for path in shown.split(", ") if not exists(path)]
    return faults, names


def text_of(header):
    path = common.INCLUDE / "pith" / header
    return common.without_comments_and_strings(path.read_text()) if header and path.is_file() else None


def self_test():
    def faults_of(row): return check(row, {"a.hpp": "using kivi = int;"}.get, {"t.cpp"}.__contains__)[0]
    good = "| KIVI | `kivi` | a.hpp | t.cpp | holds |"
    bad = [good.replace(*change) for change in
           [("`kivi`", "`kiv`"), ("a.hpp", "b.hpp"), ("t.cpp", "u.cpp"), ("holds", "maybe"), ("`kivi`", "kivi")]]
    common.finish([f"refused: {good}"] * bool(faults_of(good)) + [f"accepted: {row}" for row in bad if not faults_of(row)],
                  "the check tells right from wrong")


if __name__ == "__main__":
    if common.arguments().self_test:
        self_test()
    found, count = check((common.ROOT / "docs/systems.md").read_text(), text_of,
                         lambda path: (common.ROOT / path).is_file())
    common.finish(found if count else ["no name was found: the check looks at nothing"], f"{count} names are where the page says")
