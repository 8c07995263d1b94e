"""Runs the fast tests on every mutant of engine/risk: python -m tests.mutation_run [file names] [--share 0.1].

One pytest imports what is heavy and forks a child for each mutant. A fault in a function's body is first put into the
functions of a child that has collected already, and only the tests that call the function run. What survives so, and
every fault that acts at import, is put before a child that imports all of engine/risk anew and runs every test. What no
child could import counts for nothing. Before, the sources as they are go both ways: no test may fail.
"""

from __future__ import annotations

import argparse
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType

import pytest

from tests.equivalent_mutants import EQUIVALENT
from tests.mutants import ROOT, Mutant, mutants, untouched

RISK = ROOT / "engine" / "risk"
TESTS = (
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "unit").glob("test_risk_*.py")),
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "unit").glob("test_policy_*.py")),
    "tests/unit/test_journal_migration.py",
    "tests/docs/test_operator_docs.py::test_the_default_of_a_setting_is_the_one_described",
    "tests/property/test_policy_lattice.py",
    "tests/property/test_limit_ledger.py",
)
RACE = "tests/unit/test_risk_limits.py::test_processes_that_spend_one_cap_at_once_spend_it_once"
"""Left out: its other processes would import the sources as they are."""
FIRST = {
    "chain_time": ("tests/unit/test_risk_caps.py",),
    "halt": ("tests/unit/test_risk_halt_file.py",),
    "in_force": ("tests/unit/test_policy_versions.py",),
    "limits": ("tests/unit/test_risk_raises.py",),
    "loosening": ("tests/unit/test_policy_loosening.py",),
    "operator": ("tests/unit/test_risk_halt.py",),
    "policy": ("tests/unit/test_risk_policy.py", TESTS[-3]),
    "terms": ("tests/unit/test_policy_versions.py",),
    "versions": ("tests/unit/test_policy_versions.py",),
}
"""Which tests are asked before all of them about a fault that acts at import; else those named after its file."""
OPTIONS = ("-q", "-s", "-p", "no:cacheprovider", "-m", "not node and not soak", "--deselect", RACE)
AT_ONCE = 2
TIME_LIMIT_S = 90.0
PASSED, FAILED, NO_IMPORT, OUT_OF_TIME = 0, 1, 90, 91
"""How a child ends; whatever else is a fault of the run itself."""

Key = tuple[str, str, int]
"""A function's file, qualified name and first line."""
Job = Callable[[], int]


class Broken(Exception):
    """The run itself failed: nothing that it measured counts."""


class MutationRun:
    """A pytest plugin that takes the place of collecting: the process it runs in never imports engine/risk."""

    def __init__(self, chosen: list[Mutant], folder: Path) -> None:
        self.chosen = chosen
        self.folder = folder
        self.ends: dict[str, int] = {}
        self.fault: Broken | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        _import_what_is_heavy()
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one for all children
        sources = [untouched(path) for path in sorted({mutant.path for mutant in self.chosen})]
        self.must_pass("sources as they are, imported", lambda: _imported(session, sources))
        swapped = self.folder / "swapped"
        self.must_pass("the child that has collected", lambda: self.swap_all(session, sources, swapped), limit_s=None)
        self.ends = pickle.loads(swapped.read_bytes())
        left = [mutant for mutant in self.chosen if self.ends.get(mutant.name) != FAILED]
        self.ends |= self.ran({m.name: lambda m=m: _imported(session, [m]) for m in left})
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            print(report.longreprtext)

    def swap_all(self, session: pytest.Session, sources: list[Mutant], answer: Path) -> int:
        """Collect, find out which test calls which function, and run every fault in a body on those tests."""
        session.perform_collect()
        live = _functions(sources)
        calls = self.folder / "calls"
        self.must_pass("sources as they are, put in", lambda: _swapped(session.items, sources, live))
        self.must_pass("the tests' calls", lambda: _calls(session.items, calls), limit_s=None)
        called = pickle.loads(calls.read_bytes())
        by_name = {item.nodeid: item for item in session.items}

        def job(mutant: Mutant) -> Job:
            tests = {name: s for key in _changed(mutant) for name, s in called.get(key, {}).items()}
            quickest = [by_name[name] for name in sorted(tests, key=lambda name: (tests[name], name))]
            return lambda: _swapped(quickest, [mutant], live)

        ends = self.ran({mutant.name: job(mutant) for mutant in self.chosen if not mutant.imported})
        answer.write_bytes(pickle.dumps(ends))
        return PASSED

    def must_pass(self, what: str, job: Job, limit_s: float | None = 4 * TIME_LIMIT_S) -> None:
        ends = self.ran({what: job}, limit_s)
        if ends != {what: PASSED}:
            said = (self.folder / f"{os.getpid()}-0").read_text()[-6000:]
            self.fault = Broken(f"{what}: ended with {ends[what]}\n{said}")
            raise self.fault

    def ran(self, jobs: dict[str, Job], limit_s: float | None = TIME_LIMIT_S) -> dict[str, int]:
        """Run each job in a child of its own, a few at once; say how each ended."""
        ends: dict[str, int] = {}
        running: dict[int, tuple[str, float, int]] = {}
        waiting = list(reversed(jobs.items()))
        while waiting or running:
            if waiting and len(running) < AT_ONCE:
                name, job = waiting.pop()
                slot = min({*range(AT_ONCE)} - {slot for _, _, slot in running.values()})
                running[_forked(job, self.folder / f"{os.getpid()}-{slot}")] = (name, time.monotonic(), slot)
                continue
            for pid, (name, began, _) in list(running.items()):
                done, status = os.waitpid(pid, os.WNOHANG)
                if not done and limit_s is not None and time.monotonic() - began > limit_s:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    done, ends[name] = pid, OUT_OF_TIME
                elif done:
                    ends[name] = os.waitstatus_to_exitcode(status)
                if done:
                    del running[pid]
            time.sleep(0.005)
        return ends


