"""The triggers that keep the audit log append-only, on both engines.

An entry is never changed. It is taken out only when it is older than ``FLOOR`` days by the
database's own clock *and* a later entry of the log itself (``purge.done``) says so, with the
number and the hash of the last entry taken out: whoever deletes leaves that entry behind. A new
entry is the next number and names the hash of the one before; nothing is put in between or
over another (SQLite's INSERT OR REPLACE fires no trigger for what it replaces).
"""

from __future__ import annotations

import sqlalchemy as sa

#: network logs are kept for six months by law (网络安全法): 184 days at the most
FLOOR = 184

_NEXT = """SELECT EXISTS (SELECT 1 FROM audit) AND NOT EXISTS (
    SELECT 1 FROM audit WHERE number = NEW.number - 1 AND hash = NEW.before
    AND number = (SELECT max(number) FROM audit))"""
_KEPT = """SELECT OLD.at > {oldest} OR NOT EXISTS (
    SELECT 1 FROM audit WHERE event = 'purge.done' AND number > OLD.number
    AND CAST(object_id AS BIGINT) >= OLD.number)"""

SQLITE = {
    "audit_changes": """CREATE TRIGGER audit_changes BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
    "audit_deletes": f"""CREATE TRIGGER audit_deletes BEFORE DELETE ON audit
    WHEN ({_KEPT.format(oldest=f"datetime('now', '-{FLOOR} days')")})
    BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
    "audit_inserts": f"""CREATE TRIGGER audit_inserts BEFORE INSERT ON audit WHEN ({_NEXT})
    BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END""",
}
_BODY = """ BEGIN
    IF TG_OP = 'UPDATE' OR TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'audit is append-only';
    ELSIF TG_OP = 'DELETE' THEN
        IF ({kept}) THEN RAISE EXCEPTION 'audit is append-only'; END IF;
        RETURN OLD;
    END IF;
    IF ({next}) THEN RAISE EXCEPTION 'audit is append-only'; END IF;
    RETURN NEW;
END """.format(
    kept=_KEPT.format(oldest=f"(now() AT TIME ZONE 'UTC') - interval '{FLOOR} days'"), next=_NEXT
)
POSTGRESQL = {
    "audit_changes": "BEFORE UPDATE OR TRUNCATE ON audit FOR EACH STATEMENT",
    "audit_deletes": "BEFORE DELETE ON audit FOR EACH ROW",
    "audit_inserts": "BEFORE INSERT ON audit FOR EACH ROW",
}


def install(tx: sa.Connection) -> None:
    """Create the triggers."""
    if tx.dialect.name == "sqlite":
        for statement in SQLITE.values():
            tx.exec_driver_sql(statement)
        return
    tx.exec_driver_sql(
        f"CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $${_BODY}$$"
    )
    for name, moment in POSTGRESQL.items():
        tx.exec_driver_sql(f"CREATE TRIGGER {name} {moment} EXECUTE FUNCTION audit_refuses()")


def remove(tx: sa.Connection) -> None:
    """Drop the triggers: only where a restored log takes the place of this one."""
    for name in SQLITE:
        where = "" if tx.dialect.name == "sqlite" else " ON audit"
        tx.exec_driver_sql(f"DROP TRIGGER {name}{where}")
    if tx.dialect.name != "sqlite":
        tx.exec_driver_sql("DROP FUNCTION audit_refuses()")


def missing(tx: sa.Connection) -> list[str]:
    """Return the triggers that are not there, are switched off or do something else."""
    if tx.dialect.name == "sqlite":
        found = tx.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        stored = {row[0]: row[1] for row in found}
        return [name for name, text in SQLITE.items() if stored.get(name) != text]
    query = sa.text(
        "SELECT t.tgname, pg_get_triggerdef(t.oid), t.tgenabled, p.prosrc FROM pg_trigger t "
        "JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = 'audit'::regclass"
    )
    rows = {row[0]: (row[1], row[2], row[3]) for row in tx.execute(query)}
    return [name for name, moment in POSTGRESQL.items() if not _same(rows.get(name), moment)]


def _same(found: tuple[str, str, str] | None, moment: str) -> bool:
    """Return whether a trigger of PostgreSQL is switched on and is the one we made."""
    if found is None or found[1] not in ("O", b"O") or found[2] != _BODY:
        return False
    when, _, level = moment.partition(" ON audit ")
    events = {part.strip() for part in when.removeprefix("BEFORE ").split(" OR ")}
    said, _, rest = found[0].partition(" BEFORE ")[2].partition(" ON ")
    plain = "WHEN" not in rest and rest.partition(" ")[2].startswith(level + " EXECUTE")
    return plain and {part.strip() for part in said.split(" OR ")} == events
