"""Including every header gives an object without dynamic initialisers and without writable data."""
import subprocess
import tempfile

import common


def faults_of(object_file):
    faults = []
    for line in subprocess.check_output(["objdump", "-h", object_file], text=True).splitlines():
        parts = line.split()
        if len(parts) > 2 and parts[0].isdigit() and int(parts[2], 16) > 0:
            if parts[1].startswith((".init_array", ".ctors", ".data", ".bss", ".tdata", ".tbss")) \
                    and not parts[1].startswith(".data.rel.ro"):
                faults.append(f"section {parts[1]} of {int(parts[2], 16)} bytes")
    if faults:
        names = subprocess.check_output(["nm", "-C", object_file], text=True)
        faults += [line for line in names.splitlines() if line[17:18] in "dDbBuV"]
    return faults


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        def built(text):
            source = f"{folder}/a.cpp"
            with open(source, "w", encoding="ascii") as file:
                file.write(text)
            subprocess.check_call([*common.arguments().command, "-c", source, "-o", f"{folder}/a.o"])
            return faults_of(f"{folder}/a.o")
        faults = [f"accepted: {text}" for text in
                  ("int f(); int x = f();", "int x = 1;", "#include <iostream>\nstatic std::ios_base::Init i;")
                  if not built(text)]
        faults += [f"refused: {text}" for text in
                   ("constexpr int x = 1; int f() { return x; }", "#include <vector>\n") if built(text)]
    common.finish(faults, "the check tells right from wrong")


if __name__ == "__main__":
    options = common.arguments("--object")
    if options.self_test:
        self_test()
    common.finish(faults_of(options.object), "no initialisers, no writable data")
