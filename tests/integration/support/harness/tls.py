"""TLS in front of a plain port, with whatever certificate is to be tried."""
import contextlib
import select
import socket
import ssl
import threading


class TlsFront:
    """Carries to 127.0.0.1:`target`. What is presented holds for new connections; the old ones are cut."""

    def __init__(self, target=None):
        self.target, self.context = target, None
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.open = set()
        threading.Thread(target=self._serve, daemon=True).start()

    def present(self, certificate, key, newest=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if newest < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
        self._change(context)

    def speak_plain(self):
        """Something else listens there: it answers at once, and not with TLS."""
        self._change(None)

    def _change(self, context):
        self.context = context
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _serve(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self.server.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        context = self.context
        with client, contextlib.suppress(OSError):  # ssl.SSLError is one: the client refuses us
            if context is None:
                client.recv(65536)
                client.sendall(b"220 mail.example ESMTP\r\n")
                return
            with context.wrap_socket(client, server_side=True) as front, socket.create_connection(("127.0.0.1", self.target)) as behind:
                self.open.add(front)
                try:
                    self._pump(front, behind)
                finally:
                    self.open.discard(front)

    @staticmethod
    def _pump(front, behind):
        while True:
            ready = [front] if front.pending() else select.select([front, behind], [], [])[0]
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                (behind if source is front else front).sendall(data)

    def close(self):
        self.server.close()
        self._change(None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
