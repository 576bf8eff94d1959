"""The tests that the page on testing shows pass together, with the `conftest.py` that it shows."""

from __future__ import annotations

import os
import re
import sys

import pytest

from tests.test_documents import ROOT, run

pytestmark = pytest.mark.unmeasured

PAGE = (ROOT / "docs" / "testing.md").read_text()


def test_the_tests_of_the_page_pass_with_its_fixture(tmp_path):
    fixture, *tests = re.findall(r"(?ms)^```py\n(.*?)^```$", PAGE)
    (tmp_path / "conftest.py").write_text(fixture)
    for number, text in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(text)
    options = ["-o", "asyncio_default_fixture_loop_scope=function", "-W", "error"]

    said = run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        os.environ,
        tmp_path,
    )

    assert f"{PAGE.count('(client, heymarket_sandbox)')} passed" in said
