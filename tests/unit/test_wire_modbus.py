"""Modbus RTU frames: the contract of wire.base."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from devicelog.model.flow import Frame
from devicelog.wire import modbus
from devicelog.wire.modbus import Framer


def fed(chunks):
    framer = Framer()
    pieces = [piece for chunk in chunks if chunk for piece in framer.feed(chunk)]
    pieces += framer.feed(b"")
    frames = [piece.data for piece in pieces if isinstance(piece, Frame)]
    return frames, sum(len(piece.data) for piece in pieces), framer.pending


def test_a_known_request_is_encoded_as_the_sonicator_map_has_it():
    known = bytes.fromhex("02 03 01 10 00 04 44 03")

    assert known == modbus.request(2, 3, 0x0110, 4)
    assert fed([known]) == ([known], 8, 0)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_all_accounted_for(chunks):
    _, size, pending = fed(chunks)

    assert size == sum(map(len, chunks))
    assert pending == 0


@given(st.binary(max_size=6), st.lists(st.integers(0, 60), max_size=5))
def test_cutting_never_changes_the_frames(garble, cuts):
    line = garble + modbus.response(10, 4, bytes(28)) + modbus.request(10, 4, 0, 14)
    marks = sorted({0, *(cut for cut in cuts if cut < len(line)), len(line)})
    pieces = [line[a:b] for a, b in pairwise(marks)]

    assert fed([line])[0] == fed(pieces)[0] == fed([bytes([b]) for b in line])[0]
