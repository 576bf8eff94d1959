"""A server or proxy that gives everyone the same answer, or no answer."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CERTIFICATE = Path(__file__).parents[1] / "certificate.pem"
"""Signed by itself, for localhost and 127.0.0.1."""


@contextmanager
def answering(answer: bytes, *, tls: bool = False, host: str = "127.0.0.1") -> Iterator[int]:
    """Run a server, and give its port; it hangs up after its answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with socket.create_server((host, 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:  # shut down
                    return
                with connection, suppress(OSError):
                    connection.settimeout(10)
                    if tls:
                        with context.wrap_socket(connection, server_side=True) as secured:
                            talk(secured)
                    else:
                        talk(connection)

        def talk(connection: socket.socket) -> None:
            connection.recv(65_536)  # whole: a request is sent at once
            connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
