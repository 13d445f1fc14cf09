"""A reader of the optical port as a program of its own.

`python iec_reader.py c DEVICE [ADDRESS]`: mode C with the `iec62056-21` package, 300 baud 7E1 as it opens its
port. `python iec_reader.py a DEVICE BAUD TIMEOUT [ADDRESS]`: mode A with plain pyserial, nothing sent
after the request; `l` likewise, but by `readlines`, which ends with the first read that times out.
`python iec_reader.py p DEVICE PASSWORD COMMAND …`: programming with the same package; a command is `ID` to read
or `ID=VALUE` to write. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time


def mode_c(device: str, address: str = "") -> dict[str, object]:
    from iec62056_21.client import Iec6205621Client

    client = Iec6205621Client.with_serial_transport(port=device, device_address=address)
    client.connect()
    answer = client.standard_readout()
    client.disconnect()
    lines = [
        [[item.address, item.value, item.unit] for item in line.data_sets] for line in answer.data_block.data_lines
    ]
    return {
        "manufacturer": client.manufacturer_id,
        "identification": client.identification,
        "baud": client.switchover_baudrate,
        "lines": lines,
    }


def programming(device: str, password: str, *commands: str) -> dict[str, object]:
    from iec62056_21.client import Iec6205621Client
    from iec62056_21.messages import CommandMessage, DataSet

    client = Iec6205621Client.with_serial_transport(port=device)
    client.connect()
    challenge = client.access_programming_mode()
    # `send_password` of this package builds a data set without address, which it refuses.
    given = DataSet(value=password, address="")
    client.transport.send(CommandMessage(command="P", command_type=1, data_set=given).to_bytes())
    answers = [client.transport.recv(1).hex()]
    for command in commands:
        address, *value = command.split("=")
        if value:
            client.write_single_value(address, value[0])
            answers.append("written")
        else:
            read = client.read_single_value(address)
            answers.append([read.address, read.value, read.unit])
    client.send_break()
    client.disconnect()
    return {"challenge": challenge.command + str(challenge.command_type), "answers": answers}


def mode_a(device: str, baud: str, timeout: str, address: str = "") -> dict[str, object]:
    import serial

    port = serial.Serial(device, int(baud), bytesize=7, parity="E", stopbits=1, timeout=float(timeout))
    port.write(f"/?{address}!\r\n".encode())
    begin = time.monotonic()
    received = b""
    while octets := port.read(1):
        received += octets + port.read(port.in_waiting)
        if received[-2:-1] == b"\x03":
            break
    port.close()
    return {"received": received.hex(), "seconds": time.monotonic() - begin}


def mode_a_lines(device: str, baud: str, timeout: str) -> dict[str, object]:
    import serial

    port = serial.Serial(device, int(baud), bytesize=7, parity="E", stopbits=1, timeout=float(timeout))
    port.write(b"/?!\r\n")
    received = b"".join(port.readlines())
    port.close()
    return {"received": received.hex()}


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    read = {"a": mode_a, "c": mode_c, "l": mode_a_lines, "p": programming}[mode]
    print(json.dumps(read(*arguments)))  # type: ignore[operator]
