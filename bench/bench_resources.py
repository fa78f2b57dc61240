# SPDX-License-Identifier: BSD-3-Clause
"""What a contender costs beside its time: processor time and memory of all its processes."""

import os
import pathlib
import re
import resource
import threading


def children_of(pid):
    """Those of all its threads, without looking at every process there is."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, pathlib.Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    except OSError:
        pass  # it has ended meanwhile
    return found


def descendants(of, excluded):
    found, left = [], [of]
    while left:
        for pid in children_of(left.pop()):
            if pid not in excluded:
                found.append(pid)
                left.append(pid)
    return found


def memory_bytes(pid):
    """What it shares with other processes is parted among them (the kernel's "proportional set size")."""
    try:
        rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    size = re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)
    return int(size[1]) * 1024 if size else 0


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Meter:
    """Measures the children of this process within the with block, but for the servers' (`servers`: their processes):
    self.cpu, seconds of those that were waited for; self.memory, the most bytes that all had together, looked at
    every `interval` seconds."""

    def __init__(self, servers=(), interval=0.1):
        self.servers = set(servers)
        self.interval = interval
        self.memory = 0
        self.cpu = 0.0
        self.ended = threading.Event()

    def __enter__(self):
        self.cpu_before = processor_seconds()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.cpu = processor_seconds() - self.cpu_before

    def look(self):
        while not self.ended.wait(self.interval):
            pids = descendants(os.getpid(), self.servers)
            self.memory = max(self.memory, sum(memory_bytes(pid) for pid in pids))
