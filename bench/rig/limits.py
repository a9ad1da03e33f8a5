#!/usr/bin/env python3
"""Rutter within the limits of its Deployment: 200m CPU and 100Mi of memory, 10,000 IngressRoutes, load.

An API server that is only played lists 10,000 IngressRoutes over 1,000 Services, and then changes
EndpointSlices; wrk asks for random hosts. A control group (version 1 or 2; needs root) holds the
binary to the limits. The kernel ends what needs more memory, so `killed` must stay 0.
"""
import argparse
import json
import os
import re
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import load
from proc import A_PORT, B_PORT, LOAD_CPU, Instance, spawn, stop

API = 18001
GROUPS = "/sys/fs/cgroup"


class Cluster:
    """What the API server lists: routes, and Services with one slice each."""

    def __init__(self, routes, services):
        self.services, self.version = services, 10
        self.lists = {
            "/apis/traefik.io/v1alpha1/ingressroutes": [self.route(i) for i in range(routes)],
            "/api/v1/services": [self.named(f"s{i}", spec={"ports": [{"name": "web", "port": 80}]})
                                 for i in range(services)],
            "/apis/discovery.k8s.io/v1/endpointslices": [self.slice(i, A_PORT) for i in range(services)],
        }

    def named(self, name, labels=None, **rest):
        # Managed fields are most of an object in a real cluster.
        fields = {"f:spec": {f"f:field{i}": {} for i in range(30)}}
        managed = [{"manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}]
        meta = {"namespace": "shop", "name": name, "uid": f"uid-{name}", "labels": labels or {},
                "resourceVersion": str(self.version), "creationTimestamp": "2026-01-01T00:00:00Z",
                "managedFields": managed}
        return {"metadata": meta, **rest}

    def route(self, i):
        rule = {"match": f"Host(`host-{i}.example.com`) && PathPrefix(`/`)", "kind": "Rule",
                "services": [{"name": f"s{i % self.services}", "port": 80}]}
        return self.named(f"r{i}", spec={"entryPoints": ["web"], "routes": [rule]})

    def slice(self, i, port):
        return self.named(f"s{i}-x", {"kubernetes.io/service-name": f"s{i}"}, addressType="IPv4",
                          ports=[{"name": "web", "port": port}],
                          endpoints=[{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}])

    def changes(self, count):
        """Slices in turn: one goes to the other backend, and the next time back."""
        for n in range(count):
            self.version += 1
            yield {"type": "MODIFIED", "object": self.slice(n % self.services, (B_PORT, A_PORT)[n // self.services % 2])}


class Api(BaseHTTPRequestHandler):
    """Lists in pages; a watch says nothing, but for that of slices once `change` is set."""
    protocol_version = "HTTP/1.1"
    cluster, change, count = None, threading.Event(), 0

    def log_message(self, *_):
        pass

    def answer(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        if "watch" in query:
            return self.watch(url.path)
        items = self.cluster.lists.get(url.path, [])
        first, limit = (int(query.get(name, [default])[0]) for name, default in (("continue", 0), ("limit", 500)))
        meta = {"resourceVersion": str(self.cluster.version)}
        if first + limit < len(items):
            meta["continue"] = str(first + limit)
        self.answer(200, {"kind": "List", "metadata": meta, "items": items[first:first + limit]})

    def do_POST(self):
        self.answer(403, {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "read only"})

    def watch(self, path):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        if "endpointslices" in path:
            self.change.wait()
            for event in self.cluster.changes(self.count):
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                time.sleep(0.002)
        threading.Event().wait()


class Limits:
    """A control group with limits, of either version."""

    def __init__(self, cores, mib):
        memory = mib << 20
        if os.path.exists(f"{GROUPS}/cgroup.controllers"):
            with open(f"{GROUPS}/cgroup.subtree_control", "w") as f:
                f.write("+cpu +memory")
            self.folders = [f"{GROUPS}/rutter-limits"]
            limits = {"memory.max": memory, "memory.swap.max": 0, "cpu.max": f"{int(cores * 100000)} 100000"}
            self.peak, self.kills = "memory.peak", "memory.events"
        else:
            self.folders = [f"{GROUPS}/memory/rutter-limits", f"{GROUPS}/cpu/rutter-limits"]
            limits = {"memory.limit_in_bytes": memory, "cpu.cfs_period_us": 100000,
                      "cpu.cfs_quota_us": int(cores * 100000)}
            self.peak, self.kills = "memory.max_usage_in_bytes", "memory.oom_control"
        for folder in self.folders:
            os.makedirs(folder, exist_ok=True)
        for name, value in limits.items():
            path = next((f"{it}/{name}" for it in self.folders if os.path.exists(f"{it}/{name}")), None)
            if path:
                with open(path, "w") as f:
                    f.write(str(value))

    def wrap(self, argv):
        """The command, run inside."""
        enter = "".join(f"echo $$ > {folder}/cgroup.procs; " for folder in self.folders)
        return ["sh", "-c", enter + 'exec "$@"', "sh", *argv]

    def read(self, name):
        with open(f"{self.folders[0]}/{name}") as f:
            return f.read()

    def show(self):
        killed = re.search(r"^oom_kill (\d+)", self.read(self.kills), re.M)
        return f"peak {int(self.read(self.peak)) / 2**20:.1f} MiB, killed {killed.group(1)}"

    def remove(self):
        for folder in self.folders:
            os.rmdir(folder)


class Limited:
    """Rutter as a peer of the rig that gets its routes from the API server, within limits."""
    name, env = "rutter-limited", {}

    def __init__(self, binary, limits):
        self.binary, self.limits = binary, limits

    def configure(self, spec):
        os.makedirs(spec.dir)

    def argv(self, spec):
        return self.limits.wrap([self.binary, f"--entryPoints.web.address=127.0.0.1:{spec.http}", "--providers.kubernetescrd",
                                 f"--providers.kubernetescrd.endpoint=http://127.0.0.1:{API}"])


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("rutter", help="the binary")
    a.add_argument("backend", help="bench-backend")
    a.add_argument("--cores", type=float, default=0.2)
    a.add_argument("--mib", type=int, default=100)
    a.add_argument("--routes", type=int, default=10000)
    a.add_argument("--services", type=int, default=1000)
    a.add_argument("--changes", type=int, default=300, help="EndpointSlices that change under load")
    a.add_argument("--connections", default="64,256")
    a.add_argument("--seconds", type=int, default=15)
    o = a.parse_args()
    Api.cluster, Api.count = Cluster(o.routes, o.services), o.changes
    ThreadingHTTPServer.daemon_threads = True
    api = ThreadingHTTPServer(("127.0.0.1", API), Api)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    backend = spawn([o.backend, str(A_PORT), str(B_PORT)], LOAD_CPU)
    load.BACKEND.append(backend)
    limits = Limits(o.cores, o.mib)
    try:
        rutter = Instance(Limited(o.rutter, limits), o.routes)
        print(f"{o.routes} routes live after {rutter.start_s:.1f} s: {limits.show()}", flush=True)

        def under_load(connections, what=""):
            r = load.wrk(rutter, o.seconds, connections, script="routes.lua", args=("host", o.routes))
            print(f"{connections} connections{what}: {r['rps']:.0f} requests/s, {r['us'] or 0:.0f} µs of CPU each, "
                  f"{r['err']} errors; {limits.show()}", flush=True)

        for connections in map(int, o.connections.split(",")):
            under_load(connections)
        Api.change.set()
        under_load(64, f" and {o.changes} changed slices")
        rutter.close()
    finally:
        stop(backend)
        limits.remove()


main()
