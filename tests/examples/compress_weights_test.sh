#!/bin/sh
# What compress_weights promises on the command line. Usage: compress_weights_test.sh PROGRAM
. "$(dirname "$0")/common.sh"
command -v python3 >/dev/null || { echo "no python3 to make weights"; exit 77; }
python3 -B "$here/make_weights.py" || exit 1

# --- Round trips -----------------------------------------------------------------------------------------
for file in model.safetensors padded.safetensors turned.safetensors empty.safetensors one.npy columns.npy row.npy zero.npy; do
    cp $file original
    for tier in instant rans archive; do
        expect 0 '' "$program" --tier $tier -f $file
        same $file original "the input must stay"
        expect 0 '' "$program" -t $file.pith
        expect 0 '' "$program" -d -f -o back $file.pith
        same $file back "tier $tier"
        "$program" -l $file.pith | grep -q "^tier $tier, " || fault "-l does not know tier $tier of $file"
        [ "$(wc -c <$file.pith)" -le $(($(wc -c <$file) + 2500)) ] || fault "$file grew to $(wc -c <$file.pith)"
    done
done
expect 0 '' "$program" -f model.safetensors
[ "$(wc -c <model.safetensors.pith)" -lt "$(wc -c <model.safetensors)" ] || fault "the model did not shrink"
for threads in 1 2 5; do
    "$program" -T $threads -f -o "threads.$threads" model.safetensors
    same threads.1 threads.$threads "threads must not change the bytes"
done
mv model.safetensors kept.safetensors
expect 0 '' "$program" -d model.safetensors.pith
same model.safetensors kept.safetensors "the name without .pith"
no_leftovers "round trips"

# --- An earlier checkpoint ---------------------------------------------------------------------------------
for tier in instant rans archive; do
    expect 0 '' "$program" --tier $tier -f -o alone next.safetensors
    expect 0 '' "$program" --tier $tier --base model.safetensors -f -o after next.safetensors
    [ "$(wc -c <after)" -lt "$(wc -c <alone)" ] || fault "tier $tier: a base made $(wc -c <after) of $(wc -c <alone) bytes"
    expect 0 '' "$program" -d --base model.safetensors -f -o back after
    same back next.safetensors "tier $tier with a base"
    expect 1 'name it with --base' "$program" -t after
    expect 1 'is not the checkpoint' "$program" -t --base padded.safetensors after
done
expect 0 '' "$program" --base one.npy -f -o after model.safetensors
expect 0 '' "$program" -t --base one.npy after
expect 0 '' "$program" -t --base model.safetensors model.safetensors.pith
expect 1 'No such file' "$program" --base missing -f model.safetensors
expect 1 'too short' "$program" --base bad/empty.safetensors -f model.safetensors

# --- Tables --------------------------------------------------------------------------------------------------
"$program" -l model.safetensors.pith >table
grep -q '^layer.weight  *BF16  *\[96,64\]  *12288 ' table || fault "-l shows: $(cat table)"
grep -q "^(all)  *$(wc -c <model.safetensors)  *$(wc -c <model.safetensors.pith) " table || fault "-l shows: $(cat table)"
"$program" -l model.safetensors | grep -q '^half  *F16  *\[7,5,3\]  *210$' || fault "-l does not list a plain file"
"$program" --compare model.safetensors | grep -q '^layer.weight .* [0-9.]* %  *[0-9.]* %  *[0-9.]* %$' || fault "--compare"

# --- Malformed files ---------------------------------------------------------------------------------------
while IFS='|' read -r file words; do
    expect 1 "$words" "$program" -o out "$file"
    expect 1 "$words" "$program" -l "$file"
done <bad/list
for file in bad_npy/*; do
    "$program" -o out "$file" >stdout 2>stderr
    [ $? -eq 1 ] || fault "$file gave no error"
    [ "$(wc -l <stderr)" -eq 1 ] || fault "$file said: $(cat stderr)"
done
expect 1 'No such file' "$program" missing
expect 1 'Is a directory' "$program" bad
[ ! -e out ] || fault "a bad file left an output"

# --- Damaged archives ----------------------------------------------------------------------------------------
size=$(wc -c <model.safetensors.pith)
echo precious >kept
at=0
while [ $at -lt "$size" ]; do
    damage model.safetensors.pith $at
    expect 1 'at byte' "$program" -d -f -o kept damaged
    [ "$(cat kept)" = precious ] || fault "damage at $at changed an existing file"
    at=$((at + 1 + size / 60))
done
for length in 0 1 7 8 31 71 72 100 1000 $((size / 2)) $((size - 24)) $((size - 1)); do
    head -c $length model.safetensors.pith >damaged
    expect 1 'truncated' "$program" -t damaged
done
(cat model.safetensors.pith && printf x) >damaged
expect 1 'trailing_data' "$program" -t damaged
expect 1 'bad_magic' "$program" -t model.safetensors
expect 1 'truncated' "$program" -t bad/empty.safetensors
no_leftovers "damaged archives"

# --- Existing files, no room, usage ----------------------------------------------------------------------------
expect 1 'exists already' "$program" -o kept model.safetensors
expect 1 'exists already' "$program" model.safetensors
[ "$(cat kept)" = precious ] || fault "an existing file was changed"
expect 0 '' "$program" -f -o kept model.safetensors
same kept model.safetensors.pith "-f must replace"
expect 1 'Is a directory' "$program" -f -o bad model.safetensors
expect 1 'No such file' "$program" -o no/such/folder model.safetensors
if [ -c /dev/full ]; then
    expect 1 'No space left' "$program" -f -o /dev/full model.safetensors
    expect 1 'No space left' "$program" -d -f -o /dev/full model.safetensors.pith
fi
expect 2 'must be instant, rans or archive' "$program" --tier best model.safetensors
expect 2 'only one file' "$program" model.safetensors one.npy
expect 2 'must be named' "$program"
expect 2 'name the output' "$program" -d model.safetensors
expect 2 'from 0 to 256' "$program" -T many model.safetensors
expect 2 'pipes are not supported' "$program" -
"$program" -x >/dev/null 2>&1
[ $? -eq 2 ] || fault "an unknown option is not status 2"
"$program" -h | grep -q usage || fault "-h prints no usage"
if command -v script >/dev/null; then
    script -qec "'$program' -f model.safetensors" /dev/null </dev/null | grep -q 'verified' || fault "a terminal is told nothing"
    script -qec "'$program' -qf model.safetensors" /dev/null </dev/null | grep -q . && fault "-q is not quiet"
fi
no_leftovers "everything"

finish
