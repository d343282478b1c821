"""Programs of another world, for the integration tests: pymongo's `bson` and pyzmq.

    clients.py send PORT FILE.hex …          PUSH the document of each file, one frame each
    clients.py events PORT COUNT TYPE        PUSH that many events as a Ziggy client of today makes them; print them
    clients.py frames PORT                   PUSH what standard input says: a message a line, frames in hex, spaces between
    clients.py noise PORT                    do to a ROUTER what no client of ours does
    clients.py control PORT FILE.hex …       ask control with the document of each file; print the answers
    clients.py ask PORT CMD                  ask control {cmd: CMD}; print the answer
    clients.py subscribe CONTROL COLLECT TYPE COUNT
                                             print "subscribed" once the stream reaches us, then COUNT events of TYPE
    clients.py collect COUNT                 be a Ziggy daemon: print the port, then what is pushed there, COUNT events
    clients.py fetch URL [NAME=VALUE …]      ask an HTTP server, with those headers; print {status: …}
    clients.py decode FILE …                 print the documents of files of concatenated BSON
    clients.py parse                         print the documents of standard input, a line of Extended JSON each

Documents are printed one a line as canonical Extended JSON, keys in their order. Every wait ends after 30 seconds with exit
code 3. Exit code 4: what came is not what such a program can read.
"""

import os
import random
import socket
import sys
import time
import urllib.error
import urllib.request
import uuid

import bson
import zmq
from bson import json_util
from bson.codec_options import CodecOptions

LIMIT_MS = 30_000
OPTIONS = CodecOptions(document_class=dict, unicode_decode_error_handler="strict")
CONTEXT = zmq.Context()


class Late(Exception):
    pass


def show(document):
    print(json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS, ensure_ascii=False), flush=True)


def read_hex(path):
    with open(path, encoding="ascii") as file:
        return bytes.fromhex(file.read())


def receive(sock, limit_ms=LIMIT_MS):
    if not sock.poll(limit_ms):
        raise Late("nothing came in %d ms" % limit_ms)
    return sock.recv_multipart()


def push_socket(port):
    sock = CONTEXT.socket(zmq.PUSH)
    sock.linger = LIMIT_MS
    sock.sndhwm = 0
    sock.connect("tcp://127.0.0.1:%s" % port)
    return sock


def request(port, message):
    sock = CONTEXT.socket(zmq.REQ)
    sock.linger = 0
    sock.connect("tcp://127.0.0.1:%s" % port)
    sock.send(message)
    frames = receive(sock)
    sock.close()
    if len(frames) != 1:
        raise ValueError("control answered %d frames" % len(frames))
    return bson.decode(frames[0], OPTIONS)


def ziggy_event(event_type, number):
    now = time.time()
    return {
        "id": "%08x%s" % (int(now), uuid.uuid4().hex[:24]),
        "type": event_type,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "start": now - 0.25,
        "end": now,
        "body": {"number": number, "response": {"status": 200, "size": 1 << 33}, "text": "K\u00e4se"},
    }


def send(port, *paths):
    sock = push_socket(port)
    for path in paths:
        sock.send(read_hex(path))
    sock.close()


def events(port, count, event_type):
    sock = push_socket(port)
    for number in range(int(count)):
        event = ziggy_event(event_type, number)
        sock.send(bson.encode(event))
        show(event)
    sock.close()


def frame(word):
    """"-" is empty; "4096*00" is that many such bytes; "+" joins."""
    frame = bytearray()
    for part in word.split("+"):
        count, star, digits = part.rpartition("*")
        frame += bytes.fromhex(digits.replace("-", "")) * (int(count) if star else 1)
    return frame


def frames(port):
    sock = push_socket(port)
    for line in sys.stdin:
        sock.send_multipart([frame(word) for word in line.split()])
    sock.close()


