"""One worker process of ``app.serve``: waitress on the shared socket, until told to end.

waitress reads requests and writes answers in one thread without waiting and hands only whole
requests to its threads, so a client that sends or reads slowly holds no thread.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from importlib import import_module
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from app.config import Config
from app.errors import DatabaseGone, SettingRefused

#: connections one worker keeps open at the same time, idle ones included
CONNECTIONS = 1000
#: seconds after which a connection without any activity is closed
IDLE = 60
#: bytes of an answer kept (beyond 1 MB on disk) for a client that reads slowly
ANSWER_KEPT = 1 << 30
#: seconds a worker has to answer what it has begun
PATIENCE = 20


class DatabaseUnreachable(SettingRefused):
    text = "The database of the setting {name} cannot be reached: {reason}"


def serve(
    config: Config,
    factory: str,
    listener: socket.socket,
    *,
    alive: int,
    tell: int,
    prepare: bool,
) -> None:
    """Serve the application made by ``factory`` until SIGTERM, SIGINT, or ``alive`` closes.

    ``tell`` is the pipe on which the supervisor hears that requests are answered.
    """
    ending = threading.Event()
    module, _, name = factory.partition(":")
    try:
        if prepare:
            _prepare(config, module)
        application = getattr(import_module(module), name)(config)
    except DatabaseGone as error:
        told = getattr(error.__cause__, "orig", None) or error.__cause__
        reason = str(told).strip().splitlines()[0]
        raise DatabaseUnreachable(name="TAIZHANG_DATABASE_URL", reason=reason) from error
    server = _server(config, application, listener)

    def end(*_: Any) -> None:
        ending.set()
        server.pull_trigger()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(alive, end), daemon=True).start()
    os.write(tell, b"1")
    while not ending.is_set():
        _turn(server)
    _drain(server)


def _prepare(config: Config, module: str) -> None:
    """Let the application prepare its database, and say what it has to say."""
    if module != "app":
        return
    from app.prepare import prepare

    for line in prepare(config):
        print(line, flush=True)


def _server(config: Config, application: Any, listener: socket.socket) -> Any:
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    # A little more than the application takes, so that it is the application that says no.
    largest = (config.max_upload_mb + 16) << 20
    return create_server(
        application,
        sockets=[listener],
        threads=config.threads,
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE,
        max_request_body_size=largest,
        outbuf_high_watermark=ANSWER_KEPT,
        asyncore_use_poll=True,
        # without proxies of ours nobody speaks for another
        clear_untrusted_proxy_headers=not config.trusted_proxies,
        url_scheme="https" if config.secure_cookies else "http",
        ident=None,
    )


def _turn(server: Any, wait: float = 1.0) -> None:
    wasyncore.loop(timeout=wait, use_poll=True, map=server._map, count=1)


def _drain(server: Any) -> None:
    """Take no new connections and finish the requests that have arrived."""
    wasyncore.dispatcher.close(server)
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last and any(
        channel.requests or channel.total_outbufs_len
        for channel in list(server.active_channels.values())
    ):
        _turn(server, 0.05)
    server.task_dispatcher.shutdown(timeout=1)


def _watch(alive: int, end: Any) -> None:
    """End this worker when the supervisor is gone: the pipe it holds open closes."""
    os.read(alive, 1)
    end()
