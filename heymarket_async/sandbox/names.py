"""Names and phone ranges that the sandbox's contacts are made from."""

from typing import NamedTuple


class Culture(NamedTuple):
    """Where a contact comes from.

    Attributes:
        firsts: First names, each with the Latin spelling used in e-mail addresses.
        lasts: Last names.
        prefixes: Starts of phone numbers, country code first.
        digits: How many digits follow the prefix.
        region: What stands in the Region custom field.
    """

    firsts: tuple[tuple[str, str], ...]
    lasts: tuple[str, ...]
    prefixes: tuple[str, ...]
    digits: int
    region: str


def _latin(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, name.lower()) for name in names)


_AREAS = (
    201,
    202,
    205,
    206,
    208,
    210,
    212,
    213,
    214,
    215,
    216,
    217,
    219,
    224,
    225,
    228,
    229,
    231,
    234,
    239,
    240,
    248,
    251,
    252,
    253,
    254,
    256,
    260,
    262,
    267,
    270,
    276,
    281,
    301,
    302,
    303,
    304,
    305,
    307,
    308,
    309,
    310,
    312,
    313,
    314,
    315,
    316,
    317,
    318,
    319,
    320,
    321,
    323,
    325,
    330,
    334,
    336,
    337,
    339,
    347,
    351,
    352,
    360,
    361,
    385,
    386,
    401,
    402,
    404,
    405,
    406,
    407,
    408,
    409,
    410,
    412,
    413,
    414,
    415,
    417,
)

CULTURES = (
    Culture(
        _latin("Jordan", "Avery", "Mary", "James", "Ruth", "Marcus", "Grace", "Tyler"),
        ("Rivera", "Smith", "Johnson", "O'Neil", "McAllister", "Lee", "Washington", "van Dyke"),
        tuple(f"1{area}55" for area in _AREAS),  # exchange 555, which films use, and its neighbours
        5,
        "North America",
    ),
    Culture(
        (("José", "jose"), ("Lucía", "lucia"), ("Iñaki", "inaki"), ("María José", "mariajose")),
        ("García Márquez", "Núñez", "Peña", "de la Cruz", "Ibáñez"),
        ("525512", "528183", "34612", "34655"),
        6,
        "LATAM",
    ),
    Culture(
        (("Jürgen", "juergen"), ("Zoë", "zoe"), ("Søren", "soeren"), ("Anaïs", "anais")),
        ("Müller-Lüdenscheidt", "Strauß", "Ångström", "Lefèvre", "d'Arc"),
        ("49151", "49170", "3361", "452"),
        7,
        "EMEA",
    ),
    Culture(
        (("Zażółć", "zazolc"), ("Łukasz", "lukasz"), ("Dağhan", "daghan"), ("İpek", "ipek")),
        ("Wójcik", "Şahin", "Çelik", "Brzęczyszczykiewicz"),
        ("4860", "90532", "3620"),
        7,
        "EMEA",
    ),
    Culture(
        (("فاطمة", "fatima"), ("محمد", "mohammed"), ("ليلى", "layla"), ("שירה", "shira")),
        ("الزهراء", "بن سلمان", "حداد", "כהן"),
        ("97150", "96650", "97254"),
        7,
        "EMEA",
    ),
    Culture(
        (("伟", "wei"), ("さくら", "sakura"), ("서연", "seoyeon"), ("小明", "xiaoming")),
        ("王", "山田", "김", "歐陽", "渡邉"),
        ("86138", "8190", "8210", "8869"),
        8,
        "APAC",
    ),
    Culture(
        (("अनन्या", "ananya"), ("Nguyễn", "nguyen"), ("ปัญญา", "panya"), ("Siti", "siti")),
        ("शर्मा", "Trần", "ศรีสุข", "Rahman"),
        ("9198", "849", "668", "6281"),
        8,
        "APAC",
    ),
    Culture(
        (("Олена", "olena"), ("Γιώργος", "giorgos"), ("Ọlá", "ola"), ("Thandiwe", "thandiwe")),
        ("Шевченко", "Παπαδόπουλος", "Adébáyọ̀", "Dlamini"),
        ("38067", "30694", "234803", "2782"),
        7,
        "EMEA",
    ),
)
