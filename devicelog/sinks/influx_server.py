"""One InfluxDB over HTTP: write lines, ask in InfluxQL, when did it start.

The only importer of influxdb_client, and only when used (446 ms, 39 MB). Every call is
made at once and ends within 5 s: never the batching mode, which swallows errors.
"""

import contextlib
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from devicelog.errors import SinkUnavailable
from devicelog.sinks.settings import InfluxSettings

_CONNECT_MS: Final = 2_000
_READ_MS: Final = 3_000
_AGAIN_S: Final = 60.0  # what a person must mend is asked for no sooner
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_LINES: Final = "text/plain; charset=utf-8"
_TOLD: Final = 300  # characters of an answer that are repeated
_OURS: Final = frozenset({400, 422})  # a line is wrong
_TOO_LARGE: Final = 413
_THEIRS: Final = 500  # and above: the server's own trouble
_REFUSED: Final = {
    401: "the store does not know the token: see token_file",
    403: "the token may not do this: it must read and write the bucket",
    404: "the store has no such bucket, organisation or path: see url, org, bucket",
}


class Refused(Exception):
    """The store will not take some line of this batch (400, 422)."""


class TooLarge(Exception):
    """The batch is too large for the store (413)."""


class TooSlow(SinkUnavailable):
    """No answer in time: the next batch should be smaller."""


class Series(msgspec.Struct, frozen=True):
    """What a statement answers: columns and rows; the tags it was grouped by."""

    columns: tuple[str, ...] = ()
    values: tuple[tuple[Any, ...], ...] = ()
    name: str = ""
    tags: dict[str, str] = {}


class _Result(msgspec.Struct, frozen=True):
    series: tuple[Series, ...] = ()
    error: str = ""


class _Answer(msgspec.Struct, frozen=True):
    results: tuple[_Result, ...] = ()
    error: str = ""


class _Complaint(msgspec.Struct, frozen=True):
    error: str = ""  # 1.x
    message: str = ""  # 2.x


_answer: Final = msgspec.json.Decoder(_Answer)
_complaint: Final = msgspec.json.Decoder(_Complaint)


class Server:
    """One connection, for one thread. A simulated site's bucket ends in `_sim`.

    All calls raise SinkUnavailable.
    """

    def __init__(self, settings: InfluxSettings, *, simulated: bool) -> None:
        self._settings = settings
        self.bucket = settings.bucket + ("_sim" if simulated else "")
        self.url = settings.url.rstrip("/")
        self._packed = (urlsplit(self.url).hostname or "") not in _LOCAL
        self._client: Any = None
        self._writing: Any = None

    def open(self) -> None:
        """Read the token and be ready. Nothing is sent yet."""
        from influxdb_client import (  # type: ignore[attr-defined]  # noqa: PLC0415
            InfluxDBClient,
            WriteService,
        )

        self.close()
        self._client = InfluxDBClient(
            self.url,
            token=self._token(),
            org=self._settings.org,
            timeout=(_CONNECT_MS, _READ_MS),
            ssl_ca_cert=self._settings.ca_file or None,
            connection_pool_maxsize=1,
            retries=False,
        )
        service: Any = WriteService
        self._writing = service(self._client.api_client)

    def close(self) -> None:
        """Let go."""
        client, self._client, self._writing = self._client, None, None
        if client is not None:
            client.close()

    def write(self, lines: Sequence[str]) -> None:
        """Returns once the store has answered that it took all of them.

        Raises Refused or TooLarge for what the lines are.
        """
        body = "\n".join(lines).encode()
        more = {}
        if self._packed:
            body = gzip.compress(body, 1)
            more["content_encoding"] = "gzip"
        with _translated(self):
            self._writing.post_write(
                self._settings.org,
                self.bucket,
                body,
                precision="ns",
                content_type=_LINES,
                **more,
            )

    def ask(self, statements: Sequence[str]) -> list[tuple[Series, ...]]:
        """The series of each statement; times in ns. An error inside is an error."""
        query = [("db", self.bucket), ("epoch", "ns"), ("q", ";".join(statements))]
        try:
            answer = _answer.decode(self._get("/query", query))
        except msgspec.DecodeError as error:
            raise SinkUnavailable(
                f"{self.url}/query does not answer in JSON: {error}",
                hint="is this an InfluxDB?",
                retry_after_s=_AGAIN_S,
            ) from error
        for complaint in (answer.error, *(it.error for it in answer.results)):
            if complaint:
                raise SinkUnavailable(
                    f"{self.url}/query says: {complaint[:_TOLD]}",
                    retry_after_s=_AGAIN_S,
                )
        return [it.series for it in answer.results]

    def started(self) -> str:
        """When the server began its present life; empty where it does not say.

        2.x tells it in `/ready`; 1.x in SHOW DIAGNOSTICS, which is an administrator's,
        and in `/debug/vars`.
        """
        for told in (self._ready, self._diagnostics, self._variables):
            try:
                started = told()
            except (msgspec.DecodeError, Silent):
                continue
            if started:
                return started
        return ""

    # --- Private ------------------------------------------------------------------

    def _ready(self) -> str:
        return msgspec.json.decode(self.quiet("/ready"), type=_Ready).started

    def _variables(self) -> str:
        data = self.quiet("/debug/vars")
        return msgspec.json.decode(data, type=_Variables).system.started

    def _diagnostics(self) -> str:
        query = [("q", "SHOW DIAGNOSTICS FOR 'system'")]
        answer = _answer.decode(self.quiet("/query", query))
        for result in answer.results:
            for series in result.series:
                if "started" in series.columns and series.values:
                    return str(series.values[0][series.columns.index("started")])
        return ""

    def quiet(self, path: str, query: list[tuple[str, str]] | None = None) -> bytes:
        """As `_get`; an answer that refuses is `Silent`, no answer SinkUnavailable."""
        from influxdb_client.rest import ApiException  # noqa: PLC0415

        try:
            return self._get(path, query or [], told=False)
        except ApiException as error:
            if error.status is not None and error.status >= _THEIRS:
                raise SinkUnavailable(f"{self.url} answers {error.status}") from error
            raise Silent from error

    def _get(
        self, path: str, query: list[tuple[str, str]], *, told: bool = True
    ) -> bytes:
        with _translated(self, refusals=told):
            response = self._client.api_client.call_api(
                path,
                "GET",
                query_params=query,
                _preload_content=False,
                _return_http_data_only=True,
            )
            try:
                return bytes(response.read())
            finally:
                response.release_conn()

    def _token(self) -> str:
        path = self._settings.token_file
        if not path:
            return ""
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SinkUnavailable(
                f"token_file {path} cannot be read: {error}",
                hint="it must be readable by the recorder's user",
                retry_after_s=_AGAIN_S,
            ) from error


