#!/usr/bin/env python3
"""A second decoder of pith's streams of tensors (part 12 of FORMAT.md), tiers instant and rans: slow, plain.

    python3 tensor_reference.py FILE [BASE]      decodes a tensor's stream to standard output
"""
import sys

from pith_reference import Bits, Bytes, Lanes, demand, rans, read_frequencies, slots_of, xxh64

WIDTHS = [2, 2, 4, 8, 1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 1]
FLOATS = {0, 1, 2, 3, 4, 5}


def stripe_hash(data, seed):
    if len(data) < 128:
        return xxh64(data, seed)
    lanes = list(range(1, 33))
    whole = len(data) // 128 * 128
    for at in range(0, whole, 128):
        for j in range(32):
            word = int.from_bytes(data[at + 4 * j:at + 4 * j + 4], "little")
            x = (lanes[j] ^ word) * 0x9E3779B1 & 0xFFFFFFFF
            lanes[j] = (x << 15 | x >> 17) & 0xFFFFFFFF
    return xxh64(b"".join(x.to_bytes(4, "little") for x in lanes) + data[whole:], seed)


def values_of(kind, difference, planes, base):
    """The bytes of values from their planes, the lowest first."""
    width, bits = WIDTHS[kind], 8 * WIDTHS[kind]
    top, mask = 1 << bits - 1, (1 << bits) - 1

    def rank(v):
        return v if kind not in FLOATS else v ^ mask if v & top else v ^ top

    def unrank(r):
        return r if kind not in FLOATS else r ^ top if r & top else r ^ mask

    out = bytearray()
    for i in range(len(planes[0])):
        w = sum(planes[p][i] << 8 * p for p in range(width))
        if difference == 0 and kind in FLOATS and width > 1:
            sign, high = w >> bits - 9 & 1, w >> bits - 8
            w = sign << bits - 1 | high << bits - 9 | w & (1 << bits - 9) - 1
        elif difference:
            b = int.from_bytes(base[width * i:width * (i + 1)], "little")
            if difference == 1:
                w ^= b
            else:
                d = w >> 1 if w & 1 == 0 else -(w + 1 >> 1)
                w = unrank(rank(b) + d & mask)
        out += w.to_bytes(width, "little")
    return bytes(out)


