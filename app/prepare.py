"""What happens before the first request: the newest tables, the definitions that come with
the product, the demonstration data, the administrator. Repeating it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from app import create_platform
from app.config import Config
from app.errors import because
from app.services import identity, people, seeding, seeding_people
from app.services.audit import alarms, clocks
from app.services.audit.heads import write_head
from app.services.jobs.job import ACTOR
from app.services.notices import channels
from app.storage.migrate import upgrade
from app.words import say


def prepare(config: Config) -> Iterator[str]:
    """Prepare the database of ``config``; give the lines a person should read.

    The administrator's password is made at the first start, told once and kept as a hash.
    """
    platform = create_platform(config)
    try:
        clocks.check(platform)
        alarms.read(config.data_dir)
        upgrade(platform.database)
        published = seeding.seed_definitions(platform)
        if published:
            names = ", ".join(slug for slug, _ in published)
            yield told(config, "Published: {names}", names=names)
        years = seeding.seed_calendar(platform)
        if years:
            shown = ", ".join(map(str, years))
            yield told(config, "Calendar of working days: {years}", years=shown)
        if config.demo:
            made = seeding.seed_demo(platform)
            if made:
                count = sum(made.values())
                yield told(config, "Demonstration data: {count} records", count=count)
            seeding_people.seed_units(platform)
        with platform.database.writing() as tx:
            people.ensure_roles(tx)
            account = identity.ensure_administrator(tx)
        with platform.writing(ACTOR) as work:
            channels.seal_all(work)
        write_head(platform)
        if account:
            text = "Administrator: {login}   Password: {password}   (shown this once)"
            yield told(config, text, login=account[0], password=account[1])
        if config.demo:
            yield from people_made(config, seeding_people.seed_people(platform))
    finally:
        platform.database.dispose()


def people_made(config: Config, made: list[seeding_people.Made]) -> Iterator[str]:
    """Give the table of the demonstration's accounts, one for each role, shown this once."""
    if not made:
        return
    yield told(config, "Accounts of the demonstration (passwords are shown this once):")
    longest = max(len(line[0]) for line in made)
    for login, name, role, unit, password in made:
        yield f"  {login:<{longest}}  {password}  {name} · {role} · {unit}"


def told(config: Config, text: str, **values: object) -> str:
    """Return a sentence in the configured language."""
    return say(because(text, **values), config.language)
