"""A server of a test's own over a real socket: it answers what the test says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Say = Callable[[str, bytes], tuple[int, bytes]]
"""From the path and the body of a call (empty for a GET) to the status and the body of its answer."""


@contextmanager
def answering(say: Say) -> Iterator[str]:
    """Its address, without a slash at the end; `say` is called in a thread for each connection."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, raw = say(self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
