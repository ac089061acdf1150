"""Definitions change, and stored values outlive them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.errors import DefinitionRefused, PlanNeedsConfirmation, PlanOutdated, PlanRefused
from app.services import debts, history, publishing, records, roles
from app.services.lists import Filter, Query, page
from tests.support.register import ME, definition


def plan(platform, document):
    with platform.reading(ME) as work:
        return publishing.plan(work, document)


def values(platform, record=1, slug="demo"):
    with platform.reading(ME) as work:
        return dict(records.get(work, slug, record).values)


def steps(made):
    return {step.code: step for step in made.steps}


def test_a_plan_says_what_will_be_done_and_changes_nothing(platform, published, add):
    published(definition())
    add("demo", name="甲厂", amount="5")
    changed = definition(properties={"memo": {"title": "备注", "type": "string", "default": "无"}})

    made = plan(platform, changed)

    assert steps(made)["add"].rows == 1
    with platform.reading(ME) as work:
        assert work.snapshot.entries["demo"].revision == 1
        assert "memo" not in records.get(work, "demo", 1).values


def test_a_plan_names_the_roles_that_are_not_there_yet(platform, published):
    def granted(*roles):
        return definition(register={"permissions": {"fill": list(roles)}})

    first = plan(platform, granted("demo_staff"))
    published(granted("demo_staff"))
    second = plan(platform, granted("demo_staff", "demo_head"))

    assert steps(first)["roles.unknown"].values == {"listed": ["demo_staff"]}
    assert steps(second)["roles.unknown"].values == {"listed": ["demo_head"]}
    with platform.writing(ME) as work:
        roles.add(work, "demo_head", "负责人")
    assert "roles.unknown" not in steps(plan(platform, granted("demo_staff", "demo_head")))


def test_a_default_fills_the_rows_that_are_there(platform, published, add):
    published(definition())
    add("demo", name="甲厂")

    published(
        definition(
            properties={
                "memo": {"title": "备注", "type": "string", "default": "It's 100% \\ «甲»"},
                "fee": {"title": "费用", "type": "number", "scale": 2, "default": 12.5},
                "since": {
                    "title": "起",
                    "type": "string",
                    "format": "date",
                    "default": "2024-06-30",
                },
                "open": {"title": "开", "type": "boolean", "default": True},
            }
        )
    )

    found = values(platform)
    assert found["memo"] == "It's 100% \\ «甲»"
    assert found["fee"] == Decimal("12.50")
    assert str(found["since"]) == "2024-06-30"
    assert found["open"] is True


def test_a_retired_field_keeps_its_values_and_brings_them_back(platform, published, add):
    published(definition())
    add("demo", name="甲厂", amount="5")

    published(definition(properties={"amount": None}, register={"list": None, "sort": None}))
    assert "amount" not in values(platform)
    made = plan(platform, definition())
    published(definition())

    assert steps(made)["bring_back"].rows == 1
    assert values(platform)["amount"] == Decimal("5.00")


def test_a_renamed_field_keeps_its_values_and_its_history(platform, published, add):
    published(definition())
    add("demo", name="甲厂", amount="5")
    renamed = definition(
        properties={
            "amount": None,
            "sum_total": {"title": "总额", "type": "number", "scale": 2, "was": "amount"},
        },
        register={"list": None, "sort": None},
    )

    published(renamed)

    assert values(platform)["sum_total"] == Decimal("5.00")
    with platform.writing(ME) as work:
        changed = records.change(work, "demo", 1, 1, {"sum_total": "7"})
    with platform.writing(ME) as work:
        from app.services.removal import restore

        back = restore(work, "demo", 1, 1, changed.version)
    assert back.values["sum_total"] == Decimal("5.00")


def test_a_type_change_parks_what_does_not_fit_and_a_revert_brings_it_back(
    platform, published, add
):
    published(definition(properties={"size": {"title": "规模", "type": "string"}}))
    add("demo", name="甲厂", size="120")
    add("demo", name="乙厂", size="约一百人")
    number = definition(properties={"size": {"title": "规模", "type": "integer"}})

    made = plan(platform, number)
    with pytest.raises(PlanNeedsConfirmation), platform.writing(ME, publishing=True) as work:
        publishing.publish(work, number)
    published(number)

    step = steps(made)["change_kind"]
    assert (step.values["count"], step.values["parked"]) == (1, 1)
    assert step.examples == ["#2: 约一百人"]
    assert values(platform, 1)["size"] == 120
    assert values(platform, 2)["size"] is None
    with platform.reading(ME) as work:
        assert [(p.record, p.shown) for p in debts.parked_values(work, "demo")] == [(2, "约一百人")]

    published(definition(properties={"size": {"title": "规模", "type": "string"}}))

    assert values(platform, 1)["size"] == "120"
    assert values(platform, 2)["size"] == "约一百人"
    with platform.reading(ME) as work:
        assert debts.parked_values(work, "demo") == []


def test_a_parked_value_is_let_go_once_somebody_corrects_it(platform, published, add):
    text = definition(properties={"size": {"title": "规模", "type": "string"}})
    published(text)
    add("demo", name="乙厂", size="约一百人")
    published(definition(properties={"size": {"title": "规模", "type": "integer"}}))

    with platform.writing(ME) as work:
        records.change(work, "demo", 1, 1, {"size": "100"})

    with platform.reading(ME) as work:
        assert debts.parked_values(work, "demo") == []
    published(text)
    assert values(platform)["size"] == "100"


def test_a_tightened_rule_blocks_no_unrelated_save_and_its_rows_are_listed(
    platform, published, add
):
    published(definition())
    add("demo", name="甲厂", amount="500")
    tightened = definition(
        properties={
            "amount": {
                "title": "金额",
                "type": "number",
                "scale": 2,
                "unit": "万元",
                "maximum": 100,
            }
        }
    )

    made = plan(platform, tightened)
    published(tightened)

    assert steps(made)["debt"].rows == 1
    assert steps(made)["debt"].examples == ["#1 甲厂"]
    with platform.reading(ME) as work:
        [(code, at, count, _, revision)] = debts.summary(work, "demo")
    assert (code, at, count, revision) == ("schema.maximum", "/amount", 1, 2)
    with platform.writing(ME) as work:
        saved = records.change(work, "demo", 1, 1, {"kind": "a"})
    assert saved.values["kind"] == "a"
    with pytest.raises(records.RecordRefused), platform.writing(ME) as work:
        records.change(work, "demo", 1, 2, {"amount": "200"})
    with platform.writing(ME) as work:
        records.change(work, "demo", 1, 2, {"amount": "99"})
    with platform.reading(ME) as work:
        assert debts.summary(work, "demo") == []


def test_a_field_made_required_blocks_no_old_record(platform, published, add):
    published(definition())
    add("demo", name="甲厂")

    published(definition(required=["name", "amount"]))

    with platform.writing(ME) as work:
        records.change(work, "demo", 1, 1, {"kind": "b"})
    with pytest.raises(records.RecordRefused), platform.writing(ME) as work:
        records.create(work, "demo", {"name": "乙厂"})
    with platform.reading(ME) as work:
        assert debts.count(work, "demo") == 1


def test_duplicates_stand_in_the_way_of_a_unique_field_and_are_listed(platform, published, add):
    published(definition())
    add("demo", name="甲厂", noted_on="2024-01-01")
    add("demo", name="乙厂", noted_on="2024-01-01")
    unique = definition(
        properties={
            "noted_on": {"title": "登记日期", "type": "string", "format": "date", "unique": True}
        }
    )

    made = plan(platform, unique)

    assert [s.examples for s in made.refusals] == [["2024-01-01 ×2 (#1, #2)"]]
    with pytest.raises(PlanRefused), platform.writing(ME, publishing=True) as work:
        publishing.publish(work, unique, confirmed=True)


def test_a_retired_choice_stays_where_it_is_stored(platform, published, add):
    published(definition())
    add("demo", name="甲厂", kind="a")
    fewer = definition(
        properties={
            "kind": {"title": "类别", "type": "string", "oneOf": [{"const": "b", "title": "乙"}]}
        }
    )

    made = plan(platform, fewer)
    published(fewer)

    assert steps(made)["choice.retired"].rows == 1
    with platform.writing(ME) as work:
        kept = records.change(work, "demo", 1, 1, {"kind": "a", "amount": "3"})
    assert (kept.values["kind"], kept.values["amount"]) == ("a", Decimal("3.00"))
    with pytest.raises(records.RecordRefused), platform.writing(ME) as work:
        records.create(work, "demo", {"name": "乙厂", "kind": "a"})


def test_a_changed_expression_is_computed_for_all_rows(platform, published, add):
    doubled = {"title": "两倍", "scale": 2, "computed": "amount * 2.0"}
    published(definition(properties={"twice": doubled}))
    add("demo", name="甲厂", amount="5")
    tripled = {"title": "两倍", "scale": 2, "computed": "amount * 3.0"}

    made = plan(platform, definition(properties={"twice": tripled}))
    published(definition(properties={"twice": tripled}))

    assert steps(made)["recompute"].rows == 1
    assert values(platform)["twice"] == Decimal("15.00")


def test_a_changed_scale_converts_exactly(platform, published, add):
    published(definition(properties={"area": {"title": "面积", "type": "number", "scale": 2}}))
    add(
        "demo",
        name="甲厂",
        area="12345678901234.78",
    )

    published(definition(properties={"area": {"title": "面积", "type": "number", "scale": 4}}))

    assert values(platform)["area"] == Decimal("12345678901234.7800")


def test_child_rows_evolve_like_fields(platform, published, add):
    def visits(**columns):
        return {
            "visits": {
                "title": "走访",
                "type": "array",
                "items": {"type": "object", "properties": columns},
            }
        }

    text = {"title": "内容", "type": "string"}
    cost = {"title": "费用", "type": "number", "scale": 2}
    published(definition(properties=visits(what=text, cost=cost)))
    add("demo", name="甲厂", visits=[{"what": "看厂", "cost": "1"}, {"what": "12", "cost": "2"}])

    published(definition(properties=visits(what={"title": "内容", "type": "integer"})))
    shown = values(platform)["visits"]
    published(definition(properties=visits(what=text, cost=cost)))

    assert shown == ({"what": None}, {"what": 12})
    assert [row["what"] for row in values(platform)["visits"]] == ["看厂", "12"]
    assert [row["cost"] for row in values(platform)["visits"]] == [Decimal("1.00"), Decimal("2.00")]


def test_a_plan_made_on_an_older_revision_is_refused(platform, published):
    published(definition())
    made = plan(platform, definition(title="甲"))
    published(definition(title="乙"))

    with pytest.raises(PlanOutdated), platform.writing(ME, publishing=True) as work:
        publishing.publish(work, definition(title="甲"), base_hash=made.base_hash)


def test_an_earlier_revision_can_be_shown_compared_and_published_again(platform, published, add):
    published(definition())
    add("demo", name="甲厂", amount="5")
    published(definition(title="新名", properties={"memo": {"title": "备注", "type": "string"}}))

    with platform.reading(ME) as work:
        first = publishing.document(work, "demo", 1)
        said = publishing.compare(work, "demo", 1, 2)
    published(first)

    assert {d.code for d in said} >= {"field.added", "register.title"}
    with platform.reading(ME) as work:
        assert [r.revision for r in publishing.revisions(work, "demo")] == [3, 2, 1]
        assert work.published("demo").register.title == "示例台账"


def test_publishing_the_same_definition_again_does_nothing(platform, published):
    published(definition())
    published(definition())

    with platform.reading(ME) as work:
        assert work.snapshot.entries["demo"].revision == 1


def test_every_process_serves_the_new_revision_with_its_next_request(
    platform, published, add, another_process
):
    other = another_process()
    published(definition())
    add("demo", name="甲厂")
    with other.reading(ME) as work:
        assert "memo" not in work.published("demo").register

    published(definition(properties={"memo": {"title": "备注", "type": "string"}}))

    with other.reading(ME) as work:
        assert "memo" in work.published("demo").register
        assert page(work, "demo", Query()).total == 1


def test_a_register_that_others_read_cannot_lose_what_they_read(platform, published):
    published(definition("firm"))
    published(
        definition(
            "visit",
            properties={
                "firm": {"title": "企业", "reference": "firm"},
                "firm_kind": {"title": "企业类别", "lookup": "firm.kind"},
            },
        )
    )

    without = definition(
        "firm", properties={"kind": None}, register={"list": None, "filters": None}
    )
    made = plan(platform, without)

    assert [s.code for s in made.refusals] == ["dependent"]


def test_a_definition_with_a_wrong_example_is_refused(platform, published):
    wrong = definition(register={"examples": [{"record": {"amount": 1}, "valid": True}]})

    with pytest.raises(DefinitionRefused) as refused:
        published(wrong)

    assert refused.value.problems[0].at.startswith("/register/examples/0")


def test_a_publication_stands_in_the_revisions_with_its_steps(platform, published):
    published(definition())

    with platform.reading(ME) as work:
        [revision] = publishing.revisions(work, "demo")
    assert (revision.who, revision.steps[0]["code"]) == (ME.name, "create")


def test_lists_filter_by_a_field_that_was_renamed_and_retyped(platform, published, add):
    published(definition(properties={"rank": {"title": "级别", "type": "string"}}))
    add("demo", name="甲厂", rank="3")
    published(
        definition(
            properties={"level": {"title": "级别", "type": "integer", "was": "rank"}},
            register={"filters": ["kind", "level"]},
        )
    )

    with platform.reading(ME) as work:
        found = page(work, "demo", Query(filters=(Filter("level", "ge", "2"),)))
    assert [r.values.get("name") for r in found.rows] == ["甲厂"]
    with platform.reading(ME) as work:
        assert history.of_record(work, "demo", 1)[-1].action == "create"


def test_derived_fields_cannot_wait_for_each_other_across_registers(platform, published):
    published(definition("firm"))
    looking = {
        "firm": {"title": "企业", "reference": "firm"},
        "seen": {"title": "所见", "lookup": "firm.amount"},
    }
    published(definition("visit", properties=looking))
    counted = {"amount": {"title": "金额", "rollup": {"sum": "visit.seen", "via": "firm"}}}

    made = plan(platform, definition("firm", properties=counted))

    assert "circle" in {s.code for s in made.refusals}
