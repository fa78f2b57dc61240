# SPDX-License-Identifier: BSD-3-Clause
"""MiStaMover against its peers: the same files, moved by each in turn, in one run.

Installs the peers, builds the release preset, starts an sshd, an rsyncd and a vsftpd of its own on loopback, and prints tables
of medians, and of ratios to the best peer. Every run gets freshly written files, and counts only if afterwards all
of them are whole at the target and none is left at the source. MiStaMover runs as it comes: with temporary names,
renaming, proof before deletion; once as one command, its own start included, and once as the running
daemon, from when its stop file goes until the last file is deleted. As root, everything runs as an ordinary user."""

import argparse
import contextlib
import datetime
import json
import os
import shutil
import statistics
import sys
import time

import bench_common as common
import bench_cases
from bench_cases import ONE_OFF, OURS, REFERENCE, SERVICE
from bench_ftp import FtpDaemon, SlowFtpDaemon, ftp_cases
from bench_resources import Meter, descendants
from bench_servers import RsyncDaemon, SshDaemon
from bench_sftp import SlowSshDaemon, sftp_cases
from bench_workloads import QUICK, STANDARD, Workload


def all_cases(program, directories):
    return (bench_cases.all_cases(program, directories) + sftp_cases(program, directories)
            + ftp_cases(program, directories))


def one_run(case, move, what, workload, directories, servers):
    """Seconds that it took, seconds of processor time, bytes of memory."""
    source, target = directories[case.source] / "from", directories[case.target] / "to"
    for directory in (source, target):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    workload.write(source)
    os.sync()
    begin = time.monotonic()
    with Meter(servers) as meter:
        measured = move(source, target)
        seconds = measured if measured is not None else time.monotonic() - begin
    workload.check(source, target, what)
    put_away(case, workload, target, directories)
    return seconds, meter.cpu, meter.memory


def put_away(case, workload, target, directories):
    """Deletes what a run has delivered, but for many files on a disk, which stay until the end: ext4 is slow to
    make files where many have just been deleted, and the next contender would be blamed for it."""
    if case.target == "disk" and workload.count > 1000:
        kept = directories["disk"] / "delivered"
        kept.mkdir(exist_ok=True)
        target.rename(kept / str(len(list(kept.iterdir()))))
    else:
        shutil.rmtree(target)


def compare(case, contenders, workload, directories, rounds, servers):
    """Every contender in turn, `rounds` times, each time another one first; contender -> what its runs took."""
    runs = {contender: [] for contender in contenders}
    order = list(contenders)
    for number in range(rounds):
        turn = number % len(order)
        for contender in order[turn:] + order[:turn]:
            what = f"{contender}: {case.name}, {workload.name}"
            runs[contender].append(one_run(case, contenders[contender], what, workload, directories, servers))
    return runs


def print_comparison(case, workload, runs):
    seconds = {contender: [run[0] for run in of_one] for contender, of_one in runs.items()}
    costs = {contender: [statistics.median(run[part] for run in of_one) for part in (1, 2)]
             for contender, of_one in runs.items()}
    medians = {contender: statistics.median(values) for contender, values in seconds.items()}
    best, peer = min((value, name) for name, value in medians.items() if name not in (*OURS, REFERENCE))
    print(f"\n{case.name}, {workload.name}")
    print(f"  {'':<16} {'median s':>9} {'files/s':>9} {'MB/s':>8} {'CPU s':>7} {'MB':>6}   all runs, s")
    for contender, median in medians.items():
        all_runs = " ".join(f"{value:.2f}" for value in seconds[contender])
        cpu, memory = costs[contender]
        print(f"  {contender:<16} {median:>9.3f} {workload.count / median:>9.0f} "
              f"{workload.count * workload.size / median / 1e6:>8.0f} {cpu:>7.2f} {memory / 1e6:>6.0f}   {all_runs}")
    ratios = {name: best / medians[name] for name in OURS}
    print(f"  ratio to the best peer ({peer}): {ratios[ONE_OFF]:.2f}, of the daemon {ratios[SERVICE]:.2f}", flush=True)
    return {"case": case.name, "workload": workload.name, "seconds": seconds, "costs": costs, "best_peer": peer,
            "ratios": ratios, "wanted": case.wanted_with(workload)}


