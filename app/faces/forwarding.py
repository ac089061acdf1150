"""Forwarding: the address a request comes from, behind proxies that the settings name.

Nothing a client writes about itself is believed. Where the connection comes from a trusted proxy,
``X-Forwarded-For`` is read from its end: each trusted proxy added the address it was asked from,
so the first one that is no trusted proxy asked. Host and protocol are never taken from headers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from app.config import Network

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def behind(application: Application, proxies: tuple[Network, ...]) -> Application:
    """Return ``application`` as it is asked behind ``proxies``."""

    def ask(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        said = environ.get("HTTP_X_FORWARDED_FOR", "")
        environ["REMOTE_ADDR"] = origin(environ.get("REMOTE_ADDR", ""), said, proxies)
        return application(environ, start)

    return ask


def origin(peer: str, said: str, proxies: tuple[Network, ...]) -> str:
    """Return the address that asks: the peer, or what trusted proxies say it is."""
    address = peer
    for part in reversed(said.split(",")):
        if not is_among(address, proxies):
            break
        named = read(part.strip())
        if named is None:
            break  # what the proxy could not say is not guessed
        address = named
    return address


def read(text: str) -> str | None:
    """Return an address as it is compared; with a port it is none of a proxy we know."""
    try:
        found = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def is_among(address: str, proxies: tuple[Network, ...]) -> bool:
    named = read(address)
    return named is not None and any(ipaddress.ip_address(named) in network for network in proxies)
