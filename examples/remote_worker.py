"""Runs the jobs of a type over HTTP, with the standard library alone: remote_worker.py URL TYPE NAME [TTL]."""

import json
import signal
import sys
import threading
import urllib.request

url, type, name, ttl = *sys.argv[1:4], float((sys.argv[4:] or ["30"])[0])
stopping = threading.Event()


def work(job):
    return {"echo": job["params"]}  # your work; an exception asks for another attempt


def call(path, **body):
    request = urllib.request.Request(f"{url}/v1/claims{path}", json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    return json.load(urllib.request.urlopen(request, timeout=90))


def renew(claims, over):
    while not over.wait(ttl / 3):
        call("/renew", claims=[{"claim": one["claim"]} for one in claims], ttl=ttl)


signal.signal(signal.SIGTERM, lambda *_: stopping.set())
while not stopping.is_set():
    claims = call("", types=[type], ttl=ttl, wait=5, limit=10, worker=name)["claims"]
    over = threading.Event()
    threading.Thread(target=renew, args=(claims, over), daemon=True).start()
    for one in claims:
        try:
            path, end = "/ack", {"result": work(one["job"])}
        except Exception as error:
            path, end = "/retry", {"error": repr(error)}
        held = call(path, claim=one["claim"], **end)["held"]
        print(path, one["job"]["id"], "held" if held == [True] else "lost", flush=True)
    over.set()
