// All of hio.
#pragma once

#include "hio/base.hpp"
#include "hio/core.hpp"
#include "hio/core/tcp.hpp"
#include "hio/help.hpp"
#include "hio/net.hpp"