def print_summary(results):
    print(f"\n{'case':<24} {'files':<10} {'command':>8} {'daemon':>8} {'wanted':>7}   best peer")
    for result in results:
        shown = [f"{result['ratios'][name]:.2f}{' ' if result['ratios'][name] >= result['wanted'] else '-'}"
                 for name in OURS]
        print(f"{result['case']:<24} {result['workload']:<10} {shown[0]:>8} {shown[1]:>8} {result['wanted']:>7.2f}   "
              f"{result['best_peer']}")
    print("The ratio is the best peer's median time by MiStaMover's: above 1, MiStaMover is faster; -: below what is wanted.")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    common.add_arguments(parser)
    parser.add_argument("--memory", default="/dev/shm", metavar="DIRECTORY", help="one on a tmpfs (/dev/shm)")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="only cases whose name begins so: local, rsync-ssh, ...; may be given several times")
    parser.add_argument("--files", action="append", type=Workload, metavar="COUNTxSIZE",
                        help=f"the files to move, as in 10000x4K; may be given several times ({', '.join(STANDARD)})")
    parser.add_argument("--peer", action="append", metavar="NAME",
                        help="only peers whose name begins so: lftp, scp, ...; may be given several times")
    parser.add_argument("--quick", action="store_true",
                        help=f"less to move ({', '.join(QUICK)}): shows that all works, measures nothing")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each contender (3)")
    parser.add_argument("--json", metavar="FILE", help="write all results there too")
    arguments = parser.parse_args()
    if not arguments.files:
        arguments.files = [Workload(text) for text in (QUICK if arguments.quick else STANDARD)]
    return arguments


def chosen_cases(arguments, program, directories):
    cases = all_cases(program, directories)
    for name in arguments.only or []:
        if not any(case.name.startswith(name) for case in cases):
            sys.exit(f"no case is called `{name}`; there are: {', '.join(case.name for case in cases)}")
    return [case for case in cases
            if not arguments.only or any(case.name.startswith(name) for name in arguments.only)]


def chosen_contenders(arguments, contenders):
    if not arguments.peer:
        return contenders
    return {name: move for name, move in contenders.items()
            if name in OURS or any(name.startswith(peer) for peer in arguments.peer)}


def without_missing_modules(cases, program):
    plugins = program.parent.parent / "lib/mistamover/plugins"
    for case in cases:
        if (plugins / f"libmistamover-{case.module}.so").exists():
            yield case
        else:
            print(f"{case.name}: left out, this program has no module {case.module}")


def run_cases(arguments, cases, directories, results):
    makers = {"sshd": lambda: SshDaemon(directories["disk"] / "sshd"),
              "slow sshd": lambda: SlowSshDaemon(directories["disk"] / "slow-sshd"),
              "vsftpd": lambda: FtpDaemon(directories["disk"] / "vsftpd"),
              "slow vsftpd": lambda: SlowFtpDaemon(directories["disk"] / "slow-vsftpd"),
              "rsyncd": lambda: RsyncDaemon(directories["disk"] / "rsyncd", directories)}
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(makers[name]()) for name in {case.server for case in cases} - {None}}
        processes = set(descendants(os.getpid(), ()))
        for case in cases:
            contenders = chosen_contenders(arguments, case.contenders(servers))
            for workload in arguments.files:
                runs = compare(case, contenders, workload, directories, arguments.rounds, processes)
                results.append(print_comparison(case, workload, runs))


def main():
    arguments = parse_arguments()
    if arguments.list:
        print("\n".join(case.name for case in all_cases(None, {})))
        return
    chosen_cases(arguments, None, {})  # a wrong name is told before anything is built
    if os.stat(arguments.disk).st_dev == os.stat(arguments.memory).st_dev:
        sys.exit(f"{arguments.disk} and {arguments.memory} are on one file system: choose with --disk and --memory")
    json_file = open(arguments.json, "w", encoding="utf-8") if arguments.json else None

    def work(program, directories):
        print(f"{datetime.date.today()}, {os.cpu_count()} processors, medians of {arguments.rounds}; load before: "
              f"{os.getloadavg()[0]:.2f}", flush=True)
        results = []
        cases = list(without_missing_modules(chosen_cases(arguments, program, directories), program))
        run_cases(arguments, cases, directories, results)
        print_summary(results)
        if json_file:
            json.dump(results, json_file, indent=1)
            json_file.close()

    common.run(arguments, {"disk": arguments.disk, "memory": arguments.memory}, work)


if __name__ == "__main__":
    main()
