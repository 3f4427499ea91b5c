"""Bodies of entries about the records themselves: who looked, who was forgotten."""

from typing import Final, Literal, get_args

import msgspec

from devicelog.model.said import Said

AuditEvent = Literal[
    "chain_begun",  # from here on each record of consequence carries a mac
    "patient_added",
    "patient_changed",
    "research_allowed",  # by the patient, under the pseudonym alone
    "research_refused",  # or not any more
    "shown",  # persons were shown by name; `what` says which command
    "exported",
    "backed_up",
    "keys_backed_up",  # the master key was written, under a passphrase
    "restored",  # this journal is a backup, put back
]


class AuditBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """Who looked at whom, who exported what, what was done to the journal itself.

    `subjects` are pseudonyms or sessions, of at most so many as are told one by one;
    `count` is of all. `sha256` is over all earlier records (`chain_begun`) or the file
    that was written; `head` a record and its mac, as in `1234:9f3c...`; `key_id` tells
    which key the chain was begun with.
    """

    event: AuditEvent
    what: str = ""
    subjects: tuple[str, ...] = ()
    count: int = 0
    sha256: str = ""
    head: str = ""
    key_id: str = ""


ForgetReason = Literal[
    "asked",  # by the patient
    "due",  # the time for which it must be kept is over
    "mistake",  # it was never a patient: a slip, a test
]
FORGET_REASONS: Final[tuple[ForgetReason, ...]] = get_args(ForgetReason)


class Aside(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was blanked in journals that lie aside: in how many files and places.

    `doubtful`: files or folders in which the forgotten's key and identity may still be.
    """

    files: int = 0
    places: int = 0
    doubtful: tuple[str, ...] = ()


class TombstoneBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """A patient was forgotten: identity and keys deleted, sessions bound to nobody.

    `sessions` counts those that were this patient's; `again`: by the list beside a
    backup, after an older journal was put back. `aside`: what was done before, to
    journals that lie aside.
    """

    pseudonym: str
    reason: ForgetReason
    sessions: int = 0
    again: bool = False
    aside: Aside = Aside()


HoldReason = Literal[
    "dispute",  # a complaint or a claim
    "authority",  # an authority or a court asked for it
    "study",
    "other",
]
HOLD_REASONS: Final[tuple[HoldReason, ...]] = get_args(HoldReason)


class HoldBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """A record must be kept beyond its time; `over`: not any more.

    A patient's; `pseudonym` empty: of the session that is the entry's subject.
    """

    pseudonym: str = ""
    reason: HoldReason
    over: bool = False
