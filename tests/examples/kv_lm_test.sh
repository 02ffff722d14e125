#!/bin/sh
# What kv_lm promises on the command line. Usage: kv_lm_test.sh PROGRAM
. "$(dirname "$0")/common.sh"
command -v python3 >/dev/null || { echo "no python3 to make a model"; exit 77; }
python3 -B "$here/make_llama_files.py" . || exit 1
i=0
while [ $i -lt 60 ]; do echo "then the hand of the king and the thing $((i * i % 37))"; i=$((i + 1)); done >text

# numbers FILE...: the rows of measurements, without speeds.
numbers() { grep -v '"decoding"' "$@"; }

# --- All formats hold the same weights, so all say the same ----------------------------------------------------
expect 0 '' "$program" model.bin text --vocabulary words --policy exact --windows 1 --json first.json
grep -q 'perplexity' stdout || fault "no table: $(cat stdout)"
numbers first.json >first
for name in F32 F16 BF16 Q8_0 Q4_0 Q4_K Q6_K; do
    expect 0 '' "$program" $name.gguf text --policy exact --windows 1 --json other.json
    numbers other.json >other
    same first other "$name"
done
cp words tok264.bin
expect 0 '' "$program" model.bin text --policy exact --windows 1 --json other.json
numbers other.json >other
same first other "a vocabulary found beside its model"
expect 0 '' "$program" headers.safetensors text --policy exact --prompt 20 --tokens 4 --windows 1 --generate 5
grep -q 'for 5 of 5 tokens' stdout || fault "the exact cache does not go on as itself"
"$program" --list >names || fault "--list failed"
[ "$(sort names | uniq -d | wc -l)" -eq 0 ] || fault "a name occurs twice: $(sort names | uniq -d)"

# --- Every system runs, and says that it stores less than float32 -------------------------------------------------
expect 0 '' "$program" headers.safetensors text --prompt 48 --tokens 8 --windows 1 --json all.json
[ "$(grep -c '"stored"' all.json)" -eq "$(wc -l <names)" ] || fault "not all of $(wc -l <names) systems ran: $(cat stdout)"
expect 0 '' "$program" headers.safetensors text --prompt 48 --tokens 8 --windows 1 --policy "$(sed -n 2p names | tr a-z A-Z)"

# --- The model that is in the repository ----------------------------------------------------------------------
trained="$here/../../data/cpp_headers_lm.safetensors"
if [ -f "$trained" ]; then
    cat "$here"/../../include/pith/core/*.hpp >headers
    expect 0 '' "$program" "$trained" headers --policy exact --windows 1 --prompt 120 --tokens 40 --json own.json
    grep '"perplexity"' own.json | grep -Eq '"value": [1-9]\.' || fault "the model predicts badly: $(cat own.json)"
fi

# --- Damaged models ---------------------------------------------------------------------------------------------
refuse() { expect 1 "$1" "$program" "$2" text --vocabulary words --policy exact; }
for length in 0 3; do
    head -c $length F32.gguf >cut
    refuse 'the model ends in its header' cut
done
for length in 4 23; do
    head -c $length F32.gguf >cut
    refuse 'the file ends in its header' cut
done
for length in 100 500; do
    head -c $length F32.gguf >cut
    refuse 'than the file has room for' cut
done
head -c 6000 F32.gguf >cut && refuse 'a list longer than the file' cut
for name in F32 Q4_K; do
    head -c $(($(wc -c <$name.gguf) - 33)) $name.gguf >cut
    refuse 'does not lie in the file' cut
done
# put FILE OFFSET BYTES: the file with some bytes replaced, in `damaged`.
put() { cp "$1" damaged && printf "$3" | dd of=damaged bs=1 seek="$2" conv=notrunc 2>/dev/null; }
put F32.gguf 4 '\001' && refuse 'version 1' damaged
for offset in 8 16; do put F32.gguf $offset '\377\377\377\377\377\377\377\177' && refuse 'room for' damaged; done
put F32.gguf 24 '\377\377\377\377\377\377\377\177' && refuse 'the file ends in its metadata' damaged
sed 's/llama\.block_count/llama.bl0ck_count/' F32.gguf >damaged && refuse 'there must be 1 to 256 layers' damaged
sed 's/blk\.0\.attn_q/blk.0.attn_z/' F32.gguf >damaged && refuse 'there is no tensor blk.0.attn_q.weight' damaged
sed 's/blk\.1\.attn_q/blk.0.attn_q/' F32.gguf >damaged && refuse 'occurs twice' damaged
sed 's/general\.architecture/general.architectur3/' F32.gguf >damaged && refuse 'does not say its architecture' damaged

head -c 9 headers.safetensors >cut && refuse 'too short' cut
for length in 10 300; do
    head -c $length headers.safetensors >cut
    refuse 'the file ends inside its header' cut
done
head -c 20000 headers.safetensors >cut && refuse 'does not lie in the file' cut
put headers.safetensors 9 'x' && refuse 'no JSON' damaged
sed 's/"layers": "2"/"layers": "9"/' headers.safetensors >damaged && refuse 'there is no tensor layers.2.' damaged
sed 's/"heads": "4"/"heads": "0"/' headers.safetensors >damaged && refuse '1 to 256 heads' damaged
sed 's/"dim": "256"/"dim": "128"/' headers.safetensors >damaged && refuse 'not 256 x 128' damaged
sed 's/"BF16"/"BF17"/' headers.safetensors >damaged && refuse 'none of F32, F16, BF16' damaged

# --- Files and usage ----------------------------------------------------------------------------------------------
expect 1 'No such file' "$program" missing text
expect 1 'No such file' "$program" model.bin missing --vocabulary words
expect 1 'No such file' "$program" model.bin text --vocabulary missing
expect 1 'Is a directory' "$program" . text
expect 1 'cannot be cut' "$program" F32.gguf /dev/null
expect 1 'its context of 64' "$program" F32.gguf text --prompt 60 --tokens 5
expect 2 'no such system' "$program" F32.gguf text --policy zip
expect 2 'no whole number' "$program" F32.gguf text --prompt 0
expect 2 'no such option' "$program" F32.gguf text --fast 1
expect 2 'without its value' "$program" F32.gguf text --policy
"$program" --help | grep -q usage || fault "--help prints no usage"

finish
