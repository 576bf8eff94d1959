"""The meanings of the headings that other programs and people give the columns of contacts."""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from unicodedata import normalize

from heymarket_async.bulk.contact_files.cells import visible

MAY_TEXT = "may_text"
"""The field of a column that says who may be texted: the opposite of `is_opted_out`."""

STATUS = "status"
"""The field of a column of statuses; a few of them say that a person opted out."""

PHONE_LABEL = "phone_label"
"""The field of a column with the kind of the phone in another column, such as Mobile or Fax."""


class Meaning(NamedTuple):
    """The meaning of a heading.

    Attributes:
        field: A field of `NewContact`, `MAY_TEXT`, `STATUS` or `PHONE_LABEL`; "" if Heymarket has
            no place for it.
        rank: Among columns of one field, the column with the lowest rank comes first.
    """

    field: str
    rank: int


def meaning_of(heading: str) -> Meaning | None:
    """Return the meaning of a heading, or None if no layout knows it.

    Case, punctuation, white space and invisible characters do not count. A number in a heading may
    be any number: "Phone 3 - Value".
    """
    name = loose(heading)
    known = headings()
    found = known.get(name) or known.get(_NUMBER.sub("#", name))
    return found or _about_opt_outs(_words(heading))


def loose(heading: str) -> str:
    """Return the letters and digits of a heading, in lower case."""
    return "".join(filter(str.isalnum, normalize("NFKC", heading).casefold()))


@cache
def headings() -> dict[str, Meaning]:
    """Return the meanings of all headings of `layouts.csv` by loose heading, "#" for a number."""
    table = (
        files("heymarket_async.bulk.contact_files")
        .joinpath("layouts.csv")
        .read_text(encoding="utf-8")
    )
    return {
        "#".join(map(loose, row["heading"].split("#"))): Meaning(row["field"], int(row["rank"]))
        for row in csv.DictReader(table.splitlines())
    }


def may_say_consent(heading: str) -> bool:
    """Whether a heading names texts only, such as SMS: over phones, or over yes and no."""
    return _TEXTS_ONLY.fullmatch(_words(heading)) is not None


def _words(heading: str) -> str:
    """Return a heading in lower case, with one space between its words and around it."""
    text = _CAPITAL.sub(" ", normalize("NFKC", visible(heading)))
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _about_opt_outs(words: str) -> Meaning | None:
    """Return the meaning of a heading that speaks of opt-outs in words of its own.

    Such a column must not be skipped only because nobody has seen its heading before.
    """
    is_out, is_in = _OUT.search(words), _IN.search(words)
    if not is_out and not is_in:
        return None
    if _OTHER_CHANNEL.search(words) and not _TEXTS.search(words):
        return Meaning("", 0)
    if _CIRCUMSTANCE.search(words) or (is_in and not is_out and _WHEN.search(words)):
        return Meaning("", 0)
    return Meaning("is_opted_out" if is_out else MAY_TEXT, 50)


_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[^\W_]+")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_OUT = re.compile(
    r" opt(ed|s)? ?outs?(?= )| unsubscri\w+| desubscri\w+| (do not|dont|don t|never|no|stop)"
    r" (send )?(text|texts|texting|sms|message|messages|messaging|contact)(?= )| dnd(?= )"
    r"| (sms|text|texting) (stop|stopped|blocked|suppressed|blacklist(ed)?)(?= )"
    r"| (abgemeldet|abmeldung|widerruf\w*|désabonn\w+|désinscri\w+|disiscri\w+|uitgeschreven)(?= )"
    r"| unsubs?(?= )| dnc(?= )| suppress\w+(?= )| baja(?= )"
    r"| (replied|replies|reply|sent|texted|said|received) stop(?= )"
    r"| stop (replied|reply|request|requested|received|list|date|at|on)(?= )"
    r"| dad[oa] de baja(?= )| (no|não) (enviar|contactar|molestar)(?= )| keine (sms|werbung)(?= )"
    r"| nicht (kontaktieren|anschreiben)(?= )| ne pas (contacter|envoyer|déranger)(?= )"
)
_IN = re.compile(
    r" opt(ed|s)? ?ins?(?= )"
    r"| (sms|text|texts|texting|mobile|phone|whatsapp)( \w+)?"
    r" (consent\w*|permissions?|subscri\w+|allowed|accepted)(?= )"
    r"| (sms|text|texts|texting)( \w+)?"
    r" (notifications?|reminders?|alerts?|updates?|promotions?|ok|okay|enabled)(?= )"
    r"| (accepts?|allows?|allowed|consents?|consented|agrees?|agreed|permits?|receives?|wants?"
    r"|sends?|gets?|can|may|ok|okay|enable|permission|consentement|consentimiento|consenso|acepta"
    r"|accepte|accetta|aceita|autoriza|einwilligung|zustimmung|toestemming)"
    r"( \w+){0,2} (sms|texts?|texting|text messages?)(?= )"
    r"| (notify|notification|contact|remind|reminders?)( me)? (by|via) (sms|texts?|texting)(?= )"
    r"| sms (einwilligung|zustimmung|erlaubt|toestemming|consenso)(?= )"
)
_OTHER_CHANNEL = re.compile(
    r" (e ?mails?|mails?|mailings?|newsletters?|calls?|calling|fax|voice|voicemail|post|push)(?= )"
)
_TEXTS = re.compile(r" (sms|texts?|texting|mobile|mms)(?= )")
_TEXTS_ONLY = re.compile(r"( (sms|mms|texts?|texting)( messages?| messaging)?)+ ")
_CIRCUMSTANCE = re.compile(
    r" (reason|source|method|campaign|keyword|ip|by(?! (sms|text))|id"
    r"|link|url|page|title|note|notes|count)(?= )"
)
_WHEN = re.compile(r" (date|time|timestamp|at|on|day|since|sent|delivered|last)(?= )")
