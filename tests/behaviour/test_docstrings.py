"""Examples in the docstrings of public names: each name has one, and each one runs.

An example is a block after `::`. It runs on a fake, in a namespace of its own, which begins with
the snippet "given.py" of docs/reference/README.md. A line that ends with `# -> value` is an
expression that has this value; `...` in the value stands for any text.
"""

import ast
import dataclasses
import doctest
import functools
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import ionq_toolkit
import ionq_toolkit_fake
from ionq_toolkit import errors, events, primitives, transport
from ionq_toolkit_fake import chaos, conformance, faults, mock_ionq

PACKAGES = [ionq_toolkit, ionq_toolkit_fake]
MODULES = [*PACKAGES, errors, events, transport, primitives, faults, chaos, conformance]
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGES = {page.name: page.read_text() for page in sorted(REFERENCE.glob("*.md"))}

_BLOCK = re.compile(r"(?<!math)::\n\n((?:(?:[ ]{4}.*)?\n)*[ ]{4}.*)")
_VALUE = re.compile(r"  # -> (.*)$")
_CHECKER, _OPTIONS = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def public_names(module):
    """Return the exports of a module; of one without `__all__`, the names that it defines."""
    own = [k for k, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__]
    names = getattr(module, "__all__", own)
    return {name: getattr(module, name) for name in names if not name.startswith("_")}


EXPORTS = {f"{m.__name__}.{k}": v for m in MODULES for k, v in public_names(m).items()}


def examples_of(found):
    """Return the examples in the docstring of a name; a tree of classes is none."""
    blocks = _BLOCK.findall(inspect.cleandoc(found.__doc__ or ""))
    return [inspect.cleandoc("\n" + one) for one in blocks if "|--" not in one]


def documented():
    """Yield each public name, what else the pages show, and the members of the classes, once."""
    seen = set()
    pages = re.findall(r"^::: ([\w.]+)", "".join(PAGES.values()), re.M)
    shown = {name: pkgutil.resolve_name(name) for name in pages}
    members = {
        f"{name}.{k}": inspect.getattr_static(cls, k)
        for name, cls in {**EXPORTS, **shown}.items()
        if inspect.isclass(cls)
        for base in cls.__mro__
        if base.__module__.startswith("ionq_")
        for k in vars(base)
        if not k.startswith("_")
    }
    modules = {module.__name__: module for module in MODULES}
    for name, found in {**modules, **EXPORTS, **shown, **members}.items():
        doc = getattr(found, "__doc__", None)
        if isinstance(doc, str) and doc not in seen:
            seen.add(doc)
            yield name, found


def snippets():
    return re.findall(r"^```python[^\n]*\n(.*?)^```$", "".join(PAGES.values()), re.M | re.S)


@functools.cache
def given():
    """Return the names that each example may use, as code."""
    text = PAGES["README.md"]
    (code,) = re.findall(r'^```python title="given.py"\n(.*?)^```$', text, re.M | re.S)
    return compile(code, "given.py", "exec")


class Values(ast.NodeTransformer):
    """Puts a check in the place of each expression whose line ends with `# -> value`.

    Attributes:
        shown: The values that are not checked so far, by their lines.
        handlers: The lines of the `except` that have caught nothing so far.
    """

    def __init__(self, code):
        lines = enumerate(code.splitlines(), 1)
        self.shown = {n: m[1] for n, line in lines if (m := _VALUE.search(line))}
        self.handlers = set()

    def check(self, line, value):
        shown, got = self.shown.pop(line), repr(value)
        assert _CHECKER.check_output(f"{shown}\n", f"{got}\n", _OPTIONS), (
            f"it is {got}, not {shown}"
        )

    def _call(self, name, node, *arguments):
        call = ast.Call(ast.Name(name, ast.Load()), [ast.Constant(node.end_lineno), *arguments], [])
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), node))

    def visit_Expr(self, node):
        return self._call("_check", node, node.value) if node.end_lineno in self.shown else node

    def visit_ExceptHandler(self, node):
        self.generic_visit(node)
        self.handlers.add(node.end_lineno)
        node.body.insert(0, self._call("_caught", node))
        return node


