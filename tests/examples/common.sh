# What the tests of the command line programs share; read by them with a dot, the program's path being $1.
# Leaves: program, a folder of its own as the working folder, and the functions below.
set -u
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$program" ] || { echo "no program: $program"; exit 1; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
faults=0

fault() {
    echo "FAULT: $*"
    faults=$((faults + 1))
}

# expect STATUS WORDS command...: the status, and one line on stderr with the words in it (none when WORDS is empty).
expect() {
    status=$1 words=$2
    shift 2
    "$@" >stdout 2>stderr </dev/null
    got=$?
    [ "$got" -eq "$status" ] || fault "$* gave status $got, not $status: $(cat stderr)"
    if [ -z "$words" ]; then
        [ -s stderr ] && fault "$* said: $(cat stderr)"
    else
        [ "$(wc -l <stderr)" -eq 1 ] || fault "$* said $(wc -l <stderr) lines: $(cat stderr)"
        grep -qF -- "$words" stderr || fault "$* said, without '$words': $(cat stderr)"
    fi
}

same() { cmp -s "$1" "$2" || fault "$1 and $2 differ: $3"; }

no_leftovers() {
    for left in .pith-* */.pith-*; do [ ! -e "$left" ] || fault "a temporary file is left after $1: $left"; done
}

# damage FILE OFFSET: the file with one byte changed, in `damaged`.
damage() {
    cp "$1" damaged
    byte=$(dd if="$1" bs=1 skip="$2" count=1 2>/dev/null | od -An -tu1 | tr -d ' ')
    printf "\\$(printf %03o $((255 - byte)))" | dd of=damaged bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# finish: tells how it went and ends the test.
finish() {
    [ $faults -eq 0 ] && echo "$(basename "$program") keeps its promises"
    exit $((faults != 0))
}
