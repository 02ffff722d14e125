"""What the checks of the sources share: where things lie, the module table, the compiler."""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
FLAGS = ["-std=c++20"]


def headers():
    return sorted(INCLUDE.rglob("*.hpp"))


def module_of(path):
    """The module of a header named relative to include/: pith/entropy/rans.hpp and pith/entropy.hpp -> entropy."""
    parts = pathlib.PurePosixPath(path).parts
    name = parts[1] if len(parts) > 2 else pathlib.PurePosixPath(parts[1]).stem
    return {"version": "core", "pith": "pith"}.get(name, name)


def modules(text=None):
    """cmake/pith-modules.cmake as {module: (modules it may include, outside packages it may include)}."""
    text = text or (ROOT / "cmake/pith-modules.cmake").read_text()
    table = {}
    for name, uses, package in re.findall(
            r"^pith_module\((\w+)(?: USES ([\w ]+?))?(?: PACKAGE (\w+))?\)$", text, re.M):
        allowed = {name}
        for used in uses.split():
            allowed |= table[used][0]
        table[name] = (allowed, set(package.split()))
    return table


def without_comments_and_strings(text):
    """The same text with comments and the insides of literals blanked; every line stays where it was."""
    def blank(match):
        found = match.group(0)
        if found.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + re.sub(r"[^\n]", " ", found[1:-1]) + found[-1]
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, blank, text, flags=re.S)


def arguments(*more):
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--include", default=str(INCLUDE), help="folders, divided by colons")
    parser.add_argument("--self-test", action="store_true")
    for name in more:
        parser.add_argument(name)
    options = parser.parse_args()
    options.command = [options.compiler, *FLAGS]
    for folder in filter(None, options.include.split(":")):
        own = pathlib.Path(folder).resolve() == INCLUDE
        # /usr/include itself must keep its place at the end of the search path.
        if folder != "/usr/include":
            options.command += ["-I" if own else "-isystem", folder]
    return options


def run(command, **more):
    return subprocess.run(command, text=True, capture_output=True, check=False, **more)


def finish(faults, passed):
    """Prints the faults and ends the program."""
    for fault in faults:
        print(fault)
    print(f"{len(faults)} fault(s)" if faults else passed)
    sys.exit(1 if faults else 0)
