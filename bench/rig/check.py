"""Does every peer do what the scenarios take for granted?"""
import socket
import ssl

import peers as P
from book import book
from memory import upload
from proc import A_PORT, Instance
from reload import time_flip


def s_check(o, want):
    """Each peer: first and last route, an unknown one, prefix routes, TLS with h2 and h1, a reload."""
    for p in o.peers + ([P.HaproxyRuntime()] if any(p.name == "haproxy" for p in o.peers) else []):
        bad = []
        for kind in ("host", "prefix"):
            try:
                i = Instance(p, 100, kind, 30)
            except RuntimeError as e:
                bad.append(str(e))
                continue
            for k, want_port in ((0, A_PORT), (99, A_PORT), (100, None)):
                got = i.ask(k)
                if got != want_port:
                    bad.append(f"{kind} route {k}: {got}, not {want_port}")
            for proto in ("h2", "http/1.1") if p.tls else ():
                x = ssl.create_default_context(cafile=i.spec.cert)
                x.set_alpn_protocols([proto])
                try:
                    with socket.create_connection(("127.0.0.1", i.spec.https), 5) as c:
                        with x.wrap_socket(c, server_hostname="127.0.0.1") as t:
                            if t.selected_alpn_protocol() != proto:
                                bad.append(f"ALPN {proto}: {t.selected_alpn_protocol()}")
                            if proto == "http/1.1":
                                t.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                                if b" 200 " not in t.recv(4096)[:20]:
                                    bad.append("https: not 200")
                except OSError as e:
                    bad.append(f"TLS {proto}: {e}")
            first, old, fails, err = time_flip(i, 15)
            if not first or err:
                bad.append(f"{kind} reload: {first} {err}")
            try:
                if not upload(i, i.spec.path(0).rstrip("/") + "/upload", 1) and kind == "host":
                    bad.append("upload")
            except OSError as e:
                bad.append(f"upload {e}")
            i.close()
        print(f"  check {p.name:<14}", "ok" if not bad else bad, flush=True)
        book.add("check", p.name, 0, bad=bad)

