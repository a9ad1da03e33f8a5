"""Memory: idle, with uploads under way, and with many idle keep-alive connections."""
import resource
import socket
import ssl
import threading
import time

from book import book, fmt
from proc import NOFILE, PAGE, Instance, cpu, pss, rss, tree


def upload(i, path, mb):
    chunk = b"z" * (1 << 20)
    with socket.create_connection(("127.0.0.1", i.spec.http), 60) as c:
        c.sendall(f"POST {path} HTTP/1.1\r\nHost: {i.spec.host(0)}\r\nContent-Length: {mb << 20}\r\n\r\n".encode())
        for _ in range(mb):
            c.sendall(chunk)
        b = c.recv(65536)
    return b" 200 " in b[:20] and str(mb << 20).encode() in b


def idle(i, count, row, connect):
    """Idle keep-alive connections, each after one request, on a fresh process."""
    time.sleep(1)
    r0, q0, c0 = rss(i.pid), pss(i.pid), cpu(i.pid)
    socks, bad = [], 0
    req = f"GET / HTTP/1.1\r\nHost: {i.spec.host(0)}\r\n\r\n".encode()
    for _ in range(count):
        try:
            c = connect(i)
            c.sendall(req)
            n = 0
            while n < 1024:
                d = c.recv(65536)
                if not d:
                    raise OSError("closed")
                n += len(d)
            socks.append(c)
        except OSError:
            bad += 1
            if bad > 50:
                break
    time.sleep(1)
    row.update(conns=len(socks), conns_bad=bad, conns_rss=rss(i.pid) - r0, conns_pss=pss(i.pid) - q0,
               conn_cpu_us=(cpu(i.pid) - c0) * 1e6 / max(1, len(socks)))
    row["kib_conn"] = row["conns_pss"] * 1024 / max(1, len(socks))
    for c in socks:
        c.close()
    time.sleep(1)
    row["conns_after_rss"] = rss(i.pid) - r0
    i.close()


def s_tls_memory(o, want):
    """Idle TLS connections: full handshakes by TLS 1.3, HTTP/1.1 within."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (NOFILE, NOFILE))
    for p in o.peers:
        if not p.tls:
            continue
        try:
            i = Instance(p)
        except RuntimeError as e:
            book.note(str(e))
            continue
        tls = ssl.create_default_context(cafile=i.spec.cert)
        tls.set_alpn_protocols(["http/1.1"])

        def connect(i):
            c = socket.create_connection(("127.0.0.1", i.spec.https), 5)
            return tls.wrap_socket(c, server_hostname="127.0.0.1")
        row = {}
        idle(i, min(o.idle_conns, 3000), row, connect)
        book.add("tlsmemory", p.name, 0, **row)
        print(f"  tlsmemory {p.name:<14} " + " ".join(f"{k}={fmt(v)}" for k, v in row.items()), flush=True)


def s_memory(o, want):
    resource.setrlimit(resource.RLIMIT_NOFILE, (NOFILE, NOFILE))
    for p in o.peers:
        try:
            i = Instance(p)
        except RuntimeError as e:
            book.note(str(e))
            continue
        row = {}
        time.sleep(1)
        row["idle_rss"], row["idle_pss"] = rss(i.pid), pss(i.pid)
        for path in ("/upload", "/slow-upload"):
            before, peak, done = rss(i.pid), 0, []
            t0, c0 = time.time(), cpu(i.pid)

            def go():
                try:
                    done.append(upload(i, path, o.upload_mb))
                except OSError as e:
                    done.append(str(e))
            th = threading.Thread(target=go)
            th.start()
            while th.is_alive():
                peak = max(peak, rss_fast(i.pid))
                time.sleep(0.005)
            k = path[1:].replace("-", "_")
            row[k + "_ok"], row[k + "_peak"] = done[0], max(peak, before) - before
            row[k + "_s"], row[k + "_cpu"] = time.time() - t0, cpu(i.pid) - c0
            time.sleep(0.5)
            row[k + "_after"] = rss(i.pid) - before
        i.close()
        idle(Instance(p), o.idle_conns, row, lambda i: socket.create_connection(("127.0.0.1", i.spec.http), 5))
        book.add("memory", p.name, 0, **row)
        print(f"  memory {p.name:<14} " + " ".join(f"{k}={fmt(v)}" for k, v in row.items()), flush=True)


def rss_fast(pid):
    """Only the tree as it was a moment ago: cheap enough to sample often."""
    now = time.time()
    c = rss_fast.cache
    if c.get("pid") != pid or now - c.get("t", 0) > 0.25:
        c.update(pid=pid, t=now, pids=tree(pid))
    t = 0
    for p in c["pids"]:
        try:
            with open(f"/proc/{p}/statm") as f:
                t += int(f.read().split()[1]) * PAGE
        except OSError:
            pass
    return t / 2**20


rss_fast.cache = {}

