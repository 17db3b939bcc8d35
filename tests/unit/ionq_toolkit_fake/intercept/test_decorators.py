"""mock_ionq on classes that pytest collects here, and on classes that unittest runs."""

import io
import unittest
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import requests

from ionq_toolkit_fake import FakeIonQ, Transitions, UnansweredRequest, mock_ionq

URL = "https://api.ionq.co/v0.4"
KEY = {"Authorization": "apiKey k"}
BODY = {
    "type": "ionq.circuit.v1",
    "backend": "simulator",
    "input": {"qubits": 1, "circuit": [{"gate": "x", "target": 0}]},
}


def submit():
    return requests.post(f"{URL}/jobs", json=BODY, headers=KEY, timeout=5).json()["id"]


def jobs():
    return [job["id"] for job in requests.get(f"{URL}/jobs", headers=KEY, timeout=5).json()["jobs"]]


@pytest.fixture
def word():
    return "word"


@mock_ionq
class TestPlainClass:
    """Collected by pytest as it is."""

    def setup_method(self, method):
        self.first = submit()
        self.name = method.__name__

    def teardown_method(self):
        assert jobs()[-1] == self.first
        assert len(jobs()) == 2

    def test_has_what_its_set_up_made(self):
        assert self.name == "test_has_what_its_set_up_made"
        assert jobs() == [self.first]
        self.helper()

    def test_has_nothing_of_the_other_test(self, word):
        assert word == "word"
        assert jobs() == [self.first]
        self.helper()

    @pytest.mark.parametrize("number", [1, 2])
    def test_keeps_its_marks(self, number):
        assert number in {1, 2}
        self.helper()

    def helper(self):
        second = submit()
        assert jobs() == [second, self.first]


@mock_ionq
class TestWithoutAnInstance:
    """Static and class methods have a cloud each, and helpers that of the test."""

    @staticmethod
    @pytest.mark.parametrize("number", [1, 2])
    def test_static(number):
        assert number in {1, 2}
        assert jobs() == []
        submit()

    @classmethod
    def test_of_the_class(cls):
        assert jobs() == []
        made = cls.helper()
        assert jobs() == [made]

    def test_helpers_are_in_the_cloud_of_the_test(self):
        assert jobs() == []
        made = self.helper()
        assert jobs() == [made]

    @staticmethod
    def helper():
        return submit()

    class TestWithin:
        def test_it(self):
            assert jobs() == []
            submit()


@mock_ionq(seed=7, transitions=Transitions.polls(1))
class TestClassWithOptions:
    def setup_method(self):
        self.id = submit()

    def test_has_the_same_ids_each_time(self):
        with mock_ionq(seed=7):
            assert submit() == self.id

    def test_has_the_options(self):
        job = requests.get(f"{URL}/jobs/{self.id}", headers=KEY, timeout=5).json()
        assert job["status"] == "submitted"

    @mock_ionq(seed=8)
    def test_can_have_a_cloud_of_its_own(self):
        assert jobs() == []


class Other:
    def of_its_own(self):
        return jobs()


@mock_ionq
class TestMembers:
    """A method that is called as one of unittest's is a method, and a class of others is theirs."""

    TestOther = Other

    def run(self):
        return submit()

    def test_run_is_a_helper(self):
        made = submit()
        helped = self.run()
        assert jobs() == [helped, made]

    def test_other_class_is_left_alone(self):
        assert not hasattr(Other.of_its_own, "__wrapped__")


@mock_ionq
class TestSharedCloud:
    @classmethod
    def setup_class(cls):
        cls.shared = submit()

    def test_has_what_the_class_made(self):
        assert jobs() == [self.shared]

    def teardown_class(self):
        assert jobs() == [self.shared]


@mock_ionq(seed=7)
class BaseOfTests:
    """The base class of the two below."""

    def setup_method(self):
        self.first = submit()


class TestDerived(BaseOfTests):
    def setup_method(self, method):
        super().setup_method()
        self.second = submit()
        assert method.__name__ == "test_has_the_cloud_of_its_base_class"

    def test_has_the_cloud_of_its_base_class(self):
        assert jobs() == [self.second, self.first]
        with mock_ionq(seed=7):
            assert submit() == self.first


@mock_ionq
class TestDerivedAndDecorated(BaseOfTests):
    def setup_method(self, method=None):
        super().setup_method()
        self.method = method

    def test_has_the_options_of_its_own(self):
        assert self.method.__name__ == "test_has_the_options_of_its_own"
        assert jobs() == [self.first]
        with mock_ionq(seed=7):
            assert submit() != self.first

    @staticmethod
    def test_without_an_instance():
        first = submit()
        with mock_ionq(seed=7):
            assert submit() != first


class TestDerivedFromDerived(TestDerivedAndDecorated):
    def setup_method(self, method="none"):
        super().setup_method(method=method)


@mock_ionq(seed=7)
class BaseOfClasses:
    """The base class of the two below."""


class TestDerivedWithClasses(BaseOfClasses):
    class TestWithin:
        def test_has_the_options(self):
            first = submit()
            with mock_ionq(seed=7):
                assert submit() == first


