"""A probe of a usual account, and its profile on the way to a client and a sandbox."""

from __future__ import annotations

from heymarket_async import ApiProfile
from heymarket_async.sandbox import Readings, Sandbox
from tests.probe.probing import client_of, findings_of, profile_of


async def test_the_list_is_told_and_the_sandbox_behaves_like_it(tmp_path):
    readings = Readings(newest_first=False, max_limit=250)
    sandbox = Sandbox(600, readings=readings)
    findings = await findings_of(sandbox)
    findings.profile.save(tmp_path / "profile.json")
    profile = ApiProfile.load(tmp_path / "profile.json")

    assert profile == findings.profile
    assert (profile.v1.order, profile.v1.largest_limit) == ("oldest first", 250)
    assert len(sandbox.requests) == findings.requests <= 40
    again = Sandbox.from_profile(tmp_path / "profile.json", 600)
    assert (again.readings.newest_first, again.readings.max_limit) == (False, 250)
    assert await profile_of(again) == profile


async def test_a_client_with_a_profile_asks_for_large_pages_at_once(tmp_path):
    sandbox = Sandbox(3000, readings=Readings(max_limit=1000))
    (await findings_of(sandbox)).profile.save(tmp_path / "profile.json")
    sent = {}
    async with sandbox:
        for profile in (None, tmp_path / "profile.json"):
            sandbox.requests.clear()
            async with client_of(sandbox, profile=profile) as client:
                ids = {contact.id async for contact in client.contacts.iterate()}
            assert len(ids) == 3000
            sent[profile] = [each.body.get("limit") for each in sandbox.requests]

    assert list(sent.values()) == [
        [None, 100, 200, 400, 800, 1000, 1000, None, None],
        [None, 1000, 1000, 1000, None, None],
    ]
