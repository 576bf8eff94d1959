import asyncio
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiohttp import web

from heymarket_async.sandbox import Readings, Sandbox

TOKEN = "the-token"
MESSAGE = {"id": 7, "text": "Hi", "date": "2026-01-01T00:00:00.123Z"}


class Receiver:
    """A service that subscribes: it keeps what arrives, and answers as the test says."""

    def __init__(self):
        self.bodies = []
        self.statuses = []
        self.hold_s = 0.0
        self.busy = self.most_at_once = 0
        self.url = ""

    async def handle(self, request):
        self.busy += 1
        self.most_at_once = max(self.busy, self.most_at_once)
        self.bodies.append(await request.json())
        await asyncio.sleep(self.hold_s)
        self.busy -= 1
        headers = {"Location": "/elsewhere"}
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200, headers=headers)

    @property
    def ids(self):
        return [body["event_data"]["id"] for body in self.bodies]


@pytest.fixture
async def receiver():
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hooks", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = "http://{}:{}/hooks".format(*runner.addresses[0][:2])
    yield receiver
    await runner.cleanup()
    await asyncio.sleep(0)


async def webhooks_to(serve, receiver, readings=None, **options):
    webhooks = (await serve(readings=readings)).sandbox.webhooks
    webhooks.add(receiver.url, TOKEN, **options)
    return webhooks


async def emitted(webhooks, *ids, kind="message_received"):
    for key in ids:
        webhooks.emit(kind, {"id": key})
    await webhooks.settled()


async def test_an_event_is_posted_with_the_configuration_that_asked_for_it(serve, receiver):
    webhooks = (await serve()).sandbox.webhooks
    first, second = webhooks.add(receiver.url, TOKEN), webhooks.add(receiver.url, "other")
    webhooks.emit("message_sent", MESSAGE)
    webhooks.emit("message_sent", MESSAGE)
    await webhooks.settled()
    body = {"type": "message_sent", "id": first, "token": TOKEN, "event_data": MESSAGE}
    assert first != second
    assert receiver.bodies.count(body) == 2
    assert receiver.bodies.count({**body, "id": second, "token": "other"}) == 2
    assert [delivery.status for delivery in webhooks.deliveries] == [200] * 4
    assert webhooks.deliveries[0].events == [body]


async def test_nothing_happens_without_subscribers(serve):
    webhooks = (await serve()).sandbox.webhooks
    webhooks.emit("message_sent", object())
    await webhooks.settled()
    assert not webhooks.deliveries


async def test_events_arrive_in_their_order_one_at_a_time(serve, receiver):
    webhooks = await webhooks_to(serve, receiver)
    await emitted(webhooks, *range(20))
    assert receiver.ids == list(range(20))
    assert receiver.most_at_once == 1


async def test_a_subscriber_gets_only_the_kinds_that_it_asked_for(serve, receiver):
    webhooks = await webhooks_to(serve, receiver, kinds=["message_recieved"])
    await emitted(webhooks, 1, kind="chat_closed")
    await emitted(webhooks, 2)
    assert receiver.ids == [2]


async def test_one_event_can_come_46_times_two_at_once(serve, receiver):
    receiver.hold_s = 0.001
    webhooks = await webhooks_to(serve, receiver, duplicate=46, at_once=2)
    await emitted(webhooks, 1)
    assert receiver.ids == [1] * 46
    assert receiver.most_at_once == 2


async def test_a_group_can_come_newest_first_and_its_rest_in_the_end(serve, receiver, until):
    webhooks = await webhooks_to(serve, receiver, group=2, reorder=True)
    for key in range(3):
        webhooks.emit("message_sent", {"id": key})
    await until(lambda: len(receiver.bodies) == 2)
    assert receiver.ids == [1, 0]
    await webhooks.settled()
    assert receiver.ids == [1, 0, 2]


async def test_a_group_can_come_as_one_array(serve, receiver):
    webhooks = await webhooks_to(serve, receiver, group=2, as_array=True)
    await emitted(webhooks, 1, 2, 3)
    sizes = [len(delivery.events) for delivery in webhooks.deliveries]
    assert [[each["event_data"]["id"] for each in body] for body in receiver.bodies] == [
        [1, 2],
        [3],
    ]
    assert sizes == [2, 1]


@pytest.mark.parametrize(("drop", "arrived"), [(0, [1, 2, 3, 4]), (2, [1, 3]), (1, [])])
async def test_every_nth_event_can_be_lost(serve, receiver, drop, arrived):
    webhooks = await webhooks_to(serve, receiver, drop=drop)
    await emitted(webhooks, 1, 2, 3, 4)
    assert receiver.ids == arrived


async def test_a_delivery_can_be_late(serve, receiver):
    webhooks = await webhooks_to(serve, receiver, delay_s=0.05, kinds=["message_sent"])
    webhooks.add(receiver.url, TOKEN, kinds=["chat_closed"])
    webhooks.emit("message_sent", {"id": 1})
    await emitted(webhooks, 2, kind="chat_closed")
    assert receiver.ids == [2, 1]


@pytest.mark.parametrize(
    ("shape", "rest"),
    [
        ("event", {"id": 501, "event_data": MESSAGE}),
        ("inline", MESSAGE),
        ("named", {"id": 501, "message": MESSAGE}),
    ],
)
async def test_older_pages_show_other_shapes(serve, receiver, shape, rest):
    webhooks = await webhooks_to(serve, receiver, shape=shape)
    webhooks.emit("message_sent", MESSAGE)
    await webhooks.settled()
    assert receiver.bodies == [{"event": "message_sent", "token": TOKEN, **rest}]


