"""Makes weight files in the working folder: good ones, and bad/NAME.safetensors with what must be said of each
in bad/list. Nothing outside Python's own library."""
import json
import os
import random
import struct

random.seed(5)


def bf16(values):
    words = [struct.unpack("<I", struct.pack("<f", v))[0] for v in values]
    return b"".join(struct.pack("<H", (w + 0x7FFF + (w >> 16 & 1)) >> 16) for w in words)


def tensors(*parts):
    """(name, dtype, shape, bytes) to the members of a header, and the data."""
    members, data = {}, b""
    for name, dtype, shape, content in parts:
        members[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    return members, data


def write(path, header, data, length=None):
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header) if length is None else length) + header + data)


def gaussian(n, scale=0.02):
    return [random.gauss(0, scale) for _ in range(n)]


layer = gaussian(96 * 64)
strange = struct.pack("<8H", 0x7F80, 0xFF80, 0x7FC1, 0xFFFF, 0x8000, 0x0001, 0x8001, 0x7F81)
members, data = tensors(
    ("layer.weight", "BF16", [96, 64], bf16(layer)),
    ("layer.bias", "F32", [33], struct.pack("<33f", *gaussian(33))),
    ("half", "F16", [7, 5, 3], struct.pack("<105e", *gaussian(105))),
    ("strange", "BF16", [2, 4], strange),
    ("scalar", "F64", [], struct.pack("<d", -0.0)),
    ("nothing", "F32", [3, 0], b""),
    ("bytes", "U8", [11], bytes(range(11))),
    ("mask", "BOOL", [4], b"\0\1\1\0"),
    ("ids", "I64", [2], struct.pack("<2q", -1, 7)),
    ("eight", "F8_E4M3", [300], bytes(random.randrange(256) for _ in range(300))))
write("model.safetensors", {"__metadata__": {"format": "pt", "who": "caf\u00e9"}, **members}, data)
write("padded.safetensors", json.dumps(members).encode() + b" " * 37, data)
# The order of the header and of the data need not be the same.
write("turned.safetensors", dict(reversed(members.items())), data)
write("empty.safetensors", {}, b"")
moved = [v + (random.gauss(0, 1e-4) if random.random() < 0.2 else 0) for v in layer]
write("next.safetensors", {"__metadata__": {"format": "pt", "who": "caf\u00e9"}, **members},
      bf16(moved) + data[2 * len(layer):])


def npy(path, descr, shape, content, fortran=False, version=1):
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    size = 10 if version == 1 else 12
    text += b" " * (63 - (size + len(text)) % 64) + b"\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text)
        f.write(content)


floats = struct.pack("<600f", *gaussian(600))
npy("one.npy", "<f4", (20, 30), floats)
npy("columns.npy", "<f4", (20, 30), floats, fortran=True, version=2)
npy("row.npy", "<f4", (600,), floats)
npy("zero.npy", "<i8", (), b"12345678")

os.mkdir("bad")
said = []


def bad(name, words, header, data=b"", length=None, raw=None):
    path = f"bad/{name}.safetensors"
    if raw is None:
        write(path, header, data, length)
    else:
        with open(path, "wb") as f:
            f.write(raw)
    said.append(f"{path}|{words}\n")


def tensor(begin, end, shape=None, dtype="U8", **more):
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end], **more}


bad("empty", "too short", b"", raw=b"")
bad("seven", "too short", b"", raw=b"1234567")
bad("text", "its header would have", b"", raw=b"this is a text and no weights at all")
bad("giant", "its header would have", b"{}", length=1 << 63)
bad("longer", "the file ends inside its header", b"{}", length=3)
bad("much_longer", "the file ends inside its header", b"{}", length=90_000_000)
bad("no_header", "does not start with {", b"", b"xx", length=0)
bad("list", "does not start with {", b"[]")
bad("cut_json", "no JSON (byte ", b'{"a":{"dtype":"U8","shape":[1],"data_offs')
bad("latin", "no JSON (byte ", b'{"caf\xe9":{}}')
bad("two_values", "no JSON (byte ", b"{}{}")
bad("huge_number", "no JSON (byte ", b'{"a":{"dtype":"U8","shape":[1e999],"data_offsets":[0,1]}}', b"x")
bad("too_large_integer", "no integer",
    b'{"a":{"dtype":"U8","shape":[36893488147419103232],"data_offsets":[0,1]}}', b"x")
