"""Saved accounts: where their keys are, who else can read them, and what else stays as it is."""

import os
import pickle
import stat

import keyring
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionq_toolkit import IonQProvider, errors
from ionq_toolkit.api import accounts

KEY, OTHER = "s3cret-key-of-the-lab", "an0ther-key-at-home"

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    """Return the key file, which does not exist yet."""
    monkeypatch.setattr("ionq_toolkit.api.credentials.KEY_FILE", "~/.ionq")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    return tmp_path / ".ionq"


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch):
    """Keep tests away from the keyring of whoever runs them."""
    monkeypatch.setattr(accounts, "_keyring", lambda: None)


class Ring:
    """A keyring in memory, as a backend of the library keyring."""

    priority = 5

    def __init__(self):
        self.kept, self.broken = {}, False

    def _open(self):
        if self.broken:
            raise RuntimeError(f"the lock of {self.kept} is jammed")

    def set_password(self, service, user, password):
        self._open()
        self.kept[service, user] = password

    def get_password(self, service, user):
        self._open()
        return self.kept.get((service, user))

    def delete_password(self, service, user):
        del self.kept[service, user]


@pytest.fixture
def ring(monkeypatch):
    ring = Ring()
    monkeypatch.setattr(accounts, "_keyring", lambda: ring)
    return ring


def key_of(**arguments):
    """Return the key that a provider sends."""
    with IonQProvider(**arguments) as provider:
        return provider.client._key.reveal()


def refused(call, match):
    """Check that a call is refused and shows no key, and return its message."""
    with pytest.raises(errors.IonQCredentialsError, match=match) as caught:
        call()
    assert KEY not in str(caught.value)
    assert OTHER not in str(caught.value)
    return str(caught.value)


# --- in the file -----------------------------------------------------------------------------


def test_an_account_is_saved_found_listed_and_deleted(path, monkeypatch):
    assert IonQProvider.saved_accounts() == {}
    IonQProvider.save_account("work", KEY)
    IonQProvider.save_account("home", OTHER)
    assert IonQProvider.saved_accounts() == {"home": str(path), "work": str(path)}
    assert (key_of(account="work"), key_of(account="home")) == (KEY, OTHER)
    monkeypatch.setenv("IONQ_API_KEY", "of-the-environment")
    assert key_of(account="work") == KEY  # what is named goes before what happens to be there
    assert IonQProvider.delete_account("work") is True
    assert IonQProvider.delete_account("work") is False
    assert list(IonQProvider.saved_accounts()) == ["home"]
    assert KEY not in path.read_text()


def test_only_the_owner_can_read_the_file(path):
    old = os.umask(0)
    try:
        IonQProvider.save_account("work", KEY)
    finally:
        os.umask(old)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [".ionq"]


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_can_use_is_refused_and_left_alone(path, mode):
    path.write_text(f"IONQ_API_KEY_work={KEY}\n")
    path.chmod(mode)
    for call in (
        lambda: IonQProvider.save_account("home", OTHER),
        lambda: IonQProvider.delete_account("work"),
        IonQProvider.saved_accounts,
        lambda: key_of(account="work"),
    ):
        refused(call, f"mode {mode:o}.*chmod 600")
    assert path.read_text() == f"IONQ_API_KEY_work={KEY}\n"
    assert [one.name for one in path.parent.iterdir()] == [".ionq"]


def test_an_account_is_replaced_only_when_that_is_said(path):
    IonQProvider.save_account("work", KEY)
    refused(lambda: IonQProvider.save_account("work", OTHER), "overwrite=True")
    assert key_of(account="work") == KEY
    IonQProvider.save_account("work", OTHER, overwrite=True)
    assert key_of(account="work") == OTHER
    assert KEY not in path.read_text()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"IONQ_API_KEY=mine\n",
        b"export IONQ_API_KEY=mine",
        b"# \xff\xfe not text\r\nIONQ_API_KEY = 'mine'  # of mine\r\n\r\nX=1\r\n",
        b"\xef\xbb\xbfIONQ_API_KEY=mine\nIONQ_API_KEY_workshop=w\n",
    ],
)
def test_the_other_lines_of_the_file_stay_as_they_are(path, content):
    path.write_bytes(content)
    path.chmod(0o600)
    IonQProvider.save_account("work", KEY)
    IonQProvider.save_account("work", OTHER, overwrite=True)
    assert path.read_bytes().startswith(content)
    assert key_of(account="work") == OTHER
    if b"mine" in content:
        assert key_of() == "mine"
    IonQProvider.delete_account("work")
    assert path.read_bytes().rstrip() == content.rstrip()


def test_an_interrupted_write_leaves_the_file_whole(path, monkeypatch):
    IonQProvider.save_account("work", KEY)
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    refused(lambda: IonQProvider.save_account("home", OTHER), "cannot be written: No space left")
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [".ionq"]


def test_two_processes_do_not_write_at_once(path):
    new = path.with_name(".ionq.new")
    new.write_text("of another process")
    refused(lambda: IonQProvider.save_account("work", KEY), "another process is saving")
    assert new.read_text() == "of another process"
    assert not path.exists()


def test_a_link_to_the_file_stays_one(path, tmp_path):
    target = tmp_path / "dotfiles"
    target.touch(0o600)
    path.symlink_to(target)
    IonQProvider.save_account("work", KEY)
    assert path.is_symlink()
    assert key_of(account="work") == KEY
    path.unlink()
    path.symlink_to(path)
    refused(lambda: IonQProvider.save_account("work", KEY), "cannot be (written|read)")


