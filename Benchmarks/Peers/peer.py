#!/usr/bin/env python3
"""Prints what a peer needs for an event of five fields and a timing, in nanoseconds of the recording thread's processor time; exits 3
if the peer is not on this machine. Usage: peer.py spdlog|lttng|opentelemetry COUNT"""

import glob
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def absent(what: str) -> None:
    print(what, file=sys.stderr)
    sys.exit(3)


def compiled(folder: str, compiler: list[str], source: str, *libraries: str) -> str:
    program = f"{folder}/peer"
    subprocess.run([*compiler, "-O2", f"-I{HERE}", "-o", program, str(HERE / source), *libraries], check=True, timeout=300)
    return program


def spdlog(count: str) -> None:
    compiler = shutil.which("clang++") or shutil.which("c++") or shutil.which("g++")
    if not compiler or not os.path.exists("/usr/include/spdlog/spdlog.h"):
        absent("libspdlog-dev and a C++ compiler are needed")
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(
            folder, [compiler, "-std=c++17", "-DSPDLOG_COMPILED_LIB", "-DSPDLOG_FMT_EXTERNAL"], "spdlog.cpp", "-lspdlog", "-lfmt", "-lpthread")
        print(subprocess.run([program, count], check=True, capture_output=True, text=True, timeout=120).stdout.strip())


def lttng(count: str) -> None:
    compiler = shutil.which("clang") or shutil.which("cc") or shutil.which("gcc")
    control, daemon = shutil.which("lttng"), shutil.which("lttng-sessiond")
    headers = glob.glob("/usr/include/lttng/tracepoint.h") + glob.glob("/usr/include/*/lttng/tracepoint.h")
    if not compiler or not control or not daemon or not headers:
        absent("liblttng-ust-dev, lttng-tools and a C compiler are needed")
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(folder, [compiler], "lttng.c", "-llttng-ust", "-ldl")
        environment = dict(os.environ, LTTNG_HOME=folder, HOME=folder)
        session = subprocess.Popen([daemon, "--no-kernel"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:

            def run(*arguments: str) -> None:
                subprocess.run([control, *arguments], env=environment, check=True, capture_output=True, timeout=30)

            deadline = time.monotonic() + 10
            while True:
                try:
                    run("create", "peer", f"--output={folder}/trace")
                    break
                except subprocess.CalledProcessError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
            # Overwrites when its buffers are full: no event waits for a disk.
            run("enable-channel", "-u", "--overwrite", "--subbuf-size=1M", "--num-subbuf=4", "peer")
            run("enable-event", "-u", "-c", "peer", "skein_peer:request")
            run("start")
            print(subprocess.run([program, count], env=environment, check=True, capture_output=True, text=True, timeout=120).stdout.strip())
            run("destroy", "peer")
        finally:
            session.terminate()
            try:
                session.wait(10)
            except subprocess.TimeoutExpired:
                session.kill()


def opentelemetry(count: str) -> None:
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    except ImportError:
        absent("PyPI's opentelemetry-sdk is needed")

    class Nowhere(SpanExporter):
        def export(self, spans):  # noqa: ANN001, ANN201
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    tracer = provider.get_tracer("peer")
    number = max(1, int(count) // 20)
    for rounds in (number // 4, number):
        start = time.thread_time_ns()
        for n in range(rounds):
            with tracer.start_as_current_span("request") as span:
                span.set_attribute("user_agent", "curl/7.88.1")
                span.set_attribute("path", "/search")
                span.set_attribute("response.status", 200)
                span.set_attribute("response.size", n)
                span.set_attribute("cached", True)
        taken = time.thread_time_ns() - start
    print(round(taken / number, 1))
    provider.shutdown()


{"spdlog": spdlog, "lttng": lttng, "opentelemetry": opentelemetry}[sys.argv[1]](sys.argv[2])