bad("deep", "holds a list", b'{"a":{"shape":' + b"[" * 100000 + b"]" * 100000 + b"}}")
bad("number", "not an object", b'{"a":1}')
bad("metadata_number", "not texts only", b'{"__metadata__":{"a":1}}')
bad("metadata_list", "not an object", b'{"__metadata__":[]}')
bad("duplicate", 'the name "a" occurs twice',
    b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
    b"xx")
bad("duplicate_member", "dtype occurs twice", b'{"a":{"dtype":"U8","dtype":"U8","data_offsets":[0,1]}}', b"x")
bad("missing", "is missing", b'{"a":{"dtype":"U8","shape":[1]}}', b"x")
bad("unknown_member", "is not known", {"a": tensor(0, 1, extra=1)}, b"x")
bad("unknown_dtype", 'the dtype "Q7" is not known', {"a": tensor(0, 1, dtype="Q7")}, b"x")
bad("control", "??[31m", {"a\n\x1b[31m": tensor(0, 2)}, b"x")
bad("negative", "holds a negative number", {"a": tensor(0, 1, shape=[-1])}, b"x")
bad("fraction", "no integer", {"a": tensor(0, 1, shape=[1.5])}, b"x")
bad("three_offsets", "more than two", b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}', b"x")
bad("one_offset", "fewer than two", b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}', b"x")
bad("backwards", "end before they begin", {"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 0]}}, b"x")
bad("wrong_size", "where its dtype and shape need 8", {"a": tensor(0, 4, shape=[2], dtype="F32")}, b"xxxx")
bad("product", "its shape is too large", {"a": tensor(0, 1, shape=[1 << 40, 1 << 40])}, b"x")
bad("dimensions", "more than 16 dimensions", {"a": tensor(0, 1, shape=[1] * 17)}, b"x")
bad("beyond", "of 3 bytes of data", {"a": tensor(0, 4)}, b"xxx")
bad("overlap", "overlaps", {"a": tensor(0, 3), "b": tensor(2, 5)}, b"xxxxx")
bad("hole", "a hole before", {"a": tensor(0, 2), "b": tensor(3, 5)}, b"xxxxx")
bad("hole_in_front", "a hole before", {"a": tensor(1, 2)}, b"xx")
bad("rest", "bytes follow the last tensor", {"a": tensor(0, 2)}, b"xxx")
bad("cut_data", "bytes of data", members, data[:-1])
with open("bad/list", "w") as f:
    f.writelines(said)

os.mkdir("bad_npy")
npy("bad_npy/short.npy", "<f4", (20, 31), floats)
npy("bad_npy/objects.npy", "|O", (2,), b"x")
npy("bad_npy/big_endian.npy", ">f4", (600,), floats)
npy("bad_npy/huge.npy", "<f4", (1 << 62, 1 << 62), floats)
npy("bad_npy/more_digits.npy", "<f4", (10 ** 30,), floats)
npy("bad_npy/negative.npy", "<f4", (-600,), floats)
with open("one.npy", "rb") as f:
    whole = f.read()
for cut in (6, 8, 9, 10, 40, 127, 200):
    with open(f"bad_npy/cut{cut}.npy", "wb") as f:
        f.write(whole[:cut])
with open("bad_npy/version.npy", "wb") as f:
    f.write(whole[:6] + b"\x09" + whole[7:])
with open("bad_npy/record.npy", "wb") as f:
    f.write(whole.replace(b"'<f4'", b"[('a'"))
