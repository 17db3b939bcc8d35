"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import asyncio
import json

from consoles import body, post

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.console import events
from ionq_toolkit_fake.models.changes import Changes


def parsed(frame):
    fields = dict(line.split(": ", 1) for line in frame.strip().split("\n"))
    return fields.get("event"), fields.get("id"), json.loads(fields.get("data", "null"))


class Listener:
    """Takes events of a feed, whose time passes at once."""

    def __init__(self, cloud, last_id=None, feed=None):
        passed = [0.0]

        async def at_once(seconds):
            passed[0] += seconds
            await asyncio.sleep(0)

        self.feed = feed or events.Feed(at_once, lambda: passed[0])
        self.stream = self.feed.events(cloud if callable(cloud) else lambda: cloud, last_id)

    async def next(self):
        return parsed(await anext(self.stream))


def test_a_change_is_sent_with_the_names_of_its_jobs():
    async def listen():
        cloud = FakeIonQ(seed=1)
        listener = Listener(cloud)
        event, _, data = await listener.next()
        assert (event, data) == ("hello", {})
        job = post(cloud)
        event, _, data = await listener.next()
        assert (event, data["jobs"], data["total"]) == ("change", [job], 1)
        assert data["kinds"] == ["job", "requests"]
        assert data["counts"] == {"completed": 1}  # an event moves on what a list would
        cloud.handle("POST", "/_fake/faults", {}, b'{"fault": "reset"}')
        _, _, data = await listener.next()
        assert (data["kinds"], data["rules"]) == (["controls"], 1)
        await listener.stream.aclose()
        assert listener.feed.listeners == 0

    asyncio.run(listen())


def test_a_listener_goes_on_after_the_last_event_that_it_got():
    async def listen():
        cloud = FakeIonQ(seed=1)
        first = Listener(cloud)
        await first.next()
        post(cloud)
        _, last, _ = await first.next()
        await first.stream.aclose()
        missed = [post(cloud) for _ in range(3)]
        again = Listener(cloud, last, first.feed)
        event, _, data = await again.next()
        assert (event, sorted(data["jobs"])) == ("change", sorted(missed))

    asyncio.run(listen())


def test_an_id_of_another_run_or_of_what_is_forgotten_means_load_everything_again():
    async def listen():
        cloud = FakeIonQ(seed=1)
        for last in ("other.0", "x", "é.²", f"{'9' * 50}.{'9' * 5000}"):
            event, _, _ = await Listener(cloud, last).next()
            assert event == "reload", last
        listener = Listener(cloud)
        await listener.next()
        for _ in range(events.MOST_NAMED + 1):
            post(cloud)
        event, _, _ = await listener.next()
        assert event == "reload"  # more than one event names

    asyncio.run(listen())


def test_a_reset_and_another_cloud_mean_load_everything_again():
    async def listen():
        clouds = [FakeIonQ(seed=1), FakeIonQ(seed=2)]
        listener = Listener(lambda: clouds[0])
        await listener.next()
        clouds[0].reset()
        assert (await listener.next())[0] == "reload"
        clouds.reverse()
        assert (await listener.next())[0] == "reload"

    asyncio.run(listen())


def test_what_goes_on_by_itself_is_sent():
    async def listen():
        cloud = FakeIonQ(seed=1, clock="virtual")
        listener = Listener(cloud)
        await listener.next()
        job = post(cloud, body(backend="qpu.forte-1"))
        assert (await listener.next())[2]["counts"] == {"started": 1}
        cloud.clock.sleep(3600)
        _, _, data = await listener.next()
        assert (data["jobs"], data["counts"]) == ([job], {"completed": 1})

    asyncio.run(listen())


def test_nothing_to_send_keeps_the_connection_alive():
    async def listen():
        listener = Listener(FakeIonQ(seed=1))
        await listener.next()
        assert (await anext(listener.stream)).startswith(": ")

    asyncio.run(listen())


def test_more_listeners_than_allowed_are_refused(page, monkeypatch):
    monkeypatch.setattr(events, "MOST_LISTENERS", 0)
    assert page.send("GET", "/_console/events")[0] == 503


def test_changes_are_bounded_and_in_order():
    changes = Changes(most=3)
    for name in "abcab":
        changes.note("job", name)
    assert [one.name for one in changes.since(0, 9)] == ["b", "a", "c"]  # each once, newest first
    assert changes.since(5, 9) == []
    assert changes.since(6, 9) is None
    changes.note("job", "d")  # c is forgotten
    assert changes.since(2, 9) is None
    assert [one.name for one in changes.since(3, 9)] == ["d", "b", "a"]
    assert changes.since(3, 2) is None
