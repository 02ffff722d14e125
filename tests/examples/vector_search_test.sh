#!/bin/sh
# What vector_search promises on the command line. Usage: vector_search_test.sh PROGRAM
. "$(dirname "$0")/common.sh"

# Every method on made-up vectors, and again with a file of each kind.
expect 0 '' "$program" --threads 2
[ "$(wc -l <stdout)" -eq 12 ] || fault "not one line for each method: $(cat stdout)"
awk 'NR > 2 && !($2 > 0.2 && $2 <= 1) { exit 1 }' stdout || fault "a recall out of range: $(cat stdout)"
expect 0 '' "$program" --help
"$program" --method pq-fast | awk 'NR == 3 { print $2 }' >one
"$program" --method pq-fast --threads 2 | awk 'NR == 3 { print $2 }' >two
cmp -s one two || fault "the recall depends on the threads"
expect 0 '' "$program" --method pq-fast --rerank 4000 --metric l2
awk 'NR == 3 && $2 < 0.999 { exit 1 }' stdout || fault "re-ranking everything is not exact: $(cat stdout)"

# Ten vectors of two coordinates in .fvecs: 2, then two floats of zero or one.
vector() { printf '\002\000\000\000\000\000\200\077\000\000\000\000'; }
: >base.fvecs
for _ in 1 2 3 4 5 6 7 8 9 10; do vector >>base.fvecs; done
expect 0 '' "$program" --base base.fvecs --queries base.fvecs --method pq
header="{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
{ printf '\223NUMPY\001\000\073\000%s' "$header"; printf '\000\000\200\077\000\000\000\000'; } >one.npy
[ ${#header} -eq 59 ] || fault "the header has ${#header} characters"
expect 0 '' "$program" --base base.fvecs --queries one.npy --method pq

# Bad input gives one line and the right status.
expect 2 'no such method' "$program" --method nothing
expect 2 'not understood' "$program" --metric cosine
expect 2 'not understood' "$program" --neighbors 0
expect 2 'belong together' "$program" --base base.fvecs
expect 2 'without its value' "$program" --base
expect 1 'cannot be read' "$program" --base absent.npy --queries one.npy
expect 1 'must end in' "$program" --base "$program" --queries one.npy
head -c 50 one.npy >short.npy
expect 1 'short.npy' "$program" --base short.npy --queries one.npy
head -c 50 base.fvecs >short.fvecs
expect 1 'not whole' "$program" --base short.fvecs --queries one.npy
printf '\001\000\000\000\000\000\200\077' >narrow.fvecs
expect 1 'different dimensions' "$program" --base narrow.fvecs --queries one.npy
printf '\002\000\000\000\000\000\300\177\000\000\000\000' >nan.fvecs
expect 1 'not a number' "$program" --base nan.fvecs --queries one.npy

finish
