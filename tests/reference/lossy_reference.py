"""A second decoder of lossy formats: blocks of parts (14.2), indexes of vectors (15), tables (16) of FORMAT.md.
Every function takes a Bytes and gives rows of numbers. Slow, plain; no part that computes its constants."""
import math
import struct

from pith_reference import Bits, Bytes, StreamDecoder, decode_sections, demand


def f32(v):
    return struct.unpack("<f", struct.pack("<f", v))[0]


def floats(source, count):
    return list(struct.unpack("<%df" % count, source.take(4 * count)))


def half(source):
    v = struct.unpack("<e", source.take(2))[0]
    demand(math.isfinite(v), "a half that is not finite")
    return v


def halves(source, count):
    return [half(source) for _ in range(count)]


def codes(source, count, width):
    """Codes of `width` bits, or of the widths in a list, with zero bits up to a whole byte."""
    widths = width if isinstance(width, list) else [width] * count
    bits = Bits(source.take((sum(widths) + 7) // 8))
    out = [bits.take(w) for w in widths]
    bits.whole_byte()
    return out


def mask(source, count, ones):
    bits = codes(source, count, 1)
    demand(sum(bits) == ones, "a mask with another number of ones")
    return [i for i in range(count) if bits[i]]


def share(thousandths, n):
    return (n * thousandths + 500) // 1000


def turned(rows, columns):
    return [[row[c] for row in rows] for c in range(columns)]


# --- 14.2: leaves. Each takes the source and the shape of its matrix ---------------------------------------------

def half_leaf(source, rows, columns):
    return [halves(source, columns) for _ in range(rows)]


def affine(bits, axis, group, symmetric=False):
    def read(source, rows, columns):
        if rows * columns == 0:
            return [[] for _ in range(rows)]
        g = min(group, columns if axis == 1 else rows) or (columns if axis == 1 else rows)
        along = -(-columns // g)

        def number(r, c):
            return r * along + c // g if axis == 1 else r // g * columns + c
        count = max(number(r, c) for r in range(rows) for c in range(columns)) + 1
        lines = []
        for _ in range(count):
            scale = half(source)
            demand(scale >= 0, "a scale below zero")
            lines.append((scale, -f32(scale * (2**bits - 2) / 2) if symmetric else half(source)))
        raw = codes(source, rows * columns, bits)

        def value(r, c):
            scale, offset = lines[number(r, c)]
            return f32(f32(raw[r * columns + c] * scale) + offset)
        return [[value(r, c) for c in range(columns)] for r in range(rows)]
    return read


def ternary(source, rows, columns):
    scales, digits = halves(source, columns), []
    for byte in source.take(-(-rows * columns // 5)):
        for _ in range(5):
            digits.append(byte % 3)
            byte //= 3
        demand(byte == 0, "a byte of more than five digits")
    demand(not any(digits[rows * columns:]), "digits behind the last one")
    return [[(digits[c * rows + r] - 1) * scales[c] for c in range(columns)] for r in range(rows)]


LEVELS = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]


def engine(kind):
    def run(source, n):
        scale = half(source)
        low = half(source) if kind == 3 else 0
        raw = codes(source, n, [8, 5, 4, 4, 4][kind])
        if kind == 4:
            return [f32(LEVELS[k] * scale) for k in raw]
        return [f32(f32((k - [128, 16, 8, 0][kind]) * scale) + low) for k in raw]

    def read(source, rows, columns):
        return [sum((run(source, min(32, columns - c)) for c in range(0, columns, 32)), []) for _ in range(rows)]
    return read


def add_factors(source, rank, out, columns):
    rank = min(rank, len(out), columns)
    left = [halves(source, len(out)) for _ in range(rank)]
    right = [halves(source, columns) for _ in range(rank)]
    for t, row in enumerate(out):
        for j in range(rank):
            for c in range(columns):
                row[c] = f32(row[c] + f32(left[j][t] * right[j][c]))
    return out


def landmarks(rank, chunk, exact):
    def read(source, rows, columns):
        n = -(-rows // chunk)
        half_leaf(source, n, columns)
        kept = {}
        for k in mask(source, n, min(exact, n)):
            for r in range(k * chunk, min(rows, (k + 1) * chunk)):
                kept[r] = halves(source, columns)
        out = add_factors(source, rank, [[0.0] * columns for _ in range(rows)], columns)
        return [kept.get(r, out[r]) for r in range(rows)]
    return read


def merged_layers(heads, size):
    def read(source, rows, columns):
        chosen = codes(source, rows * heads, 1)
        out = [[0.0] * columns for _ in range(rows)]
        for i, apart in enumerate(chosen):
            first = i % heads * size
            second = columns // 2 + first
            if apart:
                a, b = halves(source, size), halves(source, size)
            else:
                norms = halves(source, 2)
                demand(min(norms) >= 0, "a norm below zero")
                way = halves(source, size)
                a, b = ([f32(v * norm) for v in way] for norm in norms)
            out[i // heads][first:first + size] = a
            out[i // heads][second:second + size] = b
        return out
    return read


def token_classes(percent, high, low):
    def read(source, rows, columns):
        chosen = mask(source, rows, share(10 * percent, rows))
        upper, lower = iter(high(source, len(chosen), columns)), iter(low(source, rows - len(chosen), columns))
        return [next(upper if r in chosen else lower) for r in range(rows)]
    return read


def channel_classes(count, high, low):
    def read(source, rows, columns):
        chosen = mask(source, columns, count)
        upper = iter(turned(high(source, rows, count), count))
        lower = iter(turned(low(source, rows, columns - count), columns - count))
        return turned([next(upper if c in chosen else lower) for c in range(columns)], rows)
    return read


# --- 14.2: stages. Each takes what follows it ------------------------------------------------------------------------

def heads(size, inner):
    def read(source, rows, columns):
        parts = [inner(source, rows, size) for _ in range(columns // size)]
        return [sum((part[r] for part in parts), []) for r in range(rows)]
    return read


def mean(inner):
    def read(source, rows, columns):
        means = halves(source, columns)
        return [[f32(v + m) for v, m in zip(row, means)] for row in inner(source, rows, columns)]
    return read


def scale(inner):
    def read(source, rows, columns):
        factors = halves(source, columns)
        demand(min(factors) > 0, "a factor that is not above zero")
        return [[f32(v * f) for v, f in zip(row, factors)] for row in inner(source, rows, columns)]
    return read


def polar(size, inner):
    def read(source, rows, columns):
        out = []
        for row in inner(source, rows, columns):
            plain = list(row)
            for h in range(0, columns, size):
                for j in range(h, h + size // 2):
                    angle = 2 * math.pi * row[j + size // 2]
                    plain[j] = row[j] * math.cos(angle)
                    plain[j + size // 2] = row[j] * math.sin(angle)
            out.append(plain)
        return out
    return read


def token_ranges(inner):
    def read(source, rows, columns):
        ranges = [halves(source, 2) for _ in range(rows)]
        return [[f32(f32(v * w) + m) for v in row] for row, (m, w) in zip(inner(source, rows, columns), ranges)]
    return read


def channel_outliers(thousandths, inner):
    def read(source, rows, columns):
        found = [[(source.number(2), half(source)) for _ in range(2 * share(thousandths, rows // 2))]
                 for _ in range(columns)]
        out = inner(source, rows, columns)
        for c, line in enumerate(found):
            demand(all(a[0] < b[0] for a, b in zip(line, line[1:])), "places that do not rise")
            for r, v in line:
                out[r][c] = v
        return out
    return read


def error_factors(rank, inner):
    def read(source, rows, columns):
        return add_factors(source, rank, inner(source, rows, columns), columns)
    return read


def largest(thousandths, inner):
    def read(source, rows, columns):
        count = share(thousandths, columns)
        chosen = [mask(source, columns, count) for _ in range(rows)]
        out = [[0.0] * columns for _ in range(rows)]
        for row, places, values in zip(out, chosen, inner(source, rows, count)):
            for c, v in zip(places, values):
                row[c] = v
        return out
    return read


# --- 15: indexes -------------------------------------------------------------------------------------------------------

def parts_of(dimension, parts):
    return [dimension // parts + (p < dimension % parts) for p in range(parts)]


def codebook(source, entries, size):
    centre = floats(source, size)
    return [[f32(a + b) for a, b in zip(floats(source, size), centre)] for _ in range(entries)]


def product(bits):
    """The dimension, and what decodes a code."""
    def load(source):
        dimension, parts = source.number(4), source.number(4)
        books = [codebook(source, 2**bits, size) for size in parts_of(dimension, parts)]

        def decode(code):
            return sum((book[k] for book, k in zip(books, codes(code, parts, bits))), [])
        return dimension, decode
    return load


def residual(bits):
    def load(source):
        dimension, groups, stages, _ = (source.number(4) for _ in range(4))
        books = [[codebook(source, 2**bits, size) for _ in range(stages)] for size in parts_of(dimension, groups)]

        def decode(code):
            indices, out = iter(codes(code, groups * stages, bits)), []
            for group in books:
                entries = [book[next(indices)] for book in group]
                total = entries[0]
                for entry in entries[1:]:
                    total = [f32(a + b) for a, b in zip(total, entry)]
                out += total
            return out
        return dimension, decode
    return load


def signs_apart(inner):
    def load(source):
        dimension, sizes = inner(source)

        def decode(code):
            signs = codes(code, dimension, 1)
            return [-v if s else v for s, v in zip(signs, sizes(code))]
        return dimension, decode
    return load


def axes(source):
    dimension, rank = source.number(4), source.number(4)
    middle, rows = floats(source, dimension), [floats(source, dimension) for _ in range(rank)]

    def expand(y):
        return [m + sum(v * row[i] for v, row in zip(y, rows)) for i, m in enumerate(middle)]
    return dimension, rank, expand


def low_rank(first, second):
    def load(source):
        dimension, rank, expand = axes(source)
        (few, coordinates), (all_of, rest) = first(source), second(source)
        demand((few, all_of) == (rank, dimension), "quantizers of other dimensions")

        def decode(code):
            return [a + b for a, b in zip(expand(coordinates(code)), rest(code))]
        return dimension, decode
    return load


def variable_bits(source):
    dimension, rank, expand = axes(source)
    widths = list(source.take(rank))
    levels = [floats(source, 2**w) for w in widths]

    def decode(code):
        return expand([own[k] for own, k in zip(levels, codes(code, rank, widths))])
    return dimension, decode


def section_name(section):
    return section.id.to_bytes(4, "little").decode()


def index(load):
    def read(source):
        head, parameters, stored = decode_sections(source.rest())
        demand([section_name(s) for s in (head, parameters, stored)] == ["INDX", "QUAN", "CODE"], "other sections")
        header, quantizer, code = Bytes(head.payload), Bytes(parameters.payload), Bytes(stored.payload)
        count, size, metric = header.number(8), header.number(4), header.number(4)
        demand(metric == 0, "another metric")
        _, decode = load(quantizer)
        out = []
        for _ in range(count):
            one = Bytes(code.take(size))
            out.append(decode(one))
            one.end("a code")
        for part, what in ((header, "the header"), (quantizer, "the parameters"), (code, "the codes")):
            part.end(what)
        return out
    return read


# --- 16: tables --------------------------------------------------------------------------------------------------------

class Counter:
    def __init__(self):
        self.ones, self.seen = 1 << 23, 0

    def bit(self, stream):
        bit = stream.bit(max(1, self.ones >> 8))
        twice = 2 * ((2**24 - 1 if bit else 1) - self.ones)
        step = abs(twice) // (2 * self.seen + 3)
        self.ones += step if twice > 0 else -step
        self.seen = min(self.seen + 1, 4095)
        return bit


class IndexModel:
    def __init__(self):
        self.zero, self.negative = Counter(), Counter()
        self.more, self.longer = [Counter() for _ in range(14)], [Counter() for _ in range(24)]

    def index(self, stream):
        if self.zero.bit(stream):
            return 0
        sign = -1 if self.negative.bit(stream) else 1
        size = 1
        while size <= 14 and self.more[size - 1].bit(stream):
            size += 1
        if size == 15:
            e, v = 0, 1
            while self.longer[e].bit(stream):
                e += 1
            for _ in range(e):
                v = 2 * v + stream.bit(32768)
            size = 14 + v
        return sign * size


class SymbolTree:
    def __init__(self, bits):
        self.bits, self.nodes = bits, [Counter() for _ in range(1 << bits)]

    def symbol(self, stream):
        node = 1
        for _ in range(self.bits):
            node = 2 * node + self.nodes[node].bit(stream)
        return node - (1 << self.bits)


def symbols(data, count, bits, columns):
    stream, trees = StreamDecoder(data), [SymbolTree(bits) for _ in range(columns)]
    out = [trees[i % columns].symbol(stream) for i in range(count)]
    stream.end()
    return out


def coded_values(data, rows, columns, per_column):
    source = Bytes(data)
    step, less = floats(source, 1)[0], source.number(1) / 512
    stream, models = StreamDecoder(source.rest()), [IndexModel() for _ in range(columns if per_column else 1)]

    def value(k):
        return f32(f32(k - less if k > 0 else k + less if k < 0 else 0) * step)
    out = [[value(models[c % len(models)].index(stream)) for c in range(columns)] for _ in range(rows)]
    stream.end()
    return out


def palette(bits):
    def read(source, rows, columns):
        levels = halves(source, 2**bits)
        raw = codes(source, rows * columns, bits)
        return [[levels[raw[r * columns + c]] for c in range(columns)] for r in range(rows)]
    return read


def importance_split(bits):
    def read(source, rows, columns):
        scales = floats(source, columns)
        sizes = [source.number(4) for _ in range(3)]
        marks, values, books = (source.take(size) for size in sizes)
        kept = symbols(marks, rows, 1, 1)
        fine = iter(coded_values(values, sum(kept), columns, True))
        coarse = iter(())
        if sum(kept) != rows:
            parameters = Bytes(books)
            _, decode = product(bits)(parameters)
            parameters.end("the codebooks")
            parts = int.from_bytes(books[4:8], "little")
            found = symbols(source.rest(), (rows - sum(kept)) * parts, bits, parts)
            packed = (sum(k << bits * p for p, k in enumerate(found[i:i + parts]))
                      for i in range(0, len(found), parts))
            coarse = (decode(Bytes(v.to_bytes((parts * bits + 7) // 8, "little"))) for v in packed)
        return [[f32(v * s) for v, s in zip(next(fine if k else coarse), scales)] for k in kept]
    return read


def splats(source):
    """Positions, shapes, colours and harmonics of all splats, as one row."""
    sections = decode_sections(source.rest())
    demand([section_name(s) for s in sections] == ["HEAD", "POSN", "SHAP", "COLR", "HARM"], "other sections")
    head = Bytes(sections[0].payload)
    count, harmonics, box = head.number(8), head.number(4), floats(head, 6)
    head.end("the header")
    stream, models, last, positions = StreamDecoder(sections[1].payload), [IndexModel() for _ in range(3)], [0] * 3, []
    for _ in range(count):
        for k in range(3):
            last[k] += models[k].index(stream)
            demand(0 <= last[k] <= 65535, "a position outside its box")
            positions.append(box[k] + last[k] * box[3 + k])
    stream.end()
    steps = [0.1, 0.04, 0.04, 0.04] + [1 / 64] * 4
    shapes = [[v * s for v, s in zip(row, steps)] for row in coded_values(sections[2].payload, count, 8, True)]
    for row in shapes:
        length = math.sqrt(sum(v * v for v in row[4:])) * (-1 if row[4] < 0 else 1)
        row[4:] = [v / length for v in row[4:]]
    colours = [[v * 0.03 for v in row] for row in coded_values(sections[3].payload, count, 3, True)]
    detail = importance_split(8)(Bytes(sections[4].payload), count, harmonics) if count and harmonics else []
    return [positions + sum(shapes + colours + detail, [])]
