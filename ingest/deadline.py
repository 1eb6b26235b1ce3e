"""How long the work at hand may still take."""

from collections.abc import Callable

from ingest.errors import RetryError


class Deadline:
    """A moment on the monotonic clock, `seconds` from its creation."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds

    def left(self, at_most: float = float("inf")) -> float:
        """Return the seconds left, at most `at_most`; raise RetryError when none are."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise RetryError("deadline", "the time for one delivery is used up")
        return min(left, at_most)

    def earlier(self, seconds: float) -> "Deadline":
        """Return a deadline `seconds` before this one."""
        return Deadline(self._end - self._monotonic() - seconds, self._monotonic)

    def within(self, seconds: float) -> "Deadline":
        """Return a deadline `seconds` from now, or this one where that comes first."""
        left = self._end - self._monotonic()
        return Deadline(min(left, seconds), self._monotonic)

    def afresh(self, seconds: float) -> "Deadline":
        """Return a deadline `seconds` from now, whatever is left: for a last word."""
        return Deadline(seconds, self._monotonic)

    def share(self, parts: int) -> "Deadline":
        """Return the deadline of one of `parts` that are to have the same time each.

        Asked with one part fewer each time, it gives what one does not need to those after it.
        """
        return Deadline(self.left() / parts, self._monotonic)
