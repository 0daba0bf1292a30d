"""A server for each way in which a cloud, or what stands in front of it, can misbehave.

Each case is one function that is given a connection whose request head has been read (unless its
name says otherwise). A case listens on a port of its own. What clients do is kept: how long each
connection lived, and which heads came in.
"""

import gzip
import socket
import struct
import threading
import time

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
# An answer that both clouds' clients would believe: two repositories and a finished build.
REPOSITORIES = (b'{"IsSuccess":true,"Code":"success","TotalCount":"1","Repositories":[{"RepoId":'
                b'"crr-1","RepoName":"bad","RepoNamespaceName":"bad","RepoStatus":"NORMAL"}],'
                b'"repos":[{"namespace":"bad","name":"bad"}]}')


def answer(body, head=OK):
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def wait_for_end(connection):
    """Until the client goes."""
    connection.settimeout(30)
    while connection.recv(65536):
        pass


def drip(connection, first, piece, pause=0.05):
    connection.sendall(first)
    while True:
        connection.sendall(piece)
        time.sleep(pause)


def flood(connection, first, piece, pieces=40000):
    connection.sendall(first)
    for _ in range(pieces):
        connection.sendall(piece)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_now(connection):
    reset(connection)


def reset_in_body(connection):
    connection.sendall(OK + b"Content-Length: 500\r\n\r\n" + REPOSITORIES[:100])
    time.sleep(0.05)
    reset(connection)


def sends(text):
    def send(connection):
        connection.sendall(text)
        with_farewell(connection)
    return send


def sends_and_stays(text):
    def send(connection):
        connection.sendall(text)
        wait_for_end(connection)
    return send


