"""Devices in words: what a browser calls itself, as people call it."""

from __future__ import annotations

from app.words import gettext as _

#: the first that is found in what the browser says of itself
BROWSERS = (
    ("MicroMessenger", "微信"), ("wxwork", "企业微信"), ("DingTalk", "钉钉"), ("Edg", "Edge"),
    ("OPR/", "Opera"), ("QQBrowser", "QQ 浏览器"), ("360SE", "360 浏览器"), ("Firefox", "Firefox"),
    ("Chrome", "Chrome"), ("Safari", "Safari"), ("curl", "curl"), ("python", "Python"),
)  # fmt: skip
SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"), ("Mac OS", "macOS"), ("Kylin", "麒麟"), ("UOS", "统信 UOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def told(agent: str) -> str:
    """Return browser and system, as far as they can be told."""
    low = agent.casefold()
    found = [
        next((name for mark, name in kinds if mark.casefold() in low), "")
        for kinds in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(filter(None, found)) or _("unknown device")
