"""Backup and restore: everything the platform holds in one file, readable on either engine.

A zip archive: ``manifest.json``, one ``tables/NAME.jsonl`` for each table (values as their
kinds write JSON, retired and former columns included), and ``files/`` with the attachments
under their digests. It is read in one consistent view while people go on working. Restoring
asks for an empty database, verifies every count and digest, and stores all or nothing.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.errors import Collision, FileRefused, because
from app.kinds import dump_json, load_json
from app.services import audit
from app.services.attachments import path_of
from app.services.audit.heads import RESTORED, write_head
from app.services.audit.purging import make_room
from app.services.whole_file import appearing
from app.services.work import Actor, Platform, Work
from app.storage import ddl, rows
from app.storage import tables as layouts
from app.storage.base import metadata
from app.storage.layout import Layout, index_name, load_layout
from app.storage.migrate import head

FORMAT = 1
#: tables that are not part of a backup: who is signed in stays behind
LEFT_OUT = frozenset({"login_session"})
#: tables that a database without registers already has rows in
REPLACED = frozenset(
    "catalog_stamp account account_event login_session sign_in_log former_password recovery_code "
    "linked_identity unit unit_event role post setting "
    "calendar_day calendar_year job_run notice notice_setting webhook delivery".split()
)
BATCH = 1000
#: what reading a file that is no whole backup of ours may run into
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, LookupError, ValueError, TypeError,
    AttributeError, ArithmeticError, RuntimeError, Collision,
)  # fmt: skip


def backup(platform: Platform, actor: Actor, target: Path) -> dict[str, int]:
    """Write everything to ``target``; return the number of rows of each table.

    The file appears whole or not at all.
    """
    counts: dict[str, int] = {}
    with platform.reading(actor) as work, appearing(target) as partial:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            digests = {}
            for table in every_table(work):
                counts[table.name], digests[table.name] = write_table(work, archive, table)
            files = write_files(work, archive)
            manifest = {
                "format": FORMAT,
                "migration": head(),
                "made": work.now.isoformat(),
                "rows": counts,
                "digests": digests,
                "files": files,
            }
            archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False))
        with platform.writing(actor) as writing:
            audit.note(writing, "backup.made", audit.About("backup"), sizes(counts))
    return counts


def sizes(counts: Mapping[str, int]) -> dict[str, int]:
    """Return what the audit log says of a backup."""
    return {"tables": len(counts), "rows": sum(counts.values())}


def every_table(work: Work) -> list[sa.Table]:
    """Return the platform's tables and every register's, with all columns they ever had."""
    found = [t for t in metadata.sorted_tables if t.name not in LEFT_OUT]
    for layout in every_layout(work.tx):
        found += physical_tables(layout)
    return found


def every_layout(tx: sa.Connection) -> Iterator[Layout]:
    register = metadata.tables["register"]
    for found in tx.scalars(sa.select(register.c.layout).order_by(register.c.slug)):
        yield load_layout(json.loads(found) if isinstance(found, str) else found)


def physical_tables(layout: Layout, *, child: bool = False) -> list[sa.Table]:
    """Return the tables of a layout with every column that was ever given out."""
    system = layouts.child_system_columns() if child else layouts.system_columns()
    columns = [
        sa.Column(column, layouts.stored_type(kind), info={"kind": kind})
        for place in layout.places.values()
        for column, kind in ((place.column, place.kind), *place.past)
        if column
    ]
    tables = [sa.Table(layout.table, sa.MetaData(), *system, *columns)]
    for place in layout.places.values():
        if place.rows is not None:
            tables += physical_tables(place.rows, child=True)
    return tables


def write_table(work: Work, archive: zipfile.ZipFile, table: sa.Table) -> tuple[int, str]:
    """Write one table as JSON lines; return (rows, digest)."""
    digest, count = hashlib.sha256(), 0
    key = list(table.primary_key.columns)
    query = sa.select(table).order_by(*key)
    result = work.tx.execute(query, execution_options={"yield_per": BATCH})
    encoders = [encoder(column) for column in table.columns]
    with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as sink:
        for part in result.partitions(BATCH):
            lines = []
            for row in part:
                values = [
                    None if v is None else encode(v)
                    for encode, v in zip(encoders, row, strict=True)
                ]
                lines.append(dump_json(values) + "\n")
            data = "".join(lines).encode()
            digest.update(data)
            sink.write(data)
            count += len(lines)
    return count, digest.hexdigest()


def encoder(column: sa.Column[Any]) -> Any:
    """Return what turns a stored value of ``column`` into JSON."""
    if kind := column.info.get("kind"):
        return kind.to_json
    if isinstance(column.type, sa.DateTime | sa.Date):
        return lambda value: value.isoformat()
    return lambda value: value


def decoder(column: sa.Column[Any]) -> Any:
    """Return what turns JSON back into a value of ``column``."""
    if kind := column.info.get("kind"):
        return kind.from_json
    if isinstance(column.type, sa.DateTime):
        return datetime.datetime.fromisoformat
    if isinstance(column.type, sa.Date):
        return datetime.date.fromisoformat
    return lambda value: value


def write_files(work: Work, archive: zipfile.ZipFile) -> dict[str, int]:
    """Write every attachment's content once; return digest → size."""
    table = metadata.tables["attachment"]
    sizes: dict[str, int] = {}
    for row in work.tx.execute(sa.select(table.c.sha256, table.c.size).distinct()):
        path = path_of(work.files, row.sha256)
        if path.is_file():
            archive.write(path, f"files/{row.sha256}", zipfile.ZIP_STORED)
            sizes[row.sha256] = row.size
    return sizes


