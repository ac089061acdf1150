"""The calendar of returns: periods as arithmetic, and what a definition may say of them."""

from __future__ import annotations

import calendar
import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.definitions.compile import check_definition, compile_all, compile_register
from app.definitions.library import common_parts
from app.definitions.periods import (
    EXAMPLE,
    PER_YEAR,
    Deadline,
    between,
    containing,
    first_day,
    following,
    is_period,
    label,
    last_day,
    on,
    ordinal,
)
from app.definitions.workdays import HOLIDAY, Exceptional, WorkCalendar
from app.definitions.world import Alone
from app.kinds.month import read_month
from app.kinds.quarter import read_quarter
from app.kinds.wording import language
from tests.support.register import definition

#: every keyword of a calendar of returns
UNITS: dict[str, Any] = {
    "every": "month", "field": "month", "by": {"kinds": ["township"], "role": ["township"],
    "field": "town"}, "opens": {"day": 1, "offset": 1}, "due": {"day": 5, "working": True},
    "remind": [1, 3], "late": False, "lock": 10, "supplement": True, "nil": True,
    "carry": ["amount"], "from": "2026-01",
}  # fmt: skip
ROWS: dict[str, Any] = {
    "every": "quarter", "field": "quarter", "due": {"day": 10},
    "by": {"register": "firm", "via": "firm", "where": {"kind": "a"}, "unit": "name"},
}  # fmt: skip
WHOLE_PERIODS = [UNITS, ROWS]

DAYS = st.dates(datetime.date(1900, 1, 1), datetime.date(2199, 12, 31))
EVERY = st.sampled_from(sorted(PER_YEAR))
PLAIN = WorkCalendar.of({}, frozenset())


@given(EVERY, DAYS)
def test_a_day_lies_in_its_period(every: str, day: datetime.date) -> None:
    period = containing(every, day)

    assert is_period(every, period)
    assert first_day(every, period) <= day <= last_day(every, period)


@given(EVERY, DAYS, st.integers(-40, 40))
def test_steps_go_there_and_back(every: str, day: datetime.date, steps: int) -> None:
    period = containing(every, day)
    there = following(every, period, steps)

    assert following(every, there, -steps) == period
    assert ordinal(every, there) - ordinal(every, period) == steps
    assert (there > period) == (steps > 0)


@given(EVERY, DAYS)
def test_periods_follow_without_a_gap(every: str, day: datetime.date) -> None:
    period = containing(every, day)
    after = following(every, period)

    assert first_day(every, after) == last_day(every, period) + datetime.timedelta(days=1)
    assert list(between(every, period, after)) == [period, after]


@given(DAYS)
def test_a_period_is_written_as_its_kind_of_field_keeps_it(day: datetime.date) -> None:
    assert read_month(containing("month", day)) == containing("month", day)
    assert read_quarter(containing("quarter", day)) == containing("quarter", day)


@settings(deadline=None)
@given(
    EVERY,
    DAYS,
    st.builds(Deadline, st.integers(1, 31), st.booleans(), st.integers(0, 24)),
    st.sets(DAYS, max_size=30),
)
def test_a_deadline_lies_in_its_month(
    every: str, day: datetime.date, deadline: Deadline, free: set[datetime.date]
) -> None:
    days = WorkCalendar.of({d: Exceptional(HOLIDAY) for d in free}, frozenset())
    last = last_day(every, containing(every, day))

    there = on(deadline, last, days)

    months = (there.year - last.year) * 12 + there.month - last.month
    assert months == deadline.offset
    if deadline.working:
        begun = there.replace(day=1) - datetime.timedelta(days=1)
        counted = days.working_days_between(begun, there)
        assert counted == deadline.day or (there + datetime.timedelta(days=1)).day == 1
    else:
        assert there.day == min(deadline.day, calendar.monthrange(there.year, there.month)[1])


@pytest.mark.parametrize(
    ("every", "period", "chinese", "english"),
    [
        ("month", "2026-03", "2026年3月", "2026-03"),
        ("quarter", "2026Q2", "2026年第2季度", "2026Q2"),
        ("half-year", "2026H1", "2026年上半年", "2026H1"),
        ("year", "2026", "2026年", "2026"),
    ],
)
def test_a_period_is_called_as_people_call_it(
    every: str, period: str, chinese: str, english: str
) -> None:
    assert label(every, period) == chinese
    token = language.set("en")
    assert label(every, period) == english
    language.reset(token)


