#!/usr/bin/env python3
"""rsyslogd, tuned: lines over TCP (imptcp) into one file (omfile). Prints lines a second, from the first byte sent until the file
has them all; exits 3 if rsyslogd is not on this machine. Usage: rsyslog.py LINES BYTES"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

CONFIGURATION = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imptcp" threads="1" processOnPoller="on")
template(name="raw" type="string" string="%rawmsg%\\n")
ruleset(name="lines" queue.type="FixedArray" queue.size="500000" queue.dequeueBatchSize="8192" queue.workerThreads="1"
        queue.timeoutEnqueue="60000") {{
    action(type="omfile" file="{folder}/out.log" template="raw" ioBufferSize="4m" flushOnTXEnd="off" asyncWriting="on")
}}
input(type="imptcp" address="127.0.0.1" port="{port}" ruleset="lines")
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connected(port: int, deadline: float) -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def main() -> None:
    lines, size = int(sys.argv[1]), int(sys.argv[2])
    program = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
    if not os.access(program, os.X_OK):
        sys.exit(3)
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        configuration = pathlib.Path(folder, "rsyslog.conf")
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
        daemon = subprocess.Popen([program, "-n", "-f", str(configuration), "-i", f"{folder}/pid"], stderr=subprocess.DEVNULL)
        try:
            with connected(port, time.monotonic() + 10) as connection:
                head = b"<13>Nov 21 00:00:00 host request: "
                line = head + b"x" * (size - len(head) - 1) + b"\n"
                batch = line * 256
                output = f"{folder}/out.log"
                start = time.monotonic()
                sent = 0
                while sent < lines:
                    count = min(256, lines - sent)
                    connection.sendall(batch[: count * size])
                    sent += count
                deadline = start + 120
                # The newline that ended a line is not in its message; the template writes another.
                while not os.path.exists(output) or os.path.getsize(output) < lines * size:
                    if time.monotonic() > deadline:
                        have = os.path.getsize(output) if os.path.exists(output) else 0
                        sys.exit(f"rsyslogd has written {have} of {lines * size} bytes after two minutes")
                    time.sleep(0.001)
                    if connection is not None and time.monotonic() - start > 1 and sent >= lines:
                        connection.close()
                print(round(lines / (time.monotonic() - start)))
        finally:
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()


main()
