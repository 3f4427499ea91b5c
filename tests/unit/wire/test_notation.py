"""Bytes as they are written in a profile."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.wire.notation import shown, spelled


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", b""),
        ("?S", b"?S"),
        ("<STX>?S<ETX>", b"\x02?S\x03"),
        ("<stx>", b"\x02"),
        ("<5A A5 01>", b"\x5a\xa5\x01"),
        ("<5aa501>", b"\x5a\xa5\x01"),
        ("a<3C>b<3E>", b"a<b>"),
        ("<CR><LF>", b"\r\n"),
        ("<TAB><HT><DEL><NUL>", b"\t\t\x7f\0"),
        ("<FF><0C>", b"\xff\x0c"),
        (" ", b" "),
    ],
)
def test_how_bytes_are_written(text, data):
    assert spelled(text) == data


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<STX", "'<STX' is not closed; < and > are written <3C> and <3E>"),
        ("a>b", "'>b' is not closed; < and > are written <3C> and <3E>"),
        ("<<STX>", "'<<STX>' is not closed; < and > are written <3C> and <3E>"),
        ("<STY>", "<STY> is no control character and no hexadecimal number"),
        ("<5>", "<5> is no control character and no hexadecimal number"),
        ("<5A  A5>", "<5A  A5> is no control character and no hexadecimal number"),
        ("<>", "<> is no control character and no hexadecimal number"),
        ("\u00b5", "'\u00b5' is not ASCII; write bytes as in <5A A5>"),
        ("\r\n", "'\\r\\n' is not ASCII; write bytes as in <5A A5>"),
    ],
)
def test_what_is_not_written_so(text, wrong):
    with pytest.raises(ValueError, match=r".") as caught:
        spelled(text)

    assert str(caught.value) == wrong


@given(st.binary(max_size=40))
def test_what_is_shown_can_be_written(data):
    assert spelled(shown(data)) == data


@given(st.text(max_size=12))
def test_any_text_is_bytes_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert isinstance(spelled(text), bytes)