def with_farewell(connection):
    """Closes without a reset, so that the client gets all of it."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(2)
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass


def redirect(status, to):
    def send(connection):
        connection.sendall(b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
                           % (status, to.encode()))
        with_farewell(connection)
    return send


def packed(body, raw=False):
    body = body if raw else gzip.compress(body)
    return answer(body, OK + b"Content-Encoding: gzip\r\n")


def early(text):
    """Answers before it was asked."""
    def send(connection):
        connection.sendall(text)
        time.sleep(0.2)
    send.before_head = True
    return send


def before_head(function):
    function.before_head = True
    return function


@before_head
def never_reads(connection):
    time.sleep(20)


@before_head
def tls_record_drip(connection):
    """To a client that speaks TLS: a record that never ends."""
    drip(connection, b"\x16\x03\x03\x40\x00", b"\x02")


@before_head
def tls_silence(connection):
    time.sleep(20)


@before_head
def tls_alert(connection):
    connection.recv(4096)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
    time.sleep(0.1)


@before_head
def tls_garbage(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\nThis is not TLS")
    time.sleep(0.1)


@before_head
def tls_reset(connection):
    connection.recv(64)
    reset(connection)


@before_head
def proxy_hangs(connection):
    connection.recv(4096)
    time.sleep(20)


@before_head
def proxy_drips(connection):
    drip(connection, b"HTTP/1.1 200 Connection established\r\nX: ", b"x")


@before_head
def proxy_refuses(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    time.sleep(0.1)


def cases(trap):
    """{name: behaviour}; `trap` is an address that must never be called."""
    html = b"<html><body>Sign in to the airport network</body></html>"
    deep = b"[" * 100000
    return {
        # Slow
        "hangs": wait_for_end,
        "never-reads": never_reads,
        "drips-head": lambda c: drip(c, OK + b"X-A: ", b"a"),
        "drips-headers": lambda c: drip(c, OK, b"X-A: b\r\n"),
        "drips-status": lambda c: drip(c, b"HTTP/1.1 2", b"0"),
        "drips-body": lambda c: drip(c, OK + b"Content-Length: 9999\r\n\r\n{", b" "),
        "drips-chunks": lambda c: drip(c, OK + b"Transfer-Encoding: chunked\r\n\r\n",
                                       b"1\r\n \r\n"),
        "drips-continues": lambda c: drip(c, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        "head-then-hangs": sends_and_stays(OK + b"Content-Length: 500\r\n\r\n"),
        "half-body-then-hangs": sends_and_stays(OK + b"Content-Length: 500\r\n\r\n"
                                                + REPOSITORIES[:100]),
        # Cut
        "closes": lambda c: None,
        "resets": reset_now,
        "resets-in-body": reset_in_body,
        "truncated": sends(OK + b"Content-Length: 5000\r\n\r\n" + REPOSITORIES),
        "truncated-chunk": sends(OK + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n" + REPOSITORIES),
        "no-last-chunk": sends(OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n"
                               % (len(REPOSITORIES), REPOSITORIES)),
        "truncated-gzip": sends(packed(gzip.compress(REPOSITORIES)[:-20], raw=True)),
        "answers-early": early(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
        # Too much
        "status-line-1mb": lambda c: flood(c, b"HTTP/1.1 200 ", b"x" * 1024, 1024),
        "endless-headers": lambda c: flood(c, OK, b"X-A: " + b"b" * 1000 + b"\r\n"),
        "one-endless-header": lambda c: flood(c, OK + b"X-A: ", b"b" * 1024),
        "endless-continues": lambda c: flood(c, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40),
        "endless-body": lambda c: flood(c, OK + b"\r\n[", b" " * 65536, 2000),
        "length-of-petabytes": sends_and_stays(OK + b"Content-Length: 99999999999999999\r\n\r\n{"),
        "gzip-bomb": sends(packed(b" " * (200 << 20))),
        "deep-json": sends(answer(deep)),
        "many-members": sends(answer(b'{"a":' + b'{"b":1},"a":' * 200000 + b"1}")),
        # Not what it should be
        "html": sends(answer(html, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")),
        "empty": sends(answer(b"")),
        "no-json": sends(answer(b"ok")),
        "cut-json": sends(answer(REPOSITORIES[:-30])),
        "two-documents": sends(answer(REPOSITORIES + REPOSITORIES)),
        "other-type": sends(answer(b"[1, 2, 3]")),
        "nulls": sends(answer(b"\0" * 4096)),
        "not-utf8": sends(answer(b'{"IsSuccess":true,"Repositories":"\xff\xfe"}')),
        "is-success-false": sends(answer(b'{"IsSuccess":false,"Code":"OOPS"}')),
        "no-gzip": sends(packed(b"plain", raw=True)),
        "other-encoding": sends(answer(REPOSITORIES, OK + b"Content-Encoding: br\r\n")),
        "two-lengths": sends(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}    "),
        "length-and-chunks": sends(OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   b"2\r\n{}\r\n0\r\n\r\n"),
        "negative-length": sends(OK + b"Content-Length: -1\r\n\r\n{}"),
        "bad-chunk": sends(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        "ssh": early(b"SSH-2.0-OpenSSH_9.2\r\n"),
        "http2-preface": early(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d\0\x04\0\x10\0\0"),
        # Elsewhere
        "redirect-301": redirect(301, trap + "/steal"),
        "redirect-302": redirect(302, trap + "/steal"),
        "redirect-303": redirect(303, trap + "/steal"),
        "redirect-307": redirect(307, trap + "/steal"),
        "redirect-308": redirect(308, trap + "/steal"),
        "redirect-userinfo": redirect(302, trap.replace("://", "://a:b@") + "/steal"),
        "refresh": sends(answer(b"{}", OK + b"Refresh: 0; url=" + trap.encode() + b"\r\n")),
        # Errors
        "500": sends(answer(html, b"HTTP/1.1 500 Oops\r\n")),
        "503-retry-after-ages": sends(answer(b"", b"HTTP/1.1 503 No\r\nRetry-After: 1000000000\r\n")),
        "429-retry-after-negative": sends(answer(b"", b"HTTP/1.1 429 No\r\nRetry-After: -5\r\n")),
        "401-echoes": sends(answer(b'{"Code":"SignatureDoesNotMatch","Message":"demo-secret"}',
                                   b"HTTP/1.1 401 No\r\n")),
        "204": sends(b"HTTP/1.1 204 No Content\r\n\r\n"),
        "304": sends(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        "101": sends_and_stays(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
        # TLS (https endpoints)
        "tls-silence": tls_silence,
        "tls-record-drip": tls_record_drip,
        "tls-alert": tls_alert,
        "tls-garbage": tls_garbage,
        "tls-reset": tls_reset,
        # Proxies
        "proxy-hangs": proxy_hangs,
        "proxy-drips": proxy_drips,
        "proxy-refuses": proxy_refuses,
    }


class NastyServer:
    """One case on one port."""

    def __init__(self, behaviour):
        self.behaviour = behaviour
        self.lives = []  # Seconds from accepting to the client's end, or ours.
        self.heads = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        begun = time.monotonic()
        try:
            if not getattr(self.behaviour, "before_head", False):
                self.heads.append(self._read_head(connection))
            self.behaviour(connection)
        except OSError:
            pass  # The client went: what it should do.
        finally:
            self.lives.append(time.monotonic() - begun)
            connection.close()

    @staticmethod
    def _read_head(connection):
        connection.settimeout(20)
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                raise OSError("no request")
            head += more
        return head


if __name__ == "__main__":
    # By hand: prints where each case listens.
    import sys
    wanted = sys.argv[1:]
    for name, each in cases("http://127.0.0.1:1").items():
        if not wanted or name in wanted:
            print(f"{name:28} http://{NastyServer(each).address}", flush=True)
    threading.Event().wait()
