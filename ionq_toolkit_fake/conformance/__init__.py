"""Conformance: checks of any cloud that answers IonQ's API, over HTTP alone.

It holds the fake against the service: run it on both, and compare the tables.

Two readings check each other. The fake reads IonQ's document and the observations into its tables
(`facts`, `api`, `simulation`). The checks here are a second reading of the same sources: paths,
statuses, shapes and numbers are written out again in `checks` and `flows`, and a contract in
pyproject.toml forbids them to import the first. A check knows a cloud by its URL alone.

::

    from ionq_toolkit_fake.conformance import check_conformance

    with FakeServer() as server:
        report = check_conformance(server.url, "any-key", areas=["backends"])
    report.agrees  # -> True
"""

from ionq_toolkit_fake.conformance.report import ConformanceReport, Result
from ionq_toolkit_fake.conformance.run import check_conformance

__all__ = ["ConformanceReport", "Result", "check_conformance"]
