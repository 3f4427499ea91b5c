"""Positions against the set of numbers that they stand for."""

from hypothesis import given
from hypothesis import strategies as st

from devicelog.model.delivery import RANGES, Position, Proof


def numbers(position):
    taken = set(range(1, position.done_to + 1))
    for first, last in position.ranges:
        taken |= set(range(first, last + 1))
    return taken


STEPS = st.lists(
    st.tuples(st.sampled_from(["grow", "open", "live", "fill"]), st.integers(1, 20)),
    max_size=120,
)


@given(STEPS)
def test_a_position_is_the_set_of_what_was_taken(steps):
    position, head, model = Position(), 0, set()
    for step, by in steps:
        if step == "grow":
            head += by
        elif step == "open":
            position = position.opened(head)
        elif step == "live" and position.top < head:
            upto = min(head, position.top + by)
            model |= set(range(position.top + 1, upto + 1))
            position = position.lived(upto)
        elif step == "fill" and (gap := position.gap):
            upto = min(gap[1], gap[0] + by)
            model |= set(range(gap[0], upto + 1))
            position = position.filled(upto)
        assert numbers(position) == model
        assert position.pending(head) == head - len(model)
        ends = [position.done_to, *(it for pair in position.ranges for it in pair)]
        firsts, lasts = ends[1::2], ends[0::2]
        assert all(last + 1 < first for last, first in zip(lasts, firsts, strict=False))


def test_a_first_connection_takes_live_entries_before_the_past():
    position = Position().opened(1000)

    assert position.ranges == ((1001, 1000),)
    assert position.gap == (1, 1000)
    assert position.lived(1005).filled(1000) == Position(done_to=1005)


def test_flapping_keeps_a_bounded_list_and_forgets_the_newest_closed():
    position = Position()
    for n in range(1, 200):
        position = position.opened(n * 10).lived(n * 10 + 2)

    assert len(position.ranges) == RANGES
    assert position.ranges[0] == (11, 12)
    assert position.top == 199 * 10 + 2
    # What was forgotten is sent again, never left out.
    assert position.gap == (1, 10)


def test_a_repeat_never_moves_back():
    position = Position(done_to=50)

    assert position.lived(40).done_to == 50
    assert position.filled(30).done_to == 50
    assert position.opened(50) == position


LIVES = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "rewrite", "restart", "look", "connect"]),
        st.integers(1, 30),
    ),
    max_size=80,
)


@given(LIVES)
def test_what_is_proven_was_read_back_in_a_later_life_than_it_was_written_in(steps):
    """`restart` is not noticed until the next look or connection."""
    proof, head, life = Proof(), 0, 1
    written, read = {}, {}
    for step, by in steps:
        if step == "write":
            proof = proof.wrote(head + 1)
            written |= dict.fromkeys(range(head + 1, head + by + 1), life)
            head += by
        elif step == "rewrite" and by <= head:
            proof = proof.wrote(by)
            written[by] = life
        elif step == "restart":
            life += 1
        elif step in ("look", "connect"):
            proof = proof.met(f"life {life}")
            upto = min(head, proof.verified_to + 7)  # read back, at leisure
            read |= dict.fromkeys(range(proof.verified_to + 1, upto + 1), life)
            proof = Proof(upto, proof.since_start, proof.since_look, proof.server)
        for seq in range(1, min(head, proof.proven) + 1):
            assert read[seq] > written[seq]


@given(LIVES)
def test_a_server_that_says_nothing_proves_nothing_it_was_given(steps):
    proof, written = Proof(), set()
    for step, by in steps:
        if "write" in step:
            proof = proof.wrote(by)
            written.add(by)
        elif step == "connect":
            proof = proof.met("")
        assert not written or proof.proven < min(written)


def test_what_is_taken_and_not_read_back_is_found_over_the_gaps():
    position = Position(10, ((21, 30), (41, 40)))

    assert position.last == 30
    assert position.unread == (1, 10)
    assert position.read_to(10).unread == (21, 30)
    assert position.read_to(25).unread == (26, 30)
    assert position.read_to(30).unread is None
    assert [position.takes(seq) for seq in (10, 11, 30, 31, 40)] == [
        *(True, False, True, False, False)
    ]
    assert position.read_to(30).safe_to == 10
    assert position.read_to(30).proved(Proof(30, since_start=5)).safe_to == 4
