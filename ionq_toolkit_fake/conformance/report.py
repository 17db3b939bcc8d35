"""The evidence: one result for each check, as a table or as JSON."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The verdicts of a check.
VERDICTS = (AGREES, DIFFERS, NOT_APPLICABLE, NOT_RUN) = (
    "agrees", "differs", "not applicable", "not run",
)  # fmt: skip

_STYLES = {AGREES: "green", DIFFERS: "bold red", NOT_APPLICABLE: "dim", NOT_RUN: "yellow"}


class Result(NamedTuple):
    """The result of one check.

    Attributes:
        area: The part of the API.
        name: The behaviour that is expected.
        verdict: One of `VERDICTS`.
        details: The differences, or why it was not run.
        source: Where the expectation comes from.
        deviations: The fake's names of it, where the service is known to differ from its document.
    """

    area: str
    name: str
    verdict: str
    details: tuple[str, ...]
    source: str
    deviations: tuple[str, ...] = ()


class ConformanceReport(NamedTuple):
    """The results of one run.

    ::

        with FakeServer() as server:
            report = check_conformance(server.url, "any-key", areas=["backends"])
        report.of("differs")  # -> []

    Attributes:
        url: The cloud.
        tag: The text in the names of the jobs of the run.
        results: One for each check.
        spent_usd: The price of the jobs that were paid for, by the cloud's own estimates.
        requests: How many requests were sent.
        left_behind: Ids of jobs and sessions that the run made and could not remove.
    """

    url: str
    tag: str
    results: Sequence[Result]
    spent_usd: float
    requests: int
    left_behind: Sequence[str]

    @property
    def agrees(self) -> bool:
        """Whether no check found a difference."""
        return not self.of(DIFFERS)

    def of(self, verdict: str) -> list[Result]:
        """Return the results with a verdict."""
        return [result for result in self.results if result.verdict == verdict]

    @property
    def summary(self) -> str:
        """The numbers in one line."""
        counts = Counter(result.verdict for result in self.results)
        parts = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]]
        text = f"{', '.join(parts)}; {self.requests} requests, {self.spent_usd:.2f} USD"
        if self.left_behind:
            text += f"; left behind: {', '.join(self.left_behind)} (tag {self.tag})"
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON has it."""
        return {
            "url": self.url,
            "tag": self.tag,
            "agrees": self.agrees,
            "spent_usd": self.spent_usd,
            "requests": self.requests,
            "left_behind": list(self.left_behind),
            "results": [{**one._asdict(), "details": list(one.details)} for one in self.results],
        }

    def lines(self) -> list[str]:
        """Return the table as plain lines."""
        width = max((len(result.area) for result in self.results), default=0)
        found = []
        for one in self.results:
            found.append(f"{one.verdict:14}  {one.area:{width}}  {one.name}  [{one.source}]")
            found += [f"{'':14}  {'':{width}}    {detail}" for detail in one.details]
        return [*found, self.summary]

    def show(self) -> None:
        """Print the table: coloured on a terminal where rich is installed."""
        if find_spec("rich") is None:
            print("\n".join(self.lines()))  # noqa: T201 - a command prints
            return
        from rich.console import Console  # noqa: PLC0415 - not a dependency
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        console = Console()
        if not console.is_terminal:
            print("\n".join(self.lines()))  # noqa: T201 - a command prints
            return
        table = Table("verdict", "area", "expected", "source", title=f"Conformance of {self.url}")
        for one in self.results:
            expected = "\n".join((one.name, *one.details))
            table.add_row(
                Text(one.verdict, _STYLES[one.verdict]), one.area, Text(expected), Text(one.source)
            )
        console.print(table, Text(self.summary))
