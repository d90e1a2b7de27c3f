"""A network that delays, splits and resets, between a client and a server on this machine."""
import contextlib
import random
import socket
import struct
import threading
import time

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


class Chaos:
    """A proxy before 127.0.0.1:`port`, on a port of its own; wild until calm(). What it does to the nth connection hangs
    on the seed and n alone; it resets `most` of them."""

    def __init__(self, port, seed, probability, most=None):
        self.target, self.seed, self.probability, self.most = port, seed, probability, most
        self.wild, self.resets, self.connections = True, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def calm(self):
        self.wild = False

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for way in ((client, server), (server, client)):
                rng = random.Random(f"{self.seed}/{self.connections}/{way[0] is client}")
                threading.Thread(target=self._carry, args=(*way, rng), daemon=True).start()

    def _carry(self, source, sink, rng):
        with contextlib.suppress(OSError):  # the other direction ended it
            while data := source.recv(4096):
                if self.wild and self.resets != self.most and rng.random() < self.probability:
                    self.resets += 1
                    self._end(source, sink)
                    return
                self._send(sink, data, rng)
            sink.shutdown(socket.SHUT_WR)

    def _send(self, sink, data, rng):
        if not self.wild:
            sink.sendall(data)
            return
        time.sleep(rng.random() * 0.05)  # the network's delay
        cut = rng.randrange(len(data) + 1)
        sink.sendall(data[:cut])
        time.sleep(rng.random() * 0.02)
        sink.sendall(data[cut:])

    def _end(self, *sockets):
        for s in sockets:
            with contextlib.suppress(OSError):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                s.shutdown(socket.SHUT_RDWR)
                s.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
