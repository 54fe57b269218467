// Package header of hio.core.
#pragma once

#include "hio/core/coring.hpp"
#include "hio/core/wiring.hpp"
