# SPDX-License-Identifier: BSD-3-Clause
"""MiStaMover against its peers: the same files, moved by each in turn, in one run.

Installs the peers, builds the release preset, starts sshd and rsyncd of its own on loopback, and prints a table of
medians and of ratios to the best peer. Every run gets freshly written files, and counts only if afterwards all of
them are at the target whole and none at the source. MiStaMover runs as it comes: with temporary names, renaming,
proof before deletion and a start of its own each time."""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import bench_common as common
from bench_servers import RsyncDaemon, SshDaemon
from bench_workloads import WORKLOADS

OURS = "mistamover"
# Shown for scale, and not what the ratios are to: it knows neither when a file is complete nor whether it arrived.
REFERENCE = "mv"


class Case:
    """One way of moving files, and who can go it. A contender is a function of (source, target)."""

    def __init__(self, name, source, target, contenders):
        self.name = name
        self.source = source
        self.target = target
        self.contenders = contenders


def execute(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}: {' '.join(map(str, command[:8]))}\n{done.stdout}{done.stderr}")


def move_with_mv(source, target):
    execute("find", source, "-mindepth", "1", "-maxdepth", "1", "-exec", "mv", "-t", target, "{}", "+")


def copy_and_remove(source, target):
    execute("cp", "-a", f"{source}/.", f"{target}/")
    execute("find", source, "-mindepth", "1", "-delete")


def rclone(source, target):
    execute("rclone", "--config", "", "move", source, target)


def rsync(*options, to=None):
    def move(source, target):
        execute("rsync", "-a", "--remove-source-files", *options, f"{source}/", to(target) if to else f"{target}/")
    return move


def mistamover(program, scratch, outgoing, section=""):
    """`outgoing(target)` is the YAML of that section."""
    def move(source, target):
        directory = scratch["disk"] / "config"
        shutil.rmtree(directory, ignore_errors=True)
        config = common.write_configuration(directory, {
            "bench": f"data_stream: {{directory: {source}}}\noutgoing: {{{outgoing(target)}}}\n{section}"})
        begin = time.monotonic()
        execute(program, "run", "--one-off", config)
        return time.monotonic() - begin
    return move


def local_cases(program, scratch):
    ours = mistamover(program, scratch, lambda target: f"plugin: local, target_dir: {target}")
    same = {OURS: ours, REFERENCE: move_with_mv, "rclone move": rclone}
    across = {OURS: ours, "cp+rm": copy_and_remove, "rsync": rsync(), "rclone move": rclone}
    return [
        Case("local, one file system (disk)", "disk", "disk", same),
        Case("local, one file system (memory)", "memory", "memory", same),
        Case("local, memory to disk", "memory", "disk", across),
        Case("local, disk to memory", "disk", "memory", across),
    ]


def ssh_cases(program, scratch, sshd):
    ours = mistamover(
        program, scratch, lambda target: f"plugin: rsync, target_host: 127.0.0.1, target_dir: {target}",
        f"rsync: {{transport: ssh, port: {sshd.port}, username: {sshd.user}, ssh_key: {sshd.client_key}, "
        f"known_hosts: {sshd.known_hosts}}}\n")

    def to(target):
        return f"{sshd.user}@127.0.0.1:{target}/"

    contenders = {
        OURS: ours,
        "rsync": rsync("-e", sshd.command(), to=to),
        "rsync, aes-gcm": rsync("-e", sshd.command("-c", "aes128-gcm@openssh.com"), to=to),
    }
    return [Case("rsync over ssh (memory)", "memory", "memory", contenders),
            Case("rsync over ssh (disk)", "disk", "disk", contenders)]


def daemon_cases(program, scratch, rsyncd):
    cases = []
    for place in ("memory", "disk"):
        ours = mistamover(
            program, scratch,
            lambda target, place=place: "plugin: rsync, target_host: 127.0.0.1, "
                                        f"target_dir: {rsyncd.module_path(place, target)}",
            f"rsync: {{transport: daemon, port: {rsyncd.port}}}\n")

        def to(target, place=place):
            return f"rsync://127.0.0.1:{rsyncd.port}/{rsyncd.module_path(place, target)}/"

        cases.append(Case(f"rsync daemon ({place})", place, place, {
            OURS: ours,
            "rsync": rsync(to=to),
            "rsync, no delay": rsync("--sockopts=TCP_NODELAY", to=to),
        }))
    return cases


def one_run(case, contender, workload, scratch):
    """Seconds that it took."""
    source, target = scratch[case.source] / "from", scratch[case.target] / "to"
    for directory in (source, target):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    workload.write(source)
    os.sync()
    begin = time.monotonic()
    measured = case.contenders[contender](source, target)
    seconds = measured if measured is not None else time.monotonic() - begin
    workload.check(source, target, f"{contender}: {case.name}, {workload.name}")
    put_away(case, workload, target, scratch)
    return seconds