def test_places_that_cannot_hold_the_file_are_named(path, monkeypatch):
    path.mkdir()
    refused(lambda: IonQProvider.save_account("work", KEY), r"\.ionq cannot be written")
    path.rmdir()
    path.write_bytes(b"#" * 70_000)
    path.chmod(0o600)
    refused(lambda: IonQProvider.save_account("work", KEY), "too large")

    def homeless(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.expanduser", homeless)
    refused(lambda: IonQProvider.save_account("work", KEY), "No home directory")
    assert IonQProvider.saved_accounts() == {}


@pytest.mark.parametrize("name", ["", "my lab", "my-lab", "1st", "a=b", "x\ny", "ü", "a" * 65, 7])
def test_a_name_that_no_shell_variable_can_have_is_refused(path, name):
    refused(lambda: IonQProvider.save_account(name, KEY), "letters, digits and underscores")
    assert not path.exists()


@pytest.mark.parametrize("token", ["", " ", None, 7, "it's\"both", "two words # more", "\u043a"])
def test_a_token_that_is_no_key_is_refused(path, token):
    with pytest.raises(errors.IonQCredentialsError):
        IonQProvider.save_account("work", token)
    assert not path.exists()


@settings(max_examples=60)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_a_key_that_is_saved_is_found_as_it_was(token):
    try:
        IonQProvider.save_account("work", token, overwrite=True)
    except errors.IonQCredentialsError:
        assert set(token) & set("'\"#")
    else:
        assert key_of(account="work") == token


# --- in the keyring --------------------------------------------------------------------------


def test_a_usable_keyring_has_the_keys_and_the_file_only_their_names(ring, path):
    IonQProvider.save_account("work", KEY)
    assert ring.kept == {("ionq-toolkit", "work"): KEY}
    assert KEY not in path.read_text()
    assert IonQProvider.saved_accounts() == {"work": "keyring"}
    assert key_of(account="work") == KEY
    IonQProvider.save_account("work", OTHER, overwrite=True, keyring=False)
    assert ring.kept == {}
    assert IonQProvider.saved_accounts() == {"work": str(path)}
    IonQProvider.save_account("work", KEY, overwrite=True, keyring=True)
    assert OTHER not in path.read_text()
    assert IonQProvider.delete_account("work")
    assert ring.kept == {}
    assert path.read_text() == ""


def test_a_keyring_that_breaks_is_an_error_without_its_text(ring, path):
    IonQProvider.save_account("work", KEY)
    ring.broken = True
    for call in (
        lambda: IonQProvider.save_account("work", OTHER, overwrite=True),
        lambda: IonQProvider.delete_account("work"),
        lambda: key_of(account="work"),
    ):
        refused(call, r"The keyring refused \(RuntimeError\)")
    assert IonQProvider.saved_accounts() == {"work": "keyring"}


def test_a_key_that_the_keyring_lost_or_that_is_elsewhere_is_said_so(ring, monkeypatch):
    IonQProvider.save_account("work", KEY)
    ring.kept.clear()
    refused(lambda: key_of(account="work"), "no key of the account 'work'.*overwrite=True")
    monkeypatch.setattr(accounts, "_keyring", lambda: None)
    refused(lambda: key_of(account="work"), "no usable one here")
    refused(lambda: IonQProvider.delete_account("work"), "no usable one here")
    refused(lambda: IonQProvider.save_account("x", KEY, keyring=True), r"ionq-toolkit\[keyring\]")


def test_the_library_keyring_is_used_if_its_backend_is_usable(monkeypatch):
    monkeypatch.undo()  # the real function
    before = keyring.get_keyring()
    try:
        for backend, usable in ((keyring.backends.fail.Keyring(), False), (Ring(), True)):
            keyring.core._keyring_backend = backend
            assert (accounts._keyring() is backend) is usable
    finally:
        keyring.core._keyring_backend = before


# --- no other account pays -------------------------------------------------------------------


def test_an_unknown_account_is_an_error_when_the_key_is_needed(monkeypatch):
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    IonQProvider.save_account("work", OTHER)
    with IonQProvider(account="wrok") as provider:
        refused(lambda: list(provider.client.list_jobs()), r"Did you mean 'work'\? Saved: work")


@pytest.mark.parametrize("given", [{"token": KEY, "account": "work"}, {"account": 7}])
def test_a_token_and_an_account_are_not_given_at_once(given):
    refused(lambda: IonQProvider(**given), "not both")


def test_a_cloud_in_this_process_is_not_given_the_key_of_an_account():
    IonQProvider.save_account("work", KEY)
    assert key_of(account="work", transport="fake") == "no-key-needed"


@pytest.mark.parametrize("used", [False, True])
def test_a_pickle_names_the_account_and_takes_its_key_and_no_other(monkeypatch, used):
    IonQProvider.save_account("work", KEY)
    with IonQProvider(account="work") as provider:
        if used:
            provider.client._key.reveal()
        packed = pickle.dumps(provider)
    assert KEY.encode() not in packed
    assert b"work" in packed

    def unpacked():
        return pickle.loads(packed).client._key.reveal()

    assert unpacked() == KEY
    IonQProvider.save_account("work", OTHER, overwrite=True)
    refused(unpacked, "no saved account of that name and key.*another account must not pay")
    monkeypatch.setenv("IONQ_API_KEY", OTHER)
    refused(unpacked, "another account must not pay")
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    assert unpacked() == KEY
    monkeypatch.delenv("IONQ_API_KEY")
    IonQProvider.delete_account("work")
    refused(unpacked, "another account must not pay")
