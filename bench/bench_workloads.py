# SPDX-License-Identifier: BSD-3-Clause
"""What is moved: written anew for each run, and checked afterwards."""

import os
import sys

PIECE = 1 << 20
RANDOM = os.urandom(PIECE)


class Workload:
    """`count` files of `size` bytes, each with a content of its own."""

    def __init__(self, count, size, text):
        self.count = count
        self.size = size
        self.text = text
        self.name = f"{count} x {text}"

    def scaled(self, fraction):
        if fraction == 1:
            return self
        if self.count == 1:
            size = max(PIECE, int(self.size * fraction))
            return Workload(1, size, f"{size >> 20} MiB")
        return Workload(max(1, int(self.count * fraction)), self.size, self.text)

    def file_name(self, number):
        return f"file-{number:06d}.dat"

    def pieces(self, number):
        """The content: random bytes, each piece of which begins with the file's and its own number."""
        for offset in range(0, self.size, PIECE):
            mark = f"{number} {offset} ".encode()
            length = min(PIECE, self.size - offset)
            yield (mark + RANDOM[:length - len(mark)])[:length]

    def write(self, directory):
        for number in range(self.count):
            with open(directory / self.file_name(number), "wb", buffering=0) as file:
                for piece in self.pieces(number):
                    file.write(piece)

    def check(self, source, target, what):
        """Ends the benchmark unless all files are whole at the target and none is left at the source."""
        left = [name for name in os.listdir(source) if not name.startswith(".")]
        if left:
            sys.exit(f"{what}: {len(left)} files were left at the source")
        found = set(os.listdir(target))
        expected = {self.file_name(number) for number in range(self.count)}
        if found != expected:
            sys.exit(f"{what}: {len(expected - found)} files are missing at the target, "
                     f"{sorted(found - expected)[:5]} should not be there")
        for number in range(self.count):
            with open(target / self.file_name(number), "rb", buffering=0) as file:
                for piece in self.pieces(number):
                    if file.read(len(piece)) != piece:
                        sys.exit(f"{what}: {self.file_name(number)} is not what was sent")
                if file.read(1):
                    sys.exit(f"{what}: {self.file_name(number)} is longer than what was sent")


WORKLOADS = [
    Workload(10000, 4 << 10, "4 KiB"),
    Workload(500, 1 << 20, "1 MiB"),
    Workload(1, 2 << 30, "2 GiB"),
]