@mock_ionq
class TestDecoratedWithClasses(BaseOfClasses):
    class TestWithin:
        def test_has_the_options_too(self):
            first = submit()
            with mock_ionq(seed=7):
                assert submit() != first

    @mock_ionq(seed=7)
    class TestWithOptions:
        def test_has_those(self):
            first = submit()
            with mock_ionq(seed=7):
                assert submit() == first


@mock_ionq
class TestHelpersWithin:
    """Classes in a class of tests that are not tests themselves."""

    class Client:
        def submit(self):
            return submit()

    class Pair(NamedTuple):
        one: int

        def make(self):
            return submit()

    @dataclass(slots=True)
    class Slots:
        one: int

        def make(self):
            return submit()

    class Proxy:
        __slots__ = ()

        def __getattr__(self, name):
            raise AssertionError(name)

        def make(self):
            return submit()

    class Cases(unittest.TestCase):
        def make(self):
            return submit()

    def numbers(self):
        return (number for number in jobs())

    def test_helpers_have_the_cloud_of_the_test(self):
        made = [self.Client().submit(), self.Pair(1).make()]
        made += [self.Slots(1).make(), self.Proxy().make()]
        assert jobs() == made[::-1]

    def test_cases_have_one_of_their_own(self):
        self.Cases().make()
        assert jobs() == []

    def test_a_method_may_return_a_generator(self):
        assert list(self.numbers()) == []


class Base:
    def inherited(self):
        return jobs()


@mock_ionq
class Derived(Base):
    def make(self):
        return submit()


@pytest.fixture(autouse=True)
def _in_process():
    """Let what no class answers be answered here, where there are no jobs."""
    with mock_ionq() as cloud:
        yield
    assert cloud.jobs == []


def test_each_instance_has_its_own_cloud_for_its_own_and_its_inherited_methods():
    one, other = Derived(), Derived()
    made = one.make()
    assert one.inherited() == [made]
    assert other.inherited() == []


def test_an_instance_is_made_in_its_cloud():
    @mock_ionq
    class Made:
        def __init__(self, *, twice=False):
            self.made = [submit() for _ in range(1 + twice)]

        def jobs(self):
            return jobs()

    for instance in (Made(), Made(twice=True)):
        assert instance.jobs() == instance.made[::-1]


def test_an_init_subclass_is_called_with_its_options():
    class Root:
        def __init_subclass__(cls, *, root, **options):
            super().__init_subclass__(**options)
            cls.root = root

    @mock_ionq
    class Parent(Root, root=1):
        pass

    class Child(Parent, root=2):
        def __init_subclass__(cls, *, child=None, **options):
            super().__init_subclass__(**options)
            cls.child = child

    @mock_ionq
    class Grandchild(Child, root=3, child=4):
        def make(self):
            return submit()

    class Last(Grandchild, root=5, child=6):
        def make_two(self):
            return [submit(), self.make()]

    assert (Grandchild.root, Grandchild.child, Last.root, Last.child) == (3, 4, 5, 6)
    Grandchild().make()
    Last().make_two()


def test_an_init_subclass_that_calls_no_other_does_not_stop_the_decorator():
    @mock_ionq
    class Parent:
        pass

    class Child(Parent):
        def __init_subclass__(cls):
            cls.seen = True

    class Grandchild(Child):
        def make(self):
            return submit()

    assert Grandchild.seen
    Grandchild().make()


def test_a_class_that_a_dataclass_made_again_can_be_derived_from():
    @dataclass(slots=True)
    @mock_ionq
    class Again:
        pass

    class Child(Again):
        def make(self):
            return submit()

    Child().make()


def test_a_cloud_of_ones_own_is_that_of_all():
    cloud = FakeIonQ(seed=1)

    @mock_ionq(cloud)
    class Mine:
        def make(self):
            return submit()

    Mine().make()
    Mine().make()
    assert len(cloud.jobs) == 2


def test_the_class_stays_what_it_is():
    class Plain:
        """Mine."""

        constant = 3

        def __len__(self):
            return 5

        @staticmethod
        def static():
            return 1

        @property
        def doubled(self):
            return 2 * self.constant

        def numbers(self):
            yield from (1, 2)

    assert mock_ionq(Plain) is Plain
    mine = Plain()
    assert (Plain.__doc__, len(mine), mine.static(), mine.doubled) == ("Mine.", 5, 1, 6)
    assert list(mine.numbers()) == [1, 2]


# --- unittest ----------------------------------------------------------------------------------


