"""What the bodies of all entries share."""

import msgspec


class Body(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="v", tag=1
):
    """What all bodies share: whether the wall clock was trusted, and its version."""

    clock_ok: bool = True
