"""A backup that was restored: the only kind there is."""

from __future__ import annotations

import datetime
import io
import json
import random
import zipfile

import pyotp
import pytest
import sqlalchemy as sa

from app.errors import FileRefused
from app.services import (
    attachments,
    backup,
    identity,
    linking,
    publishing,
    records,
    removal,
    second_factor,
)
from app.services.lists import Query, page
from app.services.vault import Vault
from app.storage.base import metadata
from app.storage.session import Database
from tests.support.register import ME, definition, platform_on, publish
from tests.support.wholeness import assert_whole, digest

NOW = datetime.datetime(2026, 1, 1)
TEXT = definition(
    properties={
        "size": {"title": "规模", "type": "string"},
        "former": {"title": "旧栏", "type": "string"},
        "scan": {"title": "扫描件", "type": "string", "format": "attachment"},
        "visits": {
            "title": "走访",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"cost": {"title": "费用", "type": "number", "scale": 4}},
            },
        },
    }
)
NUMBER = definition(
    properties={**TEXT["properties"], "former": None, "size": {"title": "规模", "type": "integer"}}
)


@pytest.fixture
def filled(platform):
    """A register with a past: a retired field, parked values, deleted rows, a file, odd texts."""
    publish(platform, TEXT)
    with platform.writing(ME) as work:
        kept = attachments.store(
            work, "demo", "scan", "证照.pdf", "application/pdf", io.BytesIO(b"%PDF-1.7")
        )
    raws = [
        {"name": "甲厂", "size": "大", "former": "𠮷 \"',;\\n%", "scan": [str(kept.id)]},
        {"name": "=乙厂", "amount": "9999999999999999.99", "size": "12", "noted_on": "1900-01-01"},
        {"name": "丙厂", "visits": [{"cost": "0.0001"}, {"cost": "99999999999999.9999"}]},
    ]
    for raw in raws:
        with platform.writing(ME) as work:
            records.create(work, "demo", raw)
    with platform.writing(ME) as work:
        removal.delete(work, "demo", 3, 1, "重复")
    publish(platform, NUMBER)
    people(platform)
    return platform


def people(platform):
    """Somebody with former passwords, a second factor, recovery codes, a link, and sign-ins."""
    first, second = "correct horse battery", "another long one"
    with platform.database.writing() as tx:
        number, _ = identity.create_account(tx, "li.si", "李四", first)
        linking.link(tx, number, "https://gate.example", "s-1", "管理员")
    identity.change_password(platform.database, number, first, second)
    token = identity.sign_in(platform.database, "li.si", second, "10.0.0.7", "Firefox")
    vault = Vault("k" * 40)
    with platform.database.writing() as tx:
        person = identity.who(tx, token)
        setup = second_factor.begin(vault, person)
        code = pyotp.TOTP(setup.secret).now()
        second_factor.turn_on(tx, vault, person, setup, code)


@pytest.fixture
def empty(other_url, tmp_path):
    """An empty place to restore into, on each engine in turn."""
    database = Database(other_url)
    yield platform_on(database, tmp_path / "elsewhere")
    database.dispose()


def test_what_is_restored_is_what_was_backed_up(filled, empty, tmp_path):
    file = tmp_path / "backup.zip"
    backup.backup(filled, ME, file)

    backup.restore(empty, ME, file)

    assert digest(empty) == digest(filled)
    assert_whole(empty)


def test_life_goes_on_after_a_restore(filled, empty, tmp_path):
    file = tmp_path / "backup.zip"
    backup.backup(filled, ME, file)
    backup.restore(empty, ME, file)

    with empty.writing(ME) as work:
        fresh = records.create(work, "demo", {"name": "丁厂", "visits": [{"cost": "1"}]})
        removal.undelete(work, "demo", 3)
    with empty.reading(ME) as work:
        first = records.get(work, "demo", 1)
        path = attachments.open_file(work, attachments.find(work, first.values["scan"][0]))
        assert path.read_bytes() == b"%PDF-1.7"
        assert page(work, "demo", Query()).total == 4
    publish(empty, TEXT)
    with empty.reading(ME) as work:
        back = records.get(work, "demo", 1).values
        assert [r.revision for r in publishing.revisions(work, "demo")] == [3, 2, 1]

    assert fresh.id == 4
    assert (back["size"], back["former"]) == ("大", "𠮷 \"',;\\n%")


