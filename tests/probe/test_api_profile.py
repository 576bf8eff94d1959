"""Profiles: files of facts, read by the client and by the sandbox on its own."""

from __future__ import annotations

import json
import os
from typing import get_type_hints

import pytest

from heymarket_async import ApiProfile, ListFacts
from heymarket_async.api_profile import VERSION
from heymarket_async.sandbox import Readings, Sandbox, profile

PROFILE = ApiProfile(
    v1=ListFacts(order="newest first", first_page="ignored", over_limit="413", end="[]"),
    stamp_digits=3,
    rate_headers=("x-ratelimit-limit",),
    gzip=True,
)


def test_a_file_has_each_fact_and_is_read_back(tmp_path):
    path = tmp_path / "profile.json"
    PROFILE.save(path)

    assert ApiProfile.load(path) == ApiProfile.load(str(path)) == PROFILE
    content = json.loads(path.read_text())
    assert set(content) == set(ApiProfile.__struct_fields__)
    assert content["version"] == VERSION
    assert content["v2"]["end"] is None
    assert path.read_text().endswith("}\n")


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, synced = tmp_path / "profile.json", []

    def fsync(file: int) -> None:
        synced.append((os.fstat(file).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    PROFILE.save(path)

    assert synced == [(path.stat().st_size, False)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Input data was truncated"),
        ("[]", "Expected `object`"),
        ("{}", "missing required field `version`"),
        ('{"version":1,"v1":' + '{"v1":' * 50_000, "it is nested too deeply"),
        ('{"version": 1, "v1": {"default_limit": 9e29}}', "default_limit"),
        ('{"version": 1, "v2": {"largest_limit": 1000001}}', "Expected `int` <= 1000000"),
        ('{"version": 2}', "its version is 2, and this package reads version 1"),
        ('{"version": 1, "v3": {}}', "unknown field `v3`"),
        ('{"version": 1, "v1": {"largest_limit": 0}}', ">= 1"),
        ('{"version": 1, "v1": {"over_limit": "sometimes"}}', "matching regex"),
        ('{"version": 1, "stamp_digits": 4}', "Invalid enum value"),
        ('{"version": 1, "unknown_id": "Jordan"}', "matching regex"),
        ("\ud83d", "truncated"),
    ],
)
def test_another_file_is_refused_with_the_reason_and_the_remedy(text, reason, tmp_path):
    path = tmp_path / "profile.json"
    path.write_bytes(text.encode(errors="replace") if text != "\ud83d" else b'{"version\xff')

    with pytest.raises(ValueError, match="holds no profile of the API") as raised:
        ApiProfile.load(path)
    assert reason in str(raised.value) or text == "\ud83d"
    assert str(raised.value).endswith(f"`heymarket probe --save {path}`")


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        ApiProfile.load(tmp_path / "profile.json")
    with pytest.raises(FileNotFoundError):
        Sandbox.from_profile(tmp_path / "profile.json")


# The sandbox


def test_a_sandbox_takes_a_struct_a_mapping_or_a_file(tmp_path):
    profile = ApiProfile(v1=ListFacts(order="oldest first"))
    profile.save(tmp_path / "profile.json")

    mapping = {"version": 1, "v1": {"order": "oldest first"}}
    for source in (profile, mapping, tmp_path / "profile.json", str(tmp_path / "profile.json")):
        sandbox = Sandbox.from_profile(source, 7, seed=3, ties=2)
        assert sandbox.readings == Readings(newest_first=False)
        assert len(sandbox.store) == 7


def test_what_a_profile_leaves_open_is_as_the_readings_say():
    readings = Readings(inclusive=True, rev="null")
    sandbox = Sandbox.from_profile(ApiProfile(gzip=True), readings=readings)

    assert sandbox.readings == Readings(inclusive=True, rev="null", gzip=True)


@pytest.mark.parametrize(
    ("profile", "fact"),
    [
        (ApiProfile(v1=ListFacts(order="newest first", date="after")), "v1.date = after"),
        (ApiProfile(v2=ListFacts(first_page=1)), "v2.first_page = 1"),
        (ApiProfile(v1=ListFacts(over_limit="409")), "v1.over_limit = 409"),
        (ApiProfile(v1=ListFacts(end="[]"), v2=ListFacts(end="null")), "v2.end = null"),
        (ApiProfile(unknown_id="404", unknown_find="400"), "unknown_find = 400"),
        (ApiProfile(stamp_digits=3, stored_finer=True), "stamp_digits = 3"),
        (ApiProfile(rate_headers=("ratelimit",)), "rate_headers = ratelimit"),
        (ApiProfile(count_is_whole=False), "count_is_whole = False"),
        (ApiProfile(v1=ListFacts(date="ignored")), "v1.date = ignored"),
        (ApiProfile(v1=ListFacts(over_limit="ignored", largest_limit=9)), "v1.largest_limit = 9"),
    ],
)
def test_a_fact_that_the_sandbox_cannot_show_is_named(profile, fact):
    with pytest.raises(ValueError, match="the sandbox cannot show") as raised:
        Sandbox.from_profile(profile)
    assert str(raised.value) == (
        f"the sandbox cannot show these facts of the profile: {fact}. Set them to null"
    )


def test_all_facts_that_the_sandbox_cannot_show_are_named_at_once_and_cut_short():
    names = tuple(f"x-ratelimit-{number}" for number in range(10_000))
    profile = ApiProfile(v1=ListFacts(over_limit="409"), unknown_id="302", rate_headers=names)
    with pytest.raises(ValueError, match="the sandbox cannot show") as raised:
        Sandbox.from_profile(ApiProfile(v2=ListFacts(first_page=1), v1=profile.v1))
    assert "v1.over_limit = 409, v2.first_page = 1. Set them" in str(raised.value)

    with pytest.raises(ValueError, match="rate_headers = ") as raised:
        Sandbox.from_profile(profile)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("date", ["before", "after"])
def test_the_side_of_date_gives_an_order_that_is_not_known(date):
    for others in (Readings(), Readings(newest_first=False)):
        sandbox = Sandbox.from_profile(ApiProfile(v1=ListFacts(date=date)), readings=others)
        assert sandbox.readings.newest_first is (date == "before")


def test_a_uuid_that_is_known_comes_from_reads():
    assert Sandbox.from_profile(ApiProfile(unknown_uuid="404")).readings.list_has_uuid
    assert not Sandbox.from_profile(ApiProfile(unknown_id="404")).readings.list_has_uuid


def test_the_sandbox_takes_the_same_facts_as_the_client():
    for ours, theirs in ((ListFacts, profile.ListFacts), (ApiProfile, profile.Profile)):
        hints = [get_type_hints(each, include_extras=True) for each in (ours, theirs)]
        for each in hints:
            each.pop("v1", None), each.pop("v2", None)
        assert hints[0] == hints[1]


@pytest.mark.parametrize(
    "source",
    [
        *({}, {"version": "1"}, b"{}", {"version": 2}, 5),
        {"version": 1, "v1": {"ordr": "x"}},
        {"version": 1, "v1": {"default_limit": 0}},
        ApiProfile(gzip=object()),
    ],
)
def test_a_sandbox_refuses_something_else(source):
    with pytest.raises(ValueError, match="profile must be"):
        Sandbox.from_profile(source)


def test_hidden_fractions_need_no_digits():
    sandbox = Sandbox.from_profile(ApiProfile(stored_finer=True))
    assert (sandbox.readings.precision, sandbox.readings.fractions) == ("microseconds", "truncated")
    assert Sandbox.from_profile(ApiProfile(stored_finer=False)).readings == Readings()


def test_whole_seconds_may_hide_the_fractions_that_the_readings_have():
    hidden = Readings(precision="nanoseconds", fractions="rounded")
    whole = Sandbox.from_profile(ApiProfile(stamp_digits=0), readings=hidden)
    assert whole.readings == hidden
    shown = Sandbox.from_profile(ApiProfile(stamp_digits=6), readings=hidden)
    assert (shown.readings.precision, shown.readings.fractions) == ("microseconds", "shown")


def test_an_unknown_option_of_the_sandbox_is_refused():
    with pytest.raises(TypeError, match="contact_count"):
        Sandbox.from_profile(ApiProfile(), contact_count=5)


def test_a_long_name_in_a_file_is_not_quoted_as_a_whole(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({"version": 1, "x" * 9000: 1}))

    with pytest.raises(ValueError, match="unknown field `xxx") as raised:
        ApiProfile.load(path)
    assert len(str(raised.value)) < 500 + 2 * len(str(path))
