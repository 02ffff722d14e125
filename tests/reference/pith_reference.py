#!/usr/bin/env python3
"""A second decoder of pith's byte formats, written from FORMAT.md alone: slow, plain, the standard library only.

    python3 pith_reference.py FILE      decodes a frame to standard output
"""
import struct
import sys
from collections import namedtuple

MASK64 = 2**64 - 1


class Refused(ValueError):
    """The bytes are not what FORMAT.md allows, or are of a recipe that this decoder does not have."""


def demand(condition, what):
    if not condition:
        raise Refused(what)


# --- Part 5: checksums -------------------------------------------------------------------------------------

P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
                      0x27D4EB2F165667C5)


def rotl(value, count):
    value &= MASK64
    return (value << count | value >> (64 - count)) & MASK64


def xxh64_round(v, w):
    return rotl(v + w * P2, 31) * P1 & MASK64


def xxh64(data, seed=0):
    at = 0
    if len(data) >= 32:
        v = [seed + P1 + P2, seed + P2, seed, seed - P1]
        while at + 32 <= len(data):
            v = [xxh64_round(a, w) for a, w in zip(v, struct.unpack_from("<4Q", data, at))]
            at += 32
        h = rotl(v[0], 1) + rotl(v[1], 7) + rotl(v[2], 12) + rotl(v[3], 18)
        for a in v:
            h = (h ^ xxh64_round(0, a)) * P1 + P4 & MASK64
    else:
        h = seed + P5
    h = h + len(data) & MASK64
    while at + 8 <= len(data):
        h = rotl(h ^ xxh64_round(0, struct.unpack_from("<Q", data, at)[0]), 27) * P1 + P4 & MASK64
        at += 8
    if at + 4 <= len(data):
        h = rotl(h ^ (struct.unpack_from("<I", data, at)[0] * P1 & MASK64), 23) * P2 + P3 & MASK64
        at += 4
    for byte in data[at:]:
        h = rotl(h ^ (byte * P5 & MASK64), 11) * P1 & MASK64
    h = (h ^ h >> 33) * P2 & MASK64
    h = (h ^ h >> 29) * P3 & MASK64
    return h ^ h >> 32


def crc32c(data):
    register = 2**32 - 1
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 2**32 - 1


# --- Parts 1 and 6.2: bytes, bit strings and the numbers in them ---------------------------------------------

