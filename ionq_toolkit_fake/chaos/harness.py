"""Many runs of a program, each under the plan of its seed, in one process or several."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from ionq_toolkit_fake.chaos.caller import Caller
from ionq_toolkit_fake.chaos.checks import CHECKS, in_words
from ionq_toolkit_fake.chaos.plan import Plan
from ionq_toolkit_fake.chaos.report import Failure, Report, failure_of
from ionq_toolkit_fake.chaos.run import Run, run
from ionq_toolkit_fake.validation import unknown, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from ionq_toolkit_fake.scenario import Scenario


#: What a program is: it is called by each caller, with itself.
Program = Callable[[Caller], object]

#: The programs that there are, by what they drive.
PROGRAMS = {
    "ionq-toolkit": "ionq_toolkit_fake.chaos.programs.toolkit:program",
    "qiskit-ionq": "ionq_toolkit_fake.chaos.programs.qiskit_ionq:program",
}

#: How many seeds a process is given at a time.
_CHUNK = 50

#: How many runs are made at the most to find a smaller plan that breaks the same check.
_MOST_TRIES = 40


@dataclass(frozen=True)
class ChaosTest:
    """A program, and what its runs have in common.

    Attributes:
        program: What each caller calls: a function, the name of one of `PROGRAMS`, or
            ``module:function`` or ``file.py:function``.
        expected: The errors that it may raise; None: the ``EXPECTED`` of its module, if there is
            one, and none otherwise.
        callers: How many callers there are; None: as each seed says.
        deadline_s: How many seconds they have; None: as each seed says.
        scenario: What the cloud is like; None: as each seed says.
        without: The names of checks that are left out.
        stuck_after_s: How many real seconds a caller may wait for something else than the clock.

    Raises:
        ValueError: There is no such program or check, or fewer than one caller, or no time.
    """

    program: Program | str
    expected: tuple[type[BaseException], ...] | None = None
    callers: int | None = None
    deadline_s: float | None = None
    scenario: Scenario | None = None
    without: Sequence[str] = ()
    stuck_after_s: float = 60.0

    def __post_init__(self) -> None:
        for name in self.without:
            if name not in CHECKS:
                raise unknown("check", name, CHECKS)
        if self.callers is not None and self.callers < 1:
            raise ValueError(f"callers={self.callers}: there must be one at least")
        if self.deadline_s is not None and not self.deadline_s > 0:
            raise ValueError(f"deadline_s={self.deadline_s}: callers must have some time")
        _ = self._loaded

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_loaded"}

    def run(self, seed: int) -> Run:
        """Run once, under the plan of a seed."""
        return self.under(self.plan(seed))

    def plan(self, seed: int) -> Plan:
        """Return the plan of a seed."""
        return Plan.draw(
            seed, callers=self.callers, deadline_s=self.deadline_s, scenario=self.scenario
        )

    def under(self, plan: Plan) -> Run:
        """Run once, under a plan."""
        program, expected = self._loaded
        return run(
            program,
            plan,
            expected=expected,
            without=self.without,
            stuck_after_s=self.stuck_after_s,
        )

    def over(
        self,
        seeds: Iterable[int],
        *,
        workers: int = 1,
        progress: Callable[[int], object] | None = None,
    ) -> Report:
        """Run once for each seed, and report.

        Args:
            seeds: The seeds.
            workers: How many processes they are divided among; the report is the same.
            progress: Called with the number of runs that were made since it was called last, if
                given.

        Raises:
            ValueError: Several processes are to run a program that is not given by its name.
        """
        chosen = list(seeds)
        chunks = [chosen[start : start + _CHUNK] for start in range(0, len(chosen), _CHUNK)]
        report = Report(self.without)
        if workers == 1 or len(chunks) < 2:  # noqa: PLR2004
            for seed in chosen:
                report.add(self.run(seed))
                if progress is not None:
                    progress(1)
            return report
        if not isinstance(self.program, str):
            raise ValueError(  # noqa: TRY004 - a function is right, but for other processes
                "other processes find a program by its name: 'module:function'"
            )
        # New processes: one that is forked would have locks of threads that it has not.
        with ProcessPoolExecutor(min(workers, len(chunks)), get_context("spawn")) as pool:
            futures = [pool.submit(self.over, chunk) for chunk in chunks]
            try:
                for future in as_completed(futures):
                    report.merge(future.result())
                    if progress is not None:
                        progress(future.result().runs)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return report

    def smaller(self, failure: Failure) -> Failure:
        """Return a failure of the same checks under a plan with less in it, if there is one."""
        checks = {violation.check for violation in failure.violations}
        found, tries = failure, 0
        shrinking = True
        while shrinking:
            shrinking = False
            for plan in _simpler(found.plan):
                tries += 1
                if tries > _MOST_TRIES:
                    return found
                tried = self.under(plan)
                if checks & {violation.check for violation in tried.violations}:
                    found, shrinking = failure_of(tried), True
                    break
        return found

    @functools.cached_property
    def _loaded(self) -> tuple[Program, tuple[type[BaseException], ...]]:
        if not isinstance(self.program, str):
            return _plain(self.program), _kinds(self.expected or ())
        program, module = load(self.program)
        expected = getattr(module, "EXPECTED", ()) if self.expected is None else self.expected
        return _plain(program), _kinds(expected)


def run_chaos(
    program: Program | str,
    seeds: Iterable[int] = range(100),
    *,
    expected: type[BaseException] | tuple[type[BaseException], ...] | None = None,
    callers: int | None = None,
    deadline_s: float | None = None,
    scenario: Scenario | None = None,
    without: Sequence[str] = (),
    workers: int = 1,
) -> Report:
    """Let callers run a program on clouds in trouble, once for each seed, and judge it.

    ::

        def submit(caller):
            provider = IonQProvider(caller.key, transport=InProcessTransport(caller.cloud))
            job = provider.get_backend("simulator").run(circuit, timeout=caller.left_s())
            caller.knows(job.job_id())

        def test_nothing_is_lost():
            report = run_chaos(submit, range(200), expected=IonQError)
            assert report.ok, report

    Args:
        program: What each caller calls, with itself; or its name, as of `ChaosTest`.
        seeds: The seeds: what happens in a run follows from its seed.
        expected: The errors that it may raise; any other breaks the check ``typed``.
        callers: How many callers there are at a time; None: 1 to 4, as each seed says.
        deadline_s: How many seconds each has; None: as each seed says.
        scenario: What the cloud is like; None: as each seed says.
        without: The names of checks that are left out.
        workers: How many processes the seeds are divided among; needs a program by its name.

    Raises:
        ValueError: There is no such program or check, or a number is none that it can be.
        StuckError: A caller waits for something that is not the clock.
    """
    kinds = None if expected is None else _kinds(expected)
    return ChaosTest(program, kinds, callers, deadline_s, scenario, without).over(
        seeds, workers=workers
    )


def _plain(program: Program) -> Program:
    """Return a program, if to call it is to run it."""
    makes = (
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
    )
    if any(is_one(program) for is_one in makes):
        raise ValueError(
            f"{program!r} does nothing when it is called: a program is a plain function, which may "
            "call asyncio.run(...)"
        )
    return program


def _kinds(expected: object) -> tuple[type[BaseException], ...]:
    """Return kinds of errors, one or several, as a tuple."""
    kinds = tuple(expected) if isinstance(expected, tuple | list | set) else (expected,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise wrong("what a program is expected to raise", "kinds of errors", kind)
    return kinds


def load(name: str) -> tuple[Program, ModuleType]:
    """Return the program of a name, and the module that it is in.

    Raises:
        ValueError: There is none; the message says what a name is like.
    """
    place, _, function = PROGRAMS.get(name, name).rpartition(":")
    if not place:
        raise unknown("program", name, (*PROGRAMS, "module:function", "file.py:function"))
    try:
        module = _from_file(place) if place.endswith(".py") else importlib.import_module(place)
    except OSError as error:
        raise ValueError(f"the program {name} cannot be read: {error.strerror}") from error
    except Exception as error:  # whatever a module does when it is imported
        raise ValueError(f"the program {name} cannot be imported: {in_words(error)}") from error
    program = getattr(module, function, None)
    if not callable(program):
        have = [one for one, value in vars(module).items() if callable(value) and one[0] != "_"]
        raise unknown(f"function in {place}", function, have)
    return program, module


def _from_file(place: str) -> ModuleType:
    path = Path(place).resolve()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} is no Python file")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # as Python does for a file that it runs
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _simpler(plan: Plan) -> Iterable[Plan]:
    """Yield plans with less in them."""
    for callers in range(1, plan.callers):
        yield replace(plan, callers=callers)
    faults = plan.scenario.faults
    for index in range(len(faults)):
        fewer = [*faults[:index], *faults[index + 1 :]]
        yield replace(plan, scenario=replace(plan.scenario, faults=fewer))
    if plan.scenario.transitions:
        yield replace(plan, scenario=replace(plan.scenario, transitions=()))
