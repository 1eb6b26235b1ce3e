"""Listings: as narrow as the question, each page within the time that is left."""

import uuid

import pytest
from google.cloud.storage.retry import DEFAULT_RETRY
from hypothesis import given
from hypothesis import strategies as st

from ingest import lake as lake_module
from ingest.deadline import Deadline
from ingest.errors import RetryError
from ingest.lake import Lake
from ingest.storage import patience
from tests.support.world import World


@pytest.fixture
def folder(here: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder of ten objects, listed two a page."""
    monkeypatch.setattr(lake_module, "PAGE_OBJECTS", 2)
    name = f"listing-{uuid.uuid4()}"
    for n in range(10):
        here.bucket.blob(f"{name}/{n}").upload_from_string(b"x")
    return name


def asked(here: World, folder: str) -> int:
    """How many pages of the folder were asked for."""
    return sum(r.operation == "list" and folder in r.target for r in here.proxy.requests)


def test_what_lies_between_other_names_is_found_by_one_page(here: World, folder: str) -> None:
    names = {f"{folder}/4", f"{folder}/5", f"{folder}/5 not there"}
    found = [o.name for o in Lake(here.bucket).among(names, Deadline(60, lambda: 0.0))]
    assert found == [f"{folder}/4", f"{folder}/5"]
    assert asked(here, folder) == 1


def test_what_lies_between_the_names_is_left_out(here: World, folder: str) -> None:
    names = {f"{folder}/0", f"{folder}/9"}
    found = [o.name for o in Lake(here.bucket).among(names, Deadline(60, lambda: 0.0))]
    assert found == sorted(names)


def test_all_pages_are_listed_in_order(here: World, folder: str) -> None:
    found = [o.name for o in Lake(here.bucket).list(f"{folder}/", Deadline(60, lambda: 0.0))]
    assert found == [f"{folder}/{n}" for n in range(10)]
    assert asked(here, folder) == 5


def test_no_page_is_asked_for_once_the_time_is_over(here: World, folder: str) -> None:
    now = 0.0
    listing = Lake(here.bucket).list(f"{folder}/", Deadline(60, lambda: now))
    assert [next(listing).name for _ in range(2)] == [f"{folder}/0", f"{folder}/1"]
    now = 60.0
    with pytest.raises(RetryError, match="used up"):
        next(listing)
    assert asked(here, folder) == 1


@given(st.floats(0.01, 1000))
def test_a_call_with_its_last_retry_fits_into_what_is_left(left: float) -> None:
    """A try may begin when the time for retries ends, and then wait for its answer."""
    allowed = patience(Deadline(left, lambda: 0.0), DEFAULT_RETRY)
    assert allowed["timeout"] > 0
    assert allowed["retry"].timeout + allowed["timeout"] <= left + 1e-9
