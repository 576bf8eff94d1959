"""The power goes in the middle of a job, and what was not synced is lost."""

from __future__ import annotations

import random
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from endurance.files.commands import (
    Call,
    Commands,
    Ended,
    Kind,
    check_tools,
    commands,
    scratch_folder,
)
from endurance.files.crash import Disk, Loss
from endurance.files.jobs import JOBS, Job, job_of, said, sandbox_of, variables_of
from endurance.files.mounts import INSTALL, SYSTEMS, Mount, can_mount, mounted, take_own_mounts
from endurance.run import Figures, Run, small
from endurance.versions import versions

CUTS = 8
FEW = 2
_CHANGES = Kind.CREATE | Kind.WRITE | Kind.SYNC | Kind.REMOVE | Kind.CLOSE
LOSSES = (Loss.ALL, Loss.LATE, Loss.SOME, Loss.SOME)


def work(seed: int) -> Figures:
    """Cut the power of a job at some of its calls, and resume it each time."""
    check_tools()
    name, again = JOBS[seed % len(JOBS)], bool(seed // len(JOBS) % 2)
    chance = random.Random(seed)
    with scratch_folder() as scratch, sandbox_of(seed) as sandbox, ExitStack() as opened:
        systems = [each for each in SYSTEMS if can_mount(each)]
        if systems:
            take_own_mounts()
        running = opened.enter_context(commands(variables_of(sandbox), scratch))
        mounts = {each: opened.enter_context(mounted(each, scratch)) for each in systems}
        (scratch / "before").mkdir()
        job = job_of(name, sandbox, running, scratch / "before", again=again)
        return _Cuts(job, running, scratch, chance).all(mounts, name)


class _Cuts:
    def __init__(self, job: Job, running: Commands, scratch: Path, chance: random.Random) -> None:
        self._job, self._running = job, running
        self._scratch, self._chance = scratch, chance
        self._number = chance.randrange(10_000)

    def all(self, mounts: dict[str, Mount], name: str) -> Figures:
        folder = self._begun(self._scratch / "job")
        undisturbed = self._running.run(self._job.arguments(folder), folder)
        assert undisturbed.code == self._job.code, undisturbed.output
        self._job.check_end(folder)
        places = [call.number for call in undisturbed.calls if call.kind & _CHANGES]
        seen = Counter[str](dict.fromkeys(SYSTEMS, 0))  # 0 is shown, too
        failures: list[str] = []
        for _ in range(FEW if small() else CUTS):
            at = self._chance.choice(places)
            for system, mount in mounts.items():
                try:
                    self._cut_on(mount, at)
                except Exception as error:  # noqa: BLE001 - a file that cannot be read, too
                    failures.append(f"{name}: on {system} at call {at}: {said(error)}")
                seen[system] += 1
            for loss, failure in self._cut(at, name):
                seen[loss.value] += 1
                if failure:
                    failures.append(f"{name}: at call {at}, {loss.value} was lost: {failure}")
        assert not failures, "\n".join(failures)
        return Figures(units=seen.total(), total=dict(seen), versions=versions())

    def _begun(self, folder: Path) -> Path:
        """Return the folder of the job, as it is when it begins."""
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        self._number += 1
        self._job.begin(folder, self._number)
        return folder

    def _copied(self, folder: Path) -> Path:
        before = self._scratch / "begun"
        shutil.rmtree(before, ignore_errors=True)
        return Path(shutil.copytree(folder, before))

    def _cut_on(self, mount: Mount, at: int) -> None:
        """Cut the power of a real file system at a call."""
        folder = self._begun(mount.root / "job")
        before = self._copied(folder)
        mount.sync()
        ended = self._running.run(self._job.arguments(folder), folder, at=at, root=mount.root)
        mount.again()
        self._check_kept(folder, before, ended)
        self._resume(folder)

    def _cut(self, at: int, name: str) -> Iterator[tuple[Loss, str]]:
        """Kill the job at a call, and resume it from what a disk may hold then; give failures.

        Every other time, the power goes once more while it resumes.
        """
        folder = self._begun(self._scratch / "job")
        before = self._copied(folder)
        ended = self._running.run(self._job.arguments(folder), folder, at=at)
        # An import cannot be resumed twice: its account has the rows then.
        losses = LOSSES if name != "import" else [self._chance.choice(LOSSES)]
        for loss in losses:
            failure = ""
            self._lose(folder, before, ended, loss)
            try:
                self._check_kept(folder, before, ended)
                if self._chance.random() < 0.5:
                    held = Path(shutil.copytree(folder, self._scratch / "held"))
                    more = self._chance.randint(1, at)
                    again = self._running.run(self._job.arguments(folder), folder, at=more)
                    if again.code != self._job.code:
                        yield loss, ""
                        self._lose(folder, held, again, loss)
                        self._check_kept(folder, held, again)
                        self._resume(folder)
                    else:
                        self._job.check_end(folder)
                else:
                    self._resume(folder)
            except Exception as error:  # noqa: BLE001 - as above
                failure = said(error)
            finally:
                shutil.rmtree(self._scratch / "held", ignore_errors=True)
            yield loss, failure

    def _lose(self, folder: Path, before: Path, ended: Ended, loss: Loss) -> None:
        """Replace a folder by what a disk may hold after its calls."""
        shutil.rmtree(folder)
        Disk.after(before, folder, ended.calls).write_after(loss, self._chance, folder)

    def _check_kept(self, folder: Path, before: Path, ended: Ended) -> None:
        """Check that all is there that was kept when the last sync returned, and nothing is half.

        Args:
            folder: A disk after a power loss. It is not touched.
            before: Its content when the process began.
            ended: How the process ended whose power went.
        """
        assert ended.code == -signal.SIGKILL, f"the process was to be killed: {ended}"
        copy = self._scratch / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        promised = self._promised(folder, before, ended.calls, copy)
        shutil.copytree(folder, copy)
        self._job.check_between(copy)
        kept = self._job.kept(copy)
        shutil.rmtree(copy)
        assert kept >= promised, f"{promised} were kept before, and {kept} after it"

    def _resume(self, folder: Path) -> None:
        held = _tree(folder)
        resumed = self._running.run(self._job.arguments(folder), folder)
        assert resumed.code == self._job.code, f"{resumed.output}\nfrom {held}"
        self._job.check_end(folder)

    def _promised(self, folder: Path, before: Path, calls: list[Call], copy: Path) -> int:
        """Return how much of the work was kept when the last sync of anything had returned."""
        synced = [call.number for call in calls if call.kind & Kind.SYNC and not call.failed]
        last = max(synced, default=0)
        Disk.after(before, folder, calls[:last]).write_after(Loss.NONE, self._chance, copy)
        kept = self._job.kept(copy)
        shutil.rmtree(copy)
        return kept


def _tree(folder: Path) -> dict[str, int]:
    return {str(each.relative_to(folder)): each.stat().st_size for each in folder.rglob("*")}


RUNS = [
    Run(
        name="power-loss",
        title="Power losses",
        unit="power losses",
        goal=2_000,
        holds="The power fails at random calls of an export, an import or a sync that change,"
        " sync or close files. On ext4 and xfs, the file system is shut down without writing"
        " anything more, and mounted again. This needs root, loop devices and the programs of"
        f" both file systems (`{INSTALL}`). Without them, these two are left out, and their rows"
        " below show 0. A model also builds folders that POSIX allows after a power loss, though"
        " most disks never show them: any block or name that was not synced may be missing. Half"
        " of the time, the power fails again in the model while the job resumes. After a loss,"
        " everything that was kept when the last sync returned is still there. No half file has"
        " the final name. The same command then ends whole, and equal to the account. No row is"
        " imported twice, and every row gets its true outcome. Databases are whole. The exports"
        " are to all formats but `.jsonl.zst`, which is written as `.jsonl.gz` is.",
        work=work,
    )
]
