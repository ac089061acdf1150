"""What tests need not pay for again and again: a dear hash, and the same templates compiled for
each application that a test makes. Both stay the real thing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

import argon2
import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache

from app.services import passwords


class Compiled(BytecodeCache):
    """Templates compiled once in a process; a template whose source differs is another one."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self.kept[bucket.key, bucket.checksum] = bucket.code


@contextmanager
def cheap() -> Iterator[None]:
    """Hash with Argon2id at its least cost, and compile a template once, within the block.

    What a password costs in earnest is a unit test's business; programs that tests start pay it.
    """
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", hasher)
        patch.setattr(passwords, "_NOBODY", hasher.hash("nobody knows it"))
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": Compiled()})
        yield