class Bytes:
    """A position in a byte string; what passes the end is refused."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        demand(count <= len(self.data) - self.at, "the bytes end too early")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def varint(self):
        value, shift, byte = 0, 0, 0x80
        while byte & 0x80:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
        demand(shift == 7 or byte != 0, "a varint with more bytes than it needs")
        demand(value <= MASK64, "a varint above its range")
        return value

    def rest(self):
        return self.take(len(self.data) - self.at)

    def end(self, what):
        demand(self.at == len(self.data), "bytes behind " + what)


class Bits:
    """A bit string from a byte on: the lowest bit of the first byte comes first."""

    def __init__(self, data, first_byte=0):
        self.data, self.at = data, 8 * first_byte

    def take(self, count):
        first, last = self.at >> 3, self.at + count + 7 >> 3
        demand(last <= len(self.data), "a bit string ends too early")
        value = int.from_bytes(self.data[first:last], "little") >> (self.at & 7)
        self.at += count
        return value & (1 << count) - 1

    def zeros(self, most=None):
        """Zero bits up to a one, which is taken as well; or `most` zero bits."""
        count = 0
        while count != most and self.take(1) == 0:
            count += 1
        return count

    def gamma(self):
        e = self.zeros()
        return 1 << e | self.take(e)

    def exp_golomb(self, k):
        return self.gamma() - 1 << k | self.take(k)

    def rice(self, k, width, cap):
        q = self.zeros(cap)
        if q == cap:
            v = self.take(width)
            demand(v >> k >= cap, "a number in the long form that has a short one")
        else:
            v = q << k | self.take(k)
            demand(v < 1 << width, "a number above its range")
        return v

    def whole_byte(self):
        """Passes over the padding; the position in bytes."""
        demand(self.take(-self.at % 8) == 0, "padding that is not zero")
        return self.at // 8


def width_of(most):
    """ceil(log2 n) of a number n = most: the bits that tell n things apart."""
    return (most - 1).bit_length()


# --- Part 6.3: frequency table -------------------------------------------------------------------------------

def read_frequencies(bits, precision=12):
    frequencies = [0] * 256
    last = bits.take(8)
    left, scale, s, after_zero = 1 << precision, 16 << precision - 6, 0, False
    while s < last:
        k = max(0, (scale // 16).bit_length() - 2)
        f = bits.exp_golomb(k) + after_zero
        after_zero = f == 0
        if f == 0:
            s += bits.exp_golomb(0)
            demand(s < last, "a run of zeros that reaches the last symbol")
        else:
            frequencies[s] = f
            left -= f
            demand(left > 0, "frequencies with too large a sum")
            scale += 4 * f - scale // 4
        s += 1
    frequencies[last] = left
    return frequencies


def read_block_table(payload, precision=12):
    """The table behind the first byte of a block; the position behind it."""
    bits = Bits(payload, 1)
    frequencies = read_frequencies(bits, precision)
    demand(max(frequencies) < 4096, "one symbol is too frequent")
    return frequencies, bits.whole_byte()


# --- Part 6.1: forms of a block ------------------------------------------------------------------------------

def block_coder(decode_coded):
    """A block coder from the function that decodes its own forms."""
    def decode(payload, n):
        form = Bytes(payload).number(1)
        if form == 0:
            demand(len(payload) == n + 1, "a stored form of another size")
            demand(len(set(payload[1:])) > 1, "a stored form of what is a run")
            return payload[1:]
        if form == 1:
            demand(len(payload) == 2, "a run form that is not two bytes")
            return payload[1:] * n
        demand(len(payload) <= n, "a coded form that is longer than the stored form should be")
        return decode_coded(form, payload, n)
    return decode


# --- Part 7: payloads without contexts -----------------------------------------------------------------------

def read_code(bits):
    """A complete prefix code as {(length, code word): value}."""
    lengths, value, before, left, present = {}, 0, 8, 1 << 11, True
    while left > 0:
        present = not present
        run = bits.gamma() - (value == 0 and not present)
        demand(value + run <= 256, "a code with a value above 255")
        for value in range(value, value + run):
            if present:
                g = bits.gamma()
                before += g // 2 if g % 2 == 0 else -(g // 2)
                demand(1 <= before <= 11, "a code length out of range")
                lengths[value] = before
                left -= 1 << 11 - before
                demand(left >= 0, "code lengths of too large a sum")
        value += run > 0
    words, word, length = {}, 0, 0
    for l, value in sorted((l, value) for value, l in lengths.items()):
        word <<= l - length
        length = l
        words[l, word] = value
        word += 1
    return words


@block_coder
def huffman(form, payload, n):
    demand(form == 2, "an unknown form of a block")
    bits = Bits(payload, 1)
    words = read_code(bits)
    rest = Bytes(payload)
    rest.take(bits.whole_byte())
    streams, sizes = 1, []
    if n >= 1024:
        streams = 6
        size_bytes = (((n // 6 + 1) * 11 // 8 + 1).bit_length() + 7) // 8
        sizes = [rest.number(size_bytes) for _ in range(5)]
    parts = [rest.take(size) for size in sizes] + [rest.rest()]
    out = bytearray()
    for k, part in enumerate(parts):
        bits = Bits(part)
        for _ in range(n * k // streams, n * (k + 1) // streams):
            length, word = 1, bits.take(1)
            while (length, word) not in words:
                length, word = length + 1, word << 1 | bits.take(1)
            out.append(words[length, word])
        demand(bits.whole_byte() == len(part), "bytes behind a stream of code words")
    return bytes(out)


def tans_spread(frequencies):
    wants = []
    for s, f in enumerate(frequencies):
        if f > 0:
            t = 2**28 // f
            wants += [(t // 2 + i * t >> 16, s) for i in range(f)]
    return [s for _, s in sorted(wants)]


@block_coder
def tans(form, payload, n):
    demand(form == 2, "an unknown form of a block")
    frequencies, at = read_block_table(payload)
    steps, numbers = [], list(frequencies)
    for s in tans_spread(frequencies):
        x = numbers[s]
        numbers[s] += 1
        b = 13 - x.bit_length()
        steps.append((s, (x << b) - 4096, b))
    bits = Bits(payload, at)
    demand(bits.zeros() < 8, "more zeros than fill a byte")
    states = [bits.take(12) for _ in range(4)]
    out = bytearray()
    for i in range(n):
        s, base, b = steps[states[i % 4]]
        out.append(s)
        states[i % 4] = base + bits.take(b)
    demand(states == [0, 0, 0, 0] and bits.at == 8 * len(payload), "a wrong end of the states")
    return bytes(out)


@block_coder
def rice(form, payload, n):
    demand(form == 2, "an unknown form of a block")
    bits = Bits(payload, 1)
    out = bytearray()
    for first in range(0, n, 1024):
        k = bits.take(3)
        out += bytes(bits.rice(k, 8, 16) for _ in range(first, min(first + 1024, n)))
    demand(bits.whole_byte() == len(payload), "bytes behind a bit string")
    return bytes(out)


# --- Part 8: payloads of rans --------------------------------------------------------------------------------

class Lanes:
    """The states of interleaved rANS coders and the words that they share."""

    def __init__(self, payload, at, lanes, precision):
        self.input = Bytes(payload)
        self.input.take(at)
        self.precision = precision
        self.states = [self.input.number(4) for _ in range(lanes)]
        demand(all(2**15 <= x < 2**31 for x in self.states), "a state out of range")

    def next(self, lane, slots):
        """The next symbol of a lane; `slots` has (symbol, its frequency, its lowest slot) for each slot."""
        x = self.states[lane]
        slot = x & (1 << self.precision) - 1
        s, f, start = slots[slot]
        x = f * (x >> self.precision) + slot - start
        if x < 2**15:
            x = x << 16 | self.input.number(2)
        self.states[lane] = x
        return s

    def end(self):
        demand(all(x == 2**15 for x in self.states), "a wrong end of the states")
        self.input.end("the words")


def slots_of(frequencies):
    slots = []
    for s, f in enumerate(frequencies):
        slots += [(s, f, len(slots))] * f
    return slots


@block_coder
def rans(form, payload, n):
    demand(form - 8 in (0, 2, 5, 6, 7, 8, 10, 13, 14, 15), "an unknown form of a block")
    precision, count = (12, 1 << form - 8) if form < 16 else (13, 1 << form - 16)
    frequencies, at = read_block_table(payload, precision)
    lanes, slots = Lanes(payload, at, count, precision), slots_of(frequencies)
    out = bytes(lanes.next(i % count, slots) for i in range(n))
    lanes.end()
    return out


def read_context_map(bits, precision, n):
    """The values that occur, the first context as a rank, and the number of the table of each rank."""
    occurs, values, at = bits.take(1), [], 0
    while at < 256:
        run = bits.gamma()
        demand(at + run <= 256, "an alphabet with a value above 255")
        values += range(at, at + run) if occurs else []
        at += run
        occurs = not occurs
    size = len(values)
    demand(size >= 2, "an alphabet of fewer than two values")
    demand(size << precision <= 64 * (n + 1) - 1, "an alphabet that is too large for the block")
    first = bits.take(width_of(size))
    demand(first < size, "a first context out of range")
    tables, known = [0], 1
    for _ in range(1, size):
        t = known if bits.take(1) == 1 else bits.take(width_of(known))
        demand(t <= known, "a table number out of range")
        known += t == known
        tables.append(t)
    return values, first, tables


class Chance:
    def __init__(self):
        self.one, self.seen = 32768, 0

    def update(self, bit):
        self.one += ((65472 if bit else 64) - self.one) * (131072 // (2 * self.seen + 3)) >> 16
        self.seen = min(self.seen + 1, 30)


class ChanceCoder:
    """The binary arithmetic coder of the frequency tables of order 1."""

    def __init__(self, payload, at):
        self.input = Bytes(payload)
        self.input.take(at)
        self.low, self.high = 0, 2**32 - 1
        self.code = int.from_bytes(self.input.take(4), "big")

    def fixed(self, p=32768):
        middle = self.low + ((self.high - self.low) * p >> 16)
        bit = self.code <= middle
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while self.low >> 24 == self.high >> 24:
            self.low = self.low << 8 & 2**32 - 1
            self.high = (self.high << 8 | 255) & 2**32 - 1
            self.code = (self.code << 8 | self.input.number(1)) & 2**32 - 1
        return int(bit)

    def bit(self, chance):
        bit = self.fixed(chance.one)
        chance.update(bit)
        return bit

    def end(self):
        demand(self.code == self.low, "a wrong end of the frequency tables")
        return self.input.at


class TableReader:
    """Reads the frequency tables of order 1 one after the other; the state is kept over all of them."""

    def __init__(self, coder, size, precision):
        self.coder, self.size, self.precision = coder, size, precision
        self.coarser = [Chance() for _ in range(12)]
        self.occurs = [[[Chance() for _ in range(7)] for _ in range(3)] for _ in range(26)]
        self.wider = [[Chance() for _ in range(13)] for _ in range(13)]
        self.second = [Chance() for _ in range(13)]
        self.expected = [None] * size

    def value(self, expected, before, left):
        e = 25 if expected is None else (expected + 4) // 8
        g = 0 if before == 0 else 1 if before <= 2 else 2
        room = left.bit_length()
        if self.coder.bit(self.occurs[e][g][room // 2]) == 0:
            return 0
        w = 1
        while w < room and w < 12 and self.coder.bit(self.wider[e // 2][w]) == 1:
            w += 1
        v = 1
        for i in range(1, w):
            v = v << 1 | (self.coder.bit(self.second[w]) if i == 1 else self.coder.fixed())
        return v

    def table(self):
        shift = 0
        while shift < self.precision and self.coder.bit(self.coarser[shift]) == 1:
            shift += 1
        left, before, values = 1 << self.precision - shift, 0, []
        for r in range(self.size):
            old = self.expected[r]
            v = 0 if left == 0 else left if r == self.size - 1 else self.value(old, before, left)
            demand(v <= left and v << shift <= 4095, "a frequency out of range")
            left -= v
            before = v.bit_length()
            if old is None:
                self.expected[r] = 16 * before
            else:
                change = 4 * (16 * before - old)
                self.expected[r] = old + (change // 16 if change >= 0 else -(-change // 16))
            values.append(v)
        demand(any(v % 2 == 1 for v in values), "a table that has a coarser form")
        return [v << shift for v in values]


def rans_order1(payload, n):
    form = Bytes(payload).number(1)
    if form < 64:
        return rans(payload, n)
    precision, lane_bits = 10 + (form - 64) // 16, form % 16
    demand(precision <= 12 and lane_bits in (2, 3, 5, 6), "an unknown form of a block")
    demand(64 <= n and len(payload) <= n, "a block that is too short for this form")
    bits = Bits(payload, 1)
    values, context, numbers = read_context_map(bits, precision, n)
    coder = ChanceCoder(payload, bits.whole_byte())
    reader = TableReader(coder, len(values), precision)
    tables = [reader.table() for _ in range(max(numbers) + 1)]
    demand(all(any(column) for column in zip(*tables)), "a value of the alphabet that no table has")
    count = 1 << lane_bits
    lanes = Lanes(payload, coder.end(), count, precision)
    slots = [slots_of(table) for table in tables]
    contexts, out, size = [context] * count, bytearray(n), n // count
    order = [(j, j * size + i) for i in range(size) for j in range(count)]
    order += [(count - 1, at) for at in range(count * size, n)]
    for lane, at in order:
        contexts[lane] = lanes.next(lane, slots[numbers[contexts[lane]]])
        out[at] = values[contexts[lane]]
    lanes.end()
    return bytes(out)


# --- Part 9: payloads of the adaptive coders -----------------------------------------------------------------

CHUNK = 2**18


def rounds_of(n, lanes, order):
    """The rounds of a chunk in order, each as [(lane, position of the byte)]; the bytes behind them are rounds
    of the last lane alone."""
    rounds = n // lanes if n >= 256 * lanes else 0
    for t in range(rounds):
        yield [(j, t * lanes + j if order == 0 else j * rounds + t) for j in range(lanes)]
    for at in range(rounds * lanes, n):
        yield [(lanes - 1, at)]


def row_of(order, last, before):
    if order < 2:
        return last * order
    return ((256 * before + last) * 0x9E3779B1 & 2**32 - 1) >> 18


class Rows(dict):
    """The rows of a model's table, each made when it is first asked for."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def __missing__(self, index):
        self[index] = self.make()
        return self[index]


