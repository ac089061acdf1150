"""The addresses of comments and orders, one by one: who may not see a record neither reads nor
writes what is said about it, and who may see it does no more than is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app import create_app
from app.config import Config
from app.services import audience, records
from app.services.together import comments, orders
from app.storage import models_notices, models_together
from tests.support.browser import Browser
from tests.support.office import Office
from tests.support.register import ME, definition, publish

GRANTS = [
    {"role": ["township"], "may": ["see", "create", "change"], "rows": "own-unit"},
    {"role": ["giib_staff"], "may": ["see", "review"]},
    {"role": ["leader"], "may": ["see"]},
]
SAID, ORDERED = "QSAID about it", "QORDERED to do"
#: (address below the record, form) of everything that is sent about what is said
SENDINGS: dict[str, tuple[str, dict[str, str]]] = {
    "say": ("/comments", {"text": "QNEW"}),
    "mend": ("/comments/{comment}", {"text": "QNEW"}),
    "delete": ("/comments/{comment}", {"do": "delete"}),
    "order": ("/orders", {"text": "QNEW", "to": "u:{unit}"}),
    "have read": ("/orders/{order}", {"do": "read"}),
    "answer": ("/orders/{order}", {"do": "answer", "text": "QNEW"}),
    "close": ("/orders/{order}", {"do": "close"}),
    "watch": ("/watch", {"on": "1"}),
}
TABLES = (
    *(models_together.metadata.tables[name] for name in (
        "comment", "instruction", "recipient", "receipt", "task", "watch",
    )),
    models_notices.notice,
)  # fmt: skip


class Talk:
    """A record of one unit with a comment and an order about it, and a record of another."""

    def __init__(self, url: str, folder: Path) -> None:
        settings = {"DATABASE_URL": url, "DATA_DIR": str(folder), "SECRET_KEY": "k" * 40}
        self.app = create_app(
            Config.from_environment({f"TAIZHANG_{k}": v for k, v in settings.items()})
        )
        self.platform = self.app.extensions["taizhang"]
        publish(self.platform, definition(register={"permissions": GRANTS}))
        self.office = Office(self.platform)
        self.record, self.other = (self.enter(login) for login in ("clerk-a", "clerk-b"))
        with self.platform.writing(self.office.actor("clerk-a")) as work:
            self.comment = comments.add(work, "demo", self.record, SAID)
        unit = self.office.units["a"]
        with self.platform.writing(self.office.actor("staff")) as work:
            to = list(audience.parties([f"u:{unit}"]))
            self.order = orders.give(work, "demo", self.record, ORDERED, to)

    def enter(self, login: str) -> int:
        with self.platform.writing(self.office.actor(login)) as work:
            return records.create(work, "demo", {"name": login}).id

    def browser(self, login: str) -> Browser:
        browser = Browser(self.app)
        browser.sign_in(login)
        return browser

    def send(self, browser: Browser, name: str, record: int, unit: str = "a") -> Any:
        path, form = SENDINGS[name]
        found = {"comment": self.comment, "order": self.order, "unit": self.office.units[unit]}
        filled = {key: value.format(**found) for key, value in form.items()}
        return browser.post(f"/registers/demo/{record}{path.format(**found)}", filled)

    def stored(self) -> list[Any]:
        with self.platform.reading(ME) as work:
            return [sorted(map(repr, work.tx.execute(sa.select(table)))) for table in TABLES]


@pytest.fixture
def talk(url: str, tmp_path: Path) -> Iterator[Talk]:
    made = Talk(url, tmp_path)
    yield made
    made.platform.database.dispose()


@pytest.mark.parametrize("login", ["clerk-b", "outsider"])
def test_who_may_not_see_the_record_reads_and_writes_nothing_about_it(
    talk: Talk, login: str
) -> None:
    browser, before = talk.browser(login), talk.stored()

    for name in SENDINGS:
        answer = talk.send(browser, name, talk.record)
        assert answer.status_code in (403, 404), (name, answer.status_code)
        assert "QSAID" not in answer.text and "QORDERED" not in answer.text, name
    for page in ("", "?history=all", "/people?q=", "/people?q=&units=1"):
        answer = browser.get(f"/registers/demo/{talk.record}{page}")
        assert answer.status_code in (403, 404), page
        assert "QSAID" not in answer.text and "QORDERED" not in answer.text, page

    assert talk.stored() == before


@pytest.mark.parametrize("name", ["mend", "delete", "have read", "answer", "close"])
def test_what_is_said_of_one_record_is_not_reached_by_the_address_of_another(
    talk: Talk, name: str
) -> None:
    """By somebody who may do everything with the other record, and by who said it."""
    before = talk.stored()

    for login in ("clerk-b", "staff"):
        answer = talk.send(talk.browser(login), name, talk.other)
        assert answer.status_code == 404, (login, answer.status_code)

    assert talk.stored() == before


def test_who_only_sees_the_record_reads_and_says_something_and_no_more(talk: Talk) -> None:
    browser, before = talk.browser("reader"), talk.stored()

    page = browser.get(f"/registers/demo/{talk.record}").text
    refused = {
        name: talk.send(browser, name, talk.record).status_code
        for name in ("mend", "delete", "order", "have read", "answer", "close")
    }

    assert SAID in page and ORDERED in page
    assert refused == dict.fromkeys(refused, 403)
    assert talk.stored() == before
    assert talk.send(browser, "say", talk.record).status_code == 302
    assert talk.send(browser, "watch", talk.record).status_code == 302


def test_whose_it_is_may_do_it(talk: Talk) -> None:
    """The same sendings go through for the right people: what is refused above is refused
    because of who asks."""
    clerk, staff = talk.browser("clerk-a"), talk.browser("staff")

    for browser, name in (
        (clerk, "mend"), (clerk, "have read"), (clerk, "answer"), (clerk, "delete"),
        (staff, "order"), (clerk, "watch"),
    ):  # fmt: skip
        assert talk.send(browser, name, talk.record).status_code == 302, name


def test_an_order_is_given_to_nobody_who_may_not_see_the_record(talk: Talk) -> None:
    before = talk.stored()

    answer = talk.send(talk.browser("staff"), "order", talk.record, unit="b")

    assert answer.status_code == 422
    assert talk.stored() == before
