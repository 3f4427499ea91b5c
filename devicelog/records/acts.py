"""Every write that a person may ask for: its name, what it takes, its rule."""

from typing import Final

from devicelog.records import (
    annotations,
    audit,
    bindings,
    calibration,
    consent,
    forgetting,
    manual,
    patients,
    purposes,
    register,
    retention,
    users,
)
from devicelog.records.request import Args, Rule

ACTS: Final[dict[str, tuple[type[Args], Rule]]] = {
    "add_patients": (patients.AddPatients, patients.add),
    "change_patient": (patients.ChangePatient, patients.change),
    "forget": (forgetting.Forget, forgetting.forget),
    "consent": (consent.Consent, consent.consent),
    "hold": (retention.Hold, retention.hold),
    "retire_sink": (retention.RetireSink, retention.retire_sink),
    "note": (audit.Note, audit.note),
    "assign": (bindings.Assign, bindings.assign),
    "unbind": (bindings.Unbind, bindings.unbind),
    "undo": (bindings.Undo, bindings.undo),
    "ahead": (bindings.Ahead, bindings.ahead),
    "withdraw": (bindings.Withdraw, bindings.withdraw),
    "purpose": (purposes.SetPurpose, purposes.set_purpose),
    "annotate": (annotations.Annotate, annotations.annotate),
    "add_treatment": (manual.AddTreatment, manual.add),
    "withdraw_treatment": (manual.WithdrawTreatment, manual.withdraw),
    "register": (register.Register, register.register),
    "add_check": (calibration.AddCheck, calibration.add),
    "withdraw_check": (calibration.WithdrawCheck, calibration.withdraw),
    "add_user": (users.AddUser, users.add),
    "change_user": (users.ChangeUser, users.change),
    "came": (users.Came, users.came),
}
