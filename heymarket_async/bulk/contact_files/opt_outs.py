"""Reads from a cell whether a person opted out of texts."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias
from unicodedata import normalize

Kind: TypeAlias = Literal["opt-out", "consent", "status", "either", "words"]
"""Columns of opt-outs; of consent, where yes and no are the other way round; of a status; of
phones or consent; and of tags or something unknown, where only a word that stands alone counts.
"""

_DECIMALS = re.compile(r"[.,]0+$")
_SIGNS = "✓✔☑✅✗✘☐❌"


def _word(text: str) -> str:
    """Return the letters, digits and ticks of a text, in lower case."""
    folded = normalize("NFKC", text).casefold()
    folded = _DECIMALS.sub("", folded)
    return "".join(each for each in folded if each.isalnum() or each in _SIGNS)


def _words(text: str) -> frozenset[str]:
    return frozenset(map(_word, text.split(",")))


_CLEARLY_OUT = _words(
    "unsubscribed, unsub, opted out, opt out, stop, stopped, stop all, stop texts, do not text,"
    " do not sms, do not contact, do not message, do not disturb, dnd, dnc, dnd sms, dnd all,"
    " opted out of sms, opted out of texts, sms opted out, sms unsubscribed, no sms, no texts,"
    " unsubscribed from sms, globally unsubscribed, hard unsubscribe"
)
_OUT = _CLEARLY_OUT | _words(
    "unsubscribe, opts out, out, blocked, blacklisted, blocklisted, banned, suppressed, revoked,"
    " withdrawn, consent withdrawn, denied, declined, refused, inactive, cancelled, canceled, quit,"
    " end, removed, deactivated, disabled, not subscribed to sms, not opted in, not consented,"
    " no consent, not allowed, spam, spam complaint, reported spam, complained, complaint,"
    " abgemeldet, gesperrt, widerrufen, nicht kontaktieren, keine sms, désabonné, désabonnée,"
    " désinscrit, désinscrite, bloqué, refusé, ne pas contacter, arrêt, dado de baja,"
    " dada de baja, baja, bloqueado, no contactar, no molestar, cancelado, descadastrado,"
    " disiscritto, disiscritta, annullato, bloccato, uitgeschreven, afgemeld, geblokkeerd"
)
_IN = _words(
    "subscribed, subscribe, opted in, opt in, opts in, in, active, start, started, unstop,"
    " resubscribed, confirmed, granted, explicit, implicit, express, implied, double opt in,"
    " single opt in, confirmed opt in, opted in to sms, sms subscribed, allowed, may text, ok,"
    " ok to text, okay, okay to text, can text, enabled, consented, consent given, approved,"
    " verified, angemeldet, abonniert, eingewilligt, zugestimmt, abonné, abonnée, inscrit,"
    " inscrite, suscrito, suscrita, inscrito, iscritto, iscritta, aangemeld"
)
_OF_EITHER = _words(
    "in, active, confirmed, granted, explicit, implicit, express, implied, allowed, ok, okay,"
    " enabled, approved, verified, consented, consent given"
)
"""Words that may be about the opt-out itself, in a column of opt-outs: "DND: enabled"."""

_SAYS_NOTHING = _words(
    "never subscribed, non subscribed, not subscribed, unknown, pending, pending confirmation,"
    " unconfirmed, not set, not specified, not provided, no answer, transactional, archived,"
    " invited, awaiting confirmation, none, never, unset, not asked, no status, tbd, not sure,"
    " unsure, not available, not applicable, na, null, nan, blank, empty, undefined, bounced, hard"
    " bounce, soft bounce, cleaned, undeliverable, unbekannt, inconnu, desconocido, offen,"
    " ausstehend, pendiente, en attente"
)
_YES = _words(
    "yes, y, true, t, 1, x, on, ✓, ✔, ☑, ✅, ja, oui, si, sí, sim, tak, ano,"
    " да, はい, 是, yep, yeah, wahr, vrai, verdadero, verdadeiro, vero, waar, prawda,"
    " checked, agreed, accepted, selected"
)
_NO = _words(
    "no, n, false, f, 0, off, ✗, ✘, ☐, ❌, nein, non, não, nao, nie, nee, nej, nei, нет,"
    " いいえ, 否, nope, falsch, faux, falso, onwaar, fałsz, unchecked, not checked, not selected"
)
_TEXTS = _words("sms, text, texts, text messages, mms, all, all channels, everything")
_OTHER_CHANNELS = _words(
    "email, emails, call, calls, voice, voicemail, whatsapp, gmb, gbp, fb, facebook, messenger,"
    " instagram, ig, live chat, inbound calls, phone, mail, fax"
)
_DATE = re.compile(
    r"(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.](\d{4}|\d\d)"
    r"|([a-z]{3,9},? )?([a-z]{3,9}\.? \d\d?(st|nd|rd|th)?,?|\d\d?\.? [a-z]{3,9}\.?,?) \d{4})"
    r"([ T,].*)?|1\d{9}|1\d{12}",
    re.IGNORECASE | re.DOTALL,
)
"""A date, with or without a time, or seconds or milliseconds since 1970."""

_SAYS_OUT = re.compile(
    r"\b(unsub(scribed?)?|opt(ed|s)?[ _-]?out|stop(ped|all)?|dnd|dnc|consent (revoked|withdrawn)"
    r"|(do not|don.?t|never) (text|sms|message|contact|disturb)|no (more )?(texts|sms)"
    r"|(desubscri|désabonn|désinscri|abgemeldet)\w*)\b",
    re.IGNORECASE,
)
"""Opting out within other words, such as "Replied STOP on May 1" and "Yes, opted out"."""

_NEGATION = re.compile(r"\b(not|never|non|hasn.?t|didn.?t|isn.?t|won.?t|un)\b", re.IGNORECASE)
_OF_OTHER_CHANNEL = re.compile(r"\b(e-?mails?|newsletters?|calls?|fax|mail)\b", re.IGNORECASE)
_OF_TEXTS = re.compile(r"\b(sms|texts?|texting|mms|all)\b", re.IGNORECASE)
_NO_DATE = re.compile(r"(0001-01-01|0000-00-00|00/00/0000).*", re.DOTALL)
_DIVIDER = re.compile(r"[,;|/+&\n]|:::")


_NOT_UNDERSTOOD = "the opt-out column has a value that is not understood"


def opted_out(cell: str, kind: Kind) -> bool | None:
    """Return whether a cell that is not empty says that a person opted out; None if it does not.

    A date says that it was done: a person opted out, or consented, on that day.

    Args:
        cell: The text, without white space around it.
        kind: The kind of its column. In a status only clear words count; others say nothing.

    Raises:
        ValueError: The cell is not understood.
    """
    if kind == "words":
        return True if _CLEARLY_OUT.intersection(map(_word, _DIVIDER.split(cell))) else None
    word = _word(cell)
    if kind == "status":
        return True if word in _CLEARLY_OUT or _says_out(cell) else None
    if kind == "either":
        return _of_phone_or_consent(cell, word)
    if kind == "opt-out" and word in _OF_EITHER:
        raise ValueError(_NOT_UNDERSTOOD)
    if word in _OUT:
        return True
    if word in _IN:
        return False
    if word in _SAYS_NOTHING or _NO_DATE.fullmatch(cell):
        return None
    if word in _YES or _DATE.fullmatch(cell):
        return kind == "opt-out"
    if word in _NO:
        return kind == "consent"
    if _says_out(cell):
        return True
    return _of_channels(cell, kind)


def _says_out(cell: str) -> bool:
    """Whether words within a cell say clearly that a person opted out of texts."""
    found = _SAYS_OUT.search(cell)
    if not found or (_OF_OTHER_CHANNEL.search(cell) and not _OF_TEXTS.search(cell)):
        return False
    return not _NEGATION.search(cell.replace(found[0], "", 1))


def _of_phone_or_consent(cell: str, word: str) -> bool | None:
    if word in _NO or word in _OUT or _says_out(cell):
        return True
    return False if word in _YES or word in _IN else None


def _of_channels(cell: str, kind: Kind) -> bool | None:
    """Return the meaning of a list of channels, such as "Email, SMS"."""
    channels = {_word(each) for each in _DIVIDER.split(cell.strip("[]"))}
    if not channels <= _TEXTS | _OTHER_CHANNELS:
        raise ValueError(_NOT_UNDERSTOOD)
    return (kind == "opt-out") if channels & _TEXTS else None
