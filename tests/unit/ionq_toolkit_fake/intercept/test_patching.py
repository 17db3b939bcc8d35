"""Shared patches are in every module, whatever other patches were there before."""

import sys
import types

import pytest

from ionq_toolkit_fake.intercept.patching import SharedPatches


def original():
    return "original"


def foreign():
    return "of another patch"


@pytest.fixture
def modules(monkeypatch):
    """The owner of a function, and a module that has imported it."""
    made = types.ModuleType("patched_owner"), types.ModuleType("patched_importer")
    for module in made:
        module.pause = original
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


@pytest.fixture
def patches(modules):
    shared = SharedPatches()
    shared.add(modules[0], "pause", lambda _: lambda: "ours")
    yield shared
    shared.remove()


def test_a_function_is_replaced_in_all_modules_and_given_back(modules, patches):
    patches.install()
    assert [module.pause() for module in modules] == ["ours", "ours"]
    patches.remove()
    assert [module.pause for module in modules] == [original, original]


def test_a_function_that_another_patch_holds_at_first_is_replaced_later(modules, patches):
    """A chaos run may hold `time.sleep` in the first scope: sleeping stayed real afterwards."""
    for module in modules:
        module.pause = foreign
    patches.install()
    assert [module.pause for module in modules] == [foreign, foreign]
    patches.remove()
    for module in modules:
        module.pause = original
    patches.install()
    assert [module.pause() for module in modules] == ["ours", "ours"]


def test_what_is_no_function_stays(modules, patches):
    modules[1].pause = 3
    patches.install()
    assert modules[1].pause == 3
