"""Steady load: keep-alive, TLS, big bodies, and the cost of a request against the number of routes."""
import time

from book import book, fmt
from load import ab, h2load, wrk
from proc import Direct, Instance, pss, rss


def start_all(ps, n=1, kind="host", limit=120, tag=None):
    out = []
    for p in ps:
        if n > p.n_max:
            continue
        try:
            i = Instance(p, n, kind, limit)
            out.append(i)
            if tag:
                time.sleep(0.5)
                book.add(tag, p.name, 0, n=n, start_s=i.start_s, start_cpu=i.start_cpu, rss=rss(i.pid), pss=pss(i.pid))
        except RuntimeError as e:
            book.note(str(e))
            if tag:
                book.add(tag, p.name, 0, n=n, failed=str(e))
    return out


def interleave(scenario, insts, rounds, fn):
    """Round by round, each peer once, the order turning by one each round."""
    for i in insts:
        if i.pid:
            fn(i, 1)                     # warm-up: pools, JITs, heaps; thrown away
    for r in range(rounds):
        k = r % len(insts)
        for i in insts[k:] + insts[:k]:
            s = fn(i, None)
            if s["requests"] == 0:
                book.note(f"{scenario} {i.name}: no requests: {s.get('note')}")
                continue
            book.add(scenario, i.name, r, **s)
    for i in insts:
        print(f"  {scenario:<16}{i.name:<14}{fmt(book.med(scenario, i.name, 'rps')):>9} req/s "
              f"{fmt(book.med(scenario, i.name, 'us')):>8} us CPU", flush=True)


def s_base(o, want):
    insts = start_all(o.peers)
    d = [Direct()]
    secure = [i for i in insts if i.peer.tls]
    T = o.secs
    if "http" in want:
        interleave("http", insts + d, o.rounds, lambda i, w: wrk(i, w or T, 64))
    if "conn1" in want:
        interleave("conn1", insts + d, o.rounds, lambda i, w: wrk(i, w or T, 1))
    if "https" in want:
        interleave("https", secure, o.rounds, lambda i, w: wrk(i, w or T, 64, url=i.surl, headers=["Host: 127.0.0.1"]))
    if "h2" in want:
        interleave("h2", secure, o.rounds, lambda i, w: h2load(i, w or T))
    if "handshake" in want:
        interleave("handshake", secure, o.rounds, lambda i, w: ab(i, w or T))
    if "resumed" in want:
        # wrk resumes its session wherever it is let.
        closing = ["Host: 127.0.0.1", "Connection: close"]
        interleave("resumed", secure, o.rounds, lambda i, w: wrk(i, w or T, 16, url=i.surl, headers=closing))
    if "big" in want:
        interleave("big", insts + d, o.rounds, lambda i, w: wrk(i, w or T, 8, path="/big"))
    if "relay" in want:
        relays = [i for i in insts if i.peer.relay]
        interleave("relay", relays, o.rounds, lambda i, w: wrk(i, w or T, 8, url=i.turl, path="/big"))
    for r in book.rows:
        if r["scenario"] in ("big", "relay"):
            r["cpu_gb"] = r["cpu_s"] / (r["bytes"] / 1e9)
    for i in insts:
        i.close()


def s_routes(o, want):
    for kind, sizes in (("host", o.sizes), ("prefix", o.prefix_sizes)):
        insts = []
        for n in sizes:
            for i in start_all(o.peers, n, kind, limit=o.start_limit, tag=f"start-{kind}"):
                i.label = f"{kind}{n}"
                insts.append(i)
        for i in insts:
            wrk(i, 1 if i.spec.n < 1000 else 2, 32, script="routes.lua", args=(kind, i.spec.n))
        for r in range(o.rounds_routes):
            k = r * 3 % max(1, len(insts))
            for i in insts[k:] + insts[:k]:
                s = wrk(i, o.secs_routes, 32, script="routes.lua", args=(kind, i.spec.n))
                if s["requests"]:
                    book.add(f"routes-{i.label}", i.name, r, **s)
        for i in insts:
            print(f"  routes {i.label:<12}{i.name:<14}{fmt(book.med('routes-' + i.label, i.name, 'rps')):>9} req/s "
                  f"{fmt(book.med('routes-' + i.label, i.name, 'us')):>8} us CPU", flush=True)
            i.close()

