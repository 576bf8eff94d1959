"""A web service that answers the first text of a conversation with a text of its own.

uvicorn examples.auto_reply.app:app --workers 4
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from heymarket_async import BadRequestError, HeymarketClient, HeymarketError, NewMessage
from heymarket_async.webhooks import Claim, Event, EventKind, Receiver
from heymarket_async.webhooks.fastapi import add_webhook
from heymarket_async.webhooks.redis import RedisStore

CREATOR_ID = int(os.environ["AUTO_REPLY_CREATOR_ID"])
"""The member of the team who sends the replies."""
TEXT = os.environ.get("AUTO_REPLY_TEXT", "Thank you for your text. We answer within a day.")
QUIET_S = 4 * 3600.0
"""No second reply in a conversation within so many seconds, so that two machines never chat."""

OPT_OUT = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"}
OPT_IN = {"start", "yes", "unstop"}
HELP = {"help", "info"}
HEYMARKETS_WORDS = OPT_OUT | OPT_IN | HELP
"""Heymarket and the carriers answer these. A reply to STOP would break the law."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open the client, which shares its rate limit with the other processes."""
    async with HeymarketClient.from_env(user_agent="auto-reply/1.0") as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)
store = RedisStore(os.environ["HEYMARKET_STORE"])


async def on_event(event: Event) -> None:
    """Reply to a text, once."""
    message, conversation = event.message, event.conversation
    if event.kind != EventKind.MESSAGE_RECEIVED or message is None or conversation is None:
        return
    if (
        is_heymarkets(message.text or "")
        or conversation.id is None
        or conversation.inbox_id is None
    ):
        return
    key = f"auto-reply:{conversation.id}"
    if await store.claim(key, QUIET_S) is not Claim.TAKEN:
        return
    reply = NewMessage(
        inbox_id=conversation.inbox_id,
        creator_id=CREATOR_ID,
        chat_id=conversation.id,
        text=TEXT,
        local_id=f"auto-reply-{message.id}",
    )
    client: HeymarketClient = app.state.client
    try:
        await client.messages.send_once(reply)
    except HeymarketError as error:
        # No reply is better than two. A refused one, as to someone who opted out, stays refused.
        if not (error.may_have_taken_effect or isinstance(error, BadRequestError)):
            await store.release(key)
        raise  # the receiver logs it, without personal data


def is_heymarkets(text: str) -> bool:
    """Whether a text is one of the words that Heymarket and the carriers answer."""
    # Letters alone: "Stop all!" and "opt-out" are such words too.
    return "".join(filter(str.isalpha, text.casefold())) in HEYMARKETS_WORDS


receiver = Receiver(on_event, tokens=os.environ["HEYMARKET_WEBHOOK_TOKENS"].split(), store=store)
add_webhook(app, "/heymarket", receiver)
