# SPDX-License-Identifier: BSD-3-Clause
"""A line with a delay: slow_line.py PORT TO_PORT MILLISECONDS carries 127.0.0.1:PORT to 127.0.0.1:TO_PORT.

With --address, clients connect to that one; with --ports, so many ports in a row are carried to as many."""

import argparse
import asyncio
import socket
import sys


class Direction:
    """Carries what comes from a reader to a writer, each piece so much later."""

    MOST_ON_THE_WAY = 16 << 20

    def __init__(self, reader, writer, delay):
        self.reader = reader
        self.writer = writer
        self.delay = delay
        self.pieces = asyncio.Queue()
        self.on_the_way = 0
        self.room = asyncio.Event()

    async def take(self):
        while piece := await self.reader.read(1 << 16):
            self.on_the_way += len(piece)
            self.pieces.put_nowait((asyncio.get_running_loop().time() + self.delay, piece))
            while self.on_the_way > self.MOST_ON_THE_WAY:
                self.room.clear()
                await self.room.wait()
        self.pieces.put_nowait((asyncio.get_running_loop().time() + self.delay, b""))

    async def give(self):
        while True:
            due, piece = await self.pieces.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            if not piece:
                self.writer.write_eof()
                return
            self.writer.write(piece)
            await self.writer.drain()
            self.on_the_way -= len(piece)
            self.room.set()


async def listen(address, port, to_port, delay):
    async def carry(reader, writer):
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", to_port)
        for end in (writer, to_writer):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        both = Direction(reader, to_writer, delay), Direction(to_reader, writer, delay)
        try:
            await asyncio.gather(*(step for way in both for step in (way.take(), way.give())))
        except OSError:
            pass
        finally:
            writer.close()
            to_writer.close()

    return await asyncio.start_server(carry, address, port)


async def main(arguments):
    servers = [await listen(arguments.address, arguments.port + number, arguments.to_port + number,
                            arguments.milliseconds / 1000) for number in range(arguments.ports)]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("to_port", type=int)
    parser.add_argument("milliseconds", type=float)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--ports", type=int, default=1)
    asyncio.run(main(parser.parse_args()))
