# SPDX-License-Identifier: BSD-3-Clause
"""What many idle streams cost (CPU, private memory), and how long a file in any of them takes to arrive."""

import argparse
import os
import pathlib
import random
import statistics
import time

import bench_common as common
import bench_daemon as daemons


def main():
    parser = argparse.ArgumentParser(prog="bench/idle", description=__doc__)
    common.add_arguments(parser)
    parser.add_argument("--streams", type=int, default=300, help="how many (300)")
    parser.add_argument("--seconds", type=float, default=60, help="how long to watch them idle (60)")
    parser.add_argument("--files", type=int, default=300, help="files that then arrive, one every 0.1 s (300)")
    arguments = parser.parse_args()
    common.run(arguments, {"disk": arguments.disk},
               lambda program, directories: measure(arguments, program, directories["disk"]))


def cpu_seconds(pids):
    """User and system time of these processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def private_megabytes(pid):
    kilobytes = 0
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            kilobytes += int(line.split()[1])
    return kilobytes / 1000


def name_of(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()


def measure(arguments, program, disk):
    streams, sources, targets = {}, {}, []
    for number in range(arguments.streams):
        name = f"s{number}"
        source, target = disk / "outgoing" / name, disk / "archive" / name
        source.mkdir(parents=True)
        target.mkdir(parents=True)
        sources[name] = source
        targets.append(target)
        streams[name] = (f"data_stream: {{directory: {source}}}\n"
                         f"outgoing: {{plugin: local, target_dir: {target}}}\n")
    config = daemons.write_configuration(disk / "config", streams)
    arrivals = daemons.Arrivals(targets)
    with daemons.Daemon(program, config) as daemon:
        for name, source in sources.items():
            (source / f"first-{name}").write_bytes(b"x")
        firsts = [f"first-{name}" for name in sources]
        daemon.wait_for("a first file through every stream", lambda: not arrivals.wait(firsts, 0.1), 300)
        time.sleep(10)
        idle(arguments, daemon)
        latency(arguments, sources, arrivals)


def idle(arguments, daemon):
    before_pids = daemon.pids()
    before = cpu_seconds(before_pids)
    time.sleep(arguments.seconds)
    pids = daemon.pids()
    print(f"{len(pids)} processes for {arguments.streams} idle streams used "
          f"{cpu_seconds(pids | before_pids) - before:.2f} s of CPU in {arguments.seconds:.0f} s")
    others = {pid for pid in pids if not any(word in name_of(pid) for word in ("transfer", "dtc", "stream"))}
    memory = sorted(private_megabytes(pid) for pid in pids - others)
    if not memory:
        raise SystemExit("no stream process was found")
    print(f"private memory of {len(memory)} stream processes: median {statistics.median(memory):.2f} MB, "
          f"largest {memory[-1]:.2f} MB")
    for pid in sorted(others):
        print(f"  and {private_megabytes(pid):.2f} MB: {name_of(pid)[:100]}")


def latency(arguments, sources, arrivals):
    closed = {}
    names = list(sources)
    for number in range(arguments.files):
        name = f"file-{number}"
        closed[name] = daemons.write_and_close(sources[random.choice(names)] / name, b"x" * 4096)
        time.sleep(0.1)
    missing = arrivals.wait(closed, 60)
    if missing:
        raise SystemExit(f"{len(missing)} files never arrived")
    daemons.print_latencies(closed, arrivals.at)


if __name__ == "__main__":
    main()
