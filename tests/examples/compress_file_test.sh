#!/bin/sh
# What compress_file promises on the command line. Usage: compress_file_test.sh PROGRAM
. "$(dirname "$0")/common.sh"

# --- Round trips -----------------------------------------------------------------------------------------
seq 1 60000 >text
: >empty
printf x >one
cat "$program" >binary
head -c 20000 binary >code
seq 1 300 >lines
round_trip() {
    file=$1 level=$2
    cp "$file" original
    expect 0 '' "$program" -$level -f "$file"
    same "$file" original "the input must stay"
    expect 0 '' "$program" -t "$file.pith"
    expect 0 '' "$program" -d -o back -f "$file.pith"
    same "$file" back "level $level"
}
through_pipe() {
    "$program" -$2 <"$1" | "$program" -d >back || fault "a pipe of level $2 failed"
    same "$1" back "level $2 through a pipe"
}
for file in text empty one binary; do
    for level in 1 2 3 4 5 6; do
        round_trip $file $level
        through_pipe $file $level
    done
done
for level in 7 8 9; do  # slow, so little input
    round_trip empty $level
    round_trip code $level
done
round_trip lines 7
through_pipe code 7
[ "$(wc -c <lines.pith)" -lt 500 ] || fault "lines have $(wc -c <lines.pith) bytes at level 7"
"$program" -l lines.pith | grep -q '^recipe  *fast$' || fault "-l does not know level 7: $("$program" -l lines.pith)"
expect 0 '' "$program" -f text
expect 0 '' "$program" -f empty
[ "$(wc -c <text.pith)" -lt "$(wc -c <text)" ] || fault "text did not shrink"
[ "$(wc -c <empty.pith)" -eq 44 ] || fault "an empty file has $(wc -c <empty.pith) bytes"
for threads in 1 2 3 8; do
    "$program" -T $threads -B 4K -c text >"threads.$threads"
    same threads.1 "threads.$threads" "threads must not change the bytes"
    "$program" -T $threads -dc "threads.$threads" >back
    same text back "$threads threads"
done
expect 0 '' "$program" -c text
cp stdout straight
expect 0 '' "$program" -f text
same straight text.pith "-c must give what a file gets"
expect 0 '' "$program" -dc text.pith
same stdout text "-dc"
no_leftovers "round trips"

# --- Permissions, links and existing files -----------------------------------------------------------------
chmod 640 text
expect 0 '' "$program" -f text
[ "$(stat -c %a text.pith)" = 640 ] || fault "permissions became $(stat -c %a text.pith)"
echo precious >kept
expect 1 'exists already' "$program" -o kept text
[ "$(cat kept)" = precious ] || fault "an existing file was changed"
expect 1 'exists already' "$program" text
expect 0 '' "$program" -f -o kept text
same kept text.pith "-f must replace"
echo precious >target
ln -s target link
expect 0 '' "$program" -f -o link text
[ -L link ] || fault "a link was replaced by a file"
same target text.pith "the target of a link"

# --- Wrong input ---------------------------------------------------------------------------------------------
expect 1 'No such file' "$program" missing
expect 1 'No such file' "$program" -d missing.pith
expect 1 'No such file' "$program" -o no/such/folder text
mkdir directory
expect 1 'Is a directory' "$program" directory
expect 1 'Is a directory' "$program" -f -o directory text
for mode in -d -t -l; do
    expect 1 'truncated' "$program" $mode -o out empty
    expect 1 'bad_magic' "$program" $mode -o out text
done
[ ! -e out ] || fault "a wrong input left an output"

size=$(wc -c <text.pith)
echo precious >kept
for offset in 0 4 6 9 13 21 24 29 33 50 1000 $((size / 2)) $((size - 20)) $((size - 15)) $((size - 1)); do
    damage text.pith "$offset"
    expect 1 'at byte' "$program" -t damaged
    expect 1 'at byte' "$program" -d -f -o kept damaged
    [ "$(cat kept)" = precious ] || fault "damage at $offset changed an existing file"
done
for length in 1 15 23 24 30 100 $((size - 20)) $((size - 1)); do
    dd if=text.pith of=damaged bs="$length" count=1 2>/dev/null
    expect 1 'truncated at byte' "$program" -d -o new damaged
    [ ! -e new ] || fault "a cut file left an output"
done
(cat text.pith && printf x) >damaged
expect 1 "trailing_data at byte $size" "$program" -t damaged
no_leftovers "damaged input"

