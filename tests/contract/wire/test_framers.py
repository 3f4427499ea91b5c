"""The contract of wire.base, run on each framing style.

A new style adds its rows to `wires` and is proved by everything here.
"""

import random
from itertools import pairwise
from typing import NamedTuple

import pytest
from contract.wire.wires import ASKS, WIRES, Wire, every_wire
from hypothesis import given, settings
from hypothesis import strategies as st

from devicelog.model.flow import Frame, Noise

# Tracing each line would make the many examples thrice as long.
pytestmark = pytest.mark.no_cover

SILENCE = b""
SILENT_LINE = st.one_of(st.just(SILENCE), st.binary(min_size=1, max_size=300))
SEEDS = st.integers(0, 2**32)


class Heard(NamedTuple):
    frames: list[Frame]
    noise: int
    pending: int


def hear(wire: Wire, chunks) -> Heard:
    """Feed these; each piece must be in order, whole and within the bound."""
    framer = wire.framer()
    frames, out, fed = [], [], []
    for chunk in chunks:
        pieces = framer.feed(chunk)
        fed.append(chunk)
        out += [piece.data for piece in pieces]
        frames += [piece for piece in pieces if isinstance(piece, Frame)]
        touching = [isinstance(piece, Noise) for piece in pieces]
        assert (True, True) not in pairwise(touching), "noise that touches is one"
        assert all(piece.data for piece in pieces)
        assert framer.pending <= 2 * wire.longest
        assert chunk or not framer.pending, "after silence nothing is pending"
    whole, told = b"".join(fed), b"".join(out)
    assert whole.startswith(told), "what comes out is what went in, in its order"
    assert framer.pending == len(whole) - len(told)
    noise = len(told) - sum(len(frame.data) for frame in frames)
    return Heard(frames, noise, framer.pending)


def cut(data: bytes, marks) -> list[bytes]:
    places = sorted({0, len(data), *(mark % (len(data) + 1) for mark in marks)})
    return [data[a:b] for a, b in pairwise(places)]


def conversation(wire: Wire, dice: random.Random, garble: bytes, frames: int = 6):
    """Frames with garble at one place among them."""
    said = [wire.make(dice)[1] for _ in range(frames)]
    said.insert(dice.randrange(frames + 1), garble)
    return b"".join(said)


@every_wire
@given(st.lists(SILENT_LINE, max_size=12))
def test_any_bytes_are_frames_noise_or_pending(wire, chunks):
    hear(wire, chunks)


@every_wire
@given(SEEDS, st.binary(max_size=40), st.lists(st.integers(0, 4000), max_size=12))
def test_cutting_changes_neither_frames_nor_noise(wire, seed, garble, marks):
    data = conversation(wire, random.Random(seed), garble)

    whole = hear(wire, [data])
    assert hear(wire, cut(data, marks)) == whole
    assert hear(wire, [bytes((byte,)) for byte in data]) == whole


@every_wire
@given(
    SEEDS,
    st.lists(st.binary(max_size=60), max_size=6),
    st.lists(st.integers(0, 4000), max_size=12),
)
def test_nor_does_it_where_the_line_falls_silent_at_the_same_places(
    wire, seed, garbles, marks
):
    dice = random.Random(seed)
    spoken = [conversation(wire, dice, garble, frames=2) for garble in garbles]

    whole = [chunk for data in spoken for chunk in (data, SILENCE)]
    pieces = [chunk for data in spoken for chunk in (*cut(data, marks), SILENCE)]
    assert hear(wire, pieces) == hear(wire, whole)


@every_wire
def test_every_kind_of_frame_alone_and_in_a_row(wire):
    dice = random.Random(7)
    said = [wire.make(dice) for _ in range(500)]

    for kind, data in said:
        assert hear(wire, [data, SILENCE]) == ([Frame(data, kind)], 0, 0)
    together = hear(wire, [b"".join(data for _, data in said), SILENCE])
    assert together == ([Frame(data, kind) for kind, data in said], 0, 0)