def noise(port):
    """What no client of ours sends, to a ROUTER: bare TCP, half a greeting, frames that are no request."""
    chance = random.Random(1)
    greeting = bytes([0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3])
    for text in (b"", b"GET / HTTP/1.1\r\n\r\n", greeting, greeting + chance.randbytes(53), chance.randbytes(1 << 16)):
        with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as plain:
            try:
                plain.sendall(text)
            except ConnectionError:
                pass
    sock = CONTEXT.socket(zmq.DEALER)
    sock.linger = 1000
    sock.connect("tcp://127.0.0.1:%s" % port)
    stream = bson.Binary(chance.randbytes(28))
    messages = [
        [b""],
        [b"", b""],
        [b"", b"\x05\0\0\0\0"],
        [b"", bson.encode({"cmd": 7})],
        [b"", bson.encode({"cmd": "STATUS"}), b"more"],
        [bson.encode({"op": "DANCE"})],
        [bson.encode({"op": "HELLO"})],
        [bson.encode({"op": "HELLO", "v": 99, "stream": stream, "first": 1})],
        [bson.encode({"op": "HELLO", "v": 1, "stream": bson.Binary(b"short"), "first": -1})],
        [bson.encode({"op": "BATCH", "stream": stream, "first": 1, "last": 9, "count": 9}), b"\xff" * 1000],
        [bson.encode({"op": "HELLO", "v": 1, "stream": stream, "first": 1, "durable": False, "path": ["x"] * 1000})],
        [bson.encode({"op": "BATCH", "stream": stream, "first": 1, "last": 2**62, "count": 2**31 - 1}), b""],
        [bson.encode({"op": "BATCH", "stream": stream, "first": 1, "last": 1, "count": 1}), b"\xff\xff\xff\x7f" * 99],
        [bson.encode({"op": "BATCH", "stream": stream})],
        [bson.encode({"op": "BYE", "stream": stream, "last": -1})],
    ]
    messages += [[chance.randbytes(chance.randrange(200)) for _ in range(chance.randrange(1, 5))] for _ in range(200)]
    messages += [[b"x" * (60 << 10)], [b"x" * (5 << 20)]]
    for message in messages:
        sock.send_multipart(message)
    sock.close()


def control(port, *paths):
    for path in paths:
        show(request(port, read_hex(path)))


def ask(port, command):
    show(request(port, bson.encode({"cmd": command})))


def subscribe(control_port, collect_port, event_type, count):
    stream = request(control_port, bson.encode({"cmd": "SOCK_STREAM"}))["port"]
    sock = CONTEXT.socket(zmq.SUB)
    sock.linger = 0
    probe = "probe.%s" % uuid.uuid4().hex
    sock.subscribe(probe)
    sock.subscribe(event_type.rstrip("*"))
    sock.connect("tcp://127.0.0.1:%d" % stream)
    # A subscription takes effect at some moment that its maker is not told. So ask with events of our own.
    pusher = push_socket(collect_port)
    pusher.linger = 0
    deadline = time.monotonic() + LIMIT_MS / 1000
    while True:
        pusher.send(bson.encode(ziggy_event(probe, 0)))
        if sock.poll(50):
            break
        if time.monotonic() > deadline:
            raise Late("the stream does not reach us")
    print("subscribed", flush=True)
    left = int(count)
    while left:
        parts = receive(sock)
        if len(parts) != 2:
            raise ValueError("the stream sent %d frames" % len(parts))
        name, document = parts[0].decode(), bson.decode(parts[1], OPTIONS)
        if name == probe:
            continue
        # The SUB filter is a prefix; without a star only the very type is meant.
        if not event_type.endswith("*") and name != event_type:
            continue
        if document["type"] not in (name, name.encode()):
            raise ValueError("topic %r over type %r" % (name, document["type"]))
        show(document)
        left -= 1


def collect(count):
    sock = CONTEXT.socket(zmq.PULL)
    sock.linger = 0
    print(sock.bind_to_random_port("tcp://127.0.0.1"), flush=True)
    for _ in range(int(count)):
        parts = receive(sock)
        if len(parts) != 1:
            raise ValueError("an event of %d frames" % len(parts))
        show(bson.decode(parts[0], OPTIONS))


def fetch(url, *headers):
    """HTTP, its status as an integer of a document; `headers` are NAME=VALUE, and METHOD= is the method."""
    pairs = dict(header.split("=", 1) for header in headers)
    made = urllib.request.Request(url, headers=pairs, method=pairs.pop("METHOD", "GET"))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(made, timeout=30) as answer:
            answer.read()
            show({"status": answer.status})
    except urllib.error.HTTPError as error:
        show({"status": error.code})


def decode(*paths):
    for path in paths:
        with open(path, "rb") as file:
            for document in bson.decode_file_iter(file, OPTIONS):
                show(document)


def parse():
    for line in sys.stdin:
        show(json_util.loads(line, json_options=json_util.JSONOptions(tz_aware=False)))


COMMANDS = {
    command.__name__: command for command in (send, events, frames, noise, control, ask, subscribe, collect, fetch, decode, parse)
}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    try:
        COMMANDS[sys.argv[1]](*sys.argv[2:])
    except Late as late:
        print(late, file=sys.stderr)
        sys.exit(3)
    except (bson.errors.BSONError, ValueError, KeyError) as error:
        print("%s: %s" % (type(error).__name__, error), file=sys.stderr)
        sys.exit(4)
    # Waits, up to their linger, for what is still to be sent.
    CONTEXT.term()


if __name__ == "__main__":
    main()