class Silent(Exception):
    """The server does not say this, at least not to us."""


class _Ready(msgspec.Struct, frozen=True):
    started: str = ""


class _System(msgspec.Struct, frozen=True):
    started: str = ""


class _Variables(msgspec.Struct, frozen=True):
    system: _System = _System()


@contextlib.contextmanager
def _translated(server: Server, *, refusals: bool = True) -> Iterator[None]:
    """Within it what the client raises becomes what the sink understands."""
    from influxdb_client.rest import ApiException  # noqa: PLC0415
    from urllib3 import exceptions  # noqa: PLC0415

    try:
        yield
    except ApiException as error:
        if not refusals:
            raise
        raise _refusal(server, error) from error
    except exceptions.ReadTimeoutError as error:
        raise TooSlow(f"{server.url} does not answer in time") from error
    except (exceptions.HTTPError, OSError) as error:
        raise SinkUnavailable(
            f"{server.url} cannot be reached: {_short(error)}",
            hint="does it run, and is the address right?",
        ) from error


def _refusal(server: Server, error: Any) -> Exception:
    status, text = error.status, _reason(error)
    if status in _OURS:
        return Refused(text)
    if status == _TOO_LARGE:
        return TooLarge(text)
    if not status:
        return SinkUnavailable(
            f"{server.url} cannot be trusted: {text}",
            hint="see ca_file; certificates are always checked",
            retry_after_s=_AGAIN_S,
        )
    where = f"{server.url} answers {status} for {server.bucket}: {text}"
    hint = _REFUSED.get(status, "")
    wait_s = _AGAIN_S if hint else _patience(error)
    return SinkUnavailable(where, hint=hint, retry_after_s=wait_s)


def _short(error: BaseException) -> str:
    return str(error).partition("\n")[0][:_TOLD]


def _reason(error: Any) -> str:
    try:
        complaint = _complaint.decode(error.body or b"")
    except msgspec.DecodeError:
        return str(error.body or error.reason or "no reason given")[:_TOLD]
    return (complaint.error or complaint.message or str(error.reason))[:_TOLD]


def _patience(error: Any) -> float:
    """What a server asks for in Retry-After, up to a minute."""
    try:
        return min(float((error.headers or {}).get("Retry-After", 0)), _AGAIN_S)
    except ValueError:
        return 0.0
