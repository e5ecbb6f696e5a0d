#!/usr/bin/env python3
"""Runs builds for Stagefold from Python, with nothing but the standard library.

    python3 runner.py create "Index the handbook"     makes a project with stages of its own
    python3 runner.py run                             claims what waits, runs it, reports it

Start as many runners as you like, and kill any of them: another one takes its build over once the lease has run
out, and what the dead one says afterwards is refused. A stage may therefore run twice; what it came to is recorded once.
"""

import argparse
import datetime
import hashlib
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

STAGES = [
    {"stage": "collect", "stage_name": "Collect the pages"},
    {"stage": "index", "stage_name": "Build the index", "weight": 2},
    {"stage": "verify", "stage_name": "Verify the index"},
]
PIPELINE = "handbook-index"


class Refused(Exception):
    """The API's typed refusal: `code` is from its closed list."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Stagefold:
    """The few calls that a runner needs: tRPC over plain JSON. `key` is an API key, where the API asks for one."""

    def __init__(self, url, key=None):
        self.url = url.rstrip("/")
        self.headers = {"authorization": f"Bearer {key}"} if key else {}

    def call(self, procedure, data, patience=30, timeout=10):
        """
        A mutation. Tries again while the API or its store is away. Every call of this program may be repeated: a claim
        by its operation_id, a create by its idempotency_key, a report and a release by their lease_seq.
        """
        body = json.dumps(data).encode()
        headers = {"content-type": "application/json"}
        return self._send("POST", f"/trpc/{procedure}", body, headers, patience, timeout)["result"]["data"]

    def upload(self, claim, stage, attempt, path, content):
        """Puts the bytes of an artifact; an `artifacts` event then records it."""
        query = f"?stage={stage}&attempt={attempt}"
        headers = {"x-stagefold-lease": str(claim["lease_token"]), "content-type": "application/octet-stream"}
        project_id = claim["project"]["project_id"]
        return self._send("PUT", f"/artifacts/{project_id}/{path}{query}", content, headers, 30)

    def _send(self, method, path, body, headers, patience, timeout=10):
        until = time.monotonic() + patience
        while True:
            headers = {**self.headers, **headers}
            request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=timeout) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                refusal = refusal_of(error)
                if refusal.code not in ("STORE_UNAVAILABLE", "RATE_LIMITED") or time.monotonic() > until:
                    raise refusal from None
            except OSError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.5)


def refusal_of(error):
    try:
        body = json.load(error)["error"]
        return Refused(body["data"]["stagefold"]["code"], body["message"])
    except (ValueError, KeyError, TypeError):
        return Refused("INTERNAL", f"HTTP {error.code}")


def moment():
    """Now by two clocks: one that never goes back, and one that also counts while the machine sleeps."""
    return time.monotonic(), time.time()


def since(then):
    """Seconds since then, by the clock that shows more: better to give a lease up too early than too late."""
    return max(time.monotonic() - then[0], time.time() - then[1])


def seconds_between(start, end):
    read = datetime.datetime.fromisoformat
    return (read(end.replace("Z", "+00:00")) - read(start.replace("Z", "+00:00"))).total_seconds()


class Lease:
    """The right to write one project. Renews itself; `lost` is set when it is over, or can no longer be trusted."""

    def __init__(self, api, claim, sent_at, every=None):
        self.api = api
        self.claim = claim
        self.project_id = claim["project"]["project_id"]
        self.token = claim["lease_token"]
        self.seq = claim["lease_seq"]
        self.status = claim["project"]["status"]
        # Both are the store's times: the clock of this machine does not come into it.
        self.seconds = seconds_between(claim["project"]["updated_at"], claim["expires_at"])
        self.every = every or self.seconds / 4
        self.lost = threading.Event()
        self._renewed = sent_at
        self._over = threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self):
        """Renews after a quarter of the lease. Without an answer for three quarters of it another worker may be next."""
        wait = self.every
        while not self._over.wait(wait):
            sent_at = moment()
            if since(self._renewed) > 0.75 * self.seconds:
                return self._lose(f"not renewed for {since(self._renewed):.0f} s")
            data = {"project_id": self.project_id, "lease_token": self.token}
            try:
                answer = self.api.call("work.heartbeat", data, patience=0, timeout=max(0.5, self.seconds / 8))
                self.status = answer["status"]
                self._renewed = sent_at
                wait = self.every
            except Refused as refusal:
                if refusal.code in ("LEASE_LOST", "PROJECT_NOT_FOUND"):
                    return self._lose(refusal)
                wait = self.every / 5
            except OSError:
                wait = self.every / 5

    def _lose(self, reason):
        print(f"lease lost: {reason}", file=sys.stderr, flush=True)
        self.lost.set()

    def report(self, *events):
        """One write with all of the events, or none of them. A repeat with the same number is harmless."""
        self.seq += 1
        data = {
            "project_id": self.project_id,
            "lease_token": self.token,
            "lease_seq": self.seq,
            "events": list(events),
        }
        sent_at = moment()
        project = self.api.call("work.report", data)
        # Every write renews the lease.
        self._renewed = max(self._renewed, sent_at)
        self.status = project["status"]
        return project

    def release(self):
        self.seq += 1
        data = {"project_id": self.project_id, "lease_token": self.token, "lease_seq": self.seq}
        self.api.call("work.release", data)

    def close(self):
        self._over.set()


def run_stage(api, lease, stage, attempt, seconds):
    """The work itself. It may run twice, so it begins from nothing and its result is named by its input alone."""
    lines = []
    for step in range(1, 5):
        time.sleep(seconds / 4)
        if lease.lost.is_set():
            raise Refused("LEASE_LOST", "another runner has this build")
        lines.append(f"{stage}: step {step} of 4")
        if step == 2:
            lease.report(
                {"event": "log", "stage": stage, "lines": lines},
                {"event": "progress", "stage": stage, "progress": 50},
            )
            lines = []
    content = json.dumps({"stage": stage, "entries": [f"{stage}-{n}" for n in range(3)]}, indent=2).encode()
    path = f"results/{stage}.json"
    stored = api.upload(lease.claim, stage, attempt, path, content)
    assert stored["sha256"] == hashlib.sha256(content).hexdigest(), "the upload was damaged"
    artifact = {"path": path, "size": stored["size"], "sha256": stored["sha256"], "media_type": "application/json"}
    return [
        {"event": "log", "stage": stage, "lines": lines},
        {"event": "completed", "stage": stage, "output": {"entries": 3}, "artifacts": [artifact]},
    ]


def stage_events(api, lease, stage, attempt, seconds):
    """The stage's last events, also when it fails by itself: that is to be read in the record, not only here."""
    try:
        return run_stage(api, lease, stage, attempt, seconds)
    except (Refused, OSError):
        raise
    except Exception as error:
        print(f"{stage}: failed: {error!r}", file=sys.stderr, flush=True)
        return [{"event": "failed", "stage": stage, "message": repr(error)}]


