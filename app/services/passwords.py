"""Passwords: what is taken for one, how it is kept, and how it is compared."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable

import argon2

from app.errors import AppError

SHORTEST, LONGEST = 12, 1024
#: letters and digits that are not mistaken for each other when read aloud or copied
_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
#: what long passwords are usually guessed with; compared without digits and signs at the ends
_USUAL = frozenset(
    "password passwords passw0rd administrator letmein welcome qwertyuiop qwertyuiopasdf asdfghjkl "
    "asdfghjklzxcvbnm zxcvbnm qwerty qwertyqwerty iloveyou woaini woaiwojia changeme taizhang "
    "taizhangtaizhang admin adminadmin root rootroot guest test testtest abc abcd abcdef abcabc "
    "qazwsx qazwsxedc qazwsxedcrfv 1qaz2wsx3edc 1q2w3e4r5t6y 密码 管理员 台账".split()
)
_AROUND = "0123456789!@#$%^&*()_+-=.,?~ "
#: what offices call themselves, in characters and as it is typed without them
_OFFICE = frozenset(
    "人民政府 政府 办公室 办公厅 县委 市委 区委 党委 工信局 工业和信息化局 发改委 财政局 统计局 "
    "乡镇 镇政府 街道办 街道办事处 管委会 集聚区 开发区 renminzhengfu zhengfu bangongshi "
    "bangongting xianwei shiwei quwei dangwei gongxinju gongxin fagaiwei caizhengju tongjiju "
    "xiangzhen jiedaoban jiedao guanweihui jijuqu kaifaqu taizhang".split()
)

#: 32 MB and three passes for each comparison; strengthened hashes are renewed at sign-in
_HASHER = argon2.PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
#: a hash nobody knows the password of: compared with where there is no account, so that the
#: answer takes as long
_NOBODY = (
    "$argon2id$v=19$m=32768,t=3,p=1$ctb0nzIYaigPULh+EdaiKw$LqbpRq"
    "WOiJ+RKH6D0UrycmwR/+fJ9mD4+dcOw50BX20"
)


class PasswordRefused(AppError):
    code = "password.refused"


class PasswordTooShort(PasswordRefused):
    code = "password.too_short"
    text = "The password has {length} characters; it needs at least {least}."


class PasswordTooLong(PasswordRefused):
    code = "password.too_long"
    text = "The password may have at most {most} characters."


class PasswordTooUsual(PasswordRefused):
    code = "password.too_usual"
    text = "This password is among the first that are tried. Take several words of your own."


class PasswordIsLogin(PasswordRefused):
    code = "password.is_login"
    text = "The password is made of the login name. Take one that has nothing to do with it."


class PasswordNamesPerson(PasswordRefused):
    code = "password.names_person"
    text = "The password holds your name. Take one that has nothing to do with you."


class PasswordNamesOffice(PasswordRefused):
    code = "password.names_office"
    text = (
        "The password is made of the name of an office or a place. Take several words of your own."
    )


class PasswordUsedBefore(PasswordRefused):
    code = "password.used_before"
    text = "This is one of your last {count} passwords. Take one you did not have before."


def check(password: str, login: str, name: str = "", places: Iterable[str] = ()) -> None:
    """Raise ``PasswordRefused`` when ``password`` is too easily guessed.

    ``places`` are names of units that people here would think of first.
    """
    if len(password) < SHORTEST:
        raise PasswordTooShort(length=len(password), least=SHORTEST)
    if len(password) > LONGEST:
        raise PasswordTooLong(most=LONGEST)
    folded = _normal(password).casefold()
    core = folded.strip(_AROUND)
    if core in _USUAL or folded in _USUAL or len(set(folded)) < 5 or _is_run(folded):
        raise PasswordTooUsual()
    own = _normal(login).casefold()
    if core == own or (len(own) >= 4 and own in folded):
        raise PasswordIsLogin()
    person = _normal(name).casefold().strip()
    if len(person) >= (4 if person.isascii() else 2) and person in folded:
        raise PasswordNamesPerson()
    if _is_office(folded, places):
        raise PasswordNamesOffice()


def _is_office(folded: str, places: Iterable[str]) -> bool:
    """Return whether little is left when names of offices, digits and signs are taken out."""
    names = [_normal(place).casefold().strip() for place in places]
    left = folded
    for word in sorted({*_OFFICE, *(n for n in names if len(n) >= 2)}, key=len, reverse=True):
        left = left.replace(word, "")
    plain = "".join(c for c in left if c.isalpha())
    return left != folded and len(plain) < SHORTEST // 2


def _is_run(text: str) -> bool:
    steps = {ord(second) - ord(first) for first, second in zip(text, text[1:], strict=False)}
    return steps in ({1}, {-1}) or text in "01234567890123456789" * 2


def _normal(text: str) -> str:
    """Return one form for what different keyboards type for the same letters."""
    return unicodedata.normalize("NFKC", text)


def _bytes(password: str) -> bytes:
    return _normal(password).encode("utf-8", "surrogatepass")


def generate() -> str:
    """Return a random password of 20 letters and digits (116 bits), in groups of five."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(20))
    return "-".join(letters[start : start + 5] for start in range(0, 20, 5))


def hashed(password: str) -> str:
    """Return the Argon2id hash with its parameters."""
    return _HASHER.hash(_bytes(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Return whether ``password`` is the one; ``None`` takes as long and is never right."""
    if len(password) > LONGEST:
        password = ""
    try:
        return _HASHER.verify(password_hash or _NOBODY, _bytes(password)) and bool(password_hash)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def is_weak(password_hash: str) -> bool:
    """Return whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)
