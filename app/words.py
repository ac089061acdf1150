"""What is said, in the language of the person: translate first, fill the values in afterwards.

A sentence is English and is its own key; its places are written ``{name}``. The Chinese stands
in ``translations/zh_Hans.po``, collected from ``translations/*.zh.json`` by ``make words``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from flask import Flask, current_app, has_app_context, has_request_context, request
from markupsafe import Markup, escape

from app.errors import AppError, Problem, fill
from app.kinds import wording

CATALOGUE = Path(__file__).parent / "translations" / "zh_Hans.po"

CHINESE, ENGLISH = "zh_Hans", "en"
LANGUAGES: Mapping[str, str] = {CHINESE: "简体中文", ENGLISH: "English"}
COOKIE = "language"
#: where a request keeps its language
_FOUND = "taizhang.language"
#: what stands between the parts of a list
_JOIN: Mapping[str, str] = {CHINESE: "；", ENGLISH: "; "}


@functools.cache
def catalogue() -> Mapping[str, str]:
    """Return English sentence → Chinese sentence, read once in each process."""
    with CATALOGUE.open("rb") as file:
        found = read_po(file, locale="zh_Hans_CN")
    return {str(entry.id): str(entry.string) for entry in found if entry.id and entry.string}


#: values that are words of ours, not of the people who use it
TRANSLATED = frozenset(
    "reason reasons action why kind was_kind word what keyword before_kind after_kind".split()
)


def translate(text: str, language: str | None = None) -> str:
    """Return ``text`` in ``language`` (that of the request when left out), places unfilled."""
    if (language or current_language()) == CHINESE:
        return catalogue().get(text, text)
    return text


def say(said: AppError | Problem, language: str | None = None) -> str:
    """Return a refusal as one sentence: translated, then filled. A rule's own message stays."""
    language = language or current_language()
    if isinstance(said, Problem) and said.verbatim:
        return said.sentence()
    values = {name: _value(name, value, language) for name, value in said.values.items()}
    return fill(translate(said.text, language), values)


def _value(name: str, value: Any, language: str) -> Any:
    """Return a value as shown: a refusal inside a refusal is said, a reason is translated."""
    if isinstance(value, AppError | Problem):
        return say(value, language)
    if isinstance(value, list | tuple | set | frozenset):
        parts = [str(_value(name, part, language)) for part in value]
        # Sentences in a row: their full stops give way to the sign between them.
        return _JOIN[language].join([*(p.rstrip("。.") for p in parts[:-1]), *parts[-1:]])
    if name in TRANSLATED and isinstance(value, str):
        return translate(value, language)
    return value


def current_language() -> str:
    """Return the language of the request, else the configured one, else Chinese."""
    if not has_request_context():
        return default_language()
    # Asked for every word of a page, found once: headers are read anew each time they are asked.
    found: str | None = request.environ.get(_FOUND)
    if found is None:
        found = request.environ[_FOUND] = chosen(
            request.cookies.get(COOKIE), request.accept_languages.values(), default_language()
        )
    return found


def default_language() -> str:
    """Return the configured language, ``zh_Hans`` outside the application."""
    config = current_app.extensions.get("taizhang_config") if has_app_context() else None
    return config.language if config else CHINESE


def chosen(cookie: str | None, asked: Any, default: str) -> str:
    """Return the language of the cookie, else the first asked for that we speak, else default."""
    if cookie in LANGUAGES:
        return str(cookie)
    for tag in asked:
        main = str(tag).lower().replace("_", "-").split("-")[0]
        if main in ("zh", "en"):
            return CHINESE if main == "zh" else ENGLISH
    return default


def gettext(text: str, /, **values: Any) -> str:
    """Return ``text`` in the language of the request, filled; for Python, not for templates."""
    return _filled(translate(text), values)


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return text % values if "%(" in text else fill(text, values)


def _markup(text: str, /, **values: Any) -> Markup:
    """Return ``text`` translated and filled as HTML: the sentence and every value escaped."""
    safe = {name: escape(value) for name, value in values.items()}
    return Markup(_filled(str(escape(translate(text))), safe))


def _ngettext(one: str, many: str, count: int, /, **values: Any) -> Markup:
    return _markup(one if count == 1 else many, **{"num": count, "count": count, **values})


def install(app: Flask) -> None:
    """Give templates ``_()`` and values the language of the request."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        _markup, _ngettext, newstyle=False
    )
    app.jinja_env.globals.update(_=_markup, say=say, languages=LANGUAGES)
    app.jinja_env.globals["current_language"] = current_language

    @app.before_request
    def _speak() -> None:
        wording.language.set(current_language())
