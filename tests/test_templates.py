"""URLs and object names: what templates render, refuse, and could render alike."""

from calendar import day_name, month_name
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.templates import Template
from tests.support.strategies import at

# What each directive writes, without strftime.
WRITTEN: dict[str, Callable[[datetime], str]] = {
    "%Y": lambda d: f"{d.year:04}",
    "%y": lambda d: f"{d.year % 100:02}",
    "%m": lambda d: f"{d.month:02}",
    "%d": lambda d: f"{d.day:02}",
    "%j": lambda d: f"{d.timetuple().tm_yday:03}",
    "%H": lambda d: f"{d.hour:02}",
    "%-H": lambda d: f"{d.hour}",
    "%M": lambda d: f"{d.minute:02}",
    "%S": lambda d: f"{d.second:02}",
    "%G": lambda d: f"{d.isocalendar().year:04}",
    "%V": lambda d: f"{d.isocalendar().week:02}",
    "%U": lambda d: f"{(d.timetuple().tm_yday + 6 - d.isoweekday() % 7) // 7:02}",
    "%W": lambda d: f"{(d.timetuple().tm_yday + 6 - d.weekday()) // 7:02}",
    "%u": lambda d: f"{d.isoweekday()}",
    "%w": lambda d: f"{d.isoweekday() % 7}",
    "%I": lambda d: f"{(d.hour + 11) % 12 + 1:02}",
    "%p": lambda d: "AM" if d.hour < 12 else "PM",
    "%b": lambda d: month_name[d.month][:3],
    "%B": lambda d: month_name[d.month],
    "%a": lambda d: day_name[d.weekday()][:3],
    "%A": lambda d: day_name[d.weekday()],
}
DATES = st.datetimes(at(1001), at(9998))
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=6)


def literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


@st.composite
def templates(draw: st.DrawFn) -> Template:
    parts = draw(
        st.lists(
            st.one_of(
                TEXT.map(literal),
                st.builds(
                    "{{{0}:{1}}}".format,
                    st.sampled_from(["date", "start", "end"]),
                    st.lists(st.sampled_from([*WRITTEN, "-", "/", "T"]), max_size=3)
                    .map("".join)
                    .filter(lambda form: "%" in form),
                ),
            ),
            max_size=4,
        )
    )
    return Template.parse("".join(parts))


@given(DATES, DATES, DATES, st.lists(st.sampled_from([*WRITTEN]), min_size=1, max_size=6))
def test_each_directive_writes_its_part_of_the_fields_time(
    date: datetime, start: datetime, end: datetime, directives: list[str]
) -> None:
    form = "_".join(directives)
    template = Template.parse(f"a-{{date:{form}}}/{{start:{form}}}/{{end:{form}}}.csv")
    expected = ["_".join(WRITTEN[d](time) for d in directives) for time in (date, start, end)]
    assert template.render(date, start, end) == f"a-{'/'.join(expected)}.csv"


def test_the_first_feed_is_asked_for_by_two_digit_years_and_an_hour_may_lack_its_zero() -> None:
    day = at(2023, 6, 3, 7)
    url = Template.parse("http://x/turnstile_{date:%y%m%d}.txt")
    assert url.render(day, day, day) == "http://x/turnstile_230603.txt"
    hourly = Template.parse("{date:%Y-%m-%d-%-H}.json.gz")
    assert hourly.render(day, day, day) == "2023-06-03-7.json.gz"
    assert hourly.render(at(2023, 6, 3), day, day) == "2023-06-03-0.json.gz"
    assert hourly.render(at(2023, 6, 3, 17), day, day) == "2023-06-03-17.json.gz"


