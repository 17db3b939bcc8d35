"""QIR modules: texts of the base profile, and malformed ones by their names and numbers."""

import base64
import random

BELL = [("h", 0), ("cnot", 0, 1)]


def module(*calls, qubits=2, body="", attributes='"entry_point" "required_num_qubits"="{}"'):
    """Return the text of a module that calls gates; angles are floats, qubits are integers."""
    lines, declared = [], {}
    for name, *arguments in calls:
        full = f"__quantum__qis__{name}" + ("" if "__" in name else "__body")
        full = name if name.startswith("__") else full
        kinds = ["double" if isinstance(one, float) else "ptr" for one in arguments]
        values = [
            f"double {one!r}" if isinstance(one, float) else f"ptr inttoptr (i64 {one} to ptr)"
            for one in arguments
        ]
        declared[full] = f"declare void @{full}({', '.join(kinds)})"
        lines.append(f"  call void @{full}({', '.join(values)})")
    return "\n".join(
        [
            "define void @main() #0 {\nentry:",
            *lines,
            body or "  ret void",
            "}",
            *declared.values(),
            f"attributes #0 = {{ {attributes.format(qubits)} }}",
            "",
        ]
    )


def encoded(data):
    """Return a module as the data of a job."""
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def _deep(depth):
    """Return a module whose angle is a constant in so many constants."""
    angle = "{ " * depth + "double 1.0" + " }" * depth
    kind = "{ " * depth + "double" + " }" * depth
    return f"@deep = constant {kind} {angle}\n" + module(*BELL)


def _recursive():
    call = "  call void @again()\n  ret void"
    return module(body=f"{call}\n}}\ndefine void @again() {{\n{call}")


def _loop():
    return module(body="  br label %entry.2\nentry.2:\n  br label %entry.2")


_CONSTRUCTOR = """\
@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }]
  [{ i32, ptr, ptr } { i32 1, ptr @main, ptr null }]
"""

#: Modules that are malformed, or out of the base profile, each in its own way.
BY_HAND = {
    "nothing": b"",
    "wrong magic": b"BC\xc0\xdf" + bytes(400),
    "magic alone": b"BC\xc0\xde",
    "a wrapper around nothing": b"\xde\xc0\x17\x0b" + bytes(16),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(300),
    "zeros": bytes(100_000),
    "not UTF-8": b"define void @main() {\xff\xfe}",
    "a text bomb": "define void @main() #0 {\n" + "  call void @f()\n" * 5_000 + "  ret void\n}",
    "braces": "@a = constant " + "{" * 200_000,
    "deep constants": _deep(20_000),
    "recursive": _recursive(),
    "a loop": _loop(),
    "declared but not defined": "declare void @main() #0\nattributes #0 = { \"entry_point\" }",
    "no entry point": module(*BELL, attributes='"no_entry"'),
    "two entry points": module(*BELL) + "define void @other() #0 {\n  ret void\n}",
    "no qubits": module(qubits=0),
    "no number of qubits": module(*BELL, qubits="many"),
    "a qubit beyond all": module(("h", 2**63)),
    "a million qubits": module(*BELL, qubits=10**6),
    "a qubit twice": module(("cnot", 1, 1)),
    "an infinite angle": module(("rx", 1.0, 0)).replace("1.0", "0x7FF0000000000000"),
    "an unknown gate": module(("teleport", 0)),
    "system": module(("__system", 0)).replace("__system", "system"),
    "a call of a pointer": module(body="  call void null()\n  ret void"),
    "inline assembly": module(body='  call void asm sideeffect "hlt", ""()\n  ret void'),
    "a constructor": _CONSTRUCTOR + module(("exit", 1)),
}  # fmt: skip

#: So many more are bitcode with bits turned over, cut, or repeated.
DAMAGED = 34


def damaged(bitcode, number):
    """Return bitcode that is damaged, by number."""
    chance = random.Random(f"module {number}")
    data = bytearray(bitcode)
    kind = chance.randrange(4)
    if kind == 0:
        return bytes(data[: chance.randrange(5, len(data))])
    if kind == 1:
        start = chance.randrange(4, len(data))
        return bytes(data[:start]) + chance.randbytes(200) + bytes(data[start:])
    if kind == 2:
        return bytes(data[: len(data) // 2] * 40)
    for _ in range(chance.choice([1, 4, 30])):
        data[chance.randrange(4, len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)