def test_a_backup_is_restored_into_an_empty_place_only(filled, tmp_path):
    file = tmp_path / "backup.zip"
    backup.backup(filled, ME, file)
    before = digest(filled)

    with pytest.raises(FileRefused):
        backup.restore(filled, ME, file)

    assert digest(filled) == before


def spoil(source, target, change):
    """Copy a backup with one member changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)


def foreign(name, data):
    if name != "manifest.json":
        return data
    return json.dumps(json.loads(data) | {"migration": "999"}).encode()


SPOILT = {
    "a row is missing": lambda n, d: d.split(b"\n", 1)[1] if n.endswith("r_demo.jsonl") else d,
    "a table is missing": lambda n, d: None if n.endswith("history.jsonl") else d,
    "a file is damaged": lambda n, d: b"other" if n.startswith("files/") else d,
    "no manifest": lambda n, d: None if n == "manifest.json" else d,
    "another version": foreign,
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_backup_is_refused_and_nothing_is_stored(filled, empty, tmp_path, how):
    whole, spoilt = tmp_path / "backup.zip", tmp_path / "spoilt.zip"
    backup.backup(filled, ME, whole)
    spoil(whole, spoilt, SPOILT[how])

    with pytest.raises(FileRefused):
        backup.restore(empty, ME, spoilt)

    with empty.reading(ME) as work:
        assert work.snapshot.entries == {}
    backup.restore(empty, ME, whole)
    assert digest(empty) == digest(filled)


def test_what_is_no_archive_is_refused(empty, tmp_path):
    file = tmp_path / "backup.zip"
    file.write_bytes(b"not a zip")

    with pytest.raises(FileRefused):
        backup.restore(empty, ME, file)


def test_a_restore_takes_the_place_of_whoever_was_signed_in(sqlite_url, postgresql_url, tmp_path):
    """An empty place already has its administrator, with a session and a past."""
    for number, url in enumerate((sqlite_url, postgresql_url)):
        database = Database(url)
        platform = platform_on(database, tmp_path / str(number))
        with database.writing() as tx:
            row = {
                "login": "admin", "login_key": "admin", "name": "管理员", "password_hash": "-",
                "password_changed_at": NOW, "created_at": NOW, "failed": 0,
            }  # fmt: skip
            account = metadata.tables["account"]
            [key] = tx.execute(account.insert(), row).inserted_primary_key
            event = {"account_id": key, "at": NOW, "action": "created"}
            tx.execute(metadata.tables["account_event"].insert(), event)
            session = {
                "token_hash": "0" * 64, "account_id": key, "created_at": NOW, "seen_at": NOW,
                "address": "127.0.0.1", "agent": "",
            }  # fmt: skip
            tx.execute(metadata.tables["login_session"].insert(), session)
        file = tmp_path / f"{number}.zip"
        backup.backup(platform, ME, file)

        backup.restore(platform, ME, file)

        with database.reading() as tx:
            assert tx.scalar(sa.select(sa.func.count()).select_from(account)) == 1
            signed_in = sa.select(sa.func.count()).select_from(metadata.tables["login_session"])
            assert tx.scalar(signed_in) == 0
        database.dispose()


def test_a_backup_with_any_byte_changed_is_refused_or_whole(filled, empty, tmp_path):
    whole, spoilt = tmp_path / "whole.zip", tmp_path / "spoilt.zip"
    backup.backup(filled, ME, whole)
    data, chance = whole.read_bytes(), random.Random(5)
    before = digest(empty)
    for turn in range(60):
        at = chance.randrange(len(data))
        changed = bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1 :]
        spoilt.write_bytes(data[:at] + (changed if turn % 3 else b""))
        try:
            backup.restore(empty, ME, spoilt)
        except FileRefused:
            assert digest(empty) == before
        else:  # a byte nobody reads: a date in the archive's directory
            assert digest(empty) == digest(filled)
            break
