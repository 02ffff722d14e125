"""Writes one small random model in several formats, so that a program must say the same of all of them.
Usage: make_llama_files.py FOLDER
Its weights are whole multiples of powers of two that every format holds exactly: model.bin with words (llama2.c),
F32.gguf, F16.gguf, BF16.gguf, Q8_0.gguf, Q4_0.gguf, Q4_K.gguf, Q6_K.gguf; and headers.safetensors, a model of bytes."""
import json
import struct
import sys

WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, CONTEXT = 256, 256, 2, 4, 2, 64
HEAD = WIDTH // HEADS
PIECES = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + ["th", " the", "the", " a", "er"]

state = 1


def codes(count, least, most):
    """Pseudo-random whole numbers from least to most."""
    global state
    out = []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(least + (state >> 8) % (most - least + 1))
    return out


def tensors(vocabulary):
    """[(GGUF name, rows, columns, whole numbers)]; numbers times 2^-7 are the weights, norms are ones (128)."""
    kv = HEAD * KV_HEADS
    out = [("token_embd.weight", vocabulary, WIDTH, codes(vocabulary * WIDTH, -8, 7))]
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        out.append((name + "attn_norm.weight", 1, WIDTH, [128] * WIDTH))
        for part, rows, columns in [("attn_q", WIDTH, WIDTH), ("attn_k", kv, WIDTH), ("attn_v", kv, WIDTH),
                                    ("attn_output", WIDTH, WIDTH), ("ffn_gate", HIDDEN, WIDTH),
                                    ("ffn_down", WIDTH, HIDDEN), ("ffn_up", HIDDEN, WIDTH)]:
            out.append((name + part + ".weight", rows, columns, codes(rows * columns, -8, 7)))
        out.append((name + "ffn_norm.weight", 1, WIDTH, [128] * WIDTH))
    out.append(("output_norm.weight", 1, WIDTH, [128] * WIDTH))
    return out


def half(v):
    return struct.pack("<e", v)


def q8_0(v):
    return b"".join(half(2**-7) + struct.pack("<32b", *v[i:i + 32]) for i in range(0, len(v), 32))


def q4_0(v):
    out = b""
    for i in range(0, len(v), 32):
        c = [x + 8 for x in v[i:i + 32]]
        out += half(2**-7) + bytes(c[j] | c[j + 16] << 4 for j in range(16))
    return out


def q4_k(v):
    """Every sub-block: scale 4, minimum 32, times 2^-9; the upper bits of both are used."""
    scale, minimum, out = 4, 32, b""
    plain = [scale | (scale >> 4) << 6] * 4 + [minimum | (minimum >> 4) << 6] * 4
    upper = [(scale & 15) | (minimum & 15) << 4] * 4
    for i in range(0, len(v), 256):
        out += half(2**-9) + half(2**-9) + bytes(plain) + bytes(upper)
        c = [x + 8 for x in v[i:i + 256]]
        for pair in range(4):
            low, high = c[64 * pair:64 * pair + 32], c[64 * pair + 32:64 * pair + 64]
            out += bytes(a | b << 4 for a, b in zip(low, high))
    return out


