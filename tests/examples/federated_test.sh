#!/bin/sh
# What federated promises on the command line. Usage: federated_test.sh PROGRAM
. "$(dirname "$0")/common.sh"

# refused WORDS arguments...: status 2, nothing on stdout, the words on stderr.
refused() {
    words=$1
    shift
    "$program" "$@" >stdout 2>stderr
    got=$?
    [ "$got" -eq 2 ] || fault "$* gave status $got, not 2"
    [ -s stdout ] && fault "$* printed: $(cat stdout)"
    grep -qF -- "$words" stderr || fault "$* said, without '$words': $(cat stderr)"
}
refused "cannot read the argument: --no-such-option" --no-such-option
refused "--workers takes a number from 1 to 1000, not '0'" --workers 0
refused "--steps takes a number from 1 to 1000000, not 'many'" --steps many
refused "--steps takes a number from 1 to 1000000, not '-3'" --steps -3
refused "--seed takes a number from 0 to 4294967295, not ''" --seed
refused "--kept 9 is more than there are features, 8" --features 8 --kept 9
refused "more than 1 GiB" --workers 1000 --samples 100000 --features 100000
"$program" --help | grep -q '^usage: ' || fault "--help prints no usage"

small="--workers 4 --features 40 --samples 20 --steps 600 --kept 3"
"$program" $small >first || fault "a small run failed"
"$program" $small >second || fault "a small run failed the second time"
cmp -s first second || fault "two runs with one seed differ"

# excess METHOD: what stands under "in the end", three columns from the last.
excess() { awk -v name="$1" 'index($0, name "  ") == 1 { print $(NF - 4) }' first; }
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && a + 0 < b + 0) }'; }
for good in "EF21 top-k" "EControl top-k" "EF14 top-k"; do
    below "$(excess "$good")" "$(excess "naive top-k")" ||
        fault "$good ends at '$(excess "$good")', naive top-k at '$(excess "naive top-k")'"
done
# 3 floats and the mask of 3 in 40 places, log2 9880 = 13.3 bits: 14 bytes a step.
grep -q '^EF21 top-k .* 14 B$' first || fault "an EF21 message has not 14 bytes: $(grep '^EF21' first)"
awk 'length($0) > 100 { exit 1 }' first || fault "a line is longer than 100 characters"
"$program" --workers 1 --features 1 --samples 1 --steps 1 --kept 1 >tiny || fault "the smallest run failed"

finish