@pytest.mark.parametrize(
    ("spelling", "types"),
    [
        ("recieved", ["message_recieved"] * 2),
        ("received", ["message_received"] * 2),
        ("both", ["message_recieved", "message_received"]),
    ],
)
@pytest.mark.parametrize("kind", ["message_recieved", "message_received"])
async def test_a_received_message_is_spelled_in_two_ways(serve, receiver, spelling, types, kind):
    webhooks = await webhooks_to(serve, receiver, spelling=spelling)
    await emitted(webhooks, 1, 2, kind=kind)
    assert [body["type"] for body in receiver.bodies] == types


async def test_an_opt_out_can_come_without_data(serve, receiver):
    webhooks = await webhooks_to(serve, receiver, empty_opt_outs=True)
    for kind in ("target_opt_out", "message_sent"):
        webhooks.emit(kind, {"id": 1})
    await webhooks.settled()
    assert [body["event_data"] for body in receiver.bodies] == [{}, {"id": 1}]


@pytest.mark.parametrize(
    ("accepts", "answers", "attempts"),
    [("2xx", [204], 1), ("200", [204, 200], 2), ("2xx", [500, 302, 200], 3), ("2xx", [500] * 4, 3)],
)
async def test_a_delivery_is_repeated_until_it_is_accepted(
    serve, receiver, accepts, answers, attempts
):
    receiver.statuses = list(answers)
    readings = Readings(webhook_accepts=accepts, webhook_retries=2, webhook_retry_s=0.001)
    webhooks = await webhooks_to(serve, receiver, readings)
    await emitted(webhooks, 1)
    assert receiver.ids == [1] * attempts
    assert [each.attempt for each in webhooks.deliveries] == list(range(1, attempts + 1))
    assert [each.status for each in webhooks.deliveries] == answers[:attempts]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "no url", "http://[:/"])
async def test_a_subscriber_that_cannot_be_reached_is_an_error_of_the_delivery(serve, url):
    readings = Readings(webhook_retries=0)
    webhooks = (await serve(readings=readings)).sandbox.webhooks
    webhooks.add(url, TOKEN)
    await emitted(webhooks, 1)
    (delivery,) = webhooks.deliveries
    assert delivery.status is None
    assert delivery.error


async def test_an_early_event_is_delivered_when_the_sandbox_starts(receiver):
    sandbox = Sandbox()
    sandbox.webhooks.add(receiver.url, TOKEN)
    sandbox.webhooks.emit("message_sent", {"id": 1})
    with pytest.raises(RuntimeError, match="not running"):
        await sandbox.webhooks.settled()
    async with sandbox:
        await emitted(sandbox.webhooks, 2)
    assert receiver.ids == [1, 2]


async def test_closing_ends_every_delivery(receiver, until):
    receiver.hold_s = 60.0
    before = asyncio.all_tasks()
    async with Sandbox() as sandbox:
        sandbox.webhooks.add(receiver.url, TOKEN, duplicate=5)
        sandbox.webhooks.emit("message_sent", {"id": 1})
        await until(lambda: receiver.bodies)
        ours = asyncio.all_tasks() - before
        sandbox.webhooks.emit("message_sent", {"id": 2})
    assert len(ours) > 5
    assert all(task.done() for task in ours if "_deliver" in repr(task))
    assert receiver.ids == [1]


async def test_an_event_of_the_last_moment_is_given_up(serve, receiver):
    webhooks = await webhooks_to(serve, receiver)
    webhooks.emit("message_sent", {"id": 1})
    await webhooks.close()
    await asyncio.sleep(0.01)
    assert not webhooks.deliveries


async def test_a_closed_sandbox_delivers_again_when_it_is_started_again(receiver):
    sandbox = Sandbox()
    sandbox.webhooks.add(receiver.url, TOKEN)
    for key in (1, 2):
        async with sandbox:
            await emitted(sandbox.webhooks, key)
    assert receiver.ids == [1, 2]


@contextmanager
def receiver_in_a_thread():
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", bodies
        server.shutdown()
        thread.join()


def test_a_sandbox_in_a_thread_delivers_too_each_time_that_it_runs():
    sandbox = Sandbox()
    with receiver_in_a_thread() as (url, bodies):
        sandbox.webhooks.add(url, TOKEN, group=2)
        for _ in range(2):
            with sandbox:
                for key in range(3):
                    sandbox.webhooks.emit("message_sent", {"id": key})
                sandbox.webhooks.settle()
                asyncio.run(sandbox.webhooks.settled())
    assert [body["event_data"]["id"] for body in bodies] == [0, 1, 2] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": "message_sent"},
        {"duplicate": 0},
        {"at_once": 0},
        {"group": 0},
        {"drop": -1},
        {"delay_s": -0.1},
        {"shape": "xml"},
        {"as_array": 1},
        {"reorder": True},
    ],
)
def test_a_wrong_option_is_refused(wrong):
    webhooks = Sandbox().webhooks
    with pytest.raises(ValueError, match=next(iter(wrong))):
        webhooks.add("http://127.0.0.1/", TOKEN, **wrong)


async def test_no_text_form_shows_the_token(serve, receiver):
    webhooks = await webhooks_to(serve, receiver)
    await emitted(webhooks, 1)
    assert TOKEN not in repr(webhooks.deliveries) + repr(vars(webhooks)["_subscribers"])
