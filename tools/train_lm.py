#!/usr/bin/env python3
"""Trains the small byte-level language model in data/, on the C++ headers of a Debian machine.

Llama-type decoder: RMS norm, rotary positions over adjacent pairs, grouped-query attention, SwiGLU, tied embedding.
It exists to give the key-value cache compressors a real cache on any machine; it is not meant to write good code.

    apt-get install python3-torch python3-numpy libeigen3-dev libboost-dev llvm-14-dev libxsimd-dev
    tools/train_lm.py --out data/cpp_headers_lm

Writes <out>.safetensors (bfloat16, sizes in its metadata), <out>.csv (the loss curve, held-out loss beside it) and, while
it runs, <out>.checkpoint: started again with the same arguments it goes on from there. The data are the headers found
below, files of equal content once, in the order of their hashes; xsimd's headers are held out and never trained on.
"""

import argparse
import hashlib
import json
import math
import os
import pathlib
import struct
import sys
import time

# One thread each: two fight over a small model's matrices and take twice the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

TRAINED_ON = ["/usr/include/eigen3", "/usr/include/c++", "/usr/include/boost", "/usr/include/llvm-14"]
HELD_OUT = ["/usr/include/xsimd"]
SUFFIXES = {"", ".h", ".hpp", ".hh", ".ipp", ".tcc", ".inc", ".def"}
FILE_LIMIT = 200_000  # bytes: tables that a program wrote are not what a person reads
ROOT_LIMIT = 12_000_000  # bytes from each folder, so that none drowns the others