def start_stage(lease, ended, stage):
    """Starts a stage with the end of the one before; None when the build was paused: then it is given back."""
    if lease.status != "paused":
        try:
            return lease.report(*ended, {"event": "started", "stage": stage, "agent_name": "runner.py"})
        except Refused as refusal:
            # Paused since it was last heard of. Nothing of that write counts: what ended is said again below.
            if refusal.code != "PROJECT_CONFLICT":
                raise
    lease.report(*ended)
    lease.release()
    print("paused: given back", flush=True)
    return None


def run_build(api, claim, sent_at, seconds, beat):
    project = claim["project"]
    lease = Lease(api, claim, sent_at, beat)
    print(f"claimed {project['project_id']} with token {lease.token}", flush=True)
    ended = []
    try:
        for stage in project["stages_snapshot"]["stages"]:
            if stage["status"] in ("completed", "skipped"):
                continue
            # The end of one stage and the start of the next are one write.
            project = start_stage(lease, ended, stage["stage"])
            if project is None:
                return
            current = project["stages_snapshot"]["stages"][stage["stage_number"] - 1]
            print(f"{stage['stage']}: attempt {current['attempt']}", flush=True)
            ended = stage_events(api, lease, stage["stage"], current["attempt"], seconds)
            if ended[-1]["event"] == "failed":
                break
        project = lease.report(*ended)
        print(f"{project['project_id']} {project['status']}", flush=True)
    except Refused as refusal:
        # Cancelled, deleted, or taken over: nothing to tidy up, and nothing more to say.
        print(f"stopped: {refusal}", flush=True)
    finally:
        lease.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("STAGEFOLD_URL", "http://127.0.0.1:4000"))
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make a project with the stages of this runner")
    create.add_argument("requirement")
    create.add_argument("--key", help="an idempotency key: the same key makes the project once")
    run = commands.add_parser("run", help="claim and run builds")
    run.add_argument("--once", action="store_true", help="stop after one build")
    run.add_argument("--seconds", type=float, default=2.0, help="how long a stage works")
    run.add_argument("--beat", type=float, help="seconds between heartbeats; left out, a quarter of the lease")
    options = parser.parse_args()
    api = Stagefold(options.url, os.environ.get("STAGEFOLD_KEY"))
    if options.command == "create":
        request = {"requirement": options.requirement, "pipeline": PIPELINE, "stages": STAGES}
        # Also without a key of the caller's: a repeat after a lost answer makes no second project.
        request["idempotency_key"] = options.key or str(uuid.uuid4())
        print(api.call("projects.create", request)["project_id"])
        return
    owner = f"runner-{socket.gethostname()}-{os.getpid()}"
    while True:
        sent_at = moment()
        # Named once: when the answer is lost, the repeat gets the same claim, and no build waits for an unknown owner.
        operation = {"operation_id": str(uuid.uuid4())}
        claim = api.call("work.claim", {"owner": owner, "pipelines": [PIPELINE], **operation})
        if claim is None:
            time.sleep(0.5)
            continue
        run_build(api, claim, sent_at, options.seconds, options.beat)
        if options.once:
            return


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        sys.exit(f"refused: {refused}")
    except OSError as error:
        sys.exit(f"the API does not answer: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