def restore(platform: Platform, actor: Actor, source: Path) -> dict[str, int]:
    """Read a backup into an empty database; return the number of rows of each table.

    Raises ``FileRefused``: not a backup, damaged, of a newer version, or the database is not
    empty. Nothing is stored then.
    """
    try:
        with zipfile.ZipFile(source) as archive, platform.writing(actor, publishing=True) as work:
            manifest = read_manifest(archive)
            require_empty(work)
            gone = make_room(work.tx)
            counts = read_tables(work, archive, manifest)
            read_files(work, archive, manifest)
            told = {**sizes(counts), "instead_of": gone.number, "instead_hash": gone.hash}
            audit.note(work, "restore.done", audit.About("backup"), told)
        write_head(platform, RESTORED)
        return counts
    except BROKEN as error:
        raise FileRefused(
            reason=because("{name} is not a whole backup ({why}).", name=source.name, why=error)
        ) from error


def read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
    if manifest.get("format") != FORMAT or manifest.get("migration") != head():
        text = (
            "The backup was made with migration {made}, this version has {here}. Restore it with "
            "the version that made it, then upgrade."
        )
        made = manifest.get("migration")
        raise FileRefused(reason=because(text, made=made, here=head()))
    return manifest


def require_empty(work: Work) -> None:
    """Raise unless the database holds no register."""
    if work.snapshot.entries:
        text = "The database already holds registers: restore into an empty one."
        raise FileRefused(reason=because(text))


def read_tables(
    work: Work, archive: zipfile.ZipFile, manifest: Mapping[str, Any]
) -> dict[str, int]:
    """Fill the platform's tables, make the registers' tables and fill those."""
    counts = {}
    for table in reversed(metadata.sorted_tables):
        if table.name in REPLACED:
            work.tx.execute(table.delete())
    for table in metadata.sorted_tables:
        if table.name not in LEFT_OUT:
            counts[table.name] = read_table(work, archive, table, manifest)
    for layout in every_layout(work.tx):
        for table in physical_tables(layout):
            ddl.create_table(work.tx, table)
            counts[table.name] = read_table(work, archive, table, manifest)
        make_indexes(work, layout)
    missing = set(manifest["rows"]) - set(counts)
    if missing:
        raise ValueError(f"unknown tables {', '.join(sorted(missing))}")
    return counts


def read_table(
    work: Work, archive: zipfile.ZipFile, table: sa.Table, manifest: Mapping[str, Any]
) -> int:
    """Fill one table; raises ``ValueError`` when the count or the digest is not the manifest's."""
    digest, count = hashlib.sha256(), 0
    names = [c.key for c in table.columns]
    decoders = [decoder(column) for column in table.columns]
    batch: list[dict[str, Any]] = []
    with archive.open(f"tables/{table.name}.jsonl") as lines:
        for line in lines:
            digest.update(line)
            values = load_json(line.decode())
            batch.append(
                {
                    name: None if v is None else decode(v)
                    for name, decode, v in zip(names, decoders, values, strict=True)
                }
            )
            count += 1
            if len(batch) == BATCH:
                rows.write(work.tx, table, batch)
                batch = []
    if batch:
        rows.write(work.tx, table, batch)
    if (count, digest.hexdigest()) != (
        manifest["rows"][table.name], manifest["digests"][table.name]
    ):  # fmt: skip
        raise ValueError(f"table {table.name} is damaged")
    renumber(work, table)
    return count


def renumber(work: Work, table: sa.Table) -> None:
    """Let the next id on PostgreSQL follow the highest there is."""
    key = table.autoincrement_column
    if work.tx.dialect.name == "sqlite" or key is None:
        return
    highest = work.tx.scalar(sa.select(sa.func.max(key)))
    if highest is not None:
        sequence = sa.func.pg_get_serial_sequence(table.name, key.name)
        work.tx.execute(sa.select(sa.func.setval(sequence, highest)))


def make_indexes(work: Work, layout: Layout) -> None:
    """Create the indexes a layout names, those of child lists included."""
    for name, (columns, unique) in layout.indexes.items():
        ddl.create_index(work.tx, name, layout.table, columns, unique=unique)
    for place in layout.places.values():
        if place.rows is not None:
            columns = ("_parent", "_position")
            name = index_name(place.rows.table, columns, unique=False)
            ddl.create_plain_index(work.tx, name, place.rows.table, columns)


def read_files(work: Work, archive: zipfile.ZipFile, manifest: Mapping[str, Any]) -> None:
    """Write the attachments back, each checked against its digest."""
    for sha256 in manifest["files"]:
        data = archive.read(f"files/{sha256}")
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"file {sha256} is damaged")
        path = path_of(work.files, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