def test_doubled_braces_are_braces_and_the_prefix_ends_at_the_first_field() -> None:
    template = Template.parse("a{{b}}/{date:%Y}/c")
    assert template.render(at(2023), at(1), at(1)) == "a{b}/2023/c"
    assert Template.parse("a/b{date:%Y}/c").prefix == "a/b"
    assert Template.parse("").prefix == ""


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{0:%Y}",
        "{period:%Y}",
        "{feed}",
        "{date.year:%Y}",
        "{date.__class__:%Y}",
        "{date[0]:%Y}",
        "{date!r:%Y}",
        "{date!s:%Y}",
        "{Date:%Y}",
        "{ date:%Y}",
    ],
)
def test_any_other_field_is_refused_and_the_three_named(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"expected \{date:...\}, \{start:...\} or \{end:...\}"
    ):
        Template.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "{date}",
        "{date:}",
        "{date:x}",
        "{date:%}",
        "{date:%Y%}",
        "{date:%-}",
        "{date:%%}",
        "{date:%Y%%}",
        "{date:%-d}",
        "{date:%_H}",
        "{date:%#H}",
        "{date:%s}",
        "{date:%f}",
        "{date:%c}",
        "{date:%x}",
        "{date:%Z}",
        "{date:%n}",
        "{date:%Ey}",
        "{date:%q}",
        "{date:%\n}",
        "{date:%Y{start}}",
        "{date:%Y{start:%m}}",
        "{date:{start}}",
    ],
)
def test_any_other_directive_is_refused_and_the_known_ones_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected strftime directives such as .*%Y %y %m"):
        Template.parse(text)


@pytest.mark.parametrize(
    "text", ["{", "}", "{date:%Y", "date:%Y}", "{date!}", "{date!:%Y}", "a}b"]
)
def test_braces_that_do_not_match_are_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write a brace itself as \{\{ or \}\}"):
        Template.parse(text)


@given(templates(), DATES, DATES, DATES)
def test_a_template_overlaps_each_text_that_it_renders(
    template: Template, date: datetime, start: datetime, end: datetime
) -> None:
    rendered = Template.parse(literal(template.render(date, start, end)))
    assert template.overlaps(rendered)
    assert rendered.overlaps(template)
    assert template.overlaps(template)


@pytest.mark.parametrize("directive", WRITTEN)
def test_each_directive_overlaps_all_that_it_ever_writes(directive: str) -> None:
    template = Template.parse(f"{{date:{directive}}}")
    for hour in range(0, 24 * 366, 7):
        date = at(2024) + timedelta(hours=hour)
        assert template.overlaps(Template.parse(WRITTEN[directive](date)))


def test_templates_that_render_the_same_text_once_overlap() -> None:
    pieces = ["{date:%Y}", "{date:%-H}", "{date:%m}", "{end:%y%d}", "{date:%B}", "1", "0", "M"]
    dates = [at(2010, 10, 10, 10), at(1011, 1, 1, 1), at(2023, 5, 20), at(2001, 10, 1, 2)]
    known = [Template.parse("".join(p)) for n in (1, 2, 3) for p in product(pieces, repeat=n)]
    texts: dict[str, set[int]] = {}
    for number, template in enumerate(known):
        for date in dates:
            texts.setdefault(template.render(date, date, dates[0]), set()).add(number)
    pairs = {pair for alike in texts.values() for pair in combinations(sorted(alike), 2)}
    assert len(pairs) > 500
    for one, other in pairs:
        assert known[one].overlaps(known[other]), (known[one].text, known[other].text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/{date:%Y}.csv", "b/{date:%Y}.csv"),
        ("a/{date:%Y}.csv", "a/{date:%Y}.txt"),
        ("a/{date:%Y}", "a/{date:%Y}/{date:%m}"),
        ("a/{date:%Y}", "a/{date:%y}"),
        ("a/{date:%m}", "a/{date:%b}"),
        ("a/{date:%Y-%m}", "a/{date:%Y_%m}"),
        ("a/{date:%H}", "a/{date:%j}"),
        ("a/{date:%-H}x", "a/{date:%H}"),
        ("a/{date:%A}", "a/{date:%a}"),
        ("", "{date:%u}"),
    ],
)
def test_templates_of_different_shape_do_not_overlap(one: str, other: str) -> None:
    assert not Template.parse(one).overlaps(Template.parse(other))
    assert not Template.parse(other).overlaps(Template.parse(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/{date:%Y}", "a/{end:%Y}"),
        ("a/{date:%Y}", "a/2023"),
        ("a/{date:%y%m}", "a/{date:%Y}"),
        ("a/{date:%-H}", "a/{date:%H}"),
        ("a/{date:%-H}", "a/{date:%u}"),
        ("a/{date:%B}", "a/{date:%b}"),
        ("a/{date:%Y/%m}", "a/{date:%Y}/{date:%m}"),
    ],
)
def test_templates_that_could_render_alike_overlap(one: str, other: str) -> None:
    assert Template.parse(one).overlaps(Template.parse(other))
    assert Template.parse(other).overlaps(Template.parse(one))
