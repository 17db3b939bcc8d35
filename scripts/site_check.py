"""Look at every page of the site in Chromium: `python scripts/site_check.py [--axe FILE] [--shots FOLDER]`.

It needs `pip install '.[docs]' playwright` and a Chromium (`--chromium`, /usr/bin/chromium). It
builds the site, and opens every page at two widths in light and dark. `--axe` takes axe.min.js of
the npm package axe-core; `--shots` keeps a picture of each page. It exits with 1 if a page scrolls
sideways, reports an error, misses a file, or axe finds anything serious.
"""

import argparse
import functools
import http.server
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
WINDOWS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
AXE = """axe.run().then(r => r.violations
    .filter(v => ['serious', 'critical'].includes(v.impact))
    .flatMap(v => v.nodes.map(n => `${v.id}: ${n.html.slice(0, 160)}`)))"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of the site, without a log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def look(browser: Browser, base: str, pages: list[str], axe: str, shots: Path | None) -> list[str]:
    """Open every page in every window, and return all that is wrong."""
    wrong: list[str] = []
    for width, scheme in WINDOWS:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda line, to=errors: line.type == "error" and to.append(line.text))
        page.on("pageerror", lambda error, to=errors: to.append(str(error)))
        page.on("requestfailed", lambda request, to=errors: to.append(f"no {request.url}"))
        for path in pages:
            errors.clear()
            page.goto(base + path, wait_until="networkidle")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                errors.append("it scrolls sideways")
            if axe:
                page.evaluate(axe)
                errors += page.evaluate(AXE)
            if shots is not None:
                name = path.strip("/").replace("/", "_") or "index"
                page.screenshot(path=shots / f"{name}-{width}-{scheme}.png", full_page=True)
            wrong += [f"{path or 'index'} {width} {scheme}: {error}" for error in errors]
        context.close()
    return wrong


def main() -> int:
    """Build the site and look at it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--axe", type=Path)
    parser.add_argument("--shots", type=Path)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    axe = options.axe.read_text("utf-8") if options.axe else ""
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", folder]
        subprocess.run(command, cwd=ROOT, check=True)
        site = Path(folder)
        found = [path.parent.relative_to(site) for path in site.rglob("index.html")]
        pages = sorted("" if path == Path() else f"{path.as_posix()}/" for path in found)
        handler = functools.partial(Handler, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=options.chromium, args=["--no-sandbox"]
                )
                base = f"http://127.0.0.1:{server.server_port}/"
                wrong = look(browser, base, pages, axe, options.shots)
                browser.close()
            server.shutdown()
    print("\n".join(wrong))
    print(f"{len(pages)} pages in {len(WINDOWS)} windows: {len(wrong)} findings")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