def _forked(job: Job, log: Path) -> int:
    """Start a child that ends with what the job returns, and says what it says to `log`."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    end = 99
    try:
        said = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        os.dup2(said, 1)
        os.dup2(said, 2)
        end = job()
    except BaseException as fault:  # noqa: BLE001 - the child must not go on in the parent's place
        os.write(2, f"{type(fault).__name__}: {fault}\n".encode())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end)


def _imported(session: pytest.Session, changed: list[Mutant]) -> int:
    """Collect and run every test with the changed sources in the place of the files."""
    for mutant in changed:
        assert mutant.module not in sys.modules
    sys.meta_path.insert(0, _Changed({mutant.module: mutant for mutant in changed}))
    stem = changed[0].path.stem
    about = [str(ROOT / test) for test in FIRST.get(stem, (f"tests/unit/test_risk_{stem}.py",))]
    for tests in [[test for test in about if test in session.config.args], session.config.args]:
        session.perform_collect(tests)
        end = NO_IMPORT if session.testsfailed else _end_of(session.items)
        if end != PASSED:
            return end
    return PASSED


def _swapped(tests: list[pytest.Item], changed: list[Mutant], live: dict[Key, list[FunctionType]]) -> int:
    """Put the changed functions' code into those that live, and run tests; PASSED where it does not fit."""
    for mutant in changed:
        for code in _codes(mutant.code):
            for function in live.get(_key(code), []):
                if len(function.__code__.co_freevars) != len(code.co_freevars):
                    return PASSED
                function.__code__ = code
    return _end_of(tests)


def _end_of(tests: list[pytest.Item]) -> int:
    for item, after in zip(tests, [*tests, None][1:], strict=True):
        item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
        if item.session.testsfailed:
            return FAILED
    return PASSED


def _calls(tests: list[pytest.Item], answer: Path) -> int:
    """Write which functions of engine/risk each test calls, and how long it takes, in seconds."""
    called: dict[Key, dict[str, float]] = defaultdict(dict)
    for item in tests:
        seen: set[CodeType] = set()

        def note(frame: FrameType, event: str, _: object, seen: set[CodeType] = seen) -> None:
            if event == "call":
                seen.add(frame.f_code)

        began = time.monotonic()
        sys.setprofile(note)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        sys.setprofile(None)
        for code in seen:
            if code.co_filename.startswith(str(RISK)):
                called[_key(code)][item.nodeid] = time.monotonic() - began
    answer.write_bytes(pickle.dumps(dict(called)))
    return FAILED if tests[0].session.testsfailed else PASSED


def _changed(mutant: Mutant) -> list[Key]:
    """List the functions whose code differs from the source's as it is."""
    before = {_key(code): code.co_code + repr(_plain(code)).encode() for code in _codes(untouched(mutant.path).code)}
    return [
        _key(code)
        for code in _codes(mutant.code)
        if before.get(_key(code)) != code.co_code + repr(_plain(code)).encode()
    ]


