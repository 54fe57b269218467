// Marks at rare branches, of which a build with HIO_PROBES can tell which ones were reached.
// Nothing in other builds. Each name stands once in the whole source.
#pragma once

#ifdef HIO_PROBES
namespace hio::help {

struct Probe {
  const char* name;
  bool reached;
};

// All marks of the program, reached or not, between these two: the linker collects them.
extern "C" Probe __start_hio_probes[];
extern "C" Probe __stop_hio_probes[];

}  // namespace hio::help

#define HIO_PROBE_IF(name, condition)                                                       \
  do {                                                                                      \
    [[gnu::section("hio_probes"), gnu::used]] static ::hio::help::Probe probe{name, false}; \
    if (condition) probe.reached = true;                                                    \
  } while (false)
#else
#define HIO_PROBE_IF(name, condition) \
  do {                                \
  } while (false)
#endif
#define HIO_PROBE(name) HIO_PROBE_IF(name, true)