def headers(root):
    """The readable header files below root, each content once, in the order of their hashes; at most ROOT_LIMIT bytes."""
    found = {}
    for path in sorted(pathlib.Path(root).rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and path.stat().st_size <= FILE_LIMIT:
            text = path.read_bytes()
            if text and b"\0" not in text:
                found[hashlib.sha256(text).digest()] = text
    chosen, total = [], 0
    for digest in sorted(found):
        if total + len(found[digest]) <= ROOT_LIMIT:
            chosen.append(found[digest])
            total += len(found[digest])
    return chosen


def corpus(roots):
    """All headers below the roots as one array of bytes, a zero byte before each file."""
    files = [text for root in roots if os.path.isdir(root) for text in headers(root)]
    files.sort(key=lambda text: hashlib.sha256(text).digest())
    return np.frombuffer(b"".join(b"\0" + text for text in files), dtype=np.uint8)


class Attention(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        dim, size = sizes["dim"], sizes["head_size"]
        self.heads, self.kv_heads, self.size = sizes["heads"], sizes["kv_heads"], size
        self.wq = torch.nn.Linear(dim, self.heads * size, bias=False)
        self.wk = torch.nn.Linear(dim, self.kv_heads * size, bias=False)
        self.wv = torch.nn.Linear(dim, self.kv_heads * size, bias=False)
        self.wo = torch.nn.Linear(self.heads * size, dim, bias=False)

    def forward(self, x, cosine, sine, mask):
        batch, tokens, _ = x.shape

        def turned(v, heads):
            v = v.view(batch, tokens, heads, self.size // 2, 2).transpose(1, 2)
            a, b = v[..., 0], v[..., 1]
            return torch.stack((a * cosine - b * sine, a * sine + b * cosine), -1).flatten(-2)

        q = turned(self.wq(x) / math.sqrt(self.size), self.heads).unflatten(1, (self.kv_heads, -1))
        k = turned(self.wk(x), self.kv_heads)
        v = self.wv(x).view(batch, tokens, self.kv_heads, self.size).transpose(1, 2)
        parts = [self.attend(q[..., at : at + 128, :], k, v, mask, at) for at in range(0, tokens, 128)]
        out = torch.cat(parts, 3).flatten(1, 2)
        return self.wo(out.transpose(1, 2).reshape(batch, tokens, -1))

    def attend(self, q, k, v, mask, at):
        """The queries from `at` on, over the keys that they may see and no others: less work than the whole square."""
        batch, kv_heads, groups, count, size = q.shape
        seen = at + count
        rows = q.reshape(batch * kv_heads, groups * count, size)
        shut = mask[at:seen, :seen].repeat(groups, 1).expand(batch * kv_heads, -1, -1)
        scores = torch.baddbmm(shut, rows, k[:, :, :seen].flatten(0, 1).transpose(1, 2))
        out = torch.softmax(scores, -1) @ v[:, :, :seen].flatten(0, 1)
        return out.view(batch, kv_heads, groups, count, size)


class RmsNorm(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(dim))

    def forward(self, x):
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return x * (math.sqrt(x.shape[-1]) / (norm + 1e-5)) * self.weight


class Layer(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        dim, hidden = sizes["dim"], sizes["hidden"]
        self.attention_norm, self.ffn_norm = RmsNorm(dim), RmsNorm(dim)
        self.attention = Attention(sizes)
        self.w1 = torch.nn.Linear(dim, hidden, bias=False)
        self.w2 = torch.nn.Linear(hidden, dim, bias=False)
        self.w3 = torch.nn.Linear(dim, hidden, bias=False)

    def forward(self, x, cosine, sine, mask):
        x = x + self.attention(self.attention_norm(x), cosine, sine, mask)
        y = self.ffn_norm(x)
        return x + self.w2(F.silu(self.w1(y)) * self.w3(y))


class Model(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.embedding = torch.nn.Embedding(sizes["vocabulary"], sizes["dim"])
        self.layers = torch.nn.ModuleList(Layer(sizes) for _ in range(sizes["layers"]))
        self.norm = RmsNorm(sizes["dim"])
        half = sizes["head_size"] // 2
        angle = torch.arange(sizes["context"])[:, None] * sizes["rope_base"] ** (-torch.arange(half) / half)
        self.register_buffer("cosine", torch.cos(angle), persistent=False)
        self.register_buffer("sine", torch.sin(angle), persistent=False)
        self.register_buffer("mask", torch.full((sizes["context"],) * 2, -math.inf).triu(1), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                deep = name.endswith(("wo.weight", "w2.weight"))
                torch.nn.init.normal_(p, std=0.02 / (math.sqrt(2 * sizes["layers"]) if deep else 1))

    def forward(self, tokens):
        n = tokens.shape[1]
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, self.cosine[:n], self.sine[:n], self.mask[:n, :n])
        return self.norm(x) @ self.embedding.weight.T


def batch_of(data, step, arguments):
    """The windows of one step: a function of the seed and the step alone, so that a resumed run sees the same."""
    starts = np.random.default_rng([arguments.seed, step]).integers(0, len(data) - arguments.context - 1, arguments.batch)
    rows = np.stack([data[s : s + arguments.context + 1] for s in starts]).astype(np.int64)
    return torch.from_numpy(rows[:, :-1]), torch.from_numpy(rows[:, 1:])


def loss_on(model, x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def held_out_loss(model, data, context):
    """Mean loss in nats a byte over 16 windows at equal distances."""
    starts = np.linspace(0, len(data) - context - 1, 16).astype(int)
    rows = torch.from_numpy(np.stack([data[s : s + context + 1] for s in starts]).astype(np.int64))
    with torch.no_grad():
        return loss_on(model, rows[:, :-1], rows[:, 1:]).item()


def write_safetensors(path, model, sizes, notes):
    """bfloat16, rounded to nearest even; written under a temporary name, then renamed."""
    header, parts, at = {"__metadata__": {k: str(v) for k, v in {**sizes, **notes}.items()}}, [], 0
    for name, p in model.named_parameters():
        bits = p.detach().to(torch.bfloat16).view(torch.int16).numpy().tobytes()
        header[name] = {"dtype": "BF16", "shape": list(p.shape), "data_offsets": [at, at + len(bits)]}
        parts.append(bits)
        at += len(bits)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(f"{path}.tmp", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
    os.replace(f"{path}.tmp", path)


def save(path, state):
    torch.save(state, f"{path}.tmp")
    os.replace(f"{path}.tmp", path)


def learning_rate(step, arguments):
    """Rises for 100 steps, follows a cosine towards its horizon, and cools to nothing over the last steps."""
    fall = 0.05 + 0.95 * (0.5 + 0.5 * math.cos(math.pi * step / arguments.horizon))
    return arguments.rate * min((step + 1) / 100, fall) * min(1.0, (arguments.steps - step) / arguments.cool)


def train(arguments, sizes):
    data, held_out = corpus(TRAINED_ON), corpus(HELD_OUT)
    print(f"{len(data):,} bytes to train on, {len(held_out):,} held out", flush=True)
    torch.manual_seed(arguments.seed)
    model = Model(sizes)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=arguments.rate, betas=(0.9, 0.95))
    curve, first, average, began = [], 0, None, time.time()
    checkpoint = f"{arguments.out}.checkpoint"
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        curve, first, average = state["curve"], state["step"], state["average"]
        print(f"going on from step {first}", flush=True)
    for step in range(first, arguments.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, arguments)
        loss = loss_on(model, *batch_of(data, step, arguments))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        average = loss.item() if average is None else 0.95 * average + 0.05 * loss.item()
        if (step + 1) % 50 == 0 or step + 1 == arguments.steps:
            curve.append((step + 1, average, held_out_loss(model, held_out, arguments.context)))
            pace = (time.time() - began) / (step + 1 - first)
            print(f"step {step + 1:5} loss {average:.4f} held out {curve[-1][2]:.4f} {pace:.2f} s a step", flush=True)
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}
            save(checkpoint, {**state, "curve": curve, "average": average})
    return model, curve


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="data/cpp_headers_lm")
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--horizon", type=int, default=4000, help="steps to the end of the learning rate's cosine")
    parser.add_argument("--cool", type=int, default=1050, help="last steps, over which the rate falls to nothing")
    parser.add_argument("--batch", type=int, default=4, help="windows a step")
    parser.add_argument("--context", type=int, default=512, help="bytes a window")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sizes = {"vocabulary": 256, "dim": 192, "hidden": 512, "layers": 6, "heads": 4, "kv_heads": 2, "head_size": 64}
    sizes |= {"context": arguments.context, "rope_base": 10000}
    model, curve = train(arguments, sizes)
    notes = {"steps": arguments.steps, "seed": arguments.seed, "held_out_nats_per_byte": f"{curve[-1][2]:.4f}"}
    write_safetensors(f"{arguments.out}.safetensors", model, sizes, notes)
    with open(f"{arguments.out}.csv", "w") as f:
        f.write("step,training_nats_per_byte,held_out_nats_per_byte\n")
        f.writelines(f"{step},{a:.4f},{b:.4f}\n" for step, a, b in curve)
    return 0


if __name__ == "__main__":
    sys.exit(main())
