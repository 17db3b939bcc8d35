"""Requests and programs that are to take a server down, by number: the same number is the same."""

import base64
import gzip
import json
import random
from typing import Any

from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.control import CONTROLS

_KEYS = ["apiKey k-0123456789abcdef", "apiKey ", "Basic x", "apiKey " + "k" * 50_000, "", "\xff"]
_TEXTS = ["", "x", "<" * 3000, "{" * 3000, "*" * 190, "[*" * 90, "\x00", "\ud800", "é" * 999]
_TEXTS += ["../" * 99, "%2e%2e", "simulator", "qpu.forte-1", "1" * 4000, "NaN", "__class__"]
_NUMBERS = [0, -1, 1, 2**31, 2**63, 10**400, 1e308, -1e-320, 0.1, True, None]
_FIELDS = ["type", "backend", "input", "shots", "name", "metadata", "noise", "settings", "ids"]
_FIELDS += [
    "circuit",
    "circuits",
    "qubits",
    "gate",
    "target",
    "targets",
    "control",
    "terms",
    "data",
]
_FIELDS += ["fault", "status", "on", "times", "seconds", "until", "ready", "end", "match", "hold"]
_FIELDS += ["session_id", "registers", "gateset", "coefficients", "time", "rotation", "release"]
_TYPES = ["ionq.circuit.v1", "ionq.multi-circuit.v1", "ionq.qasm3.v1", "quantum-function"]


def request(number):
    """Return a malformed request as (method, path, headers, body)."""
    chance = random.Random(f"request {number}")
    routes = [name.split() for name in CONTROLS] + [
        (one.method, f"/v0.{chance.choice((3, 4))}{one.path}") for one in OPERATIONS
    ]
    method, path = chance.choice(routes)
    if chance.random() < 0.1:
        method = chance.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "BREW"])
    while "<" in path:
        before, _, rest = path.partition("<")
        path = before + _in_a_path(chance) + rest.partition(">")[2]
    if chance.random() < 0.3:
        path += f"?{chance.choice(['ids', 'limit', 'next', 'status', 'x'])}={_in_a_path(chance)}"
    headers = {"Authorization": chance.choice([_KEYS[0], _KEYS[0], *_KEYS])}
    headers["Content-Type"] = "application/json"
    return method, path, headers, _body(chance)


def _in_a_path(chance):
    text = chance.choice([*_TEXTS, "0" * 36, str(chance.getrandbits(99))])
    return "".join(c if c.isascii() and c.isalnum() else "%7e" for c in text)


def _body(chance):
    kind = chance.random()
    if kind < 0.1:
        return chance.randbytes(chance.randrange(2000))
    if kind < 0.2:
        return chance.choice([b"[", b'{"a":', b'{"input":{"circuit":[']) * chance.choice(
            [3, 50_000]
        )
    if kind < 0.6:
        return json.dumps(_value(chance, 4)).encode(errors="surrogatepass")
    gate = {"gate": chance.choice(["h", "x", "pauliexp", "swap", "ms", "zz", "gpi", "?"])}
    gate["target"] = 0
    if chance.random() < 0.2:
        gate |= {"phase": _value(chance, 0), "phases": _value(chance, 1), "angle": 1e308}
    for name in chance.sample(["target", "targets", "controls", "rotation", "terms"], 1):
        gate[name] = _value(chance, 1) if chance.random() < 0.5 else gate.get(name)
    job = {
        "type": chance.choice(_TYPES),
        "backend": chance.choice(["simulator", "qpu.forte-1", "qpu.aria-1"]),
        "input": {
            "qubits": chance.choice([1, 2, 9, *_NUMBERS]),
            "circuit": [gate] * chance.choice([0, 1, 99]),
            "gateset": chance.choice(["qis", "native", *_TEXTS]),
        },
    }
    if chance.random() < 0.2:  # version 0.3
        job["target"], job["lang"] = job.pop("backend"), chance.choice(["json", "qasm2", "x"])
        job["body"] = chance.choice([job["input"], "OPENQASM 2.0; qreg q[2000000000];"])
    job[chance.choice(_FIELDS)] = _value(chance, 3)
    job["input"] = job["input"] if chance.random() < 0.8 else _value(chance, 3)
    return json.dumps(job).encode(errors="surrogatepass")


