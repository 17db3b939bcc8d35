"""A fake in a process of its own, for clients that are not in Python."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Serve a fake, and give its address, without the version."""
    command = [Path(sys.executable).with_name("ionq-fake"), "serve", "--port", "0", "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "it is a pipe"  # noqa: S101
        try:
            yield process.stdout.readline().split()[-1].removesuffix("/v0.4")
        finally:
            process.terminate()
