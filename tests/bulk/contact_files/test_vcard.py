"""vCards as phones and programs write them: a row for each card, and no card is lost."""

from __future__ import annotations

import gc
import io
import tracemalloc

import pytest

from heymarket_async.bulk.contact_files import vcard
from heymarket_async.bulk.contact_files.notes import Notes
from heymarket_async.bulk.contact_files.vcard_lines import LONGEST

IPHONE = r"""BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//iPhone OS 17.4//EN
N:Rivera;Jordan;;;
FN:Jordan Rivera
ORG:Example\, Inc.;
EMAIL;type=INTERNET;type=WORK:work@example.com
EMAIL;type=INTERNET;type=HOME;type=pref:jordan@example.com
TEL;type=HOME;type=VOICE:(510) 555-0148
item1.TEL:(510) 555-0149
item1.X-ABLabel:_$!<Main>!$_
item2.TEL:(510) 555-0150
item2.X-ABLabel:Boat
TEL;type=IPHONE;type=CELL;type=VOICE:(510) 555-0147
TEL;type=WORK;type=FAX:(510) 555-0151
item3.TEL:(510) 555-0152
item3.X-ABLabel:_$!<HomeFAX>!$_
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD
 /2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw
END:VCARD
"""
ANDROID = """BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=D0=BE=D0=B2;=D0=9F=D1=91=
=D1=82=D1=80;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=9F=D1=91=D1=82=D1=80 =D0=98=D0=B2=D0=B0=D0=BD=
=D0=BE=D0=B2
TEL;HOME:510-555-0148
TEL;CELL;PREF:510-555-0147
EMAIL;X-INTERNET:petr@example.com
PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD
 AAAAAAAAAAAAAAAA

END:VCARD
"""
OUTLOOK = """BEGIN:VCARD
VERSION:2.1
N;LANGUAGE=en-us:Rivera;Jordan
FN:Jordan Rivera
ORG:Example Inc.
TEL;WORK;VOICE:(510) 555-0148
TEL;CELL;VOICE:(510) 555-0147
ADR;WORK;PREF;ENCODING=QUOTED-PRINTABLE:;;1 Main St=0D=0A=
Suite 2;Oakland;CA;94601;United States
X-MS-OL-DESIGN;CHARSET=utf-8:<card xmlns="http://example.com/card" ver="1.0"/>
EMAIL;PREF;INTERNET:jordan@example.com
END:VCARD
"""
GOOGLE = """BEGIN:VCARD
VERSION:3.0
FN:Jordan Rivera
N:Rivera;Jordan;;;
EMAIL;TYPE=INTERNET;TYPE=HOME:jordan@example.com
TEL;TYPE=:+1 510-555-0148
TEL;TYPE=CELL:+1 510-555-0147
TEL;TYPE=CELL:+15105550147
PHOTO:https://example.com/jordan.jpg
CATEGORIES:myContacts,Friends,VIP\\, gold
END:VCARD
"""
VERSION_4 = """BEGIN:VCARD
VERSION:4.0
KIND:individual
FN;ALTID=1;LANGUAGE=en:Jordan Rivera
FN;ALTID=1;LANGUAGE=fr:Jordan Riviere
N:Rivera;Jordan;;;
TEL;TYPE=home;PREF=2:tel:+1-510-555-0148
TEL;VALUE=uri;PREF=1;TYPE="voice,cell":tel:+1-510-555-0147;ext=5
TEL;VALUE=uri;TYPE="cell":tel:555-0149;phone-context=+1510
TEL;VALUE=uri:tel:5550150;phone-context=example.com
EMAIL;PREF=2:second@example.com
EMAIL;PREF=1:jordan@example.com
END:VCARD
"""


def read(text: str | bytes, *, encoding: str | None = None, notes: Notes | None = None):
    content = text.replace("\n", "\r\n").encode() if isinstance(text, str) else text
    table = vcard.read(io.BytesIO(content), encoding=encoding, notes=notes or Notes())
    assert table.headings == vcard.HEADINGS
    assert table.unit == "card"
    return list(table)


def cells(text: str | bytes, **options) -> dict[str, str]:
    (row,) = read(text, **options)
    assert row.problem == ""
    return {name: cell for name, cell in zip(vcard.HEADINGS, row.cells, strict=True) if cell}


def card(*lines: str, version: str = "3.0") -> str:
    return "\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


@pytest.mark.parametrize(
    ("text", "phone", "others"),
    [
        (
            IPHONE,
            "(510) 555-0147 ::: (510) 555-0149 ::: (510) 555-0148 ::: (510) 555-0150",
            {"email": "jordan@example.com ::: work@example.com"},
        ),
        (OUTLOOK, "(510) 555-0147 ::: (510) 555-0148", {}),
        (
            GOOGLE,
            "+1 510-555-0147 ::: +1 510-555-0148",
            {"avatar": "https://example.com/jordan.jpg", "tags": "Friends ::: VIP, gold"},
        ),
        (
            VERSION_4,
            "+1-510-555-0147 ext. 5 ::: +1-510-555-0148 ::: +1510555-0149 ::: 5550150",
            {"email": "jordan@example.com ::: second@example.com"},
        ),
    ],
    ids=["iphone", "outlook", "google", "4.0"],
)
def test_a_card_arrives_with_all_that_has_a_place(text, phone, others):
    name = {"first": "Jordan", "last": "Rivera", "display_name": "Jordan Rivera"}

    assert cells(text) == {**name, "phone": phone, "email": "jordan@example.com", **others}


