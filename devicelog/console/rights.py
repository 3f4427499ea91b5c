"""Who may do what: one table, asked before a page is made and within it."""

from typing import Final, Literal, get_args

from devicelog.model.users import Role

Right = Literal[
    "see",  # what devices do now; no person, no value of a treatment that is over
    "persons",  # names, and whose a session is
    "bind",  # say whose it is, now, afterwards, ahead
    "register",  # add patients and correct who they are
    "treatments",  # settings, dose, curves of sessions
    "records",  # annotations and notes, and adding to them
    "export",  # a patient's record as a file
    "devices",  # lines, hours, errors of timers, heads, checks
    "checks",  # write down an output check; recall a head
    "system",  # sinks, disk, clock, backups
    "users",  # who may come in; the audit log
]
RIGHTS: Final[tuple[Right, ...]] = get_args(Right)

MAY: Final[dict[Role, frozenset[Right]]] = {
    "reception": frozenset({"see", "persons", "bind", "register"}),
    "physio": frozenset(
        {
            *("see", "persons", "bind", "register", "treatments"),
            *("records", "export", "devices"),
        }
    ),
    "engineer": frozenset({"see", "treatments", "devices", "checks", "system"}),
    "admin": frozenset({"see", "devices", "system", "users"}),
}
