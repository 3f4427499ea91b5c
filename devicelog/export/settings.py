"""What the operator may set about exports: the table `[export]`."""

import msgspec


class ExportSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`codes_file`: which codes of others stand beside ours in FHIR; empty: none.

    `language`: that of the page; there is a file of texts for each.
    """

    codes_file: str = ""
    language: str = "en"