GARBLES = {
    "a zero": b"\0",
    "a break": b"\0" * 20,
    "a start": None,
    "starts": None,
    "noise": bytes(range(200, 256)) * 4,
    "text": b"AT\r\nOK\r\n",
    "a frame's beginning": None,
    "a frame's end": None,
    "a frame but for its checksum": None,
}


def garble_of(wire: Wire, name: str) -> bytes:
    frame = wire.make(random.Random(11))[1]
    made = {
        "a start": wire.start,
        "starts": wire.start * 15,
        "a frame's beginning": frame[: len(frame) // 2],
        "a frame's end": frame[len(frame) // 2 :],
        "a frame but for its checksum": frame[:-1] + bytes((frame[-1] ^ 1,)),
    }
    return GARBLES[name] or made[name]


def spoken(wire: Wire, *parts: bytes) -> list[bytes]:
    """What is fed when these come one after the other, then nothing."""
    if wire.parted:
        return [chunk for part in parts for chunk in (part, SILENCE)]
    return [b"".join(parts), SILENCE]


@every_wire
@pytest.mark.parametrize("name", GARBLES)
@pytest.mark.parametrize("where", ["before", "between", "after"])
def test_garble_costs_no_frame(wire, name, where):
    dice, garble = random.Random(3), garble_of(wire, name)
    first, second = wire.make(dice)[1], wire.make(dice)[1]
    parts = [first, second]
    parts.insert(("before", "between", "after").index(where), garble)

    heard = hear(wire, spoken(wire, *parts))

    frames = [frame.data for frame in heard.frames]
    said = [frame for frame in frames if frame in (first, second)]
    others = [frame for frame in frames if frame not in (*said, *ASKS)]
    assert said == [first, second]
    assert heard.noise == len(garble) - sum(map(len, frames)) + len(first + second)
    # Where nothing checks a line, any line is one.
    assert not others or wire.bits == 0


@every_wire
@pytest.mark.parametrize("at", ["first", "middle", "last"])
@pytest.mark.parametrize("how", ["flip", "drop", "double"])
def test_garble_within_a_frame_costs_that_frame_alone(wire, at, how):
    dice = random.Random(5)
    before, hurt, after = (wire.make(dice)[1] for _ in range(3))
    n = {"first": 0, "middle": len(hurt) // 2, "last": len(hurt) - 1}[at]
    byte = {
        "flip": bytes((hurt[n] ^ 0x40,)),
        "drop": b"",
        "double": hurt[n : n + 1] * 2,
    }
    hurt = hurt[:n] + byte[how] + hurt[n + 1 :]

    heard = hear(wire, spoken(wire, before, hurt, after))

    frames = [frame.data for frame in heard.frames]
    assert frames[0] == before
    assert frames[-1] == after


@every_wire
def test_half_a_frame_waits_for_its_rest_and_dies_in_silence(wire):
    frame = wire.make(random.Random(1))[1]
    framer = wire.framer()

    assert framer.feed(frame[:-1]) == []
    assert framer.pending == len(frame) - 1
    assert [piece.data for piece in framer.feed(frame[-1:])] == [frame]
    assert framer.feed(frame[:-1]) == []
    assert all(isinstance(piece, Noise) for piece in framer.feed(SILENCE))
    assert framer.pending == 0


def floods(wire: Wire) -> dict[str, bytes]:
    """What a babbling line may bring: bytes that keep a framer busiest."""
    frame = wire.make(random.Random(13))[1]
    return {
        "zeros": b"\0",
        "ones": b"\xff",
        "lengths": b"\x0a\x04\xfa",
        "text": b"U",
        "starts": wire.start,
        "starts that promise much": wire.start + b"\xf0",
        "frames without a beginning": frame[1:],
        "frames without an end": frame[:-1],
        "frames but for their checksum": frame[:-1] + bytes((frame[-1] ^ 1,)),
        "requests, nearly": b"?US?",
    }


@every_wire
@pytest.mark.parametrize("name", floods(WIRES["lines"]))
@pytest.mark.parametrize("chunk", [1, 4096])
def test_a_babbling_line_costs_what_its_bytes_cost(wire, name, chunk, monkeypatch):
    """Each byte is looked at as a beginning once, and once a feed while it waits."""
    flood = floods(wire)[name]
    framer = wire.framer()
    looks = counted_looks(framer, wire, chunk, monkeypatch)
    size = (4_000 if chunk == 1 else 20_000) // len(flood) * len(flood)
    data = flood * (size // len(flood))
    told = 0
    for n in range(0, size, chunk):
        told += sum(len(piece.data) for piece in framer.feed(data[n : n + chunk]))
        assert framer.pending <= wire.longest
        assert told + framer.pending == min(n + chunk, size)

    assert len(looks) <= size + -(-size // chunk)


def counted_looks(framer, wire, chunk, monkeypatch) -> list[int]:
    """Each look of this framer, with the bytes that it may see: a bounded number."""
    looks: list[int] = []
    name = "_unended" if hasattr(framer, "_unended") else "_look"
    look = getattr(framer, name)

    def looking(buffer, at, *rest: int, **final: bool):
        seen = (rest[0] if rest else len(buffer)) - at
        assert seen <= wire.longest + (chunk if final else 0)
        looks.append(seen)
        return look(buffer, at, *rest, **final)

    monkeypatch.setattr(framer, name, looking)
    return looks


def mutated(frame: bytes, dice: random.Random) -> bytes:
    """The frame with one thing wrong, as a line does it."""
    n = dice.randrange(len(frame))
    how = dice.randrange(6)
    if how == 0:
        return frame[:n] + bytes((frame[n] ^ 1 << dice.randrange(8),)) + frame[n + 1 :]
    if how == 1:
        return frame[:n] + frame[n + 1 :]
    if how == 2:
        return frame[:n] + dice.randbytes(dice.randint(1, 4)) + frame[n:]
    if how == 3:
        return frame[:n]
    if how == 4:
        return frame[:n] + dice.randbytes(len(frame) - n)
    return dice.randbytes(len(frame))


def torment(wire: Wire, seed: int, rounds: int) -> tuple[float, int]:
    """Mutated frames among intact ones; share of the intact found, wrong ones taken."""
    dice = random.Random(seed)
    framer = wire.framer()
    found = wrong = 0
    for _ in range(rounds):
        intact, whole = wire.make(dice)[1], wire.make(dice)[1]
        hurt = mutated(whole, dice)
        chunks = [
            piece
            for part in spoken(wire, hurt, intact)
            for piece in (cut(part, [dice.randrange(600)]) if part else [part])
        ]
        pieces = [piece for chunk in chunks for piece in framer.feed(chunk)]
        assert sum(len(piece.data) for piece in pieces) == len(hurt) + len(intact)
        frames = [piece.data for piece in pieces if isinstance(piece, Frame)]
        found += intact in frames
        wrong += sum(frame not in (intact, whole, *ASKS) for frame in frames)
    return found / rounds, wrong


def believe(wire: Wire, seed: int, rounds: int) -> None:
    print(f"seed {seed}")
    share, wrong = torment(wire, seed, rounds)
    print(f"{share:.5%} of the intact frames found, {wrong} others taken")
    assert share >= 0.999
    # What a check of so many bits lets through; a line without one takes any text.
    assert wrong <= 5 + 2 * rounds / 2**wire.bits


@every_wire
def test_thousands_of_damaged_frames(wire):
    believe(wire, 20261124, 4_000)


@every_wire
@pytest.mark.torture
@pytest.mark.timeout(900)
def test_a_million_damaged_frames(wire):
    believe(wire, random.SystemRandom().randrange(2**32), 1_000_000)


@every_wire
@settings(max_examples=50)
@given(SEEDS)
def test_what_was_held_hostage_by_a_false_start_comes_with_silence(wire, seed):
    dice = random.Random(seed)
    frame = wire.make(dice)[1]
    false = wire.make(dice)[1][: dice.randint(1, 4)]

    heard = hear(wire, spoken(wire, false, frame))

    assert frame in [it.data for it in heard.frames]
