"""One delivery's task and what came of it, as values."""

from dataclasses import dataclass, field
from typing import Literal

from ingest.calendar import Period
from ingest.deadline import Deadline
from ingest.feed import Feed
from ingest.messages import Mode

Suspicion = Literal["size", "gone", "unprovable"]


@dataclass(frozen=True, slots=True)
class Job:
    """A period to look after, in which way, for which run, and for how long."""

    feed: Feed
    period: Period
    mode: Mode
    run: str
    deadline: Deadline

    @property
    def object_name(self) -> str:
        """The name of the period's object in the lake."""
        return self.feed.object_name(self.period)


@dataclass(frozen=True, slots=True)
class Result:
    """How a job ended well: its outcome, a clause for people, and the event's fields.

    `suspicions` are oddities that kept nothing from being stored, each with its clause;
    `asked` says whether the source was asked at all; where it was not, `own` whether the run
    itself had stored the object.
    """

    outcome: Literal["stored", "unchanged", "revised"]
    message: str
    fields: dict[str, object] = field(default_factory=dict)
    suspicions: dict[Suspicion, str] = field(default_factory=dict)
    asked: bool = True
    own: bool = False
