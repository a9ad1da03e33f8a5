"""Change: how soon a changed route is live, what it costs, and whether it costs anybody a request."""
import threading
import time

import peers as P
from book import book, fmt
from load import wrk
from proc import A_PORT, B_PORT, Instance, cpu, rss


def settle(i, quiet=0.8, limit=40):
    """Waits until the proxy has used under 2 % CPU for `quiet` seconds."""
    end, last, since = time.time() + limit, cpu(i.pid), time.time()
    while time.time() < end:
        time.sleep(0.1)
        c = cpu(i.pid)
        if c - last > 0.02:
            last, since = c, time.time()
        elif time.time() - since > quiet:
            return c
    return cpu(i.pid)


def flip(i):
    """Moves the middle route to the other backend; returns the new backend's port."""
    s, k = i.spec, i.spec.n // 2
    s.moved = set() if k in s.moved else {k}
    i.peer.stage(s)
    return B_PORT if s.moved else A_PORT


def time_flip(i, limit=60):
    """Seconds from commit to the first new answer, and to the last old one."""
    want, k = flip(i), i.spec.n // 2
    t0 = time.time()
    err = []

    def go():
        try:
            i.peer.commit(i.spec, i.pid)
        except Exception as e:
            err.append(str(e))
    th = threading.Thread(target=go)
    th.start()
    first = last_old = None
    fails = 0
    while time.time() - t0 < limit:
        got, now = i.ask(k), time.time() - t0
        if got == want:
            first = first or now
        elif got is None:
            fails += 1
        else:
            last_old = now
        if first and now - first > 0.5:
            break
        time.sleep(0.002)
    th.join()
    return first, last_old, fails, (err[0] if err else None)


def s_reload(o, want):
    n = o.reload_n
    ps = o.peers + ([P.HaproxyRuntime()] if any(p.name == "haproxy" for p in o.peers) else [])
    for p in ps:
        try:
            i = Instance(p, n, limit=o.start_limit)
        except RuntimeError as e:
            book.note(str(e))
            continue
        sc = "reload"
        settle(i)
        for r in range(o.reload_rounds):
            first, old, fails, err = time_flip(i)
            settle(i, 2.2)
            c0, t0 = cpu(i.pid), time.time()
            flip(i)
            i.peer.commit(i.spec, i.pid)
            time.sleep(0.3)
            c1 = settle(i, 2.5)
            mem = rss(i.pid)
            book.add(sc, p.name, r, live_s=first, last_old_s=old, probe_fails=fails, cpu_s=c1 - c0,
                     rss=mem, error=err)
        # under load: 32 connections on random routes; half way, one flip
        T = o.reload_load_secs
        wrk(i, 2, 32, script="routes.lua", args=("host", n))
        calm = wrk(i, T, 32, script="routes.lua", args=("host", n))
        res = {}

        def later():
            time.sleep(T * 0.3)
            res["flip"] = time_flip(i)
        th = threading.Thread(target=later)
        th.start()
        s = wrk(i, T, 32, script="routes.lua", args=("host", n))
        th.join()
        first, old, fails, err = res["flip"]
        book.add("reload-load", p.name, 0, live_s=first, last_old_s=old, probe_fails=fails, error=err,
                 calm_p99=calm["p99"], calm_max=calm["max"], calm_err=calm["err"], calm_rps=calm["rps"],
                 **{k: s.get(k) for k in ("requests", "rps", "err", "errs", "p99", "max", "cpu_s")})
        print(f"  reload {p.name:<14} live {fmt(book.med(sc, p.name, 'live_s'), 3)} s, CPU "
              f"{fmt(book.med(sc, p.name, 'cpu_s'))} s; under load: live {fmt(first, 3)} s, errors {s.get('errs')}, "
              f"p99 {calm['p99']} -> {s.get('p99')} us, max {calm['max']} -> {s.get('max')}", flush=True)
        i.close()



def s_rewrite(o, want):
    """200 changes, one after another, under keep-alive load: a failed request or a reset is a defect."""
    n = 100
    for p in o.peers:
        try:
            i = Instance(p, n, limit=o.start_limit, eager=True)
        except RuntimeError as e:
            book.note(str(e))
            continue
        settle(i)
        wrk(i, 1, 64)
        done = []

        def change():
            every = o.rewrite_secs / o.rewrites
            start = time.time()
            for k in range(o.rewrites):
                flip(i)
                i.peer.commit(i.spec, i.pid)
                done.append(k)
                time.sleep(max(0, start + (k + 1) * every - time.time()))
        th = threading.Thread(target=change)
        th.start()
        s = wrk(i, o.rewrite_secs + 1, 64)
        th.join()
        want_port = B_PORT if i.spec.moved else A_PORT
        end = time.time() + 10
        while i.ask(n // 2) != want_port and time.time() < end:
            time.sleep(0.01)
        settled = i.ask(n // 2) == want_port
        book.add("rewrite", p.name, 0, rewrites=len(done), settled=settled,
                 **{k: s.get(k) for k in ("requests", "rps", "err", "errs", "p99", "max", "us")})
        print(f"  rewrite {p.name:<13} {len(done)} changes, {s['requests']} requests, errors {s.get('errs')}, "
              f"last one live: {settled}", flush=True)
        i.close()
