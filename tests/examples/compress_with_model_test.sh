#!/bin/sh
# What compress_with_model promises on the command line. Usage: compress_with_model_test.sh PROGRAM
. "$(dirname "$0")/common.sh"
command -v python3 >/dev/null || { echo "no python3 to make a model"; exit 77; }

python3 -B "$here/tiny_llama.py" model words || exit 1
python3 -B "$here/tiny_llama.py" other other_words own-classifier || exit 1
with="-m model -v words"

# --- Round trips -----------------------------------------------------------------------------------------
i=0
while [ $i -lt 90 ]; do echo "then the hand of the king and the thing $((i * i % 37))"; i=$((i + 1)); done >text
: >empty
printf x >one
head -c 30000 "$program" >binary
cat text binary text >mixed
for file in text empty one binary mixed; do
    cp "$file" original
    for system in nacrith llmzip cdf; do
        expect 0 '' "$program" $with -z $system -f "$file"
        same "$file" original "the input must stay"
        expect 0 '' "$program" -t $with "$file.model"
        expect 0 '' "$program" -d $with -f -o back "$file.model"
        same "$file" back "$system"
    done
done
"$program" $with <text | "$program" -d $with >back || fault "a pipe failed"
same text back "a pipe"
expect 0 '' "$program" $with -f text
[ "$(wc -c <text.model)" -lt 1200 ] || fault "repeated text took $(wc -c <text.model) bytes"
expect 0 '' "$program" -m other -v other_words -f -o of_other text
expect 0 '' "$program" -d -m other -v other_words -f -o back of_other
same text back "a model with a classifier of its own"
no_leftovers "round trips"

# --- Another model, damaged models ------------------------------------------------------------------------
expect 1 'written with another model' "$program" -t $with of_other
cp words words2 && printf '\001' | dd of=words2 bs=1 seek=4 conv=notrunc 2>/dev/null
expect 1 'written with another model' "$program" -t -m model -v words2 text.model
size=$(wc -c <model)
for length in 0 1 27; do
    head -c $length model >cut
    expect 1 'the model ends in its header' "$program" -m cut -v words -f text
done
for length in 28 1000 $((size - 1)); do
    head -c "$length" model >cut
    expect 1 'the model ends before its weights do' "$program" -m cut -v words -f text
done
(cat model && printf x) >longer
expect 1 "the model's weights (trailing_data at byte $size)" "$program" -m longer -v words -f text
expect 1 'no model in the format' "$program" -m text -v words -f text
for field in 0 4 8 12 16 20 24; do
    for value in '\000\000\000\000' '\377\377\377\177' '\001\000\000\200' '\377\377\377\377' '\007\000\000\000'; do
        cp model damaged && printf "$value" | dd of=damaged bs=1 seek=$field conv=notrunc 2>/dev/null
        "$program" -m damaged -v words -f -o out text >stdout 2>stderr
        [ $? -eq 1 ] || fault "field $field of $value gave no error"
        [ "$(wc -l <stderr)" -eq 1 ] || fault "field $field of $value said: $(cat stderr)"
    done
done
cp model damaged && printf '\000\000\300\177' | dd of=damaged bs=1 seek=400 conv=notrunc 2>/dev/null
expect 1 'is no number' "$program" -m damaged -v words -f text
for length in 0 3 4 7 11 100 $(($(wc -c <words) - 1)); do
    head -c "$length" words >cut
    expect 1 'the vocabulary ends before its tokens do' "$program" -m model -v cut -f text
done
(cat words && printf x) >longer
expect 1 'more tokens than the model' "$program" -m model -v longer -f text
sed 's/<0x41>/<0x4Z>/' words >damaged
expect 1 'lacks tokens of single bytes' "$program" -m model -v damaged -f text
cp words damaged && printf '\377\377\377\377' | dd of=damaged bs=1 seek=8 conv=notrunc 2>/dev/null
expect 1 'the vocabulary ends' "$program" -m model -v damaged -f text

# --- Damaged streams, files, usage --------------------------------------------------------------------------
size=$(wc -c <text.model)
echo precious >kept
for offset in 0 4 9 25 40 60 $((size / 2)) $((size - 20)) $((size - 1)); do
    damage text.model "$offset"
    expect 1 'at byte' "$program" -d $with -f -o kept damaged
    [ "$(cat kept)" = precious ] || fault "damage at $offset changed an existing file"
done
for length in 1 23 30 60 $((size - 1)); do
    head -c "$length" text.model >damaged
    expect 1 'truncated at byte' "$program" -t $with damaged
done
expect 1 'bad_magic' "$program" -t $with text
expect 1 'No such file' "$program" $with missing
expect 1 'No such file' "$program" -m missing -v words text
expect 1 'No such file' "$program" -m model -v missing text
expect 1 'Is a directory' "$program" -m . -v words text
expect 1 'exists already' "$program" $with -o kept text
expect 1 'Is a directory' "$program" $with -f -o . text
[ -c /dev/full ] && expect 1 'No space left' "$program" $with -f -o /dev/full text
expect 2 'must name a model' "$program" text
expect 2 'must be nacrith' "$program" $with -z zip text
expect 2 'only one file' "$program" $with text one
expect 2 'name the output' "$program" -d $with text
expect 2 'does not go with' "$program" $with -c -o out text
"$program" -h | grep -q usage || fault "-h prints no usage"
no_leftovers "wrong input"

finish