def adaptive(lanes, order, make_row, open_chunk):
    """A coder of chunks. `open_chunk(source, lanes in use)` gives a function that decodes one round from the
    lanes and rows of its bytes, and one that tests the end."""
    def chunk(source, n, rows):
        decode_round, end = open_chunk(source, range(lanes) if n >= 256 * lanes else [lanes - 1])
        out, before = bytearray(n), [(0, 0)] * lanes
        for places in rounds_of(n, lanes, order):
            used = [rows[row_of(order, *before[j])] for j, _ in places]
            for (j, at), byte in zip(places, decode_round([j for j, _ in places], used)):
                out[at] = byte
                before[j] = byte, before[j][0]
        end()
        return bytes(out)

    def decode(payload, n):
        source, out = Bytes(payload), b""
        rows = Rows(make_row)
        while len(out) < n:
            size, kind = min(CHUNK, n - len(out)), source.number(1)
            demand(kind <= 1, "an unknown kind of chunk")
            if kind == 0:
                out += source.take(size)
                rows.clear()
            else:
                out += chunk(source, size, rows)
        source.end("the chunks")
        return out
    return decode


class Node:
    """A probability of a one that learns, at rate 6 or at one that grows up to it."""

    def __init__(self, rate):
        self.p, self.rate, self.served = 32768, rate, 0

    def learn(self, bit):
        q = 65537 - (1 << self.rate) if bit else 0
        self.p -= self.p - q >> self.rate
        self.served += 1
        if self.rate < 6 and self.served == 1 << self.rate - 1:
            self.rate, self.served = self.rate + 1, 0


