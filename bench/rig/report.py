"""Tables of everything in the book, and where ours stands against its marks."""
import json

from book import bases, book, fmt, rate_table, table

RATES = (("http", "HTTP/1.1 keep-alive, 64 connections, 1 KiB"), ("conn1", "HTTP/1.1, 1 connection"),
         ("https", "HTTPS HTTP/1.1 keep-alive, 64 connections"), ("h2", "HTTP/2 over TLS, 16 connections x 32 streams"),
         ("handshake", "TLS 1.3 full handshake + 1 request a connection, 16 at once"),
         ("resumed", "TLS 1.3 resumed handshake + 1 request a connection, 16 at once"))


def report(o):
    names = [p.name for p in o.peers] + ["direct"]
    out = [rate_table(title, sc, names, lat=sc not in ("h2", "handshake")) for sc, title in RATES if taken(sc)]
    if taken("big"):
        out.append(big(names, "big", "10 MiB responses, 8 connections"))
    if taken("relay"):
        out.append(big(names, "relay", "TCP relay: 10 MiB responses, 8 connections"))
    for kind, sizes in (("host", o.sizes), ("prefix", o.prefix_sizes)):
        if taken(f"routes-{kind}"):
            out += routes(names, kind, sizes)
    if taken("reload"):
        out.append(reload(names, o.reload_n))
    if taken("rewrite"):
        out.append(rewrite(names))
    if taken("memory"):
        keys = ["idle_rss", "idle_pss", "conns", "conns_rss", "kib_conn", "conns_after_rss", "conn_cpu_us",
                "upload_peak", "upload_after", "upload_cpu", "slow_upload_peak", "slow_upload_after"]
        rows = [[p] + [book.med("memory", p, k) for k in keys] for p in names if book.med("memory", p, "idle_rss")]
        out.append(table(f"Memory (MiB; deltas but for idle; upload {o.upload_mb} MiB)", ["peer"] + keys, rows))
    if taken("tlsmemory"):
        keys = ["conns", "conns_rss", "kib_conn", "conns_after_rss", "conn_cpu_us"]
        rows = [[p] + [book.med("tlsmemory", p, k) for k in keys] for p in names if book.med("tlsmemory", p, "conns")]
        out.append(table("Idle TLS connections (MiB; deltas)", ["peer"] + keys, rows))
    if "rutter" in names and any(r["peer"] == "rutter" for r in book.rows if r["scenario"] != "check"):
        out.append(marks("rutter", o))
    return "\n".join(out)


def taken(scenario):
    return any(r["scenario"].startswith(scenario) for r in book.rows)


def big(names, sc, title):
    by = bases(names)
    ratios = [f"x {b}" for b in by]
    rows = [[n, book.med(sc, n, "mbs"), *(book.ratio(sc, n, b, "mbs") for b in by), book.med(sc, n, "cpu_gb"),
             *(book.ratio(sc, n, b, "cpu_gb") for b in by), book.spread(sc, n, "cpu_gb"),
             sum(book.samples(sc, n, "err").values())] for n in names if book.med(sc, n, "mbs")]
    return table(title,
                 ["peer", "MB/s", *ratios, "CPU s/GB", *ratios, "spread", "errors"], rows)


def routes(names, kind, sizes):
    out, rows = [], []
    for p in names:
        us = [book.med(f"routes-{kind}{n}", p, "us") for n in sizes]
        if any(us):
            rows.append([p, *us, *(growth(kind, p, n, sizes[0]) for n in sizes[1:]),
                         *(book.med(f"routes-{kind}{n}", p, "rps") for n in sizes),
                         sum(sum(book.samples(f"routes-{kind}{n}", p, "err").values()) for n in sizes)])
    out.append(table(f"Routing by {kind}: CPU a request against N",
                     ["peer", *(f"us/req N={n}" for n in sizes), *(f"N={n}/N={sizes[0]}" for n in sizes[1:]),
                      *(f"req/s N={n}" for n in sizes), "errors"], rows))
    for base in bases(names):
        rows = [[p, *(book.ratio(f"routes-{kind}{n}", p, base, "us") for n in sizes)] for p in names
                if any(book.ratio(f"routes-{kind}{n}", p, base, "us") for n in sizes)]
        out.append(table(f"Routing by {kind}: CPU a request as a ratio to {base}",
                         ["peer", *(f"N={n}" for n in sizes)], rows))
    rows = []
    for p in names:
        m = {r["n"]: r for r in book.rows if r["scenario"] == f"start-{kind}" and r["peer"] == p}
        if m:
            rows.append([p, *(m.get(n, {}).get(k) for k in ("start_s", "rss", "pss") for n in sizes)])
    out.append(table(f"Start time and memory against N ({kind} routes)",
                     ["peer", *(f"{k} N={n}" for k in ("start s", "RSS MiB", "PSS MiB") for n in sizes)], rows))
    return out


