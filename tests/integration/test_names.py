"""Any name an office would choose works like any other, or is refused with the reason."""

from __future__ import annotations

import io
import keyword

import pytest

from app.errors import DefinitionRefused, RecordRefused
from app.services import exchange, publishing, records
from app.services.lists import Filter, Query, page
from tests.support.register import ME, definition, publish

#: names that mean something to Flask-Admin, WTForms, Jinja, SQLAlchemy, SQL, Python or an engine
WORDS = """
    validate data errors meta process populate_obj csrf_token id keys items values query metadata
    registry class name_ label version order select table group user index ctid xmin xmax cmin
    cmax tableoid oid rowid sqlite_x pg_x f_x model view form self request session config g
    url_for get pop update copy page size sort q rows none primary key_ references check default
    unique column constraint limit offset
"""
WORKING = sorted({*WORDS.split(), *(k for k in keyword.kwlist if k.islower() and k != "in")})
REFUSED = {
    "": "empty",
    "_id": "begins with an underscore",
    "__proto__": "begins with an underscore",
    "a__b": "two underscores",
    "Upper": "capital",
    "名称": "Chinese",
    "🙂": "emoji",
    "x" * 41: "too long",
    "x" * 300: "far too long",
    "a b": "a blank",
    "a'b": "a quote",
    'a"b': "a double quote",
    "a;drop table r_demo": "a statement",
    "old": "expressions' own",
    "in": "CEL's own",
}


def naming(name: str) -> dict:
    """Return a definition with a field of this name that must be from 0 to 100."""
    field = {"title": f"字段{name}", "type": "number", "scale": 2, "minimum": 0, "maximum": 100}
    return definition(
        properties={name: field},
        register={"list": ["name", name], "filters": [name], "sort": [f"-{name}"]},
    )


@pytest.mark.parametrize("name", WORKING)
def test_a_field_of_any_name_is_stored_judged_listed_and_exported(platform, name):
    publish(platform, naming(name))

    with platform.writing(ME) as work:
        made = records.create(work, "demo", {"name": "甲厂", name: "7.5"})
    with pytest.raises(RecordRefused) as refused, platform.writing(ME) as work:
        records.create(work, "demo", {"name": "乙厂", name: "-1"})
    with platform.reading(ME) as work:
        query = Query(filters=(Filter(name, "ge", "7"),), sort=name)
        listed = page(work, "demo", query)
        out = io.BytesIO()
        exchange.export(work, "demo", query, "csv", out)
    out.seek(0)
    with platform.writing(ME) as work:
        report = exchange.import_file(work, "demo", out, format="csv", mode="upsert")

    assert str(made.values[name]) == "7.50"
    assert [p.at for p in refused.value.problems] == [f"/{name}"]
    assert [row.values[name] for row in listed.rows] == [made.values[name]]
    assert (report.created, report.changed, report.unchanged) == (0, 0, 1)


@pytest.mark.parametrize("name", WORKING[::4])
def test_a_register_of_any_name_works(platform, name):
    publish(platform, definition(name))

    with platform.writing(ME) as work:
        records.create(work, name, {"name": "甲厂", "amount": "1"})
    with platform.reading(ME) as work:
        assert page(work, name, Query(search="甲")).total == 1


@pytest.mark.parametrize("name", REFUSED, ids=REFUSED.values())
def test_other_names_are_refused_with_the_reason(platform, name):
    with pytest.raises(DefinitionRefused) as refused, platform.writing(ME, publishing=True) as work:
        publishing.publish(work, naming(name))

    assert any(p.at.startswith("/properties") for p in refused.value.problems)
    with platform.reading(ME) as work:
        assert work.snapshot.entries == {}
