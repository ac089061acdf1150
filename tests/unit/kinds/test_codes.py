"""Codes: their check characters, and what is said about a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from app.kinds import Kind, Unreadable, kind_of, mask
from app.kinds.credit_code import ALPHABET, CreditCode, check_character
from app.kinds.document_number import DocumentNumber
from app.kinds.industry_code import IndustryCode, industries
from app.kinds.mobile import Mobile
from app.kinds.resident_id import ResidentId, resident_check


def sentence(kind: Kind, raw: Any) -> str:
    """Return the sentence with which ``kind`` refuses ``raw``."""
    with pytest.raises(Unreadable) as refused:
        kind.reader().deserialize(raw)
    return refused.value.text.format(**refused.value.values)


@pytest.mark.parametrize(
    "code",
    [
        "91440300192185379H",
        "914403007488656882",
        "91440300760482233Q",
        "91100000100003962T",
        "91350100M000100Y43",
    ],
)
def test_the_check_character_catches_every_single_mistake(code: str) -> None:
    assert check_character(code[:17]) == code[17]
    for place in range(17):
        for character in ALPHABET.replace(code[place], ""):
            wrong = code[:place] + character + code[place + 1 : 17]
            assert check_character(wrong) != code[17]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("320682000293863", "old 15-digit registration number"),
        ("510681000018582（1-1）", "has 20 characters, a unified social credit code has 18"),
        ("9144O300192185379H", "contains O"),
        ("9144O300192185379H", "Did you mean 91440300192185379H?"),
        ("91350100M000100Y4Z", "contains Z"),
        ("91350100M000100Y44", "its last character would have to be 3"),
        ("914403007488656000", "Excel has rewritten this number"),
        (9.14403e17, "Excel has rewritten this number"),
        ("9.14403E+17", "Excel has rewritten this number (it reads 9.14403E+17)"),
    ],
)
def test_a_wrong_credit_code_is_answered_with_what_is_wrong(raw: Any, says: str) -> None:
    assert says in sentence(CreditCode(), raw)


def test_a_sum_that_31_divides_gives_0_and_one_more_gives_the_last_character() -> None:
    assert check_character("0" * 17) == "0"
    assert check_character("1" + "0" * 16) == "Y"


def test_a_credit_code_of_another_sort_is_refused_where_a_prefix_is_declared() -> None:
    school = "1241130341900000" + "0"
    code = school + check_character(school)

    assert CreditCode().reader().deserialize(code) == code
    assert "does not begin with 91、92" in sentence(CreditCode(("91", "92")), code)


def test_resident_ids_are_checked_to_the_last_character() -> None:
    assert resident_check("11010519491231002") == "X"
    assert resident_check("11010119900307123") == "3"
    assert resident_check("44030119800101123") == "X"
    assert "last character would have to be 3" in sentence(ResidentId(), "110101199003071234")
    assert "Excel has rewritten" in sentence(ResidentId(), "110101199003071200")
    assert "Excel has rewritten" in sentence(ResidentId(), 1.101011990030712e17)
    assert "19901307 as the date of birth" in sentence(ResidentId(), "110101199013071233")
    assert "15 digits" in sentence(ResidentId(), "110101900307123")


def test_a_landline_is_no_mobile_number() -> None:
    assert "0377-63123456 is not a mobile number" in sentence(Mobile(), "0377-63123456")
    assert Mobile().from_cell(13800001234.0) == "13800001234"


def test_the_industry_list_is_whole() -> None:
    lengths = [len(code) for code in industries() if code.isdigit()]

    assert sum(code.isalpha() for code in industries()) == 20
    assert [lengths.count(length) for length in (2, 3, 4)] == [97, 473, 1381]
    assert industries()["1351"] == ("牲畜屠宰", "C")
    assert all(code[:2] in industries() for code in industries() if code.isdigit())


@pytest.mark.parametrize(
    ("level", "raw", "value"),
    [
        ("section", "c", "C"),
        ("division", "C13", "13"),
        ("division", 6, "06"),
        ("group", "135 屠宰及肉类加工", "135"),
        ("class", 111, "0111"),
        ("class", 1351.0, "1351"),
    ],
)
def test_an_industry_is_read_at_its_level(level: str, raw: Any, value: str) -> None:
    assert IndustryCode(level).reader().deserialize(raw) == value


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("135", "135 has 3 digits, but this field takes codes of 4"),
        ("B1351", "belongs to section C"),
        ("1351 电动机制造", "industry 1351 is called 牲畜屠宰"),
        ("0111", "outside the industries this field takes: 06-46"),
        ("9999", "not in the national list"),
    ],
)
def test_a_wrong_industry_is_answered_with_what_is_wrong(raw: Any, says: str) -> None:
    assert says in sentence(IndustryCode("class", ("06-46",)), raw)


def test_industries_are_found_by_code_letter_and_name() -> None:
    kind = IndustryCode("class", ("06-46",))

    assert ("1351", "1351 牲畜屠宰") in list(kind.find("C135"))
    assert [code for code, _ in kind.find("牲畜屠宰")] == ["1351"]
    assert list(kind.find("稻谷种植")) == []
    assert len(list(kind.find("", 5))) == 5


def test_every_industry_reads_as_it_is_shown() -> None:
    for code in industries():
        level = {1: "section", 2: "division", 3: "group", 4: "class"}[len(code)]
        kind = IndustryCode(level)
        assert kind.reader().deserialize(kind.show(code).split()[0]) == code
        if code.isdigit():
            assert kind.reader().deserialize(kind.to_cell(code)) == code


def test_brackets_inside_the_issuers_name_stay() -> None:
    read = DocumentNumber().reader().deserialize

    assert read("豫工信（规）（2023）12号") == "豫工信（规）〔2023〕12号"


@pytest.mark.parametrize(
    ("value", "how", "shown"),
    [
        ("13800001234", "phone", "138****1234"),
        ("110101199003071233", "id", "110101********1233"),
        ("王小明", "name", "王**"),
        ("王", "name", "*"),
        ("12345", "phone", "*****"),
        ("", "name", ""),
    ],
)
def test_the_private_part_is_hidden(value: str, how: str, shown: str) -> None:
    assert mask(value, how) == shown


def test_text_takes_every_code_over_but_no_code_takes_text_unread() -> None:
    text = kind_of({"type": "string"})
    assert text is not None
    for format_ in ("credit-code", "cn-mobile", "cn-resident-id", "industry-code", "multiline"):
        code = kind_of({"type": "string", "format": format_})
        assert code is not None
        assert text.holds(code)
        assert format_ == "multiline" or not code.holds(text)
