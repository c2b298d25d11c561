"""A consumer of events in a process of its own, with a copy of every record: `python consuming.py PORT SECRET FILE`.

It says yes only once the event is in its copy for good. What comes twice is known by record and revision.
"""

import json
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from standardwebhooks import Webhook

TABLES = """
CREATE TABLE IF NOT EXISTS records (id, revision, sequence, sha256, body, PRIMARY KEY (id, revision));
CREATE TABLE IF NOT EXISTS messages (id, came INTEGER);
"""


def main(port: int, secret: str, file: Path) -> None:
    copy = sqlite3.connect(file)
    copy.executescript(TABLES)

    class Consumer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            Webhook(secret).verify(body, {name.lower(): value for name, value in self.headers.items()})
            data = json.loads(body)["data"]
            row = [data[name] for name in ("record_id", "revision", "sequence", "body_sha256")]
            with copy:
                copy.execute("INSERT INTO messages VALUES (?, 1)", [self.headers["webhook-id"]])
                copy.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?)", [*row, json.dumps(data["record"])])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    HTTPServer(("127.0.0.1", port), Consumer).serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
