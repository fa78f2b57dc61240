# SPDX-License-Identifier: BSD-3-Clause
"""Where and as whom a benchmark runs: the built program, directories on the file systems, an ordinary user."""

import contextlib
import ctypes
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def add_arguments(parser):
    """The options that all benchmarks have."""
    parser.add_argument("--disk", default="/var/tmp", metavar="DIRECTORY", help="a directory on a disk (/var/tmp)")
    parser.add_argument("--prefix", type=pathlib.Path, metavar="DIRECTORY",
                        help="an installed MiStaMover; default: build/release, which is built first")


def build_program():
    """Builds the release preset; what is said meanwhile is shown only where it fails."""
    build = REPOSITORY / "build/release"
    for command in (["cmake", "--preset", "release"], ["cmake", "--build", build]):
        done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}\nfailed: {' '.join(map(str, command))}")
    return build


@contextlib.contextmanager
def scratch_directories(places):
    """A directory of this run in each of the places (name -> parent), for the time of the with block."""
    made = {}
    try:
        for name, parent in places.items():
            made[name] = pathlib.Path(tempfile.mkdtemp(prefix="mistamover-bench.", dir=parent))
            made[name].chmod(0o755)
            # On ext4: the directories in it are kept apart on the disk, as those of unrelated users are.
            subprocess.run(["chattr", "+T", made[name]], stderr=subprocess.DEVNULL, check=False)
        yield made
    finally:
        for path in made.values():
            shutil.rmtree(path, ignore_errors=True)


def copy_program(prefix, to):
    """Copies the installed layout, because another user may not be able to read the checkout."""
    to.mkdir()
    for part in ("bin", "lib/mistamover"):
        shutil.copytree(prefix / part, to / part)
    return to / "bin/mistamover"


@contextlib.contextmanager
def ordinary_user(home):
    """As root: a user with a plain shell and an empty home, for the time of the with block: root's limits are not an
    operator's, and a login shell's start-up files would be measured with every ssh session."""
    if os.geteuid() != 0:
        yield None
        return
    name = f"mistamover-bench-{os.getpid()}"
    subprocess.run(["useradd", "--system", "--no-create-home", "--home-dir", home, "--shell", "/bin/sh",
                    "--password", "*", name], check=True)
    try:
        yield pwd.getpwnam(name)
    finally:
        subprocess.run(["userdel", name], check=True)


def become(user):
    os.initgroups(user.pw_name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)


def child_main(user, work):
    os.setpgid(0, 0)
    if user:
        become(user)
    try:
        work()
        return 0
    except SystemExit as ended:
        print(ended, file=sys.stderr)
    except Exception:  # pylint: disable=broad-except; whoever runs the benchmark is to see what it was
        traceback.print_exc()
    return 1


def adopt_orphans():
    """Whose parent ends becomes this process's child, so that it can be waited for."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1)


def end_group(leader):
    """Ends all processes of that group, and waits until no child is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    deadline = time.monotonic() + 60
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.02)


def run_in_child(user, work):
    """Runs work() in a child, as that user if there is one, in a process group of which nothing outlives this call."""
    adopt_orphans()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = child_main(user, work)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except BaseException:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        raise
    finally:
        end_group(child)
    if code != 0:
        sys.exit(1)


def end_by_signal(number, _):
    for ending in ENDING_SIGNALS:
        signal.signal(ending, signal.SIG_IGN)  # a second one must not end the clean-up
    sys.exit(f"ended by {signal.Signals(number).name}")


def run(arguments, places, work):
    """Builds the program and calls work(program, directories) with a directory in each of the places (name -> parent),
    as an ordinary user. Leaves nothing behind, whether work ends, fails, or is ended by Ctrl-C or SIGTERM."""
    for number in ENDING_SIGNALS:
        signal.signal(number, end_by_signal)
    os.environ.pop("SSH_AUTH_SOCK", None)
    prefix = arguments.prefix or build_program()
    with scratch_directories(places) as directories:
        home = next(iter(directories.values()))
        program = copy_program(prefix, home / "program")
        with ordinary_user(home) as user:
            if user:
                for path in directories.values():
                    shutil.chown(path, user.pw_uid, user.pw_gid)
            run_in_child(user, lambda: work(program, directories))
