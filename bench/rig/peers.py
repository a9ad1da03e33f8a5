#!/usr/bin/env python3
"""The proxies under test. Each Peer writes its configuration for a Spec (how
many routes, of what kind, on which ports) and says how to start and reload it.

Standalone start (foreground, stop with Ctrl-C):
    ./peers.py nginx --n 100 --kind host --http 20000 --https 20001
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import http.client
import socket
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ.get("PEERS_BIN", os.path.join(os.path.dirname(HERE), "bin"))
TLS = os.path.join(os.path.dirname(HERE), "results", "tls")
BACKENDS = ("127.0.0.1:19001", "127.0.0.1:19002")


@dataclass
class Spec:
    """One running proxy: N routes, all to backend A but those in `moved` (to B).

    HTTP port: the N routes only (anything else must be 404/503).
    HTTPS port: one catch-all route to A, so TLS cost is not mixed with N.
    TCP port: whatever comes goes to A.
    """
    dir: str
    http: int
    https: int
    admin: int
    tcp: int = 4
    n: int = 1
    kind: str = "host"                      # host | prefix
    moved: set = field(default_factory=set)
    eager: bool = False                     # changes follow one another within milliseconds

    def host(self, i):
        return f"host-{i}.example.com" if self.kind == "host" else "one.example.com"

    def path(self, i):
        return "/" if self.kind == "host" else f"/p-{i}/"

    def backend(self, i):
        return 1 if i in self.moved else 0

    @property
    def cert(self):
        return os.path.join(TLS, "cert.pem")

    @property
    def key(self):
        return os.path.join(TLS, "key.pem")


def write(path, text):
    """Atomic write: no watcher ever sees half a file."""
    tmp = path + ".tmp"
    with open(tmp, "w") as f:
        f.write(text)
    os.replace(tmp, path)


class Peer:
    name = "?"
    env = {}
    n_max = 10**9         # more routes than this cost it gigabytes
    tls = True            # serves the HTTPS port
    relay = False         # serves the TCP port

    def text(self, s):    # -> {file name: text}
        raise NotImplementedError

    def configure(self, s):
        os.makedirs(s.dir, exist_ok=True)
        for f, t in self.text(s).items():
            write(os.path.join(s.dir, f), t)

    def stage(self, s):
        """Writes the changed configuration beside the live one (not timed)."""
        for f, t in self.text(s).items():
            with open(os.path.join(s.dir, f + ".next"), "w") as o:
                o.write(t)

    def commit(self, s, pid):
        """Timed: moves the staged files in place and tells the proxy."""
        for f in list(self.text_names(s)):
            os.replace(os.path.join(s.dir, f + ".next"), os.path.join(s.dir, f))
        self.signal(s, pid)

    def text_names(self, s):
        return [f[:-5] for f in os.listdir(s.dir) if f.endswith(".next")]

    def signal(self, s, pid):
        pass

    def argv(self, s):
        raise NotImplementedError

    def version(self):
        return ""

    def missing(self):
        """The program it needs and does not find."""
        b = self.argv(Spec("/", 1, 2, 3))[0]
        return None if shutil.which(b) else b

    def _v(self, *cmd):
        try:
            r = subprocess.run(cmd, capture_output=True, text=True, timeout=20)
            return " ".join((r.stdout + r.stderr).split())[:90]
        except Exception as e:
            return f"? {e}"


STREAM = next((m for m in ("/usr/lib/nginx/modules/ngx_stream_module.so",
                           "/usr/share/nginx/modules/ngx_stream_module.so") if os.path.exists(m)), None)


class Nginx(Peer):
    name = "nginx"
    n_max = 10000
    relay = STREAM is not None

    def text(self, s):
        a, b = BACKENDS
        size = 512
        while size < s.n * 2:
            size *= 2
        load = f"load_module {STREAM};" if STREAM else ""
        relay = f"stream {{ server {{ listen 127.0.0.1:{s.tcp}; proxy_pass {a}; }} }}" if STREAM else ""
        o = [f"""{load} daemon off; worker_processes 1;
