#!/usr/bin/env bash
# Versions: airbyte-cdk 7.39.1.
# Seen: if an API answers with a bare list, `response` in a stop condition is the first row of the list, and
#   for an empty list it is {}. So `response | length` is the number of fields of the first row. With
#   `{{ response | length < page_size }}` the read ends after the first full page, and reports success.
#   The record selector sees the whole list.
# Guessed: that `response` is what the reference says, "the body of the last response received from the
#   API", also where the body is a list.
# Matters: Heymarket's lists are bare. That condition says in the plainest words that a page is not full,
#   and it gives 10 of 60 rows here. `last_page_size` counts the rows, so our comparison uses it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check airbyte-cdk==7.39.1
cd "$folder"
"$folder/venv/bin/python" - <<'END'
import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

PAGE, ROWS = 10, 60
CONDITIONS = (
    "{{ response | length < page_size }}",
    "{{ response | length == 0 }}",
    "{{ last_page_size < page_size }}",
)


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        after = int(parse_qs(urlsplit(self.path).query).get("after", ["0"])[0])
        numbers = range(after + 1, min(after + PAGE, ROWS) + 1)
        body = json.dumps([{"id": number, "name": f"No {number}"} for number in numbers]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def manifest(url: str, condition: str) -> dict:
    return {
        "version": "7.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["rows"]},
        "streams": [
            {
                "type": "DeclarativeStream",
                "name": "rows",
                "primary_key": ["id"],
                "retriever": {
                    "type": "SimpleRetriever",
                    "requester": {"type": "HttpRequester", "url_base": url, "path": "/rows"},
                    "record_selector": {
                        "type": "RecordSelector",
                        "extractor": {"type": "DpathExtractor", "field_path": []},
                    },
                    "paginator": {
                        "type": "DefaultPaginator",
                        "page_token_option": {
                            "type": "RequestOption",
                            "inject_into": "request_parameter",
                            "field_name": "after",
                        },
                        "pagination_strategy": {
                            "type": "CursorPagination",
                            "page_size": PAGE,
                            "cursor_value": "{{ last_record['id'] }}",
                            "stop_condition": condition,
                        },
                    },
                },
                "schema_loader": {"type": "InlineSchemaLoader", "schema": {"type": "object"}},
            }
        ],
        "spec": {"type": "Spec", "connection_specification": {"type": "object"}},
    }


def read(source: dict) -> str:
    stream = {"name": "rows", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    modes = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    Path("manifest.yaml").write_text(json.dumps(source))
    Path("catalog.json").write_text(json.dumps({"streams": [{"stream": stream, **modes}]}))
    Path("config.json").write_text("{}")
    command = [str(Path(sys.executable).parent / "source-declarative-manifest"), "read"]
    files = ["--config", "config.json", "--catalog", "catalog.json", "--manifest-path", "manifest.yaml"]
    done = subprocess.run([*command, *files], capture_output=True, text=True)
    rows = sum(json.loads(line)["type"] == "RECORD" for line in done.stdout.splitlines())
    return f"{rows} rows, {'success' if done.returncode == 0 else 'error'}"


server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
Thread(target=server.serve_forever, daemon=True).start()
print(f"{ROWS} rows of two fields, in bare lists of {PAGE}")
seen = []
for condition in CONDITIONS:
    seen.append(read(manifest(f"http://127.0.0.1:{server.server_port}", condition)))
    print(f"{condition:37} {seen[-1]}")
server.shutdown()
if seen != ["10 rows, success", "60 rows, success", "60 rows, success"]:
    sys.exit("the behaviour changed")
END
