#include "relay.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int input_open = 1;

void die(const char* what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

struct options parse(int argc, char** argv) {
  struct options options = {0};
  if (argc < 4) die("server|client PORT VERSION ...");
  options.server = strcmp(argv[1], "server") == 0;
  options.port = atoi(argv[2]);
  options.tls13 = strcmp(argv[3], "1.3") == 0;
  for (int at = 4; at < argc; ++at) {
    const char** const value = strcmp(argv[at], "--ca") == 0     ? &options.ca
                               : strcmp(argv[at], "--cert") == 0 ? &options.cert
                               : strcmp(argv[at], "--key") == 0  ? &options.key
                               : strcmp(argv[at], "--name") == 0 ? &options.name
                               : strcmp(argv[at], "--alpn") == 0 ? &options.alpn
                                                                 : NULL;
    if (value != NULL && at + 1 < argc) {
      *value = argv[++at];
    } else if (strcmp(argv[at], "--require") == 0) {
      options.require = 1;
    } else if (strcmp(argv[at], "--linger") == 0) {
      options.linger = 1;
    } else {
      die(argv[at]);
    }
  }
  return options;
}

void await(int fd, int writing) {
  struct pollfd it = {fd, writing ? POLLOUT : POLLIN, 0};
  poll(&it, 1, -1);
}

static int send_all(const struct tls* tls, const char* bytes, int size) {
  while (size > 0) {
    const int count = tls->send(tls->it, bytes, size);
    if (count == TLS_CUT) return 0;
    if (count == TLS_AGAIN) {
      await(tls->fd, 1);
      continue;
    }
    bytes += count;
    size -= count;
  }
  return 1;
}

static void put(const char* bytes, int size) {
  while (size > 0) {
    const ssize_t count = write(STDOUT_FILENO, bytes, (size_t)size);
    if (count <= 0) die("standard output is gone");
    bytes += count;
    size -= (int)count;
  }
}

int relay(const struct options* options, const struct tls* tls) {
  static char buffer[16384];
  int far_open = 1;
  while (far_open || (options->linger && input_open)) {
    const int held = far_open && tls->holds(tls->it);
    struct pollfd fds[2] = {{input_open ? STDIN_FILENO : -1, POLLIN, 0},
                            {far_open ? tls->fd : -1, POLLIN, 0}};
    poll(fds, 2, held ? 0 : -1);
    if (fds[0].revents != 0) {
      const ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
      if (count > 0) {
        if (!send_all(tls, buffer, (int)count)) return CUT;
      } else {
        input_open = 0;
        tls->end(tls->it);
      }
    }
    if (held || fds[1].revents != 0) {
      const int count = tls->receive(tls->it, buffer, sizeof buffer);
      if (count == TLS_CUT) return CUT;
      if (count > 0) put(buffer, count);
      if (count == 0) far_open = 0;
      if (count == 0 && options->linger) close(STDOUT_FILENO);
    }
  }
  if (input_open) tls->end(tls->it);
  return ENDED_CLEANLY;
}

int run(const struct options* options, int (*converse)(const struct options* options, int fd)) {
  struct sockaddr_in address = {0};
  const int yes = 1;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  int code = ENDED_CLEANLY;
  signal(SIGPIPE, SIG_IGN);
  address.sin_family = AF_INET;
  address.sin_port = htons((unsigned short)options->port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!options->server) {
    if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) die("cannot connect");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return converse(options, fd);
  }
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) die("cannot bind");
  if (listen(fd, 8) != 0) die("cannot listen");
  for (;;) {
    struct pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {fd, POLLIN, 0}};
    int accepted;
    poll(fds, 2, -1);
    if (fds[0].revents != 0) return code;
    accepted = accept(fd, NULL, NULL);
    if (accepted < 0) die("cannot accept");
    fcntl(accepted, F_SETFL, O_NONBLOCK);
    code = converse(options, accepted);
    close(accepted);
    if (!input_open || code == CUT) return code;
  }
}
