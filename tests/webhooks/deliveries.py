"""Deliveries as Heymarket posts them."""

from __future__ import annotations

import json

TOKEN = "tok-5f1c9d77"
PHONE, TEXT = "15105550177", "Zaphodine says hello"
STAMP = "2026-03-01T10:00:00.12345Z"


def message(number: int = 1, **more: object) -> dict[str, object]:
    conversation = {"id": 7, "inbox": 3, "target": PHONE, "updated": STAMP}
    fields = {"id": number, "text": TEXT, "target": PHONE, "status": "received", "updated": STAMP}
    fields["type"] = "inbound"
    return {**fields, "conversation": conversation, **more}


def delivery(
    data: object = None, kind: object = "message_recieved", token: object = TOKEN, **more: object
) -> dict[str, object]:
    """A delivery of the new shape; its id is that of the configuration."""
    data = message() if data is None else data
    return {"type": kind, "id": 55, "token": token, "event_data": data, **more}


def body(*deliveries: object) -> bytes:
    """One delivery as an object, several as an array."""
    return json.dumps(deliveries[0] if len(deliveries) == 1 else deliveries).encode()
