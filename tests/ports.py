"""Ports for servers that tests start as processes of their own."""

from __future__ import annotations

import secrets
import socket


def free_port() -> int:
    """Return a port that is free, and that nobody else takes before the server listens.

    Ports that the system chooses are above 32767, as of connections and of sandboxes. A node of a
    Redis cluster needs the port 10,000 above its own too.
    """
    while True:
        port = 10_000 + secrets.randbelow(12_000)
        with socket.socket() as free, socket.socket() as bus:
            try:
                free.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port