def run(code):
    """Run an example, and the tests in it that need no fixture."""
    namespace = {name.rpartition(".")[2]: found for name, found in EXPORTS.items()}
    values = Values(code)
    tree = values.visit(ast.parse(code))
    caught = values.handlers.discard
    namespace |= {"__name__": "example", "_check": values.check, "_caught": caught}
    with mock_ionq(seed=7):  # a request of the example for the real service reaches this one
        exec(given(), namespace)
        before = set(namespace)
        exec(compile(tree, "example", "exec"), namespace)
        for name in sorted(set(namespace) - before):
            test = namespace[name]
            if name.startswith("test_") and not inspect.signature(test).parameters:
                test()
    assert not values.shown, f"no expression was evaluated on these lines: {values.shown}"
    assert not values.handlers, f"except on line {values.handlers} caught nothing"


@pytest.fixture
def _somewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("IONQ_API_KEY", "a-key")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr("ionq_toolkit.api.credentials.KEY_FILE", str(tmp_path / ".ionq"))


def found_examples():
    for name, found in documented():
        for number, code in enumerate(examples_of(found)):
            slow = "plot(" in code  # matplotlib takes a second to import
            marks = pytest.mark.slow if slow else ()
            yield pytest.param(code, id=f"{name}-{number}" if number else name, marks=marks)


@pytest.mark.usefixtures("_somewhere")
@pytest.mark.parametrize("code", [*found_examples()])
def test_an_example_runs_and_has_the_values_that_it_shows(code):
    run(code)


@pytest.mark.usefixtures("_somewhere")
@pytest.mark.parametrize(
    "code",
    [
        "job.get_count()",
        "provider.get_backend('simulater')",
        "job.shots  # -> 999",
        "with Session(backend):\n    job.shots  # -> 999",
        "shots = job.shots  # -> 1000",
        "def test_one():\n    assert job.shots == 999",
        "if job is None:\n    job.shots  # -> 1000",
        "try:\n    job.shots\nexcept IonQJobError as error:\n    print(error)",
    ],
)
def test_a_wrong_example_fails(code):
    with pytest.raises((AssertionError, AttributeError, errors.IonQError)):
        run(code)


#: Helpers that other modules of the package share; no page shows them.
_HELPERS = {"did_you_mean", "printable", "EventLog", "span", "note", "__version__"}


def test_reference_pages_show_every_public_name():
    shown = set(re.findall(r"^::: ([\w.]+)", "".join(PAGES.values()), re.M))
    code = "".join(snippets())
    missing = []
    for name, found in EXPORTS.items():
        home, plain = getattr(found, "__module__", None), name.rpartition(".")[2]
        is_shown = {name, home, f"{home}.{plain}"} & shown or re.search(rf"\b{plain}\b", code)
        if not (is_shown or plain in _HELPERS):
            missing.append(name)
    assert missing == []


def shares(name, found):
    """Return whether a name may share the example of its module: an exception, or a plain value."""
    if name.rpartition(".")[0] in {module.__name__ for module in PACKAGES}:
        return False
    return inspect.isclass(found) and (
        issubclass(found, BaseException | tuple) or dataclasses.is_dataclass(found)
    )


@pytest.mark.parametrize("module", [one.__name__ for one in MODULES])
def test_every_public_name_has_an_example(module):
    without = []
    (example,) = (examples_of(one) for one in MODULES if one.__name__ == module)
    for name, found in EXPORTS.items():
        if name.rpartition(".")[0] != module:
            continue
        if inspect.isroutine(found) or inspect.isclass(found) or inspect.ismodule(found):
            shared = shares(name, found) and example
            if not shared and not examples_of(found):
                without.append(name)
        elif not any(re.search(rf"\b{name.rpartition('.')[2]}\b", one) for one in snippets()):
            without.append(name)  # a constant, which has no docstring
    assert without == []
