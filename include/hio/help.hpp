// Package header of hio.help.
#pragma once

#include "hio/help/bytearray.hpp"
#include "hio/help/timing.hpp"
