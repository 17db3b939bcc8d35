"""What objects show: right, escaped, without a key, and without a request."""

import sys
from html.parser import HTMLParser

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit

from ionq_toolkit import InProcessTransport, IonQProvider, Session, errors
from ionq_toolkit.display import Bar, Step, View, html, text
from ionq_toolkit.primitives import SamplerV2
from ionq_toolkit_fake import FakeIonQ, Transitions, failed

HOSTILE = "<script>alert('&')</script>\x1b[2J"


class Elements(HTMLParser):
    """The names of the elements, and the text outside of them."""

    def __init__(self):
        super().__init__()
        self.names, self.text, self.attributes = [], "", set()

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


class Printer:
    def __init__(self):
        self.printed = ""

    def text(self, text):
        self.printed += text


def elements_of(page):
    parser = Elements()
    parser.feed(page)
    parser.close()
    return parser


def html_of(shown):
    return elements_of(shown._repr_html_())


def text_of(shown):
    printer = Printer()
    shown._repr_pretty_(printer, False)
    return printer.printed


def bell(name="bell"):
    circuit = QuantumCircuit(2, name=name)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


@pytest.fixture
def cloud():
    return FakeIonQ(seed=1)


@pytest.fixture
def provider(cloud):
    return IonQProvider(transport=InProcessTransport(cloud), seed=1)


@given(st.text(), st.floats(0, 1))
def test_every_text_of_a_view_is_escaped_and_on_one_line(any_text, length):
    view = View(
        any_text,
        badge=any_text,
        facts={any_text: any_text},
        columns=(any_text,),
        rows=[(any_text,)],
        steps=[Step(any_text, any_text, reached=True)],
        bars=[Bar(any_text, length, any_text)],
        note=any_text,
    )
    found = elements_of(html.render(view))
    assert set(found.names) <= {"div", "span", "b", "table", "tr", "th", "td"}
    assert found.attributes <= {"style"}
    for line in text.render(view).split("\n"):
        assert line.isprintable()


def test_the_texts_of_a_job_are_escaped(provider):
    job = provider.get_backend("simulator").run(
        bell(HOSTILE), name=HOSTILE, extra_metadata={"note": HOSTILE}
    )
    job.result()
    for shown in (job, job.result()):
        found = html_of(shown)
        assert "script" not in found.names
        assert "\x1b" not in text_of(shown)
    assert html_of(job).text.count(HOSTILE) == 3  # circuit, name and metadata


def test_the_text_of_a_failure_is_escaped():
    fake = FakeIonQ(seed=1, transitions=Transitions(end=failed("NotEnoughQubits", HOSTILE)))
    job = IonQProvider(transport=InProcessTransport(fake)).get_backend("simulator").run(bell())
    job.wait_for_final_state()
    found = html_of(job)
    assert "script" not in found.names
    assert f"NotEnoughQubits: {HOSTILE}" in found.text
    assert repr(job) == f"<IonQJob {job.job_id()} on ionq_simulator: failed>"
    for shown in (fake, fake.jobs, fake.jobs[0]):
        assert "script" not in html_of(shown).names
        assert HOSTILE in html_of(shown).text
        assert "\x1b" not in text_of(shown)


def test_showing_sends_no_request_and_holds_no_key(cloud):
    key = "a-real-key-of-this-test"

    class Networked(InProcessTransport):
        requires_key = True

    provider = IonQProvider(key, transport=Networked(cloud), clock=cloud.clock)
    forte = provider.get_backend("forte-1")
    waiting, job = forte.run(bell(), shots=10), forte.run(bell(key), shots=10, name=f"of {key}")
    objects = [provider, forte, provider.backends(), waiting, job, job.result(), job.timings()]
    objects += [job.cost(), forte.estimate(bell()), forte.calibration(), Session(forte)]
    objects += [SamplerV2(forte).run([bell()])]
    asked = len(cloud.requests)
    for one in [*objects, cloud, cloud.jobs]:
        for shown in (repr(one), str(one), one._repr_html_(), text_of(one)):
            assert key not in shown or one in (cloud, cloud.jobs)
    assert len(cloud.requests) == asked


def test_a_provider_says_that_it_is_a_fake_or_which_service_it_is(provider):
    for shown in (repr(provider), html_of(provider).text, text_of(provider)):
        assert "FakeIonQ seed=1" in shown
        assert "api.ionq.co" not in shown
    network = IonQProvider("a-key-of-the-test", url="https://api.ionq.co/v0.4")
    assert "https://api.ionq.co/v0.4" in repr(network)
    assert "https://api.ionq.co/v0.4" in html_of(network).text


def test_backends_are_a_table_of_the_services_last_answers(provider):
    backends = provider.backends(simulator=False)
    assert "refresh()" in text_of(backends)
    first = text_of(backends.refresh()).splitlines()[2].split()
    # GET /backends, its characterization and the rate card of GET /jobs/estimate, seed 1.
    assert first[:3] == ["ionq_qpu.forte-1", "available", "36"]
    fidelity = provider.get_backend("forte-1").calibration().median_2q_fidelity
    assert f"{fidelity:.2%}" in first
    assert "25.79" in first
    assert html_of(backends).names.count("tr") == 1 + len(backends)


def test_a_job_shows_its_way_its_cost_and_its_circuit(provider):
    job = provider.get_backend("forte-1").run(bell(), shots=100)
    assert repr(job).endswith("on ionq_qpu.forte-1: submitted, not asked yet>")
    assert "(completed)" in text_of(job)
    job.result()
    cost = job.cost()
    shown = text_of(job)
    assert "> completed 2026-01-01 00:00:00 UTC" in shown
    assert f"{cost.charged:.2f} USD" in shown
    assert "┤ H ├" in shown


def test_a_result_shows_its_counts_as_bars(provider):
    result = provider.get_backend("simulator").run(bell(), shots=100).result()
    counts = result.get_counts()
    lines = [line.split() for line in text_of(result).splitlines() if "%" in line]
    assert {line[0]: int(line[1]) for line in lines} == counts
    assert max(len(line[3]) for line in lines) == 30
    assert repr(result) == f"<IonQResult of job {result.job_id}: 1 experiment>"


def test_a_result_of_many_outcomes_shows_the_most_frequent(provider):
    wide = QuantumCircuit(8)
    wide.h(range(8))
    wide.measure_all()
    result = provider.get_backend("simulator").run(wide, shots=500).result()
    lines = [line.split() for line in text_of(result).splitlines() if "%" in line]
    kept = sorted(result.get_counts().values())[-16:]
    assert sorted(int(line[1]) for line in lines) == kept


def test_a_plot_without_matplotlib_names_the_extra(provider, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoMatplotlib(), *sys.meta_path])
    job = provider.get_backend("simulator").run(bell(), shots=10)
    for plot in (provider.get_backend("forte-1").plot, job.plot):
        with pytest.raises(errors.IonQClientError, match=r"ionq-toolkit\[notebook\]"):
            plot()


class NoMatplotlib:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name="matplotlib")


@pytest.mark.slow
def test_jobs_and_backends_are_plotted(provider):
    mpl.use("agg")
    job = provider.get_backend("simulator").run(bell(), shots=100)
    bars = job.plot(title="Bell").axes[0].patches
    assert sorted(bar.get_height() for bar in bars) == sorted(job.get_counts().values())
    pairs = provider.get_backend("forte-1").plot().axes[0].collections[0]
    assert len(pairs.get_segments()) == 36 * 35 // 2
