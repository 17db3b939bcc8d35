"""Many runs of a program, each under the plan of its seed, in one process or several."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.chaos.caller import Caller
from ionq_toolkit_fake.chaos.checks import CHECKS, error_text
from ionq_toolkit_fake.chaos.plan import RunPlan
from ionq_toolkit_fake.chaos.report import Report
from ionq_toolkit_fake.chaos.run import run
from ionq_toolkit_fake.validation import unknown, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

    from ionq_toolkit_fake.chaos.record import Run
    from ionq_toolkit_fake.scenario import Scenario


#: A function that each caller calls with itself.
Program = Callable[[Caller], object]

#: The programs of this package, by name.
PROGRAMS = {
    "ionq-toolkit": "ionq_toolkit_fake.chaos.programs.toolkit:program",
    "qiskit-ionq": "ionq_toolkit_fake.chaos.programs.qiskit_ionq:program",
}

#: The number of seeds that a process takes at a time.
CHUNK = 50

#: The largest number of callers that `ChaosTest.shrink` tries.
_FEW_CALLERS = 3


@dataclass(frozen=True)
class ChaosTest:
    """A program, and the settings that all its runs share.

    ::

        test = ChaosTest("ionq-toolkit", callers=2, deadline_s=600)
        test.plan(seed=7).callers  # -> 2
        test.run(seed=7).broken  # -> set()

    Attributes:
        program: A function that takes a `Caller`, the name of one of `PROGRAMS`, or
            ``module:function`` or ``file.py:function``.
        expected: The errors that the program may raise; None: the ``EXPECTED`` of its module, or
            no errors if the module has none.
        callers: The number of callers; None: it depends on the seed.
        deadline_s: Seconds that each caller has; None: they depend on the seed.
        scenario: The cloud; None: it depends on the seed.
        without: The names of checks to leave out.
        stuck_after_s: Real seconds that callers may take without waiting for the clock.
        deaths: Whether callers are killed, at moments that depend on the seed; None: whether the
            program's module has ``DEATHS = True``.

    Raises:
        ValueError: The program or a check is unknown, or a number is out of range.
    """

    program: Program | str
    expected: type[BaseException] | tuple[type[BaseException], ...] | None = None
    callers: int | None = None
    deadline_s: float | None = None
    scenario: Scenario | None = None
    without: Sequence[str] = ()
    stuck_after_s: float = 60.0
    deaths: bool | None = None

    def __post_init__(self) -> None:
        for name in self.without:
            if name not in CHECKS:
                raise unknown("check", name, CHECKS)
        if self.callers is not None and self.callers < 1:
            raise ValueError(f"callers={self.callers}: there must be one at least")
        if self.deadline_s is not None and not self.deadline_s > 0:
            raise ValueError(f"deadline_s={self.deadline_s}: callers must have some time")
        _ = self._loaded

    def plan(self, seed: int) -> RunPlan:
        """Return the plan of a seed, with the settings of this test in it."""
        sampled = RunPlan.sample(seed)
        return replace(
            sampled,
            callers=self.callers or sampled.callers,
            deadline_s=self.deadline_s or sampled.deadline_s,
            scenario=self.scenario or sampled.scenario,
            deaths=sampled.deaths if self._deadly else (),
        )

    def run(self, seed: int) -> Run:
        """Run once, under the plan of a seed."""
        return self.run_plan(self.plan(seed))

    def run_plan(self, plan: RunPlan) -> Run:
        """Run once, under a plan."""
        program, expected = self._loaded
        return run(
            program,
            plan,
            expected=expected,
            without=self.without,
            stuck_after_s=self.stuck_after_s,
        )

    def runs(self, seeds: Sequence[int], workers: int = 1) -> Iterator[Run]:
        """Yield one run for each seed, in their order.

        Args:
            seeds: The seeds.
            workers: The number of processes. It does not change the runs.

        Raises:
            ValueError: Several processes are to run a program that is not given by name.
        """
        if workers == 1 or len(seeds) <= CHUNK:
            yield from map(self.run, seeds)
            return
        if not isinstance(self.program, str):
            raise ValueError(  # noqa: TRY004 - a function is right, but for other processes
                "other processes find a program by its name: 'module:function'"
            )
        workers = min(workers, -(-len(seeds) // CHUNK))
        # Forked processes would inherit locks that threads of this process hold.
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            yield from pool.map(self.run, seeds, chunksize=CHUNK)

    def report(self, seeds: Iterable[int], workers: int = 1) -> Report:
        """Return the totals of `runs`."""
        report = Report(self.without)
        for one in self.runs(list(seeds), workers):
            report.add(one)
        return report

    def shrink(self, found: Run) -> Run:
        """Return a run that breaks one of the same checks with fewer callers and rules, if any."""
        broken = found.broken

        def keep_if_broken(**parts: Any) -> None:  # noqa: ANN401 - fields of RunPlan
            nonlocal found
            run = self.run_plan(replace(found.plan, **parts))
            found = found if broken.isdisjoint(run.broken) else run

        for callers in range(min(found.plan.callers - 1, _FEW_CALLERS), 0, -1):
            keep_if_broken(callers=callers)
        for index in reversed(range(len(found.plan.scenario.faults))):
            faults = list(found.plan.scenario.faults)
            del faults[index]
            keep_if_broken(scenario=replace(found.plan.scenario, faults=faults))
        keep_if_broken(scenario=replace(found.plan.scenario, transitions=()))
        return found

    @property
    def _deadly(self) -> bool:
        if self.deaths is not None or not isinstance(self.program, str):
            return bool(self.deaths)
        return bool(getattr(load(self.program)[1], "DEATHS", False))

    @property
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
    deaths: bool | None = None,
) -> Report:
    """Run a program with several callers on faulty clouds, once for each seed, and check it.

    ::

        def submit(caller):
            provider = IonQProvider(caller.key, transport=InProcessTransport(caller.cloud))
            try:
                job = provider.get_backend("simulator").run(circuit, timeout=caller.left_s())
            except IonQSubmissionUnknownError as error:
                tag = error.tag
                caller.unsure(lambda: provider.find_submission(tag).job_id())
                raise
            caller.knows(job.job_id())

        def test_nothing_is_lost():
            report = run_chaos(submit, range(5), expected=IonQError)
            assert report.ok, report

    Args:
        program: A function that takes a `Caller`, or its name, as of `ChaosTest`.
        seeds: The seeds. All events of a run depend on its seed.
        expected: The errors that the program may raise. Any other breaks the check ``typed``.
        callers: The number of callers; None: 1 to 4, depending on the seed.
        deadline_s: Seconds that each caller has; None: they depend on the seed.
        scenario: The cloud; None: it depends on the seed.
        without: The names of checks to leave out.
        workers: The number of processes. Several need a program by its name.
        deaths: Whether callers are killed at moments that depend on the seed, for programs that
            recover (`Caller.recovers`); None: whether the program's module has ``DEATHS = True``.

    Returns:
        The report of all runs.

    Raises:
        ValueError: The program or a check is unknown, or a number is out of range.
        StuckError: A caller waits for something other than the clock.
    """
    test = ChaosTest(program, expected, callers, deadline_s, scenario, without, deaths=deaths)
    return test.report(seeds, workers)


def _plain(program: Program) -> Program:
    """Return a program, unless a call would only create a coroutine or a generator."""
    if (
        inspect.iscoroutinefunction(program)
        or inspect.isgeneratorfunction(program)
        or inspect.isasyncgenfunction(program)
    ):
        raise ValueError(
            f"{program!r} does nothing when it is called: a program is a plain function, which may "
            "call asyncio.run(...)"
        )
    return program


def _kinds(expected: object) -> tuple[type[BaseException], ...]:
    """Return one or several error classes as a tuple."""
    kinds = tuple(expected) if isinstance(expected, tuple | list | set) else (expected,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise wrong("what a program is expected to raise", "kinds of errors", kind)
    return kinds


def load(name: str) -> tuple[Program, ModuleType]:
    """Return the program of a name, and its module."""
    place, _, function = PROGRAMS.get(name, name).rpartition(":")
    if not place:
        raise unknown("program", name, (*PROGRAMS, "module:function", "file.py:function"))
    try:
        module = _from_file(place) if place.endswith(".py") else importlib.import_module(place)
    except OSError as error:
        raise ValueError(f"the program {name} cannot be read: {error.strerror}") from error
    except Exception as error:  # modules may raise anything
        raise ValueError(f"the program {name} cannot be imported: {error_text(error)}") from error
    program = getattr(module, function, None)
    if not callable(program):
        have = [one for one, value in vars(module).items() if callable(value) and one[0] != "_"]
        raise unknown(f"function in {place}", function, have)
    return program, module


def _from_file(place: str) -> ModuleType:
    path = Path(place).resolve()
    # Modules are registered, so that their `sleep` becomes virtual and their dataclasses work.
    name = path.stem if path.stem not in sys.modules else str(path)
    for loaded in (path.stem, name):
        if getattr(sys.modules.get(loaded), "__file__", None) == str(path):
            return sys.modules[loaded]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} is no Python file")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))  # as Python does for a script
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
