"""The second decoder reads every committed stream to the frozen content, and refuses what FORMAT.md refuses."""
import functools
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

import pith_reference as reference
from pith_reference import MASK64, Refused, xxh64

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = pathlib.Path(os.environ.get("PITH_SOURCE_DIR", HERE.parents[1]))
PROGRAMS = pathlib.Path(os.environ.get("PITH_BINARY_DIR", "")) / "examples"
VECTORS = SOURCES / "tests/vectors"
DAMAGE_BUDGET = 250_000  # bytes that the damage of a stream may make decoded anew: what keeps the test quick
ADAPTIVE_COST = 30       # of a byte of the adaptive coders against one of the others

faults = []


def expect(condition, what):
    if not condition:
        faults.append(what)
    return condition


def refused(decode, data):
    try:
        decode(data)
    except Refused:
        return True
    return False


def frozen_files():
    """The rows of complete files: {name: (bytes, digest of the file, digest of its content)}."""
    rows = {}
    for line in (VECTORS / "stream_v1.txt").read_text(encoding="ascii").splitlines():
        if line.startswith("file/"):
            name, _, content, size, coded, _ = line.split()
            rows[name[len("file/"):]] = int(size), int(coded, 16), int(content, 16)
    return rows


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]


def damage(name, data, decode, cost):
    """Flipped bits and truncations, of every byte where that is cheap; how many of them are refused."""
    flips = range(0, len(data), max(1, len(data) * cost // DAMAGE_BUDGET))
    cuts = range(0, len(data), max(1, len(data) // 400))
    taken = [f"{name}: a flipped bit of byte {at} is not noticed" for at in flips
             if not refused(decode, flip(data, at))]
    taken += [f"{name}: the first {at} bytes are taken for all" for at in cuts if not refused(decode, data[:at])]
    taken += [f"{name}: a byte behind the end is not noticed"] * (not refused(decode, data + b"\0"))
    faults.extend(taken)
    return f"{len(flips) + len(cuts) + 1 - len(taken)} refused"


def remember_blocks():
    """Blocks that damage has not reached need not be decoded again."""
    for recipe, coder in reference.CODERS.items():
        reference.CODERS[recipe] = functools.lru_cache(maxsize=8)(coder)


def check_frames(rows, table):
    for path in sorted((VECTORS / "streams").glob("*.pith")):
        data = path.read_bytes()
        recipe = reference.read_header(data).recipe
        if recipe not in reference.CODERS:
            table.append((path.name, f"0x{recipe:02x}", str(len(data)), "recipe not known", ""))
            continue
        if not expect(path.name in rows, f"{path.name}: no frozen row"):
            continue
        size, coded, content = rows[path.name]
        expect(len(data) == size and xxh64(data) == coded, f"{path.name}: the file is not the frozen one")
        try:
            decoded = reference.decode_frame(data)
        except Refused as error:
            faults.append(f"{path.name}: refused: {error}")
            continue
        same = expect(xxh64(decoded) == content, f"{path.name}: other content than the frozen one")
        table.append((path.name, f"0x{recipe:02x}", str(len(data)), "equal" if same else "DIFFERENT",
                      damage(path.name, data, reference.decode_frame,
                             min(len(decoded), 4096) * (ADAPTIVE_COST if recipe & 0x30 else 1))))


def check_sections(rows, table):
    for path in sorted((VECTORS / "streams").glob("*.psec")):
        data = path.read_bytes()
        coded = rows[path.name][1]
        same = expect(xxh64(data) == coded, f"{path.name}: the file is not the frozen one")
        sections = reference.decode_sections(data)
        # What the test of the frozen rows puts in: section i is AAAA + i with 37 i bytes, the odd ones optional.
        expect([(s.id, s.flags, len(s.payload)) for s in sections]
               == [(0x41414141 + i, i % 2, 37 * i) for i in range(5)], f"{path.name}: other sections")
        expect(len(reference.decode_sections(data, lambda i: i % 2 == 1)) == 3, f"{path.name}: optional ones")
        expect(refused(lambda d: reference.decode_sections(d, lambda i: False), data),
               f"{path.name}: an unknown section was passed over")
        table.append((path.name, "-", str(len(data)), "equal" if same else "DIFFERENT",
                      damage(path.name, data, reference.decode_sections, 37 * 10)))


def check_page():
    """The numbers and the example that FORMAT.md gives."""
    for data, value in ((b"", 0xEF46DB3751D8E999), (b"a", 0xD24EC4F1A98C6E5B), (b"abc", 0x44BC2CF5AD770999)):
        expect(xxh64(data) == value, f"XXH64 of {data}")
    expect(reference.crc32c(b"123456789") == 0xE3069283, "CRC-32C")
    page = (SOURCES / "FORMAT.md").read_text(encoding="utf-8")
    example = page[page.index("    50 49 54 48  01 01"):]
    example = bytes.fromhex(example[:example.index("\n\n")])
    expect(reference.decode_frame(example) == b"aaaaa", "the example of the page")
    expect(example == frame([b"aaaaa"]), "the frame that this test makes of the example")


def frame(blocks, recipe=0, b=12, flags=1, zero=0, version=1, size=None, total=None, digest=None, coded=None,
          filling=0):
    """A frame with right checks around fields that may be wrong; `coded` makes a payload of a block."""
    total = sum(map(len, blocks)) if total is None else total
    out = struct.pack("<4sBBBBI", b"PITH", version, flags, b, zero, recipe)
    if flags & 1:
        out += struct.pack("<Q", total if size is None else size)
    check = xxh64(out) & 2**32 - 1
    out += struct.pack("<I", check)
    checks = b""
    for i, block in enumerate(blocks):
        payload = coded(block) if coded else block
        checks += struct.pack("<Q", xxh64(block, (check << 32) + i))
        out += struct.pack("<II", len(payload), len(block)) + checks[-8:] + payload
        if len(payload) < len(block):
            out += bytes([filling]) * (-(-len(block) // 1024) - len(payload))
    return out + struct.pack("<IQQ", 0, total, xxh64(checks) if digest is None else digest)


def check_refusals():
    """Frames whose checks are right, so that each refusal is that of one field."""
    full, text = bytes(4096), b"stored"

    def run(block):
        return bytes([1, block[0]])
    right = {
        "no content": frame([]), "no content size": frame([text], flags=0), "full blocks": frame([full, full]),
        "full and one": frame([full, b"x"]), "run": frame([full], 1, coded=run),
        "largest blocks": frame([text], b=26),
    }
    wrong = {
        "version 0": frame([text], version=0), "version 2": frame([text], version=2),
        "flags": frame([text], flags=3), "zero field": frame([text], zero=1),
        "block size 2^11": frame([text], b=11), "block size 2^27": frame([text], b=27),
        "content size above": frame([text], size=7), "content size below": frame([full, full], size=4096),
        "content size 2^64 - 1": frame([], size=MASK64), "total": frame([text], flags=0, total=7),
        "digest": frame([text], digest=0), "bytes behind": frame([text]) + b"\0",
        "short block first": frame([text, text]), "empty block": frame([b""]),
        "block too long": frame([full + b"x"]), "coded block of recipe 0": frame([full], coded=run),
        "coded block that is longer": frame([text], 1, coded=lambda block: b"\0" + block),
        "filling": frame([full], 1, coded=run, filling=1), "unknown recipe": frame([text], 0x3F),
        "unknown recipe, no content": frame([], 0x80000000),
        "order 1 in a short block": frame([b"a" * 63], 4, coded=lambda block: bytes([66]) + bytes(40)),
        "a choice of recipe 0": frame([full], 0x40, coded=lambda block: b"\0" + run(block)),
    }
    chosen = frame([full], 0x40, coded=lambda block: b"\3" + run(block))
    expect(not refused(reference.decode_frame, chosen), "a chosen coder is refused")
    for name, data in right.items():
        expect(not refused(reference.decode_frame, data), f"refused: {name}")
    for name, data in wrong.items():
        expect(refused(reference.decode_frame, data), f"not refused: {name}")
    moved = frame([full, bytes([1]) * 4096])
    moved = moved[:24] + moved[24 + 4112:24 + 2 * 4112] + moved[24:24 + 4112] + moved[24 + 2 * 4112:]
    expect(refused(reference.decode_frame, moved), "not refused: blocks that changed places")
    return len(wrong) + 1


def check_command_line():
    """Content on standard output and status 0, or one line on standard error and status 1."""
    program = [sys.executable, "-B", str(HERE / "pith_reference.py")]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "frame.pith"
        for data, status, out in ((frame([b"content"]), 0, b"content"), (frame([b"content"])[:-1], 1, b"")):
            path.write_bytes(data)
            done = subprocess.run(program + [str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            expect((done.returncode, done.stdout, done.stderr.count(b"\n")) == (status, out, status),
                   f"the command line gives status {done.returncode} where it should give {status}")


def check_compressor(table):
    """Frames of several blocks that the file compressor of this build makes, where it has been built."""
    program = PROGRAMS / "compress_file"
    if not program.exists():
        return
    text = (VECTORS / "text.txt").read_bytes() * 20
    # Many rare values: rANS takes 13 bits of precision.
    peaks = bytes(130 + i // 333 % 60 if i % 333 == 0 else 120 + (i * i >> 3) % 4 for i in range(200000))
    for level, block, text in (("-1", "4K", text), ("-3", "4K", text), ("-5", "4K", text), ("-6", "4K", text),
                               ("-2", "256K", peaks)):
        made = subprocess.run([str(program), level, "-q", "-c", "-B", block], input=text, stdout=subprocess.PIPE)
        name = f"compress_file {level}"
        try:
            same = made.returncode == 0 and reference.decode_frame(made.stdout) == text
            recipe = f"0x{reference.read_header(made.stdout).recipe:02x}"
        except Refused as error:
            same, recipe = False, str(error)
        expect(same, f"{name}: other content")
        table.append((name, recipe, str(len(made.stdout)), "equal" if same else "DIFFERENT", ""))


def main():
    rows, table = frozen_files(), []
    if not rows:
        print("no committed streams")
        return 77
    remember_blocks()
    check_page()
    count = check_refusals()
    check_command_line()
    check_frames(rows, table)
    check_sections(rows, table)
    check_compressor(table)
    missing = set(rows) - {path.name for path in (VECTORS / "streams").iterdir()}
    expect(not missing, "frozen, but not there: " + " ".join(sorted(missing)))
    table.insert(0, ("stream", "recipe", "bytes", "content", "damage"))
    widths = [max(map(len, column)) for column in zip(*table)]
    for row in table:
        cells = [cell.rjust(width) if i == 2 else cell.ljust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
    print(f"{count} frames with right checks and one wrong field")
    for fault in faults:
        print("FAULT: " + fault)
    print("all as the page says" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