# --- No room, no permission ---------------------------------------------------------------------------------------
if [ -c /dev/full ]; then
    expect 1 'No space left' "$program" -f -o /dev/full text
    expect 1 'No space left' "$program" -d -f -o /dev/full text.pith
    [ -c /dev/full ] || fault "/dev/full was replaced"
    "$program" -c text >/dev/full 2>stderr && fault "a full standard output gave success"
    grep -q 'No space left' stderr || fault "a full standard output said $(cat stderr)"
fi
expect 0 '' "$program" -f -o /dev/null text
[ -c /dev/null ] || fault "/dev/null was replaced"
echo precious >kept
(ulimit -f 8 && "$program" -d -f -o kept text.pith) 2>stderr && fault "a file above the allowed size gave success"
grep -q 'File too large' stderr || fault "a file above the allowed size said: $(cat stderr)"
[ "$(cat kept)" = precious ] || fault "an existing file was changed for want of room"
no_leftovers "too little room"
mkdir tiny
if mount -t tmpfs -o size=64k none tiny 2>/dev/null; then
    echo precious >tiny/kept
    expect 1 'No space left' "$program" -d -f -o tiny/kept text.pith
    [ "$(cat tiny/kept)" = precious ] || fault "an existing file on a full disk was changed"
    no_leftovers "a full disk"
    umount tiny
else
    echo "no right to mount: a small file system was not tried"
fi
if [ "$(id -u)" -ne 0 ]; then
    mkdir closed && chmod 555 closed
    expect 1 'Permission denied' "$program" -o closed/out text
    cp text secret && chmod 000 secret
    expect 1 'Permission denied' "$program" secret
    chmod 755 closed
elif command -v setpriv >/dev/null && chmod 755 "$folder" && mkdir closed && cp text secret && chmod 600 secret &&
    setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$program" 2>/dev/null; then
    user="setpriv --reuid 65534 --regid 65534 --clear-groups"
    expect 1 'Permission denied' $user "$program" -o closed/out text
    expect 1 'Permission denied' $user "$program" secret
    expect 1 'Permission denied' $user "$program" -f -o secret text.pith
else
    echo "no other user: permissions were not tried"
fi

# --- Usage, terminals, signals, listing ------------------------------------------------------------------------------
expect 2 'only one file' "$program" text empty
expect 2 'name the output' "$program" -d text
expect 2 'power of two' "$program" -B 5000 text
expect 2 'from 0 to 256' "$program" -T many text
expect 2 'does not go with' "$program" -c -o out text
"$program" -x text >/dev/null 2>&1
[ $? -eq 2 ] || fault "an unknown option is not status 2"
"$program" -h | grep -q usage || fault "-h prints no usage"

if command -v script >/dev/null; then
    script -qec "'$program' -c text" /dev/null >stdout 2>&1 </dev/null
    [ $? -eq 2 ] || fault "compressed data went to a terminal"
    grep -q 'not written to a terminal' stdout || fault "on a terminal it said: $(cat stdout)"
    script -qec "'$program' -f text" /dev/null </dev/null | grep -q '%' || fault "there is no bar on a terminal"
    script -qec "'$program' -qf text" /dev/null </dev/null | grep -q . && fault "-q is not quiet"
fi

for signal in INT TERM HUP; do
    mkfifo slow
    (trap - INT && exec "$program" -o from_slow slow) &
    pid=$!
    exec 3<>slow  # both ways, so that opening it never waits
    cat text >&3
    tries=0
    until ls .pith-* >/dev/null 2>&1 || [ $tries -ge 50 ]; do sleep 0.1; tries=$((tries + 1)); done
    ls .pith-* >/dev/null 2>&1 || fault "there is no temporary file to be removed"
    # A shell without job control starts what runs behind it with INT ignored, and the program keeps that.
    if [ $signal = INT ] && grep -q '^SigIgn:.*[2367abef]$' "/proc/$pid/status" 2>/dev/null; then
        kill -TERM $pid
    else
        kill -$signal $pid
    fi
    wait $pid 2>/dev/null
    [ $? -gt 128 ] || fault "$signal did not end it"
    exec 3>&-
    rm slow
    [ ! -e from_slow ] || fault "$signal left an output"
    no_leftovers "signal $signal"
done

expect 0 '' "$program" -l text.pith
grep -q "^content *$(wc -c <text) bytes" stdout || fault "-l shows: $(cat stdout)"
grep -q 'frame header' stdout || fault "-l shows no footprint"
"$program" -l <text.pith | grep -q 'frame header' || fault "-l does not read standard input"

finish
