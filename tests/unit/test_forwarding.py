"""The address a request comes from, behind proxies that are trusted and proxies that are not."""

from __future__ import annotations

import ipaddress

import pytest

from app.faces.forwarding import origin

PROXIES = (ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("fd00::1/128"))


@pytest.mark.parametrize(
    ("peer", "said", "expected"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # nobody's proxy claims something
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "1.1.1.1, 198.51.100.1", "198.51.100.1"),  # the client claimed the first
        ("10.0.0.5", "1.1.1.1, 198.51.100.1, 10.0.0.6", "198.51.100.1"),
        ("10.0.0.5", "10.0.0.7, 10.0.0.6", "10.0.0.7"),
        ("10.0.0.5", "unknown", "10.0.0.5"),
        ("10.0.0.5", "1.1.1.1, <script>", "10.0.0.5"),
        ("10.0.0.5", "1.1.1.1,", "10.0.0.5"),
        ("::ffff:10.0.0.5", "::ffff:198.51.100.1", "198.51.100.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("", "1.1.1.1", ""),
    ],
)
def test_only_what_trusted_proxies_added_is_believed(peer: str, said: str, expected: str) -> None:
    assert origin(peer, said, PROXIES) == expected
