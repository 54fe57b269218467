#!/usr/bin/env python3
"""A TLS peer made with Python's ssl; its usage and its manners are those told in relay.h."""

import argparse
import os
import select
import socket
import ssl
import sys

ENDED_CLEANLY, NO_HANDSHAKE, CUT = 0, 2, 3
PIECE = 16384


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("port", type=int)
    parser.add_argument("version", choices=["1.2", "1.3"])
    for name in ("ca", "cert", "key", "name", "alpn"):
        parser.add_argument("--" + name)
    for name in ("require", "linger"):
        parser.add_argument("--" + name, action="store_true")
    return parser.parse_args()


def context_for(options):
    server = options.role == "server"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    version = ssl.TLSVersion.TLSv1_3 if options.version == "1.3" else ssl.TLSVersion.TLSv1_2
    context.minimum_version = context.maximum_version = version
    # By default Python takes a cut for a clean end.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if options.require:
        context.verify_mode = ssl.CERT_REQUIRED
    if options.ca:
        context.load_verify_locations(options.ca)
    if options.cert:
        context.load_cert_chain(options.cert, options.key)
    if options.alpn:
        context.set_alpn_protocols([options.alpn])
    return context


class Relay:
    """Between the standard streams and one connection after another."""

    def __init__(self, options):
        self.options = options
        self.context = context_for(options)
        self.input_open = True

    def converse(self, plain):
        """From the handshake to the end of one connection; gives an exit code."""
        server = self.options.role == "server"
        try:
            tls = self.context.wrap_socket(
                plain,
                server_side=server,
                server_hostname=None if server else self.options.name,
                suppress_ragged_eofs=False,
            )
        except OSError as error:
            print(error, file=sys.stderr)
            return NO_HANDSHAKE
        tls.setblocking(False)
        try:
            self.relay(tls)
        except OSError as error:
            print(error, file=sys.stderr)
            return CUT
        finally:
            tls.close()
        return ENDED_CLEANLY

    def relay(self, tls):
        far_open = True
        while far_open or (self.options.linger and self.input_open):
            wanted = [0] * self.input_open + [tls] * far_open
            ready = [tls] if far_open and tls.pending() else select.select(wanted, [], [])[0]
            if 0 in ready:
                self.pass_input(tls)
            if tls in ready:
                far_open = self.pass_output(tls)
        if self.input_open:
            self.end(tls)

    def pass_input(self, tls):
        piece = os.read(0, PIECE)
        self.input_open = bool(piece)
        if not piece:
            self.end(tls)
        while piece:
            try:
                piece = piece[tls.send(piece) :]
            except ssl.SSLWantWriteError:
                select.select([], [tls], [])

    def pass_output(self, tls):
        """False after the far side's end."""
        try:
            piece = tls.recv(PIECE)
        except ssl.SSLWantReadError:
            return True
        except ssl.SSLZeroReturnError:
            piece = b""  # how the far side's end looks after our own
        if not piece and self.options.linger:
            os.close(1)
        if not piece:
            return False
        while piece:
            piece = piece[os.write(1, piece) :]
        return True

    def end(self, tls):
        try:
            tls._sslobj.shutdown()  # unwrap() would leave TLS behind, and what is yet to come
        except ssl.SSLWantReadError:
            pass  # the far side's own end may take its time


def main():
    options = parse()
    relay = Relay(options)
    if options.role == "client":
        return relay.converse(socket.create_connection(("127.0.0.1", options.port)))
    with socket.create_server(("127.0.0.1", options.port)) as listener:
        code = ENDED_CLEANLY
        while relay.input_open and code != CUT:
            if 0 in select.select([0, listener], [], [])[0]:
                break
            code = relay.converse(listener.accept()[0])
        return code


sys.exit(main())
