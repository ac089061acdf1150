"""A screenshot with a palette of 256 colours: much smaller, and nothing an eye would miss."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Colour = tuple[int, int, int]


def shrink(path: Path) -> None:
    """Write the screenshot at ``path`` again with a palette."""
    width, height, depth, pixels = decode(path.read_bytes())
    colours = [*zip(pixels[0::depth], pixels[1::depth], pixels[2::depth], strict=True)]
    kept, places = palette(Counter(colours))
    indices = bytes(places[colour] for colour in colours)
    lines = b"".join(b"\0" + indices[i * width : (i + 1) * width] for i in range(height))
    path.write_bytes(
        SIGNATURE
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + chunk(b"PLTE", b"".join(map(bytes, kept)))
        + chunk(b"IDAT", zlib.compress(lines, 9))
        + chunk(b"IEND", b"")
    )


def palette(counted: Counter[Colour]) -> tuple[list[Colour], dict[Colour, int]]:
    """Return 256 colours, and for every colour the place of the nearest one.

    The most frequent of every region comes first, so that a red sign among greys stays red.
    """
    frequent = [colour for colour, _ in counted.most_common()]
    regions = {tuple(part >> 6 for part in colour): colour for colour in reversed(frequent)}
    kept = [*dict.fromkeys([*regions.values(), *frequent])][:256]
    places = {colour: place for place, colour in enumerate(kept)}
    for colour in counted:
        if colour not in places:
            distances = [sum((a - b) ** 2 for a, b in zip(colour, k, strict=True)) for k in kept]
            places[colour] = distances.index(min(distances))
    return kept, places


def chunk(name: bytes, data: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    check = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give name and content of each chunk of a PNG file."""
    at = len(SIGNATURE)
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += size + 12


def decode(data: bytes) -> tuple[int, int, int, bytes]:
    """Return width, height, bytes of a pixel and the pixels of an RGB or RGBA screenshot."""
    parts = [*chunks(data)]
    width, height, _, colour = struct.unpack(">IIBB", parts[0][1][:10])
    depth = {2: 3, 6: 4}[colour]
    raw = zlib.decompress(b"".join(content for name, content in parts if name == b"IDAT"))
    span = width * depth
    above, lines = bytearray(span), []
    for at in range(0, len(raw), span + 1):
        above = unfilter(raw[at], bytearray(raw[at + 1 : at + 1 + span]), above, depth)
        lines.append(bytes(above))
    return width, height, depth, b"".join(lines)


def unfilter(kind: int, line: bytearray, above: bytearray, depth: int) -> bytearray:
    """Return a line of pixels without the prediction it was written with."""
    for i in range(len(line)) if kind else ():
        left = line[i - depth] if i >= depth else 0
        up, corner = above[i], above[i - depth] if i >= depth else 0
        guess = (0, left, up, (left + up) // 2, paeth(left, up, corner))[kind]
        line[i] = (line[i] + guess) & 255
    return line


def paeth(left: int, up: int, corner: int) -> int:
    """Return the neighbour that is nearest to their linear prediction."""
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))
