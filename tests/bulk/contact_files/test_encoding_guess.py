"""The encoding of names is guessed from long files, and mostly from short ones."""

from __future__ import annotations

import pytest

from tests.bulk.contact_files.opening import cells_of, notes_of

NAMES = {
    "cp1252": "Zoë Müller,José Núñez,François Lefèvre,Søren Kjær,Jürgen Groß,Renée Côté,Ólafur Þór",
    "mac_roman": "Zoë Müller,José Núñez,François Lefèvre,Søren Kjær,Jürgen Groß,Renée Côté",
    "cp1250": "Łukasz Wiśniewski,Małgorzata Żak,Jiří Dvořák,Zoltán Szőke,Božena Němcová",
    "cp1251": "Иван Петров,Мария Смирнова,Алексей Кузнецов,Ольга Попова",
    "cp1253": "Γιώργος Παπαδόπουλος,Μαρία Νικολάου,Ελένη Δημητρίου",
    "cp1255": "דוד כהן,שרה לוי,משה פרץ",
    "cp1256": "محمد علي,فاطمة حسن,أحمد محمود",
    "cp932": "田中太郎,鈴木一郎,佐藤花子,山本さくら,中村ユウコ",
    "gb18030": "王伟,李娜,张敏,刘洋,陈静,杨磊,赵强",
    "big5": "王小明,李美玲,張志豪,陳怡君,林淑芬",
    "cp949": "김민수,이지은,박서준,최유진",
}


def written(names: list[str], count: int) -> str:
    rows = (f"1510555{n:04},{names[n % len(names)]},Oakland" for n in range(count))
    return "\r\n".join(["phone,name,city", *rows, "15105559999,Jordan Lee,Oakland", ""])


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("count", [8, 3000])
def test_an_encoding_is_found_by_names(encoding, count):
    text = written(NAMES[encoding].split(","), count)
    cells = cells_of(text.encode(encoding))

    assert [",".join(row) for row in cells] == text.split("\r\n")[:-1]


@pytest.mark.parametrize(
    "name",
    ["Zoë", "José", "Jürgen", "Renée", "O\u2019Brien", "Jo \u201cBob\u201d Lee", "Rue à côté",
     "D\u2019Angelo", "JOSÉ MUÑOZ", "Jean\u2013Luc", "Ærø", "Straße", "\u0160aric"],
)  # fmt: skip
def test_windows_1252_is_preferred_for_a_single_name(name):
    content = f"phone,name\n1,{name}\n".encode("cp1252")

    assert cells_of(content)[1] == ["1", name]


@pytest.mark.parametrize("name", ["José", "François", "Müller", "Nuñez", "Côté"])
def test_mac_roman_is_found_by_most_single_names(name):
    assert cells_of(f"phone,name\r1,{name}\r".encode("mac_roman"))[1] == ["1", name]


@pytest.mark.parametrize("content", [b"phone,a\n1,\x81\x8d\n", b"phone,a\n1,\x80\xff\xfe\xf0\n"])
def test_bytes_that_fit_nothing_well_are_read_all_the_same(content):
    assert len(notes_of(content)) == 1