pid {s.dir}/nginx.pid; error_log {s.dir}/error.log crit;
events {{ worker_connections 19000; }}
{relay}
http {{
  access_log off; server_tokens off; tcp_nodelay on; sendfile on;
  keepalive_timeout 3600s; keepalive_requests 1000000000;
  http2_max_concurrent_streams 250;
  server_names_hash_max_size {size}; server_names_hash_bucket_size 128;
  client_max_body_size 0; client_body_temp_path {s.dir}/body; proxy_temp_path {s.dir}/ptmp;
  fastcgi_temp_path {s.dir}/f; uwsgi_temp_path {s.dir}/u; scgi_temp_path {s.dir}/c;
  proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header Host $http_host; proxy_set_header X-Real-Ip $remote_addr;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
  proxy_request_buffering off; proxy_max_temp_file_size 0;
  upstream u0 {{ server {a}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
  upstream u1 {{ server {b}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
  server {{ listen 127.0.0.1:{s.http} default_server backlog=4096; return 404; }}
  server {{ listen 127.0.0.1:{s.https} ssl http2 default_server backlog=4096;
    ssl_certificate {s.cert}; ssl_certificate_key {s.key}; ssl_protocols TLSv1.2 TLSv1.3;
    location / {{ proxy_pass http://u0; }} }}
"""]
        if s.kind == "host":
            for i in range(s.n):
                o.append(f"server {{ listen 127.0.0.1:{s.http}; server_name {s.host(i)}; "
                         f"location / {{ proxy_pass http://u{s.backend(i)}; }} }}\n")
        else:
            o.append(f"server {{ listen 127.0.0.1:{s.http}; server_name {s.host(0)};\n")
            # sorted, as nginx 1.22 sorts locations by insertion (quadratic on random order)
            for i in sorted(range(s.n), key=s.path):
                o.append(f"location {s.path(i)} {{ proxy_pass http://u{s.backend(i)}; }}\n")
            o.append("}\n")
        o.append("}\n")
        return {"nginx.conf": "".join(o)}

    def argv(self, s):
        return ["nginx", "-p", s.dir, "-c", f"{s.dir}/nginx.conf", "-e", f"{s.dir}/error.log"]

    def signal(self, s, pid):
        os.kill(pid, signal.SIGHUP)

    def version(self):
        return self._v("nginx", "-v")


class Haproxy(Peer):
    name = "haproxy"
    relay = True

    def text(self, s):
        rule = ("use_backend %[req.hdr(host),lower,word(1,:),map_str({m})]" if s.kind == "host"
                else "use_backend %[path,map_beg({m})]").format(m=f"{s.dir}/routes.map")
        pem = open(s.cert).read() + open(s.key).read()
        conf = f"""global
  nbthread 1
  maxconn 12000
  no strict-limits
  stats socket {s.dir}/sock mode 600 level admin expose-fd listeners
  tune.h2.max-concurrent-streams 250
  tune.ssl.default-dh-param 2048
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  timeout connect 5s
  timeout client 3600s
  timeout server 3600s
  timeout http-keep-alive 3600s
  http-reuse always
  option forwardfor
frontend web
  bind 127.0.0.1:{s.http} backlog 4096
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Real-Ip %[src]
  http-request set-header X-Forwarded-Proto http
  {rule}
frontend websecure
  bind 127.0.0.1:{s.https} ssl crt {s.dir}/both.pem alpn h2,http/1.1 backlog 4096
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Real-Ip %[src]
  http-request set-header X-Forwarded-Proto https
  default_backend u0
listen relay
  mode tcp
  bind 127.0.0.1:{s.tcp} backlog 4096
  server a {BACKENDS[0]}
backend u0
  server a {BACKENDS[0]} pool-max-conn 1024
backend u1
  server b {BACKENDS[1]} pool-max-conn 1024
"""
        key = s.host if s.kind == "host" else s.path
        m = "".join(f"{key(i)} u{s.backend(i)}\n" for i in range(s.n))
        return {"haproxy.cfg": conf, "routes.map": m, "both.pem": pem}

    def argv(self, s):
        return ["haproxy", "-W", "-f", f"{s.dir}/haproxy.cfg"]

    def signal(self, s, pid):
        os.kill(pid, signal.SIGUSR2)

    def version(self):
        return self._v("haproxy", "-v")[:30]


class HaproxyRuntime(Haproxy):
    """The same, but a route change is `set map` on the runtime socket."""
    name = "haproxy-rt"

    def commit(self, s, pid):
        key = s.host if s.kind == "host" else s.path
        i = s.n // 2
        c = socket.socket(socket.AF_UNIX)
        c.connect(f"{s.dir}/sock")
        c.sendall(f"set map {s.dir}/routes.map {key(i)} u{s.backend(i)}\n".encode())
        c.recv(4096)
        c.close()


class Caddy(Peer):
    name = "caddy"
    n_max = 10000
    env = {"GOMAXPROCS": "1"}

    def handler(self, b):
        return [{"handler": "reverse_proxy", "upstreams": [{"dial": BACKENDS[b]}],
                 "transport": {"protocol": "http", "keep_alive": {"max_idle_conns_per_host": 1024}}}]

    def text(self, s):
        routes = []
        for i in range(s.n):
            m = {"host": [s.host(i)]}
            if s.kind == "prefix":
                m["path"] = [s.path(i) + "*"]
            routes.append({"match": [m], "handle": self.handler(s.backend(i)), "terminal": True})
        off = {"disable": True}
        cfg = {"admin": {"listen": f"127.0.0.1:{s.admin}", "config": {"persist": False}},
               "logging": {"logs": {"default": {"level": "ERROR"}}},
               "apps": {"http": {"servers": {
                   "web": {"listen": [f"127.0.0.1:{s.http}"], "automatic_https": off, "routes": routes},
                   "sec": {"listen": [f"127.0.0.1:{s.https}"], "automatic_https": off,
                           "protocols": ["h1", "h2"],
                           "tls_connection_policies": [{"default_sni": "bench.example.com"}],
                           "routes": [{"handle": self.handler(0)}]}}},
                   "tls": {"certificates": {"load_files": [{"certificate": s.cert, "key": s.key}]}}}}
        return {"caddy.json": json.dumps(cfg)}

    def argv(self, s):
        return ["caddy", "run", "--config", f"{s.dir}/caddy.json"]

    def signal(self, s, pid):
        c = http.client.HTTPConnection("127.0.0.1", s.admin, timeout=120)
        with open(f"{s.dir}/caddy.json", "rb") as f:
            c.request("POST", "/load", f.read(), {"Content-Type": "application/json"})
        r = c.getresponse()
        r.read()
        c.close()
        if r.status != 200:
            raise RuntimeError(f"caddy /load: {r.status}")

    def version(self):
        return self._v("caddy", "version")


class TraefikLike(Peer):
    """Traefik, or any proxy that takes its static arguments and dynamic YAML."""
    env = {"GOMAXPROCS": "1"}
    n_max = 10000

    def __init__(self, name, binary, extra=(), env=None, drop=()):
        self.name, self.binary, self.extra = name, binary, list(extra)
        self.drop = tuple(drop)
        self.env = dict(self.env, **(env or {}))

    def text(self, s):
        o = ["http:\n  routers:\n"]
        for i in range(s.n):
            rule = f"Host(`{s.host(i)}`)"
            if s.kind == "prefix":
                rule += f" && PathPrefix(`{s.path(i)}`)"
            o.append(f"    r{i}:\n      rule: \"{rule}\"\n      service: u{s.backend(i)}\n"
                     "      entryPoints: [web]\n")
        o.append("    all:\n      rule: \"PathPrefix(`/`)\"\n      service: u0\n"
                 "      entryPoints: [websecure]\n      tls: {}\n")
        o.append("  services:\n")
        for i, b in enumerate(BACKENDS):
            o.append(f"    u{i}:\n      loadBalancer:\n        servers:\n          - url: \"http://{b}\"\n")
        o.append(f"tls:\n  stores:\n    default:\n      defaultCertificate:\n"
                 f"        certFile: {s.cert}\n        keyFile: {s.key}\n")
        return {"dynamic.yml": "".join(o)}

    def argv(self, s):
        a = [self.binary, "--global.checknewversion=false", "--global.sendanonymoususage=false",
             "--log.level=ERROR",
             f"--entrypoints.web.address=127.0.0.1:{s.http}",
             f"--entrypoints.websecure.address=127.0.0.1:{s.https}",
             "--serverstransport.maxidleconnsperhost=1024",
             f"--providers.file.filename={s.dir}/dynamic.yml", "--providers.file.watch=true"]
        if s.eager:
            a.append("--providers.providersthrottleduration=10ms")
        return [x for x in a if not x.startswith(self.drop or ("\0",))] + self.extra

    def version(self):
        return self._v(self.binary, "version")


class Rutter(TraefikLike):
    """Ours: on one core, so one worker."""
    env = {}
    n_max = 10**9
    relay = True

    def text(self, s):
        relay = ("tcp:\n  routers:\n    relay:\n      rule: \"HostSNI(`*`)\"\n      service: a\n"
                 "      entryPoints: [relay]\n  services:\n    a:\n      loadBalancer:\n        servers:\n"
                 f"          - address: \"{BACKENDS[0]}\"\n")
        return {"dynamic.yml": super().text(s)["dynamic.yml"] + relay}

    def argv(self, s):
        a = [self.binary, "--log.level=ERROR", f"--entrypoints.web.address=127.0.0.1:{s.http}",
             f"--entrypoints.websecure.address=127.0.0.1:{s.https}",
             f"--entrypoints.relay.address=127.0.0.1:{s.tcp}",
             "--serverstransport.maxidleconnsperhost=1024",
             f"--providers.file.filename={s.dir}/dynamic.yml", "--providers.file.watch=true"]
        if s.eager:
            a.append("--providers.providersthrottleduration=1ms")
        return a + self.extra


class RoutesFile(Peer):
    """The two small Rust peers: arguments HTTP TLS CERT KEY ROUTES, SIGHUP reloads."""

    def __init__(self, name, binary):
        self.name, self.binary = name, binary

    def text(self, s):
        if s.kind == "host":
            rows = [f"host {s.host(i)} {BACKENDS[s.backend(i)]}\n" for i in range(s.n)]
        else:
            rows = [f"prefix {s.path(i)} {BACKENDS[s.backend(i)]}\n" for i in range(s.n)]
        return {"routes": "".join(rows) + f"host 127.0.0.1 {BACKENDS[0]}\n"}

    def argv(self, s):
        return [self.binary, f"127.0.0.1:{s.http}", f"127.0.0.1:{s.https}", s.cert, s.key, f"{s.dir}/routes"]

    def signal(self, s, pid):
        os.kill(pid, signal.SIGHUP)


def all_peers():
    t = os.path.join(BIN, "traefik")
    out = [Nginx(), Haproxy(), Caddy(), Rutter("rutter", os.path.join(BIN, "rutter")), TraefikLike("traefik", t),
           TraefikLike("traefik-fast", t, ["--experimental.fastproxy=true"]),
           RoutesFile("pingora", os.path.join(BIN, "pingorapeer")),
           RoutesFile("hypershell", os.path.join(BIN, "hypershell")),
           HaproxyRuntime()]
    return {p.name: p for p in out}


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("peer")
    p.add_argument("--n", type=int, default=1)
    p.add_argument("--kind", default="host", choices=["host", "prefix"])
    p.add_argument("--http", type=int, default=20000)
    p.add_argument("--https", type=int, default=20001)
    p.add_argument("--admin", type=int, default=20002)
    p.add_argument("--dir", default="")
    p.add_argument("--traefik-like", metavar="BIN", help="PEER is this Traefik-compatible binary")
    a = p.parse_args()
    peer = TraefikLike(a.peer, a.traefik_like) if a.traefik_like else all_peers()[a.peer]
    s = Spec(a.dir or f"../results/run/{a.peer}-solo", a.http, a.https, a.admin, a.n, a.kind)
    peer.configure(s)
    argv = peer.argv(s)
    os.environ.update(peer.env)
    print(" ".join(argv), flush=True)
    os.execvp(argv[0], argv)
