#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The hand at a machine's slots, for tests/chaos: over QMP it presses the button of a slot
when the guest's console asks for it, and plugs in again whatever has left its slot.

usage: replug.py SOCKET CONSOLE-LOG SEED ADDRESS=ID...

ADDRESS is where the guest has the device of that ID, whose properties are what QEMU was
told when it started. Ends when QEMU does.
"""

import json
import pathlib
import random
import re
import socket
import sys
import time

ASKED = re.compile(r"chaos: unplug (\S+)\s")

# What each device is, as on the machine's command line (tests/machines).
PROPERTIES = {
    "edu1": {"driver": "edu", "bus": "rp1", "dma_mask": 0xffffffffffffffff},
    "nic0": {"driver": "e1000e", "bus": "rp4", "netdev": "net0"},
}


class Monitor:
    """QMP, one command at a time."""

    def __init__(self, path):
        self.events = []
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.1)
        self.socket.settimeout(0.2)
        self.rest = ""
        self.receive()
        self.command("qmp_capabilities")

    def receive(self):
        """One message, or None if there is none for a while."""
        while "\n" not in self.rest:
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return None
            if not data:
                raise EOFError
            self.rest += data.decode()
        line, self.rest = self.rest.split("\n", 1)
        return json.loads(line)

    def command(self, name, **arguments):
        """What QEMU returned; events are kept. An error is printed, and None."""
        message = {"execute": name, "arguments": arguments}
        self.socket.sendall((json.dumps(message) + "\n").encode())
        while True:
            got = self.receive()
            if got is None:
                continue
            if "event" in got:
                self.events.append(got)
            elif "error" in got:
                print(f"{name} {arguments}: {got['error']['desc']}",
                      flush=True)
                return None
            elif "return" in got:
                return got["return"]

    def insist(self, name, **arguments):
        """The same, tried again if the guest is busy with the slot."""
        for _ in range(8):
            if self.command(name, **arguments) is not None:
                return
            time.sleep(1)

    def next_event(self):
        """The next one, or None if there is none for a while."""
        if self.events:
            return self.events.pop(0)
        got = self.receive()
        return got if got and "event" in got else None


def main():
    """See the top."""
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    path, log = sys.argv[1], pathlib.Path(sys.argv[2])
    dice = random.Random(int(sys.argv[3], 0))
    ids = dict(arg.split("=") for arg in sys.argv[4:])
    monitor = Monitor(path)
    seen = 0
    while True:
        event = monitor.next_event()
        if event and event["event"] == "DEVICE_DELETED":
            name = event["data"].get("device")
            if name in PROPERTIES:
                time.sleep(dice.random() * 2)
                print(f"plug in {name}", flush=True)
                monitor.insist("device_add", id=name, **PROPERTIES[name])
        text = log.read_text(errors="replace") if log.exists() else ""
        asked = ASKED.findall(text)
        for address in asked[seen:]:
            print(f"press the button of {ids[address]}", flush=True)
            monitor.insist("device_del", id=ids[address])
        seen = len(asked)


if __name__ == "__main__":
    try:
        main()
    except (EOFError, ConnectionError):
        pass
