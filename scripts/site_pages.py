"""Hooks of MkDocs: pages that lie outside of docs/, links to them, and diagrams as pictures."""

import hashlib
import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

#: Pages of the repository that the site shows too, by their paths in it.
OUTSIDE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
_FENCES = re.compile(r"(^```[^\n]*\n.*?^```$)", re.MULTILINE | re.DOTALL)
#: A row of a table of six columns or more.
_WIDE = re.compile(r"^\|([^|\n]*\|){6,}$", re.MULTILINE)
_DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)


def diagram_path(text: str) -> str:
    """Return the path, below docs/, of the picture of a diagram: it follows from the diagram."""
    return f"pictures/diagram-{hashlib.sha256(text.encode()).hexdigest()[:10]}.svg"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside of docs/, and to the navigation each page not in it yet."""
    for source, target in OUTSIDE.items():
        text = (ROOT / source).read_text("utf-8")
        files.append(File.generated(config, target, content=text))
    config.nav.append(
        {"Project": [{"Changes": "changelog.md"}, {"Contributing": "contributing.md"}]}
    )
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Point links to places of the site, show diagrams as pictures, and make room for wide tables."""
    if _WIDE.search(markdown):
        page.meta.setdefault("hide", ["toc"])
    path = page.file.src_uri
    outside = {target: source for source, target in OUTSIDE.items()}
    folder = "" if path in outside else posixpath.dirname(f"docs/{path}")

    def relink(match: re.Match[str]) -> str:
        mark, text, link, anchor = match.groups(default="")
        target = posixpath.normpath(posixpath.join(folder, link))
        if target in OUTSIDE:
            target = f"docs/{OUTSIDE[target]}"
        elif target == "README.md":
            target, anchor = "docs/index.md", ""
        if not target.startswith("docs/"):
            return f"{mark}{text}" if "`" in text else f"`{target}`"
        inside = target.removeprefix("docs/")
        if (ROOT / target).is_dir():
            inside += "/README.md"
        relative = posixpath.relpath(inside, posixpath.dirname(path) or ".")
        return f"{mark}[{text}]({relative}{anchor})"

    def draw(match: re.Match[str]) -> str:
        picture = diagram_path(match[1])
        if not (ROOT / "docs" / picture).exists():
            return match[0]
        relative = posixpath.relpath(picture, posixpath.dirname(path) or ".")
        image = f"![Diagram: {match[1].split()[0]}]({relative}){{ .diagram }}"
        return f"[{image}]({relative})"

    parts = _FENCES.split(markdown)
    parts[::2] = [_LINK.sub(relink, part) for part in parts[::2]]
    parts[1::2] = [_DIAGRAM.sub(draw, part) for part in parts[1::2]]
    return "".join(parts)
