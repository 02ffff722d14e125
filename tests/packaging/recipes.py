"""The recipes for other package managers name the project's version and licence. They cannot be run here, for they
need their package manager and the network; this keeps them from falling behind."""
import argparse
import ast
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

parser = argparse.ArgumentParser()
parser.add_argument("--version", required=True)
wanted = parser.parse_args().version

header = (ROOT / "include/pith/version.hpp").read_text()
conan = (ROOT / "packaging/conan/conanfile.py").read_text()
ast.parse(conan)
vcpkg = json.loads((ROOT / "packaging/vcpkg/vcpkg.json").read_text())
found = {
    "include/pith/version.hpp": ".".join(re.findall(r"PITH_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)),
    "packaging/conan/conanfile.py": re.search(r'version = "([^"]+)"', conan).group(1),
    "packaging/vcpkg/vcpkg.json": vcpkg["version"],
}
faults = [f"{file}: version {version}, not {wanted}" for file, version in found.items() if version != wanted]
if vcpkg["license"] != "Apache-2.0" or 'license = "Apache-2.0"' not in conan:
    faults.append("a recipe names another licence than Apache-2.0")
if "Apache License" not in (ROOT / "LICENSE").read_text():
    faults.append("LICENSE is not the Apache License")
print("\n".join(faults) or f"the recipes tell version {wanted}")
sys.exit(1 if faults else 0)