def _value(chance, depth):
    kind = chance.random()
    if depth == 0 or kind < 0.3:
        return chance.choice([*_TEXTS, *_NUMBERS])
    if kind < 0.5:
        return [_value(chance, depth - 1) for _ in range(chance.choice([0, 1, 3]))]
    if kind < 0.55:
        return [chance.choice(_NUMBERS[:5])] * 5_000
    names = chance.sample(_FIELDS, chance.randrange(1, 5))
    return {name: _value(chance, depth - 1) for name in names}


def _chain(before, each, times, after):
    return before + "".join(each.format(n=n, m=n - 1) for n in range(1, times)) + after


def program(number):
    """Return an OpenQASM 3 program that is to take any memory or time."""
    chance = random.Random(f"program {number}")
    big = chance.choice(["1000000*1000", "2000000000", "100000*100000", "99999+99999"])
    many = chance.randrange(25, 60)
    width = chance.randrange(10, 16)
    names = ", ".join(f"a{n}" for n in range(width))
    wide = f"gate g {names} {{ h a0; cx a0, a1; }} qubit[{width}] q; "
    on = ", ".join(f"q[{n}]" for n in range(width))
    power = chance.choice(["0.5", "1000000", "-3", "1/3"])
    doubled = "gate g{n} a {{ g{m} a; g{m} a; }} "
    programs = [
        f"qubit[{big}] q;",
        f"qubit q; bit[{big}] c;",
        f"qreg q[{big}]; creg c[{big}];",
        "".join(f"qubit[10000] q{n};" for n in range(300)),
        "qubit q;" + "".join(f"bit[10000] c{n};" for n in range(300)),
        "qubit[10000] q;" + "".join(f"let a{n} = q;" for n in range(3000)),
        f"qubit[5000] q; let a = {' ++ '.join(['q'] * 300)};",
        "qubit[10000] q; " + "h q; " * 3000,
        "qubit[9999] q; " + "barrier q; " * 3000,
        "qubit[9999] q; " + "reset q; " * 3000,
        "qubit[9000] q; bit[9000] c; " + "c = measure q; " * 1000,
        f"{wide} pow({power}) @ g {on};",
        f"{wide} inv @ pow({power}) @ inv @ g {on};",
        f"qubit q; {'inv @ ' * 5000} x q;",
        f"qubit[9] q; {'ctrl @ ' * 8} x {', '.join(f'q[{n}]' for n in range(9))};",
        f"qubit[2] q; ctrl({big}) @ x q[0], q[1];",
        f"qubit q; ctrl(0-{big}) @ x q;",
        _chain("gate g0 a { h a; } ", doubled, many, f"qubit q; g{many - 1} q;"),
        _chain("gate g0 a { } ", doubled, many, f"qubit q; g{many - 1} q;"),
        _chain("gate g0 a { gphase(1); } ", doubled, many, f"qubit q; g{many - 1} q;"),
        _chain("gate g0 a { h a; } ", "gate g{n} a {{ g{m} a; }} ", 3000, "qubit q; g2999 q;"),
        _chain(
            "gate g0(t) a { rx(t) a; } ",
            "gate g{n}(t) a {{ g{m}(t*t+t/3) a; }} ",
            many,
            f"qubit q; g{many - 1}(0.1) q;",
        ),
        _chain(
            "gate g0 a, b { cx a, b; } ",
            "gate g{n} a, b {{ inv @ g{m} a, b; pow(2) @ g{m} a, b; }} ",
            many,
            f"qubit[2] q; g{many - 1} q[0], q[1];",
        ),
        "qubit q; rx(" + "(" * chance.choice([300, 5000]) + "1" + ")" * 300 + ") q;",
        "qubit q; rx(" + "-" * 5000 + "1) q;",
        "qubit q; rx(" + "1+" * 5000 + "1) q;",
        "qubit q; rx(" + "9999999999*" * 5000 + "1) q;",
        "qubit q; rx(2**2**2**2**2**2**2) q;",
        "qubit q; rx(1<<100000000) q;",
        "qubit q; rx(" + "9" * 5000 + ") q;",
        "\n" * 300_000 + "qubit q; x q;",
        " " * 300_000 + "qubit q; x q;",
        "gate " * 50_000,
        "qubit q; /* " + "* " * 100_000,
        "qubit[10] q; h q[0:1:2000000000];",
        f"qubit[10] q; h q[{{{','.join(['0'] * 20_000)}}}];",
        "qubit q; for int i in [0:2000000000] { x q; }",
        "qubit q; while (true) { x q; }",
        'include "/dev/zero"; qubit q;',
        "x $2000000000;",
        "def f() { f(); } f();",
        "qubit q; delay[1e300s] q;",
        "array[int, 100000, 100000] a;",
        "{" * 3000,
        "input float t; " * 3000 + "qubit q; x q;",
        "".join(f"gate g{n} a {{ h a; }} " for n in range(3000)) + "qubit q; x q;",
    ]
    include = chance.choice(['include "stdgates.inc"; ', ""])
    version = chance.choice(["OPENQASM 3.0; ", "OPENQASM 3; ", ""])
    return version + include + programs[number % len(programs)]


