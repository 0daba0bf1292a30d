"""A TLS endpoint before a plain one: what the clouds' endpoints are, with a certificate of our own."""

import contextlib
import socket
import ssl
import threading


class TlsFront:
    """Listens on loopback and hands on to `target`, "host:port", until it is closed."""

    def __init__(self, target, certificate, key):
        self._target = target.rsplit(":", 1)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):  # A refused handshake is one.
            with (self._context.wrap_socket(client, server_side=True) as inner,
                  socket.create_connection(self._target) as outer):
                back = threading.Thread(target=self._copy, args=(outer, inner), daemon=True)
                back.start()
                self._copy(inner, outer)
                back.join()

    @staticmethod
    def _copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