def q6_k(v):
    out = b""
    for i in range(0, len(v), 256):
        low, high, scales = bytearray(128), bytearray(64), []
        for j in range(16):
            scales.append(-1 if j % 3 == 0 else 1)  # signed scales
        for p, x in enumerate(v[i:i + 256]):
            n, at = divmod(p, 128)
            quarter, l = divmod(at, 32)
            code = x * scales[8 * n + at // 16] + 32
            low[64 * n + l + quarter % 2 * 32] |= (code & 15) << (quarter // 2 * 4)
            high[32 * n + l] |= (code >> 4) << (2 * quarter)
        out += bytes(low) + bytes(high) + struct.pack("<16b", *scales) + half(2**-7)
    return out


FORMATS = {
    "F32": (0, lambda v: struct.pack(f"<{len(v)}f", *[x / 128 for x in v])),
    "F16": (1, lambda v: b"".join(half(x / 128) for x in v)),
    "BF16": (30, lambda v: b"".join(struct.pack("<f", x / 128)[2:] for x in v)),
    "Q8_0": (8, q8_0),
    "Q4_0": (2, q4_0),
    "Q4_K": (12, q4_k),
    "Q6_K": (14, q6_k),
}


def text(s):
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf(path, format_name, all_tensors):
    entries = {"general.architecture": "llama", "llama.embedding_length": WIDTH, "llama.feed_forward_length": HIDDEN,
               "llama.block_count": LAYERS, "llama.attention.head_count": HEADS,
               "llama.attention.head_count_kv": KV_HEADS, "llama.context_length": CONTEXT,
               "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.freq_base": 10000.0,
               "tokenizer.ggml.model": "llama"}
    lists = [("tokenizer.ggml.tokens", 8, b"".join(text(p.replace(" ", "▁")) for p in PIECES)),
             ("tokenizer.ggml.scores", 6, struct.pack(f"<{len(PIECES)}f", *[-float(i) for i in range(len(PIECES))])),
             ("tokenizer.ggml.token_type", 5,
              struct.pack(f"<{len(PIECES)}i", *[3 if i < 3 else 6 if i < 259 else 1 for i in range(len(PIECES))]))]
    out = b"GGUF" + struct.pack("<IQQ", 3, len(all_tensors), len(entries) + len(lists))
    for name, value in entries.items():
        if isinstance(value, str):
            out += text(name) + struct.pack("<I", 8) + text(value)
        elif isinstance(value, float):
            out += text(name) + struct.pack("<If", 6, value)
        else:
            out += text(name) + struct.pack("<II", 4, value)
    for name, kind, raw in lists:
        out += text(name) + struct.pack("<IIQ", 9, kind, len(PIECES)) + raw
    data = b""
    for name, rows, columns, values in all_tensors:
        number, encode = FORMATS["F32" if rows == 1 else format_name]
        out += text(name) + struct.pack("<I", 1 if rows == 1 else 2) + struct.pack("<Q", columns)
        out += (b"" if rows == 1 else struct.pack("<Q", rows)) + struct.pack("<IQ", number, len(data))
        data += encode(values)
        data += b"\0" * (-len(data) % 32)
    with open(path, "wb") as file:
        file.write(out + b"\0" * (-len(out) % 32) + data)


def llama2c(model_path, words_path, all_tensors):
    def of(part):
        return b"".join(FORMATS["F32"][1](v) for name, _, _, v in all_tensors if name.endswith(part))
    out = struct.pack("<7i", WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, len(PIECES), CONTEXT)
    for part in ["token_embd.weight", "attn_norm.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight",
                 "attn_output.weight", "ffn_norm.weight", "ffn_gate.weight", "ffn_down.weight", "ffn_up.weight",
                 "output_norm.weight"]:
        out += of(part)
    with open(model_path, "wb") as file:
        file.write(out + struct.pack("<f", 1.0) * (CONTEXT * HEAD))
    with open(words_path, "wb") as file:
        file.write(struct.pack("<i", 8))
        for i, piece in enumerate(PIECES):
            file.write(struct.pack("<fi", -float(i), len(piece)) + piece.encode())


def safetensors(path):
    names = {"token_embd": "embedding", "output_norm": "norm", "attn_norm": "attention_norm", "ffn_norm": "ffn_norm",
             "attn_q": "attention.wq", "attn_k": "attention.wk", "attn_v": "attention.wv",
             "attn_output": "attention.wo", "ffn_gate": "w1", "ffn_down": "w2", "ffn_up": "w3"}
    sizes = {"vocabulary": 256, "dim": WIDTH, "hidden": HIDDEN, "layers": LAYERS, "heads": HEADS,
             "kv_heads": KV_HEADS, "head_size": HEAD, "context": CONTEXT, "rope_base": 10000}
    header, data = {"__metadata__": {k: str(v) for k, v in sizes.items()}}, b""
    for name, rows, columns, values in tensors(256):
        parts = name.removesuffix(".weight").split(".")
        own = names[parts[-1]] + ".weight"
        own = own if len(parts) == 1 else f"layers.{parts[1]}.{own}"
        raw = FORMATS["BF16"][1](values)
        header[own] = {"dtype": "BF16", "shape": [columns] if rows == 1 else [rows, columns],
                       "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    raw = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw + data)


if __name__ == "__main__":
    folder = sys.argv[1]
    made = tensors(len(PIECES))
    llama2c(f"{folder}/model.bin", f"{folder}/words", made)
    for name in FORMATS:
        gguf(f"{folder}/{name}.gguf", name, made)
    safetensors(f"{folder}/headers.safetensors")
