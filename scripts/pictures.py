"""Draw the pictures of the pages into docs/pictures: `python scripts/pictures.py [FOLDER]`.

Plots come from runs on the fake. With `--mermaid path/to/mermaid.min.js` (from the npm package
`mermaid`), Chromium also draws the diagrams of the pages.
"""

import argparse
import hashlib
import html
import json
import re
import subprocess
import tempfile
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from qiskit import QuantumCircuit
from qiskit.visualization import plot_histogram

from ionq_toolkit import IonQProvider

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

#: The same text and ids in every run, so that the files change only if the pictures do.
STYLE = {"svg.hashsalt": "ionq-toolkit", "svg.fonttype": "path", "font.size": 10}


def ghz(qubits: int) -> QuantumCircuit:
    """Return the circuit of a GHZ state, measured."""
    circuit = QuantumCircuit(qubits)
    circuit.h(0)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def save(figure: plt.Figure, path: Path) -> None:
    """Write a figure without the date, so that equal pictures are equal files."""
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def bell(path: Path) -> None:
    """Draw the histogram of the tutorial."""
    simulator = IonQProvider(transport="fake").get_backend("simulator")
    counts = [
        simulator.run(ghz(2), shots=1000, noise_model=model, seed_simulator=7).get_counts()
        for model in ("ideal", "harmony")
    ]
    legend = ["ideal", "with the noise of Harmony"]
    save(
        plot_histogram(counts, legend=legend, title="A Bell pair, 1000 shots", figsize=(7, 4)), path
    )


def noise(path: Path) -> None:
    """Draw how well the qubits of GHZ states agree, by noise model and number of qubits."""
    simulator = IonQProvider(transport="fake").get_backend("simulator")
    figure, axes = plt.subplots(figsize=(7, 4))
    widths = range(2, 11)
    for model, mark in (("forte-1", "o"), ("aria-1", "s"), ("harmony", "^")):
        shares = []
        for width in widths:
            job = simulator.run(ghz(width), shots=2000, noise_model=model, seed_simulator=1)
            counts = job.get_counts()
            shares.append((counts.get("0" * width, 0) + counts.get("1" * width, 0)) / 2000)
        axes.plot(widths, shares, marker=mark, label=model)
    axes.set(
        xlabel="qubits of the GHZ state", ylabel="shots in which all qubits agree", ylim=(0, 1.05)
    )
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, path)


def diagrams(folder: Path, mermaid: Path) -> None:
    """Draw the Mermaid diagrams of the pages; the name of each file follows from its text."""
    for page in sorted(DOCS.rglob("*.md")):
        for text in re.findall(
            r"^```mermaid\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL
        ):
            name = f"diagram-{hashlib.sha256(text.encode()).hexdigest()[:10]}.svg"
            (folder / name).write_text(diagram(text, mermaid))


def diagram(text: str, mermaid: Path) -> str:
    """Return a diagram as SVG, drawn by a browser."""
    settings = {
        "startOnLoad": True,
        "flowchart": {"htmlLabels": False},
        "sequence": {"actorMargin": 10, "width": 120, "wrap": True, "messageFontSize": 15},
    }
    script = f"mermaid.initialize({json.dumps(settings)});"
    text = text.replace("flowchart LR", "flowchart TB")  # a page is narrow
    page = f"""<meta charset="utf-8"><pre class="mermaid">{html.escape(text)}</pre>
<script src="{mermaid.resolve().as_uri()}"></script><script>{script}</script>"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page)
        command = ["chromium", "--headless", "--no-sandbox", "--allow-file-access-from-files"]
        command += [
            f"--user-data-dir={folder}/profile",
            "--virtual-time-budget=10000",
            "--dump-dom",
        ]
        done = subprocess.run(
            [*command, file.as_uri()], capture_output=True, text=True, check=True, timeout=120
        )
    found = re.search(r"<svg.*</svg>", done.stdout, re.DOTALL)
    if found is None:
        raise RuntimeError(f"the browser drew no diagram of {text.splitlines()[0]!r}")
    width, height = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', found[0]).groups()
    size = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
    svg = re.sub(r'<svg(?=[^>]*)( [^>]*?)?(?: width="[^"]*")', rf"{size}\1", found[0], count=1)
    svg = re.sub(
        r'(<svg[^>]*?) xmlns="http://www.w3.org/2000/svg"(.*? xmlns=)', r"\1\2", svg, count=1
    )
    return svg.replace("<br>", "<br/>")


def main() -> None:
    """Draw all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=DOCS / "pictures")
    parser.add_argument("--mermaid", type=Path, help="mermaid.min.js; without it, plots only")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with plt.rc_context(STYLE):
        bell(given.folder / "bell.svg")
        noise(given.folder / "noise.svg")
    if given.mermaid:
        diagrams(given.folder, given.mermaid)


if __name__ == "__main__":
    main()