def _bomb(of, times):
    """Return gzip in base64 that is a thousand times as long when it is unpacked."""
    return base64.b64encode(gzip.compress(of * times, mtime=0)).decode()


_HEADERS = [
    lambda: _bomb(b"0" * 1000, 60_000),
    lambda: _bomb(b"[", 200_000),
    lambda: _bomb(b"[{}," + b"{}," * 999, 5_000),
    lambda: _bomb(b'{"n_qubits":' + b"9" * 5000 + b"}", 1),
    lambda: _bomb(b'{"n_qubits":2147483647,"memory_slots":2147483647}', 1),
    lambda: _bomb(b'{"n_qubits":1,"creg_sizes":[["c",2000000000]],"memory_slots":1}', 1),
    lambda: _bomb(b'{"n_qubits":1,"creg_sizes":"c","meas_mapped":[1e999]}', 1),
    lambda: _bomb(b'{"n_qubits":-1,"clbit_labels":[[0,0]],"name":{"a":[]}}', 1),
    lambda: base64.b64encode(gzip.compress(b"{}" * 99)[:-9]).decode(),
    lambda: "\x00\ud800",
    lambda: [["x"]] * 3,
]
_HISTOGRAMS = [
    {"0": 1e308, "1": 1e308},
    {"0": -1.0, "1": 2.0},
    {"0": 10**400},
    {"9" * 5000: 1.0},
    {"-1": 1.0},
    {"\ud800": 1.0},
    {"0": "1"},
    {"0": None},
    {"0": True},
    {str(2**64): 1.0},
    {},
    [],
    None,
    {"0": {"0": {"0": 1.0}}},
    {str(n): 1e-5 for n in range(100_000)},
]


def record(number):
    """Return a finished job's record and its histogram, as a hostile service may send them."""
    chance = random.Random(f"record {number}")
    shots: Any = chance.choice([*_NUMBERS, 10**18, "1" * 5000, "9" * 30, {}, [1]])
    stored = {"shots": chance.choice(["10", str(10**12), "-1", "1e9", "\u0664", shots])}
    if chance.random() < 0.6:
        stored["qiskit_header"] = chance.choice(_HEADERS)()
    stored["sampler_seed"] = chance.choice(["1", "-1", "9" * 5000, "x", None])
    if chance.random() < 0.3:
        stored["memory"] = "true"
    made = {
        "id": "j",
        "status": "completed",
        "type": chance.choice([*_TYPES, None, 5]),
        "backend": chance.choice([*["simulator"] * 30, "qpu.forte-1", "<" * 2**20]),
        "name": chance.choice(["x", "\x1b[2J", *_TEXTS]),
        "metadata": chance.choice([stored, stored, stored, None, [], "x"]),
        "shots": shots if chance.random() < 0.5 else 10,
        "stats": {"qubits": chance.choice([1, 29, *_NUMBERS])},
        "results": {"probabilities": {"url": "/v0.4/jobs/j/results/probabilities"}},
        "child_job_ids": chance.choice([None, None, None, [], ["j"], ["k"] * 3000, "j"]),
    }
    for _ in range(chance.choice([0, 0, 1, 2])):
        made[chance.choice(sorted(made.keys() - {"id", "backend", "status"}))] = _value(chance, 3)
    return made, chance.choice([{"0": 0.5, "1": 0.5}, *_HISTOGRAMS])
