"""The second decoder of tensors' streams agrees with what the library wrote, on the streams in tensors/."""
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
import pith_reference  # noqa: E402
import tensor_reference  # noqa: E402

# XXH64 of the decoded values; the base of those that have one is the tensor of the stream named.
EXPECTED = {
    "instant_bf16": (0xF9337CC87A895B8F, None),
    "instant_f32": (0x9C1947F3843235FE, None),
    "rans_bf16": (0xFD9375B08C5406F8, None),
    "rans_bf16_base": (0x8DDC4C075E9DFDDE, "rans_bf16"),
    "instant_bf16_base": (0x8DDC4C075E9DFDDE, "rans_bf16"),
    "rans_i16": (0xD6638F22B5121339, None),
}


def decoded(name):
    digest, base = EXPECTED[name]
    base = decoded(base) if base else b""
    values = tensor_reference.Tensor((FOLDER / "tensors" / name).read_bytes(), base).bytes
    if pith_reference.xxh64(values, 0) != digest:
        sys.exit(f"{name}: decoded to other values")
    return values


def main():
    for name in EXPECTED:
        decoded(name)
        data = bytearray((FOLDER / "tensors" / name).read_bytes())
        for at in range(0, len(data), max(1, len(data) // 20)):
            data[at] ^= 0x10
            try:
                tensor_reference.Tensor(bytes(data))
                sys.exit(f"{name}: damage at byte {at} was not seen")
            except pith_reference.Refused:
                pass
            data[at] ^= 0x10
    print(f"{len(EXPECTED)} streams of tensors agree")


if __name__ == "__main__":
    main()
