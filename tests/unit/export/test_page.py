"""The page says everything once, in the texts' words, and takes no text as markup."""

import json
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from unit.export.patient import US

from devicelog.export.course import course
from devicelog.export.curves import chart
from devicelog.export.history import Wanted
from devicelog.export.page import document, rendered, write
from devicelog.export.parts import Whole
from devicelog.export.tables import Options
from devicelog.export.texts import Texts, texts
from devicelog.export.through import Through
from devicelog.export.words import Words
from devicelog.records.keys import Identity

GOLDEN = Path(__file__).parent / "golden"
WORDS = Words(texts())
CANARY = "<script>alert('&\"x')</script>"


class Seen(HTMLParser):
    """Visible text, elements and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.text, self.elements, self.attributes = [], [], []
        self._within = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in ("span", "b"):
            self.text.append(" ")
        if tag not in ("meta", "br"):
            self._within.append(tag)

    def handle_endtag(self, tag):
        if tag in self._within:
            while self._within.pop() != tag:
                pass

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        if "style" not in self._within:
            self.text.append(data)

    @property
    def words(self):
        return " ".join("".join(self.text).split())


class Changed(Through):
    """A source whose heading and treatments are changed on their way."""

    def __init__(self, source, heading=lambda it: it, treatment=lambda it: it):
        super().__init__(source)
        self._heading, self._treatment = heading, treatment

    @property
    def history(self):
        return self._heading(super().history)

    def treatments(self):
        return map(self._treatment, super().treatments())


def page_of(source):
    out = BytesIO()
    write(out, source, Options())
    return out.getvalue().decode()


def only(source, **said):
    """The words of the page where each treatment is changed so."""
    changed = Changed(source, treatment=lambda it: msgspec.structs.replace(it, **said))
    return Seen(page_of(changed)).words


# --- What it says -----------------------------------------------------------------


def test_one_glance_says_what_was_done(hers):
    page = page_of(hers)
    said = Seen(page).words
    for part in (
        "Anna Muster",
        "born 1958-03-09",
        "record 4711",
        "7 by devices, 1 by hand",
        "3 MHz, 20 %, 0.5 W/cm² (SATP), 5:00",
        "24 J (25.5 J corrected) · 5:00",
        "contact lost 17 s, 2 times",
        "2160 J",
        "stopped early",
        "Periosteal pain after four minutes; lower next time.",
        "lateral epicondyle",
        "massage",
        "15 min",
        "complete: 482 decoded, 482 kept, 482 published, 482 stored and read back",
        "Not corrected: there is no output check before it.",
        "They rest on readings that cover 90.8 % of it.",
        "line back after 11.1 s without readings",
        "density 1 0.415 mA/cm²",
        "SIMULATED",
    ):
        assert part in said, part
    assert page.count("<article") == 8


def test_the_latest_stands_first_and_three_of_a_kind_are_compared(hers):
    told = document(hers, WORDS)
    times = [it.at_ns for it in told.sections]
    assert times == sorted(times, reverse=True)
    compared = {it.what: [one.day for one in it.sections] for it in told.comparisons}
    assert compared == {
        "Ultrasound": ["23 Nov 2026", "20 Nov 2026", "16 Nov 2026"],
        "Interferential current": ["18 Nov 2026", "9 Nov 2026"],
    }
    for it in told.comparisons:
        assert it.curve.count("dl-line") == 2 * len(it.sections)  # and the legend


def test_a_long_history_is_several_pages_the_oldest_first(hers):
    whole = document(hers, WORDS)
    parts = [document(it, WORDS) for it in Whole(hers, 3)]
    assert [(it.part, it.parts) for it in parts] == [(1, 3), (2, 3), (3, 3)]
    told = [it.at_ns for part in parts for it in reversed(part.sections)]
    assert told == [it.at_ns for it in reversed(whole.sections)]
    assert [len(it.sections) for it in parts] == [3, 2, 3]
    assert [len(it.comparisons) for it in parts] == [0, 0, 1]
    assert "part 2 of 3" in Seen(rendered(parts[1], texts())).words


def test_an_empty_history_is_a_page_that_says_so(hers):
    nothing = Changed(hers)
    nothing.treatments = nothing.manual = lambda: iter(())
    nothing.count = lambda: 0
    page = page_of(nothing)
    assert "No treatment is recorded in this span." in Seen(page).words


def test_partial_data_bear_their_mark_and_its_meaning(hers):
    said = only(
        hers,
        flags=("start_unseen", "end_estimated", "unconfirmed", "identity_unverified"),
        retired=300,
        open=True,
        reason=None,
        purpose="training",
    )
    for part in (
        "start unseen",
        "end estimated",
        "unconfirmed",
        "identity not verified",
        "readings retired",
        "training, no treatment",
        "at least 24 J so far",
        'duration and dose are "at least"',
        "The device cannot say who it is",
    ):
        assert part in said, part


def test_an_unknown_convention_is_given_both_ways_and_never_as_one(hers):
    totals = {"energy_if_satp_j": 24.0, "energy_if_sata_j": 120.0, "emission_s": 300}
    said = only(hers, totals=totals, derived={}, flags=("convention_unknown",))
    assert "24 J if SATP, 120 J if SATA" in said
    assert "never as one number" in said
    assert "in the pulse; its mean" not in said


def test_readings_that_were_retired_leave_no_curve_and_a_word(hers):
    bare = Changed(hers)
    bare.readings = lambda _: iter(())
    page = page_of(bare)
    assert "dl-line" not in page
    assert "There is no curve" in Seen(page).words


def test_a_name_that_may_not_be_shown_is_not(hers):
    def unnamed(it):
        return msgspec.structs.replace(it, identity=None, unnamed="the key is not here")

    page = page_of(Changed(hers, heading=unnamed))
    said = Seen(page).words
    assert "Muster" not in page
    assert "Name not shown: the key is not here" in said


def test_the_span_is_said_by_the_clinics_clock(hers):
    def spanned(it):
        wanted = Wanted(pseudonym=it.wanted.pseudonym, from_ns=1_790_000_000 * 10**9)
        return msgspec.structs.replace(it, wanted=wanted)

    page = page_of(Changed(hers, heading=spanned))
    assert "from 21 Sep 2026, 16:13 UTC+02:00" in Seen(page).words


# --- What it is -------------------------------------------------------------------


def test_nothing_is_run_and_nothing_is_fetched(hers):
    page = page_of(hers)
    seen = Seen(page)
    assert not {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "image",
        "use",
        "a:",
    } & set(seen.elements)
    for name, value in seen.attributes:
        assert not name.startswith("on"), name
        assert name != "style"
        assert name not in ("src", "srcset", "action", "xlink:href", "data")
        if name == "href":
            assert value.startswith("#")
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in dict(seen.attributes).get("content", "") or any(
        "default-src 'none'" in (value or "") for _, value in seen.attributes
    )


def test_no_text_becomes_markup(hers):
    def text(it):
        """All texts that a wire or a person can bring, each with the canary."""
        values = {
            name: CANARY if isinstance(value, str) else value
            for name, value in it.settings.items()
        } | {"program": CANARY, "waveform": CANARY, "duty_raw": CANARY}
        return msgspec.structs.replace(
            it,
            settings=values,
            device=CANARY,
            session_id=CANARY,
            treatment_id=CANARY,
            clinician=CANARY,
            head=CANARY,
            profile=CANARY,
            profile_hash=CANARY,
            readings_sha256=CANARY,
            maker=msgspec.structs.replace(it.maker, model=CANARY, serial=CANARY),
            notes=(CANARY, "two\nlines"),
        )

    def heading(it):
        return msgspec.structs.replace(
            it,
            wanted=msgspec.structs.replace(it.wanted, pseudonym=CANARY),
            site=CANARY,
            identity=Identity(CANARY, CANARY, CANARY),
            unnamed=CANARY,
            software=CANARY,
            head=CANARY,
            absent=(CANARY,),
        )

    source = Changed(hers, heading, text)
    source.events = lambda it: [
        msgspec.structs.replace(event, new=CANARY, old=CANARY, field="waveform")
        for event in hers.events(it)
    ]
    page = page_of(source)
    seen = Seen(page)
    assert "<script" not in page.lower()
    assert "script" not in seen.elements
    assert page.count("&lt;script&gt;") > 100
    assert seen.words.count(CANARY) > 100


def test_all_words_come_from_the_table(hers):
    """In a language of signs no word of English is left but what the data say."""
    signs = Texts({})
    signs.lists = {"number.months": tuple("ABCDEFGHIJKL")}
    signs.keys = {
        key: "⟦" + "".join(re.findall(r"\{\w+\}", it)) + "⟧"
        for key, it in texts().keys.items()
    } | {"number.point": ".", "language": "xx"}
    said = Seen(rendered(document(hers, Words(signs)), signs)).words
    data = json.dumps(
        [
            msgspec.to_builtins(it)
            for it in (hers.history, *hers.treatments(), *hers.manual())
        ]
    )
    known = set(re.findall(r"[^\W\d_]{3,}", data))
    left = set(re.findall(r"[^\W\d_]{3,}", said)) - known
    assert left <= {"MHz", "kHz"}


def test_the_curve_of_a_prescription_is_as_it_was_seen_and_kept(last_of_hers):
    """R1 of the domain's table: 3 MHz, 20 %, 0.5 W/cm2, contact lost twice."""
    of, source = last_of_hers
    drawn = chart(course(of, source.readings(of), source.events(of), WORDS))
    kept = GOLDEN / "r1.svg"
    assert drawn + "\n" == kept.read_text()


@pytest.fixture
def last_of_hers(weeks):
    with weeks.reader() as reader:
        source = weeks.history(reader)
        last = [it for it in source.treatments() if it.device == US[1]][-1]
        yield last, source
