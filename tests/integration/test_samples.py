"""The worked examples of the manual are published together and used."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from app.errors import RecordRefused
from app.services import records, workflow
from app.services.workflow import TransitionRefused
from app.storage.models_workflow import deadline
from tests.support.covering import FOLDER, documents
from tests.support.office import Office
from tests.support.register import ME, OTHER, definition, publish

SAMPLES = documents(FOLDER.parent / "samples")[0]
LETTER = {
    "received": "2026-03-02", "channel": "letter", "petitioner": "王某", "address": "石桥镇",
    "people": "1", "purpose": "claim", "subject": "民政", "matter": "反映低保评定",
}  # fmt: skip
TRIP = {
    "unit": "区住建局", "user": "赵某", "people": "2", "reason": "检查", "to_place": "石桥镇",
    "leave": "2026-03-02T08:30", "back": "2026-03-02T17:00",
}  # fmt: skip
CAR = {
    "plate": "豫R12345", "unit": "区政府办公室", "use": "机要通信用车", "model": "示例牌",
    "power": "electric", "registered": "2022-05-10",
}  # fmt: skip
MONTH = {
    "month": "2026-10", "households": "210", "added": "0", "left": "0", "people": "330",
    "elderly": "200", "adult": "90", "minor": "40", "standard": "450", "spent": "99000",
}  # fmt: skip


@pytest.fixture
def office(platform):
    """A platform with the samples, published together, and the register of townships they name."""
    publish(platform, definition("township"), *SAMPLES.values())
    return platform


def enter(office, slug, **raw):
    with office.writing(ME) as work:
        return records.create(work, slug, raw)


def move(office, slug, record, name, who=ME, **more):
    with office.writing(who) as work:
        return workflow.move(work, slug, record.id, None, name, **more)


def read(office, slug, record):
    with office.reading(ME) as work:
        return records.get(work, slug, record.id).values


def test_the_samples_come_together(office):
    with office.reading(ME) as work:
        assert set(work.snapshot.entries) == {"township", *SAMPLES}


def limit(office):
    with office.reading(ME) as work:
        return work.tx.scalars(sa.select(deadline.c.due)).one()


def test_a_petition_keeps_its_terms_from_receipt_to_extension(office):
    town = Office(office).units["b"]
    letter = enter(office, "petition", **LETTER)
    move(office, "petition", letter, "register")
    assert limit(office) == datetime.date(2026, 3, 17)

    move(office, "petition", letter, "accept", values={"answerable": "区民政局"}, units=[town])
    accepted = read(office, "petition", letter)["accepted"]
    assert limit(office) == accepted + datetime.timedelta(days=60)

    with pytest.raises(TransitionRefused, match="30"):
        move(office, "petition", letter, "extend", comment="复杂", values={"extra": "31"})
    move(office, "petition", letter, "extend", comment="复杂", values={"extra": "30"})
    assert limit(office) == accepted + datetime.timedelta(days=90)


def test_a_trip_counts_for_its_car_once_it_is_over(office):
    car = enter(office, "official_car", **CAR)
    year = enter(office, "car_year", car=car.id, year="2026", budget="1000")
    trip = enter(office, "car_trip", **TRIP)
    move(office, "car_trip", trip, "apply")
    move(office, "car_trip", trip, "send", OTHER, values={"car": car.id, "driver": "孙某"})
    with office.writing(ME) as work:
        found = records.get(work, "car_trip", trip.id)
        costs = [{"kind": "充电", "amount": "35.5"}]
        records.change(work, "car_trip", trip.id, found.version, {"costs": costs})

    assert read(office, "official_car", car)["trips"] == 0
    ended = {
        "left": "2026-03-02T08:40", "returned": "2026-03-02T16:30",
        "begin_km": "100", "end_km": "186",
    }  # fmt: skip
    move(office, "car_trip", trip, "close", OTHER, values=ended)

    found = read(office, "official_car", car)
    assert (found["trips"], found["km"], found["cost"]) == (1, 86, Decimal("35.50"))
    found = read(office, "car_year", year)
    assert (found["running"], found["left"]) == (Decimal("35.50"), Decimal("964.50"))


def test_a_month_follows_from_the_month_before(office):
    town = enter(office, "township", name="石桥镇")
    enter(office, "allowance", township=town.id, **MONTH)
    later = MONTH | {"month": "2026-11", "added": "5", "elderly": "205", "people": "335"}
    with pytest.raises(RecordRefused) as refused:
        enter(office, "allowance", township=town.id, **later | {"people": "336", "minor": "41"})
    november = enter(office, "allowance", township=town.id, **later)

    assert [p.at for p in refused.value.problems] == ["/people"]
    assert november.values["last_people"] == 330
    assert november.values["spent_year"] == Decimal("198000.00")
