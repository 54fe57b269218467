// What the tests' own TLS peers have in common, whichever library makes TLS for them: options, the
// TCP connection, and the relay between it and the standard streams.
//
//   PROGRAM server|client PORT VERSION [--ca FILE] [--cert FILE --key FILE] [--name NAME]
//           [--alpn PROTOCOL] [--require] [--linger]
//
// What comes over TLS goes to standard output, standard input goes over TLS, and its end is told by
// close_notify. A server takes one connection after another until its input ends, and ends each
// with the far side; with --linger it goes on sending, and tells the far side's end by closing its
// output. Exit codes: 0 both sides ended cleanly, 2 the handshake failed, 3 the connection was cut.
#pragma once

struct options {
  int server;
  int port;
  int tls13;  // else TLS 1.2
  const char* ca;
  const char* cert;
  const char* key;
  const char* name;  // which the server is asked for and must be
  const char* alpn;
  int require;  // a certificate of the client
  int linger;
};

enum { TLS_AGAIN = -1, TLS_CUT = -2 };
enum { ENDED_CLEANLY = 0, NO_HANDSHAKE = 2, CUT = 3 };

// A connection after its handshake.
struct tls {
  void* it;
  int fd;
  // Bytes received, 0 after close_notify, TLS_AGAIN or TLS_CUT.
  int (*receive)(void* it, char* room, int size);
  // Bytes sent, TLS_AGAIN or TLS_CUT.
  int (*send)(void* it, const char* bytes, int size);
  void (*end)(void* it);
  // Whether there is more to be received though the descriptor may be silent.
  int (*holds)(void* it);
};

struct options parse(int argc, char** argv);
// Waits until the descriptor may be read from, or written to.
void await(int fd, int writing);
int relay(const struct options* options, const struct tls* tls);
// Runs `converse`, which makes the handshake and relays, on a nonblocking socket for each
// connection.
int run(const struct options* options, int (*converse)(const struct options* options, int fd));
_Noreturn void die(const char* what);
