#!/bin/sh
# The demo's checksums are the committed ones, and wrong arguments are refused. Usage: demo_test.sh PROGRAM
set -eu
program=$1
here=$(cd "$(dirname "$0")/../.." && pwd)
"$program" --digests | diff "$here/examples/demo_digests.hpp" - || {
    echo 'FAULT: the bytes of a stream changed'
    exit 1
}
if "$program" --corpora /nonexistent >/dev/null 2>&1 || "$program" --no-such-option >/dev/null 2>&1; then
    echo 'FAULT: wrong arguments were taken'
    exit 1
fi
