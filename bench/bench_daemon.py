# SPDX-License-Identifier: BSD-3-Clause
"""A running daemon, and a watch for the files that it delivers."""

import ctypes
import json
import os
import pathlib
import select
import signal
import struct
import subprocess
import sys
import threading
import time


def write_configuration(directory, streams, global_section=""):
    """Writes a global file and a file a stream (name -> YAML text) into `directory`; the global file's path."""
    streams_dir = directory / "streams.d"
    streams_dir.mkdir(parents=True)
    for name, text in streams.items():
        path = streams_dir / f"{name}.yaml"
        path.write_text(text)
        path.chmod(0o600)
    path = directory / "mistamover.yaml"
    path.write_text(f"global:\n  top: {directory}\n  config_dir: streams.d\n  run_dir: {directory}/run\n"
                    f"logging: {{base_log_dir: {directory}/log}}\n{global_section}")
    return path


class Daemon:
    """`mistamover run --daemon --foreground`, until the end of the with block."""

    def __init__(self, program, config):
        self.program = program
        self.config = config

    def __enter__(self):
        self.process = subprocess.Popen([self.program, "run", "--daemon", "--foreground", self.config],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            sys.exit("the daemon did not stop within a minute")

    def pids(self):
        """The daemon's processes: itself and all its descendants."""
        parents = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                except OSError:
                    continue
        found = {self.process.pid}
        while True:
            more = {pid for pid, parent in parents.items() if parent in found} - found
            if not more:
                return found
            found |= more

    def wait_for(self, what, condition, seconds=120):
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                sys.exit(f"the daemon ended with {self.process.returncode}")
            if time.monotonic() > deadline:
                sys.exit(f"waited {seconds} s in vain for {what}")
            time.sleep(0.05)

    def status(self):
        """`mistamover status --json`, or nothing while it cannot be had."""
        done = subprocess.run([self.program, "status", "--json", self.config], capture_output=True, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return None


class Arrivals:
    """Notes when each file is given its final name (renamed or created) in one of some directories."""

    IN_CREATE, IN_MOVED_TO = 0x100, 0x80
    IN_Q_OVERFLOW = 0x4000

    def __init__(self, directories):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        for directory in directories:
            if self.libc.inotify_add_watch(self.descriptor, os.fsencode(directory),
                                           self.IN_CREATE | self.IN_MOVED_TO) < 0:
                raise OSError(ctypes.get_errno(), f"inotify_add_watch {directory}")
        self.at = {}
        self.changed = threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            select.select([self.descriptor], [], [])
            data = os.read(self.descriptor, 1 << 16)
            now = time.monotonic()
            with self.changed:
                while data:
                    _, mask, _, length = struct.unpack_from("iIII", data)
                    name = data[16:16 + length].rstrip(b"\0").decode()
                    data = data[16 + length:]
                    if mask & self.IN_Q_OVERFLOW:
                        sys.exit("inotify lost events")
                    if not name.startswith("."):
                        self.at.setdefault(name, now)
                self.changed.notify_all()

    def wait(self, names, seconds):
        """Waits for all of them; the names that are still missing after that time."""
        with self.changed:
            self.changed.wait_for(lambda: all(name in self.at for name in names), seconds)
            return [name for name in names if name not in self.at]


def write_and_close(path, content):
    """Writes a file; the moment just before it was closed."""
    with open(path, "wb", buffering=0) as file:
        file.write(content)
        return time.monotonic()


def print_latencies(closed, arrived):
    """Prints and returns the distribution, in milliseconds, of the time from close to final name."""
    values = sorted((arrived[name] - moment) * 1000 for name, moment in closed.items())

    def percentile(share):
        return values[min(len(values) - 1, int(len(values) * share))]

    print(f"{len(values)} files, close to final name: median {percentile(0.5):.1f} ms, "
          f"99th percentile {percentile(0.99):.1f} ms, longest {values[-1]:.1f} ms")
    return {"median_ms": percentile(0.5), "p99_ms": percentile(0.99), "max_ms": values[-1]}
