#!/usr/bin/env python3
"""Side-by-side reverse-proxy benchmark. Python 3 standard library only; `../run` prepares what it needs.

  ./bench.py                          everything, all peers that are there
  ./bench.py --short                  a few minutes
  ./bench.py --only http,routes --peers nginx,rutter
  ./bench.py --add other=/path/to/bin a further Traefik-compatible proxy

Every figure is a ratio of interleaved runs on this machine; CPU microseconds a
request come from /proc (the proxy's whole process tree) and bear noise best.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
import traceback

import load
import peers as P
from book import book
from check import s_check
from memory import s_memory, s_tls_memory
from proc import A_PORT, B_PORT, LOAD_CPU, RUN, spawn
from reload import s_reload, s_rewrite
from report import report
from steady import s_base, s_routes

BASE = ["http", "conn1", "https", "h2", "handshake", "resumed", "big", "relay"]
SCENARIOS = ["check", *BASE, "memory", "tlsmemory", "reload", "rewrite", "routes"]
PLAIN = ["http", "conn1", "big", "relay", "memory", "reload", "rewrite", "routes"]
SHORT = ["http", "reload", "rewrite", "routes"]
PARTS = (("check", {"check"}, s_check), ("base", set(BASE), s_base), ("memory", {"memory"}, s_memory), ("tlsmemory", {"tlsmemory"}, s_tls_memory),
         ("reload", {"reload"}, s_reload), ("rewrite", {"rewrite"}, s_rewrite), ("routes", {"routes"}, s_routes))


def options():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--short", action="store_true", help=",".join(SHORT))
    a.add_argument("--plain", action="store_true", help="all but TLS: " + ",".join(PLAIN))
    a.add_argument("--check", action="store_true", help="only see that every peer works")
    a.add_argument("--only", default="", help="comma list of " + ",".join(SCENARIOS))
    a.add_argument("--peers", default="nginx,haproxy,caddy,traefik,traefik-fast,pingora,hypershell,rutter")
    a.add_argument("--add", action="append", default=[], metavar="NAME=BIN", help="Traefik-compatible proxy")
    a.add_argument("--args", action="append", default=[], metavar="NAME=ARGS", help="further arguments for it")
    a.add_argument("--drop", action="append", default=[], metavar="NAME=PREFIX", help="arguments it does not know")
    a.add_argument("--env", action="append", default=[], metavar="NAME=K=V", help="environment for it")
    a.add_argument("--secs", type=int)
    a.add_argument("--rounds", type=int)
    a.add_argument("--sizes", default="", help="numbers of host routes")
    a.add_argument("--prefix-sizes", default="", help="numbers of prefix routes")
    a.add_argument("--start-limit", type=int, default=120, help="seconds a peer may take to be ready")
    a.add_argument("--quiet", action="store_true",
                   help="take a sample again, up to 60 times, while anything else uses the machine")
    a.add_argument("--out", default="", help="results go to OUT.json and OUT.md")
    o = a.parse_args()
    sh = o.short
    if o.check:
        o.only = "check"
    o.secs = o.secs or (1 if sh else 2)
    o.rounds = o.rounds or (2 if sh else 5)
    o.secs_routes, o.rounds_routes = o.secs, (1 if sh else 4)
    o.sizes = ints(o.sizes) or ([1, 10000] if sh else [1, 10, 10000, 100000])
    o.prefix_sizes = ints(o.prefix_sizes) or [1, 10000]
    o.reload_n, o.reload_rounds, o.reload_load_secs = (10000, 1, 6) if sh else (10000, 3, 8)
    o.rewrites, o.rewrite_secs = 200, 10
    o.upload_mb, o.idle_conns = 100, (2000 if sh else 10000)
    load.PATIENCE[0] = 60 if o.quiet else 0
    o.want = set((o.only or ",".join(SHORT if sh else PLAIN if o.plain else SCENARIOS)).split(","))
    return o


def ints(text):
    return [int(x) for x in text.split(",") if x]


def choose(o):
    """The peers asked for, but those whose program is not here."""
    def extra(opts, name):
        return [x.partition("=")[2] for x in opts if x.partition("=")[0] == name]

    have = P.all_peers()
    names = [x for x in o.peers.split(",") if x]
    for spec in o.add:
        name, _, path = spec.partition("=")
        env = dict(x.split("=", 1) for x in extra(o.env, name))
        args = sum((shlex.split(x) for x in extra(o.args, name)), [])
        have[name] = P.TraefikLike(name, os.path.abspath(path), args, env, extra(o.drop, name))
        if name not in names:
            names.append(name)
    out = []
    for name in names:
        if have[name].missing():
            print(f"left out: {name} (no {have[name].missing()})", flush=True)
        else:
            out.append(have[name])
    return out


def certificate():
    """A throw-away P-256 pair for the TLS scenarios."""
    os.makedirs(P.TLS, exist_ok=True)
    key, cert = P.TLS + "/key.pem", P.TLS + "/cert.pem"
    if not os.path.exists(key):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", cert, "-days", "3650", "-subj", "/CN=bench.example.com", "-addext",
                        "subjectAltName=DNS:bench.example.com,DNS:*.example.com,IP:127.0.0.1"],
                       check=True, capture_output=True)


def save(dest, data, text):
    with open(dest + ".json", "w") as f:
        json.dump(data, f, indent=1)
    with open(dest + ".md", "w") as f:
        f.write(text + "\n")


def main():
    o = options()
    o.peers = choose(o)
    os.makedirs(RUN, exist_ok=True)
    certificate()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two cores are needed: one for the proxy, one for the load and the backend")
    os.sched_setaffinity(0, LOAD_CPU)
    t0 = time.time()
    load.BACKEND.append(spawn([os.path.join(P.BIN, "bench-backend"), str(A_PORT), str(B_PORT)], LOAD_CPU))
    time.sleep(0.3)
    versions = {p.name: p.version() for p in o.peers}
    print(json.dumps(versions, indent=1), flush=True)
    times, text = {}, ""
    dest = o.out or os.path.join(os.path.dirname(P.HERE), "results", time.strftime("%H%M%S"))
    os.makedirs(os.path.dirname(os.path.abspath(dest)), exist_ok=True)
    for label, scenarios, run in PARTS:
        if not o.want & scenarios:
            continue
        t = time.time()
        print(f"== {label}", flush=True)
        try:
            run(o, o.want)
        except Exception:
            book.note(f"{label} ended early:\n{traceback.format_exc()}")
        times[label] = round(time.time() - t)
        text = report(o)
        # After each part: a late crash loses little.
        save(dest, dict(versions=versions, seconds=round(time.time() - t0), parts=times, argv=sys.argv,
                        notes=book.notes, samples=book.rows), text)
    print(text)
    busy = [r["busy"] for r in book.rows if "busy" in r]
    foreign = [r["foreign"] for r in book.rows if "foreign" in r]
    steal = [r["steal"] for r in book.rows if "steal" in r]
    print(f"\n{round(time.time() - t0)} s in all {times}; machine busy median {statistics.median(busy or [0]):.2f} of "
          f"{os.cpu_count()} cores, by others {statistics.median(foreign or [0]):.2f}, steal median {statistics.median(steal or [0]):.3f}; {dest}.json", flush=True)


if __name__ == "__main__":
    main()
