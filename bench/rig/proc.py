"""Processes of the rig: started on a core of their own, accounted for by /proc, ended by their id."""
import atexit
import collections
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

import peers as P

HZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PROXY_CPU, LOAD_CPU = {0}, {1}
RUN = os.environ.get("PEERS_RUN", os.path.join(os.path.dirname(P.HERE), "results", "run"))
A_PORT = int(P.BACKENDS[0].split(":")[1])
B_PORT = int(P.BACKENDS[1].split(":")[1])


def stat(pid):
    with open(f"/proc/{pid}/stat") as f:
        s = f.read()
    f = s[s.rindex(")") + 2:].split()
    return int(f[1]), [int(x) for x in f[11:15]]      # ppid, utime stime cutime cstime


def tree(root):
    kids = collections.defaultdict(list)
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                kids[stat(d)[0]].append(int(d))
            except (OSError, ValueError):
                pass
    out, todo = [], [root]
    while todo:
        p = todo.pop()
        out.append(p)
        todo += kids[p]
    return out


def cpu(root):
    """CPU seconds of the tree, counting children that ended and were waited for."""
    t = 0
    for p in tree(root):
        try:
            t += sum(stat(p)[1])
        except OSError:
            pass
    return t / HZ


def rss(root):
    t = 0
    for p in tree(root):
        try:
            with open(f"/proc/{p}/statm") as f:
                t += int(f.read().split()[1]) * PAGE
        except OSError:
            pass
    return t / 2**20


def pss(root):
    t = 0
    for p in tree(root):
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                t += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1)) / 1024
        except (OSError, AttributeError):
            pass
    return t


def machine():
    """Busy and stolen CPU seconds of the whole machine, all cores."""
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:]]
    return (v[0] + v[1] + v[2] + v[5] + v[6]) / HZ, v[7] / HZ


live = []


def spawn(argv, cpus, env=None, log=None):
    def pre():
        os.sched_setaffinity(0, cpus)
        resource.setrlimit(resource.RLIMIT_NOFILE, (NOFILE, NOFILE))
    out = open(log, "wb") if log else subprocess.DEVNULL
    p = subprocess.Popen(argv, preexec_fn=pre, env=dict(os.environ, **(env or {})),
                         stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    live.append(p)
    return p


def stop(p):
    """Ends one process that spawn() started, with what it started itself."""
    if p in live:
        live.remove(p)
    if p.poll() is not None:
        return
    pids = tree(p.pid)
    p.terminate()
    try:
        p.wait(3)
    except subprocess.TimeoutExpired:
        pass
    for q in pids:
        try:
            if stat(q)[0] in pids or q == p.pid:
                os.kill(q, signal.SIGKILL)
        except OSError:
            pass
    p.wait(10)


NOFILE = resource.getrlimit(resource.RLIMIT_NOFILE)[1]       # here 20,000, and it cannot be raised
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))           # so that atexit runs
atexit.register(lambda: [stop(p) for p in list(live)])


class Instance:
    """A peer running with one Spec."""
    count = 0

    def __init__(self, peer, n=1, kind="host", limit=120, eager=False):
        Instance.count += 1
        base = 20000 + (Instance.count % 3000) * 4
        self.peer, self.name = peer, peer.name
        self.spec = P.Spec(f"{RUN}/{peer.name}-{kind}{n}-{base}", base, base + 1, base + 2, base + 3, n, kind,
                           eager=eager)
        shutil.rmtree(self.spec.dir, ignore_errors=True)
        peer.configure(self.spec)
        t = time.time()
        self.proc = spawn(peer.argv(self.spec), PROXY_CPU, peer.env, f"{self.spec.dir}/log")
        self.pid = self.proc.pid
        self.start_s = None
        while time.time() - t < limit:
            if self.proc.poll() is not None:
                break
            if self.ask(n - 1) is not None:
                self.start_s = time.time() - t
                break
            time.sleep(0.005)
        if self.start_s is None:
            with open(f"{self.spec.dir}/log", errors="replace") as f:
                tail = f.read()[-300:]
            stop(self.proc)
            raise RuntimeError(f"{peer.name} n={n} {kind}: not ready after {time.time() - t:.0f} s: {tail}")
        self.start_cpu = cpu(self.pid)

    def ask(self, i, timeout=10):
        """Which backend answers route i, over a fresh connection (None: no answer)."""
        try:
            with socket.create_connection(("127.0.0.1", self.spec.http), timeout) as c:
                c.sendall(f"GET {self.spec.path(i)} HTTP/1.1\r\nHost: {self.spec.host(i)}\r\n"
                          "Connection: close\r\n\r\n".encode())
                b = b""
                while b"\r\n\r\n" not in b:
                    d = c.recv(65536)
                    if not d:
                        return None
                    b += d
            m = re.search(rb"x-backend: (\d+)", b, re.I)
            return int(m.group(1)) if m and b" 200 " in b[:20] else None
        except OSError:
            return None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.spec.http}"

    @property
    def surl(self):
        return f"https://127.0.0.1:{self.spec.https}"

    @property
    def turl(self):
        return f"http://127.0.0.1:{self.spec.tcp}"

    def close(self):
        stop(self.proc)
        shutil.rmtree(self.spec.dir, ignore_errors=True)


class Direct:
    """No proxy: the load tool straight on the backend (the rig's own ceiling)."""
    name, pid, url = "direct", None, f"http://127.0.0.1:{A_PORT}"

    class spec:
        @staticmethod
        def host(i):
            return "host-0.example.com"

    def close(self):
        pass

