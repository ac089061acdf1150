"""When a message goes out, by the office's clocks."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.notices.times import DIGEST, ONCE, Rhythm, TimeRefused, clean
from app.services.office import Office

OFFICE = Office()
times = st.times().map(lambda time: f"{time:%H:%M}")


def stored(day: int, hour: int, minute: int = 0) -> datetime.datetime:
    return OFFICE.stored(datetime.datetime(2026, 3, day, hour, minute))


@pytest.mark.parametrize(
    ("now", "rhythm", "sent"),
    [
        (stored(2, 9), Rhythm(ONCE), stored(2, 9)),
        (stored(2, 23), Rhythm(ONCE, quiet_from="22:00", quiet_to="07:30"), stored(3, 7, 30)),
        (stored(3, 2), Rhythm(ONCE, quiet_from="22:00", quiet_to="07:30"), stored(3, 7, 30)),
        (stored(3, 7, 30), Rhythm(ONCE, quiet_from="22:00", quiet_to="07:30"), stored(3, 7, 30)),
        (stored(3, 13), Rhythm(ONCE, quiet_from="12:00", quiet_to="14:30"), stored(3, 14, 30)),
        (stored(3, 13), Rhythm(ONCE, quiet_from="12:00", quiet_to="12:00"), stored(3, 13)),
        (stored(2, 8), Rhythm(DIGEST, "08:30"), stored(2, 8, 30)),
        (stored(2, 8, 30), Rhythm(DIGEST, "08:30"), stored(3, 8, 30)),
    ],
)
def test_a_message_waits_for_its_time(
    now: datetime.datetime, rhythm: Rhythm, sent: datetime.datetime
) -> None:
    assert rhythm.send_at(OFFICE, now) == sent


@settings(deadline=None)
@given(
    st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2027, 1, 1)), times, times, times
)
def test_nothing_is_sent_in_quiet_hours_nor_a_day_late(
    now: datetime.datetime, digest_at: str, quiet_from: str, quiet_to: str
) -> None:
    rhythm = Rhythm(ONCE, digest_at, quiet_from, quiet_to)

    for mode in (ONCE, DIGEST):
        sent = Rhythm(mode, digest_at, quiet_from, quiet_to).send_at(OFFICE, now)
        assert datetime.timedelta(0) <= sent - now <= datetime.timedelta(days=1)
        if mode == ONCE:
            assert not rhythm.is_quiet(OFFICE.local(sent).time())


@pytest.mark.parametrize(("text", "kept"), [(" 8:05 ", "08:05"), ("", ""), ("8：30", "08:30")])
def test_a_time_is_kept_in_one_spelling(text: str, kept: str) -> None:
    assert clean(text) == kept


@pytest.mark.parametrize("text", ["24:00", "8", "8:5", "08:60", "noon", "-1:00", "１:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(TimeRefused):
        clean(text)
