# SPDX-License-Identifier: BSD-3-Clause
"""The ways of moving files that are compared, and who can go each of them."""

import shutil
import subprocess
import sys
import time

from bench_daemon import write_configuration

OURS = "mistamover"
# Shown for scale, and not what the ratios are to: it knows neither when a file is complete nor whether it arrived.
REFERENCE = "mv"


class Case:
    """`contenders` is a function of the servers that makes contender -> function of (source, target), which moves all
    files from one directory to the other and may return the seconds that count. `wanted`: the ratio to the best peer
    that the project wants, `wanted_small`: with small files. `server`: which of the servers it needs."""

    def __init__(self, name, source, target, wanted, contenders, module="local", server=None, wanted_small=None):
        self.name = name
        self.source = source
        self.target = target
        self.wanted = wanted
        self.contenders = contenders
        self.module = module
        self.server = server
        self.wanted_small = wanted_small or wanted

    def wanted_with(self, workload):
        return self.wanted_small if workload.size < 1 << 16 else self.wanted


def execute(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}: {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def move_with_mv(source, target):
    execute("find", source, "-mindepth", "1", "-maxdepth", "1", "-exec", "mv", "-t", target, "{}", "+")


def remove_files(source):
    execute("find", source, "-mindepth", "1", "-delete")


def copy_and_remove(source, target):
    execute("cp", "-a", f"{source}/.", f"{target}/")
    remove_files(source)


def rclone(source, target):
    execute("rclone", "--config", "", "move", source, target)


def rsync(*options, to=None):
    def move(source, target):
        execute("rsync", "-a", "--remove-source-files", *options, f"{source}/", to(target) if to else f"{target}/")
    return move


def mistamover(program, directories, outgoing, section=""):
    """`outgoing(target)` is the YAML of that section. Its start is counted, as the others' is."""
    def move(source, target):
        directory = directories["disk"] / "config"
        shutil.rmtree(directory, ignore_errors=True)
        config = write_configuration(directory, {
            "bench": f"data_stream: {{directory: {source}}}\noutgoing: {{{outgoing(target)}}}\n{section}"})
        begin = time.monotonic()
        execute(program, "run", "--one-off", config)
        return time.monotonic() - begin
    return move


def local_cases(program, directories):
    ours = mistamover(program, directories, lambda target: f"plugin: local, target_dir: {target}")

    def same(_):
        return {OURS: ours, REFERENCE: move_with_mv, "rclone move": rclone}

    def across(_):
        return {OURS: ours, "cp+rm": copy_and_remove, "rsync": rsync(), "rclone move": rclone}

    return [
        Case("local-same-fs", "disk", "disk", 1.0, same),
        Case("local-same-fs-memory", "memory", "memory", 1.0, same),
        Case("local-across-to-disk", "memory", "disk", 1.0, across),
        Case("local-across-to-memory", "disk", "memory", 1.0, across),
    ]


def ssh_contenders(program, directories, servers):
    sshd = servers["sshd"]
    options = {"transport": "ssh", "port": sshd.port, "username": sshd.user, "ssh_key": sshd.client_key,
               "known_hosts": sshd.known_hosts}
    section = "rsync: {" + ", ".join(f"{key}: {value}" for key, value in options.items()) + "}\n"

    def to(target):
        return f"{sshd.user}@127.0.0.1:{target}/"

    return {
        OURS: mistamover(program, directories,
                         lambda target: f"plugin: rsync, target_host: 127.0.0.1, target_dir: {target}", section),
        "rsync": rsync("-e", sshd.command(), to=to),
        "rsync, aes-gcm": rsync("-e", sshd.command("-c", "aes128-gcm@openssh.com"), to=to),
    }


def daemon_contenders(program, directories, servers, place):
    rsyncd = servers["rsyncd"]

    def to(target):
        return f"rsync://127.0.0.1:{rsyncd.port}/{rsyncd.module_path(place, target)}/"

    return {
        OURS: mistamover(program, directories, lambda target: "plugin: rsync, target_host: 127.0.0.1, "
                                                              f"target_dir: {rsyncd.module_path(place, target)}",
                         f"rsync: {{transport: daemon, port: {rsyncd.port}}}\n"),
        "rsync": rsync(to=to),
        # Without it, the client waits for the daemon's delayed acknowledgements.
        "rsync, no delay": rsync("--sockopts=TCP_NODELAY", to=to),
    }


def rsync_cases(program, directories):
    cases = []
    for suffix, place in ("", "disk"), ("-memory", "memory"):
        cases += [
            Case(f"rsync-ssh{suffix}", place, place, 0.95,
                 lambda servers: ssh_contenders(program, directories, servers), "rsync", "sshd"),
            Case(f"rsync-daemon{suffix}", place, place, 0.95,
                 lambda servers, place=place: daemon_contenders(program, directories, servers, place),
                 "rsync", "rsyncd"),
        ]
    return cases


def all_cases(program, directories):
    return local_cases(program, directories) + rsync_cases(program, directories)
