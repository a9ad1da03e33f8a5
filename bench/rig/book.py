"""Samples, their medians and ratios, and tables of them."""
import statistics


class Book:
    def __init__(self):
        self.rows = []          # one dict a sample
        self.notes = []

    def add(self, scenario, peer, rnd, **kw):
        self.rows.append(dict(scenario=scenario, peer=peer, round=rnd, **kw))

    def note(self, text):
        print("  !", text, flush=True)
        self.notes.append(text)

    def samples(self, scenario, peer, key):
        return {r["round"]: r[key] for r in self.rows
                if r["scenario"] == scenario and r["peer"] == peer and r.get(key) is not None}

    def med(self, scenario, peer, key):
        v = list(self.samples(scenario, peer, key).values())
        return statistics.median(v) if v else None

    def spread(self, scenario, peer, key):
        v = list(self.samples(scenario, peer, key).values())
        m = statistics.median(v) if v else 0
        return (max(v) - min(v)) / m if len(v) > 1 and m else None

    def ratio(self, scenario, peer, base, key):
        """Median over rounds of this peer / base in the same round."""
        a, b = self.samples(scenario, peer, key), self.samples(scenario, base, key)
        return self.middle([a[r] / b[r] for r in a if b.get(r)])

    @staticmethod
    def middle(v):
        return statistics.median(v) if v else None


book = Book()


def fmt(v, d=None):
    if v is None:
        return "-"
    if isinstance(v, float):
        if d is None:
            d = 0 if abs(v) >= 1000 else 1 if abs(v) >= 10 else 2
        return f"{v:.{d}f}"
    return str(v)


def table(title, head, rows):
    out = [f"\n### {title}\n", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    out += ["| " + " | ".join(fmt(c) for c in r) + " |" for r in rows]
    return "\n".join(out)


def bases(names):
    """The peers that others are compared with, where they take part."""
    return [b for b in ("nginx", "haproxy", "traefik") if b in names]


def rate_table(title, scenario, names, lat=True):
    by = bases(names)
    ratios = [f"x {b}" for b in by]
    head = ["peer", "req/s", *ratios, *(["p50 us", "p99 us"] if lat else []), "CPU us/req", *ratios, "CPU spread",
            "proxy util", "errors"]
    rows = []
    for n in names:
        if book.med(scenario, n, "rps") is None:
            continue
        rows.append([n, book.med(scenario, n, "rps"), *(book.ratio(scenario, n, b, "rps") for b in by),
                     *([book.med(scenario, n, "p50"), book.med(scenario, n, "p99")] if lat else []),
                     book.med(scenario, n, "us"), *(book.ratio(scenario, n, b, "us") for b in by),
                     book.spread(scenario, n, "us"), book.med(scenario, n, "util"),
                     sum(book.samples(scenario, n, "err").values())])
    return table(title, head, rows)
