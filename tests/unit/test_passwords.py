"""Which passwords are taken, and how they are compared."""

from __future__ import annotations

import pytest

from app.services import passwords


@pytest.mark.parametrize(
    "password",
    [
        "12345678",
        "Aa123456",
        "zhangsan2026",
        "zhangsan!1",
        "1234567",
        "123456789012",
        "abcdefghijkl",
        "aaaaaaaaaaaaaa",
        "abababababab",
        "Password1234!",
        "ｐａｓｓｗｏｒｄ１２３４５",
        "qwertyuiopasdf1",
        "zhangsanzhangsan",
        "x" * 1025,
    ],
)
def test_what_is_easily_guessed_is_refused(password: str) -> None:
    with pytest.raises(passwords.PasswordRefused):
        passwords.check(password, "zhangsan")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "春江潮水连海平海上明月共潮生",
        "k" + "yT7rQ2w9" * 8,
    ],
)
def test_long_words_of_ones_own_are_taken(password: str) -> None:
    passwords.check(password, "zhangsan")


def test_what_we_make_up_ourselves_is_taken() -> None:
    made = {passwords.generate() for _ in range(100)}

    assert len(made) == 100
    for password in made:
        passwords.check(password, "zhangsan")


def test_passwords_equal_in_their_first_72_bytes_differ() -> None:
    beginning = "台账" * 20

    kept = passwords.hashed(beginning + "one")

    assert passwords.matches(kept, beginning + "one")
    assert not passwords.matches(kept, beginning + "two")


def test_a_comparison_takes_32_megabytes_and_three_passes() -> None:
    cost = "$argon2id$v=19$m=32768,t=3,p=1$"

    assert passwords.hashed("one that is kept").startswith(cost)
    assert passwords._NOBODY.startswith(cost), "nobody's takes as long"


def test_an_account_that_is_not_there_matches_nothing() -> None:
    assert not passwords.matches(None, "")
    assert not passwords.matches("no hash at all", "password")


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("my login zhangsan is here", passwords.PasswordIsLogin),
        ("春江潮水张三丰连海平啊", passwords.PasswordNamesPerson),
        ("ＺＨＡＮＧＳＡＮ 春江潮水连海", passwords.PasswordIsLogin),
        ("gongxinju-2026-!!", passwords.PasswordNamesOffice),
        ("人民政府办公室20261124", passwords.PasswordNamesOffice),
        ("石桥镇财政所石桥镇财政所!", passwords.PasswordNamesOffice),
    ],
)
def test_what_anybody_here_would_think_of_is_refused(
    password: str, refusal: type[passwords.PasswordRefused]
) -> None:
    with pytest.raises(refusal):
        passwords.check(
            password + "x" * (12 - len(password)), "zhangsan", "张三丰", ["石桥镇财政所"]
        )


def test_a_short_name_does_not_forbid_every_word_it_is_in() -> None:
    passwords.check("an apple and a zebra", "an", "Li", ["所"])
