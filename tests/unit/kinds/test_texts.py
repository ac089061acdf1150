"""Text is cleaned, never changed in meaning; choices are found by value or label."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
import wtforms
from hypothesis import given
from hypothesis import strategies as st

from app.kinds import Kind, Unreadable, blank, dump_json, kind_of, load_json
from app.kinds.attachment import Attachment
from app.kinds.base import ANY_OF, CONTAINS, EMPTY, NOT_EQUALS, PRESENT
from app.kinds.choice import Choice, Option
from app.kinds.choices import Choices
from app.kinds.industry_code import IndustryCode
from app.kinds.number import Number
from app.kinds.text import LongText, Text

OPTIONS = (Option("a", "甲"), Option("b", "乙"), Option("c", "丙", True))


@given(st.text())
def test_cleaning_text_again_changes_nothing(raw: str) -> None:
    for kind in (Text(), LongText()):
        try:
            value = kind.reader().deserialize(raw)
        except Unreadable:
            continue
        assert kind.reader().deserialize(value) == value
        assert kind.reader().deserialize(kind.from_cell(kind.to_cell(value))) == value
        assert value is None or value.encode()
        assert load_json(dump_json(value)) == value


def test_chinese_punctuation_is_kept_and_only_digits_and_letters_become_narrow() -> None:
    read = Text().reader().deserialize

    assert read("牧原（集团）：第１期，Ａ区！") == "牧原（集团）：第1期，A区！"


def test_a_control_character_is_refused_by_its_number() -> None:
    with pytest.raises(Unreadable) as refused:
        Text().reader().deserialize("a\x00b")

    assert refused.value.values == {"code": "U+0000"}


@pytest.mark.parametrize(
    ("cell", "raw"),
    [
        (12.0, "12"),
        (1.5, "1.5"),
        (True, "TRUE"),
        (7, "7"),
        (datetime.datetime(2024, 6, 30), "2024-06-30"),
        (datetime.datetime(2024, 6, 30, 8), "2024-06-30 08:00:00"),
        (1.5e17, 1.5e17),
        (None, None),
    ],
)
def test_a_cell_of_a_text_column_is_the_text_it_shows(cell: Any, raw: Any) -> None:
    assert Text().from_cell(cell) == raw


@pytest.mark.parametrize("raw", [None, "", " \u3000\t\n", [], ()])
def test_nothing_is_blank(raw: Any) -> None:
    assert blank(raw)


@pytest.mark.parametrize("raw", [0, False, "0", [""], {}, Decimal(0)])
def test_nought_and_no_are_not_blank(raw: Any) -> None:
    assert not blank(raw)


def test_a_retired_choice_is_read_and_shown_but_judged_as_not_choosable() -> None:
    kind = Choice(OPTIONS)

    assert kind.reader().deserialize("丙") == "c"
    assert kind.show("c") == "丙"
    assert kind.judged_as({"oneOf": [], "title": "x"}) == {"type": "string", "enum": ["a", "b"]}
    judged = Choices(OPTIONS).judged_as({"items": {"oneOf": []}, "maxItems": 2, "unit": "x"})
    assert judged == {
        "type": "array",
        "items": {"type": "string", "enum": ["a", "b"]},
        "maxItems": 2,
    }


def test_a_refused_choice_lists_what_may_be_chosen() -> None:
    with pytest.raises(Unreadable) as refused:
        Choice(OPTIONS).reader().deserialize("丁")

    assert refused.value.values == {"value": "丁", "choices": "甲、乙"}


def test_a_form_offers_a_retired_choice_only_where_it_is_stored() -> None:
    class Form(wtforms.Form):
        one = Choice(OPTIONS).form_field("一")
        many = Choices(OPTIONS).form_field("多")

    fresh, stored = Form(), Form(data={"one": "c", "many": ["a", "gone"]})

    assert "丙" not in str(fresh["one"]()) + str(fresh["many"]())
    assert '<option data-retired="true" selected value="c">丙</option>' in str(stored["one"]())
    assert 'value="gone"' in str(stored["many"]())


def test_labels_become_text_when_a_choice_becomes_free_text_and_back() -> None:
    choice, text = Choice(OPTIONS), Text()

    assert not text.holds(choice)
    assert text.reader().deserialize(text.from_other(choice, "a")) == "甲"
    assert choice.reader().deserialize(choice.from_other(text, "甲")) == "a"
    assert text.holds(Choice((Option("甲", "甲"),)))


def test_a_choice_may_become_several_and_files_come_only_from_files() -> None:
    choice, choices = Choice((Option("a", "甲、乙"),)), Choices((Option("a", "甲、乙"),))

    assert choices.reader().deserialize(choices.from_other(choice, "a")) == ("a",)
    with pytest.raises(Unreadable):
        Attachment().reader().deserialize(Attachment().from_other(Text(), "3"))


def test_attachments_accept_declared_media_types() -> None:
    kind = kind_of({"type": "string", "format": "attachment", "accept": ["image/*"]})

    assert isinstance(kind, Attachment)
    assert (kind.multiple, kind.max_items, kind.max_mb) == (False, 1, 20)
    assert kind.accepts("image/png")
    assert not kind.accepts("application/pdf")
    assert kind.judged_as({"type": "string"})["maxItems"] == 1


@pytest.fixture
def matching() -> Any:
    """Return a function that stores values of a kind and finds those that meet a condition."""
    engine = sa.create_engine("sqlite://")

    def matching(kind: Kind, values: list[Any], operator: str, wanted: Any = None) -> list[Any]:
        table = sa.Table("kept", sa.MetaData(), sa.Column("v", kind.column_type()))
        with engine.begin() as connection:
            table.create(connection)
            connection.execute(table.insert(), [{"v": value} for value in values])
            where = kind.condition(table.c.v, operator, wanted)
            found = connection.scalars(sa.select(table.c.v).where(where)).all()
            table.drop(connection)
        return list(found)

    yield matching
    engine.dispose()


@pytest.mark.parametrize(
    ("kind", "values", "operator", "wanted", "found"),
    [
        (Text(), ["50%", "500", "a_b", None], CONTAINS, "0%", ["50%"]),
        (Text(), ["a_b", "axb"], CONTAINS, "A_", ["a_b"]),
        (Text(), ["甲", None], NOT_EQUALS, "乙", ["甲", None]),
        (Text(), ["甲", None], EMPTY, None, [None]),
        (Text(), ["甲", None], PRESENT, None, ["甲"]),
        (Text(), ["甲", "乙"], ANY_OF, ["甲", "丙"], ["甲"]),
        (Choices(), [("a",), ("a", 'b"%'), ("ab",), None], CONTAINS, "a", [("a",), ("a", 'b"%')]),
        (Choices(), [("a",), ('b"%',), ("b",)], CONTAINS, 'b"%', [('b"%',)]),
        (IndustryCode(), ["1351", "2135", "0610"], CONTAINS, "135", ["1351"]),
        (IndustryCode(), ["1351", "2135", "0610"], CONTAINS, "C135", ["1351"]),
        (IndustryCode(), ["1351", "4610", "0610"], CONTAINS, "B", ["0610"]),
        (Number(2), [Decimal("9.50"), Decimal("10.00")], "ge", Decimal("9.51"), [Decimal(10)]),
    ],
)
def test_a_filter_finds_what_it_says(
    matching: Any, kind: Kind, values: list[Any], operator: str, wanted: Any, found: list[Any]
) -> None:
    assert matching(kind, values, operator, wanted) == found


def test_json_keeps_every_digit() -> None:
    record = {"n": Decimal("9999999999999999.90"), "z": Decimal("0E-8"), "t": '"\n字', "x": [1.5]}

    assert dump_json(record) == (
        '{"n":9999999999999999.90,"z":0.00000000,"t":"\\"\\n字","x":[1.5]}'
    )
    assert load_json(dump_json(record))["n"] == record["n"]
    assert dump_json({"a": (True, None, 1), "b": {}, "c": []}) == (
        '{"a":[true,null,1],"b":{},"c":[]}'
    )


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", "[" * 100_000, ""])
def test_what_is_not_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        load_json(text)


@pytest.mark.parametrize("obj", [float("nan"), Decimal("NaN"), Decimal("Infinity")])
def test_no_number_that_json_lacks_is_written(obj: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump_json([obj])


def test_what_json_lacks_is_a_type_error() -> None:
    for obj in ({1: 2}, datetime.date(2024, 6, 30), object()):
        with pytest.raises(TypeError):
            dump_json(obj)