class StreamDecoder:
    """The arithmetic decoder of one lane."""

    def __init__(self, stream):
        self.stream, self.taken, self.code, self.range = stream, 0, 0, 2**63 - 1
        self.take(8)
        demand(self.code < self.range, "a first code out of range")

    def bytes_from(self, at, count):
        """Bytes past the end of the stream are zeros."""
        return int.from_bytes(self.stream[at:at + count].ljust(count, b"\0"), "big")

    def take(self, count):
        self.code = self.code << 8 * count | self.bytes_from(self.taken, count)
        self.taken += count

    def bit(self, p):
        bound = (self.range >> 16) * p
        bit = self.code < bound
        if bit:
            self.range = bound
        else:
            self.code -= bound
            self.range -= bound
        while self.range < 2**31:
            self.range <<= 32
            self.take(4)
        return int(bit)

    def end(self):
        low = self.bytes_from(self.taken - 8, 8) - self.code
        z = max(z for z in range(9) if -low % 2**(8 * z) < self.range)
        demand(len(self.stream) == self.taken - z and self.code == -low % 2**(8 * z),
               "a stream that is not the shortest")


def open_binary(source, lanes):
    sizes = [source.varint() for _ in range(4)]
    streams = [StreamDecoder(source.take(size)) for size in sizes]

    def decode_round(lanes, rows):
        nodes = [1] * len(lanes)
        for _ in range(8):
            chances = [row[v] for row, v in zip(rows, nodes)]
            probabilities = [chance.p for chance in chances]
            bits = [streams[j].bit(p) for j, p in zip(lanes, probabilities)]
            for chance, bit in zip(chances, bits):
                chance.learn(bit)
            nodes = [2 * v + bit for v, bit in zip(nodes, bits)]
        return [v - 256 for v in nodes]

    def end():
        for stream in streams:
            stream.end()
    return decode_round, end