def test_quoted_printable_with_soft_line_breaks_is_decoded():
    assert cells(ANDROID) == {
        "first": "Пётр",
        "last": "Иванов",
        "display_name": "Пётр Иванов",
        "phone": "510-555-0147 ::: 510-555-0148",
        "email": "petr@example.com",
    }


def test_all_cards_of_a_file_are_read():
    rows = read(IPHONE + ANDROID + "\n\n" + OUTLOOK + GOOGLE + VERSION_4)

    assert [row.number for row in rows] == [1, 2, 3, 4, 5]
    assert {row.problem for row in rows} == {""}


def test_faxes_and_pagers_are_left_out_with_a_note():
    notes = Notes()
    text = card("TEL;PREF;FAX:1", "TEL;TYPE=pager:2", "TEL;WORK:3")

    assert cells(text, notes=notes) == {"phone": "3"}
    assert notes.lines() == ["Numbers of a fax or pager, which were left out: 2."]


def test_a_number_that_comes_twice_is_given_once():
    assert cells(card("TEL:+1 510 555 0147", "TEL;CELL:+1 (510) 555-0147", "TEL:")) == {
        "phone": "+1 (510) 555-0147"
    }


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["ORG:Example\\; Inc.;Sales"], "Example; Inc."),
        (["FN:", "N:;;;;", "ORG:Example"], "Example"),
        (["NICKNAME:Jo"], "Jo"),
        (["FN;PREF=2:Second", "FN;PREF=1:First"], "First"),
        (["FN:Rivera\\, Jordan \\\\o/"], "Rivera, Jordan \\o/"),
    ],
)
def test_the_name_of_a_card_is_its_own_or_that_of_its_company(lines, name):
    assert cells(card(*lines)) == {"display_name": name}


def test_a_card_without_a_phone_is_a_row_without_one():
    assert cells(card("FN:Jordan")) == {"display_name": "Jordan"}


def test_escaped_dividers_divide_nothing():
    assert cells(card("N:Ri\\;vera\\;;Jor\\,dan\\\\;Mid", "FN:A\\nB\\")) == {
        "last": "Ri;vera;", "first": "Jor,dan\\", "display_name": "A\nB\\",
    }  # fmt: skip


def test_a_folded_line_is_one_line_even_within_a_letter():
    content = b"BEGIN:VCARD\nFN:Zo\xc3\n \xab Riv\n\tera\nEND:VCARD"

    assert cells(content) == {"display_name": "Zoë Rivera"}


@pytest.mark.parametrize("photo", ["PHOTO;ENCODING=b:AAAA", "PHOTO:data:image/png;base64,AA"])
def test_a_photo_that_is_in_the_file_is_left_out(photo):
    assert cells(card(photo, "TEL:1")) == {"phone": "1"}


@pytest.mark.parametrize("photo", ["PHOTO;VALUE=URL:", "PHOTO;VALUE=uri:", "photo:"])
def test_the_address_of_a_photo_is_the_avatar(photo):
    assert cells(card(f"{photo}http\\://example.com/a.jpg")) == {
        "avatar": "http://example.com/a.jpg"
    }


def test_base64_need_not_be_indented():
    assert cells(card("PHOTO;BASE64:AAAA", "BBBB", "", "TEL:1", version="2.1")) == {"phone": "1"}


@pytest.mark.parametrize("parameter", ["ENCODING =8BIT", "ENCODING = 8BIT", " ENCODING=X-UUENCODE"])
def test_an_encoding_that_is_not_known_is_none(parameter):
    assert cells(card(f"FN;{parameter}:Jordan", version="2.1")) == {"display_name": "Jordan"}


@pytest.mark.parametrize("charset", ["utf\0", "unknown", "hex", ""])
def test_a_charset_that_is_not_known_is_utf_8(charset):
    assert cells(card(f"FN;CHARSET={charset}:Zoë", version="2.1")) == {"display_name": "Zoë"}


@pytest.mark.parametrize("parameter", ["ENCODING = QUOTED-PRINTABLE", " quoted-printable "])
def test_a_parameter_may_have_spaces_around_it(parameter):
    assert cells(card(f"FN;{parameter}:Zo=C3=AB", version="2.1")) == {"display_name": "Zoë"}


