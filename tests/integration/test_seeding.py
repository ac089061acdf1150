"""What comes with the product goes in whole: every definition, every row of the demonstration."""

from __future__ import annotations

import csv
from decimal import Decimal

from app.services import lists, seeding
from app.services.work import Platform
from tests.support.register import ME, ROOT, shipped

DEMO = ROOT / "schemas" / "demo"
#: what an enterprise takes from its latest year
DERIVED = ("employees_latest", "revenue_latest", "size_class")


def rows_in(slug: str) -> int:
    with (DEMO / f"{slug}.csv").open(encoding="utf-8", newline="") as file:
        return len(list(csv.DictReader(file)))


def test_everything_that_is_shipped_goes_in_and_only_once(platform: Platform) -> None:
    published = seeding.seed_definitions(platform)
    made = seeding.seed_demo(platform)

    assert sorted(slug for slug, _ in published) == sorted(d["$id"] for d in shipped())
    assert made == {slug: rows_in(slug) for slug in made}
    files = {path.stem for path in DEMO.glob("*.csv")} - {"invented_enterprises"}
    assert set(made) == files
    assert seeding.seed_definitions(platform) == []
    assert seeding.seed_demo(platform) == {}
    with platform.reading(ME) as work:
        [motors] = lists.page(work, "enterprise", lists.Query(search="示例二号"), DERIVED).rows
        [cadre] = lists.page(work, "cadre", lists.Query(search="示例干部甲")).rows
        chains = lists.page(work, "industry_chain", lists.Query(), ("enterprises",)).rows
    assert motors.values["employees_latest"] == 320
    assert motors.values["revenue_latest"] == Decimal("8800.00")
    assert motors.values["size_class"] == "medium"
    assert cadre.label == "示例干部甲（石桥镇人民政府）"
    assert {record.values["enterprises"] for record in chains} == {1, 2, 4}
