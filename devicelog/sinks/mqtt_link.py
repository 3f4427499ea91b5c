"""One connection to a broker, from its opening to its loss. The only user of paho.

The thread that uses it also turns its loop: no thread of paho's, no lock, and what the
callbacks hear only waits in a queue until the next turn. A link that is lost is thrown
away with all that paho held; the journal knows what was not answered.
"""

import select
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from devicelog.clock import SECOND, Clock
from devicelog.errors import SinkUnavailable
from devicelog.sinks.messages import Post
from devicelog.sinks.settings import MqttSettings

CALL_S: Final = 4.0  # no call of a sink takes longer; no thread blocks over 5 s
REFUSED_S: Final = 60.0  # a refusal is for a person to mend: no sooner again
_TCP_S: Final = 1.5
# A dead line is noticed after two of these and a turn of the loop: within 20 s.
KEEPALIVE_S: Final = 9
# Measured: 20 to 100 go fastest, 1,000 are slower. A broker may ask for less.
_WINDOW: Final = 100
_DENIED: Final = 128  # reason codes from here on are refusals (MQTT 5, 2.4)
_TAKEN_OVER: Final = 142
_PROTOCOL: Final = 132
_PASSWORD: Final = (134, 135)


class _Socket(ssl.SSLSocket):
    """Closes itself where the handshake fails; paho would leave it to the collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class Link:
    """See the module. `watched`: a topic whose newest payload `heard` holds."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        will: Post,
        watched: str,
        clock: Clock,
    ) -> None:
        self.heard: bytes | None = None
        self.lost = False
        self._settings = settings
        self._watched = watched
        self._clock = clock
        self._who = f"{settings.host}:{settings.port}"
        self._client_id = client_id
        self._news: deque[tuple[str, Any, Any]] = deque()
        self._answers: set[str] = set()
        self._flying: dict[int, Post] = {}  # published, not answered yet
        self._window = _WINDOW
        self._five = settings.protocol == "5"
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self._five else True,
            protocol=paho.MQTTv5 if self._five else paho.MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.max_inflight_messages_set(500)
        self._client.connect_timeout = _TCP_S
        self._client.will_set(will.topic, will.payload, qos=1, retain=True)
        self._listen()

    # --- Its life -----------------------------------------------------------------

    def open(self) -> None:
        """Connect, and know what the watched topic holds. Raises SinkUnavailable."""
        until = self._until()
        self._identify()
        try:
            self._client.connect(
                self._settings.host,
                self._settings.port,
                keepalive=KEEPALIVE_S,
                clean_start=True if self._five else paho.MQTT_CLEAN_START_FIRST_ONLY,
            )
        except ssl.SSLCertVerificationError as error:
            raise SinkUnavailable(
                f"the certificate of {self._who} is refused: {error.verify_message}",
                hint="mqtt.ca_file must name the authority that signed it, and"
                " mqtt.host a name that stands in it",
                retry_after_s=REFUSED_S,
            ) from error
        except (OSError, ValueError) as error:
            raise SinkUnavailable(f"no broker at {self._who}: {error}") from error
        self._await("connected", until)
        self._client.subscribe(self._watched, qos=1)
        # Answered after the retained message, if there is one.
        self._client.unsubscribe(f"{self._watched}/none")
        self._await("unsubscribed", until)

    def close(self, farewell: Post | None = None) -> None:
        """Say goodbye, so that the last will is not told; never raises."""
        if self._client.socket() is None:
            return
        try:
            if farewell is not None:
                self.send([farewell], within_s=1.0)
        except SinkUnavailable:
            pass
        finally:
            self._client.disconnect()
            self.cut()

    def cut(self) -> None:
        """Let go without a word: the broker tells the last will."""
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    # --- Sending ------------------------------------------------------------------

    def send(self, posts: Sequence[Post], *, within_s: float = CALL_S) -> list[bool]:
        """Publish in order; which of them the broker took. At least one, or it raises.

        Raises SinkUnavailable where the connection is lost, nothing is answered within
        the time, or a publish is denied.
        """
        until_ns = self._clock.mono_ns() + round(within_s * SECOND)
        mine: dict[int, int] = {}  # number -> place in `posts`
        waiting: set[int] = set()
        while len(mine) < len(posts) or waiting:
            while len(mine) < len(posts) and len(self._flying) < self._window:
                number = self._publish(posts[len(mine)])
                mine[number] = len(mine)
                waiting.add(number)
            left_ns = until_ns - self._clock.mono_ns()
            if left_ns <= 0:
                break
            self.turn(left_ns / SECOND)
            waiting &= self._flying.keys()
        taken = [False] * len(posts)
        for number, place in mine.items():
            taken[place] = number not in waiting
        if posts and not any(taken):
            raise SinkUnavailable(f"{self._who} did not answer for {within_s:g} s")
        return taken

    def turn(self, wait_s: float) -> None:
        """Read and write what can be, waiting so long at most. Raises as `send`."""
        sock = self._client.socket()
        if sock is not None:
            poll = select.poll()
            write = select.POLLOUT if self._client.want_write() else 0
            poll.register(sock, select.POLLIN | write)
            pending = isinstance(sock, ssl.SSLSocket) and sock.pending()
            events = poll.poll(0 if pending else wait_s * 1000) or [(0, 0)]
            self._work(events[0][1] | (select.POLLIN if pending else 0))
        self._hear()
        if self._client.socket() is None:
            self.lost = True
            raise SinkUnavailable(f"the connection to {self._who} is lost")

    # --- Private ------------------------------------------------------------------

    def _work(self, event: int) -> None:
        """Let paho do what the socket allows; before 2.2 it raises at half packets."""
        try:
            if event & ~select.POLLOUT:
                self._client.loop_read()
            if event & select.POLLOUT:
                self._client.loop_write()
            self._client.loop_misc()
        except Exception as error:
            raise SinkUnavailable(
                f"{self._who} sent what is no MQTT {self._settings.protocol}: {error}",
                hint="is mqtt.port a broker's? An old one needs mqtt.protocol"
                ' = "3.1.1"',
                retry_after_s=REFUSED_S,
            ) from error

    def _listen(self) -> None:
        """Callbacks put into a queue, and nothing else."""

        def note(word: str, *places: int) -> Callable[..., None]:
            def callback(*told: Any) -> None:
                self._news.append((word, *(told[at] for at in places)))

            return callback

        self._client.on_connect = note("connected", 3, 4)
        self._client.on_disconnect = note("gone", 3, 2)
        self._client.on_publish = note("published", 2, 3)
        self._client.on_subscribe = note("subscribed", 2, 3)
        self._client.on_unsubscribe = note("unsubscribed", 2, 2)
        self._client.on_message = note("message", 2, 2)

    def _identify(self) -> None:
        """User and password, read anew each time; TLS, always checked."""
        settings = self._settings
        try:
            if settings.user:
                path = settings.password_file
                password = Path(path).read_text(encoding="utf-8") if path else ""
                self._client.username_pw_set(settings.user, password.strip("\r\n"))
            if settings.tls:
                context = ssl.create_default_context(cafile=settings.ca_file or None)
                context.sslsocket_class = _Socket
                self._client.tls_set_context(context)
        except (OSError, UnicodeDecodeError) as error:
            raise SinkUnavailable(
                f"a file that [mqtt] names cannot be used: {error}",
                hint="mqtt.password_file holds the password, mqtt.ca_file certificates"
                " in PEM; the user that runs devicelog must be able to read them",
                retry_after_s=REFUSED_S,
            ) from error

    def _publish(self, post: Post) -> int:
        """Its number. Raises SinkUnavailable where there is no connection."""
        if self._client.socket() is None or not self._client.is_connected():
            raise SinkUnavailable(f"not connected to {self._who}")
        info = self._client.publish(post.topic, post.payload, 1, post.retain)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            self._hear()
            raise SinkUnavailable(
                f"{self._who} took no more: {paho.error_string(info.rc)}"
            )
        self._flying[info.mid] = post
        return info.mid

    def _await(self, answer: str, until_ns: int) -> None:
        while answer not in self._answers:
            left_ns = until_ns - self._clock.mono_ns()
            if left_ns <= 0:
                older = " (if it speaks no MQTT 5: mqtt.protocol)" if self._five else ""
                raise SinkUnavailable(f"{self._who} accepts and stays mute{older}")
            self.turn(left_ns / SECOND)

    def _hear(self) -> None:
        """What the callbacks put aside, in order."""
        while self._news:
            word, one, two = self._news.popleft()
            if word == "published":
                post = self._flying.pop(one, None)
                if two.value >= _DENIED:
                    raise self._denied("publish to", post.topic if post else "?", two)
            elif word == "message":
                self.heard = one.payload
            elif word == "gone":
                self.lost = True
                raise self._gone(one)
            else:
                self._answers.add(word)
                if word == "connected":
                    if one.is_failure:
                        raise self._refused(one)
                    most = getattr(two, "ReceiveMaximum", _WINDOW)
                    self._window = min(_WINDOW, most)
                if word == "subscribed" and any(it.value >= _DENIED for it in two):
                    raise self._denied("read", self._watched, two[0])

    def _denied(self, verb: str, topic: str, reason: Any) -> SinkUnavailable:
        user = self._settings.user or "(none)"
        return SinkUnavailable(
            f"{self._who} does not let user {user} {verb} {topic}: {reason}",
            hint="the broker's access list (acl_file) must allow it"
            " (config/mosquitto/aclfile shows how); entries wait in the journal",
            retry_after_s=REFUSED_S,
        )

    def _refused(self, reason: Any) -> SinkUnavailable:
        hint = "see the broker's log"
        if reason.value in _PASSWORD:
            hint = "mqtt.user and mqtt.password_file must be as the broker knows them"
        elif reason.value == _PROTOCOL:
            hint = 'set mqtt.protocol = "3.1.1"'
        return SinkUnavailable(
            f"{self._who} refuses us: {reason}", hint=hint, retry_after_s=REFUSED_S
        )

    def _gone(self, reason: Any) -> SinkUnavailable:
        if reason.value == _TAKEN_OVER:
            return SinkUnavailable(
                f"another client took our place at {self._who}: {self._client_id}",
                hint="a copy of this journal is recording elsewhere: stop one of them",
                retry_after_s=REFUSED_S,
            )
        return SinkUnavailable(f"the connection to {self._who} is lost: {reason}")

    def _until(self) -> int:
        return self._clock.mono_ns() + round(CALL_S * SECOND)