def outcome(case):
    """Run a class of tests as unittest does, and return what did not succeed."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    assert result.testsRun == suite.countTestCases() > 0
    return [text for _, text in (*result.failures, *result.errors)]


@mock_ionq
class TestOfUnittest(unittest.TestCase):
    """Collected by pytest as it is."""

    def setUp(self):
        self.first = submit()
        self.addCleanup(self.assert_first)

    def assert_first(self):
        assert jobs()[-1] == self.first

    def tearDown(self):
        assert len(jobs()) == 2

    def test_has_what_its_set_up_made(self):
        assert jobs() == [self.first]
        submit()

    def test_has_nothing_of_the_other_test(self):
        assert jobs() == [self.first]
        with self.subTest("in a part"):
            submit()


def test_unittest_runs_it_by_itself():
    assert outcome(TestOfUnittest) == []


def test_a_test_that_is_run_twice_begins_anew_each_time():
    case = TestOfUnittest("test_has_what_its_set_up_made")
    for _ in range(2):
        result = case.run()
        assert result.wasSuccessful()
    case.debug()


def test_asynchronous_tests_of_unittest_have_one_cloud_each():
    @mock_ionq
    class Asynchronous(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.first = submit()
            self.addAsyncCleanup(self.clean_up)

        async def clean_up(self):
            assert jobs() == [self.first]

        async def asyncTearDown(self):
            assert jobs() == [self.first]

        async def test_one(self):
            assert jobs() == [self.first]

        async def test_two(self):
            assert jobs() == [self.first]

    assert outcome(Asynchronous) == []


def test_a_set_up_of_the_class_is_shared_and_may_call_that_of_its_base():
    @mock_ionq
    class Parent(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.first = submit()

    @mock_ionq
    class Child(Parent):
        @classmethod
        def setUpClass(cls):
            super().setUpClass()
            cls.second = submit()

        @classmethod
        def tearDownClass(cls):
            assert jobs() == [cls.third, cls.second, cls.first]

        def test_sees_both(self):
            assert jobs() == [self.second, self.first]
            type(self).third = submit()

    assert outcome(Child) == []
    assert outcome(Child) == []


def test_a_class_derived_from_a_test_case_runs_its_tests_in_scopes():
    @mock_ionq
    class Parent(unittest.TestCase):
        def setUp(self):
            self.first = submit()

    class Child(Parent):
        def test_one(self):
            assert jobs() == [self.first]

        def test_two(self):
            assert jobs() == [self.first]

    assert outcome(Child) == []


def test_a_set_up_of_a_derived_class_runs_in_a_scope():
    @mock_ionq
    class Parent(unittest.TestCase):
        pass

    class Child(Parent):
        @classmethod
        def setUpClass(cls):
            cls.first = submit()

        def test_one(self):
            assert jobs() == [self.first]

    assert outcome(Child) == []


def test_asynchronous_tests_of_a_derived_class_have_the_cloud_of_their_set_up():
    @mock_ionq
    class Parent(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.first = submit()

    class Child(Parent):
        async def test_one(self):
            assert jobs() == [self.first]

    assert outcome(Child) == []


def test_a_test_case_is_made_before_its_test_has_a_cloud():
    @mock_ionq
    class Made(unittest.TestCase):
        def __init__(self, *args):
            super().__init__(*args)
            submit()

        def test_one(self):
            assert jobs() == []

    assert outcome(Made) == []


def test_a_method_of_unittest_hides_that_of_a_later_base():
    class Later:
        def setUp(self):
            raise AssertionError

    @mock_ionq
    class First(unittest.TestCase, Later):
        def test_one(self):
            assert jobs() == []

    assert outcome(First) == []


def test_a_set_up_of_a_base_class_has_the_cloud_of_the_derived_one():
    @mock_ionq(seed=7)
    class Parent(unittest.TestCase):
        def setUp(self):
            self.first = submit()

    @mock_ionq(seed=8)
    class Child(Parent):
        def setUp(self):
            super().setUp()
            self.second = submit()

        def test_sees_both(self):
            assert jobs() == [self.second, self.first]
            with mock_ionq(seed=8):
                assert submit() == self.first

    assert outcome(Child) == []


def test_an_unanswered_request_fails_the_one_test_that_sent_it():
    @mock_ionq
    class Wrong(unittest.TestCase):
        def test_wrong(self):
            requests.get(f"{URL}/jbos", timeout=5)

        def test_right(self):
            assert jobs() == []

    (text,) = outcome(Wrong)
    assert UnansweredRequest.__name__ in text
    assert "GET /v0.4/jobs" in text


class Shown(unittest.TestCase):
    __test__ = False  # run below, decorated

    def test_that_the_cloud_is_handed_over(self):
        submit()
        assert len(self.ionq_cloud.jobs) == 1

    def test_that_each_test_has_its_own(self):
        assert self.ionq_cloud.jobs == []


class ShownByClass(unittest.TestCase):
    __test__ = False  # run below, decorated

    @classmethod
    def setUpClass(cls):
        cls.ionq_cloud.hold(submit(), "ready")

    def test_of_the_class(self):
        assert [job.status for job in self.ionq_cloud.jobs] == ["ready"]


class HasTheName(unittest.TestCase):
    __test__ = False  # run below, decorated

    ionq_cloud = "its own"

    def test_that_it_is_kept(self):
        assert self.ionq_cloud == "its own"


@pytest.mark.parametrize("case", [Shown, ShownByClass, HasTheName])
def test_a_decorated_class_hands_its_cloud_over(case):
    case = mock_ionq(type(case.__name__, (case,), {}))
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    assert result.wasSuccessful(), [*result.errors, *result.failures]
