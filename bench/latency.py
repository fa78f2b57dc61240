# SPDX-License-Identifier: BSD-3-Clause
"""From the close of a file to its final name at the target, with the daemon running and the module local."""

import argparse
import time

import bench_common as common
import bench_daemon as daemons


def main():
    parser = argparse.ArgumentParser(prog="bench/latency", description=__doc__)
    common.add_arguments(parser)
    parser.add_argument("--files", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--every", type=float, default=0.02, help="seconds between two files (0.02)")
    parser.add_argument("--size", type=int, default=4096, help="bytes of a file (4096)")
    parser.add_argument("--target", metavar="DIRECTORY", help="where the target is, if elsewhere than --disk")
    arguments = parser.parse_args()
    places = {"source": arguments.disk, "target": arguments.target or arguments.disk}
    common.run(arguments, places, lambda program, directories: measure(arguments, program, directories))


def measure(arguments, program, directories):
    source, target = directories["source"] / "outgoing", directories["target"] / "archive"
    source.mkdir()
    target.mkdir()
    config = daemons.write_configuration(directories["source"] / "config", {
        "latency": f"data_stream: {{directory: {source}}}\noutgoing: {{plugin: local, target_dir: {target}}}\n"})
    arrivals = daemons.Arrivals([target])
    content = b"x" * arguments.size
    closed = {}
    with daemons.Daemon(program, config) as daemon:
        (source / "first").write_bytes(content)
        daemon.wait_for("the first file to be moved", (target / "first").exists)
        begin = time.monotonic()
        for number in range(arguments.files):
            time.sleep(max(0.0, begin + number * arguments.every - time.monotonic()))
            name = f"file-{number}"
            closed[name] = daemons.write_and_close(source / name, content)
        missing = arrivals.wait(closed, 60)
    if missing:
        raise SystemExit(f"{len(missing)} files never arrived")
    daemons.print_latencies(closed, arrivals.at)


if __name__ == "__main__":
    main()
