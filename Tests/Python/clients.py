"""Programs of another world, for the integration tests: pymongo's `bson` and pyzmq.

    clients.py send PORT FILE.hex …          PUSH the document of each file, one frame each
    clients.py events PORT COUNT TYPE        PUSH that many events as a Ziggy client of today makes them; print them
    clients.py frames PORT                   PUSH what standard input says: a message a line, frames in hex, spaces between
    clients.py control PORT FILE.hex …       ask control with the document of each file; print the answers
    clients.py ask PORT CMD                  ask control {cmd: CMD}; print the answer
    clients.py subscribe CONTROL COLLECT TYPE COUNT
                                             print "subscribed" once the stream reaches us, then COUNT events of TYPE
    clients.py collect COUNT                 be a Ziggy daemon: print the port, then what is pushed there, COUNT events
    clients.py decode FILE …                 print the documents of files of concatenated BSON

Documents are printed one a line as canonical Extended JSON, keys in their order. Every wait ends after 30 seconds with exit
code 3. Exit code 4: what came is not what such a program can read.
"""

import os
import socket
import sys
import time
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


def frames(port):
    sock = push_socket(port)
    for line in sys.stdin:
        # "-" is an empty frame; "4096*00" is a frame of that many such bytes.
        parts = []
        for word in line.split():
            count, star, digits = word.rpartition("*")
            parts.append(b"" if word == "-" else bytes.fromhex(digits) * (int(count) if star else 1))
        sock.send_multipart(parts)
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


def decode(*paths):
    for path in paths:
        with open(path, "rb") as file:
            for document in bson.decode_file_iter(file, OPTIONS):
                show(document)


COMMANDS = {
    command.__name__: command for command in (send, events, frames, control, ask, subscribe, collect, decode)
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