def put_away(case, workload, target, scratch):
    """Deletes what a run has delivered, but for many files on a disk, which stay until the end: ext4 is slow to
    make files where many have just been deleted, and the next contender would be blamed for it."""
    if case.target == "disk" and workload.count > 1000:
        kept = scratch["disk"] / "delivered"
        kept.mkdir(exist_ok=True)
        target.rename(kept / str(len(list(kept.iterdir()))))
    else:
        shutil.rmtree(target)


def compare(case, workload, scratch, rounds):
    """Every contender in turn, `rounds` times, each time another one first; contender -> seconds."""
    seconds = {contender: [] for contender in case.contenders}
    order = list(case.contenders)
    for number in range(rounds):
        turn = number % len(order)
        for contender in order[turn:] + order[:turn]:
            seconds[contender].append(one_run(case, contender, workload, scratch))
    return seconds


def print_comparison(case, workload, seconds):
    medians = {contender: statistics.median(values) for contender, values in seconds.items()}
    best_peer = min((value, name) for name, value in medians.items() if name not in (OURS, REFERENCE))
    print(f"\n{case.name}: {workload.name}")
    print(f"  {'':<16} {'median s':>9} {'files/s':>9} {'MB/s':>8}   all runs")
    for contender, median in medians.items():
        runs = " ".join(f"{value:.2f}" for value in seconds[contender])
        print(f"  {contender:<16} {median:>9.3f} {workload.count / median:>9.0f} "
              f"{workload.count * workload.size / median / 1e6:>8.0f}   {runs}")
    ratio = best_peer[0] / medians[OURS]
    print(f"  ratio to the best peer ({best_peer[1]}): {ratio:.2f}", flush=True)
    return {"case": case.name, "workload": workload.name, "seconds": seconds, "best_peer": best_peer[1],
            "ratio": ratio}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender (3)")
    parser.add_argument("--only", default="", help="only cases whose name contains this: local, ssh, daemon, ...")
    parser.add_argument("--workload", default="", help="only workloads whose name contains this: 10000, 500, 1 x")
    parser.add_argument("--disk", default="/var/tmp", help="a directory on a disk (/var/tmp)")
    parser.add_argument("--memory", default="/dev/shm", help="a directory on a tmpfs (/dev/shm)")
    parser.add_argument("--prefix", help="an installed MiStaMover, instead of building build/release")
    parser.add_argument("--scale", type=float, default=1, help="fraction of the files and of the large one's size (1)")
    return parser.parse_args()


def run_all(arguments, program, scratch, user):
    workloads = [w.scaled(arguments.scale) for w in WORKLOADS if arguments.workload in w.name]
    results = []
    with SshDaemon(scratch["disk"] / "sshd", user.pw_name) as sshd, \
            RsyncDaemon(scratch["disk"] / "rsyncd", scratch.directories) as rsyncd:
        cases = local_cases(program, scratch) + ssh_cases(program, scratch, sshd) + \
            daemon_cases(program, scratch, rsyncd)
        chosen = [case for case in cases if arguments.only in case.name]
        if not chosen or not workloads:
            sys.exit("nothing is called that; cases: " + "; ".join(case.name for case in cases))
        for case in chosen:
            for workload in workloads:
                seconds = compare(case, workload, scratch, arguments.rounds)
                results.append(print_comparison(case, workload, seconds))
    return results


def print_summary(results):
    print("\nRatios to the best peer (above 1: MiStaMover is faster)")
    for result in results:
        print(f"  {result['ratio']:>5.2f}  {result['case']}: {result['workload']} (against {result['best_peer']})")


def main():
    arguments = parse_arguments()
    prefix = pathlib.Path(arguments.prefix) if arguments.prefix else common.build_program()
    if os.stat(arguments.disk).st_dev == os.stat(arguments.memory).st_dev:
        sys.exit(f"{arguments.disk} and {arguments.memory} are on one file system: choose with --disk and --memory")
    scratch = common.Scratch({"disk": arguments.disk, "memory": arguments.memory})
    try:
        program = common.copy_program(prefix, scratch["disk"] / "program")
        user = common.become_ordinary()
        scratch.give_to(user)
        common.drop_to(user)
        print(f"{datetime.date.today()}, as {user.pw_name}, {os.cpu_count()} processors, medians of "
              f"{arguments.rounds}; load before: {os.getloadavg()[0]:.2f}", flush=True)
        results = run_all(arguments, program, scratch, user)
        print_summary(results)
    finally:
        scratch.remove()
    print("\n" + json.dumps(results))


if __name__ == "__main__":
    main()
