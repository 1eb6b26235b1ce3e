"""Google's Pub/Sub emulator as the local stack runs it, where it is installed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from types import SimpleNamespace

import psutil
import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1

from ingest.local import emulator
from ingest.local.emulator import EmulatorPubsub
from ingest.local.process import StackError
from ingest.local.pubsub import DeadLetter, Pubsub, Subscription
from tests.support.push_endpoint import Delivery, PushEndpoint

PROGRAM = "platform/pubsub-emulator/bin/cloud-pubsub-emulator"

needs_emulator = pytest.mark.skipif(
    emulator.find() is None, reason="Google's Pub/Sub emulator is not installed"
)


def command(path: Path, *lines: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines]))
    path.chmod(0o755)
    return path


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An SDK without the emulator; its gcloud and a java are all that PATH has."""
    sdk = tmp_path / "sdk"
    command(tmp_path / "bin" / "java")
    command(tmp_path / "bin" / "gcloud", f"echo {sdk}")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return sdk


def test_it_is_where_gcloud_says(sdk: Path) -> None:
    program = command(sdk / PROGRAM)
    assert emulator.find.__wrapped__() == program


def test_a_link_to_gcloud_leads_there_unasked(sdk: Path) -> None:
    program = command(sdk / PROGRAM)
    gcloud = sdk.parent / "bin" / "gcloud"
    gcloud.unlink()
    gcloud.symlink_to(command(sdk / "bin" / "gcloud", "exit 1"))
    assert emulator.find.__wrapped__() == program


@pytest.mark.parametrize("missing", ["gcloud", "java", PROGRAM])
def test_all_of_it_is_needed(sdk: Path, missing: str) -> None:
    command(sdk / PROGRAM)
    for folder in (sdk, sdk.parent / "bin"):
        (folder / missing).unlink(missing_ok=True)
    assert emulator.find.__wrapped__() is None


def test_without_it_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "find", lambda: None)
    pubsub = EmulatorPubsub(
        Subscription(push_endpoint="http://127.0.0.1:1/"), log=tmp_path / "log"
    )
    with pytest.raises(StackError, match="not installed"), pubsub:
        pass


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The emulator with a client, its endpoint, and a message that never succeeds."""

    good: Queue[Delivery] = Queue()

    def answer(delivery: Delivery) -> int:
        if delivery.data == b"bad":
            return 503
        good.put(delivery)
        return 204

    log = tmp_path_factory.mktemp("emulator") / "log"
    with PushEndpoint(answer) as endpoint, pytest.MonkeyPatch.context() as patch:
        subscription = Subscription(
            push_endpoint=endpoint.url, min_backoff_seconds=0, max_backoff_seconds=0
        )
        with EmulatorPubsub(subscription, log=log) as pubsub:
            patch.setenv("PUBSUB_EMULATOR_HOST", pubsub.host)
            client = pubsub_v1.PublisherClient()
            client.publish(pubsub.topic, b"bad", feed="f").result(10)
            yield SimpleNamespace(pubsub=pubsub, client=client, endpoint=endpoint, good=good)
            client.stop()
            client.transport.close()


@needs_emulator
def test_a_message_arrives_in_the_wrapped_envelope(running: SimpleNamespace) -> None:
    message_id = running.client.publish(running.pubsub.topic, b"good", feed="f").result(10)
    delivery = running.good.get(timeout=20)
    message = delivery.body["message"]
    assert message["messageId"] == message["message_id"] == message_id
    assert message["publishTime"] == message["publish_time"]
    assert message["attributes"] == {"feed": "f"}
    assert delivery.body["subscription"] == Subscription(push_endpoint="http://x").name


@needs_emulator
def test_a_topic_that_was_not_made_is_not_found(running: SimpleNamespace) -> None:
    future = running.client.publish("projects/local/topics/nope", b"x")
    with pytest.raises(exceptions.NotFound):
        future.result(10)


@needs_emulator
def test_a_message_given_up_is_a_dead_letter(running: SimpleNamespace) -> None:
    pubsub: Pubsub = running.pubsub
    # Five attempts, three seconds apart.
    dead = pubsub.dead_letters(at_least=1, timeout=60)
    assert dead == [DeadLetter(b"bad", {"feed": "f"}, 5)]
    with pytest.raises(TimeoutError, match="1 dead letters, not 2"):
        pubsub.dead_letters(at_least=2)
    bad = [delivery for delivery in running.endpoint.deliveries if delivery.data == b"bad"]
    assert len(bad) == 5


@needs_emulator
def test_options_that_it_refuses_leave_no_process_behind(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    pubsub = EmulatorPubsub(
        Subscription(push_endpoint="http://127.0.0.1:1/", max_delivery_attempts=4),
        log=tmp_path / "log",
    )
    with pytest.raises(exceptions.OutOfRange, match="max_delivery_attempts"), pubsub:
        pass
    assert set(psutil.Process().children(recursive=True)) == before


@needs_emulator
def test_it_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from ingest.local.emulator import EmulatorPubsub\n"
        "from ingest.local.pubsub import Subscription\n"
        "subscription = Subscription(push_endpoint='http://127.0.0.1:1/')\n"
        "with EmulatorPubsub(subscription, log=pathlib.Path(sys.argv[1])):\n"
        "    print('running', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"running\n"
        started = psutil.Process(starter.pid).children(recursive=True)
        assert any("java" in process.name() for process in started)
        os.kill(starter.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(started, timeout=20)
    assert not alive
