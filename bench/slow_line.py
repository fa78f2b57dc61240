# SPDX-License-Identifier: BSD-3-Clause
"""A line with a delay: slow_line.py PORT TO_PORT MILLISECONDS carries 127.0.0.1:PORT to 127.0.0.1:TO_PORT."""

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


async def main(port, to_port, delay):
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

    server = await asyncio.start_server(carry, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
