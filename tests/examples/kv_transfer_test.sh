#!/bin/sh
# What kv_transfer promises on the command line. Usage: kv_transfer_test.sh PROGRAM
. "$(dirname "$0")/common.sh"
command -v python3 >/dev/null || { echo "no python3 to make a model"; exit 77; }
python3 -B "$here/make_llama_files.py" . || exit 1
i=0
while [ $i -lt 40 ]; do echo "then the hand of the king and the thing $((i * i % 37))"; i=$((i + 1)); done >text
run() { "$program" headers.safetensors text --prompt 40 --generate 8 --chunk 8 "$@"; }
small="headers.safetensors text --prompt 40 --generate 8 --chunk 8"

# --- Both sides: everything arrives, and the text goes on ---------------------------------------------------
expect 0 '' "$program" $small
grep -q 'received 40 of 40 tokens' stdout || fault "not all tokens arrived: $(cat stdout)"
[ "$(grep -c '^ *[1-5]  *8  *[1-4] ' stdout)" -eq 5 ] || fault "not one line for each of 5 chunks: $(cat stdout)"
expect 0 '' "$program" $small --level 4
awk '/^ *[1-5] /{ fine += $4 } END { print fine }' stdout >fine
expect 0 '' "$program" $small --level 1
awk '/^ *[1-5] /{ coarse += $4 } END { print coarse }' stdout >coarse
[ "$(cat coarse)" -lt "$(cat fine)" ] || fault "the coarse level is not smaller: $(cat coarse) and $(cat fine)"

# --- Received into codes of 4 bits, or into floats; the default is 8 bits
expect 0 '' "$program" $small --bits 4
grep -q 'received 40 of 40 tokens' stdout || fault "not all tokens arrived as 4 bits: $(cat stdout)"
expect 0 '' "$program" $small --bits 32 --level 4
grep -q 'received 40 of 40 tokens' stdout || fault "not all tokens arrived as floats: $(cat stdout)"
expect 0 '24 of 40 tokens arrived and are used' "$program" $small --bits 4 --lose 4

# --- The link's rate chooses the level: a wide one the finest but for the first chunk, a narrow one the coarsest
expect 0 '' "$program" $small --deadline 1000
awk '/^ *[1-5] / && $3 == 4 { n++ } END { exit n < 4 }' stdout || fault "a fast link does not get fine chunks: $(cat stdout)"
expect 0 '' "$program" $small --rate 20000 --deadline 0.01
awk '/^ *[1-5] / && $3 != 1 { exit 1 }' stdout || fault "a slow link gets fine chunks: $(cat stdout)"

# --- A lost connection leaves a prefix ---------------------------------------------------------------------------
expect 0 '16 of 40 tokens arrived and are used' "$program" $small --lose 3
grep -q 'received 16 of 40' stdout || fault "the prefix is not told: $(cat stdout)"
expect 0 ' 0 of 40 tokens arrived' "$program" $small --lose 1

# A sender that is killed in the middle.
"$program" send $small --rate 1000 >sent 2>&1 &
sender=$!
port=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    port=$(sed -n 's/.*port //p' sent)
    [ -n "$port" ] && break
    sleep 0.5
done
"$program" receive $small --port "$port" >received 2>complaint &
receiver=$!
i=0
while [ $i -lt 300 ] && ! grep -q '^ *1  *8 ' sent; do sleep 0.1; i=$((i + 1)); done
kill -9 $sender 2>/dev/null
wait $receiver || fault "a killed sender makes the receiver fail: $(cat complaint)"
grep -q 'tokens; goes on' received || fault "the receiver does not go on: $(cat received complaint)"
wait $sender 2>/dev/null

# --- Bytes that are no cache: recorded from a sender, changed, sent to a receiver ------------------------------
cat >serve.py <<'PY'
"""serve.py FILE: waits for one connection on a free port, which it prints, and sends it the file."""
import socket
import sys
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
c, _ = s.accept()
try:
    c.sendall(open(sys.argv[1], "rb").read())
except OSError:
    pass
c.close()
PY
cat >record.py <<'PY'
"""record.py PORT FILE: all that a sender sends."""
import socket
import sys
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
out = open(sys.argv[2], "wb")
while part := c.recv(65536):
    out.write(part)
PY
# wait_for FILE: the number that a program in the background prints.
wait_for() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -f "$1" ] && sed -n 's/^[^0-9]*\(.* \)*\([0-9][0-9]*\)$/\2/p' "$1" | head -n 1 | grep . && return
        sleep 0.5
    done
}
rm -f sent
"$program" send $small --level 2 >sent 2>&1 &
python3 -B record.py "$(wait_for sent)" stream
wait
# serve FILE STATUS WORDS: what the receiver says of it.
serve() {
    rm -f port
    python3 -B serve.py "$1" >port &
    expect "$2" "$3" "$program" receive $small --port "$(wait_for port)"
    wait
}
serve stream 0 ''
# The greeting has 20 bytes and 41 tokens of 4: the first chunk starts at 184.
damage stream 0 && serve damaged 1 'no sender of key-value caches'
damage stream 9 && serve damaged 1 'calibrated otherwise'
damage stream 18 && serve damaged 1 'does not fit the model'
damage stream 23 && serve damaged 1 'a token that the model does not have'
damage stream 184 && serve damaged 1 'no chunk of a key-value cache'
damage stream 300 && serve damaged 1 'a chunk is damaged'
head -c 10 stream >damaged && serve damaged 1 'before its greeting'
head -c 100 stream >damaged && serve damaged 1 'in the prompt'
: >damaged && serve damaged 1 'before its greeting'

# --- Files and usage ------------------------------------------------------------------------------------------------
expect 1 'No such file' "$program" missing text
expect 1 'No such file' "$program" headers.safetensors missing
expect 1 'Connection refused' "$program" receive $small --port 1
expect 1 'more than its context of 64' "$program" headers.safetensors text --prompt 60 --generate 8
expect 1 'are needed' "$program" headers.safetensors /dev/null
expect 2 'out of range' "$program" $small --level 5
expect 2 'out of range' "$program" $small --bits 5
expect 2 'no number' "$program" $small --rate x
expect 2 'no such option' "$program" $small --fast 1
expect 2 'without its value' "$program" $small --rate
"$program" --help | grep -q usage || fault "--help prints no usage"

finish
