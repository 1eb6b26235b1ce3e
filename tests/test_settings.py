"""What the environment must say, and how its mistakes are named."""

from pathlib import Path

import pytest

from ingest.errors import ConfigurationError
from ingest.feeds import PACKAGED_CATALOGUE
from ingest.settings import read_settings, require_topic

LEAST = {"LAKEFILL_BUCKET": "my-lake"}
NUMBERS = {
    "LAKEFILL_DEADLINE_SECONDS": "deadline_seconds",
    "LAKEFILL_MAX_ATTEMPTS": "max_attempts",
    "LAKEFILL_MAX_PERIODS": "max_periods",
}


def refused(env: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(env)
    return str(caught.value)


def test_all_but_the_bucket_has_a_default() -> None:
    settings = read_settings(LEAST)
    assert settings.bucket == "my-lake"
    assert settings.topic == ""
    assert settings.project is None
    assert settings.feeds == PACKAGED_CATALOGUE
    assert settings.deadline_seconds == 480
    assert settings.max_attempts is None
    assert settings.contact == "https://github.com/lakefill/lakefill"
    assert settings.max_periods == 200_000


def test_every_variable_is_read() -> None:
    settings = read_settings(
        {
            "LAKEFILL_BUCKET": "lake.example.org",
            "LAKEFILL_TOPIC": "projects/p/topics/work",
            "LAKEFILL_FEEDS": "/etc/feeds.yaml",
            "LAKEFILL_DEADLINE_SECONDS": "60",
            "LAKEFILL_MAX_ATTEMPTS": "100",
            "LAKEFILL_CONTACT": "data@example.org",
            "LAKEFILL_MAX_PERIODS": "5",
            "GOOGLE_CLOUD_PROJECT": "other",
        }
    )
    assert settings.bucket == "lake.example.org"
    assert (settings.topic, settings.project) == ("projects/p/topics/work", "other")
    assert settings.feeds == Path("/etc/feeds.yaml")
    assert (settings.deadline_seconds, settings.max_attempts) == (60, 100)
    assert (settings.contact, settings.max_periods) == ("data@example.org", 5)


def test_empty_variables_are_as_good_as_absent_ones() -> None:
    empty = dict.fromkeys(
        [
            *NUMBERS,
            *("LAKEFILL_TOPIC", "LAKEFILL_FEEDS", "LAKEFILL_CONTACT", "GOOGLE_CLOUD_PROJECT"),
        ],
        "",
    )
    assert read_settings(LEAST | empty) == read_settings(LEAST)


@pytest.mark.parametrize("env", [{}, {"LAKEFILL_BUCKET": ""}, {"LAKEFILL_BUCKET": "  "}])
def test_without_a_bucket_the_variable_is_named(env: dict[str, str]) -> None:
    assert refused(env).startswith("LAKEFILL_BUCKET is not set; expected ")


@pytest.mark.parametrize(
    "bucket",
    ["gs://my-lake", "my-lake/", "My-Lake", "my lake", "-lake", "lake-", "l\u00e4ke", "a/b"],
)
def test_what_is_no_buckets_name_is_refused_by_the_variable(bucket: str) -> None:
    message = refused({"LAKEFILL_BUCKET": bucket})
    assert message.startswith("LAKEFILL_BUCKET is ")
    assert "expected a bucket's name" in message


@pytest.mark.parametrize("variable", [*NUMBERS])
@pytest.mark.parametrize(
    "value",
    [
        *(
            "0",
            "-1",
            "+1",
            "1.5",
            "1e3",
            " 1",
            "1 ",
            "1_0",
            "0x10",
            "many",
            "nan",
            "\u0661",
            "\u00b2",
        ),
        *("99999999", "9" * 5000, "000000000001999999999", "1\n"),
    ],
)
def test_what_is_no_number_in_bounds_is_refused_by_the_variable(
    variable: str, value: str
) -> None:
    message = refused(LEAST | {variable: value})
    assert message.startswith(f"{variable} is ")
    assert "; expected a number, 1 to " in message


@pytest.mark.parametrize(("variable", "field"), NUMBERS.items())
def test_the_least_number_is_one(variable: str, field: str) -> None:
    assert getattr(read_settings(LEAST | {variable: "1"}), field) == 1


def test_a_topic_is_a_path_or_a_name_in_the_project() -> None:
    env = LEAST | {"GOOGLE_CLOUD_PROJECT": "p", "LAKEFILL_TOPIC": "lakefill"}
    assert read_settings(env).topic == "projects/p/topics/lakefill"
    env = LEAST | {"LAKEFILL_TOPIC": "projects/example.com:p/topics/lake_fill-1.x~+%20"}
    assert require_topic(read_settings(env)) == env["LAKEFILL_TOPIC"]


def test_a_topic_s_name_needs_a_project() -> None:
    message = refused(LEAST | {"LAKEFILL_TOPIC": "lakefill"})
    assert message.startswith(
        "LAKEFILL_TOPIC is 'lakefill', and GOOGLE_CLOUD_PROJECT is not set"
    )
    assert "expected projects/PROJECT/topics/TOPIC" in message


@pytest.mark.parametrize(
    "topic",
    [
        *(
            "projects/p/topics/",
            "projects//topics/t",
            "projects/p/topic/t",
            "p/t",
            "/",
            "topics/t",
        ),
        *("projects/p/topics/t/x", "//pubsub.googleapis.com/projects/p/topics/t", "t t", "1t"),
        *("projects/p/topics/t t", "projects/p/topics/t\u00e9"),
    ],
)
def test_what_is_no_topic_is_refused_by_the_variable(topic: str) -> None:
    message = refused(LEAST | {"LAKEFILL_TOPIC": topic, "GOOGLE_CLOUD_PROJECT": "p"})
    assert message.startswith("LAKEFILL_TOPIC is ")
    assert message.endswith("expected projects/PROJECT/topics/TOPIC")


def test_who_needs_the_topic_is_told_where_it_is_not_set() -> None:
    with pytest.raises(
        ConfigurationError, match="LAKEFILL_TOPIC is not set; expected projects/"
    ):
        require_topic(read_settings(LEAST))


@pytest.mark.parametrize(
    "contact", ["a\r\nX-Evil: 1", "a\0b", "m\u00fcller@example.org", "a" * 201]
)
def test_a_contact_that_is_no_part_of_a_header_is_refused(contact: str) -> None:
    assert refused(LEAST | {"LAKEFILL_CONTACT": contact}).startswith("LAKEFILL_CONTACT is ")
