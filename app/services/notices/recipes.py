"""Recipes of webhooks: what is sent in which shape, signed how; kept as data. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

FOLDER = Path(__file__).parents[3] / "schemas" / "webhooks"
#: how a message is signed: not, by headers of ours, or in the address as 钉钉 wants it
NONE, HEADER, QUERY = "none", "header", "query"
#: what a robot's markdown reads as its own, and what stands for it
_PLAIN = str.maketrans("[]<>*#`_~|", "［］＜＞＊＃｀＿～｜")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One kind of receiver."""

    name: str
    title: str
    note: str
    address: str
    sign: str
    markdown: bool
    body: Any
    #: the line that links to the page, left out where there is no address
    more: str
    #: bytes of a text
    longest: int
    #: which member of the answer says that it went well, and its value then
    success: Mapping[str, Any] | None

    @property
    def needs_secret(self) -> bool:
        return self.sign != NONE

    def render(self, values: Mapping[str, str]) -> bytes:
        """Return the body of a message."""
        return json.dumps(self._filled(self.body, self._safe(values)), ensure_ascii=False).encode()

    def _safe(self, values: Mapping[str, str]) -> dict[str, str]:
        safe = dict(values)
        if self.markdown:
            for name in ("title", "text"):
                safe[name] = values[name].translate(_PLAIN)
        safe["more"] = self.more.replace("{link}", values["link"]) if values["link"] else ""
        room = self.longest - len((safe["title"] * 2 + safe["more"]).encode()) - 64
        safe["text"] = cut(safe["text"], max(room, 0))
        return safe

    def _filled(self, part: Any, values: Mapping[str, str]) -> Any:
        if isinstance(part, dict):
            return {name: self._filled(value, values) for name, value in part.items()}
        if not isinstance(part, str):
            return part
        pieces = part.split("{")
        filled = [pieces[0]]
        for piece in pieces[1:]:
            name, closed, rest = piece.partition("}")
            known = closed and name in values
            filled.append(values[name] + rest if known else "{" + piece)
        return "".join(filled)

    def signed(
        self, url: str, secret: str, body: bytes, seconds: float
    ) -> tuple[str, dict[str, str]]:
        """Return the address and the headers a message is sent with."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self.sign == HEADER:
            stamp = str(int(seconds))
            digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
            headers["X-Taizhang-Timestamp"] = stamp
            headers["X-Taizhang-Signature"] = f"sha256={digest.hexdigest()}"
        if self.sign == QUERY:
            stamp = str(round(seconds * 1000))
            text = f"{stamp}\n{secret}".encode()
            digest = hmac.new(secret.encode(), text, hashlib.sha256)
            sign = quote_plus(base64.b64encode(digest.digest()))
            url += f"{'&' if '?' in url else '?'}timestamp={stamp}&sign={sign}"
        return url, headers


def cut(text: str, most: int) -> str:
    """Return ``text`` in at most ``most`` bytes of UTF-8, with … where it was cut."""
    data = text.encode()
    if len(data) <= most:
        return text
    return data[: max(most - 3, 0)].decode("utf-8", "ignore") + "…"


@cache
def recipes() -> Mapping[str, Recipe]:
    """Return the shipped recipes by name."""
    found = [
        Recipe(**json.loads(path.read_text("utf-8"))) for path in sorted(FOLDER.glob("*.json"))
    ]
    return {one.name: one for one in sorted(found, key=lambda one: one.name != "generic")}
