"""One server that plays every service that gives keys, of either cloud.

Callers tell in `x-asked-for` which host they meant. What they asked comes back as the security
token, in words: two callers that get the same one have asked the same thing.
"""

import http.server
import json
import threading
import urllib.parse

EXPIRATION = "2099-01-02T03:04:05Z"


class Question:
    """One request, taken apart."""

    def __init__(self, handler, body):
        self.method = handler.command
        self.host = handler.headers.get("x-asked-for", "")
        self.path, _, query = handler.path.partition("?")
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = body
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.form = {}
        if "form" in self.headers.get("content-type", ""):
            self.form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))


class Server:
    """Answers with `answer(question)`, which gives (status, headers, body), until it is closed."""

    def __init__(self):
        self.answer = lambda question: (404, {}, "")
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def serve(self):
                length = int(self.headers.get("content-length") or 0)
                question = Question(self, self.rfile.read(length).decode())
                outer.asked.append(question)
                status, headers, body = outer.answer(question)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = do_PUT = do_HEAD = serve

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def as_json(status, value):
    return status, {"content-type": "application/json"}, json.dumps(value)