def _plain(code: CodeType) -> list[object]:
    return [value for value in (*code.co_consts, *code.co_names) if not isinstance(value, CodeType)]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """List the code of every function inside."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _functions(sources: Iterable[Mutant]) -> dict[Key, list[FunctionType]]:
    files = {str(source.path) for source in sources}
    live: dict[Key, list[FunctionType]] = defaultdict(list)
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename in files:
            live[_key(thing.__code__)].append(thing)
    return live


class _Changed(importlib.abc.MetaPathFinder):
    """Finds the changed sources where their modules are imported."""

    def __init__(self, changed: dict[str, Mutant]) -> None:
        self.changed = changed

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.changed:
            return None
        mutant = self.changed[fullname]
        return importlib.util.spec_from_file_location(fullname, mutant.path, loader=_Source(mutant))


class _Source(importlib.machinery.SourceFileLoader):
    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self.mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        return self.mutant.code

    def exec_module(self, module: ModuleType) -> None:
        try:
            super().exec_module(module)
        except Exception as fault:  # noqa: BLE001 - whatever an import raises, it is no import
            os.write(2, f"{type(fault).__name__}: {fault}\n".encode())
            os._exit(NO_IMPORT)


def _import_what_is_heavy() -> None:
    import eth_account  # noqa: F401
    import hypothesis.stateful  # noqa: F401
    import pydantic  # noqa: F401
    from hypothesis import HealthCheck, Phase, settings

    import engine.journal.journal  # noqa: F401

    settings.register_profile(
        "mutants",
        deadline=None,
        max_examples=20,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=(HealthCheck.too_slow,),
    )
    settings.load_profile("mutants")


def run(chosen: list[Mutant], tests: Iterable[str] = TESTS) -> dict[str, int]:
    """Run mutants; return by each one's name how it ended. Raises `Broken` when the run itself did not work."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="mutants-", dir=shared if shared.is_dir() else None))
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    plugin = MutationRun(chosen, folder)
    try:
        kept = (f"--basetemp={folder / 'tests'}", "-o", "tmp_path_retention_policy=none")
        pytest.main([*OPTIONS, *kept, *(str(ROOT / test) for test in tests)], plugins=[plugin])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if plugin.fault is not None:
        raise plugin.fault
    if plugin.ends.keys() != {mutant.name for mutant in chosen}:
        raise Broken("not every mutant was run")
    odd = {name: end for name, end in plugin.ends.items() if end not in (PASSED, FAILED, NO_IMPORT, OUT_OF_TIME)}
    if odd:
        raise Broken(f"children ended oddly: {odd}")
    return plugin.ends


def main() -> None:
    """Print a line for each file, the survivors, and last the figures as JSON."""
    ask = argparse.ArgumentParser()
    ask.add_argument("files", nargs="*")
    ask.add_argument("--share", type=float, default=1.0)
    ask.add_argument("--seed", type=int, default=3)
    ask.add_argument("--tests", nargs="+", default=TESTS)
    given = ask.parse_args()
    files = [path for path in sorted(RISK.glob("*.py")) if not given.files or path.name in given.files]
    dice = random.Random(given.seed)
    chosen = [mutant for path in files for mutant in mutants(path) if dice.random() < given.share]
    ends = run(chosen, given.tests)
    for path in files:
        print(f"{path.name:16}", counted([mutant for mutant in chosen if mutant.path == path], ends))
    for name, end in ends.items():
        if end == PASSED and name not in EQUIVALENT:
            print("survived:", name)
        if end != PASSED and name in EQUIVALENT:
            print("no equivalent:", name)
    print(json.dumps(counted(chosen, ends)))


def counted(of: list[Mutant], ends: dict[str, int]) -> dict[str, int]:
    """Count how mutants ended; one that is listed as equivalent is that only while no test kills it."""
    said = {FAILED: "killed", OUT_OF_TIME: "out of time", NO_IMPORT: "no import", PASSED: "survived"}
    found = Counter("equivalent" if ends[m.name] == PASSED and m.name in EQUIVALENT else said[ends[m.name]] for m in of)
    return {"mutants": len(of), **{what: found[what] for what in (*said.values(), "equivalent")}}


if __name__ == "__main__":
    main()
