"""Writes include/pith/mixing/prime_prose.hpp and prime_markup.hpp from data/prime_prose.txt and prime_markup.txt.

    python3 tools/prime_text.py

The texts were written for this purpose. Models of text read them before a block (mixing/prime.hpp), so a changed
byte changes every stream of the codecs that do.
"""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
WIDTH = 108


def lines(text):
    """The text as string literals of at most WIDTH columns."""
    out, line = [], ""
    for character in text:
        piece = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\", "?": "\\?"}.get(character, character)
        assert len(character.encode()) == 1 and (character.isprintable() or character in "\n\t")
        if len(line) + len(piece) + 6 > WIDTH:
            out.append(f'    "{line}"')
            line = ""
        line += piece
    return "\n".join(out + [f'    "{line}"'])


def main():
    for name, what in (("prose", "English prose of many kinds"), ("markup", "mark-up, source code and records")):
        text = (ROOT / f"data/prime_{name}.txt").read_text()
        (ROOT / f"include/pith/mixing/prime_{name}.hpp").write_text(
            f"""// A sample of {what}, which models read before a text.
// Written for this library; made by tools/prime_text.py from data/prime_{name}.txt. Frozen: streams depend on it.
#pragma once

namespace pith::inline v1::mixing::detail {{

// clang-format off
inline constexpr char prime_{name}[] =
{lines(text)};
// clang-format on

}}  // namespace pith::inline v1::mixing::detail
""")


if __name__ == "__main__":
    main()