@pytest.mark.parametrize(
    ("every", "text"),
    [("month", "2026-13"), ("month", "2026-3"), ("month", "1899-12"), ("quarter", "2026Q5"),
     ("half-year", "2026H3"), ("year", "26"), ("year", "２０２６"), ("month", 202601),
     ("month", "2026-01\n")],
)  # fmt: skip
def test_what_is_no_period(every: str, text: object) -> None:
    assert not is_period(every, text)
    assert is_period(every, EXAMPLE[every])


def declared(period: Any, **properties: Any) -> dict[str, Any]:
    fields = {
        "town": {"title": "乡镇", "type": "string", "maxLength": 40},
        "month": {"title": "月份", "type": "string", "format": "month"},
    }
    return definition(properties=fields | properties, register={"period": period})


def problems(period: Any, **properties: Any) -> dict[str, str]:
    found = check_definition(declared(period, **properties), Alone(), common_parts())
    return {p.at.removeprefix("/register/period"): p.sentence() for p in found}


def test_every_keyword_is_kept() -> None:
    made = compile_register(declared(UNITS), Alone(), common_parts()).period

    assert made is not None
    assert (made.by.field, made.by.kinds, made.by.roles) == ("town", ("township",), ("township",))
    assert made.due == Deadline(5, True, 1)
    assert (made.remind, made.late, made.lock, made.first) == ((3, 1), False, 10, "2026-01")
    assert made.carry == ("amount",)


def test_rows_of_another_register_owe() -> None:
    firm, quarter = definition("firm"), {"title": "季", "type": "string", "format": "quarter"}
    fields = {"firm": {"title": "企业", "reference": "firm"}, "quarter": quarter}
    report = definition("report", properties=fields, register={"period": ROWS})

    registers, found = compile_all([report, firm], Alone(), common_parts())

    assert found == {}
    by = registers["report"].period.by  # type: ignore[union-attr]
    assert (by.register, by.field, by.unit, by.where[0].value) == ("firm", "firm", "name", "a")


@pytest.mark.parametrize("word", ["month", "quarter", "half-year", "year", "once"])
def test_a_word_is_kept_and_makes_no_calendar(word: str) -> None:
    assert compile_register(declared(word), Alone(), common_parts()).period is None


BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"field": "nowhere"}, "/field", "There is no field nowhere."),
    ({"field": "name"}, "/field", "is of kind text"),
    ({"every": "quarter"}, "/field", "is of kind month"),
    ({"every": "week"}, "/every", "week"),
    ({"by": {"field": "amount"}}, "/by/field", "amount is of kind"),
    ({"by": {"field": "twon"}}, "/by/field", "Did you mean town?"),
    ({"by": {"kinds": ["township"], "register": "firm", "via": "town"}}, "/by/kinds", "not both"),
    ({"by": {"register": "firm", "via": "town"}}, "/by/register", "no register firm"),
    ({"by": {"register": "firm"}}, "/by", "via"),
    ({"opens": {"day": 11}}, "/opens", "before they open"),
    ({"due": {"day": 0}}, "/due/day", "smaller"),
    ({"from": "2026Q1"}, "/from", "write it as 2026-01"),
    ({"carry": ["month"]}, "/carry/0", "cannot be carried over"),
    ({"carry": ["nowhere"]}, "/carry/0", "There is no field nowhere."),
    ({"lok": 5}, "/lok", "Did you mean lock?"),
]


@pytest.mark.parametrize(("change", "at", "said"), BROKEN, ids=lambda part: str(part)[:30])
def test_a_mistake_is_named_where_it_stands(change: dict[str, Any], at: str, said: str) -> None:
    plain = UNITS | {"due": {"day": 10}}

    found = problems(plain | change)

    assert said in found.get(at, ""), found


def test_an_attachment_is_not_carried_over() -> None:
    papers = {"title": "附件", "type": "string", "format": "attachment"}

    assert "uploaded anew" in problems(UNITS | {"carry": ["papers"]}, papers=papers)["/carry/0"]