def window_plane(source, n):
    k = source.number(1)
    demand(k <= 8, "a window of more than 8 bits")
    if k == 8:
        return source.take(n)
    base = source.number(1)
    if k == 0:
        return bytes([base]) * n
    count, w = source.number(2), (1 << k) - 1
    demand(base + w <= 256, "a window beyond the values there are")
    codes = [0] * n
    for j in range(k):
        plane = int.from_bytes(source.take(-(-n // 8)), "little")
        demand(plane >> n == 0, "padding that is not zero")
        for i in range(n):
            codes[i] |= (plane >> i & 1) << j
    demand(codes.count(w) == count, "escapes that do not fit the codes")
    packed = source.take(-(-count // 2))
    nibbles = [packed[i // 2] >> i % 2 * 4 & 15 for i in range(count)]
    demand(count % 2 == 0 or packed[-1] >> 4 == 0, "padding that is not zero")
    far = iter(source.take(nibbles.count(15)))
    escapes = []
    for d in nibbles:
        if d < 14:
            demand(d < base, "an escape below zero")
            escapes.append(base - 1 - d)
        elif d == 14:
            demand(base > 14, "an escape of zero that has a shorter name")
            escapes.append(0)
        else:
            v = next(far)
            demand(v != 0 and not base - 14 <= v < base + w, "a far value that has a shorter name")
            escapes.append(v)
    escapes = iter(escapes)
    return bytes(next(escapes) if c == w else base + c for c in codes)


def instant_block(source, tensor, first, n, base):
    out, width = b"", WIDTHS[tensor.kind]
    for at in range(0, n, 1024):
        m = min(1024, n - at)
        planes = [window_plane(source, m) for _ in range(width)][::-1]
        out += values_of(tensor.kind, tensor.difference, planes, base[width * at:width * (at + m)])
    return out


class Classes:
    def __init__(self, source, shape, values):
        cut, self.count = source.number(1), source.number(1) + 1
        demand(0 < cut < len(shape) and self.count <= 16, "classes that no encoder writes")
        rows = 1
        for d in shape[:cut]:
            rows *= d
        self.width = values // rows
        firsts = [0] + [source.number(1) for _ in range(self.count - 1)]
        demand(firsts == sorted(firsts) and firsts[-1] <= 31, "first sums that fall")
        self.class_of = [max(c for c in range(self.count) if firsts[c] <= s) for s in range(31)]
        self.rows = rans(source.take(source.varint()), rows)
        self.columns = rans(source.take(source.varint()), self.width)
        demand(max(self.rows) < 16 and max(self.columns) < 16, "a level out of range")

    def at(self, i):
        return self.class_of[self.rows[i // self.width] + self.columns[i % self.width]]


def read_table(source, precision):
    bits = Bits(source.data, source.at)
    frequencies = read_frequencies(bits, precision)
    source.at = bits.whole_byte()
    return slots_of(frequencies)


def rans_parameters(source, tensor):
    tensor.coding, tensor.tables = {}, {}
    for p in reversed(range(WIDTHS[tensor.kind])):
        coding = tensor.coding[p] = source.number(1)
        demand(coding <= 3, "a plane coded in an unknown way")
        if coding == 0:
            tensor.tables[p] = source.number(1)
        elif coding == 1:
            tensor.tables[p] = [read_table(source, 12)]
        elif coding == 2:
            demand(p + 1 == WIDTHS[tensor.kind], "classes of a lower plane")
            tensor.classes = Classes(source, tensor.shape, tensor.values)
            tensor.tables[p] = [read_table(source, 10) for _ in range(tensor.classes.count)]


def rans_plane(payload, tensor, p, first, n):
    count = 64 if n >= 32768 else 32 if n >= 8192 else 4 if n >= 1024 else 1
    classed = tensor.coding[p] == 2
    lanes = Lanes(payload, 0, count, 10 if classed else 12)
    tables = tensor.tables[p]
    out = bytes(lanes.next(i % count, tables[tensor.classes.at(first + i) if classed else 0]) for i in range(n))
    lanes.end()
    return out


def rans_block(source, tensor, first, n, base):
    width = WIDTHS[tensor.kind]
    planes = [None] * width
    for p in reversed(range(width)):
        if tensor.coding[p] == 0:
            planes[p] = bytes([tensor.tables[p]]) * n
        elif tensor.coding[p] != 3:
            payload = source.take(source.number(4))
            planes[p] = rans_plane(payload, tensor, p, first, n) if payload else None
    for p in reversed(range(width)):
        planes[p] = source.take(n) if planes[p] is None else planes[p]
    return values_of(tensor.kind, tensor.difference, planes, base)


class Tensor:
    def __init__(self, data, base=b""):
        source = Bytes(data)
        demand(source.take(4) == b"PTNS", "no stream of a tensor")
        demand(source.number(1) == 1, "a later version")
        self.tier, self.kind, flags = source.number(1), source.number(1), source.number(1)
        demand(self.tier in (0x60, 0x61) and self.kind < len(WIDTHS) and flags < 2, "an unknown tier, type or flag")
        rank, log2 = source.number(1), source.number(1)
        demand(rank <= 16 and log2 == 16, "too many dimensions, or another block size")
        self.shape = [source.varint() for _ in range(rank)]
        self.values = 1
        for d in self.shape:
            self.values *= d
        width = WIDTHS[self.kind]
        side = source.take(source.varint())
        blocks = [(source.number(4), source.number(8)) for _ in range(-(-self.values // 2**log2))]
        check = xxh64(data[:source.at], 0)
        demand(source.number(8) == check, "a damaged header")
        demand(flags == 0 or len(base) == width * self.values, "a base is missing")
        if side:
            parameters = Bytes(side)
            self.difference = parameters.number(1)
            demand(self.difference < (3 if flags else 1), "an unknown difference")
            if self.tier == 0x61:
                rans_parameters(parameters, self)
            parameters.end("the parameters")
        self.bytes = b""
        for k, (size, check) in enumerate(blocks):
            first = k << log2
            n = min(2**log2, self.values - first)
            other = base[width * first:width * (first + n)] if flags else b""
            demand(1 <= size <= n * width and (side or size == n * width), "a block's size out of range")
            coded = source.take(size)
            seed = (stripe_hash(other, k) + 1) % 2**64 if flags else k
            demand(stripe_hash(coded, seed) == check, "a damaged block")
            if size == n * width:
                self.bytes += coded
                continue
            block = Bytes(coded)
            self.bytes += (instant_block if self.tier == 0x60 else rans_block)(block, self, first, n, other)
            block.end("a block")
        source.end("a tensor")


def main(arguments):
    files = []
    for name in arguments:
        with open(name, "rb") as file:
            files.append(file.read())
    sys.stdout.buffer.write(Tensor(*files).bytes)


if __name__ == "__main__":
    main(sys.argv[1:])
