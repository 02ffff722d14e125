#!/bin/sh
# What splats promises on the command line. Usage: splats_test.sh PROGRAM
. "$(dirname "$0")/common.sh"

# Made-up splats become a sixth or less, and every attribute keeps its signal.
expect 0 '' "$program" --save coded --ply decoded.ply
awk '/smaller/ { n++; for (i = 1; i < NF; i++) if ($i == "->" && !($(i - 2) > 6 * $(i + 1))) exit 1 } END { exit n != 1 }' stdout ||
    fault "not six times smaller: $(cat stdout)"
awk '$1 ~ /^(position|shape|colour|harmonics)$/ { n++; if (!($4 > 25 && $5 > 25 && $4 < 150)) exit 1 } END { exit n != 4 }' stdout ||
    fault "an attribute lost more than it may: $(cat stdout)"
grep -q 'not of pictures' stdout || fault "it does not say that nothing is rendered"
cp stdout whole
expect 0 '' "$program" --help

# The same bytes twice; a coded file decodes to what was decoded beside the encoder.
expect 0 '' "$program" --save again
same coded again "two runs"
expect 0 '' "$program" coded --ply later.ply
same decoded.ply later.ply "decoding a saved file"
expect 0 '' "$program" decoded.ply
[ "$(grep -c '^harmonics' stdout)" -eq 1 ] || fault "no harmonics in the own PLY: $(cat stdout)"

# Keeping all values costs bytes and lowers no signal.
expect 0 '' "$program" --kept 1 --step 0.05
awk '$1 == "harmonics" { print $2, $4 }' whole stdout |
    awk 'NR == 1 { b = $1; p = $2 } NR == 2 { exit !($1 > b && $2 > p + 3) }' || fault "finer is no finer: $(cat stdout)"

# One splat without harmonics, and none at all.
header() {
    printf 'ply\nformat %s 1.0\ncomment made by hand\nelement vertex %s\n' "$1" "$2"
    for name in $3; do printf 'property float %s\n' "$name"; done
    printf 'end_header\n'
}
names='x y z nx opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3 f_dc_0 f_dc_1 f_dc_2'
floats() { i=0; while [ $i -lt "$1" ]; do printf '\000\000\200\077'; i=$((i + 1)); done; }
{ header binary_little_endian 1 "$names"; floats 15; } >one.ply
expect 0 '' "$program" one.ply --ply back.ply
expect 0 '' "$program" back.ply
header binary_little_endian 0 "$names" >none.ply
expect 0 '' "$program" none.ply

# Bad input gives one line and the right status.
expect 2 'not understood' "$program" --kept 1.5
expect 2 'not understood' "$program" --part 0
expect 2 'not understood' "$program" --colour 3
expect 2 'without its value' "$program" --save
expect 2 'one file' "$program" one.ply none.ply
expect 1 'cannot be read' "$program" absent.ply
expect 1 'not a PLY file' "$program" "$program"
{ header binary_little_endian 1 "$names"; floats 14; } >bad.ply
expect 1 'ends inside a splat' "$program" bad.ply
{ header binary_little_endian 1 "$names"; floats 16; } >bad.ply
expect 1 'bytes follow' "$program" bad.ply
{ header ascii 1 "$names"; floats 15; } >bad.ply
expect 1 'only binary_little_endian' "$program" bad.ply
header binary_little_endian 1 "$names" | head -c 60 >bad.ply
expect 1 'does not end' "$program" bad.ply
{ header binary_little_endian 1 "${names#x }"; floats 14; } >bad.ply
expect 1 'missing' "$program" bad.ply
{ header binary_little_endian 1 "$names x"; floats 16; } >bad.ply
expect 1 'twice' "$program" bad.ply
{ header binary_little_endian 1 "$names" | sed 's/property float nx/property list uchar int nx/'; floats 15; } >bad.ply
expect 1 'one number' "$program" bad.ply
{ header binary_little_endian 99999999999999999999 "$names"; floats 15; } >bad.ply
expect 1 'number of vertices' "$program" bad.ply
{ header binary_little_endian 900000000 "$names"; floats 15; } >bad.ply
expect 1 '(' "$program" bad.ply
{ header binary_little_endian 1 "$names"; floats 14; printf '\000\000\300\177'; } >bad.ply
expect 1 'not a number' "$program" bad.ply
size=$(wc -c <coded)
for at in 9 40 200 $((size / 2)) $((size - 3)); do
    damage coded "$at"
    expect 1 'damaged' "$program" damaged
done
head -c $((size / 2)) coded >damaged
expect 1 'damaged' "$program" damaged
finish
