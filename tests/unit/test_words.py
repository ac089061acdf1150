"""Every sentence of the application has its Chinese, and is filled after it is translated."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string

from app import words
from app.errors import AppError, FileRefused, Problem
from app.translations import build, harvest
from app.words import CHINESE, ENGLISH, chosen, say, translate


class Late(AppError):
    text = "There is no register {slug}."


def test_every_sentence_has_its_chinese() -> None:
    known, wrong = build.collect()

    missing = [f"{at}: {text}" for text, at in harvest.sentences().items() if text not in known]

    assert missing == []
    assert wrong == []


def test_the_catalogue_is_what_make_words_collects() -> None:
    known, _ = build.collect()

    assert build.CATALOGUE.read_bytes() == build.render(known)


def test_a_sentence_is_translated_before_it_is_filled() -> None:
    refused = Late(slug="{slug} There is no register {slug}.")

    assert say(refused, CHINESE) == translate(Late.text, CHINESE).replace(
        "{slug}", "{slug} There is no register {slug}."
    )
    assert say(refused, ENGLISH).startswith("There is no register {slug} There")


def test_a_refusal_inside_a_refusal_is_said_in_the_same_language() -> None:
    inner = Problem("", "x", "There is no register {slug}.", {"slug": "a"})

    said = say(inner, CHINESE)
    assert "There" not in said
    assert say(FileRefused(reason=inner), CHINESE).endswith(said)
    twice = said.removesuffix("。") + "；" + said
    assert say(FileRefused(reason=[inner, inner]), CHINESE).endswith(twice)


def test_a_rules_own_message_is_shown_as_written() -> None:
    problem = Problem("/a", "x", "There is no register {slug}.", {"slug": "b"}, verbatim=True)

    assert say(problem, CHINESE) == "There is no register {slug}."


def test_what_is_unknown_stays_english() -> None:
    assert translate("Nobody translated this.", CHINESE) == "Nobody translated this."


@pytest.mark.parametrize(
    ("cookie", "asked", "language"),
    [
        (None, [], CHINESE),
        (None, ["fr", "en-GB", "zh"], ENGLISH),
        (None, ["zh-TW", "en"], CHINESE),
        (None, ["*"], CHINESE),
        ("en", ["zh-CN"], ENGLISH),
        ("zh_Hans", ["en"], CHINESE),
        ("../../etc", ["en"], ENGLISH),
    ],
)
def test_the_language_is_the_chosen_one_then_the_browsers(
    cookie: str | None, asked: list[str], language: str
) -> None:
    assert chosen(cookie, asked, CHINESE) == language


def test_templates_escape_what_is_filled_in_and_the_sentence() -> None:
    app = Flask("test")
    words.install(app)

    with app.test_request_context(headers={"Accept-Language": "en"}):
        shown = render_template_string(
            '{{ _("A & {name} 100 %", name=name) }}|{{ _("%(a)s b", a=name) }}', name="<b>"
        )

    assert shown == "A &amp; &lt;b&gt; 100 %|&lt;b&gt; b"