class Distribution:
    """Sixteen symbols; the bounds of their intervals move towards the symbols that come."""

    def __init__(self, steady):
        self.c, self.learnt, self.steady = [4096 * i for i in range(17)], 0, steady

    def symbol(self, slot):
        return max(s for s in range(16) if self.c[s] <= slot)

    def learn(self, s):
        rate = 7 if self.steady else min(7, (self.learnt + 2).bit_length())
        self.learnt += 1
        for i in range(1, 16):
            half = (self.c[i] - 1) // 2
            goal = i - 1 if i <= s else 32751 + i
            self.c[i] -= half - goal >> rate - 1


def open_nibble(source, lanes):
    count = source.varint()
    states = {j: source.number(8) for j in lanes}
    demand(all(x >= 2**32 for x in states.values()), "a state out of range")
    words = Bytes(source.take(4 * count))

    def symbols(lanes, distributions):
        for j, d in zip(lanes, distributions):
            slot = (states[j] + 2**15) % 2**16
            s = d.symbol(slot)
            states[j] = (d.c[s + 1] - d.c[s]) * (states[j] >> 16) + slot - d.c[s]
            yield s

    def decode_round(lanes, rows):
        first = [row[0] for row in rows]
        high = list(symbols(lanes, first))
        for d, s in zip(first, high):
            d.learn(s)
        second = [row[1 + s] for row, s in zip(rows, high)]
        low = []
        for j, s in zip(lanes, symbols(lanes, second)):
            low.append(s)
            if states[j] < 2**32:
                states[j] = states[j] << 32 | words.number(4)
        for d, s in zip(second, low):
            d.learn(s)
        return [16 * h + l for h, l in zip(high, low)]

    def end():
        demand(all(x == 2**32 for x in states.values()), "a wrong end of the states")
        words.end("the words in use")
    return decode_round, end


