"""Permissions as a definition declares them: grants, the short form, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.definitions.compile import check_definition, compile_register
from app.definitions.library import common_parts
from app.definitions.register import Condition
from app.definitions.world import Alone
from tests.support.register import definition

#: one grant with every keyword
WHOLE: dict[str, Any] = {
    "role": ["township"],
    "may": ["see", "change"],
    "rows": ["own-unit", "paired"],
    "by": "kind",
    "where": {"amount": {"<=": 10}},
    "hide": ["amount"],
    "change": "source",
}


def granted(*grants: dict[str, Any], **block: Any) -> dict[str, Any]:
    return definition(register={"permissions": list(grants), **block})


def compiled(document: dict[str, Any]) -> Any:
    return compile_register(document, Alone(), common_parts())


def problems(document: dict[str, Any]) -> dict[str, str]:
    return {p.at: p.sentence() for p in check_definition(document, Alone(), common_parts())}


def test_a_grant_says_who_what_and_where() -> None:
    [grant] = compiled(granted(WHOLE)).permissions

    assert grant.roles == ("township",)
    assert grant.rows == ("own-unit", "paired")
    assert grant.where[0].operator == "<="
    assert grant.see == {"name", "kind", "noted_on"}
    assert grant.by_source


def test_who_may_do_something_to_a_row_sees_it() -> None:
    changing, adding = compiled(
        granted({"role": ["a"], "may": ["delete"]}, {"role": ["a"], "may": ["create"]})
    ).permissions

    assert changing.may == {"delete", "see"}
    assert adding.may == {"create"}


def test_the_short_form_is_three_grants() -> None:
    short = {"fill": ["township"], "review": ["giib_staff"], "read": ["leader"]}
    made = compiled(definition(register={"permissions": short, "scope": "own"})).permissions

    assert [(g.roles, g.rows) for g in made] == [
        (("township",), ("own",)),
        (("giib_staff",), ("all",)),
        (("leader",), ("all",)),
    ]
    assert made[2].may == {"see", "export"}


def test_a_grant_compares_two_fields_of_one_kind() -> None:
    [grant] = compiled(
        granted({"role": ["a"], "may": ["see"], "where": {"name": {"!=": "$name"}}})
    ).permissions

    assert grant.where == (Condition("name", "!=", None, "name"),)


#: what is wrong → where it is said
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown action": ({"role": ["a"], "may": ["read"]}, "/may/0"),
    "no role": ({"may": ["see"]}, ""),
    "unknown field": ({"role": ["a"], "may": ["see"], "hide": ["amuont"]}, "/hide/0"),
    "both": ({"role": ["a"], "may": ["see"], "see": ["name"], "hide": ["kind"]}, "/hide"),
    "hides the label": ({"role": ["a"], "may": ["see"], "hide": ["name"]}, "/hide"),
    "shows no label": ({"role": ["a"], "may": ["see"], "see": ["amount"]}, "/see"),
    "rows": ({"role": ["a"], "may": ["see"], "rows": "mine"}, "/rows"),
    "by a number": ({"role": ["a"], "may": ["see"], "rows": "own-unit", "by": "amount"}, "/by"),
    "by for all": ({"role": ["a"], "may": ["see"], "rows": "all", "by": "kind"}, "/by"),
    "by nothing": ({"role": ["a"], "may": ["see"], "rows": "own-unit", "by": "town"}, "/by"),
    "where": ({"role": ["a"], "may": ["see"], "where": {"size": 1}}, "/where/size"),
    "change": ({"role": ["a"], "may": ["change"], "change": "mine"}, "/change"),
    "misspelt keyword": ({"role": ["a"], "may": ["see"], "row": "all"}, "/row"),
}


@pytest.mark.parametrize(("grant", "at"), WRONG.values(), ids=WRONG)
def test_a_wrong_grant_is_told_at_its_place(grant: dict[str, Any], at: str) -> None:
    assert [*problems(granted(grant))] == [f"/register/permissions/0{at}"]


def test_a_private_field_does_not_stand_in_the_label() -> None:
    document = definition(
        properties={"phone": {"title": "电话", "type": "string", "private": "phone"}},
        register={"label": "{name} {phone}"},
    )

    assert [*problems(document)] == ["/register/label"]


def test_scope_goes_with_the_short_form_only() -> None:
    document = granted({"role": ["a"], "may": ["see"]}, scope="own")

    assert [*problems(document)] == ["/register/scope"]
