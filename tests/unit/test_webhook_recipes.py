"""The shipped recipes: shape, length, signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from app.services.notices.posting import without
from app.services.notices.recipes import cut, recipes

VALUES = {
    "id": "7", "kind": "task", "title": "待审核 {text}", "text": "甲厂\n[点我](http://evil) <@all>",
    "link": "https://t.example.cn/registers/demo/1", "at": "2026-03-02T01:00:00+00:00",
}  # fmt: skip


def test_the_three_recipes_are_shipped() -> None:
    assert list(recipes()) == ["generic", "dingtalk", "wecom"]


def test_a_wecom_message_is_markdown_in_which_nobody_else_links_or_calls() -> None:
    sent = json.loads(recipes()["wecom"].render(VALUES))

    assert sent["msgtype"] == "markdown"
    content = sent["markdown"]["content"]
    assert content.startswith("**待审核 {text}**\n甲厂\n")
    assert content.endswith("[打开查看](https://t.example.cn/registers/demo/1)")
    assert content.count("[") == 1
    assert "<@" not in content


def test_a_message_without_an_address_carries_no_link() -> None:
    sent = json.loads(recipes()["wecom"].render({**VALUES, "link": ""}))

    assert "打开查看" not in sent["markdown"]["content"]


@pytest.mark.parametrize("name", ["wecom", "dingtalk", "generic"])
def test_a_long_text_is_cut_to_what_the_receiver_takes(name: str) -> None:
    recipe = recipes()[name]

    sent = recipe.render({**VALUES, "title": "题" * 200, "text": "长" * 20000})

    content = json.loads(sent)
    longest = max(
        len(str(part).encode())
        for part in (content.get("markdown") or content).values()
    )  # fmt: skip
    assert longest <= recipe.longest


def test_dingtalk_is_signed_in_the_address() -> None:
    secret = "SEC0123456789abcdef"

    url, headers = recipes()["dingtalk"].signed(
        "https://oapi.dingtalk.com/robot/send?access_token=a", secret, b"{}", 1_700_000_000.123
    )

    asked = parse_qs(urlsplit(url).query)
    assert asked["access_token"] == ["a"]
    assert asked["timestamp"] == ["1700000000123"]
    text = f"1700000000123\n{secret}".encode()
    expected = base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()
    assert asked["sign"] == [expected]
    assert set(headers) == {"Content-Type"}


def test_ours_is_signed_over_time_and_body() -> None:
    url, headers = recipes()["generic"].signed("http://a/b", "s" * 16, b"body", 1700000000)

    expected = hmac.new(b"s" * 16, b"1700000000.body", hashlib.sha256).hexdigest()
    assert url == "http://a/b"
    assert headers["X-Taizhang-Signature"] == f"sha256={expected}"
    assert headers["X-Taizhang-Timestamp"] == "1700000000"


def test_cutting_leaves_whole_characters() -> None:
    assert cut("甲乙丙", 9) == "甲乙丙"
    assert cut("甲乙丙丁", 9) == "甲乙…"
    assert len(cut("甲乙丙丁", 2).encode()) <= 3


def test_what_an_error_says_holds_no_key() -> None:
    said = without("no answer from /send?key=hidden", "https://a.example/send?key=hidden")

    assert "hidden" not in said