def adaptive_binary(order):
    return adaptive(4, order, lambda: Rows(lambda: Node(6 if order == 0 else 1)), open_binary)


def adaptive_nibble(order):
    return adaptive(6, order, lambda: [Distribution(order == 0) for _ in range(17)], open_nibble)


# --- Part 10: a coder chosen for each block ------------------------------------------------------------------

def smallest(payload, n):
    recipe = Bytes(payload).number(1)
    demand(1 <= recipe <= 0x3F, "a block of a recipe that cannot be chosen")
    return coder_of(recipe)(payload[1:], n)


# --- Part 2.3: recipes ---------------------------------------------------------------------------------------

CODERS = {0x01: huffman, 0x02: tans, 0x03: rans, 0x04: rans_order1, 0x05: rice, 0x40: smallest}
CODERS.update({0x10 + k: adaptive_binary(k) for k in range(3)})
CODERS.update({0x20 + k: adaptive_nibble(k) for k in range(3)})


def coder_of(recipe):
    demand(recipe in CODERS, "recipe 0x%02x is not known to this decoder" % recipe)
    return CODERS[recipe]


# --- Parts 2 and 3: frame and blocks -------------------------------------------------------------------------

Header = namedtuple("Header", "recipe block_size content_size check size")


def read_header(data):
    source = Bytes(data)
    demand(source.take(4) == b"PITH", "no frame: another magic number")
    demand(source.number(1) == 1, "a stream version that is not 1")
    flags = source.number(1)
    b, zero, recipe = source.number(1), source.number(1), source.number(4)
    content_size = source.number(8) if flags & 1 else None
    checked = xxh64(data[:source.at]) & 2**32 - 1
    check = source.number(4)
    demand(check == checked, "a header whose check differs")
    demand(flags <= 1 and zero == 0, "header bits that are not zero")
    demand(12 <= b <= 26, "a block size out of range")
    demand(content_size != MASK64, "a content size out of range")
    return Header(recipe, 1 << b, content_size, check, source.at)


