"""Extension of Griffe: docstrings whose examples follow `::` are shown as code."""

import re

import griffe

_EXAMPLE = re.compile(r"(\.\. math)?::\n\n((?:(?:[ ]{4}.*)?\n)*(?:[ ]{4}.*))")


def to_markdown(text: str) -> str:
    """Return a docstring with each block of code in fences."""

    def fence(match: re.Match[str]) -> str:
        code = re.sub(r"^ {4}", "", match[2], flags=re.MULTILINE).rstrip()
        language = "latex" if match[1] else "text" if "|--" in code else "python"
        before = match.string[: match.start()]
        colon = ":" if before and not before.endswith("\n") else ""
        return f"{colon}\n\n```{language}\n{code}\n```\n"

    return _EXAMPLE.sub(fence, text)


class Docstrings(griffe.Extension):
    """Rewrites each docstring as it is read."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of an object."""
        if obj.docstring is not None:
            obj.docstring.value = to_markdown(obj.docstring.value)
