# SPDX-License-Identifier: BSD-3-Clause
"""The receiving side of the arrivals protocol alone: many files put at once, and one after the other."""

import argparse
import hashlib
import os
import time

import bench_common as common
import bench_daemon as daemons


def main():
    parser = argparse.ArgumentParser(prog="bench/arrivals", description=__doc__)
    common.add_arguments(parser)
    parser.add_argument("--files", type=int, default=10000, help="how many at once (10000)")
    parser.add_argument("--single", type=int, default=200, help="how many one after the other (200)")
    parser.add_argument("--size", type=int, default=4096, help="bytes of a file (4096)")
    parser.add_argument("--tmpfs", default="/dev/shm", metavar="DIRECTORY", help="a directory on a tmpfs (/dev/shm)")
    arguments = parser.parse_args()
    places = {"disk": arguments.disk, "tmpfs": arguments.tmpfs}
    common.run(arguments, places, lambda program, directories: measure_all(arguments, program, directories))


def measure_all(arguments, program, directories):
    for place in ("tmpfs", "disk"):
        for fsync in ("true", "false"):
            home = directories[place] / f"fsync-{fsync}"
            home.mkdir()
            os.sync()
            measure(arguments, program, home, f"{place}, fsync {fsync}: ", fsync)


def measure(arguments, program, home, label, fsync):
    source, incoming = home / "data", home / "incoming"
    config = daemons.write_configuration(home / "config", {
        "arrivals": f"data_stream: {{directory: {source}}}\noutgoing: {{plugin: none}}\n"
                    f"incoming: {{require_arrival_monitor: true, directory: {incoming}, fsync: {fsync}}}\n"})
    sender = Sender(incoming, arguments.size)
    with daemons.Daemon(program, config) as daemon:
        daemon.wait_for("the incoming directory", (incoming / ".mistamover-arrivals").exists)
        names = [f"file-{number}" for number in range(arguments.files)]
        sender.put(names)
        begin = time.monotonic()
        sender.announce(names)
        announced = time.monotonic() - begin
        sender.wait_for(names)
        took = time.monotonic() - begin
        print(f"{label}{len(names)} x {arguments.size} bytes answered in {took:.2f} s, {len(names) / took:.0f} files/s "
              f"(writing the control files took {announced:.2f} s of it)")
        measure_single(sender, arguments.single, label)


def measure_single(sender, count, label):
    took = []
    for number in range(count):
        name = f"single-{number}"
        sender.put([name])
        begin = time.monotonic()
        sender.announce([name])
        sender.wait_for([name])
        took.append((time.monotonic() - begin) * 1000)
    took.sort()
    print(f"{label}one file after the other, control file to receipt: median {took[len(took) // 2]:.1f} ms, "
          f"longest {took[-1]:.1f} ms")


class Sender:
    """Writes files, and control files behind them, into an incoming directory, and looks for receipts."""

    def __init__(self, incoming, size):
        self.incoming = incoming
        self.content = b"x" * size
        self.checksum = hashlib.md5(self.content).hexdigest()

    def put(self, names):
        for name in names:
            (self.incoming / name).write_bytes(self.content)

    def announce(self, names):
        for name in names:
            temporary = self.incoming / f".{name}.tmp"
            temporary.write_text(f"_start_stager_ctrl_data_\n{name}\n{len(self.content)}\n{self.checksum}\n"
                                 f".{name}.receipt\n_end_stager_ctrl_data_\n")
            temporary.rename(self.incoming / f".{name}.stager-ctrl-bss")

    def wait_for(self, names, seconds=300):
        """Until all receipts are there, each of which must say success."""
        deadline = time.monotonic() + seconds
        for name in names:
            receipt = self.incoming / f".{name}.receipt"
            while not receipt.exists():
                if time.monotonic() > deadline:
                    raise SystemExit(f"no receipt for {name} within {seconds} s")
                time.sleep(0.001)
            if receipt.read_text().splitlines()[2] != "0":
                raise SystemExit(f"{name} was refused: {receipt.read_text()}")


if __name__ == "__main__":
    main()
