"""Runs a benchmark program with --quick and checks its rows: smoke_test.py PROGRAM JSON_FILE."""
import json
import math
import os
import subprocess
import sys

program, path = sys.argv[1:]
if os.path.exists(path):
    os.remove(path)
subprocess.run([program, "--quick", "--json", path], check=True, stdout=subprocess.DEVNULL)
with open(path, encoding="utf-8") as file:
    rows = json.load(file)
assert rows, "no rows"
for row in rows:
    assert set(row) == {"system", "data", "metric", "value", "unit", "better"}, row
    assert row["better"] in ("lower", "higher"), row
    assert isinstance(row["value"], (int, float)) and math.isfinite(row["value"]), row
    assert all(isinstance(row[key], str) and row[key] for key in ("system", "data", "metric", "unit")), row
keys = [(row["system"], row["data"], row["metric"]) for row in rows]
assert len(keys) == len(set(keys)), "a measurement occurs twice"
assert subprocess.run([program, "--no-such-option"], stderr=subprocess.DEVNULL).returncode == 2
assert subprocess.run([program, "--help"], stdout=subprocess.DEVNULL).returncode == 0
print(f"{len(rows)} rows")