@pytest.mark.parametrize("kind", ["KIND:group", "X-ADDRESSBOOKSERVER-KIND:group"])
def test_groups_are_skipped_with_a_note(kind):
    notes = Notes()

    rows = read(card(kind, "FN:Friends") + card("FN:Jordan"), notes=notes)

    assert [(row.number, row.cells[2]) for row in rows] == [(2, "Jordan")]
    assert notes.lines() == ["Cards that are groups, not contacts, and were skipped: 1."]


# Encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_file_is_known_by_its_mark(encoding):
    assert cells(card("FN:Zoë", "TEL:1").encode(encoding)) == {"display_name": "Zoë", "phone": "1"}


def test_the_encoding_of_a_file_may_be_given():
    text = card("FN:Zoë")

    for encoding in ("utf-16-le", "utf-16-be", "cp1252"):
        assert cells(text.encode(encoding), encoding=encoding) == {"display_name": "Zoë"}


@pytest.mark.parametrize("charset", ["ISO-8859-1", "utf-8", "nonsense"])
def test_a_charset_counts_if_it_fits(charset):
    text = card(f"FN;CHARSET={charset}:Zoë")

    encoding = "latin-1" if charset == "ISO-8859-1" else "utf-8"
    assert cells(text.encode(encoding)) == {"display_name": "Zoë"}


# Broken cards


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (b"BEGIN:VCARD\nFN:Half\n", "has no END:VCARD"),
        (b"BEGIN:VCARD\nTEL:1\n2\nEND:VCARD\n", "has a line that is not a property"),
        (b"BEGIN:VCARD\nFN:Zo\xeb\nEND:VCARD\n", "has text that is not UTF-8; save the file as UTF-8"),  # noqa: E501
        (b"BEGIN:VCARD\nFN:" + b"a" * 300_000 + b"\nEND:VCARD\n", "is too long"),
        (b"BEGIN:VCARD\n" + b"TEL:123456\n" * 60_000 + b"END:VCARD\n", "is too long"),
    ],
)  # fmt: skip
def test_a_broken_card_is_a_row_with_a_problem_and_the_next_is_read(broken, problem):
    rows = read(broken + card("TEL:15105550147").encode() + broken)

    assert [row.problem for row in rows] == [problem, "", problem]
    assert rows[1].cells[3] == "15105550147"


def test_a_line_break_in_a_text_without_a_place_breaks_nothing():
    assert cells(card("NOTE:one", "two", "TEL:1", 'X-A;x="no end:1')) == {"phone": "1"}


def test_a_card_inside_of_a_card_is_not_read():
    agent = card("AGENT:", "BEGIN:VCARD", "FN:Agent", "AGENT:", "BEGIN:VCARD", "TEL:2", "END:VCARD",
                 "END:VCARD", "TEL:1", version="2.1")  # fmt: skip

    assert cells(agent + "END:VCARD\n") == {"phone": "1"}


@pytest.mark.parametrize("content", [b"", b"first,phone\n", card("KIND:group").encode()])
def test_a_file_without_a_contact_is_refused(content):
    with pytest.raises(ValueError, match="no vCard of a contact"):
        read(content)


# Memory


class Endless(io.RawIOBase):
    """A card with a very long property."""

    def __init__(self, head: bytes, fill: bytes) -> None:
        tail = b"\nEND:VCARD\nBEGIN:VCARD\nFN:Next\nEND:VCARD\n"
        self._parts = iter([b"BEGIN:VCARD\n" + head, *[fill] * (9_000_000 // len(fill)), tail])
        self._part = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self._part = self._part or next(self._parts, b"")
        some, self._part = self._part[: len(buffer)], self._part[len(buffer) :]
        buffer[: len(some)] = some
        return len(some)


@pytest.mark.parametrize("head", [b"PHOTO;ENCODING=b:", b"NOTE:", b"TEL:", b"X" * 10])
@pytest.mark.parametrize("fill", [b"A" * 100_000, b"A" * 9_998 + b"\n "])
def test_a_property_without_an_end_does_not_fill_the_memory(head, fill):
    tracemalloc.start()
    try:
        rows = list(vcard.read(Endless(head, fill), encoding=None, notes=Notes()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert rows[-1].cells[2] == "Next"
    assert peak < 5_000_000


def test_a_file_is_left_open():
    file = io.BytesIO(card("FN:Jordan").encode())

    assert len(list(vcard.read(file, encoding=None, notes=Notes()))) == 1
    assert not file.closed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_may_be_closed_before_its_end(encoding):
    text = card("FN:Jordan") * 3
    file = io.BytesIO(text.encode(encoding))
    table = vcard.read(file, encoding=None, notes=Notes())

    next(table)
    file.close()
    del table

    gc.collect()  # a failure in there is a warning, and warnings are errors


def test_a_line_that_is_longer_than_the_buffer_is_whole():
    name = "a" * (LONGEST - 100)

    assert cells(card(f"FN:{name}")) == {"display_name": name}


def test_the_number_of_a_preference_is_one_to_a_hundred():
    assert cells(card("TEL;PREF=x:1", "TEL;PREF=100:2", "TEL;PREF=101:3"))["phone"] == (
        "2 ::: 1 ::: 3"
    )
