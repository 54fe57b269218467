// Package header of hio.core.tcp.
#pragma once

#include "hio/core/tcp/awaiting.hpp"
#include "hio/core/tcp/clienting.hpp"
#include "hio/core/tcp/clienting_tls.hpp"
#include "hio/core/tcp/doing.hpp"
#include "hio/core/tcp/failure.hpp"
#include "hio/core/tcp/link.hpp"
#include "hio/core/tcp/loop.hpp"
#include "hio/core/tcp/notified.hpp"
#include "hio/core/tcp/retry.hpp"
#include "hio/core/tcp/serving.hpp"
#include "hio/core/tcp/serving_tls.hpp"
