"""A provider that others wrote (fakellm, PyPI), and a line to it that fails: what comes over it breaks off, is no JSON, is a
page of a proxy, or asks for patience."""

import contextlib
import http.client
import http.server
import os
import socket
import subprocess
import threading
import time
import urllib.request

KEY = "sk-peer-0123456789abcdef"
# As --provider has it, how its variables begin, and what its address ends with.
PROVIDERS = [("anthropic", "ANTHROPIC", ""), ("openai-compatible", "OPENAI", "/v1")]
# What becomes of a reply on its way: status, head, bytes, of how many that were announced.
FAULTS = {
    "cut": lambda status, body: (status, {}, body[: len(body) // 2], len(body)),
    "half": lambda status, body: (status, {}, body[: len(body) // 2], len(body) // 2),
    "noise": lambda status, body: (200, {}, bytes(range(128, 256)) * 4, 512),
    "page": lambda status, body: (200, {"content-type": "text/html"}, b"<html><body>Bad gateway</body></html>", 37),
    "later": lambda status, body: (429, {"retry-after": "900"}, b'{"error": {"message": "come back tomorrow"}}', 44),
}


def environment(prefix, port, path):
    return {f"{prefix}_API_KEY": KEY, f"{prefix}_BASE_URL": f"http://127.0.0.1:{port}{path}"}


def run(binary, arguments, data, more=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ANTHROPIC", "OPENAI"))}
    env = {**env, "SCARTISSUE_DATA": data, **(more or {})}
    return subprocess.run([binary, *arguments], env=env, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def provider(fakellm, script):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([fakellm, "serve", "--port", str(port), "--config", script], **quiet)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_fakellm/stats", timeout=1)
                break
            time.sleep(0.1)
        yield port
    finally:
        server.kill()
        server.wait()


class Relay:
    """Between us and a provider. `faults` is what befalls the first, second, ... request (None: nothing). A request that failed
    is sent again as it was: then what the provider had said to it comes whole."""

    def __init__(self, port, faults):
        self.faults, self.kept, self.met = list(faults), {}, []
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                sent = self.rfile.read(int(self.headers["content-length"]))
                fault = relay.faults.pop(0) if relay.faults else None
                if sent in relay.kept:
                    status, body = relay.kept[sent]
                else:
                    there = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                    there.request("POST", self.path, sent, {"content-type": "application/json"})
                    answer = there.getresponse()
                    status, body = answer.status, answer.read()
                    there.close()
                head, announced = {}, len(body)
                if fault:
                    relay.kept[sent] = (status, body)
                    relay.met.append(fault)
                    status, head, body, announced = FAULTS[fault](status, body)
                else:
                    relay.kept.pop(sent, None)
                self.send_response(status)
                for name, value in {"content-type": "application/json", **head}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(announced))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