def growth(kind, peer, n, base):
    """CPU a request with n routes as a multiple of that with `base` routes, round by round."""
    few, many = (book.samples(f"routes-{kind}{k}", peer, "us") for k in (base, n))
    return book.middle([many[r] / few[r] for r in many if few.get(r)])


def reload(names, n):
    rows = []
    for p in names + ["haproxy-rt"]:
        load = next((r for r in book.rows if r["scenario"] == "reload-load" and r["peer"] == p), None)
        if load:
            rows.append([p, fmt(book.med("reload", p, "live_s"), 3), fmt(book.med("reload", p, "last_old_s"), 3),
                         book.med("reload", p, "cpu_s"), book.med("reload", p, "rss"), fmt(load["live_s"], 3),
                         json.dumps(load["errs"]) if load["errs"] else "0", load["probe_fails"], load["calm_p99"],
                         load["p99"], load["calm_max"], load["max"], load["calm_rps"], load["rps"], load["cpu_s"]])
    return table(f"Change one of {n} host routes",
                 ["peer", "live s (idle)", "last old s", "CPU s a reload", "RSS after MiB", "live s (load)",
                  "wrk errors", "probe fails", "p99 calm us", "p99 reload", "max calm", "max reload",
                  "req/s calm", "req/s reload", "CPU s in run"], rows)


def rewrite(names):
    rows = [[r["peer"], r["rewrites"], r["requests"], r["err"], json.dumps(r["errs"]), str(r["settled"]), r["p99"],
             r["max"], r["us"]] for r in book.rows if r["scenario"] == "rewrite" and r["peer"] in names]
    return table("Rewrites of the configuration under load (100 routes, 64 connections)",
                 ["peer", "rewrites", "requests", "failed", "of which", "last one live", "p99 us", "max us",
                  "CPU us/req"], rows)


def marks(us, o):
    """What issue and plan ask of ours: (measure, value, mark of now, mark to reach)."""
    def idle(k):
        return book.med("memory", us, k)

    rewrites = next((r["err"] for r in book.rows if r["scenario"] == "rewrite" and r["peer"] == us), None)
    full = next((r["rss"] for r in book.rows if r["scenario"] == "start-host" and r["peer"] == us
                 and r["n"] == 10000), None)
    hosts = max(o.sizes)
    few = 10 if 10 in o.sizes else o.sizes[0]
    rows = [("HTTP/1.1 keep-alive: CPU a request, x nginx", book.ratio("http", us, "nginx", "us"), 1.3, 0.9),
            ("HTTPS keep-alive: CPU a request, x nginx", book.ratio("https", us, "nginx", "us"), 0.75, 0.75),
            ("HTTP/2 over TLS: CPU a request, x nginx", book.ratio("h2", us, "nginx", "us"), 0.65, 0.65),
            ("full handshake: CPU, x nginx", book.ratio("handshake", us, "nginx", "us"), 0.5, 0.5),
            ("KiB per idle TLS connection, x nginx", ratio_tls_memory(us), 0.5, 0.5),
            ("10 MiB bodies: CPU s/GB", book.med("big", us, "cpu_gb"), None, 0.4),
            (f"{hosts} host routers: CPU a request, x {few}", growth("host", us, hosts, few), 1.3, 1.05),
            ("10000 prefix routers: CPU a request, x 1", growth("prefix", us, 10000, 1), 1.3, 1.05),
            ("one of 10000 routers changed: live after, s", book.med("reload", us, "live_s"), 0.05, 0.02),
            ("one of 10000 routers changed: CPU s", book.med("reload", us, "cpu_s"), None, 0.01),
            ("200 rewrites under load: failed requests", rewrites, 0, 0),
            ("RSS idle, MiB", idle("idle_rss"), None, 10), ("RSS with 10000 routers, MiB", full, None, 25),
            ("KiB per idle keep-alive connection", idle("kib_conn"), None, 2)]
    return table(f"Where {us} stands", ["measure", us, "mark", "met", "mark to reach", "met"],
                 [[m, fmt(v, 3), fmt(a), met(v, a), fmt(b), met(v, b)] for m, v, a, b in rows if v is not None])


def ratio_tls_memory(us):
    ours, nginx = (book.med("tlsmemory", p, "kib_conn") for p in (us, "nginx"))
    return ours / nginx if ours and nginx else None


def met(value, mark):
    return "-" if value is None or mark is None else "yes" if value <= mark else "no"
