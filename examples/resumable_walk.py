"""Walk over all contacts, and resume where an earlier run stopped.

The cursor is stored after the contacts of its page. A run that is killed in between reads that page
again, so write contacts by their id if you write them to a database.
"""

import asyncio
import json
import os
from pathlib import Path

from heymarket_async import HeymarketClient

CURSOR = Path("contacts.cursor")


def store(cursor: str) -> None:
    """Replace the stored cursor in one step, so that it is never half written."""
    new = CURSOR.with_suffix(".new")
    new.write_text(cursor)
    new.replace(CURSOR)


async def main() -> None:
    """Write id, phone and name of each contact to contacts.jsonl."""
    os.umask(0o077)  # contacts are personal data: what is written is for its owner only
    cursor = CURSOR.read_text() if CURSOR.exists() else None
    written = 0
    async with HeymarketClient.from_env(user_agent="resumable-walk/1.0") as client:
        with Path("contacts.jsonl").open("a") as file:
            async for page in client.contacts.iterate(cursor=cursor).pages():
                for contact in page:
                    row = {
                        "id": contact.id,
                        "phone": contact.phone,
                        "name": contact.display_name,
                    }
                    file.write(json.dumps(row) + "\n")
                file.flush()
                store(page.cursor)
                written += len(page)
    print(f"{written} contacts written; the walk is complete")


asyncio.run(main())
