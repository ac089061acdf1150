"""Drafts: one's own alone, never judged, never back after the form was sent."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from app.errors import NotAllowed, RecordNotFound
from app.services import drafts, records
from app.services.drafts import Form
from app.services.work import Platform
from app.storage.models_together import draft as table
from tests.support.office import Office
from tests.support.register import definition, publish

GRANTS = [
    {"role": ["township"], "may": ["see", "create", "change"], "rows": "own-unit"},
    {"role": ["leader"], "may": ["see"]},
]
FORM = Form("t1", None, 0, 1, (("f_name", "甲"), ("f_amount", "十")), 0, "page", 1)


@pytest.fixture
def office(platform: Platform) -> Office:
    office = Office(platform)
    publish(platform, definition(register={"permissions": GRANTS}))
    return office


def keep(office: Office, login: str, form: Form) -> Any:
    with office.platform.writing(office.actor(login)) as work:
        return drafts.save(work, "demo", form)


def end(office: Office, token: str, record: int | None = None) -> None:
    with office.platform.writing(office.actor("clerk-a")) as work:
        drafts.end(work, "demo", token, record)


def left(office: Office, login: str) -> list[tuple[tuple[str, str], ...]]:
    with office.platform.reading(office.actor(login)) as work:
        return [one.pairs for one in drafts.listed(work)]


def test_a_draft_is_kept_as_typed_and_found_by_its_owner_alone(office: Office) -> None:
    kept = keep(office, "clerk-a", FORM)

    assert left(office, "clerk-a") == [FORM.pairs]
    for other in ("clerk-a1", "clerk-b", "outsider"):
        assert left(office, other) == []
        with office.platform.reading(office.actor(other)) as work:
            with pytest.raises(drafts.DraftNotFound):
                drafts.get(work, kept.id)
            with pytest.raises(drafts.DraftNotFound):
                drafts.discard(work, kept.id)
    with pytest.raises(NotAllowed):
        keep(office, "reader", FORM)


def test_only_who_may_change_a_record_keeps_a_draft_of_it(office: Office) -> None:
    with office.platform.writing(office.actor("clerk-a")) as work:
        record = records.create(work, "demo", {"name": "甲厂"}).id

    keep(office, "clerk-a", replace(FORM, record=record, version=1))
    with pytest.raises(RecordNotFound):
        keep(office, "clerk-b", replace(FORM, record=record, version=1))
    with pytest.raises(NotAllowed):
        keep(office, "reader", replace(FORM, record=record, version=1))


def test_what_was_sent_never_comes_back(office: Office) -> None:
    keep(office, "clerk-a", FORM)
    end(office, "t1")

    with pytest.raises(drafts.DraftOver):
        keep(office, "clerk-a", replace(FORM, step=2))
    assert left(office, "clerk-a") == []

    end(office, "t2")
    with pytest.raises(drafts.DraftOver):
        keep(office, "clerk-a", replace(FORM, token="t2"))
    assert left(office, "clerk-a") == []


def test_a_record_that_was_saved_has_no_draft_left_in_any_window(office: Office) -> None:
    with office.platform.writing(office.actor("clerk-a")) as work:
        record = records.create(work, "demo", {"name": "甲厂"}).id
    for token in ("one", "two"):
        keep(office, "clerk-a", replace(FORM, token=token, record=record, version=1))
    keep(office, "clerk-a", FORM)

    end(office, "one", record)

    assert left(office, "clerk-a") == [FORM.pairs]
    with pytest.raises(drafts.DraftOver):
        keep(office, "clerk-a", replace(FORM, token="two", record=record, version=1, step=9))


def test_of_two_savings_the_later_one_stays_whatever_order_they_come_in(office: Office) -> None:
    keep(office, "clerk-a", FORM)
    third = replace(FORM, step=3, pairs=(("f_name", "甲三"),))
    keep(office, "clerk-a", third)
    with pytest.raises(drafts.DraftElsewhere):
        keep(office, "clerk-a", replace(FORM, step=2))
    assert left(office, "clerk-a") == [third.pairs]

    # Another window goes on with it; the first one is overtaken.
    other = replace(FORM, writer="other", turn=2, step=1, pairs=(("f_name", "乙"),))
    keep(office, "clerk-a", other)
    with pytest.raises(drafts.DraftElsewhere):
        keep(office, "clerk-a", replace(third, step=4))
    assert left(office, "clerk-a") == [other.pairs]


def test_old_drafts_are_deleted_with_what_they_hold(office: Office) -> None:
    keep(office, "clerk-a", FORM)
    with office.platform.database.writing() as tx:
        moment = tx.scalar(sa.select(table.c.saved_at))
        assert drafts.purge_drafts(tx, moment + drafts.KEPT) == 0
        late = moment + drafts.KEPT + datetime.timedelta(seconds=1)
        assert drafts.purge_drafts(tx, late) == 1
        assert tx.scalar(sa.select(sa.func.count()).select_from(table)) == 0
