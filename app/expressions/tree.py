"""The checked tree, read from the ``cel.expr.CheckedExpr`` message the library serializes.

The message is a handful of nested records in protobuf's wire format, whose numbers are
fixed by cel-spec (proto/cel/expr/checked.proto and syntax.proto). Reading them takes a
page; the protobuf runtime and generated classes would be two more dependencies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Node:
    """One node. ``offset`` counts characters of the source from 0."""

    offset: int


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal. ``type`` is null, bool, int, uint, double, string, bytes or other."""

    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    """``operand.field``, or ``has(operand.field)`` when ``test`` is set."""

    operand: Node
    field: str
    test: bool


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``function(arguments)``; ``a.f(b)`` is f(a, b)."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Items(Node):
    """A list literal."""

    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Record(Node):
    """A map or message literal; no expression may hold one."""


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """An expanded macro: fold ``range`` into ``accumulator``."""

    variable: str
    range: Node
    accumulator: str
    start: Node
    step: Node


def read_tree(serialized: bytes) -> Node:
    """Return the root of a serialized ``google.protobuf.Any`` of a ``CheckedExpr``."""
    checked = _message(_message(serialized)[2][0])
    source = _message(checked[5][0])
    offsets: dict[int, int] = {}
    for entry in source.get(4, ()):
        pair = _message(entry)
        offsets[pair.get(1, [0])[0]] = pair.get(2, [0])[0]
    return _node(checked[4][0], offsets)


def _node(data: bytes, offsets: dict[int, int]) -> Node:
    """Read one ``cel.expr.Expr``."""
    fields = _message(data)
    offset = offsets.get(fields.get(2, [0])[0], 0)
    if 3 in fields:
        return _constant(fields[3][0], offset)
    if 4 in fields:
        return Name(offset, _text(_message(fields[4][0]), 1))
    if 5 in fields:
        select = _message(fields[5][0])
        test = bool(select.get(3, [0])[0])
        return Select(offset, _node(select[1][0], offsets), _text(select, 2), test)
    if 6 in fields:
        call = _message(fields[6][0])
        nodes = [*call.get(1, ()), *call.get(3, ())]
        arguments = tuple(_node(each, offsets) for each in nodes)
        return Call(offset, _text(call, 2), arguments)
    if 7 in fields:
        items = _message(fields[7][0])
        return Items(offset, tuple(_node(each, offsets) for each in items.get(1, ())))
    if 9 in fields:
        return _loop(_message(fields[9][0]), offset, offsets)
    return Record(offset)


def _loop(fields: dict[int, list[Any]], offset: int, offsets: dict[int, int]) -> Loop:
    return Loop(
        offset,
        variable=_text(fields, 1),
        range=_node(fields[2][0], offsets),
        accumulator=_text(fields, 3),
        start=_node(fields[4][0], offsets),
        step=_node(fields[6][0], offsets),
    )


def _constant(data: bytes, offset: int) -> Constant:
    """Read one ``cel.expr.Constant``."""
    number, value = next(_fields(data))
    if number == 1:
        return Constant(offset, "null", None)
    if number == 2:
        return Constant(offset, "bool", bool(value))
    if number == 3:
        return Constant(offset, "int", value - (1 << 64) if value >> 63 else value)
    if number == 5:
        return Constant(offset, "double", struct.unpack("<d", struct.pack("<Q", value))[0])
    if number == 6:
        return Constant(offset, "string", value.decode())
    return Constant(offset, {4: "uint", 7: "bytes"}.get(number, "other"), value)


def _text(fields: dict[int, list[Any]], number: int) -> str:
    values = fields.get(number)
    return str(values[0], "utf-8") if values else ""


def _message(data: bytes) -> dict[int, list[Any]]:
    """Return the values of a message by field number, in order."""
    fields: dict[int, list[Any]] = {}
    for number, value in _fields(data):
        fields.setdefault(number, []).append(value)
    return fields


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field: an unsigned int, or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        value: Any
        if wire == _VARINT:
            value, at = _varint(data, at)
        elif wire == _BYTES:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
            value, at = int.from_bytes(data[at : at + size], "little"), at + size
        else:
            raise ValueError(f"wire type {wire}")
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at ``at`` and the place behind it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
