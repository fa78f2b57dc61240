# SPDX-License-Identifier: BSD-3-Clause
"""What the arrivals protocol costs: the same files by each module, with the whole handshake and without it, both ends on
this machine. Every run counts only if afterwards all files are whole at the receiver's and nothing is left at the sender's."""

import argparse
import contextlib
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


def measure(program, home, module, workload, rounds, settings):
    seconds = {True: [], False: []}
    for number in range(rounds):
        for with_handshake in (number % 2 == 0, number % 2 != 0):
            seconds[with_handshake].append(run_once(program, home, workload, settings, with_handshake))
    rate = {which: workload.count / statistics.median(values) for which, values in seconds.items()}
    share = rate[True] / rate[False]
    reached = rate[True] >= WANTED[module] and share >= WANTED_SHARE
    runs = " ".join(f"{value:.2f}" for value in seconds[True])
    print(f"{module:<6} {workload.name:<10} {rate[False]:>9.0f} {rate[True]:>9.0f} {share:>6.2f}   "
          f"{WANTED[module]:>5}{'' if reached else ' BELOW'}   {runs}", flush=True)


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
        print(f"{'module':<6} {'files':<10} {'without/s':>9} {'with/s':>9} {'share':>6}   wanted   with, s")
        for module in arguments.only or WANTED:
            with contextlib.ExitStack() as stack:
                servers = {module: stack.enter_context(makers[module]())} if module in makers else {}
                measure(program, directory / "run", module, arguments.files, arguments.rounds,
                        lambda target, of=module, at=servers: module_settings(of, at, directories, target))

    common.run(arguments, places, work)


if __name__ == "__main__":
    main()
