#!/usr/bin/env python3
"""Creates a build of Stagefold over REST, follows it to its end and saves what it made: the standard library alone.

    python3 build.py "Convert units and count words" --save built

STAGEFOLD_URL and STAGEFOLD_KEY say where the API is and who asks. Ends with 0 when the build is completed, else 1.
"""

import argparse
import json
import os
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

ENDED = {"completed", "failed", "cancelled"}


class Problem(Exception):
    """A refusal (RFC 9457): `code` is from the API's closed list."""

    def __init__(self, problem):
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.code = problem["code"]


class Stagefold:
    def __init__(self, url, key=None):
        self.url = url.rstrip("/")
        self.headers = {"authorization": f"Bearer {key}"} if key else {}

    def open(self, method, path, body=None, headers=None, timeout=30):
        data = None if body is None else json.dumps(body).encode()
        sent = {**self.headers, **({} if body is None else {"content-type": "application/json"}), **(headers or {})}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=sent)
        try:
            return urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            if error.headers.get_content_type() == "application/problem+json":
                raise Problem(json.load(error)) from None
            raise

    def call(self, method, path, body=None, headers=None):
        with self.open(method, path, body, headers) as answer:
            return json.load(answer) if answer.status != 204 else None

    def create(self, build, patience=30):
        """Tries again while the API is away: under the same key there is one build, however often it was asked for."""
        key = {"idempotency-key": str(uuid.uuid4())}
        end = time.monotonic() + patience
        while True:
            try:
                return self.call("POST", "/v1/projects", build, key)
            except (urllib.error.URLError, TimeoutError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def watch(self, project_id):
        """Each state of a build. A stream that breaks is opened again after the last event that came."""
        seen = {}
        while True:
            try:
                for event in self._events(f"/v1/projects/{project_id}/events", seen):
                    if event.get("event") == "problem":
                        raise Problem(json.loads(event["data"]))
                    seen = {"last-event-id": event["id"]}
                    yield json.loads(event["data"])
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                pass
            time.sleep(0.5)

    def _events(self, path, headers):
        """Server-sent events. The API says every ten seconds that it is there, so that silence means a lost connection."""
        event = {}
        with self.open("GET", path, headers=headers) as stream:
            for raw in stream:
                line = raw.decode().rstrip("\r\n")
                if line == "":
                    if "data" in event:
                        yield event
                    event = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(":")
                    event[name] = value.removeprefix(" ")

    def artifacts(self, project_id):
        """All of them, page by page."""
        cursor = None
        while True:
            query = urllib.parse.urlencode({"limit": 100, **({"cursor": cursor} if cursor else {})})
            page = self.call("GET", f"/v1/projects/{project_id}/artifacts?{query}")
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def download(self, project_id, path):
        with self.open("GET", f"/artifacts/{project_id}/{urllib.parse.quote(path)}") as answer:
            return answer.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requirement")
    parser.add_argument("--pipeline", default="agent-build")
    parser.add_argument("--save", type=pathlib.Path, help="a folder for the artifacts")
    parser.add_argument("--url", default=os.environ.get("STAGEFOLD_URL", "http://127.0.0.1:4000"))
    args = parser.parse_args()
    api = Stagefold(args.url, os.environ.get("STAGEFOLD_KEY"))
    try:
        project = api.create({"requirement": args.requirement, "pipeline": args.pipeline})
        for project in api.watch(project["project_id"]):
            print(project["status"], project["progress_percentage"], project.get("current_stage", ""), flush=True)
            if project["status"] in ENDED:
                break
        for artifact in api.artifacts(project["project_id"]):
            print(artifact["stage"], artifact["path"])
            if args.save:
                target = args.save / artifact["path"]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(api.download(project["project_id"], artifact["path"]))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0 if project["status"] == "completed" else 1


if __name__ == "__main__":
    sys.exit(main())
