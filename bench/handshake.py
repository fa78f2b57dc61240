# SPDX-License-Identifier: BSD-3-Clause
"""What the arrivals protocol costs: the same files by each module, with the whole handshake and without it, both ends on
this machine. Every run counts only if afterwards all files are whole at the receiver's and nothing is left at the sender's."""

import argparse
import contextlib
import hashlib
import os
import shutil
import statistics
import time

import bench_common as common
import bench_daemon as daemons
from bench_cases import execute
from bench_servers import FtpDaemon, RsyncDaemon, SshDaemon
from bench_workloads import Workload

# Files a second with the handshake, of 4 KiB, that the project wants; and the least share of the rate without it.
WANTED = {"local": 3000, "rsync": 600, "sftp": 500, "ftp": 300}
WANTED_SHARE = 0.25
# From this size on it is the time that counts: at most so many times that without the handshake, and the checksums'.
LARGE = 1 << 20
WANTED_TIMES = 1.1


def module_settings(module, servers, places, target):
    """(the outgoing section's beginning, the module's own section)."""
    if module == "local":
        return f"plugin: local, target_dir: {target}", ""
    server = servers[module]
    host = f"plugin: {module}, target_host: 127.0.0.1, target_dir: "
    if module == "rsync":
        return (host + server.module_path(next(iter(places)), target),
                f"rsync: {{transport: daemon, port: {server.port}}}\n")
    if module == "sftp":
        return (host + str(target), f"sftp: {{agent: false, port: {server.port}, username: {server.user}, "
                                    f"ssh_key: {server.client_key}, known_hosts: {server.known_hosts}}}\n")
    return host + str(target), f"ftp: {{port: {server.port}, password: anything}}\n"


def fresh(*directories):
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)


def send(program, home, outgoing, section):
    config = daemons.write_configuration(home / "sender", {
        "bench": f"data_stream: {{directory: {home / 'from'}}}\noutgoing: {{{outgoing}}}\n{section}"})
    begin = time.monotonic()
    execute(program, "run", "--one-off", config)
    return time.monotonic() - begin


def run_once(program, home, workload, settings, with_handshake):
    """Seconds that it took."""
    fresh(home)
    fresh(home / "from", home / "to", home / "incoming")
    workload.write(home / "from")
    os.sync()
    target = home / ("incoming" if with_handshake else "to")
    outgoing, section = settings(target)
    if not with_handshake:
        seconds = send(program, home, outgoing, section)
    else:
        receiver = daemons.write_configuration(home / "receiver", {
            "bench": f"data_stream: {{directory: {home / 'to'}}}\noutgoing: {{plugin: none}}\n"
                     f"incoming: {{require_arrival_monitor: true, directory: {target}}}\n"})
        with daemons.Daemon(program, receiver) as daemon:
            daemon.wait_for("the receiver", daemon.status)
            seconds = send(program, home, outgoing + ", target_uses_arrival_monitor: true", section)
    workload.check(home / "from", home / "to", f"{outgoing}, handshake: {with_handshake}")
    return seconds


def checksum_seconds(workload):
    """Of all files at the one end and then at the other: what no handshake can do without."""
    piece = next(workload.pieces(0))
    digest = hashlib.md5(usedforsecurity=False)
    begin = time.monotonic()
    for _ in range(workload.count * workload.size // len(piece)):
        digest.update(piece)
    return 2 * (time.monotonic() - begin)


def judge_small(module, workload, median):
    rate = {which: workload.count / seconds for which, seconds in median.items()}
    share = rate[True] / rate[False]
    reached = rate[True] >= WANTED[module] and share >= WANTED_SHARE
    return (f"{rate[False]:>6.0f} files/s without, {rate[True]:>6.0f} with; share {share:.2f}   "
            f"wanted {WANTED[module]} and {WANTED_SHARE}{'' if reached else ' BELOW'}")


def judge_large(workload, median):
    allowed = median[False] * WANTED_TIMES + checksum_seconds(workload)
    return (f"{median[False]:>6.2f} s without, {median[True]:>6.2f} s with   "
            f"allowed {allowed:.2f}{'' if median[True] <= allowed else ' ABOVE'}")


def measure(program, home, module, workload, rounds, settings):
    seconds = {True: [], False: []}
    for number in range(rounds):
        for with_handshake in (number % 2 == 0, number % 2 != 0):
            seconds[with_handshake].append(run_once(program, home, workload, settings, with_handshake))
    median = {which: statistics.median(values) for which, values in seconds.items()}
    judged = judge_large(workload, median) if workload.size >= LARGE else judge_small(module, workload, median)
    runs = " ".join(f"{value:.2f}" for value in seconds[True])
    print(f"{module:<6} {workload.name:<10} {judged}   with: {runs}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="bench/handshake", description=__doc__)
    common.add_arguments(parser)
    parser.add_argument("--tmpfs", default="/dev/shm", metavar="DIRECTORY", help="one on a tmpfs (/dev/shm)")
    parser.add_argument("--place", choices=("tmpfs", "disk"), default="tmpfs", help="where both ends lie (tmpfs)")
    parser.add_argument("--only", action="append", choices=list(WANTED), help="only this module; several times")
    parser.add_argument("--files", type=Workload, default=Workload("10000x4K"), metavar="COUNTxSIZE")
    parser.add_argument("--rounds", type=int, default=3, help="runs with and without the handshake (3)")
    arguments = parser.parse_args()
    places = {arguments.place: arguments.tmpfs if arguments.place == "tmpfs" else arguments.disk}

    def work(program, directories):
        directory = directories[arguments.place]
        makers = {"rsync": lambda: RsyncDaemon(directory / "rsyncd", directories),
                  "sftp": lambda: SshDaemon(directory / "sshd"), "ftp": lambda: FtpDaemon(directory / "vsftpd")}
        for module in arguments.only or WANTED:
            with contextlib.ExitStack() as stack:
                servers = {module: stack.enter_context(makers[module]())} if module in makers else {}
                measure(program, directory / "run", module, arguments.files, arguments.rounds,
                        lambda target, of=module, at=servers: module_settings(of, at, directories, target))

    common.run(arguments, places, work)


if __name__ == "__main__":
    main()
