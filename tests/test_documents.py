"""What the documents show is run, and what they list is true."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

import heymarket_async
from heymarket_async import errors
from heymarket_async.sandbox import Sandbox

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(*languages: str) -> list:
    return [
        pytest.param(text, id=f"{document.name}-{number}")
        for document in DOCUMENTS
        for number, (language, text) in enumerate(BLOCK.findall(document.read_text()))
        if language in languages
    ]


@pytest.fixture
def environment(tmp_path_factory):
    with Sandbox(contacts=120, seed=2) as sandbox:
        yield {
            **os.environ,
            # dlt keeps its state in the home, and tells its makers, unless told not to.
            "DLT_DATA_DIR": str(tmp_path_factory.mktemp("dlt")),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "HEYMARKET_BASE_URL": sandbox.url,
            "HEYMARKET_SECRET_ID": sandbox.credentials.secret_id,
            "HEYMARKET_SECRET_KEY": sandbox.credentials.secret_key,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }


def run(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("text", blocks("python"))
def test_a_program_that_is_shown_runs(text, environment, tmp_path):
    name = "test_shown.py" if "def test_" in text else "shown.py"
    (tmp_path / name).write_text(text)
    # As in a project of the reader's own: pytest-asyncio is strict there, and warns of the scope.
    options = ["-o", "asyncio_default_fixture_loop_scope=function", "-W", "error"]
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    python = [sys.executable, "-W", "error", "-X", "dev"]

    run([*(pytest_ if name.startswith("test_") else python), name], environment, tmp_path)


@pytest.mark.parametrize("text", blocks("console"))
def test_commands_that_are_shown_run(text, environment, tmp_path):
    for line in text.splitlines():
        run(["/bin/sh", "-c", line.removeprefix("$ ")], environment, tmp_path)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name
)
def test_an_example_runs(path, environment, tmp_path):
    assert run([sys.executable, "-W", "error", "-X", "dev", str(path)], environment, tmp_path)


def test_the_readme_stays_short_and_has_the_two_commands():
    text = (ROOT / "README.md").read_text()

    assert len(text.splitlines()) < 150
    assert [language for language, _ in BLOCK.findall(text)].count("sh") == 2


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize(
    "document", [*DOCUMENTS, *sorted((ROOT / "examples").rglob("*.md"))], ids=lambda path: path.name
)
def test_no_page_installs_the_package_by_its_name_alone(document):
    # Until it is on an index, anybody could register the name there.
    for line in re.findall(r"(?:pip|uv|poetry|pdm|pipx).*heymarket-async.*", document.read_text()):
        assert " @ git+https://git.example.com/" in line


def test_the_page_on_installing_has_every_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    page = (ROOT / "docs" / "install.md").read_text()
    rows = page.partition("\n| Extra |")[2].partition("\n\n")[0].splitlines()[2:]

    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(extras)


def test_the_drawings_are_those_of_their_program(tmp_path):
    folder = ROOT / "docs" / "pictures"
    for script in folder.glob("*.py"):
        (tmp_path / script.name).write_text(script.read_text())

    run([sys.executable, "make.py", "drawings"], os.environ, tmp_path)

    made = sorted(tmp_path.glob("*.svg"))
    assert len(made) == 4
    for picture in made:
        assert picture.read_text() == (folder / picture.name).read_text()


def test_the_tree_of_errors_is_the_one_in_the_code():
    page = (ROOT / "docs" / "errors-and-retries.md").read_text()
    drawn = next(text for language, text in BLOCK.findall(page) if language == "text")

    assert textwrap.indent(drawn, "    ") in (errors.__doc__ or "")


def test_the_changelog_knows_this_version():
    text = (ROOT / "CHANGELOG.md").read_text()

    assert f"## [{heymarket_async.__version__}] - 20" in text


# What the program says is quoted as it says it


def literals() -> list[str]:
    """The texts in the code, but no docstrings; "…" stands for a value that is put into one."""
    texts = []
    for path in sorted(Path(heymarket_async.__file__).parent.rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.JoinedStr):
                parts = [
                    part.value if isinstance(part, ast.Constant) else "…" for part in node.values
                ]
                texts.append("".join(parts))
            elif isinstance(node, ast.Constant) and id(node) not in docstrings:
                texts.append(str(node.value))
    return texts


LITERALS = literals()
VARIABLE = re.compile(r"[\d,]*\d|…|\(.*?\)|a minute\.|\bcontacts?\b|an `updated`|updated")
# Where the program puts a text together from two.
JOINTS = re.compile(r"; |, (?=this client)|^ have | (?=In the next)")


def quoted(document: str, header: str, mark: str) -> list:
    """The texts in these marks in the first column of a table."""
    text = (ROOT / "docs" / document).read_text()
    table = text.partition(f"\n| {header}")[2].partition("\n\n")[0]
    cells = [row.split(" | ")[0] for row in table.splitlines()[2:]]
    found = [each for cell in cells for each in re.findall(rf"{mark}(.+?){mark}", cell)]
    assert len(found) >= len(cells) > 0
    return [pytest.param(each, id=each[:40]) for each in found]


@pytest.mark.parametrize(
    "text",
    [
        *quoted("scaling.md", "Warning (", '"'),
        *quoted("export.md", "Doubt |", r"\*"),
    ],
)
def test_a_warning_or_a_doubt_is_quoted_as_the_program_says_it(text):
    for fixed in VARIABLE.split(text):
        for part in map(str.strip, JOINTS.split(fixed)):
            assert any(part in each for each in LITERALS), part
