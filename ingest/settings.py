"""The environment's settings, read once, checked, and passed on as values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import ConfigurationError
from ingest.feeds import PACKAGED_CATALOGUE

PROJECT_PAGE = "https://github.com/lakefill/lakefill"

# https://cloud.google.com/storage/docs/buckets#naming
_BUCKET = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
# https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
_TOPIC = re.compile(r"projects/[a-z0-9.:-]+/topics/[A-Za-z][A-Za-z0-9._~+%-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator decides. Names in the environment: `LAKEFILL_` and the field's name.

    `topic` is the full path `projects/P/topics/T`, or "" where none is set (the worker needs
    none). `deadline_seconds` is what one delivery may take; `max_attempts` is the
    subscription's `max_delivery_attempts`, or None where no attempt is the last.
    """

    bucket: str
    topic: str
    project: str | None
    feeds: Path
    deadline_seconds: int
    max_attempts: int | None
    contact: str
    max_periods: int


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read the settings; raise ConfigurationError that names the variable at fault."""
    project = env.get("GOOGLE_CLOUD_PROJECT") or None
    return Settings(
        bucket=_bucket(env),
        topic=_topic(env, project),
        project=project,
        feeds=Path(env.get("LAKEFILL_FEEDS") or PACKAGED_CATALOGUE),
        deadline_seconds=_number(env, "LAKEFILL_DEADLINE_SECONDS", 480, 1, 3600),
        max_attempts=(
            _number(env, "LAKEFILL_MAX_ATTEMPTS", 1, 1, 100)
            if env.get("LAKEFILL_MAX_ATTEMPTS")
            else None
        ),
        contact=_contact(env),
        max_periods=_number(env, "LAKEFILL_MAX_PERIODS", 200_000, 1, 10_000_000),
    )


def require_topic(settings: Settings) -> str:
    """Return the topic's path; raise ConfigurationError where none is set."""
    if not settings.topic:
        raise ConfigurationError(
            "LAKEFILL_TOPIC is not set; expected projects/PROJECT/topics/TOPIC"
        )
    return settings.topic


def _bucket(env: Mapping[str, str]) -> str:
    value = env.get("LAKEFILL_BUCKET", "").strip()
    if not value:
        raise ConfigurationError(
            "LAKEFILL_BUCKET is not set; expected the name of the lake's bucket"
        )
    if not _BUCKET.fullmatch(value):
        raise ConfigurationError(
            f"LAKEFILL_BUCKET is {value!r}; expected a bucket's name alone, like my-lake"
        )
    return value


def _topic(env: Mapping[str, str], project: str | None) -> str:
    value = env.get("LAKEFILL_TOPIC", "").strip()
    if not value:
        return ""
    if "/" not in value and project is None:
        raise ConfigurationError(
            f"LAKEFILL_TOPIC is {value!r}, and GOOGLE_CLOUD_PROJECT is not set; "
            "expected projects/PROJECT/topics/TOPIC, or both"
        )
    path = value if "/" in value else f"projects/{project}/topics/{value}"
    if not _TOPIC.fullmatch(path):
        raise ConfigurationError(
            f"LAKEFILL_TOPIC is {value!r}; expected projects/PROJECT/topics/TOPIC"
        )
    return path


def _number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = env.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
        raise ConfigurationError(f"{name} is {text!r}; expected a number, {least} to {most}")
    return int(text)


def _contact(env: Mapping[str, str]) -> str:
    value = env.get("LAKEFILL_CONTACT", "").strip() or PROJECT_PAGE
    if not value.isascii() or not value.isprintable() or len(value) > 200:
        raise ConfigurationError(
            f"LAKEFILL_CONTACT is {value!r}; expected an e-mail address or a page, in ASCII"
        )
    return value
