"""Load tools: one command each, with the proxy's CPU and the machine's noise beside its figures."""
import json
import os
import re
import resource
import subprocess
import time

import peers as P
from proc import LOAD_CPU, RUN, cpu, machine, spawn, stop

BACKEND = []        # the backend's process, once it runs
PATIENCE = [0]      # how often a sample is taken again because something else used the machine
FOREIGN_MAX = 0.1   # of a core, used by anything but the proxy, the load and the backend

TLS_ENV = {"OPENSSL_CONF": os.path.join(P.HERE, "client-openssl.cnf")}


def measured(inst, argv, secs, parse):
    """A sample of one load command. With patience, one during which the machine was ours alone."""
    for _ in range(PATIENCE[0]):
        r = sample(inst, argv, secs, parse)
        if r["foreign"] <= FOREIGN_MAX:
            return r
        time.sleep(1)
    return sample(inst, argv, secs, parse)


def ours():
    """CPU seconds of what belongs to the rig: itself, the load tools that have ended, the backend."""
    me = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in me) + cpu(BACKEND[0].pid)


def sample(inst, argv, secs, parse):
    """Runs one load command; adds the proxy's CPU and the machine's noise."""
    o0 = ours()
    c0, m0, t0 = (cpu(inst.pid) if inst.pid else 0), machine(), time.time()
    u0 = cpu(BACKEND[0].pid)
    p = spawn(argv, LOAD_CPU, TLS_ENV, f"{RUN}/load.out")
    try:
        p.wait(secs + 20)
    except subprocess.TimeoutExpired:
        pass
    wall = time.time() - t0
    c1, m1, u1 = (cpu(inst.pid) if inst.pid else 0), machine(), cpu(BACKEND[0].pid)
    stop(p)
    foreign = (m1[0] - m0[0]) - (c1 - c0) - (ours() - o0)
    with open(f"{RUN}/load.out", errors="replace") as f:
        r = parse(f.read())
    r["cpu_s"] = c1 - c0
    r["util"] = round((c1 - c0) / wall, 3)
    r["us"] = (c1 - c0) * 1e6 / r["requests"] if r["requests"] else None
    r["busy"] = round((m1[0] - m0[0]) / wall, 2)              # of 2 cores, everything
    r["foreign"] = round(max(0, foreign) / wall, 2)
    r["steal"] = round((m1[1] - m0[1]) / wall, 3)
    r["backend_util"] = round((u1 - u0) / wall, 3)
    return r


def wrk_parse(o):
    m = re.search(r"JSON(\{.*\})", o)
    if not m:
        return dict(requests=0, rps=0, err=-1, note=o[-200:])
    j = json.loads(m.group(1))
    return dict(requests=j["requests"], rps=j["requests"] * 1e6 / max(j["us"], 1), p50=j["p50"], p90=j["p90"],
                p99=j["p99"], max=j["max"], mbs=j["bytes"] / max(j["us"], 1), bytes=j["bytes"],
                err=sum(v for k, v in j.items() if k.startswith("e_")),
                errs={k: v for k, v in j.items() if k.startswith("e_") and v})


def wrk(inst, secs, conns, url=None, path="/", script="done.lua", args=(), headers=None):
    h = headers or [f"Host: {inst.spec.host(0)}"]
    argv = ["wrk", "-t1", f"-c{conns}", f"-d{secs}s", "--latency", "--timeout", "10s",
            "-s", os.path.join(P.HERE, script)]
    for x in h:
        argv += ["-H", x]
    return measured(inst, argv + [(url or inst.url) + path, "--", *map(str, args)], secs, wrk_parse)


def h2load(inst, secs, conns=16, streams=32):
    def parse(o):
        f = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", o)
        d = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", o)
        if not f or not d:
            return dict(requests=0, rps=0, err=-1, note=o[-300:])
        n, ok = int(d.group(1)), int(d.group(2))
        status = re.search(r"status codes: (\d+) 2xx", o)
        lat = re.search(r"time for request:\s+\S+\s+\S+\s+(\S+)", o)
        return dict(requests=ok, rps=float(f.group(1)), err=n - ok, mean=us(lat.group(1)) if lat else None,
                    ok2xx=int(status.group(1)) if status else 0)
    return measured(inst, ["h2load", "-t1", f"-c{conns}", f"-m{streams}", "-D", str(secs), inst.surl + "/"],
                    secs, parse)


def us(s):
    m = re.match(r"([\d.]+)(us|ms|s)", s)
    return float(m.group(1)) * {"us": 1, "ms": 1e3, "s": 1e6}[m.group(2)]


def ab(inst, secs, conns=16):
    def parse(o):
        n = re.search(r"Complete requests:\s+(\d+)", o)
        r = re.search(r"Requests per second:\s+([\d.]+)", o)
        if not n or not r:
            return dict(requests=0, rps=0, err=-1, note=o[-300:])
        bad = re.search(r"Failed requests:\s+(\d+)", o)
        p = {q: re.search(rf"^\s+{q}%\s+(\d+)", o, re.M) for q in (50, 99)}
        return dict(requests=int(n.group(1)), rps=float(r.group(1)), err=int(bad.group(1)) if bad else 0,
                    **{f"p{q}": int(m.group(1)) * 1000 for q, m in p.items() if m})
    return measured(inst, ["ab", "-q", "-t", str(secs), "-n", "300000", "-c", str(conns), "-f", "TLS1.3",
                           inst.surl + "/"], secs, parse)

