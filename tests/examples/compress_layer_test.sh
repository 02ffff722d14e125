#!/bin/sh
# What compress_layer promises on the command line. Usage: compress_layer_test.sh PROGRAM
. "$(dirname "$0")/common.sh"

methods=$("$program" --help | awk '/^  [a-z]/ { print $1 }')
[ "$(echo "$methods" | wc -l)" -ge 9 ] || fault "--help lists: $methods"

# Every method on the made-up layer: bits and errors within reach, the coded steps ahead of GPTQ at fewer bits.
expect 0 '' "$program"
[ "$(wc -l <stdout)" -eq $(($(echo "$methods" | wc -l) + 2)) ] || fault "not one line for each method: $(cat stdout)"
awk 'NR > 2 && !($2 > 0.5 && $2 < 6 && $3 < -3) { exit 1 }' stdout || fault "a figure out of range: $(cat stdout)"
awk '$1 == "gptq" { bits = $2; error = $3 } $1 == "rtn" { if (!($3 > -14)) exit 1 }
     $1 == "coded" { if (!($2 < bits && $3 < error - 3)) exit 1 }' stdout || fault "not in order: $(cat stdout)"

# What is written restores, and what is restored can be read again.
for method in $methods; do
    expect 0 '' "$program" --method "$method" -f -o stored
    expect 0 '' "$program" -d -f -o "$method.npy" stored
    [ "$(wc -c <"$method.npy")" -eq $((128 + 192 * 256 * 4)) ] || fault "$method restores $(wc -c <"$method.npy") bytes"
    bits=$("$program" --method "$method" | awk 'NR == 3 { print $2 }')
    [ "$(awk "BEGIN { print int($bits * 192 * 256 / 8 + 0.5) - $(wc -c <stored) }" | tr -d -)" -le 4 ] || fault "$method: $bits bits, $(wc -c <stored) bytes"
done
expect 0 '' "$program" --method gptq --bits 2 --group 32 gptq.npy rtn.npy
expect 0 '' "$program" --method coded --bits 1.7 -f -o coded gptq.npy rtn.npy
expect 0 '' "$program" --method eora --rank 4 gptq.npy rtn.npy

# Damage and truncation of every kind of part give one line and status 1, and no file.
for method in gptq spqr squeezellm decoupleq gqsa nowag dobi-svd eora coded; do
    expect 0 '' "$program" --method $method -f -o stored
    size=$(wc -c <stored)
    at=0
    while [ $at -lt "$size" ]; do
        damage stored $at
        expect 1 'at byte' "$program" -d -o back damaged
        at=$((at + 1 + size / 8))
    done
    head -c $((size / 2)) stored >damaged
    expect 1 'truncated' "$program" -d -o back damaged
done
[ ! -e back ] || fault "a damaged file was restored"

# Bad input gives one line and the right status.
expect 1 'No such file' "$program" absent.npy rtn.npy
expect 1 'not a .npy file' "$program" "$program" rtn.npy
head -c 1000 rtn.npy >short.npy
expect 1 'as large as its header says' "$program" short.npy rtn.npy
header="{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
one() { printf '\223NUMPY\001\000\073\000%s' "$header"; printf "\\000\\000\\200\\077\\000\\000$1"; }
one '\200\077' >one.npy
one '\300\177' >nan.npy
expect 1 '2 columns, the weights have 256' "$program" rtn.npy one.npy
expect 1 'four samples' "$program" one.npy one.npy
expect 1 'not a number' "$program" nan.npy one.npy
expect 1 'whole bits' "$program" --method gptq --bits 2.5
expect 1 'side information' "$program" --method coded --bits 0.05
expect 2 'no such method' "$program" --method nothing
expect 2 'bits are a number' "$program" --bits nine
expect 2 'power of two' "$program" --group 12
expect 2 'belong together' "$program" one.npy
expect 2 'exactly one --method' "$program" -o out
expect 2 'one file' "$program" -d stored
expect 1 'exists already' "$program" --method gptq -o stored
expect 1 'bad_magic' "$program" -d -o back one.npy
no_leftovers "everything"

finish
