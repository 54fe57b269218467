"""What is measured of whom."""
from dataclasses import dataclass

# Name: program, its options.
CONTENDERS = {
    "raw": ["raw"],
    "hio-cpp": ["hio"],
    "hio-cpp polled": ["hio", "polled=1"],
    "Asio": ["asio"],
    "Asio coroutines": ["asio_coroutines"],
    "libuv": ["libuv"],
    "libevent": ["libevent"],
}
PLAIN = ["raw", "hio-cpp", "Asio", "Asio coroutines", "libuv", "libevent"]
TLS = ["raw", "hio-cpp", "Asio", "libevent"]


@dataclass(frozen=True)
class Unit:
    name: str
    of: object  # what a run printed -> value


UNITS = {
    "operation": Unit("µs of CPU", lambda ran: 1e6 * ran["cpu"] / ran["operations"]),
    "byte": Unit("s of CPU per GiB", lambda ran: ran["cpu"] / ran["bytes"] * 2**30),
    "wall": Unit("µs until answered", lambda ran: 1e6 * ran["wall"] / ran["operations"]),
    "memory": Unit("KiB each", lambda ran: ran["held_kib"] / ran["operations"]),
    "core": Unit("% of a core", lambda ran: 100 * ran["cpu"] / ran["wall"]),
}


@dataclass(frozen=True)
class Figure:
    name: str
    workload: str
    unit: str
    full: str
    quick: str
    contenders: list
    tls: bool = False
    base: str = "raw"  # what ratios are to; empty: none

    def arguments(self, quick):
        return [*(self.quick if quick else self.full).split(), f"tls={int(self.tls)}"]


GIB = 2**30
FIGURES = [
    Figure("ping-pong, 1 connection", "ping", "operation", "count=20000", "count=2000", PLAIN),
    Figure("ping-pong, 1 connection, wall time", "ping", "wall", "count=20000", "count=1000",
           ["raw", "hio-cpp", "hio-cpp polled", "Asio", "libuv", "libevent"]),
    Figure("ping-pong, 1,000 connections", "ping", "operation", "open=1000 count=200000",
           "open=1000 count=20000", PLAIN),
    Figure("ping-pong, 100 of 10,000 connections", "ping", "operation",
           "open=10000 talk=100 count=200000", "open=4000 talk=100 count=20000", PLAIN),
    Figure("1 GiB up", "up", "byte", f"count={GIB}", f"count={GIB // 2}", PLAIN),
    Figure("1 GiB down", "down", "byte", f"count={GIB}", f"count={GIB // 4}", PLAIN),
    Figure("connect, ping-pong, close", "churn", "operation", "open=64 count=20000",
           "open=64 count=1000", PLAIN),
    Figure("TLS, full handshake", "churn", "operation", "open=64 count=3000", "open=64 count=200",
           TLS, tls=True),
    Figure("TLS, resumed handshake", "churn", "operation", "resume=1 open=64 count=3000",
           "resume=1 open=64 count=300", TLS, tls=True),
    Figure("TLS, 1 GiB up", "up", "byte", f"count={GIB}", f"count={GIB // 8}", TLS, tls=True),
    Figure("TLS, 1 GiB down", "down", "byte", f"count={GIB}", f"count={GIB // 8}", TLS, tls=True),
    Figure("TLS, ping-pong, 1 connection", "ping", "operation", "count=20000", "count=5000", TLS,
           tls=True),
    Figure("memory, idle connection", "idle", "memory", "open=10000 count=100",
           "open=2000 count=100", PLAIN, base=""),
    Figure("memory, idle TLS connection", "idle", "memory", "open=2000 count=100",
           "open=300 count=100", TLS, tls=True, base=""),
    # The programs open as many as they may have descriptors.
    Figure("idle connections, CPU", "idle", "core", "open=100000 count=5000",
           "open=5000 count=1000", ["raw", "hio-cpp"], base=""),
]
