"""The second decoder of lossy formats agrees with the library on streams that lossy_streams writes just now."""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
import lossy_reference as lossy  # noqa: E402
from pith_reference import Bytes, Refused  # noqa: E402

HALVES, BY_CHANNEL = lossy.half_leaf, lossy.affine(2, 2, 8)
BLOCKS = {  # of 21 tokens and 12 channels, in two heads
    "affine": lossy.affine(3, 1, 5),
    "symmetric": lossy.affine(3, 1, 5, True),
    "heads": lossy.heads(6, lossy.mean(lossy.scale(BY_CHANNEL))),
    "polar": lossy.polar(6, HALVES),
    "ternary": lossy.token_ranges(lossy.ternary),
    "gear": lossy.channel_outliers(200, lossy.error_factors(2, BY_CHANNEL)),
    "largest": lossy.largest(300, lossy.engine(3)),
    "table": lossy.engine(4),
    "tokens": lossy.token_classes(40, HALVES, BY_CHANNEL),
    "channels": lossy.channel_classes(4, HALVES, lossy.affine(3, 1, 5)),
    "landmarks": lossy.landmarks(4, 4, 2),
}
PRODUCT = lossy.product(4)
INDEXES = {
    "product": PRODUCT,
    "residual": lossy.residual(3),
    "signs": lossy.signs_apart(PRODUCT),
    "axes": lossy.low_rank(PRODUCT, PRODUCT),
    "bits": lossy.variable_bits,
}
TABLES = {  # of 50 rows and 6 columns
    "palette": lossy.palette(3),
    "values": lambda source, rows, columns: lossy.coded_values(source.rest(), rows, columns, False),
    "importance": lossy.importance_split(4),
}
READERS = {name: lambda source, read=read: read(source, 21, 12) for name, read in BLOCKS.items()}
READERS["merged"] = lambda source: lossy.merged_layers(2, 6)(source, 21, 24)
READERS.update({name: lossy.index(load) for name, load in INDEXES.items()})
READERS.update({name: lambda source, read=read: read(source, 50, 6) for name, read in TABLES.items()})
READERS["splats"] = lossy.splats
# What FORMAT.md leaves to the order of sums, or to sines, agrees up to rounding; all else bit for bit.
ROUNDED = {"polar", "axes", "bits", "splats"}


def decoded(name, data):
    source = Bytes(data)
    rows = READERS[name](source)
    source.end("the stream")
    return [v for row in rows for v in row]


def check(name, data, values):
    found = decoded(name, data)
    if len(found) != len(values):
        sys.exit(f"{name}: {len(found)} values, not {len(values)}")
    most = max(abs(v) for v in values) * 2**-20 if name in ROUNDED else 0
    for i, (a, b) in enumerate(zip(found, values)):
        if not abs(a - b) <= most:
            sys.exit(f"{name}: value {i} is {a}, not {b}")
    for wrong in (data[:-1], data + b"\0"):
        try:  # an arithmetic code less a byte may be the code of other values
            same = decoded(name, wrong) == found
        except Refused:
            same = False
        if same:
            sys.exit(f"{name}: a byte less or more was not seen")


def main():
    program = pathlib.Path(os.environ["PITH_BINARY_DIR"]) / "tests/reference/lossy_streams"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder], check=True)
        written = {path.stem for path in pathlib.Path(folder).glob("*.bytes")}
        if written != set(READERS):
            sys.exit(f"streams without a reader or the other way: {written ^ set(READERS)}")
        for name in READERS:
            raw = (pathlib.Path(folder) / f"{name}.values").read_bytes()
            check(name, (pathlib.Path(folder) / f"{name}.bytes").read_bytes(),
                  struct.unpack("<%df" % (len(raw) // 4), raw))
    print(f"{len(READERS)} lossy streams agree")


if __name__ == "__main__":
    main()
