#!/usr/bin/env python3
"""Runs an example server, asks it with curl as a client that traces would, and reads the events it left.

    try_server.py PROGRAM      # of Examples/, built with its trait

The events are decoded by pymongo's bson, so it wants the Python of .venv.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

import bson

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def curl(port, path):
    """Status and body of a GET."""
    command = ["curl", "--silent", "--max-time", "20", "--write-out", "\n%{http_code}", "--user-agent", "curl-for-skein",
               "--header", f"traceparent: 00-{TRACE}-{PARENT}-01", f"http://127.0.0.1:{port}{path}"]  # fmt: skip
    body, _, status = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("\n")
    return int(status), body


def listening_port(server):
    """The port out of the line that the server prints; an end of its output or 60 s without one is a failure."""
    timer = threading.Timer(60, server.kill)
    timer.start()
    for line in server.stdout:
        if match := re.search(r"listening on port (\d+)", line):
            timer.cancel()
            return int(match[1])
    sys.exit("the server ended before it said its port")


def main():
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "events.bson")
        environment = os.environ | {"SKEIN_ENDPOINT": f"file://{file}", "SKEIN_SERVICE": "example", "PORT": "0"}
        # Line by line, though its output is a pipe.
        server = subprocess.Popen(["stdbuf", "-oL", sys.argv[1]], env=environment, stdout=subprocess.PIPE, text=True)
        try:
            port = listening_port(server)
            answers = [curl(port, path) for path in ("/hello/ann?x=1", "/fail", "/nowhere")]
            server.send_signal(signal.SIGTERM)
            code = server.wait(timeout=30)
        finally:
            server.kill()
        with open(file, "rb") as events:
            found = bson.decode_all(events.read())

    assert code == 0, f"exit code {code}"
    assert answers[0] == (200, "Hello, ann!\n"), answers
    assert [status for status, _ in answers] == [200, 500, 404], answers
    types = [event["type"] for event in found]
    assert sorted(types) == ["request", "request", "request", "request.greet"], types
    assert all(event["id"] == TRACE and event["service"] == "example" for event in found), found
    hello, fail, nowhere = [event for event in found if event["type"] == "request"]
    greet = next(event for event in found if event["type"] == "request.greet")
    assert hello["parent"] == PARENT and greet["parent"] == hello["span"], (hello, greet)
    body = hello["body"]
    assert (body["method"], body["path"], body["uri"]) == ("GET", "/hello/ann", "/hello/ann?x=1"), body
    assert body["response"] == {"status": 200, "size": 12}, body
    assert body["headers"]["user_agent"] == "curl-for-skein", body
    assert "hello" in body["route"], body
    assert greet["body"] == {"name": "ann"}, greet
    assert fail["error"]["type"] == "Broken", fail
    assert nowhere["body"]["response"]["status"] == 404, nowhere
    print(f"{os.path.basename(sys.argv[1])}: {len(found)} events of 3 requests, as they should be")


if __name__ == "__main__":
    main()