def read_block(source, header, index, coded_size):
    n, check = source.number(4), source.number(8)
    demand(1 <= n <= header.block_size and coded_size <= n, "block sizes out of range")
    if coded_size == n:
        out = source.take(n)
    else:
        demand(header.recipe != 0, "a coded block in a frame of stored ones")
        payload = source.take(max(coded_size, -(-n // 1024)))
        demand(not any(payload[coded_size:]), "filling that is not zero")
        out = coder_of(header.recipe)(payload[:coded_size], n)
    demand(xxh64(out, (header.check << 32) + index & MASK64) == check, "a block whose check differs")
    return out, check


def decode_frame(data):
    header = read_header(data)
    if header.recipe != 0:
        coder_of(header.recipe)
    source = Bytes(data)
    source.take(header.size)
    out, checks, index, last_size = bytearray(), b"", 0, header.block_size
    while True:
        coded_size = source.number(4)
        if coded_size == 0:
            break
        demand(last_size == header.block_size, "a block behind the last one")
        block, check = read_block(source, header, index, coded_size)
        out += block
        checks += struct.pack("<Q", check)
        last_size = len(block)
        index += 1
    total, digest = source.number(8), source.number(8)
    demand(total == len(out), "a total that differs")
    demand(header.content_size in (None, total), "a content size that differs")
    demand(digest == xxh64(checks), "a digest that differs")
    source.end("the end mark")
    return bytes(out)


# --- Part 4: sections ----------------------------------------------------------------------------------------

Section = namedtuple("Section", "id flags payload")


def decode_sections(data, known=lambda section_id: True):
    """The sections whose ids are known."""
    source = Bytes(data)
    demand(source.take(4) == b"PSEC", "no section list: another magic number")
    demand(source.number(4) == 1, "a stream version that is not 1")
    sections, index = [], 0
    while True:
        section_id, flags, size, check = (source.number(count) for count in (4, 4, 8, 8))
        if section_id == 0 and flags == 0:
            demand(size == index, "a number of sections that differs")
            demand(check == xxh64(b"", size), "a list end whose check differs")
            source.end("the list end")
            return sections
        demand(section_id != 0 and flags <= 1, "a section with an id or flags out of range")
        payload = source.take(size)
        demand(check == xxh64(payload, section_id + (flags << 32) + index & MASK64),
               "a section whose check differs")
        if known(section_id):
            sections.append(Section(section_id, flags, payload))
        else:
            demand(flags & 1, "an unknown section that may not be skipped")
        index += 1


def main(arguments):
    if len(arguments) != 2:
        print("usage: pith_reference.py FILE", file=sys.stderr)
        return 2
    try:
        with open(arguments[1], "rb") as file:
            content = decode_frame(file.read())
    except (OSError, Refused) as error:
        print("pith_reference.py: %s" % error, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
