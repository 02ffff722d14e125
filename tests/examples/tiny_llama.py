"""Writes a small random model and its vocabulary in the format of llama2.c.
Usage: tiny_llama.py MODEL VOCABULARY [own-classifier]"""
import struct
import sys

WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, CONTEXT = 16, 24, 2, 4, 2, 32
WORDS = ["th", "the", " the", "an", "and", " and", "in", "ing", " a", " of", "er", "re", "12", "0\n"]
TOKENS = (["<unk>", "\n<s>\n", "\n</s>\n"] + [f"<0x{b:02X}>" for b in range(256)] + WORDS +
          [chr(c) for c in range(32, 127)])

state = 1


def numbers(count, scale):
    global state
    out = []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append((state / 2**31 - 1) * scale)
    return struct.pack(f"<{count}f", *out)


def ones(count):
    return struct.pack(f"<{count}f", *([1.0] * count))


def model(own_classifier):
    vocabulary = len(TOKENS)
    head_size = WIDTH // HEADS
    kv = head_size * KV_HEADS
    out = struct.pack("<7i", WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, -vocabulary if own_classifier else vocabulary,
                      CONTEXT)
    out += numbers(vocabulary * WIDTH, 1.0) + ones(LAYERS * WIDTH)
    out += numbers(LAYERS * WIDTH * WIDTH, 0.3) + numbers(LAYERS * kv * WIDTH, 0.3)
    out += numbers(LAYERS * kv * WIDTH, 0.3) + numbers(LAYERS * WIDTH * WIDTH, 0.3)
    out += ones(LAYERS * WIDTH)
    out += numbers(3 * LAYERS * HIDDEN * WIDTH, 0.3) + ones(WIDTH) + ones(CONTEXT * head_size)
    if own_classifier:
        out += numbers(vocabulary * WIDTH, 0.3)
    return out


def vocabulary():
    out = struct.pack("<i", max(len(t) for t in TOKENS))
    for i, token in enumerate(TOKENS):
        out += struct.pack("<fi", -float(i), len(token)) + token.encode()
    return out


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as file:
        file.write(model(len(sys.argv) > 3))
    with open(sys.argv[2], "wb") as file:
        file.write(vocabulary())
