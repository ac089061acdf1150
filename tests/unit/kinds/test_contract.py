"""Every kind keeps the contract of ``Kind``, shown by its own samples."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
import wtforms
from hypothesis import given
from hypothesis import strategies as st

from app.kinds import KINDS, Unreadable, dump_json, kind_of, language, load_json
from app.kinds.base import ANY_OF, EMPTY, PRESENT, Kind

DECLARED = tuple(found for found in (kind_of(kind.example) for kind in KINDS) if found)
SAMPLES = [(kind, raw, value) for kind in DECLARED for raw, value in kind.samples]
VALUES = [(kind, value) for kind, _, value in SAMPLES if value is not None]
UNREADABLE = [(kind, raw) for kind in DECLARED for raw in kind.unreadable]


def named(part: Any) -> str | None:
    """Return a short name for a test's case."""
    if isinstance(part, Kind):
        return part.name
    try:
        return ascii(part)[:30]
    except ValueError:
        return "huge"


def a_form(kind: Kind) -> wtforms.Form:
    """Return a form whose ``field`` is the kind's control."""

    class Form(wtforms.Form):
        field = kind.form_field("标题", "<b>提示</b>")

    return Form()


def test_every_kind_is_recognised_by_its_own_example_alone() -> None:
    for kind in KINDS:
        assert [other for other in KINDS if other.from_schema(kind.example)] == [kind]


def test_names_are_all_different() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", DECLARED, ids=named)
def test_equal_options_make_equal_kinds(kind: Kind) -> None:
    again = kind_of(dict(kind.example))

    assert again == kind
    assert hash(again) == hash(kind)
    assert kind.holds(kind)


@pytest.mark.parametrize(
    "prop",
    [
        {},
        {"type": "string", "format": "unheard-of"},
        {"type": ["string", "null"]},
        {"type": "number", "scale": 99},
        {"type": "number", "scale": True},
        {"type": "array", "items": {"type": "integer"}},
        {"type": "array"},
        {"type": "object"},
        {"enum": [1, 2]},
        {"enum": []},
        {"oneOf": [{"const": 1}]},
        {"type": "string", "format": "industry-code", "level": "x"},
        {"type": "string", "format": "industry-code", "within": ["6-9"]},
        {"reference": ""},
    ],
    ids=str,
)
def test_a_property_of_no_kind_has_none(prop: dict[str, Any]) -> None:
    assert kind_of(prop) is None


@pytest.mark.parametrize(("kind", "raw", "value"), SAMPLES, ids=named)
def test_a_sample_is_read(kind: Kind, raw: Any, value: Any) -> None:
    read = kind.reader().deserialize(raw)

    assert read == value
    assert type(read) is type(value)
    assert str(read) == str(value)


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=named)
def test_a_value_is_read_as_itself(kind: Kind, value: Any) -> None:
    assert kind.reader().deserialize(value) == value
    assert kind.reader().deserialize(kind.to_json(value)) == value


@pytest.mark.parametrize(("kind", "raw"), UNREADABLE, ids=named)
def test_what_is_not_of_the_kind_is_refused_with_a_sentence(kind: Kind, raw: Any) -> None:
    with pytest.raises(Unreadable) as refused:
        kind.reader().deserialize(raw)

    assert refused.value.text.endswith((".", "?"))
    assert set(re.findall(r"{(\w+)}", refused.value.text)) <= set(refused.value.values)
    assert all(len(str(value)) < 400 for value in refused.value.values.values())


@pytest.mark.parametrize("kind", DECLARED, ids=named)
@given(data=st.data())
def test_whatever_arrives_is_read_or_refused_and_nothing_else(
    kind: Kind, data: st.DataObject
) -> None:
    like = [str(raw) for raw, _ in kind.samples]
    text = st.text() | st.builds("".join, st.lists(st.sampled_from(like) | st.text(max_size=3)))
    scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | text
    moment = st.datetimes() | st.dates()
    raw = data.draw(
        scalar | moment | st.lists(scalar) | st.dictionaries(st.sampled_from(["_id", "a"]), scalar)
    )

    for given_raw in (raw, kind.from_cell(raw)):
        try:
            value = kind.reader().deserialize(given_raw)
        except Unreadable as refused:
            assert all(place in refused.values for place in re.findall(r"{(\w+)}", refused.text))
            continue
        assert kind.own_table or kind.reader().deserialize(value) == value
        assert isinstance(kind.show(value), str)
        if not kind.own_table:
            assert kind.from_json(load_json(dump_json(kind.to_json(value)))) == value


@pytest.mark.parametrize("kind", DECLARED, ids=named)
def test_nothing_stays_nothing(kind: Kind) -> None:
    assert kind.reader().deserialize(None) is None
    assert kind.to_json(None) is None
    assert kind.from_json(None) is None
    assert kind.from_formula(None) is None
    assert kind.to_cell(None) is None
    assert kind.show(None) == ""
    assert not kind.reader().deserialize("[]" if kind.own_table else kind.to_form(None))


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=named)
def test_a_value_survives_json(kind: Kind, value: Any) -> None:
    kept = kind.from_json(load_json(dump_json(kind.to_json(value))))

    assert kept == value
    assert str(kept) == str(value)


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=named)
@pytest.mark.parametrize("spoken", ["zh_Hans", "en"])
def test_a_value_survives_a_worksheet(kind: Kind, value: Any, spoken: str) -> None:
    token = language.set(spoken)
    try:
        cell = kind.to_cell(value)
        assert kind.reader().deserialize(kind.from_cell(cell)) == value
    finally:
        language.reset(token)


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=named)
def test_a_value_survives_the_form(kind: Kind, value: Any) -> None:
    assert kind.reader().deserialize(kind.to_form(value)) == value


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=named)
def test_a_value_survives_leaving_the_kind_and_coming_back(kind: Kind, value: Any) -> None:
    assert kind.reader().deserialize(kind.from_other(kind, value)) == value
    assert isinstance(kind.show(value), str)


@pytest.mark.parametrize("kind", DECLARED, ids=named)
def test_the_control_judges_nothing_and_shows_its_hint_as_text(kind: Kind) -> None:
    form = a_form(kind)
    field = form["field"]

    assert not field.validators
    assert not {"required", "maxlength", "minlength", "min", "max"} & set(vars(field.flags))
    assert form.validate()
    assert "<b>" not in str(field.description)
    assert f'data-kind="{kind.name}"' in str(field())


@pytest.mark.parametrize("kind", [kind for kind in DECLARED if not kind.own_table], ids=named)
def test_every_declared_filter_becomes_sql(kind: Kind) -> None:
    column = sa.column("v", kind.column_type())
    value = next(value for _, value in kind.samples if value is not None)
    single = value[0] if isinstance(value, tuple) else value

    for operator in kind.filters:
        given = [single] if operator == ANY_OF else single
        condition = kind.condition(column, operator, given)
        assert str(condition.compile())

    assert {EMPTY, PRESENT} <= set(kind.filters)
    with pytest.raises(ValueError, match="has no filter"):
        kind.condition(column, "between", single)


@pytest.mark.parametrize(
    ("kind", "value"), [case for case in VALUES if not case[0].own_table], ids=named
)
def test_a_value_survives_an_sqlite_column(kind: Kind, value: Any) -> None:
    engine = sa.create_engine("sqlite://")
    table = sa.Table("kept", sa.MetaData(), sa.Column("v", kind.column_type()))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [{"v": value}, {"v": None}])

        kept = connection.execute(sa.select(table.c.v)).scalars().all()
    engine.dispose()

    assert kept == [value, None]
    assert str(kept[0]) == str(value)
