"""The environment's settings, read once, checked, and passed on as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import ConfigurationError
from ingest.feeds import PACKAGED_CATALOGUE

PROJECT_PAGE = "https://github.com/lakefill/lakefill"


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
        bucket=_text(env, "LAKEFILL_BUCKET"),
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


def _text(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"{name} is not set; expected the name of the lake's bucket")
    return value


def _topic(env: Mapping[str, str], project: str | None) -> str:
    value = env.get("LAKEFILL_TOPIC", "").strip()
    parts = value.split("/")
    match parts:
        case [""]:
            return ""
        case [topic] if project:
            return f"projects/{project}/topics/{topic}"
        case [_]:
            raise ConfigurationError(
                f"LAKEFILL_TOPIC is {value!r}, and GOOGLE_CLOUD_PROJECT is not set; "
                "expected projects/PROJECT/topics/TOPIC, or both"
            )
        case ["projects", owner, "topics", topic] if owner and topic:
            return value
        case _:
            raise ConfigurationError(
                f"LAKEFILL_TOPIC is {value!r}; expected projects/PROJECT/topics/TOPIC"
            )


def _number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and least <= int(text[:12]) <= most):
        raise ConfigurationError(f"{name} is {text!r}; expected a number, {least} to {most}")
    return int(text)


def _contact(env: Mapping[str, str]) -> str:
    value = env.get("LAKEFILL_CONTACT", "").strip() or PROJECT_PAGE
    if not value.isascii() or not value.isprintable() or len(value) > 200:
        raise ConfigurationError(
            f"LAKEFILL_CONTACT is {value!r}; expected an e-mail address or a page, in ASCII"
        )
    return value
