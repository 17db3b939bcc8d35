"""A file to record into, and a function that records."""

import pytest
from recordings import Script, ask

from ionq_toolkit import RecordingTransport


@pytest.fixture
def path(tmp_path):
    return tmp_path / "recording.jsonl"


@pytest.fixture
def record(path):
    """Record exchanges, each the arguments of `ask` and its outcome, and return the file's text."""

    def record(*exchanges):
        transport = RecordingTransport(Script(*(outcome for _, outcome in exchanges)), path)
        for arguments, outcome in exchanges:
            if isinstance(outcome, Exception):
                with pytest.raises(type(outcome)):
                    ask(transport, *arguments)
            else:
                assert ask(transport, *arguments) == outcome
        return path.read_text()

    return record
