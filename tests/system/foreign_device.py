"""An ultrasound device on a serial port, made of pymodbus alone; run as a program.

    python foreign_device.py PORT

On standard input it is told when the start key is pressed (seconds of CLOCK_BOOTTIME).
Its registers are laid out as the comments of us-modbus.toml say, by hand.
"""

import asyncio
import sys
import time

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

UNIT = 10
READY, RUNNING, HOLD, PAUSED, FINISHED = 1, 3, 4, 5, 6
TIME_SET_S = 77
# Second of the treatment -> run state and intensity in 0.01 W/cm2. The timer stands
# still in hold and pause: 77 s of output take 90.
SCRIPT = (
    (0, RUNNING, 80),
    (12, HOLD, 80),
    (16, RUNNING, 80),
    (25, RUNNING, 60),
    (35, PAUSED, 60),
    (43, RUNNING, 60),
    (70, HOLD, 60),
    (71, RUNNING, 60),
    (90, FINISHED, 60),
)
DUTY_PCT, ERA_CM2 = 50, 5.0


def look(seconds: float) -> tuple[int, int, float]:
    """State, intensity and time left at this second of the treatment."""
    state, level, ran = READY, 80, 0.0
    for (begin, now, intensity), end in zip(
        SCRIPT, [step[0] for step in SCRIPT[1:]] + [float("inf")], strict=True
    ):
        if seconds < begin:
            break
        state, level = now, intensity
        if state == RUNNING:
            ran += min(seconds, end) - begin
    return state, level, max(0.0, TIME_SET_S - ran)


def text(words: str, registers: int) -> list[int]:
    data = words.encode().ljust(2 * registers, b"\0")
    return [data[n] << 8 | data[n + 1] for n in range(0, len(data), 2)]


IDENTITY = [*text("FOREIGN", 8), *text("PM-0001", 8), *text("3.16", 4)]


def status(seconds: float) -> list[int]:
    state, level, left = look(seconds)
    actual = level if state == RUNNING else 0
    watts = round(actual * ERA_CM2)
    head = [500, 41, int(state != HOLD), 300, *text("A5", 4), 0, 4711]
    return [state, 0, TIME_SET_S, round(left * 10), 1000, DUTY_PCT, 1, level, actual,
            watts, *head]  # fmt: skip


async def main(port: str) -> None:
    began = float("inf")
    loop = asyncio.get_running_loop()
    said = loop.run_in_executor(None, sys.stdin.readline)

    async def answer(function, _start, _address, _count, registers, _set):
        nonlocal began
        if said.done() and began == float("inf"):
            began = float(said.result())
        if function == 4:
            now = time.clock_gettime(time.CLOCK_BOOTTIME)
            registers[:] = status(now - began if now >= began else -1.0)

    def block(values: list[int]) -> list[SimData]:
        return [SimData(0, values=values, datatype=DataType.REGISTERS)]

    def bits() -> list[SimData]:
        return [SimData(0, values=[False] * 8, datatype=DataType.BITS)]

    device = SimDevice(
        UNIT,
        simdata=(bits(), bits(), block(IDENTITY), block(status(-1.0))),
        action=answer,
    )
    await ModbusSerialServer(device, port=port, baudrate=19200).serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
