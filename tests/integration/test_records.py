"""Records: written by one service, whatever the face."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest

from app.errors import (
    FileRefused,
    NeedsConfirmation,
    RecordInUse,
    RecordMoved,
    RecordNotFound,
    RecordRefused,
    SubmissionReused,
)
from app.kinds import language
from app.services import attachments, history, records, removal
from app.services.lists import Filter, Query, page
from app.services.reading import as_of, search_reference
from tests.support.register import ME, OTHER, definition


def change(platform, record, version, slug="demo", who=ME, **raw):
    with platform.writing(who) as work:
        return records.change(work, slug, record, version, raw)


def get(platform, record, slug="demo"):
    with platform.reading(ME) as work:
        return records.get(work, slug, record)


def entries(platform, record, slug="demo"):
    with platform.reading(ME) as work:
        return history.of_record(work, slug, record)


def test_a_record_is_stored_with_its_history(platform, published, add):
    published(definition())

    made = add("demo", name="甲厂", amount="1,234.50")

    [entry] = entries(platform, made.id)
    assert (entry.action, entry.who, entry.face, entry.revision) == ("create", "王芳", "web", 1)
    assert entry.before == {}
    assert entry.after == {"name": "甲厂", "amount": Decimal("1234.50")}


def test_a_change_keeps_before_and_after(platform, published, add):
    published(definition())
    add("demo", name="甲厂", amount="1")

    change(platform, 1, 1, amount="2", kind="a")

    newest = entries(platform, 1)[0]
    assert newest.changes == [("amount", Decimal("1.00"), Decimal("2.00")), ("kind", None, "a")]


def test_saving_what_is_there_already_writes_nothing(platform, published, add):
    published(definition())
    add("demo", name="甲厂", amount="1")

    again = change(platform, 1, 1, name="甲厂", amount="1.00", kind="")

    assert again.version == 1
    assert len(entries(platform, 1)) == 1


def test_the_second_of_two_savers_is_told_who_was_first(platform, published, add):
    published(definition())
    add("demo", name="甲厂")
    change(platform, 1, 1, who=OTHER, amount="1")

    with pytest.raises(RecordMoved) as moved:
        change(platform, 1, 1, amount="2")

    assert moved.value.values["who"] == "李雷"
    assert get(platform, 1).values["amount"] == Decimal("1.00")


def test_a_form_sent_twice_makes_one_record(platform, published, another_process):
    published(definition())
    raw = {"name": "甲厂", "amount": "1"}
    for side in (platform, another_process()):
        with side.writing(ME) as work:
            made = records.create(work, "demo", raw, token="once")

    assert made.id == 1
    with platform.reading(ME) as work:
        assert page(work, "demo", Query()).total == 1
    with pytest.raises(SubmissionReused), platform.writing(ME) as work:
        records.create(work, "demo", {"name": "乙厂"}, token="once")


def test_a_warning_is_confirmed_and_recorded(platform, published):
    rule = {"check": "amount < 10.0", "at": "amount", "message": "偏大", "severity": "warning"}
    published(definition(register={"rules": [rule]}))

    with pytest.raises(NeedsConfirmation) as asked, platform.writing(ME) as work:
        records.create(work, "demo", {"name": "甲厂", "amount": "11"})
    codes = [p.code for p in asked.value.problems]
    with platform.writing(ME) as work:
        records.create(work, "demo", {"name": "甲厂", "amount": "11"}, confirmed=codes)

    assert entries(platform, 1)[0].note["confirmed"] == [[codes[0], "偏大"]]


def test_a_key_is_taken_once(platform, published, add):
    published(definition())
    add("demo", name="甲厂")

    with pytest.raises(RecordRefused) as refused:
        add("demo", name="甲厂")

    [problem] = refused.value.problems
    assert (problem.at, problem.code, problem.values["id"]) == ("/name", "value.taken", 1)


def test_a_record_is_shown_as_it_was_and_restored_to_it(platform, published, add):
    published(definition())
    add("demo", name="甲厂", amount="1")
    change(platform, 1, 1, amount="2", kind="a")
    change(platform, 1, 2, name="新甲厂", amount=None)

    with platform.reading(ME) as work:
        second = as_of(work, "demo", 1, 2)
    with platform.writing(ME) as work:
        back = removal.restore(work, "demo", 1, 1, 3)

    assert second == {"name": "甲厂", "amount": Decimal("2.00"), "kind": "a"}
    shown = {k: v for k, v in back.values.items() if v is not None}
    assert shown == {"name": "甲厂", "amount": Decimal("1.00")}
    assert entries(platform, 1)[0].action == "restore"


def test_deleting_asks_for_a_reason_and_can_be_undone(platform, published, add):
    published(definition())
    add("demo", name="甲厂")

    with pytest.raises(RecordRefused), platform.writing(ME) as work:
        removal.delete(work, "demo", 1, 1, "  ")
    with platform.writing(ME) as work:
        removal.delete(work, "demo", 1, 1, "重复登记")
    with pytest.raises(RecordNotFound):
        get(platform, 1)
    with platform.writing(ME) as work:
        [(gone, reason)] = removal.deleted(work, "demo")
        removal.undelete(work, "demo", 1)

    assert (gone.label, reason) == ("甲厂", "重复登记")
    assert get(platform, 1).version == 3
    assert [e.action for e in entries(platform, 1)] == ["undelete", "delete", "create"]


def test_a_key_taken_meanwhile_keeps_a_record_in_the_bin(platform, published, add):
    published(definition())
    add("demo", name="甲厂")
    with platform.writing(ME) as work:
        removal.delete(work, "demo", 1, 1, "重复登记")
    add("demo", name="甲厂")

    with pytest.raises(RecordRefused) as refused, platform.writing(ME) as work:
        removal.undelete(work, "demo", 1)

    assert [p.code for p in refused.value.problems] == ["value.taken"]


def visits(on_delete):
    return definition(
        "visit", properties={"firm": {"title": "企业", "reference": "firm", "onDelete": on_delete}}
    )


def test_a_reference_must_point_at_a_record_that_is_there(platform, published, add):
    published(definition("firm"), visits("restrict"))

    with pytest.raises(RecordRefused) as refused:
        add("visit", name="一", firm="7")

    assert [(p.at, p.code) for p in refused.value.problems] == [("/firm", "reference.missing")]


@pytest.mark.parametrize(
    ("declared", "left"), [("restrict", "refused"), ("cascade", "gone"), ("clear", "emptied")]
)
def test_deleting_follows_references_as_declared(platform, published, add, declared, left):
    published(definition("firm"), visits(declared))
    add("firm", name="甲厂")
    add("visit", name="一", firm="1")

    if left == "refused":
        with pytest.raises(RecordInUse), platform.writing(ME) as work:
            removal.delete(work, "firm", 1, 1, "关闭")
        assert get(platform, 1, "visit").values["firm"] == 1
        return
    with platform.writing(ME) as work:
        removal.delete(work, "firm", 1, 1, "关闭")
    if left == "gone":
        with pytest.raises(RecordNotFound):
            get(platform, 1, "visit")
    else:
        assert get(platform, 1, "visit").values["firm"] is None
        assert entries(platform, 1, "visit")[0].note["because"]["register"] == "firm"


FIRM = definition(
    "firm",
    properties={
        "land": {"title": "用地", "scale": 4, "rollup": {"sum": "parcel.area", "via": "owner"}},
        "plots": {"title": "宗数", "rollup": {"count": "parcel", "via": "owner"}},
        "mean": {"title": "均面积", "scale": 4, "rollup": {"avg": "parcel.area", "via": "owner"}},
        "dense": {
            "title": "亩均",
            "scale": 2,
            "computed": "land == 0.0 ? none() : amount / land",
        },
    },
)
PARCEL = definition(
    "parcel",
    properties={
        "owner": {"title": "企业", "reference": "firm"},
        "area": {"title": "面积", "type": "number", "scale": 4},
        "owner_kind": {"title": "企业类别", "lookup": "owner.kind"},
        "owner_dense": {"title": "企业亩均", "lookup": "owner.dense"},
    },
    register={"label": "{name}（{owner}）"},
)


def test_derived_fields_follow_what_they_read_through_references(platform, published, add):
    published(FIRM, PARCEL)
    add("firm", name="甲厂", amount="100", kind="a")

    add("parcel", name="一号", owner="1", area="10")
    add("parcel", name="二号", owner="1", area="30.5")
    firm, parcel = get(platform, 1, "firm"), get(platform, 1, "parcel")

    assert firm.values["land"] == Decimal("40.5000")
    assert (firm.values["plots"], firm.values["mean"]) == (2, Decimal("20.2500"))
    assert firm.values["dense"] == Decimal("2.47")
    assert (parcel.values["owner_kind"], parcel.values["owner_dense"]) == ("a", Decimal("2.47"))
    assert (firm.version, parcel.version) == (1, 1)


def test_deleting_moving_and_bringing_back_a_source_is_followed(platform, published, add):
    published(FIRM, PARCEL)
    add("firm", name="甲厂", amount="100")
    add("firm", name="乙厂", amount="100")
    add("parcel", name="一号", owner="1", area="10")

    change(platform, 1, 1, "parcel", owner="2")
    moved = [get(platform, n, "firm").values["land"] for n in (1, 2)]
    with platform.writing(ME) as work:
        removal.delete(work, "parcel", 1, 2, "收回")
    gone = get(platform, 2, "firm").values["land"]
    with platform.writing(ME) as work:
        removal.undelete(work, "parcel", 1)

    assert moved == [Decimal("0.0000"), Decimal("10.0000")]
    assert gone == Decimal("0.0000")
    assert get(platform, 2, "firm").values["land"] == Decimal("10.0000")


def test_a_new_name_is_followed_by_labels(platform, published, add):
    published(FIRM, PARCEL)
    add("firm", name="甲厂")
    add("parcel", name="一号", owner="1", area="1")

    change(platform, 1, 1, "firm", name="甲集团")

    assert get(platform, 1, "parcel").label == "一号（甲集团）"
    with platform.reading(ME) as work:
        [row] = page(work, "parcel", Query(search="集团"), ("name", "owner")).rows
    assert row.references["owner"] == "甲集团"


MONTHS = definition(
    "monthly",
    properties={
        "firm": {"title": "企业", "type": "string", "maxLength": 20},
        "month": {"title": "月份", "type": "string", "format": "month"},
        "year": {"title": "年", "type": "integer", "format": "year"},
        "last": {
            "title": "去年同月",
            "rollup": {
                "sum": "monthly.amount",
                "where": {"firm": "$firm", "month": {"==": "$month", "plus": -12}},
            },
        },
        "to_date": {
            "title": "本年累计",
            "rollup": {
                "sum": "monthly.amount",
                "where": {"firm": "$firm", "year": "$year", "month": {"<=": "$month"}},
            },
        },
    },
    register={"key": ["firm", "month"], "label": "{firm} {month}"},
)


def test_the_same_register_is_rolled_up_by_month_and_year(platform, published, add):
    published(MONTHS)
    for number, (month, amount) in enumerate(
        [("2023-02", "5"), ("2024-01", "1"), ("2024-02", "2"), ("2024-03", "4")]
    ):
        add("monthly", name=f"第{number}", firm="甲", month=month, year=month[:4], amount=amount)

    change(platform, 2, 1, "monthly", amount="10")

    rows = {
        r.values["month"]: r.values for n in (1, 2, 3, 4) for r in [get(platform, n, "monthly")]
    }
    assert rows["2024-02"]["last"] == Decimal("5.00")
    assert [rows[m]["to_date"] for m in ("2024-01", "2024-02", "2024-03")] == [
        Decimal("10.00"),
        Decimal("12.00"),
        Decimal("16.00"),
    ]
    assert rows["2023-02"]["to_date"] == Decimal("5.00")


def test_eighteen_digits_are_kept_summed_and_compared_exactly(platform, published, add):
    published(FIRM, PARCEL)
    add("firm", name="甲厂", amount="9999999999999999.99")
    add("parcel", name="一号", owner="1", area="99999999999999.9999")
    add("parcel", name="二号", owner="1", area="-99999999999999.9998")

    assert get(platform, 1, "firm").values["amount"] == Decimal("9999999999999999.99")
    assert get(platform, 1, "firm").values["land"] == Decimal("0.0001")
    with platform.reading(ME) as work:
        wanted = (Filter("amount", "gt", "9999999999999999.98"),)
        assert page(work, "firm", Query(filters=wanted)).total == 1


def test_a_reference_is_searched_on_the_server_and_never_loaded_whole(platform, published, add):
    published(definition("firm"))
    for number in range(30):
        add("firm", name=f"第{number:02}机械厂")
    add("firm", name="机械总厂")

    with platform.reading(ME) as work:
        found = search_reference(work, "firm", "机械", 20)

    assert len(found) == 20
    assert found[0][1] == "机械总厂"


def test_a_record_can_be_judged_without_being_stored(platform, published, add):
    published(definition())
    add("demo", name="甲厂")

    with platform.reading(ME) as work:
        verdict = records.judge(work, "demo", {"name": "甲厂", "amount": "x"})

    assert {p.code for p in verdict.problems} == {"value.taken", "value.unreadable"}


def scans():
    return definition(
        properties={"scan": {"title": "扫描件", "type": "string", "format": "attachment",
                             "accept": ["application/pdf"], "maxSize": 1}}
    )  # fmt: skip


def upload(platform, data, name="证照.pdf", kind="application/pdf"):
    with platform.writing(ME) as work:
        return attachments.store(work, "demo", "scan", name, kind, io.BytesIO(data))


def test_an_attachment_is_kept_under_its_digest(platform, published, add):
    published(scans())

    kept = upload(platform, b"%PDF-1.7 test", "../../证照.pdf")
    add("demo", name="甲厂", scan=[str(kept.id)])

    with platform.reading(ME) as work:
        path = attachments.open_file(work, attachments.find(work, kept.id))
    assert (kept.name, path.read_bytes()) == ("证照.pdf", b"%PDF-1.7 test")
    assert get(platform, 1).values["scan"] == (kept.id,)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "application/pdf"),
        (b"<html>", "application/pdf"),
        (b"%PDF-", "text/html"),
        (b"%PDF-" + b"x" * (1 << 20), "application/pdf"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(platform, published, data, kind):
    published(scans())

    with pytest.raises(FileRefused):
        upload(platform, data, kind=kind)
    with platform.reading(ME) as work:
        files = work.files
    assert not files.exists() or [p for p in files.rglob("part-*")] == []


def test_an_attachment_of_another_register_is_refused(platform, published, add):
    published(scans())

    with pytest.raises(RecordRefused) as refused:
        add("demo", name="甲厂", scan=["99"])

    assert [p.code for p in refused.value.problems] == ["attachment.missing"]


def test_a_label_is_stored_in_one_language_whoever_saves(platform, published, add):
    month = {"title": "月份", "type": "string", "format": "month"}
    published(definition(properties={"month": month}, register={"label": "{name} {month}"}))

    token = language.set("en")
    try:
        made = add("demo", name="甲厂", month="2024-06")
    finally:
        language.reset(token)

    assert made.label == "甲厂 2024年6月"
