// Package header of hio::net: the seam between the library and the network.
#pragma once

#include "hio/net/endpoint.hpp"
#include "hio/net/net.hpp"
#include "hio/net/poller.hpp"
#include "hio/net/result.hpp"
#include "hio/net/stream.hpp"
#include "hio/net/tls.hpp"
